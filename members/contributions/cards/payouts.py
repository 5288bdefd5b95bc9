"""Payouts: what the provider sends to our bank, the bank's line that shows it came, and those that fail.

A payout may be taken back after it has reached the bank. What we booked is then undone at once, so that the books say
again that the provider holds the money; the bank's own line of its leaving is matched when a statement shows it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

import ledger.bank.queries
import ledger.service
from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, NotFound
from ledger.bank.lines import settle as settle_line
from ledger.bank.models import StatementLine
from members.contributions.cards.models import Payout, ProviderEvent

_MOST_PER_RUN = 500
_DAYS = timedelta(days=4)
_RETURN_DAYS = timedelta(days=30)


# --- what the provider tells


def paid_out(event: ProviderEvent, now: datetime) -> str | None:
    """Money is on its way to our bank."""
    if event.item is None or not event.pence or event.arrives_on is None:
        return "It names no sum."
    session = db.session()
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    session.execute(
        insert(Payout)
        .values(item=event.item, pence=event.pence, arrives_on=event.arrives_on)
        .on_conflict_do_nothing(index_elements=["item"])
    )
    return "Waits for its line on the bank's statement."


def failed(event: ProviderEvent, now: datetime) -> str | None:
    """A payout did not stay at the bank: the provider holds the money again."""
    found = db.session.scalar(
        select(Payout)
        .where(Payout.item == (event.item or ""))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        return None
    if found.failed_at is not None:
        return "Known already."
    found.failed_at, found.failure = event.happened_at, event.reason or "no reason given"
    if found.matched_at is None:
        return "The payout did not reach the bank; the money stays with the provider."
    _undo(found, now)
    return "The payout is undone: the provider holds the money again, until it sends another."


def _undo(found: Payout, now: datetime) -> None:
    ledger.service.reverse(
        key=f"stripe:{found.item}:failed",
        reversed_key=f"stripe:{found.item}",
        reason=found.failure or "no reason given",
        occurred_on=london_day(found.failed_at or now),
        actor=None,
        now=now,
    )
    audit.record(None, "payout.failed", found.item, at=now, after={"reason": found.failure})


# --- the bank's lines


def _locked(payout_id: int) -> Payout:
    found = db.session.execute(
        select(Payout).where(Payout.id == payout_id).with_for_update().execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def match_payout(*, payout_id: int, line_id: int, actor: Actor | None, now: datetime) -> Payout:
    """A line of the bank is this payout: settles the line, and moves the money from the provider to the bank. Of one
    that has failed meanwhile, that is undone at once, so that both of its lines can be matched.

    Raises:
        NotFound: no such payout or line.
        Conflict: either was matched first.
        RuleBroken: the line is of another sum.
    """
    if actor is not None:
        actor.require(Permission.KEEP_BANK)
    found = _locked(payout_id)
    if found.matched_at is not None:
        raise Conflict("This payout is matched. Go back to the list: what still waits is there.")
    line = settle_line(
        line_id=line_id, settled_as=f"payout:{found.item}", actor=actor, now=now, expected_pence=found.pence
    )
    ledger.service.receive_payout(
        key=f"stripe:{found.item}",
        pence=found.pence,
        occurred_on=line.booked_on,
        description=f"Payout {found.item} from the payment provider",
        actor=actor,
        now=now,
    )
    found.statement_line_id, found.matched_at = line.id, now
    found.matched_by_id = actor.person_id if actor else None
    if found.failed_at is not None:
        _undo(found, now)
    return found


def match_return(*, payout_id: int, line_id: int, actor: Actor | None, now: datetime) -> Payout:
    """A line of the bank is a failed payout leaving again. Its money was booked back when the provider told of it.

    Raises:
        NotFound: no such payout or line.
        Conflict: it never came or did not fail, or either was matched first.
        RuleBroken: the line is of another sum.
    """
    if actor is not None:
        actor.require(Permission.KEEP_BANK)
    found = _locked(payout_id)
    if found.failed_at is None or found.matched_at is None:
        raise Conflict(
            "This payout has not come and failed, so no line of the bank can be its return. Look at its page."
        )
    if found.return_line_id is not None:
        raise Conflict("The return of this payout is matched. Go back to the list: what still waits is there.")
    line = settle_line(
        line_id=line_id, settled_as=f"payout returned:{found.item}", actor=actor, now=now, expected_pence=-found.pence
    )
    found.return_line_id = line.id
    found.returned_by_id = actor.person_id if actor else None
    return found


def match_payouts(now: datetime) -> int:
    """Match each payout, and each return of one, with the one line of the bank that can only be it: the very sum, the
    provider's name, the days about it. What is in doubt waits for a person."""
    came, left = ledger.bank.queries.open_lines_in(), ledger.bank.queries.open_lines_out()
    matched = 0
    for payout in _waiting(Payout.matched_at.is_(None), Payout.failed_at.is_(None)):
        fitting = [line for line in _of_sum(came, payout.pence) if abs(line.booked_on - payout.arrives_on) <= _DAYS]
        if len(fitting) == 1:
            match_payout(payout_id=payout.id, line_id=fitting[0].id, actor=None, now=now)
            matched += 1
    for payout in _waiting(
        Payout.matched_at.is_not(None), Payout.failed_at.is_not(None), Payout.return_line_id.is_(None)
    ):
        fitting = [
            line
            for line in _of_sum(left, -payout.pence)
            if payout.arrives_on <= line.booked_on <= payout.arrives_on + _RETURN_DAYS
        ]
        if len(fitting) == 1:
            match_return(payout_id=payout.id, line_id=fitting[0].id, actor=None, now=now)
            matched += 1
    return matched


def _waiting(*conditions: ColumnElement[bool]) -> list[Payout]:
    return list(db.session.scalars(select(Payout).where(*conditions).order_by(Payout.id).limit(_MOST_PER_RUN)))


def _of_sum(lines: Iterable[StatementLine], pence: int) -> list[StatementLine]:
    """Those of just this sum that name the provider and nobody has matched."""
    return [
        line
        for line in lines
        if line.settled_at is None
        and line.amount_pence == pence
        and "STRIPE" in f"{line.counterparty} {line.remittance} {line.bank_reference}".upper()
    ]
