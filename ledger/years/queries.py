"""Reads of closing: which days are closed, what was prepared, and the trial balance at a day."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import in_words
from fund.kernel.db import db
from fund.kernel.tasks import Task
from ledger.models import Account, Entry, Transfer
from ledger.rules import AccountKind
from ledger.years.models import ClosedPeriod, Closing
from ledger.years.rules import day_in_open_books, told_late


@dataclass(frozen=True)
class Held:
    """What one account held at the end of a day, in signed pence."""

    code: str
    kind: AccountKind
    name: str
    pence: int


def first_open_day() -> date | None:
    """The first day that takes postings; None where every day does."""
    return db.session.scalar(select(ClosedPeriod.open_from).order_by(ClosedPeriod.id.desc()).limit(1))


def dated(key: str, day: date, description: str) -> tuple[date, str]:
    """The day and description to book what happened on `day` under: of the first open day, where `day` is closed.

    What was booked under `key` before keeps its own, so that telling it again has no effect, whatever closed since.
    """
    open_from = first_open_day()
    if open_from is None:
        return day, description
    earlier = db.session.execute(
        select(Transfer.occurred_on, Transfer.description).where(Transfer.key == key)
    ).one_or_none()
    if earlier is None:
        return day_in_open_books(day, open_from, description)
    # The same that was booked late, or else what was told: `ledger.service.post` compares that with the first.
    if earlier.description == told_late(day, description):
        return earlier.occurred_on, earlier.description
    return day, description


def trial_balance(on: date) -> list[Held]:
    """What each account held at the end of `on`, by code; what held nothing is left out."""
    pence = func.sum(Entry.amount_pence)
    rows = db.session.execute(
        select(Account.code, Account.kind, Account.name, pence)
        .join(Entry, Entry.account_id == Account.id)
        .join(Transfer, Transfer.id == Entry.transfer_id)
        .where(Transfer.occurred_on <= on)
        .group_by(Account.id, Account.code, Account.kind, Account.name)
        .having(pence != 0)
        .order_by(Account.code)
    )
    return [Held(code, kind, name, int(held)) for code, kind, name, held in rows]


def waiting() -> Closing | None:
    """What was prepared last, if nobody has confirmed it yet."""
    newest = db.session.scalar(select(Closing).order_by(Closing.id.desc()).limit(1))
    if newest is None or db.session.scalar(select(ClosedPeriod.id).where(ClosedPeriod.closing_id == newest.id)):
        return None
    return newest


def closed_periods(limit: int = 50) -> list[ClosedPeriod]:
    """What was confirmed, newest first."""
    return list(db.session.scalars(select(ClosedPeriod).order_by(ClosedPeriod.id.desc()).limit(limit)))


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """A closing that another person prepared."""
    if not actor.may(Permission.CONFIRM_CLOSING):
        return []
    found = waiting()
    if found is None or found.prepared_by_id == actor.person_id:
        return []
    return [
        Task(
            f"Decide whether the books open on {in_words(found.open_from)}",
            f"A steward prepared it: {found.reason}",
            "/books/closing",
        )
    ]
