"""Keeping the books right about what is owed to grantees: unpaid instalments that wait for no condition."""

import logging
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import and_, literal, or_, select

import ledger.service
from fund.grants.awards.rules import InstalmentState
from fund.grants.models import Award, Instalment
from fund.grants.payments import queries
from fund.grants.payments.rules import is_owed
from fund.kernel.calendar import london_day
from fund.kernel.db import db, transaction
from fund.kernel.errors import RuleBroken
from ledger import queries as books
from ledger.bank.models import PaymentOrder
from ledger.bank.rules import OrderState
from ledger.rules import AccountKind

log = logging.getLogger("fund.grants")

_JUDGED_AT_ONCE = 200


def sweep(now: datetime) -> int:
    """Show in the books what is owed now: how many grants that changed.

    Conditions change in many folders (a report, a ballot, a check), so nobody tells; all open instalments are judged.
    Each grant has a transaction of its own: one of many would hold accounts that a payment file waits for.
    """
    wanted, shown = owed(now), books.balances_by_owner(AccountKind.GRANTS_OWED)
    differing = sorted(grant for grant in {*wanted, *shown} if wanted.get(grant, 0) != shown.get(grant, 0))
    db.session.rollback()
    return sum(_show(grant, now) for grant in differing)


def owed(now: datetime, grants: Collection[str] | None = None) -> dict[str, int]:
    """Grant ("grant:G-2026-003") → pence that its instalments are owed now; of all grants unless some are named."""
    not_left = select(PaymentOrder.grant_owner).where(PaymentOrder.state.in_((OrderState.READY, OrderState.FAILED)))
    rows = (
        select(Instalment.id)
        .join(Award, Award.id == Instalment.award_id)
        .where(
            or_(
                Instalment.state == InstalmentState.DUE,
                and_(
                    Instalment.state == InstalmentState.ORDERED,
                    (literal("grant:") + Award.reference).in_(not_left),
                ),
            )
        )
        .order_by(Instalment.id)
    )
    if grants is not None:
        rows = rows.where(Award.reference.in_([grant.removeprefix("grant:") for grant in grants]))
    ids = db.session.scalars(rows).all()
    found: dict[str, int] = {}
    for start in range(0, len(ids), _JUDGED_AT_ONCE):
        for payment in queries.by_ids(ids[start : start + _JUDGED_AT_ONCE], now):
            if is_owed(payment.conditions, payment.order.state.value if payment.order else None):
                grant = payment.instalment.award.owner
                found[grant] = found.get(grant, 0) + payment.instalment.pence
    return found


def _show(grant: str, now: datetime) -> bool:
    try:
        with transaction():
            pence = owed(now, [grant]).get(grant, 0)
            changed = ledger.service.owe_grant(
                grant=grant, pence=pence, occurred_on=london_day(now), actor=None, now=now
            )
    except RuleBroken as problem:  # one grant's books must not keep the others' from being right
        log.warning("what is owed to %s can't be shown: %s", grant, problem)
        return False
    return changed is not None
