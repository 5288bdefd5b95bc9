"""Human judgement of a proposal: declared conflicts, scores 0 to 4 a gate, moderation."""
