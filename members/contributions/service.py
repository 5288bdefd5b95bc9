"""Pledging, and taking in what was paid. What comes by the bank is matched in `members.contributions.matching`."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select

import members.restrictions.service
from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotFound, RuleBroken
from fund.kernel.policy import policy_at
from fund.kernel.references import next_reference
from ledger.money import format_pence
from ledger.rules import AccountKind
from members.contributions import notices, queries, rules
from members.contributions.invoices import service as invoices
from members.contributions.matching.service import match
from members.contributions.models import Pledge, Receipt
from members.contributions.receiving import Came, locked_pledges, receive_all
from members.contributions.rules import PledgeState
from members.contributions.schedules import queries as schedule
from members.contributions.schedules import service as schedules
from members.contributions.schedules.rules import (
    InstalmentState,
    Part,
    PledgeKind,
    default_due,
    lay_out,
    schedule_faults,
)
from members.queries import lock_organisation
from members.rules import MembershipStatus

__all__ = ["cancel", "match", "pledge", "receive", "reschedule"]


def pledge(
    *,
    organisation_id: int,
    pence: int,
    po_number: str | None,
    actor: Actor,
    now: datetime,
    kind: PledgeKind = PledgeKind.ONE_OFF,
    first_on: date | None = None,
    count: int = 1,
    months: int = 1,
    wish: str | None = None,
) -> Pledge:
    """Promise to pay in. The reference to quote is mailed to those who look after the organisation's money.

    Args:
        pence: the whole; of a yearly pledge, what is paid each year.
        kind: how it is paid.
        first_on: when the first instalment is due; by the fund's terms of payment, unless given.
        count: how many instalments or years.
        months: between two instalments.
        wish: what the money should be kept for, in the contributor's words; it is kept apart from the first penny.

    Raises:
        NotFound: for another organisation than one's own.
        RuleBroken: an amount or a day that can't be right, or an organisation that isn't a member.
    """
    if actor.organisation_id != organisation_id:
        raise NotFound
    actor.require(Permission.CONTRIBUTE)
    organisation = lock_organisation(organisation_id)
    if organisation.status is not MembershipStatus.MEMBER:
        raise RuleBroken(f"{organisation.name} is not a member now. Ask a steward before you pay anything.")
    if not rules.SMALLEST_PLEDGE_PENCE <= pence <= rules.LARGEST_PLEDGE_PENCE:
        raise RuleBroken(
            [
                Finding(
                    f"Pledge between {format_pence(rules.SMALLEST_PLEDGE_PENCE)} "
                    f"and {format_pence(rules.LARGEST_PLEDGE_PENCE)}.",
                    "amount",
                )
            ]
        )
    today = london_day(now)
    parts = lay_out(
        kind, pence, first_on or default_due(today, policy_at(now).invoice_terms_days), count=count, months=months
    )
    if faults := list(schedule_faults(parts, today)):
        raise RuleBroken([_beside(fault) for fault in faults[:1]])
    reference = rules.with_check(next_reference("PL", year=london_day(now).year, digits=4))
    made = Pledge(
        reference=reference,
        reference_key=rules.normal_reference(reference),
        organisation_id=organisation_id,
        pence=sum(part.pence for part in parts),
        po_number=po_number or None,
        state=PledgeState.PLEDGED,
        pledged_at=now,
        pledged_by_id=actor.person_id,
    )
    db.session.add(made)
    db.session.flush()
    schedules.lay_out(made, parts)
    if wish:
        members.restrictions.service.wish(pledge=made, words=wish, now=now, actor=actor)
    audit.record(
        actor,
        "pledge.made",
        reference,
        at=now,
        after={
            "pence": made.pence,
            "po_number": po_number,
            "due": ", ".join(f"{part.due_on} {part.pence}" for part in parts),
        },
    )
    first = parts[0]
    notices.tell(
        organisation,
        f"pledge:{reference}",
        subject=f"How to pay your pledge {reference}",
        what=f"{organisation.name} pledged {format_pence(made.pence)}. Pay by bank transfer and quote {reference}.",
        by_when=f"{format_pence(first.pence)} is due by {in_words(first.due_on)}. Money counts once it has cleared.",
        path=f"/pledges/{reference}",
        now=now,
    )
    return made


def _beside(fault: Finding) -> Finding:
    """A finding about one instalment, beside the field of the form that lays them all out."""
    return Finding(fault.message, "first_on" if (fault.field or "").startswith("due_") else "count")


def cancel(*, pledge_id: int, reason: str, actor: Actor, now: datetime) -> Pledge:
    """Take back a pledge of one's own organisation of which nothing has been paid."""
    found = locked_pledges([pledge_id])[pledge_id]
    if found.organisation_id != actor.organisation_id:
        raise NotFound
    actor.require(Permission.CONTRIBUTE)
    if found.state is not PledgeState.PLEDGED:
        raise Conflict(f"{found.reference} is {rules.STATE_NAMES[found.state].lower()} now, so it can't be cancelled.")
    found.state = PledgeState.CANCELLED
    found.cancelled_at = now
    found.cancel_reason = reason
    for instalment in schedule.of_pledge(found.id, lock=True):
        if instalment.invoiced_pence:
            invoices.undo(instalment, reason=f"The pledge was cancelled: {reason}", actor=actor, now=now)
        instalment.state = InstalmentState.CANCELLED
    audit.record(actor, "pledge.cancelled", found.reference, at=now, after={"reason": reason})
    return found


def reschedule(*, pledge_id: int, parts: Sequence[Part], actor: Actor, now: datetime) -> Pledge:
    """Give the instalments of one's own pledge that were neither paid nor invoiced other days and amounts.

    Raises:
        NotFound: another organisation's pledge.
        Conflict: an instalment was paid or invoiced meanwhile.
        RuleBroken: days out of order or past, amounts that don't sum to what is left of the pledge.
    """
    found = locked_pledges([pledge_id])[pledge_id]
    if found.organisation_id != actor.organisation_id:
        raise NotFound
    actor.require(Permission.CONTRIBUTE)
    schedules.reschedule(pledge=found, parts=parts, actor=actor, now=now)
    return found


def receive(
    *,
    pledge_reference: str,
    pence: int,
    received_on: date,
    source: str,
    held_in: AccountKind,
    actor: Actor | None,
    now: datetime,
    tell: bool = True,
) -> Receipt:
    """Money for a pledge has cleared: books the contribution and writes the receipt. The same `source` again gives the
    first receipt. Who may say so is the caller's question.

    Money that has come is never refused: a pledge that was cancelled meanwhile is open again.

    Args:
        pledge_reference: of the pledge or of one instalment, as somebody wrote it; of a pledge, the oldest open
            instalment is paid.
        source: what brought the money, once and for all, such as "stripe:pi_123".
        held_in: where the money lies: SUSPENSE (a line of the bank) or STRIPE.
        tell: whether the receipt is mailed; a repair of what was missed long ago mails nothing.

    Raises:
        NotFound: no such pledge.
        Conflict: `source` brought other money before.
        RuleBroken: the amount is no payment.
    """
    if pence <= 0:
        raise RuleBroken("Only money that came in can pay a pledge. Check the amount.")
    quoted = queries.pledge_by_reference(pledge_reference)
    if quoted is None:
        raise NotFound
    paid = locked_pledges([quoted.id])[quoted.id]
    earlier = db.session.scalar(select(Receipt).where(Receipt.source == source))
    if earlier is not None:
        if (earlier.pledge_id, earlier.pence) != (paid.id, pence):
            raise Conflict(
                f"This payment has receipt {earlier.reference} for {format_pence(earlier.pence)} already. "
                "Look at that receipt; nothing was booked now."
            )
        return earlier
    if paid.state is PledgeState.CANCELLED:
        _open_again(paid)
    came = Came(paid, pence, received_on, source, held_in, pledge_reference)
    (receipt,) = receive_all([came], actor=actor, now=now, tell=tell)
    return receipt


def _open_again(pledge: Pledge) -> None:
    pledge.cancelled_at = pledge.cancel_reason = None
    for instalment in schedule.of_pledge(pledge.id, lock=True):
        instalment.state = InstalmentState.OPEN
