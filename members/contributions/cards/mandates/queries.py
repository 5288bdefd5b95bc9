"""Reads of saved Direct Debits: who gave one, which pledges it pays, and what it takes when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, SQLColumnExpression, exists, select
from sqlalchemy.orm import aliased, joinedload

from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.policy import policy_at
from members.contributions.cards.mandates.models import DebitedPledge, Mandate
from members.contributions.cards.mandates.rules import MandateState, collection_day
from members.contributions.cards.models import CardCheckout
from members.contributions.cards.rules import CheckoutState
from members.contributions.models import Pledge, PledgeInstalment
from members.contributions.schedules.rules import InstalmentState

PAGE = 50

_TRIED = (CheckoutState.PAID, CheckoutState.FAILED)


def mandate(reference: str, actor: Actor) -> Mandate:
    """A saved Direct Debit, for the people of its organisation and those who read the books.

    Raises:
        NotFound: for all others, and where there is none.
    """
    found = db.session.scalar(
        select(Mandate).options(joinedload(Mandate.organisation)).where(Mandate.reference == reference)
    )
    if found is None:
        raise NotFound
    own = actor.organisation_id == found.organisation_id and actor.may(Permission.SEE_OWN_ORGANISATION)
    if not own and not actor.may(Permission.READ_BOOKS):
        raise NotFound
    return found


def mandates_of(organisation_id: int, limit: int = 10) -> list[Mandate]:
    """An organisation's saved Direct Debits, newest first."""
    return list(
        db.session.scalars(
            select(Mandate).where(Mandate.organisation_id == organisation_id).order_by(Mandate.id.desc()).limit(limit)
        )
    )


def mandates(before: int | None = None, limit: int = PAGE) -> list[Mandate]:
    """All saved Direct Debits, newest first, from below id `before`."""
    query = select(Mandate).options(joinedload(Mandate.organisation)).order_by(Mandate.id.desc()).limit(limit)
    return list(db.session.scalars(query.where(Mandate.id < before) if before is not None else query))


def of_pledge(pledge_id: int) -> Mandate | None:
    """The saved Direct Debit that a pledge was put under, whatever has become of it."""
    return db.session.scalar(
        select(Mandate)
        .join(DebitedPledge, DebitedPledge.mandate_id == Mandate.id)
        .where(DebitedPledge.pledge_id == pledge_id)
    )


def is_debited(pledge_id: SQLColumnExpression[int]) -> ColumnElement[bool]:
    """Whether a pledge is paid by a saved Direct Debit that is in force."""
    return exists().where(
        DebitedPledge.pledge_id == pledge_id,
        DebitedPledge.mandate_id == Mandate.id,
        Mandate.state == MandateState.ACTIVE,
    )


def still_to_take(most_pence: int) -> ColumnElement[bool]:
    """Whether an instalment may yet be taken: it is open, not too much for one debit, and was not tried before.

    What failed or was taken back is not tried again: its payer was asked to pay another way.
    """
    tried = aliased(CardCheckout)
    left = PledgeInstalment.pence - PledgeInstalment.paid_pence
    return (
        (PledgeInstalment.state == InstalmentState.OPEN)
        & (left > 0)
        & (left <= most_pence)
        & ~exists().where(tried.instalment_id == PledgeInstalment.id, tried.state.in_(_TRIED))
    )


@dataclass(frozen=True)
class Coming:
    """An instalment that a saved Direct Debit will take, and when; `reference` names it once it is announced."""

    instalment: PledgeInstalment
    pence: int
    day: date
    state: CheckoutState | None
    reference: str | None


def _coming(conditions: Sequence[ColumnElement[bool]], now: datetime, limit: int) -> list[Coming]:
    policy, today = policy_at(now), london_day(now)
    rows = db.session.execute(
        select(PledgeInstalment, CardCheckout)
        .join(DebitedPledge, DebitedPledge.pledge_id == PledgeInstalment.pledge_id)
        .join(Mandate, Mandate.id == DebitedPledge.mandate_id)
        .outerjoin(
            CardCheckout,
            (CardCheckout.instalment_id == PledgeInstalment.id)
            & CardCheckout.state.in_((CheckoutState.PLANNED, CheckoutState.WANTED, CheckoutState.ON_ITS_WAY)),
        )
        .options(joinedload(PledgeInstalment.pledge))
        .where(*conditions, still_to_take(policy.direct_debit_most_pence))
        .order_by(PledgeInstalment.due_on, PledgeInstalment.id)
        .limit(limit)
    )
    return [
        Coming(
            one,
            taken.pence if taken else one.due_pence,
            (taken.collect_on if taken else None) or collection_day(one.due_on, today, policy.direct_debit_notice_days),
            taken.state if taken else None,
            taken.reference if taken else None,
        )
        for one, taken in rows
    ]


def coming_of_pledge(pledge_id: int, now: datetime) -> dict[int, Coming]:
    """What will be taken of a pledge, by the instalment's id, while its Direct Debit is in force."""
    conditions = [PledgeInstalment.pledge_id == pledge_id, Mandate.state == MandateState.ACTIVE]
    return {one.instalment.id: one for one in _coming(conditions, now, 100)}


def coming_of(mandate_id: int, now: datetime, limit: int = 24) -> list[Coming]:
    """What a saved Direct Debit takes next, soonest first; also what it would take once it is in force."""
    return _coming([DebitedPledge.mandate_id == mandate_id], now, limit)


def taken_by(mandate_id: int, limit: int = PAGE) -> list[CardCheckout]:
    """What a saved Direct Debit took or tried to, newest first."""
    return list(
        db.session.scalars(
            select(CardCheckout)
            .options(joinedload(CardCheckout.pledge), joinedload(CardCheckout.receipt))
            .where(CardCheckout.mandate_id == mandate_id, CardCheckout.state != CheckoutState.PLANNED)
            .order_by(CardCheckout.id.desc())
            .limit(limit)
        )
    )


def pledges_under(mandate_id: int) -> list[Pledge]:
    """The pledges that a saved Direct Debit pays, oldest first."""
    return list(
        db.session.scalars(
            select(Pledge)
            .join(DebitedPledge, DebitedPledge.pledge_id == Pledge.id)
            .where(DebitedPledge.mandate_id == mandate_id)
            .order_by(Pledge.id)
            .limit(100)
        )
    )
