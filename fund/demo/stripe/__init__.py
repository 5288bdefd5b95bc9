"""A small stand-in for Stripe, for the demonstration and for tests: its wire form, its page to pay on, its messages."""
