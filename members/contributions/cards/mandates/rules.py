"""When a saved Direct Debit takes what, and when it doesn't. Pure.

Bacs Direct Debit: a payer is told of day and amount beforehand, may end it at any time with us or with their bank, and
their bank gives back at once what was taken wrongly (the Direct Debit Guarantee).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from fund.kernel.calendar import add_working_days
from members.contributions.cards.rules import CheckoutState


class MandateState(StrEnum):
    """Where a payer's leave to be debited stands. Once ended it never comes back: another is made."""

    WANTED = "wanted"
    OPEN = "open"
    ACTIVE = "active"
    EXPIRED = "expired"
    ENDED = "ended"


MANDATE_NAMES = {
    MandateState.WANTED: "Being set up",
    MandateState.OPEN: "Bank details not given yet",
    MandateState.ACTIVE: "In force",
    MandateState.EXPIRED: "Never finished",
    MandateState.ENDED: "Ended",
}

GROWING = (MandateState.WANTED, MandateState.OPEN)
"""Not in force yet, and may still be."""

UNDER_WAY = (CheckoutState.PLANNED, CheckoutState.WANTED, CheckoutState.ON_ITS_WAY)
"""Where a collection stands that may still bring money; an instalment has one such at most."""

ASK_AGAIN = timedelta(minutes=10)
"""How long an unanswered request rests before the provider is asked what became of it."""

MESSAGE_WAITS = timedelta(days=1)
"""How long a message about a mandate that we don't know may wait for the one that makes it known."""


def announced_until(today: date, notice_days: int) -> date:
    """The last due day that has to be announced today to be kept."""
    return add_working_days(today, notice_days)


def collection_day(due_on: date, announced_on: date, notice_days: int) -> date:
    """When an instalment is taken: the day it is due, but a working day, and never before its notice is over."""
    return max(add_working_days(due_on, 0), add_working_days(announced_on, notice_days))


@dataclass(frozen=True)
class Standing:
    """An announced collection on its day: what was announced, and what is true by now."""

    announced_pence: int
    collect_on: date
    due_pence: int
    due_on: date
    in_force: bool
    is_member: bool
    other_payment: bool


class Step(StrEnum):
    """What becomes of an announced collection."""

    COLLECT = "collect"
    DROP = "drop"
    WAIT = "wait"


def next_step(standing: Standing) -> Step:
    """Never more than was announced nor earlier, never without leave, and nothing that has been paid another way.

    What is dropped because day or amount moved is announced anew.
    """
    if not (standing.in_force and standing.is_member) or standing.due_pence <= 0:
        return Step.DROP
    if standing.due_on > standing.collect_on or standing.due_pence > standing.announced_pence:
        return Step.DROP
    return Step.WAIT if standing.other_payment else Step.COLLECT
