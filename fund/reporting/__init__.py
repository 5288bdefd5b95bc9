"""What changed: the measurement framework, commitments, reports, readings and stories."""
