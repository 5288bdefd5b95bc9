"""Tests of payment runs."""
