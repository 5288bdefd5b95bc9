"""Laying out instalments, moving them, and paying them. Who calls has locked the pledge."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from fund.kernel import audit
from fund.kernel.access import Actor
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, NotFound, RuleBroken
from members.contributions.models import Pledge, PledgeInstalment, Receipt, ReceiptShare
from members.contributions.rules import normal_reference
from members.contributions.schedules import queries, rules
from members.contributions.schedules.rules import InstalmentState, Part
from members.queries import LARGEST_ID


def lay_out(pledge: Pledge, parts: Sequence[Part]) -> None:
    """Write the instalments of a new pledge."""
    for number, part in enumerate(parts, start=1):
        reference = rules.instalment_reference(pledge.reference, number, len(parts))
        db.session.add(
            PledgeInstalment(
                pledge_id=pledge.id,
                number=number,
                reference=reference,
                reference_key=normal_reference(reference),
                due_on=part.due_on,
                pence=part.pence,
                state=InstalmentState.OPEN,
            )
        )
    db.session.flush()


def locked(instalment_id: int) -> PledgeInstalment:
    """The instalment, its pledge locked before it, as everything that moves either does. Raises NotFound."""
    if not 0 < instalment_id <= LARGEST_ID:
        raise NotFound
    pledge_id = select(PledgeInstalment.pledge_id).where(PledgeInstalment.id == instalment_id).scalar_subquery()
    db.session.execute(
        select(Pledge).where(Pledge.id == pledge_id).with_for_update().execution_options(populate_existing=True)
    )
    found = db.session.scalar(
        select(PledgeInstalment)
        .where(PledgeInstalment.id == instalment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    return found


def may_move(instalment: PledgeInstalment) -> bool:
    """Whether its day and amount may change: nothing of it was paid, and no invoice stands."""
    untouched = instalment.paid_pence == 0 and instalment.invoice_reference is None
    return untouched and instalment.state is InstalmentState.OPEN


def reschedule(*, pledge: Pledge, parts: Sequence[Part], actor: Actor, now: datetime) -> None:
    """Give the instalments that may still move other days and amounts, in order; what they sum to stays.

    Raises:
        Conflict: there are no longer as many of them, because one was paid or invoiced meanwhile.
        RuleBroken: days out of order or past, amounts that don't sum to what was pledged.
    """
    moving = [one for one in queries.of_pledge(pledge.id, lock=True) if may_move(one)]
    if not moving or len(moving) != len(parts):
        raise Conflict(
            "An instalment was paid or invoiced in the meantime, so it stays as it is. "
            "Open the pledge again: the page shows what can still be changed."
        )
    if faults := list(rules.change_faults(parts, sum(one.pence for one in moving), london_day(now))):
        raise RuleBroken(faults)
    before = {one.reference: f"{one.due_on} {one.pence}" for one in moving}
    for one, part in zip(moving, parts, strict=True):
        if one.due_on != part.due_on:
            one.reminded_days = None
        one.due_on, one.pence = part.due_on, part.pence
    after = {one.reference: f"{one.due_on} {one.pence}" for one in moving}
    audit.record(actor, "pledge.rescheduled", pledge.reference, at=now, before=before, after=after)


def pay(pledge: Pledge, receipt: Receipt, quoted: str | None, instalments: Sequence[PledgeInstalment]) -> int:
    """Put a receipt to the instalment that was quoted, then to the oldest that are open.

    Args:
        instalments: all of the pledge's, in order and locked. Who calls writes what changed to the database.

    Returns:
        How much of it had been invoiced.
    """
    ordered = sorted(instalments, key=lambda one: one.state is not InstalmentState.OPEN)
    key = normal_reference(quoted or "")
    named = [place for place, one in enumerate(ordered) if one.reference_key == key]
    whole_pledge = key == pledge.reference_key
    due = [_payable(one) for one in ordered]
    shares = rules.allocate(receipt.pence, due, named[0] if named and not whole_pledge else None)
    cleared = 0
    for one, pence in zip(ordered, shares, strict=True):
        if pence:
            one.paid_pence += pence
            was_invoiced = min(pence, one.invoiced_pence)
            one.invoiced_pence -= was_invoiced
            cleared += was_invoiced
            revived = min(pence, one.written_off_pence)
            one.written_off_pence -= revived
            pledge.written_off_pence -= revived
            if one.paid_pence >= one.pence:
                one.state = InstalmentState.PAID
            db.session.add(
                ReceiptShare(receipt_id=receipt.id, instalment_id=one.id, pence=pence, invoiced_pence=was_invoiced)
            )
    return cleared


def unpay(pledge: Pledge, receipt_id: int, pence: int) -> None:
    """So much of a receipt went back: the instalments it paid are open again, the last of them first."""
    paid_by_it = set(
        db.session.scalars(select(ReceiptShare.instalment_id).where(ReceiptShare.receipt_id == receipt_id).limit(100))
    )
    instalments = queries.of_pledge(pledge.id, lock=True)
    for one in sorted(instalments, key=lambda one: (one.id in paid_by_it, one.number), reverse=True):
        taken = min(pence, one.paid_pence)
        one.paid_pence -= taken
        pence -= taken
        if taken and one.state is InstalmentState.PAID and one.paid_pence < one.pence:
            one.state = InstalmentState.OPEN


def pay_again(pledge: Pledge, pence: int) -> None:
    """What had gone back came to us again, without a receipt of its own: the oldest that are open are paid."""
    instalments = queries.of_pledge(pledge.id, lock=True)
    for one, share in zip(instalments, rules.allocate(pence, [one.due_pence for one in instalments]), strict=True):
        one.paid_pence += share
        if share and one.paid_pence >= one.pence:
            one.state = InstalmentState.PAID


def undo(instalments: Sequence[PledgeInstalment], shares: Sequence[ReceiptShare]) -> int:
    """Take back what a receipt paid of locked instalments; they are due again.

    Returns:
        How much of it is asked for by an invoice again. What was invoiced anew or credited meanwhile is not.
    """
    by_id = {one.id: one for one in instalments}
    again = 0
    for share in shares:
        one = by_id[share.instalment_id]
        one.paid_pence -= share.pence
        if one.state is InstalmentState.PAID and one.paid_pence < one.pence:
            one.state = InstalmentState.OPEN
        if one.invoice_reference is not None and one.state is InstalmentState.OPEN:
            asked = min(share.invoiced_pence, one.pence - one.paid_pence - one.invoiced_pence)
            one.invoiced_pence += max(0, asked)
            again += max(0, asked)
    return again


def _payable(one: PledgeInstalment) -> int:
    """What a payment may go to: what is open, and what was written off and comes after all."""
    payable = one.state in (InstalmentState.OPEN, InstalmentState.WRITTEN_OFF)
    return max(0, one.pence - one.paid_pence) if payable else 0
