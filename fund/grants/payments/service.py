"""What becomes of payments beside the runs they are in: their day comes, the bank is asked, a payee is told."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from fund.grants.agreements.rules import AgreementState
from fund.grants.awards import queries as awards
from fund.grants.awards.rules import InstalmentState
from fund.grants.models import Agreement, Award, Instalment
from fund.grants.payments import queries
from fund.grants.payments.rules import Stage, prepare_fault
from fund.kernel import audit
from fund.kernel.access import Actor
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Finding, RuleBroken
from fund.kernel.outbox import mail
from fund.kernel.topics import Topic
from ledger.bank.models import Payee, PaymentOrder
from ledger.bank.payees import tell_of_new_details
from ledger.bank.payments import ask_before_paying, tell_of_failures, tell_of_late_debits
from ledger.money import format_pence
from members.models import Organisation

MARKED_AT_ONCE = 500


def mark_due(now: datetime) -> int:
    """Mark the instalments whose day has come; returns how many. Whether they can be paid is judged when looked at."""
    rows = db.session.scalars(
        select(Instalment)
        .join(Agreement, Agreement.award_id == Instalment.award_id)
        .where(
            Instalment.state == InstalmentState.SCHEDULED,
            Instalment.due_on <= london_day(now),
            Agreement.state == AgreementState.LIVE,
        )
        .order_by(Instalment.id)
        .limit(MARKED_AT_ONCE)
        .with_for_update(of=Instalment, skip_locked=True)
    ).all()
    for row in rows:
        row.state = InstalmentState.DUE
        audit.record(None, "instalment.due", _name(row), at=now, after={"pence": row.pence})
    return len(rows)


def no_longer_payable(orders: Sequence[PaymentOrder], actor: Actor, now: datetime) -> list[Finding]:
    """Why these orders may not go into a payment file: by hands that may not handle them (handbook §6), or for a
    condition that was true at approval and is no longer."""
    keys = {order.key for order in orders}
    grants = {order.grant_owner.removeprefix("grant:") for order in orders}
    rows = db.session.scalars(
        select(Instalment)
        .join(Award, Award.id == Instalment.award_id)
        .where(Award.reference.in_(grants), Instalment.state == InstalmentState.ORDERED)
        .order_by(Instalment.id)
    ).all()
    judged = queries.judge([row for row in rows if row.order_key in keys], now)
    fault = prepare_fault(queries.hands_on(judged, actor.person_id))
    return ([Finding(fault, "run")] if fault else []) + [
        Finding(f"Payment {_name(one.instalment)} is held: {condition.why} Cancel its payment run, or wait.", "run")
        for one in judged
        for condition in one.unmet
    ]


ask_before_paying(no_longer_payable)


def tell_certifiers(payee: Payee, now: datetime) -> None:
    """Write to who binds an organisation that bank details were given for it: whoever did may not have been one."""
    organisation = db.session.scalar(
        select(Organisation).where(Organisation.reference == payee.owner.removeprefix("org:"))
    )
    if organisation is None:
        return
    for contact in awards.certifiers(organisation):
        mail(
            key=f"payee:{payee.id}:given:{contact.email}",
            to=contact.email,
            subject=f"New bank details for {organisation.name}",
            what=f"Bank details were given for {organisation.name}: an account ending {payee.account_number[-4:]}. "
            "A steward will call you on a number that we had before, and nothing is paid to it until then. If nobody "
            "of yours gave them, tell us at once.",
            why=f"You certify for {organisation.name}, which the fund pays.",
            path="/bank/details",
            now=now,
            topic=Topic.ACCOUNT,
        )


tell_of_new_details(tell_certifiers)


def follow_late_debit(order: PaymentOrder, now: datetime) -> None:
    """A payment that was called failed left after all: its instalment is paid by it, unless it was put forward again.

    Raises:
        RuleBroken: when it stands in another run or another order already.
    """
    reference, number = order.grant_owner.removeprefix("grant:"), order.key.split(":")[3]
    row = db.session.scalar(
        select(Instalment)
        .join(Award, Award.id == Instalment.award_id)
        .where(Award.reference == reference, Instalment.number == int(number))
        .with_for_update(of=Instalment)
        .execution_options(populate_existing=True)
    )
    if row is None or row.order_key == order.key:
        return
    again = queries.judge([row], now)[0]
    if again.order is not None and again.stage is not Stage.FAILED:
        raise RuleBroken(
            f"Payment {_name(row)} was ordered again meanwhile. If that one is in no file yet, cancel its payment run "
            "and come back. If it was paid too, ask the payee for one of them back."
        )
    if again.run is not None and again.order is None:
        raise RuleBroken(f"Payment {_name(row)} is in payment run {again.run.reference} again. Cancel that run first.")
    row.attempt = int(order.key.split(":")[4]) if order.key.count(":") == 4 else 1
    row.state, row.ordered_at = InstalmentState.ORDERED, order.ordered_at
    audit.record(None, "instalment.left_after_all", _name(row), at=now, after={"key": order.key})


tell_of_late_debits(follow_late_debit)


def tell_of_failure(order: PaymentOrder, now: datetime) -> None:
    """Write to who binds the payee that a payment did not arrive, and what to look at."""
    organisation = db.session.scalar(
        select(Organisation).where(Organisation.reference == order.owner.removeprefix("org:"))
    )
    if organisation is None or order.file_id is None:  # one that was only called off nobody had heard of
        return
    for contact in awards.certifiers(organisation):
        mail(
            key=f"{order.key}:failed:{contact.email}",
            to=contact.email,
            subject=f"A payment did not arrive: {order.reference}",
            what=f"{order.description}, {format_pence(order.pence)}, did not arrive. The bank or a steward says: "
            f"{order.failed_reason} Please look whether your account, ending {order.payee.account_number[-4:]}, is "
            "still the right one. The money is kept for you, and the payment is made again once this is mended.",
            why=f"You certify for {organisation.name}, which the fund pays.",
            path="/bank/details",
            now=now,
            topic=Topic.MONEY,
        )


tell_of_failures(tell_of_failure)


def _name(row: Instalment) -> str:
    return f"{row.award.reference}/{row.number}"
