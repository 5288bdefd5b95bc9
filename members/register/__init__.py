"""The society's registers, and how membership begins, pauses and ends (handbook §4.2, §4.3)."""
