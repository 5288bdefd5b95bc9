"""Reads of payment runs: their payments judged now, who may still do what, and what waits for whom."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from fund.grants.awards import queries as awards
from fund.grants.models import Approval, Award, AwardShare, Instalment, PaymentRun, PaymentRunItem
from fund.grants.payments import queries as payments
from fund.grants.payments.queries import Payment
from fund.grants.payments.rules import Stage, approvals_needed, approve_fault, prepare_fault
from fund.grants.runs.rules import STANDING
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import start_of_day
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.policy import policy_at
from fund.kernel.tasks import Task
from ledger.bank.models import PaymentFile, PaymentOrder
from ledger.bank.rules import OrderState, execution_day
from ledger.money import format_pence

MOST_LISTED = 50


@dataclass(frozen=True)
class Run:
    """A payment run with everything that decides about it, at one moment.

    Attributes:
        payments: what is in it now, judged now; for a run that ended, what was in it.
        sha256: its fingerprint as of now; None where it ended or somebody's bank details are gone.
        approvals: of exactly this run, by the first of each person.
        void_approvals: how many people's approvals a change made void.
        orders: what the bank was or will be asked, once approved.
    """

    row: PaymentRun
    payments: tuple[Payment, ...]
    taken_out: tuple[Instalment, ...]
    sha256: str | None
    approvals: tuple[Approval, ...]
    void_approvals: int
    needed: int
    orders: tuple[PaymentOrder, ...]
    file: PaymentFile | None

    @property
    def is_changed(self) -> bool:
        """Whether it is no longer what its preparer put forward, so that no approval counts."""
        return self.row.state in STANDING and self.row.sha256 != self.sha256

    @property
    def can_be_cancelled(self) -> bool:
        """Whether the bank has not been asked yet."""
        return self.row.state in STANDING and all(order.state is OrderState.READY for order in self.orders)


def runs(limit: int = MOST_LISTED) -> Sequence[PaymentRun]:
    """Payment runs, newest first."""
    return db.session.scalars(select(PaymentRun).order_by(PaymentRun.id.desc()).limit(limit)).all()


def run_row(reference: str, *, lock: bool = False) -> PaymentRun:
    """One payment run, fresh and locked where asked. Raises NotFound."""
    chosen = select(PaymentRun).where(PaymentRun.reference == reference)
    if lock:
        chosen = chosen.with_for_update().execution_options(populate_existing=True)
    found = db.session.scalar(chosen)
    if found is None:
        raise NotFound
    return found


def run(reference: str, now: datetime) -> Run:
    """One payment run with its payments judged now. Raises NotFound."""
    row = run_row(reference)
    items = db.session.scalars(
        select(PaymentRunItem).where(PaymentRunItem.run_id == row.id).order_by(PaymentRunItem.id)
    ).all()
    inside = [item.instalment_id for item in items if item.taken_out_at is None]
    return judged(row, instalments(inside), [item.instalment_id for item in items if item.taken_out_at], now)


def judged(row: PaymentRun, rows: Sequence[Instalment], taken_out: Sequence[int], now: datetime) -> Run:
    """A run of these instalments at one moment."""
    found = payments.judge(rows, now)
    own = [one for one in found if one.run is not None and one.run.id == row.id]
    given = db.session.scalars(
        select(Approval)
        .where(Approval.instalment_id.in_([one.id for one in rows]), Approval.approved_at >= row.prepared_at)
        .order_by(Approval.id.desc())
    ).all()
    sha256 = own[0].sha256 if own else None
    stands = row.state not in STANDING or sha256 == row.sha256
    counting = {one.person_id: one for one in given if stands and one.sha256 == row.sha256}
    orders = tuple(
        db.session.scalars(
            select(PaymentOrder)
            .options(joinedload(PaymentOrder.payee), joinedload(PaymentOrder.file))
            .where(PaymentOrder.run == row.reference)
            .order_by(PaymentOrder.id)
        )
    )
    return Run(
        row=row,
        payments=tuple(found),
        taken_out=tuple(instalments(taken_out)),
        sha256=sha256,
        approvals=tuple(sorted(counting.values(), key=lambda one: one.id)),
        void_approvals=len({one.person_id for one in given} - set(counting)),
        needed=own[0].needed if own else approvals_needed(0, policy_at(now)),
        orders=orders,
        file=next((order.file for order in orders if order.file is not None), None),
    )


def instalments(ids: Sequence[int], *, lock: bool = False) -> Sequence[Instalment]:
    """These instalments in order of id, with what pages say of them; fresh and locked where asked."""
    chosen = select(Instalment).where(Instalment.id.in_(ids)).order_by(Instalment.id)
    if lock:
        db.session.scalars(chosen.with_for_update().execution_options(populate_existing=True)).all()
    return db.session.scalars(
        chosen.options(
            joinedload(Instalment.organisation),
            joinedload(Instalment.award).joinedload(Award.lead),
            joinedload(Instalment.award).selectinload(Award.shares).joinedload(AwardShare.organisation),
        )
    ).all()


def why_not_approve(found: Run, actor: Actor) -> str | None:
    """Why this person can't approve the run, whatever the conditions of its payments; None when they can."""
    if not actor.may(Permission.APPROVE_PAYMENTS):
        return "A steward or a board member approves payment runs."
    return approve_fault(payments.hands_on(found.payments, actor.person_id))


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """For who prepares: what can go into a run, and runs that changed. For who approves: the runs that wait."""
    waiting = [*payments.open_payments(now), *_failed(now)]
    offices = awards.offices_of(actor.person_id)
    standing: dict[str, list[Payment]] = {}
    for one in waiting:
        if one.run is not None and one.stage is not Stage.FAILED:
            standing.setdefault(one.run.reference, []).append(one)
    found = [task for inside in standing.values() for task in _run_task(inside, actor, offices)]
    ready = [one for one in waiting if _is_free(one) and can_prepare(one, actor, offices)]
    if ready and actor.may(Permission.PREPARE_GRANTS):
        total = format_pence(sum(one.instalment.pence for one in ready))
        what = f"{len(ready):,} payment" + ("" if len(ready) == 1 else "s")
        failed = sum(one.stage is Stage.FAILED for one in ready)
        more = f" {failed:,} of them failed at the bank; find out why first." if failed else ""
        due = start_of_day(min(one.pay_by for one in ready) + timedelta(days=1))
        found.append(Task(f"Prepare a payment run of {what}", f"{total} can be paid.{more}", "/payment-runs/new", due))
    return found


def _run_task(inside: Sequence[Payment], actor: Actor, offices: set[int]) -> Iterator[Task]:
    run = inside[0].run
    assert run is not None
    path, due = f"/payment-runs/{run.reference}", start_of_day(min(one.pay_by for one in inside) + timedelta(days=1))
    total = format_pence(run.pence)
    if not all(one.is_prepared for one in inside):
        if actor.may(Permission.PREPARE_GRANTS):
            why = f"{total}: a payee, bank details or an amount changed, so its approvals no longer count."
            yield Task(f"Cancel payment run {run.reference} and prepare it anew", why, path, due)
    elif actor.may(Permission.APPROVE_PAYMENTS) and not approve_fault(
        payments.hands_on(inside, actor.person_id, offices)
    ):
        first = inside[0]
        why = f"{total}; {len(first.approvals)} of {first.needed} approvals are there."
        yield Task(f"Approve payment run {run.reference}", why, path, due)


def _is_free(one: Payment) -> bool:
    return one.run is None or one.stage is Stage.FAILED


def _failed(now: datetime) -> list[Payment]:
    return [one for one in payments.ordered_payments(now) if one.stage is Stage.FAILED]


def payable(now: datetime) -> list[Payment]:
    """What can be put into a run now or waits at the door of one: its day has come, or it failed at the bank."""
    return [one for one in payments.open_payments(now) if one.run is None] + _failed(now)


def can_prepare(found: Payment, actor: Actor, offices: set[int]) -> bool:
    """Whether this person, who acts for these organisations, may put a payment into a run now."""
    if found.stage not in (Stage.READY, Stage.FAILED):
        return False
    return prepare_fault(payments.hands_on([found], actor.person_id, offices)) is None


def first_day(now: datetime) -> date:
    """The first day on which the bank can pay what is prepared now."""
    return execution_day(now, policy_at(now).bank_cut_off_hour)
