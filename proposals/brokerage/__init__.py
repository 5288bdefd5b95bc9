"""Requests for partners: a lead that lacks a sector asks all members, who answer it in private (R29)."""
