"""Verbs for many transfers of one kind at once: what a statement of a year brings is booked in seconds.

Each transfer is the same as `ledger.service` would post alone; only what holds for all of them is read once. Who calls
knows that none of the keys was used: it has just made them, or holds locked what they are made of.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from fund.kernel.access import Actor
from ledger import journal, queries
from ledger.rules import AccountKind, Leg, Posted, contribution_legs
from ledger.service import post
from ledger.years.queries import first_open_day
from ledger.years.rules import day_in_open_books


@dataclass(frozen=True)
class BankLine:
    """A line of a bank statement, as `ledger.service.book_bank_line` takes it."""

    key: str
    pence: int
    occurred_on: date
    description: str


@dataclass(frozen=True)
class Contribution:
    """Money that cleared, as `ledger.service.receive_contribution` takes it."""

    key: str
    contributor: str
    pence: int
    occurred_on: date
    description: str
    held_in: AccountKind = AccountKind.SUSPENSE
    restriction: str | None = None


def book_bank_lines(
    lines: Sequence[BankLine], *, actor: Actor | None, now: datetime, progress: Callable[[int, int], None] | None = None
) -> None:
    """The lines of a statement, each money in or out that waits to be matched. `progress` is told how many are booked,
    of how many."""
    dated = _Days()
    for number, line in enumerate(lines, 1):
        occurred_on, description = dated.place(line.occurred_on, line.description)
        post(
            key=line.key,
            kind="bank_line",
            legs=[Leg(AccountKind.BANK, line.pence), Leg(AccountKind.SUSPENSE, -line.pence)],
            occurred_on=occurred_on,
            description=description,
            actor=actor,
            now=now,
        )
        if progress is not None and (number % 100 == 0 or number == len(lines)):
            progress(number, len(lines))


def receive_contributions(contributions: Sequence[Contribution], *, actor: Actor | None, now: datetime) -> list[Posted]:
    """Money is a contribution, and free to award; what is short in its own fund is made good first, in the order given.

    Every account is held before the first is posted, so that two who match at once can't wait for one another.
    """
    hold_contributions((one.held_in, one.contributor, one.restriction) for one in contributions)
    funds = dict.fromkeys(one.restriction for one in contributions)
    short = {restriction: -queries.balance_of(AccountKind.SHORTFALL, None, restriction) for restriction in funds}
    dated, posted = _Days(), []
    for one in contributions:
        filled = min(one.pence, short[one.restriction])
        short[one.restriction] -= filled
        occurred_on, description = dated.place(one.occurred_on, one.description)
        posted.append(
            post(
                key=one.key,
                kind="contribution",
                legs=contribution_legs(one.held_in, one.contributor, one.pence, filled, one.restriction),
                occurred_on=occurred_on,
                description=description,
                actor=actor,
                now=now,
            )
        )
    return posted


def hold_contributions(given: Iterable[tuple[AccountKind, str, str | None]]) -> None:
    """Hold every account that contributions move, for who books several or undoes them.

    Args:
        given: where the money lies, who gave it, and the restricted fund it belongs to.
    """
    legs = {
        leg.code: leg
        for held_in, contributor, restriction in given
        for leg in (
            Leg(held_in, 0),
            Leg(AccountKind.CONTRIBUTIONS, 0, contributor, restriction),
            Leg(AccountKind.AVAILABLE, 0, None, restriction),
            Leg(AccountKind.SHORTFALL, 0, None, restriction),
            Leg(AccountKind.AUTHORITY, 0, None, restriction),
        )
    }
    journal.hold(*legs.values())


class _Days:
    """Which day of the open books something is booked on; what is closed is read once."""

    def __init__(self) -> None:
        self._open_from = first_open_day()

    def place(self, day: date, description: str) -> tuple[date, str]:
        if self._open_from is None:
            return day, description
        return day_in_open_books(day, self._open_from, description)
