"""Pages. Importing this lays every page of rounds, drafts and partners on the blueprint."""

from proposals import draft_views, partner_views, round_views
from proposals.blueprint import bp

__all__ = ["bp", "draft_views", "partner_views", "round_views"]
