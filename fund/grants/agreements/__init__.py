"""Agreements: the text made from an award, its signatures, and the moment it goes live and reserves the pot."""
