"""Tests of the statement of an account."""
