"""Undoing a match that was wrong: the money waits again, the receipts are withdrawn, the payer is told."""

from datetime import datetime

from sqlalchemy import delete, select

import ledger.bank.queries
import ledger.many
import ledger.queries
import ledger.service
from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotFound, RuleBroken
from ledger.bank.lines import open_again
from ledger.bank.models import StatementLine
from ledger.money import format_pence
from ledger.rules import AccountKind
from members.contributions import notices
from members.contributions.matching.models import LineMatch, PayerName
from members.contributions.matching.rules import CHOSEN
from members.contributions.models import Pledge, PledgeInstalment, Receipt, ReceiptShare
from members.contributions.receiving import contribution_key, invoice_key, locked_pledges
from members.contributions.rules import state_after
from members.contributions.schedules import queries as schedule
from members.contributions.schedules import service as schedules
from members.queries import LARGEST_ID
from members.rules import name_key


def undo(*, line_id: int, reason: str, actor: Actor, now: datetime) -> list[LineMatch]:
    """Undo what a line of the bank was matched to, all parts of it: the line waits to be matched again.

    Each contribution is undone by a transfer that names it. What of the money had been awarded already is short until
    the line is matched again (`short_pence`). The instalments are due again, and an invoice that was paid is asked for
    again. The name that was learned from the match is forgotten, and the line is never matched without a person again.

    Raises:
        NotFound: no such line.
        Conflict: it isn't matched to a pledge, or somebody undid it first.
        RuleBroken: without a reason.
    """
    actor.require(Permission.KEEP_BANK)
    if not reason.strip():
        raise RuleBroken([Finding("Write why the match was wrong.", "reason")])
    if not 0 < line_id <= LARGEST_ID:
        raise NotFound
    line = ledger.bank.queries.line(line_id, lock=True)
    matches = _standing(line)
    if not matches:
        raise Conflict("This line isn't matched to a pledge now. Go back to the statement to see what became of it.")
    pledges = locked_pledges({match.receipt.pledge_id for match in matches})
    instalments = schedule.of_pledges(pledges)
    ledger.many.hold_contributions(
        (
            AccountKind.SUSPENSE,
            pledges[match.receipt.pledge_id].organisation.owner,
            ledger.queries.restriction_of(match.receipt.transfer_id),
        )
        for match in matches
    )
    for match in matches:
        _withdraw(match, pledges[match.receipt.pledge_id], instalments, reason, actor, now)
    open_again(line, reason, actor, now)
    db.session.flush()
    for match in matches:
        _tell(match, pledges[match.receipt.pledge_id], now)
    return matches


def _standing(line: StatementLine) -> list[LineMatch]:
    """The matches of a locked line that stand; one that was made before matches had rows gets its row now."""
    found = list(
        db.session.scalars(
            select(LineMatch)
            .where(LineMatch.line_id == line.id, LineMatch.undone_at.is_(None))
            .order_by(LineMatch.id)
            .limit(100)
        )
    )
    if found or line.settled_at is None:
        return found
    receipt = db.session.scalar(select(Receipt).where(Receipt.statement_line_id == line.id))
    if receipt is None or line.settled_as != f"contribution:{receipt.reference}":
        return []
    made = LineMatch(
        line_id=line.id,
        receipt_id=receipt.id,
        pence=receipt.pence,
        reason=CHOSEN,
        matched_at=receipt.issued_at,
        matched_by_id=receipt.issued_by_id,
    )
    db.session.add(made)
    db.session.flush()
    return [made]


def _withdraw(
    match: LineMatch,
    pledge: Pledge,
    instalments: dict[int, list[PledgeInstalment]],
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    receipt, today = match.receipt, london_day(now)
    source = str(receipt.source)
    undone = ledger.service.undo_contribution(
        key=f"{contribution_key(source)}:undone",
        undone_key=contribution_key(source),
        reason=reason,
        occurred_on=today,
        actor=actor,
        now=now,
    )
    shares = db.session.scalars(
        select(ReceiptShare).where(ReceiptShare.receipt_id == receipt.id).order_by(ReceiptShare.instalment_id)
    ).all()
    before = pledge.paid_pence
    pledge.paid_pence = before - match.pence
    again = schedules.undo(instalments[pledge.id], shares)
    pledge.state = state_after(pledge.pence, pledge.paid_pence, pledge.written_off_pence)
    match.undone_at, match.undone_by_id, match.undone_reason = now, actor.person_id, reason
    match.short_pence = undone.short_pence
    db.session.flush()
    if again:
        _ask_again(source, again, sum(share.invoiced_pence for share in shares), pledge, reason, actor, now)
    db.session.execute(
        delete(PayerName).where(
            PayerName.name_key == name_key(match.line.counterparty),
            PayerName.organisation_id == pledge.organisation_id,
        )
    )
    audit.record(
        actor,
        "receipt.withdrawn",
        receipt.reference,
        at=now,
        before={"paid_pence": before},
        after={"paid_pence": pledge.paid_pence, "short_pence": undone.short_pence, "reason": reason},
    )


def _ask_again(
    source: str, again: int, was_invoiced: int, pledge: Pledge, reason: str, actor: Actor, now: datetime
) -> None:
    """What was booked as invoiced and paid is invoiced again, as far as the invoice still stands."""
    key, today = f"{invoice_key(source)}:undone", london_day(now)
    if again == was_invoiced:
        ledger.service.reverse(
            key=key, reversed_key=invoice_key(source), reason=reason, occurred_on=today, actor=actor, now=now
        )
        return
    ledger.service.ask_contribution(
        key=key,
        contributor=pledge.organisation.owner,
        pence=again,
        occurred_on=today,
        description=f"{pledge.organisation.name}, invoiced for {pledge.reference} and not paid after all",
        actor=actor,
        now=now,
    )


def _tell(match: LineMatch, pledge: Pledge, now: datetime) -> None:
    receipt = match.receipt
    notices.tell(
        pledge.organisation,
        f"receipt:{receipt.reference}:withdrawn",
        subject=f"Receipt {receipt.reference} is withdrawn: our mistake",
        what=f"We had put a payment of {format_pence(match.pence)} to your pledge {pledge.reference} by mistake, so "
        f"receipt {receipt.reference} doesn't hold any more. We are sorry. If the payment was yours, "
        "tell us and we look again; your money is safe at the fund's bank.",
        by_when="Nothing is needed by a date.",
        path=f"/pledges/{pledge.reference}",
        now=now,
    )
