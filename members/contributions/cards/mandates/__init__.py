"""Saved Direct Debits: a member lets the fund take each instalment from its bank account when it is due."""
