"""Paying by card or Direct Debit: checkouts, what the payment provider tells us, refunds, and money taken back."""
