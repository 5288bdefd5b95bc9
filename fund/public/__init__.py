"""The open book: front page and everything that anyone may read without an account."""
