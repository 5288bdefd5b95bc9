"""Closed periods: days of the books that take no more postings."""
