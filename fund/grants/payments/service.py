"""What people do with a payment: prepare it, approve it, send it to the bank. Every step judges the conditions anew."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

import ledger.bank.service
from fund.grants.agreements.rules import AgreementState
from fund.grants.awards import queries as awards
from fund.grants.awards.rules import InstalmentState, award_path
from fund.grants.models import Agreement, Approval, Award, Instalment
from fund.grants.payments import queries
from fund.grants.payments.queries import Payment
from fund.grants.payments.rules import Stage, approve_fault, prepare_fault
from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, NotFound, require
from fund.kernel.outbox import mail
from fund.kernel.topics import Topic
from ledger.bank.models import Payee, PaymentOrder
from ledger.bank.payees import tell_of_new_details
from ledger.bank.payments import ask_before_paying, tell_of_failures
from ledger.money import format_pence
from members.models import Organisation

MARKED_AT_ONCE = 500


def prepare(*, reference: str, number: int, actor: Actor, now: datetime) -> Payment:
    """Put a payment forward: from here on two other people may approve exactly this.

    A payment that failed at the bank is put forward again as a new attempt.

    Raises:
        RuleBroken: naming every condition that holds it.
        NotAllowed: when this person may not handle it.
        Conflict: when somebody prepared it already, or it is at the bank.
    """
    actor.require(Permission.PREPARE_GRANTS)
    found = _locked(reference, number, now)
    if found.stage is Stage.FAILED:
        found = _next_attempt(found, now)
    if found.order is not None:
        raise Conflict(
            f"Payment {number} of {reference} was approved in the meantime. Open it again to see how it stands."
        )
    if found.is_prepared:
        raise Conflict(f"Payment {number} of {reference} was prepared in the meantime. It waits for approval now.")
    if (fault := prepare_fault(queries.hands(found, actor.person_id))) is not None:
        raise NotAllowed(fault)
    _require_conditions(found)
    row = found.instalment
    row.prepared_by_id = actor.person_id
    row.prepared_at = now
    row.prepared_sha256 = found.sha256
    audit.record(actor, "instalment.prepared", _name(row), at=now, after={"pence": row.pence, "sha256": found.sha256})
    return queries.judge([row], now)[0]


def approve(*, reference: str, number: int, sha256: str, actor: Actor, now: datetime) -> Payment:
    """Approve exactly the payment that was shown. The last approval needed makes the order at the bank.

    Args:
        sha256: fingerprint of what the approver saw.

    Raises:
        Conflict: when the payment is no longer the one that was shown.
        RuleBroken: naming every condition that holds it.
        NotAllowed: when this person may not approve it.
    """
    actor.require(Permission.APPROVE_PAYMENTS)
    found = _locked(reference, number, now)
    if found.order is not None:
        raise Conflict(f"Payment {number} of {reference} has all its approvals already. Nothing more is needed.")
    if found.sha256 != sha256 or not found.is_prepared:
        raise Conflict(
            "The payee, the bank details or the amount changed after you opened this, so earlier approvals no "
            "longer count. Open the payment again; a steward prepares it anew."
        )
    if (fault := approve_fault(queries.hands(found, actor.person_id))) is not None:
        raise NotAllowed(fault)
    _require_conditions(found)
    row = found.instalment
    db.session.add(
        Approval(
            instalment_id=row.id, person_id=actor.person_id, person_name=actor.name, approved_at=now, sha256=sha256
        )
    )
    db.session.flush()
    audit.record(actor, "instalment.approved", _name(row), at=now, after={"pence": row.pence, "sha256": sha256})
    if len(found.approvals) + 1 >= found.needed:
        _order(found, actor, now)
    return queries.judge([row], now)[0]


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


def no_longer_payable(orders: Sequence[PaymentOrder], now: datetime) -> list[Finding]:
    """Which of these orders may not go into a payment file, for a condition that was true at approval is no longer."""
    keys = {order.key for order in orders}
    grants = {order.grant_owner.removeprefix("grant:") for order in orders}
    rows = db.session.scalars(
        select(Instalment)
        .join(Award, Award.id == Instalment.award_id)
        .where(Award.reference.in_(grants), Instalment.state == InstalmentState.ORDERED)
        .order_by(Instalment.id)
    ).all()
    judged = queries.judge([row for row in rows if row.order_key in keys], now)
    return [
        Finding(f"Payment {_name(one.instalment)} is held: {condition.why} Take it out of the file.", "orders")
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


def _locked(reference: str, number: int, now: datetime) -> Payment:
    """The payment with its row held until the transaction ends, judged on fresh facts."""
    award = awards.award_by_reference(reference)
    if not 0 < number < 10_000:
        raise NotFound
    row = db.session.scalar(
        select(Instalment)
        .where(Instalment.award_id == award.id, Instalment.number == number)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound
    return queries.judge([row], now)[0]


def _next_attempt(found: Payment, now: datetime) -> Payment:
    row = found.instalment
    row.attempt += 1
    row.state = InstalmentState.DUE
    row.ordered_at = None
    db.session.flush()
    return queries.judge([row], now)[0]


def _require_conditions(found: Payment) -> None:
    require(Finding(f"{condition.label}: not yet. {condition.why}") for condition in found.unmet)


def _order(found: Payment, actor: Actor, now: datetime) -> None:
    row = found.instalment
    award: Award = row.award
    ledger.bank.service.order_payment(
        key=row.order_key,
        owner=row.organisation.owner,
        grant=award.owner,
        pence=row.pence,
        reference=f"{award.reference}-{row.number}",
        description=f"Payment {row.number} of grant {award.reference} to {row.organisation.name}",
        actor=actor,
        now=now,
        pay_by=found.pay_by,
        target_on=found.target_on,
    )
    row.state = InstalmentState.ORDERED
    row.ordered_at = now
    db.session.flush()
    audit.record(actor, "instalment.ordered", _name(row), at=now, after={"pence": row.pence, "key": row.order_key})
    for contact in awards.certifiers(row.organisation):
        mail(
            key=f"{row.order_key}:ordered:{contact.email}",
            to=contact.email,
            subject=f"A payment is on its way: {award.reference}",
            what=(
                f"Payment {row.number} of grant {award.reference}, {format_pence(row.pence)}, was approved on "
                f"{in_words(london_day(now))} and goes to the bank with the next payment file."
            ),
            why=f"You certify for {row.organisation.name}, which is paid.",
            path=award_path(award.reference),
            now=now,
            topic=Topic.MONEY,
        )


def _name(row: Instalment) -> str:
    return f"{row.award.reference}/{row.number}"
