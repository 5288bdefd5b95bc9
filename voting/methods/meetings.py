"""Arithmetic of meetings and of the board (handbook §5.2; Co-operatives UK model rules, adapted). Pure."""

from datetime import datetime, timedelta
from fractions import Fraction
from math import floor

QUORUM_WAIT = timedelta(minutes=30)
LONG_ADJOURNMENT_DAYS = 14
NOTICE_OF_LONG_ADJOURNMENT_CLEAR_DAYS = 7


def adjourns_for_want_of_quorum(*, starts_at: datetime, now: datetime, quorate: bool) -> bool:
    """Whether a meeting that began at `starts_at` is adjourned: no quorum once 30 minutes have passed."""
    return not quorate and now - starts_at >= QUORUM_WAIT


def clear_days_for_adjourned_meeting(adjourned_days: int) -> int:
    """Clear days of notice of an adjourned meeting: 7 if it is put off by 14 days or more, else none."""
    return NOTICE_OF_LONG_ADJOURNMENT_CLEAR_DAYS if adjourned_days >= LONG_ADJOURNMENT_DAYS else 0


def board_seats_to_retire(board_size: int, share: Fraction) -> int:
    """A share of the board, to the nearest whole number, retires each year: of a third 7 → 2, 8 → 3, 9 → 3, 10 → 3."""
    return floor(board_size * share + Fraction(1, 2))


def short_notice_agreed(*, agreeing: int, votes: int, percent: int) -> bool:
    """Whether members holding at least `percent` of the votes agreed in writing to shorter notice."""
    return votes > 0 and 100 * agreeing >= percent * votes


def meeting_required(*, asking: int, members: int, percent: int) -> bool:
    """Whether at least `percent` of members ask for a meeting, so that one must be called."""
    return members > 0 and 100 * asking >= percent * members
