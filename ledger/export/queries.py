"""Reads for a journal: balances at the ends of a period, and its transfers in batches."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby

from sqlalchemy import ColumnElement, func, select

from fund.kernel.db import db
from ledger.export.rules import AccountInPeriod, Booked
from ledger.models import Account, Entry, Transfer

BATCH = 500


def at_one_instant() -> None:
    """Begin to read: whatever is booked meanwhile, the journal shows the books as they are now.

    SQLite does so within any transaction.
    """
    db.session.rollback()
    if db.engine.dialect.name == "postgresql":
        db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def accounts(first: date | None, last: date | None) -> tuple[AccountInPeriod, ...]:
    """Every account with its balances before `first` and after `last`, in order of code."""
    opening = _held_before(first) if first else {}
    closing = _held_before(last + timedelta(days=1)) if last else None
    rows = db.session.execute(
        select(
            Account.id,
            Account.code,
            Account.name,
            Account.kind,
            Account.owner,
            Account.restriction,
            Account.balance_pence,
        ).order_by(Account.code)
    )
    return tuple(
        AccountInPeriod(
            *row[:6], opening.get(row.id, 0), row.balance_pence if closing is None else closing.get(row.id, 0)
        )
        for row in rows
    )


def _held_before(day: date) -> dict[int, int]:
    """What each account held by what had happened before `day`."""
    rows = db.session.execute(
        select(Entry.account_id, func.sum(Entry.amount_pence))
        .join(Transfer, Transfer.id == Entry.transfer_id)
        .where(Transfer.occurred_on < day)
        .group_by(Entry.account_id)
        .order_by(Entry.account_id)
    )
    return {account_id: int(pence) for account_id, pence in rows}


def _within(first: date | None, last: date | None) -> list[ColumnElement[bool]]:
    after = [Transfer.occurred_on >= first] if first else []
    return [*after, Transfer.occurred_on <= last] if last else [*after]


def span(first: date | None, last: date | None) -> tuple[int, date | None, date | None]:
    """(how many transfers happened in a period, the first day and the last day on which one did)."""
    count, oldest, newest = db.session.execute(
        select(func.count(), func.min(Transfer.occurred_on), func.max(Transfer.occurred_on))
        .select_from(Transfer)
        .where(*_within(first, last))
    ).one()
    return count, oldest, newest


def transfers(first: date | None, last: date | None) -> Iterator[Booked]:
    """What happened in a period, in the order it was booked, read `BATCH` transfers at a time."""
    after = 0
    while rows := db.session.execute(
        select(
            Transfer.id,
            Transfer.key,
            Transfer.kind,
            Transfer.occurred_on,
            Transfer.posted_at,
            Transfer.description,
            Transfer.actor_id,
            Transfer.reverses_id,
            Transfer.reason,
        )
        .where(Transfer.id > after, *_within(first, last))
        .order_by(Transfer.id)
        .limit(BATCH)
    ).all():
        legs = _legs([row.id for row in rows])
        for row in rows:
            yield Booked(*row, legs[row.id])
        after = rows[-1].id


def _legs(transfer_ids: list[int]) -> dict[int, tuple[tuple[int, int], ...]]:
    rows = db.session.execute(
        select(Entry.transfer_id, Entry.account_id, Entry.amount_pence)
        .where(Entry.transfer_id.in_(transfer_ids))
        .order_by(Entry.transfer_id, Entry.leg)
    )
    return {
        transfer_id: tuple((account_id, pence) for _, account_id, pence in legs)
        for transfer_id, legs in groupby(rows, key=lambda row: row[0])
    }
