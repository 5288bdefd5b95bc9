"""Tests of the treasurer's desk."""
