"""Rounds, proposals and their partners.

`proposals.evidence` holds engagement, co-production, attestations and the four gates; `proposals.assessment` the
scores; `proposals.brokerage` requests for partners.
"""
