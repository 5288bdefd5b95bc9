"""Lines that are the bank's own: the interest that it pays us and what it charges."""

from datetime import datetime

from fund.kernel.access import Actor, Permission
from fund.kernel.errors import RuleBroken
from ledger import service as books
from ledger.bank import queries
from ledger.bank.lines import settle
from ledger.bank.models import StatementLine
from ledger.rules import AccountKind


def settle_interest(*, line_id: int, actor: Actor, now: datetime) -> StatementLine:
    """The bank paid interest.

    Raises:
        RuleBroken: for a line of money out.
        Conflict: when somebody settled it first.
    """
    actor.require(Permission.KEEP_BANK)
    if queries.line(line_id).amount_pence < 0:
        raise RuleBroken("This is money out, so it can't be interest. Settle it as a charge, or match it to a payment.")
    line = settle(line_id=line_id, settled_as="interest", actor=actor, now=now)
    books.receive_interest(
        key=f"{line.key}:interest",
        pence=line.amount_pence,
        occurred_on=line.booked_on,
        description="Interest from the bank",
        actor=actor,
        now=now,
    )
    return line


def settle_charge(*, line_id: int, actor: Actor, now: datetime) -> int:
    """The bank charged us; it may take more than is free to award.

    Returns:
        Pence that are short now because they had been awarded.

    Raises:
        RuleBroken: for a line of money in.
        Conflict: when somebody settled it first.
    """
    actor.require(Permission.KEEP_BANK)
    if queries.line(line_id).amount_pence > 0:
        raise RuleBroken("This is money in, so it can't be a charge. Settle it as interest, or match it to a pledge.")
    line = settle(line_id=line_id, settled_as="bank charge", actor=actor, now=now)
    return books.charge_fee(
        key=f"{line.key}:charge",
        pence=-line.amount_pence,
        occurred_on=line.booked_on,
        description="A charge of the bank",
        actor=actor,
        now=now,
        held_in=AccountKind.SUSPENSE,
    ).short_pence
