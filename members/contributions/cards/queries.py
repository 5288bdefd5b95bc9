"""Reads of payments online, of what went back, and of what the provider told us."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

import ledger.queries
from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.policy import policy_at
from fund.kernel.tasks import Task
from ledger.money import format_pence
from ledger.rules import AccountKind
from members.contributions.cards.models import (
    CardCheckout,
    CardRefund,
    Comparison,
    Payout,
    ProviderEvent,
    TakenBack,
)
from members.contributions.cards.rules import BackKind, CheckoutState, EventKind, FoundBy, Method, RefundState
from members.contributions.models import Pledge

PAGE = 50
_LONG = timedelta(hours=1)
"""How long an event may wait for another before a person should look."""


def most_pence(now: datetime) -> dict[Method, int]:
    """The most for one payment, by the settings in force."""
    policy = policy_at(now)
    return {Method.CARD: policy.card_most_pence, Method.BACS: policy.direct_debit_most_pence}


def checkout(reference: str, actor: Actor) -> CardCheckout:
    """A payment online, for the people of its organisation and those who read the books.

    Raises:
        NotFound: for all others, and where there is none.
    """
    found = db.session.scalar(
        select(CardCheckout)
        .options(joinedload(CardCheckout.pledge).joinedload(Pledge.organisation), joinedload(CardCheckout.receipt))
        .where(CardCheckout.reference == reference)
    )
    if found is None:
        raise NotFound
    own = actor.organisation_id == found.pledge.organisation_id and actor.may(Permission.SEE_OWN_ORGANISATION)
    if not own and not actor.may(Permission.READ_BOOKS):
        raise NotFound
    return found


def checkouts(before: int | None = None, limit: int = PAGE) -> list[CardCheckout]:
    """Payments online, newest first, from below id `before`."""
    query = (
        select(CardCheckout)
        .options(joinedload(CardCheckout.pledge).joinedload(Pledge.organisation))
        .order_by(CardCheckout.id.desc())
        .limit(limit)
    )
    return list(db.session.scalars(query.where(CardCheckout.id < before) if before is not None else query))


def checkouts_for(pledge_id: int) -> list[CardCheckout]:
    """What was tried online for one pledge, newest first, at most 20."""
    return list(
        db.session.scalars(
            select(CardCheckout).where(CardCheckout.pledge_id == pledge_id).order_by(CardCheckout.id.desc()).limit(20)
        )
    )


def refunds_of(checkout_id: int) -> list[CardRefund]:
    """Refunds of one payment, oldest first."""
    return list(
        db.session.scalars(
            select(CardRefund).where(CardRefund.checkout_id == checkout_id).order_by(CardRefund.id).limit(100)
        )
    )


def refund(reference: str) -> CardRefund:
    """A refund by its reference."""
    found = db.session.scalar(select(CardRefund).where(CardRefund.reference == reference))
    if found is None:
        raise NotFound
    return found


def taken_back_of(checkout_id: int) -> list[TakenBack]:
    """What went back of one payment, oldest first."""
    return list(
        db.session.scalars(
            select(TakenBack).where(TakenBack.checkout_id == checkout_id).order_by(TakenBack.id).limit(100)
        )
    )


def taken_back(limit: int = PAGE) -> list[TakenBack]:
    """What payers' banks took back, newest first."""
    return list(
        db.session.scalars(
            select(TakenBack)
            .options(
                joinedload(TakenBack.checkout).joinedload(CardCheckout.pledge).joinedload(Pledge.organisation),
            )
            .where(TakenBack.kind == BackKind.DISPUTE)
            .order_by(TakenBack.id.desc())
            .limit(limit)
        )
    )


def payouts(limit: int = PAGE) -> list[Payout]:
    """Payouts, newest first."""
    return list(db.session.scalars(select(Payout).order_by(Payout.id.desc()).limit(limit)))


def payout(payout_id: int) -> Payout:
    """One payout."""
    found = db.session.get(Payout, payout_id) if 0 < payout_id < 2**63 else None
    if found is None:
        raise NotFound
    return found


def comparisons(limit: int = 7) -> list[Comparison]:
    """The last comparisons with the provider's list, newest first."""
    return list(db.session.scalars(select(Comparison).order_by(Comparison.id.desc()).limit(limit)))


def missed(limit: int = PAGE) -> list[ProviderEvent]:
    """Events that only a comparison brought, newest first."""
    return list(
        db.session.scalars(
            select(ProviderEvent)
            .where(ProviderEvent.found_by == FoundBy.COMPARISON, ProviderEvent.kind != EventKind.OTHER)
            .order_by(ProviderEvent.id.desc())
            .limit(limit)
        )
    )


def waiting(now: datetime, limit: int = PAGE) -> list[ProviderEvent]:
    """Events that have waited for another for longer than they should, oldest first."""
    return list(
        db.session.scalars(
            select(ProviderEvent)
            .where(ProviderEvent.settled_at.is_(None), ProviderEvent.received_at < now - _LONG)
            .order_by(ProviderEvent.id)
            .limit(limit)
        )
    )


def short_pence() -> int:
    """What is short after money was taken back."""
    return -ledger.queries.balance(AccountKind.SHORTFALL)


def on_its_way_pence() -> int:
    """Direct Debits that have been asked for and have not cleared."""
    return int(
        db.session.scalar(select(func.sum(CardCheckout.pence)).where(CardCheckout.state == CheckoutState.ON_ITS_WAY))
        or 0
    )


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """What is short, refunds to decide, and messages of the provider that wait too long."""
    found = []
    if actor.may(Permission.KEEP_BANK):
        if short := short_pence():
            found.append(
                Task(
                    f"Make good {format_pence(short)} that was taken back",
                    "No new agreement can be signed until then. The page says what happened and what to do.",
                    "/money-taken-back",
                )
            )
        if waiting(now, 1):
            found.append(
                Task(
                    "Look at messages of the payment provider that wait",
                    "They tell of a payment that we don't know, or that has not come yet.",
                    "/card-payments",
                )
            )
    if actor.may(Permission.APPROVE_PAYMENTS):
        asked = db.session.scalars(
            select(CardRefund)
            .options(joinedload(CardRefund.checkout))
            .where(CardRefund.state == RefundState.ASKED, CardRefund.asked_by_id != actor.person_id)
            .order_by(CardRefund.id)
            .limit(20)
        )
        found += [
            Task(
                f"Decide refund {one.reference}",
                f"{format_pence(one.pence)} of payment {one.checkout.reference}: {one.reason}",
                f"/card-payments/{one.checkout.reference}",
            )
            for one in asked
        ]
    return found
