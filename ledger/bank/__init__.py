"""The bank: statements read and settled, payees verified, payment files made."""
