"""What the scheduler does for grants. What people do is in the parts: awards, agreements, checks, payments."""

from datetime import datetime

from fund.grants.awards.service import lapse_offers
from fund.grants.payments.service import mark_due


def sweep(now: datetime) -> int:
    """Lapse the offers whose time has run out and mark the instalments whose day has come; returns how many of both."""
    return lapse_offers(now) + mark_due(now)
