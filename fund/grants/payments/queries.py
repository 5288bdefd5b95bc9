"""Reads of instalments as payments: their conditions judged now, approvals that still count, and the bank's order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, and_, func, literal, or_, select
from sqlalchemy.orm import joinedload, selectinload

from fund.grants.agreements import queries as agreements
from fund.grants.agreements.rules import AgreementState
from fund.grants.awards import queries as awards
from fund.grants.awards.rules import InstalmentState, PayBasis
from fund.grants.checks import queries as checks
from fund.grants.models import Agreement, Approval, Award, AwardShare, Instalment, PaymentRun, PaymentRunItem
from fund.grants.payments.money import promised_of
from fund.grants.payments.rules import (
    Condition,
    Hands,
    PayeeStanding,
    PaymentCase,
    Stage,
    approvals_needed,
    conditions,
    pay_by,
    prepare_fault,
    stage,
    target_day,
)
from fund.grants.runs.rules import RunState, approvals_of_run
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.policy import Policy, policy_at
from fund.reporting.models import Report
from fund.reporting.rules import ReportState
from ledger.bank.models import Payee, PaymentOrder
from ledger.bank.rules import Counted, OrderState, totals_sha256
from members.restrictions.queries import Promised
from voting import queries as ballots

MOST_AT_ONCE = 200
OPEN_STATES = (InstalmentState.SCHEDULED, InstalmentState.DUE)


@dataclass(frozen=True)
class Payment:
    """An instalment with everything that decides about it, at one moment.

    Attributes:
        payee: the bank details that would be paid to, verified or not.
        run: the payment run that it is in, if it is in one that stands.
        sha256: fingerprint of the run as it is now; None without a run, or where bank details are missing.
        is_prepared: whether its run is still exactly what somebody put forward.
        approvals: those of exactly that run; earlier ones that a change made void are left out.
        void_approvals: how many were made void by a change.
        payable_since: the day from which the fund's time to pay runs.
        pay_by: the last day for paying on time.
        target_on: the day that the fund aims at.
    """

    instalment: Instalment
    conditions: tuple[Condition, ...]
    stage: Stage
    payee: Payee | None
    run: PaymentRun | None
    sha256: str | None
    is_prepared: bool
    approvals: tuple[Approval, ...]
    void_approvals: int
    needed: int
    order: PaymentOrder | None
    payable_since: date
    pay_by: date
    target_on: date

    @property
    def unmet(self) -> tuple[Condition, ...]:
        """The conditions that are not met."""
        return tuple(condition for condition in self.conditions if not condition.met)


@dataclass(frozen=True)
class _Run:
    """A run that stands, with its fingerprint as of now and how many must approve it."""

    run: PaymentRun
    sha256: str | None
    needed: int


@dataclass(frozen=True)
class _Around:
    """What many payments are judged by, read at once."""

    now: datetime
    policy: Policy
    standing_ballots: set[str]
    agreements: dict[int, Agreement]
    reports: dict[tuple[str, int], Report]
    payees: dict[str, Payee]
    subsidies: dict[int, list[checks.SubsidyStanding]]
    diligences: dict[int, list[checks.Payee]]
    approvals: dict[int, list[Approval]]
    orders: dict[str, PaymentOrder]
    money: dict[int, Promised]
    runs: dict[int, _Run]


def of_award(award: Award, now: datetime) -> list[Payment]:
    """The schedule of an award as payments."""
    return judge(awards.instalments(award.id), now)


def of_awards(award_ids: Collection[int], now: datetime) -> list[Payment]:
    """The schedules of many awards as payments, in order of award and number."""
    rows = db.session.scalars(
        _instalments().where(Instalment.award_id.in_(award_ids)).order_by(Instalment.award_id, Instalment.number)
    ).all()
    return judge(rows, now)


def by_ids(ids: Collection[int], now: datetime) -> list[Payment]:
    """Instalments by their ids as payments, in order of id."""
    return judge(db.session.scalars(_instalments().where(Instalment.id.in_(ids)).order_by(Instalment.id)).all(), now)


def payment(award: Award, number: int, now: datetime) -> Payment:
    """One payment. Raises NotFound."""
    found = None
    if 0 < number < 10_000:
        found = db.session.scalar(_instalments().where(Instalment.award_id == award.id, Instalment.number == number))
    if found is None:
        raise NotFound
    return judge([found], now)[0]


def open_payments(now: datetime, limit: int = MOST_AT_ONCE) -> list[Payment]:
    """Instalments of live agreements whose day has come and that are not yet ordered, oldest first."""
    rows = db.session.scalars(
        _instalments()
        .join(Agreement, Agreement.award_id == Instalment.award_id)
        .where(
            Instalment.state.in_(OPEN_STATES),
            Instalment.due_on <= london_day(now),
            Agreement.state.in_((AgreementState.LIVE, AgreementState.SUSPENDED, AgreementState.VARIED)),
        )
        .order_by(Instalment.due_on, Instalment.id)
        .limit(limit)
    ).all()
    return judge(rows, now)


def ordered_payments(now: datetime, limit: int = MOST_AT_ONCE) -> list[Payment]:
    """Instalments with an order at the bank that is not yet confirmed, newest first."""
    rows = db.session.scalars(
        _instalments()
        .where(Instalment.state == InstalmentState.ORDERED)
        .order_by(Instalment.ordered_at.desc(), Instalment.id)
        .limit(limit)
    ).all()
    return [found for found in judge(rows, now) if found.stage is not Stage.CONFIRMED]


def unpaid(now: datetime) -> list[Payment]:
    """What could be paid or is on its way and that the bank has not confirmed, longest payable first. What is held is
    no valid claim yet (handbook §6)."""
    found = [one for one in open_payments(now) if one.stage in (Stage.READY, Stage.BEING_APPROVED)]
    return sorted([*found, *ordered_payments(now)], key=lambda one: (one.payable_since, one.instalment.id))


def late_without_order(now: datetime, pay_within_days: int) -> int:
    """How many payments are late of which the bank has not been asked, or that failed there.

    Only what fell due longer ago than the time to pay can be late, so that mostly nothing has to be judged.
    """
    today = london_day(now)
    failed = select(PaymentOrder.grant_owner).where(PaymentOrder.state == OrderState.FAILED)
    rows = db.session.scalars(
        _instalments()
        .join(Agreement, Agreement.award_id == Instalment.award_id)
        .join(Award, Award.id == Instalment.award_id)
        .where(
            or_(
                Instalment.state.in_(OPEN_STATES),
                and_(Instalment.state == InstalmentState.ORDERED, (literal("grant:") + Award.reference).in_(failed)),
            ),
            Instalment.due_on < today - timedelta(days=pay_within_days),
            Agreement.state == AgreementState.LIVE,
        )
        .order_by(Instalment.due_on, Instalment.id)
        .limit(MOST_AT_ONCE)
    ).all()
    if not rows:
        return 0
    unasked = (Stage.READY, Stage.BEING_APPROVED, Stage.FAILED)
    return sum(one.stage in unasked and one.pay_by < today for one in judge(rows, now))


def judge(rows: Sequence[Instalment], now: datetime) -> list[Payment]:
    """Each instalment with its conditions judged now; a handful of reads, however many there are."""
    around = _around(rows, now)
    return [_payment(row, around) for row in rows]


def hands(found: Payment, person_id: int) -> Hands:
    """What somebody has to do with a payment."""
    return hands_on([found], person_id)


def hands_on(found: Sequence[Payment], person_id: int, offices: set[int] | None = None) -> Hands:
    """What somebody has to do with any of these payments: who may not handle one may not handle a run with it.

    Args:
        offices: the organisations that they act for, where that was read already.
    """
    offices = awards.offices_of(person_id) if offices is None else offices
    payees = [one.payee for one in found if one.payee is not None]
    return Hands(
        officer_of_payee=any(offices & recipients(one.instalment) for one in found),
        gave_bank_details=any(payee.given_by_id == person_id for payee in payees),
        checked_bank_details=any(person_id in payee.checked_by for payee in payees),
        prepared=any(one.run is not None and one.run.prepared_by_id == person_id for one in found),
        approved=any(approval.person_id == person_id for one in found for approval in one.approvals),
    )


def why_not_prepare(found: Payment, actor: Actor) -> str | None:
    """Why this person can't prepare the payment, whatever its conditions; None when they can."""
    if not actor.may(Permission.PREPARE_GRANTS):
        return "A steward prepares payments."
    return prepare_fault(hands(found, actor.person_id))


def recipients(instalment: Instalment) -> set[int]:
    """Organisations whose money is in a payment: the payee, and through the lead every paid partner."""
    found = {instalment.organisation_id}
    if instalment.award.basis is PayBasis.THROUGH_LEAD:
        found |= {share.organisation_id for share in instalment.award.shares}
    return found


def standing(payee: Payee | None, now: datetime) -> PayeeStanding:
    """Whether bank details can be paid to."""
    if payee is None:
        return PayeeStanding.NONE
    if payee.verified_at is None or payee.usable_from is None:
        return PayeeStanding.UNVERIFIED
    if not payee.name_is_settled:
        return PayeeStanding.NAME_OPEN
    return PayeeStanding.USABLE if payee.usable_from <= now else PayeeStanding.PAUSED


def payees_of(owners: Collection[str]) -> dict[str, Payee]:
    """Owner → the bank details that count: the newest that were not rejected."""
    newest = (
        select(func.max(Payee.id)).where(Payee.owner.in_(owners), Payee.rejected_at.is_(None)).group_by(Payee.owner)
    )
    return {payee.owner: payee for payee in db.session.scalars(select(Payee).where(Payee.id.in_(newest)))}


def _instalments() -> Select[Instalment]:
    return select(Instalment).options(
        joinedload(Instalment.organisation),
        joinedload(Instalment.award).joinedload(Award.lead),
        joinedload(Instalment.award).selectinload(Award.shares).joinedload(AwardShare.organisation),
    )


def _around(rows: Sequence[Instalment], now: datetime) -> _Around:
    found = list({row.award_id: row.award for row in rows}.values())
    policy = policy_at(now)
    references = [award.reference for award in found]
    reports = db.session.scalars(select(Report).where(Report.award_reference.in_(references)))
    approvals: dict[int, list[Approval]] = {}
    for approval in db.session.scalars(
        select(Approval).where(Approval.instalment_id.in_([row.id for row in rows])).order_by(Approval.id)
    ):
        approvals.setdefault(approval.instalment_id, []).append(approval)
    keys = [row.order_key for row in rows if row.state is InstalmentState.ORDERED]
    orders = db.session.scalars(
        select(PaymentOrder).options(selectinload(PaymentOrder.payee)).where(PaymentOrder.key.in_(keys))
    )
    return _Around(
        now=now,
        policy=policy,
        standing_ballots=ballots.standing_ballots({award.ballot_reference for award in found}),
        agreements=agreements.by_award([award.id for award in found]),
        reports={(report.award_reference, report.number): report for report in reports},
        payees=payees_of({row.organisation.owner for row in rows}),
        subsidies=checks.subsidies_of(found),
        diligences=checks.payees_of(found, now),
        approvals=approvals,
        orders={order.key: order for order in orders},
        money=promised_of(found, now),
        runs=_runs(rows, policy),
    )


def _payment(row: Instalment, around: _Around) -> Payment:
    order = around.orders.get(row.order_key) if row.state is InstalmentState.ORDERED else None
    payee = order.payee if order is not None else around.payees.get(row.organisation.owner)
    found = conditions(_case(row, around))
    around_run = around.runs.get(row.id)
    sha256 = around_run.sha256 if around_run else None
    is_prepared = around_run is not None and around_run.run.sha256 == sha256
    given = around.approvals.get(row.id, [])
    since = _payable_since(row, around)
    counting = tuple(approval for approval in given if is_prepared and approval.sha256 == sha256)
    return Payment(
        instalment=row,
        conditions=found,
        stage=stage(found, is_prepared=is_prepared, order_state=order.state.value if order else None),
        payee=payee,
        run=around_run.run if around_run else None,
        sha256=sha256,
        is_prepared=is_prepared,
        approvals=counting,
        void_approvals=len(given) - len(counting),
        needed=around_run.needed if around_run else approvals_needed(row.pence, around.policy),
        order=order,
        payable_since=since,
        pay_by=pay_by(since, around.policy),
        target_on=target_day(since, around.policy),
    )


def _case(row: Instalment, around: _Around) -> PaymentCase:
    agreement = around.agreements.get(row.award_id)
    report = around.reports.get((row.award.reference, row.after_report_number or 0))
    covered = recipients(row)
    return PaymentCase(
        today=london_day(around.now),
        payee=row.organisation.name,
        decision_stands=row.award.ballot_reference in around.standing_ballots,
        due_on=row.due_on,
        agreement=agreement.state if agreement else None,
        after_report=row.after_report_number,
        report_accepted=report is not None and report.state is ReportState.ACCEPTED,
        payee_standing=standing(around.payees.get(row.organisation.owner), around.now),
        subsidy_faults=checks.sentences(
            (one.organisation.name, one.pay_fault)
            for one in around.subsidies[row.award_id]
            if one.organisation.id in covered
        ),
        diligence_faults=checks.sentences(
            (one.organisation.name, one.fault)
            for one in around.diligences[row.award_id]
            if one.organisation.id in covered
        ),
        money_faults=_money_faults(row, around),
    )


def _payable_since(row: Instalment, around: _Around) -> date:
    """The day from which the fund's time to pay runs: due, agreement live, and the report it waits for accepted."""
    days = [row.due_on]
    agreement = around.agreements.get(row.award_id)
    if agreement is not None and agreement.live_at is not None:
        days.append(london_day(agreement.live_at))
    report = around.reports.get((row.award.reference, row.after_report_number or 0))
    if report is not None and report.accepted_at is not None:
        days.append(london_day(report.accepted_at))
    return max(days)


def _money_faults(row: Instalment, around: _Around) -> tuple[str, ...]:
    """Why too little of the money promised may pay for this; nothing once it has gone to the bank."""
    order = around.orders.get(row.order_key) if row.state is InstalmentState.ORDERED else None
    promised = around.money.get(row.award_id)
    if promised is None or not promised.held_back or (order is not None and order.sent_at is not None):
        return ()
    return () if promised.parts(row.pence) is not None else (promised.sentence,)


def _runs(rows: Sequence[Instalment], policy: Policy) -> dict[int, _Run]:
    """Instalment id → the run that it stands in. The fingerprint is made anew from what would be paid now; once
    approved, the orders hold what is paid, and the bank's file is judged by them."""
    wanted = select(PaymentRunItem.run_id).where(
        PaymentRunItem.instalment_id.in_([row.id for row in rows]), PaymentRunItem.is_live
    )
    inside: dict[int, list[PaymentRunItem]] = {}
    for item in db.session.scalars(
        select(PaymentRunItem)
        .options(
            joinedload(PaymentRunItem.run),
            joinedload(PaymentRunItem.instalment).joinedload(Instalment.organisation),
            joinedload(PaymentRunItem.instalment).joinedload(Instalment.award),
        )
        .where(PaymentRunItem.run_id.in_(wanted), PaymentRunItem.is_live)
        .order_by(PaymentRunItem.id)
    ):
        inside.setdefault(item.run_id, []).append(item)
    payees = payees_of({item.instalment.organisation.owner for items in inside.values() for item in items})
    found: dict[int, _Run] = {}
    for items in inside.values():
        run = items[0].run
        sha256 = run.sha256 if run.state is RunState.APPROVED else totals_now(run.reference, items, payees)
        needed = approvals_of_run(((item.instalment.organisation_id, item.instalment.pence) for item in items), policy)
        found |= {item.instalment_id: _Run(run, sha256, needed) for item in items}
    return found


def totals_now(run: str, items: Collection[PaymentRunItem], payees: dict[str, Payee]) -> str | None:
    """The fingerprint of a run from what would be paid now; None where somebody has no bank details any more."""
    counted = []
    for item in items:
        row = item.instalment
        payee = payees.get(row.organisation.owner)
        if payee is None:
            return None
        counted.append(
            Counted(row.order_key, payee.id, payee.account_name, payee.sort_code, payee.account_number, row.pence)
        )
    return totals_sha256(run, counted)
