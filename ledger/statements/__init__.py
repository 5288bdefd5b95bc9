"""What the books say of a year: the trial balance, the statement of financial activities, the balance sheet."""
