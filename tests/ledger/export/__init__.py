"""Tests of the journal as a file."""
