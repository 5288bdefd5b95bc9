"""Organisations that are not members yet: their lists, invitations to join, and what they answered (R34)."""
