"""What people do with a payment run: put it together, approve it as one, send it back, cancel it.

Every step judges the conditions of every payment anew. The file is made of a whole run by `ledger.bank`.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import select

import ledger.bank.service
from fund.grants.awards import queries as awards
from fund.grants.awards.rules import InstalmentState, award_path
from fund.grants.models import Approval, Instalment, PaymentRun, PaymentRunItem
from fund.grants.payments import queries as payments
from fund.grants.payments.queries import Payment
from fund.grants.payments.rules import Stage, approve_fault, prepare_fault
from fund.grants.runs import queries
from fund.grants.runs.queries import Run
from fund.grants.runs.rules import MOST_PAYMENTS, RunState, day_faults
from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, NotFound, RuleBroken, require
from fund.kernel.outbox import mail
from fund.kernel.references import next_reference
from fund.kernel.topics import Topic
from ledger.bank.queries import order_by_key
from ledger.money import format_pence
from members.accounts.models import Person

_CHOOSE = "Choose at least one payment for the run."


def prepare(*, instalment_ids: Collection[int], actor: Actor, now: datetime, day: date | None = None) -> PaymentRun:
    """Put payments together into a run: from here on others may approve exactly this.

    A payment that failed at the bank, or whose run was cancelled, is put forward as a new attempt.

    Args:
        day: when the bank is to pay; None for the first working day that its cut-off leaves.

    Raises:
        RuleBroken: naming every condition that holds any of them, and what is wrong with the day.
        NotAllowed: when this person may not handle one of them.
        Conflict: when one of them is in another run, or at the bank.
    """
    actor.require(Permission.PREPARE_GRANTS)
    rows = _locked(instalment_ids)
    found = payments.judge(rows, now)
    if failed := [one.instalment for one in found if one.stage is Stage.FAILED]:
        _next_attempts(failed)
        found = payments.judge(rows, now)
    _require_free(found)
    if (fault := prepare_fault(payments.hands_on(found, actor.person_id))) is not None:
        raise NotAllowed(fault)
    earliest = queries.first_day(now)
    require([*_held(found), *day_faults(day or earliest, earliest)])
    run = PaymentRun(
        reference=next_reference("PR", year=london_day(now).year),
        state=RunState.OPEN,
        execute_on=day or earliest,
        sha256="",
        payment_count=len(rows),
        pence=sum(row.pence for row in rows),
        prepared_by_id=actor.person_id,
        prepared_by_name=actor.name,
        prepared_at=now,
        items=[PaymentRunItem(instalment_id=row.id, order_key=row.order_key, is_live=True) for row in rows],
    )
    db.session.add(run)
    db.session.flush()
    _freeze(run, rows, now)
    for row in rows:
        row.prepared_by_id, row.prepared_at = actor.person_id, now
    audit.record(
        actor,
        "payment_run.prepared",
        run.reference,
        at=now,
        after={"payments": len(rows), "pence": run.pence, "sha256": run.sha256},
    )
    db.session.flush()
    return run


def take_out(*, reference: str, instalment_id: int, actor: Actor, now: datetime) -> PaymentRun:
    """Take one payment out of a run that is not approved yet. Approvals given before are of another run, and void.

    Raises:
        NotAllowed: for anybody but its preparer: whoever changes a run may not approve it.
        RuleBroken: for the last payment of a run.
        Conflict: when it is approved or ended.
    """
    actor.require(Permission.PREPARE_GRANTS)
    run = queries.run_row(reference, lock=True)
    _require_open(run)
    if run.prepared_by_id != actor.person_id:
        raise NotAllowed(
            f"{run.prepared_by_name} prepared this run and can take payments out of it. You can cancel it."
        )
    items = _live_items(run)
    item = next((item for item in items if item.instalment_id == instalment_id), None)
    if item is None:
        raise NotFound
    if len(items) == 1:
        raise RuleBroken("This is the only payment of the run. Cancel the run instead.")
    item.is_live, item.taken_out_at = False, now
    db.session.flush()
    rows = _locked([one.instalment_id for one in items if one is not item])
    run.payment_count, run.pence = len(rows), sum(row.pence for row in rows)
    _freeze(run, rows, now)
    audit.record(
        actor,
        "payment_run.payment_taken_out",
        reference,
        at=now,
        after={"payment": item.order_key, "pence": run.pence, "sha256": run.sha256},
    )
    db.session.flush()
    return run


def approve(*, reference: str, sha256: str, actor: Actor, now: datetime) -> Run:
    """Approve exactly the run that was shown. The last approval needed makes the orders at the bank.

    Args:
        sha256: fingerprint of what the approver saw.

    Raises:
        Conflict: when the run is no longer the one that was shown.
        RuleBroken: naming every condition that holds a payment of it.
        NotAllowed: when this person may not approve it.
    """
    actor.require(Permission.APPROVE_PAYMENTS)
    run = queries.run_row(reference, lock=True)
    _require_open(run)
    found = _judged(run, now)
    if found.is_changed or found.sha256 != sha256:
        raise Conflict(
            f"A payee, bank details or an amount of {reference} changed after it was prepared or you opened it, so "
            "earlier approvals no longer count. Open the run again to see what is to be done."
        )
    if (fault := approve_fault(payments.hands_on(found.payments, actor.person_id))) is not None:
        raise NotAllowed(fault)
    require(_held(found.payments))
    db.session.add_all(
        Approval(
            instalment_id=one.instalment.id,
            person_id=actor.person_id,
            person_name=actor.name,
            approved_at=now,
            sha256=sha256,
        )
        for one in found.payments
    )
    db.session.flush()
    audit.record(actor, "payment_run.approved", reference, at=now, after={"pence": run.pence, "sha256": sha256})
    if len(found.approvals) + 1 >= found.needed:
        for one in found.payments:
            _order(one, run, actor, now)
        run.state, run.approved_at = RunState.APPROVED, now
        db.session.flush()
    return queries.run(reference, now)


def send_back(*, reference: str, reason: str, actor: Actor, now: datetime) -> PaymentRun:
    """An approver doesn't approve: the run ends with their reason, its preparer is told, and its payments are free.

    Raises:
        RuleBroken: without a reason.
        Conflict: when it is approved or ended.
    """
    actor.require(Permission.APPROVE_PAYMENTS)
    run = queries.run_row(reference, lock=True)
    _require_open(run)
    _end(run, RunState.SENT_BACK, reason, actor, now)
    preparer = db.session.get_one(Person, run.prepared_by_id)
    mail(
        key=f"payment_run:{reference}:sent_back",
        to=preparer.email,
        subject=f"Payment run {reference} was sent back",
        what=f"{actor.name} sent it back: {reason} Put right what is wrong, and prepare its payments again.",
        why="You prepared this payment run.",
        path=run_path(reference),
        now=now,
        topic=Topic.MONEY,
    )
    return run


def cancel(*, reference: str, reason: str, actor: Actor, now: datetime) -> PaymentRun:
    """End a run before its file is made; what was ordered is called off, and its payments are free for another run.

    Raises:
        RuleBroken: without a reason.
        Conflict: when its file was made, or it ended.
    """
    actor.require(Permission.PREPARE_GRANTS)
    run = queries.run_row(reference, lock=True)
    was_approved = run.state is RunState.APPROVED
    if not was_approved:
        _require_open(run)
    rows = _end(run, RunState.CANCELLED, reason, actor, now)
    if was_approved:
        ledger.bank.service.call_off_run(run=reference, reason=reason, actor=actor, now=now)
        _next_attempts(rows)
    return run


def run_path(reference: str) -> str:
    """The page of a payment run."""
    return f"/payment-runs/{reference}"


def _locked(instalment_ids: Collection[int]) -> Sequence[Instalment]:
    """The instalments, held until the transaction ends."""
    wanted = sorted({number for number in instalment_ids if 0 < number < 2**62})
    if len(wanted) > MOST_PAYMENTS:
        raise RuleBroken([Finding(f"A run has up to {MOST_PAYMENTS} payments. Choose fewer.", "payments")])
    rows = queries.instalments(wanted, lock=True)
    if not rows or len(rows) != len(set(instalment_ids)):
        raise RuleBroken([Finding(_CHOOSE, "payments")])
    return rows


def _live_items(run: PaymentRun) -> Sequence[PaymentRunItem]:
    return db.session.scalars(
        select(PaymentRunItem)
        .where(PaymentRunItem.run_id == run.id, PaymentRunItem.is_live)
        .order_by(PaymentRunItem.id)
        .execution_options(populate_existing=True)
    ).all()


def _judged(run: PaymentRun, now: datetime) -> Run:
    """A locked run with its payments locked and judged on fresh facts."""
    rows = _locked([item.instalment_id for item in _live_items(run)])
    return queries.judged(run, rows, [], now)


def _require_free(found: Sequence[Payment]) -> None:
    for one in found:
        if one.order is not None:
            raise Conflict(
                f"Payment {_name(one.instalment)} was approved in the meantime. Open it again to see how it stands."
            )
        if one.run is not None:
            raise Conflict(
                f"Payment {_name(one.instalment)} is in payment run {one.run.reference} already. It can't be in "
                "two: wait for that one, or cancel it first."
            )


def _require_open(run: PaymentRun) -> None:
    if run.state is RunState.APPROVED:
        raise Conflict(f"Payment run {run.reference} has all its approvals already. Nothing more is needed.")
    if run.state is not RunState.OPEN:
        how = "sent back" if run.state is RunState.SENT_BACK else "cancelled"
        raise Conflict(
            f"Payment run {run.reference} was {how} by {run.ended_by_name}. Its payments can be put into another run."
        )


def _held(found: Sequence[Payment]) -> list[Finding]:
    return [
        Finding(f"Payment {_name(one.instalment)}: {condition.label}: not yet. {condition.why}", "payments")
        for one in found
        for condition in one.unmet
    ]


def _freeze(run: PaymentRun, rows: Sequence[Instalment], now: datetime) -> None:
    """Keep the fingerprint of the run as it is now."""
    sha256 = payments.judge(rows, now)[0].sha256
    assert sha256 is not None, "conditions of payment ask for bank details"
    run.sha256 = sha256
    for row in rows:
        row.prepared_sha256 = sha256


def _end(run: PaymentRun, state: RunState, reason: str, actor: Actor, now: datetime) -> Sequence[Instalment]:
    if not reason.strip():
        raise RuleBroken([Finding("Write why, so that the others know what to do.", "reason")])
    items = _live_items(run)
    rows = _locked([item.instalment_id for item in items])
    for item in items:
        item.is_live = False
    for row in rows:
        row.prepared_by_id = row.prepared_at = row.prepared_sha256 = None
    before = run.state
    run.state, run.ended_at, run.ended_reason = state, now, reason
    run.ended_by_id, run.ended_by_name = actor.person_id, actor.name
    audit.record(
        actor,
        f"payment_run.{state.value}",
        run.reference,
        at=now,
        before={"state": before.value},
        after={"reason": reason},
    )
    db.session.flush()
    return rows


def _next_attempts(rows: Sequence[Instalment]) -> None:
    """Let payments whose orders failed or were called off be put forward under new keys."""
    ids = [row.id for row in rows]
    for item in db.session.scalars(
        select(PaymentRunItem).where(PaymentRunItem.instalment_id.in_(ids), PaymentRunItem.is_live)
    ):
        item.is_live = False
    for row in rows:
        row.attempt += 1
        while order_by_key(row.order_key) is not None:  # a late debit can have led back to an earlier attempt
            row.attempt += 1
        row.state, row.ordered_at = InstalmentState.DUE, None
    db.session.flush()


def _order(found: Payment, run: PaymentRun, actor: Actor, now: datetime) -> None:
    row = found.instalment
    award = row.award
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
        run=run.reference,
        execute_on=run.execute_on,
    )
    row.state = InstalmentState.ORDERED
    row.ordered_at = now
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
