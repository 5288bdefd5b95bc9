"""Reads of a statement. The newest entries cost the same however long the account is; sums are made only when asked."""

from sqlalchemy import ColumnElement, and_, case, func, or_, select, true

from fund.kernel.db import db
from ledger.models import Entry, Transfer
from ledger.queries import PAGE, AccountLine
from ledger.statement.rules import Sieve, Sums

KINDS_FROM = 1_000
"""How many of an account's newest entries say which sorts of act it knows."""


def lines(account_id: int, sieve: Sieve, *, before: int | None = None, limit: int = PAGE) -> list[AccountLine]:
    """Entries of an account that pass, newest first, from below sequence `before`."""
    query = (
        select(
            Entry.sequence,
            Entry.transfer_id,
            Transfer.occurred_on,
            Transfer.posted_at,
            Transfer.kind,
            Transfer.description,
            Entry.amount_pence,
            Entry.balance_pence,
        )
        .join(Transfer, Transfer.id == Entry.transfer_id)
        .where(Entry.account_id == account_id, *_passing(sieve))
        .order_by(Entry.sequence.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(Entry.sequence < before)
    return [AccountLine(*row) for row in db.session.execute(query)]


def _passing(sieve: Sieve) -> list[ColumnElement[bool]]:
    size = func.abs(Entry.amount_pence)
    found: list[ColumnElement[bool]] = []
    if sieve.first is not None:
        found.append(Transfer.occurred_on >= sieve.first)
    if sieve.last is not None:
        found.append(Transfer.occurred_on <= sieve.last)
    if sieve.kind is not None:
        found.append(Transfer.kind == sieve.kind)
    if sieve.least_pence is not None:
        found.append(size >= sieve.least_pence)
    if sieve.most_pence is not None:
        found.append(size <= sieve.most_pence)
    if sieve.text is not None:
        found.append(
            or_(
                Transfer.description.icontains(sieve.text, autoescape=True),
                Transfer.key.icontains(sieve.text, autoescape=True),
            )
        )
    return found


def sums(account_id: int, sieve: Sieve) -> Sums:
    """What passes, added up over all pages, and the balances at both ends of the days asked for."""
    passes = and_(true(), *_passing(sieve))
    amount = Entry.amount_pence
    until = Transfer.occurred_on <= sieve.last if sieve.last else true()
    before = Transfer.occurred_on < sieve.first if sieve.first else ~true()
    row = db.session.execute(
        select(
            func.count(case((passes, 1))),
            func.sum(case((and_(passes, amount > 0), amount), else_=0)),
            func.sum(case((and_(passes, amount < 0), amount), else_=0)),
            func.sum(case((before, amount), else_=0)),
            func.sum(case((until, amount), else_=0)),
        )
        .select_from(Entry)
        .join(Transfer, Transfer.id == Entry.transfer_id)
        .where(Entry.account_id == account_id)
    ).one()
    return Sums(*(int(pence or 0) for pence in row))


def kinds(account_id: int) -> list[str]:
    """The sorts of act among an account's newest entries, by name."""
    newest = (
        select(Entry.transfer_id)
        .where(Entry.account_id == account_id)
        .order_by(Entry.sequence.desc())
        .limit(KINDS_FROM)
        .subquery()
    )
    query = select(Transfer.kind).join(newest, newest.c.transfer_id == Transfer.id).distinct().order_by(Transfer.kind)
    return list(db.session.scalars(query))
