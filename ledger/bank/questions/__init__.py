"""What statement files leave open: kept until a person answers, and remembered where that holds for later files."""
