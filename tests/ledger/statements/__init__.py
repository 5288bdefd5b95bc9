"""Tests of the statements of a year."""
