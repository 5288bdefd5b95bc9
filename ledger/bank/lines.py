"""Settling a line of the bank: saying what it became, once."""

from datetime import datetime

from fund.kernel import audit
from fund.kernel.access import Actor
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, RuleBroken
from ledger.bank import queries
from ledger.bank.models import StatementLine
from ledger.money import format_pence


def settle(
    *, line_id: int, settled_as: str, actor: Actor | None, now: datetime, expected_pence: int | None = None
) -> StatementLine:
    """Say what a line of the bank became, such as "contribution:RC-2026-001". The caller books what that means.

    Args:
        expected_pence: the signed sum that the line must have, where only that one will do.

    Raises:
        Conflict: when somebody settled it first.
        RuleBroken: when its sum is another than expected.
    """
    line = queries.line(line_id, lock=True)
    if line.settled_at is not None:
        raise Conflict("Somebody matched this line first. Go back to the list: what still waits is there.")
    if expected_pence is not None and line.amount_pence != expected_pence:
        sentence = (
            f"The line is of {format_pence(line.amount_pence)} and the payment needs one of "
            f"{format_pence(expected_pence)}. Choose the line of the very same sum."
        )
        raise RuleBroken([Finding(sentence, "line")])
    settle_locked(line, settled_as, actor, now)
    db.session.flush()
    return line


def settle_locked(line: StatementLine, settled_as: str, actor: Actor | None, now: datetime) -> None:
    """The same for a line that is locked and waits; who calls writes it to the database."""
    line.settled_at, line.settled_as = now, settled_as
    line.settled_by_id = actor.person_id if actor else None
    audit.record(actor, "statement_line.settled", line.key, at=now, after={"settled_as": settled_as})


def open_again(line: StatementLine, reason: str, actor: Actor | None, now: datetime) -> None:
    """What a locked line had become was wrong: it waits to be matched again. The caller undoes what was booked."""
    audit.record(
        actor,
        "statement_line.opened_again",
        line.key,
        at=now,
        before={"settled_as": line.settled_as},
        after={"reason": reason},
    )
    line.settled_at = line.settled_as = line.settled_by_id = None
