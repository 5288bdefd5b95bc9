"""Giving and ending the leave to be debited. The page where bank details are given is the provider's.

Rows are locked in this order: organisation, mandate, payment, pledge.
"""

from datetime import datetime

from sqlalchemy import select

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotFound, RuleBroken
from fund.kernel.policy import policy_at
from fund.kernel.references import next_reference
from fund.kernel.topics import Topic
from members.contributions.cards.gateway import MandateWanted, Payments, ProviderAway, ProviderRefused
from members.contributions.cards.mandates import queries, rules
from members.contributions.cards.mandates.models import DebitedPledge, Mandate
from members.contributions.cards.mandates.rules import MandateState
from members.contributions.cards.models import CardCheckout, ProviderEvent
from members.contributions.cards.rules import CHECKOUT_LIVES, CheckoutState, FoundBy
from members.contributions.models import Pledge, PledgeInstalment
from members.contributions.notices import tell
from members.contributions.rules import PledgeState
from members.queries import lock_organisation

_MOST_PER_RUN = 100


def locked(mandate_id: int) -> Mandate:
    """A mandate with its row held until the transaction ends."""
    return db.session.execute(
        select(Mandate).where(Mandate.id == mandate_id).with_for_update().execution_options(populate_existing=True)
    ).scalar_one()


# --- giving


def set_up(*, pledge_id: int, actor: Actor, now: datetime) -> Mandate:
    """Want a pledge of one's own organisation taken by Direct Debit, each instalment when it is due.

    An account that the organisation saved before is used again; else the payer goes on to the provider's page.

    Raises:
        NotFound: for another organisation's pledge.
        Conflict: when it is taken already, or nothing of it is to come.
        RuleBroken: when no instalment can be taken: too much for one debit, or tried before.
    """
    pledge = db.session.get(Pledge, pledge_id)
    if pledge is None or pledge.organisation_id != actor.organisation_id:
        raise NotFound
    actor.require(Permission.KEEP_DIRECT_DEBITS)
    lock_organisation(pledge.organisation_id)
    db.session.refresh(pledge)
    if pledge.state not in (PledgeState.PLEDGED, PledgeState.PART_PAID):
        raise Conflict(f"Nothing of {pledge.reference} is to come. The pledge's page shows what was paid.")
    if not _can_be_taken(pledge_id, now):
        raise RuleBroken("No instalment of this pledge can be taken by Direct Debit. Please pay it by bank transfer.")
    placed = db.session.get(DebitedPledge, pledge_id)
    mandate = _usable(pledge.organisation_id, actor, now)
    if placed is None:
        placed = DebitedPledge(pledge_id=pledge_id, mandate_id=mandate.id, agreed_at=now, agreed_by_id=actor.person_id)
        db.session.add(placed)
    elif placed.mandate_id == mandate.id and mandate.state is MandateState.ACTIVE:
        raise Conflict(f"{pledge.reference} is paid by Direct Debit {mandate.reference} already. Its page says when.")
    placed.mandate_id, placed.agreed_at, placed.agreed_by_id = mandate.id, now, actor.person_id
    db.session.flush()
    audit.record(actor, "direct_debit.wanted", mandate.reference, at=now, after={"pledge": pledge.reference})
    if mandate.state is MandateState.ACTIVE:
        _confirm(mandate, f"{mandate.reference}:{pledge.reference}:{now.isoformat()}", now)
    return mandate


def _can_be_taken(pledge_id: int, now: datetime) -> bool:
    most = policy_at(now).direct_debit_most_pence
    fitting = select(PledgeInstalment.id).where(PledgeInstalment.pledge_id == pledge_id, queries.still_to_take(most))
    return db.session.scalar(fitting.limit(1)) is not None


def _usable(organisation_id: int, actor: Actor, now: datetime) -> Mandate:
    """The organisation's mandate that is in force, else one whose page is still open, else a new one."""
    held = db.session.scalars(
        select(Mandate)
        .where(
            Mandate.organisation_id == organisation_id,
            Mandate.state.in_((MandateState.ACTIVE, *rules.GROWING)),
        )
        .order_by(Mandate.id.desc())
        .limit(20)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    fresh = [one for one in held if one.made_at > now - CHECKOUT_LIVES]
    for one in [*(one for one in held if one.state is MandateState.ACTIVE), *fresh]:
        return one
    made = Mandate(
        reference=next_reference("DD", year=london_day(now).year, digits=4),
        organisation_id=organisation_id,
        state=MandateState.WANTED,
        made_at=now,
        made_by_id=actor.person_id,
    )
    db.session.add(made)
    db.session.flush()
    return made


def open_page(*, mandate_id: int, payments: Payments, base_url: str) -> None:
    """Ask the provider for the page where bank details are given. Outside a transaction.

    Raises:
        ProviderAway: the same may be asked again.
    """
    mandate = db.session.get_one(Mandate, mandate_id)
    if mandate.state is not MandateState.WANTED:
        return
    wanted = MandateWanted(
        reference=mandate.reference,
        description=f"Contributions of {mandate.organisation.reference}",
        return_url=f"{base_url}/direct-debits/{mandate.reference}",
    )
    db.session.rollback()
    try:
        opened = payments.open_mandate(wanted)
    except ProviderRefused as refused:
        with transaction():
            mandate = locked(mandate_id)
            mandate.state, mandate.end_reason = MandateState.EXPIRED, str(refused)
        return
    with transaction():
        mandate = locked(mandate_id)
        if mandate.provider_id is None:
            mandate.provider_id, mandate.url = opened.provider_id, opened.url
        if mandate.state is MandateState.WANTED:
            mandate.state = MandateState.OPEN


# --- what the provider tells


_NOT_OURS = "Not of a Direct Debit that began here."


def _named(event: ProviderEvent) -> Mandate | None:
    found = db.session.scalar(select(Mandate.id).where(Mandate.reference == (event.reference or "")))
    return locked(found) if found is not None else None


def given(event: ProviderEvent, now: datetime) -> str | None:
    """The payer has given bank details and leave. One that was ended meanwhile stays so, and the provider is told."""
    mandate = _named(event)
    if mandate is None:
        return _NOT_OURS
    if event.item is None or event.customer is None or event.source is None:
        return "It names no account."
    if mandate.mandate is not None:
        return "Known already."
    mandate.mandate, mandate.customer, mandate.source = event.item, event.customer, event.source
    mandate.given_at = event.happened_at
    if mandate.state is MandateState.ENDED:
        return "Ended before it was given; the provider is told."
    mandate.state = MandateState.ACTIVE
    audit.record(None, "direct_debit.given", mandate.reference, at=now)
    if event.found_by is FoundBy.WEBHOOK:
        _confirm(mandate, mandate.reference, now)
    return "The Direct Debit is in force."


def expired(event: ProviderEvent, now: datetime) -> str | None:
    """The page for bank details was closed unused."""
    mandate = _named(event)
    if mandate is None:
        return _NOT_OURS
    if mandate.state in rules.GROWING:
        mandate.state = MandateState.EXPIRED
    return "The page was closed."


def lost(event: ProviderEvent, now: datetime) -> str | None:
    """The payer ended it with their bank, or the bank did: what is to come is paid by bank transfer again."""
    found = db.session.scalar(select(Mandate.id).where(Mandate.mandate == (event.item or "")))
    if found is None:
        return None if event.received_at > now - rules.MESSAGE_WAITS else _NOT_OURS
    mandate = locked(found)
    mandate.provider_told_at = mandate.provider_told_at or event.happened_at
    if mandate.state is not MandateState.ACTIVE:
        return "Ended already."
    mandate.ended_at, mandate.end_reason = event.happened_at, event.reason or "no reason given"
    _end(mandate)
    audit.record(None, "direct_debit.lost", mandate.reference, at=now, after={"reason": mandate.end_reason})
    if event.found_by is FoundBy.WEBHOOK:
        _say_ended(mandate, f"Your bank ended it ({mandate.end_reason.replace('_', ' ')}).", now)
    return "The Direct Debit has ended."


# --- ending


def end(*, mandate_id: int, actor: Actor, now: datetime) -> Mandate:
    """The payer ends it: nothing that the provider was not asked for yet is taken any more.

    Raises:
        NotFound: for another organisation's.
        Conflict: when it has ended.
    """
    mandate = locked(mandate_id)
    if mandate.organisation_id != actor.organisation_id:
        raise NotFound
    actor.require(Permission.KEEP_DIRECT_DEBITS)
    if mandate.state not in (MandateState.ACTIVE, *rules.GROWING):
        raise Conflict(f"{mandate.reference} has ended already. Nothing more is taken.")
    mandate.ended_at, mandate.ended_by_id, mandate.end_reason = now, actor.person_id, "ended by the payer"
    _end(mandate)
    audit.record(actor, "direct_debit.ended", mandate.reference, at=now)
    _say_ended(mandate, f"{actor.name} ended it.", now)
    return mandate


def _end(mandate: Mandate) -> None:
    mandate.state = MandateState.ENDED
    for planned in db.session.scalars(
        select(CardCheckout)
        .where(CardCheckout.mandate_id == mandate.id, CardCheckout.state == CheckoutState.PLANNED)
        .order_by(CardCheckout.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ):
        planned.state = CheckoutState.DROPPED


def tell_ended(*, payments: Payments, now: datetime) -> int:
    """Tell the provider of every mandate that its payer ended with us. Opens its own transactions."""
    waiting = db.session.execute(
        select(Mandate.id, Mandate.source)
        .where(Mandate.state == MandateState.ENDED, Mandate.source.is_not(None), Mandate.provider_told_at.is_(None))
        .order_by(Mandate.id)
        .limit(_MOST_PER_RUN)
    ).all()
    db.session.rollback()
    told = 0
    for mandate_id, source in waiting:
        try:
            payments.end_mandate(str(source))
        except ProviderAway:
            break
        except ProviderRefused:
            pass  # it knows the account no more
        with transaction():
            locked(mandate_id).provider_told_at = now
        told += 1
    return told


# --- mail


def _confirm(mandate: Mandate, key: str, now: datetime) -> None:
    pledges = ", ".join(pledge.reference for pledge in queries.pledges_under(mandate.id))
    tell(
        mandate.organisation,
        f"direct_debit:{key}",
        subject=f"Direct Debit {mandate.reference} is set up",
        what=f"We take each instalment of {pledges} from your bank account when it is due. "
        f"We tell you the day and the amount {policy_at(now).direct_debit_notice_days} working days before. "
        "You can end it at any time, on this page or with your bank.",
        by_when="Nothing is needed by a date.",
        path=f"/direct-debits/{mandate.reference}",
        now=now,
        topic=Topic.NOTICE,
    )


def _say_ended(mandate: Mandate, who: str, now: datetime) -> None:
    tell(
        mandate.organisation,
        f"direct_debit:{mandate.reference}:ended",
        subject=f"Direct Debit {mandate.reference} has ended",
        what=f"{who} Nothing more is taken by it, but what your bank was asked for before may still leave the account. "
        "What is to come of your pledges is paid by bank transfer again: the page of each pledge says how.",
        by_when="Each instalment by the day it is due.",
        path="/pledges",
        now=now,
        topic=Topic.NOTICE,
    )
