"""Reads of the treasurer's desk: a fixed number of them, however large the fund is."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Label, case, func, select
from sqlalchemy.orm import InstrumentedAttribute

from fund.grants.agreements.rules import AgreementState
from fund.grants.awards.rules import AwardState, InstalmentState
from fund.grants.models import Agreement, Award, Instalment
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.treasury.rules import (
    MONTHS,
    Forecast,
    Held,
    Standing,
    Waiting,
    forecast,
    in_order,
    month_starts,
)
from ledger.bank.models import Payee, PaymentOrder, Statement, StatementLine
from ledger.bank.reconciliation.queries import next_unsigned
from ledger.bank.rules import OrderState
from ledger.models import Account
from ledger.rules import AccountKind
from members.contributions.models import PledgeInstalment
from members.contributions.schedules import rules as pledged

K = AccountKind


@dataclass(frozen=True)
class Cash:
    """Where cash is, in pence."""

    bank_pence: int
    stripe_pence: int
    in_transit_pence: int
    shares_pence: int
    suspense_pence: int

    @property
    def spendable_pence(self) -> int:
        """At the bank and at Stripe, less what is on its way out and less share capital."""
        return self.bank_pence + self.stripe_pence - self.in_transit_pence - self.shares_pence


def balances() -> dict[tuple[AccountKind, str | None], int]:
    """Signed pence by kind of account and restricted fund."""
    rows = db.session.execute(
        select(Account.kind, Account.restriction, func.sum(Account.balance_pence))
        .group_by(Account.kind, Account.restriction)
        .order_by(Account.kind, Account.restriction)
    )
    return {(kind, restriction): int(pence) for kind, restriction, pence in rows}


def cash(held: dict[tuple[AccountKind, str | None], int]) -> Cash:
    """Where cash is, from `balances`."""

    def total(kind: AccountKind) -> int:
        return sum(pence for (one, _), pence in held.items() if one is kind)

    return Cash(total(K.BANK), total(K.STRIPE), -total(K.IN_TRANSIT), -total(K.SHARES), total(K.SUSPENSE))


def by_restriction(held: dict[tuple[AccountKind, str | None], int]) -> list[Held]:
    """What each restricted fund holds, from `balances`; the unrestricted money first, also while there is none."""
    spent = (K.CONTRIBUTIONS, K.AVAILABLE, K.COMMITTED, K.GRANTS_PAID, K.SHORTFALL)
    restrictions = {None} | {restriction for kind, restriction in held if kind in spent}
    return in_order(
        [
            Held(
                one,
                paid_in_pence=-held.get((K.CONTRIBUTIONS, one), 0),
                free_pence=held.get((K.AVAILABLE, one), 0),
                committed_pence=held.get((K.COMMITTED, one), 0),
                paid_out_pence=held.get((K.GRANTS_PAID, one), 0),
                short_pence=-held.get((K.SHORTFALL, one), 0),
            )
            for one in restrictions
        ]
    )


def standing(short_pence: int, now: datetime) -> Standing:
    """What waits, and since when."""
    is_in = (StatementLine.amount_pence > 0).label("is_in")
    lines = {
        bool(came_in): Waiting(count, int(pence), since)
        for came_in, count, pence, since in db.session.execute(
            select(
                is_in,
                func.count(),
                func.sum(StatementLine.amount_pence),
                func.min(StatementLine.booked_on),
            )
            .where(StatementLine.settled_at.is_(None))
            .group_by(is_in)
            .order_by(is_in)
        )
    }
    orders = {
        state: Waiting(count, int(pence), london_day(since) if since else None)
        for state, count, pence, since in db.session.execute(
            select(
                PaymentOrder.state,
                func.count(),
                func.sum(PaymentOrder.pence),
                func.min(func.coalesce(PaymentOrder.sent_at, PaymentOrder.ordered_at)),
            )
            .where(PaymentOrder.state.in_((OrderState.READY, OrderState.SENT)))
            .group_by(PaymentOrder.state)
            .order_by(PaymentOrder.state)
        )
    }
    due = db.session.execute(
        select(func.count(), func.sum(Instalment.pence), func.min(Instalment.due_on))
        .select_from(Instalment)
        .where(Instalment.state == InstalmentState.DUE)
    ).one()
    newest = select(func.max(Payee.id)).where(Payee.rejected_at.is_(None)).group_by(Payee.owner)
    payees, given_at = db.session.execute(
        select(func.count(), func.min(Payee.given_at))
        .select_from(Payee)
        .where(Payee.verified_at.is_(None), Payee.rejected_at.is_(None), Payee.id.in_(newest))
    ).one()
    unsigned = next_unsigned(now)
    return Standing(
        unmatched_in=lines.get(True, Waiting()),
        unmatched_out=lines.get(False, Waiting()),
        to_approve=Waiting(due[0], int(due[1] or 0), due[2]),
        to_send=orders.get(OrderState.READY, Waiting()),
        unconfirmed=orders.get(OrderState.SENT, Waiting()),
        to_verify=Waiting(payees, 0, london_day(given_at) if given_at else None),
        short_pence=short_pence,
        statement_to=db.session.scalar(select(func.max(Statement.to_on))),
        unsigned_month=unsigned[0] if unsigned else None,
        is_prepared=unsigned is not None and unsigned[1] is not None,
    )


def forecast_at(now: datetime, spendable_pence: int) -> Forecast:
    """The next twelve months from pledges and instalments."""
    today = london_day(now)
    return forecast(today, spendable_pence, _coming_in(today), _going_out(today))


def _by_month(due_on: InstrumentedAttribute[date], today: date) -> Label[int]:
    """Which of the months to come a day falls in; what is late counts in the first."""
    starts = month_starts(today)[1:]
    return case(*((due_on < start, number) for number, start in enumerate(starts)), else_=MONTHS).label("month")


def _coming_in(today: date) -> dict[int, int]:
    """What is still due of each instalment of a pledge, by the month that it falls due in."""
    month = _by_month(PledgeInstalment.due_on, today)
    due = PledgeInstalment.pence - PledgeInstalment.paid_pence
    rows = db.session.execute(
        select(month, func.sum(due))
        .where(PledgeInstalment.state == pledged.InstalmentState.OPEN, due > 0)
        .group_by(month)
        .order_by(month)
    )
    return {number: int(pence) for number, pence in rows}


def _going_out(today: date) -> dict[int, int]:
    """Instalments of accepted awards that have not left yet, by month; what is approved goes out this month."""
    month = _by_month(Instalment.due_on, today)
    ended = select(Agreement.id).where(Agreement.award_id == Award.id, Agreement.state == AgreementState.ENDED).exists()
    rows = db.session.execute(
        select(month, func.sum(Instalment.pence))
        .join(Award, Award.id == Instalment.award_id)
        .where(
            Award.state == AwardState.ACCEPTED,
            Instalment.state.in_((InstalmentState.SCHEDULED, InstalmentState.DUE)),
            ~ended,
        )
        .group_by(month)
        .order_by(month)
    )
    planned = {number: int(pence) for number, pence in rows}
    approved = db.session.scalar(select(func.sum(PaymentOrder.pence)).where(PaymentOrder.state == OrderState.READY))
    return planned | {0: planned.get(0, 0) + int(approved or 0)}
