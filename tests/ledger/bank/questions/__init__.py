"""Tests of what statement files leave open."""
