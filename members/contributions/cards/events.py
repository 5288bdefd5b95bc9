"""What the provider tells us: stored once, settled in any order, any number of times, with one result.

An event that belongs after another (a dispute before its payment) waits in its row until the other has come.
"""

import logging
from datetime import datetime

from sqlalchemy import false, or_, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

import ledger.queries
import ledger.service
from fund.kernel import audit
from fund.kernel.calendar import london_day
from fund.kernel.db import db, transaction
from ledger.money import format_pence
from ledger.rules import AccountKind
from members.contributions.cards import payouts, service
from members.contributions.cards.gateway import Payments, SeenEvent
from members.contributions.cards.mandates import collecting
from members.contributions.cards.mandates import service as mandates
from members.contributions.cards.models import (
    CardCheckout,
    CardRefund,
    Comparison,
    ProviderEvent,
    TakenBack,
)
from members.contributions.cards.rules import BackKind, CheckoutState, EventKind, FoundBy, RefundState
from members.contributions.models import Receipt
from members.contributions.notices import tell
from members.contributions.service import receive

log = logging.getLogger("fund.cards")

_MOST_PER_RUN = 500


def take(seen: SeenEvent, *, found_by: FoundBy, now: datetime) -> int | None:
    """Store an event under its own id; its row, or None where it was stored before."""
    session = db.session()
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    return session.execute(
        insert(ProviderEvent)
        .values(
            provider_id=seen.id,
            event_type=seen.name[:100],
            kind=seen.kind,
            happened_at=seen.happened_at,
            received_at=now,
            found_by=found_by,
            reference=seen.reference,
            payment=seen.payment,
            item=seen.item,
            pence=seen.pence,
            fee_pence=seen.fee_pence,
            arrives_on=seen.arrives_on,
            reason=seen.reason,
            customer=seen.customer,
            source=seen.source,
            settled_at=now if seen.kind is EventKind.OTHER else None,
            outcome="Kept, and not needed." if seen.kind is EventKind.OTHER else None,
        )
        .on_conflict_do_nothing(index_elements=["provider_id"])
        .returning(ProviderEvent.id)
    ).scalar_one_or_none()


def hear(seen: SeenEvent, now: datetime) -> None:
    """A message has come: store it, settle it, then what had waited for just it. Opens its own transactions.

    What can't be settled now is the sweep's, so a message costs the same however many others wait.
    """
    with transaction():
        event_id = take(seen, found_by=FoundBy.WEBHOOK, now=now)
    todo = [event_id] if event_id is not None else []
    while todo:
        event_id = todo.pop()
        if _settle_alone(event_id, now):
            todo += _waiting_for(event_id)


def _waiting_for(event_id: int) -> list[int]:
    """Events that wait and are about the same payment, dispute, payout or mandate, oldest first."""
    event = db.session.get_one(ProviderEvent, event_id)
    about = [
        column == value
        for column, value in ((ProviderEvent.payment, event.payment), (ProviderEvent.item, event.item))
        if value is not None
    ]
    waiting = select(ProviderEvent.id).where(ProviderEvent.settled_at.is_(None), or_(false(), *about))
    found = list(db.session.scalars(waiting.order_by(ProviderEvent.id.desc()).limit(_MOST_PER_RUN)))
    db.session.rollback()
    return found


def settle_waiting(now: datetime) -> int:
    """Settle what waits, oldest first; an event that another one makes possible follows at once."""
    done = 0
    while True:
        waiting = db.session.scalars(
            select(ProviderEvent.id)
            .where(ProviderEvent.settled_at.is_(None))
            .order_by(ProviderEvent.id)
            .limit(_MOST_PER_RUN)
        ).all()
        db.session.rollback()
        settled = sum(_settle_alone(event_id, now) for event_id in waiting)
        done += settled
        if not settled:
            return done


def _settle_alone(event_id: int, now: datetime) -> bool:
    try:
        with transaction():
            return settle(event_id, now)
    except Exception:
        log.exception("event %d of the payment provider could not be settled and will be tried again", event_id)
        return False


def settle(event_id: int, now: datetime) -> bool:
    """Do what an event asks for, if it is its turn and nobody else is at it. Whether it is settled by this call."""
    event = db.session.scalar(
        select(ProviderEvent)
        .where(ProviderEvent.id == event_id, ProviderEvent.settled_at.is_(None))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if event is None:
        return False
    outcome = _SETTLERS[event.kind](event, now)
    if outcome is None:
        return False
    event.settled_at, event.outcome = now, outcome
    return True


# --- one function for each kind: a sentence once it is settled, None while it must wait


def _checkout(event: ProviderEvent) -> CardCheckout | None:
    """The payment that an event is about, locked."""
    by_reference = CardCheckout.reference == (event.reference or "")
    by_payment = CardCheckout.payment == (event.payment or "")
    found = db.session.scalar(select(CardCheckout.id).where(by_reference if event.reference else by_payment))
    return service.locked_checkout(found) if found is not None else None


_NOT_OURS = "Not of a payment that began here."


def _completed(event: ProviderEvent, now: datetime) -> str | None:
    """The payer has finished at the provider. A Direct Debit is only on its way then."""
    checkout = _checkout(event)
    if checkout is None:
        return _NOT_OURS
    if checkout.state in (CheckoutState.WANTED, CheckoutState.OPEN):
        checkout.state = CheckoutState.ON_ITS_WAY
    checkout.payment = checkout.payment or event.payment
    return "The payment is on its way."


def _paid(event: ProviderEvent, now: datetime) -> str | None:
    checkout = _checkout(event)
    if checkout is None:
        return _NOT_OURS
    if checkout.state is CheckoutState.PAID:
        return "Booked already."
    checkout.payment = event.payment or checkout.payment
    receipt = receive(
        pledge_reference=checkout.instalment.reference if checkout.instalment else checkout.pledge.reference,
        pence=event.pence or checkout.pence,
        received_on=london_day(event.happened_at),
        source=f"stripe:{checkout.payment}",
        held_in=AccountKind.STRIPE,
        tell=event.found_by is FoundBy.WEBHOOK,
        actor=None,
        now=now,
    )
    checkout.state, checkout.paid_at, checkout.receipt_id = CheckoutState.PAID, event.happened_at, receipt.id
    return f"Booked as receipt {receipt.reference}."


def _failed(event: ProviderEvent, now: datetime) -> str | None:
    checkout = _checkout(event)
    if checkout is None:
        return _NOT_OURS
    if checkout.state is not CheckoutState.PAID:
        checkout.state, checkout.failure = CheckoutState.FAILED, event.reason
        return "The payment failed."
    return "Paid all the same."


def _expired(event: ProviderEvent, now: datetime) -> str | None:
    checkout = _checkout(event)
    if checkout is None:
        return _NOT_OURS
    if checkout.state in (CheckoutState.WANTED, CheckoutState.OPEN):
        checkout.state = CheckoutState.EXPIRED
    return "The payment page was closed."


def _taken_back(event: ProviderEvent, now: datetime) -> str | None:
    """A dispute, or a Direct Debit that was reversed, perhaps months later."""
    return _take_back(event, BackKind.DISPUTE, now)


def _refunded(event: ProviderEvent, now: datetime) -> str | None:
    """A refund: our own, or one that somebody made at the provider without us."""
    ours = db.session.scalar(
        select(CardRefund).where(CardRefund.reference == (event.reference or "")).with_for_update()
    )
    if ours is None:
        return _take_back(event, BackKind.REFUND, now)
    if ours.state is RefundState.APPROVED:
        ours.state, ours.provider_id = RefundState.SENT, event.item
    return f"Our refund {ours.reference}."


def _take_back(event: ProviderEvent, kind: BackKind, now: datetime) -> str | None:
    if event.item is None or not event.pence:
        return "It names no sum."
    if db.session.scalar(select(TakenBack.id).where(TakenBack.item == event.item)) is not None:
        return "Booked already."
    by_payment = select(CardCheckout.id).where(CardCheckout.payment == (event.payment or ""))
    checkout_id = db.session.scalar(by_payment)
    if checkout_id is None:
        return None
    checkout = service.locked_checkout(checkout_id)
    if checkout.receipt_id is None:
        return None
    if db.session.scalar(select(TakenBack.id).where(TakenBack.item == event.item)) is not None:
        return "Booked already."
    pledge = service.locked_pledge(checkout.pledge_id)
    reason = event.reason or "no reason given"
    taken = ledger.service.take_back(
        key=f"stripe:{event.item}",
        contributor=pledge.organisation.owner,
        pence=event.pence,
        occurred_on=london_day(event.happened_at),
        description=f"Payment {checkout.reference} of {pledge.organisation.name} went back",
        reason=reason,
        actor=None,
        now=now,
        restriction=_restriction(checkout.receipt_id),
    )
    if event.fee_pence:
        ledger.service.charge_fee(
            key=f"stripe:{event.item}:fee",
            pence=event.fee_pence,
            occurred_on=london_day(event.happened_at),
            description=f"Fee for what went back of payment {checkout.reference}",
            actor=None,
            now=now,
        )
    db.session.add(
        TakenBack(
            item=event.item,
            checkout_id=checkout.id,
            receipt_id=checkout.receipt_id,
            kind=kind,
            pence=event.pence,
            short_pence=taken.short_pence,
            reason=reason,
            went_on=london_day(event.happened_at),
            transfer_id=taken.posted.transfer_id,
        )
    )
    db.session.flush()
    service.went_back(pledge, checkout.receipt_id, event.pence)
    if kind is BackKind.DISPUTE and event.found_by is FoundBy.WEBHOOK:
        _say_taken_back(checkout, event.pence, reason, now)
    audit.record(
        None,
        "contribution.taken_back",
        checkout.reference,
        at=now,
        after={"item": event.item, "pence": event.pence, "short_pence": taken.short_pence},
    )
    return "Taken back from the contributions."


def _say_taken_back(checkout: CardCheckout, pence: int, reason: str, now: datetime) -> None:
    pledge = checkout.pledge
    tell(
        pledge.organisation,
        f"taken_back:{checkout.reference}:{reason}",
        subject=f"{format_pence(pence)} went back to {pledge.organisation.name}",
        what=f"Your bank took back {format_pence(pence)} of payment {checkout.reference} ({reason.replace('_', ' ')}). "
        f"Pledge {pledge.reference} is due by so much again. If that was a mistake, please pay it by bank transfer; if "
        "the payment was wrong, tell a steward why.",
        by_when="As soon as you can.",
        path=f"/pledges/{pledge.reference}",
        now=now,
    )


def _restriction(receipt_id: int) -> str | None:
    """The restricted fund that a receipt's money was given to."""
    return ledger.queries.restriction_of(db.session.get_one(Receipt, receipt_id).transfer_id)


def _given_again(event: ProviderEvent, now: datetime) -> str | None:
    """A dispute was won: the money came to us again."""
    found = db.session.scalar(select(TakenBack).where(TakenBack.item == (event.item or "")).with_for_update())
    if found is None:
        return None
    if found.undone_at is not None:
        return "Booked already."
    checkout = service.locked_checkout(found.checkout_id)
    pledge = service.locked_pledge(checkout.pledge_id)
    ledger.service.receive_contribution(
        key=f"stripe:{found.item}:given_again",
        contributor=pledge.organisation.owner,
        pence=found.pence,
        occurred_on=london_day(event.happened_at),
        description=f"Payment {checkout.reference} of {pledge.organisation.name} came again",
        held_in=AccountKind.STRIPE,
        actor=None,
        now=now,
        restriction=_restriction(found.receipt_id),
    )
    found.undone_at = event.happened_at
    service.came_again(pledge, found.pence)
    return "Given to us again."


def _refund_failed(event: ProviderEvent, now: datetime) -> str | None:
    ours = db.session.scalar(select(CardRefund).where(CardRefund.reference == (event.reference or "")))
    if ours is None:
        return _given_again(event, now)
    if ours.state is RefundState.ASKED:
        return None
    service.undo_refund(refund_id=ours.id, reason=event.reason or "the provider gave no reason", now=now)
    return "The refund could not be paid; the money is ours still."


def _debit_failed(event: ProviderEvent, now: datetime) -> str | None:
    """A saved Direct Debit was not paid."""
    checkout = _checkout(event)
    if checkout is None:
        return _NOT_OURS
    checkout.payment = checkout.payment or event.payment
    if checkout.state in (CheckoutState.WANTED, CheckoutState.ON_ITS_WAY):
        collecting.failed(checkout, event.reason or "no reason given", now, mailed=event.found_by is FoundBy.WEBHOOK)
        return "The payment failed."
    return "Settled already."


def _other(event: ProviderEvent, now: datetime) -> str | None:
    return "Kept, and not needed."


_SETTLERS = {
    EventKind.COMPLETED: _completed,
    EventKind.PAID: _paid,
    EventKind.FAILED: _failed,
    EventKind.EXPIRED: _expired,
    EventKind.TAKEN_BACK: _taken_back,
    EventKind.GIVEN_AGAIN: _given_again,
    EventKind.REFUNDED: _refunded,
    EventKind.REFUND_FAILED: _refund_failed,
    EventKind.PAID_OUT: payouts.paid_out,
    EventKind.PAYOUT_FAILED: payouts.failed,
    EventKind.MANDATE_GIVEN: mandates.given,
    EventKind.MANDATE_EXPIRED: mandates.expired,
    EventKind.MANDATE_LOST: mandates.lost,
    EventKind.DEBIT_PAID: _paid,
    EventKind.DEBIT_FAILED: _debit_failed,
    EventKind.OTHER: _other,
}


# --- the nightly comparison


def compare(*, payments: Payments, now: datetime) -> Comparison:
    """Read the provider's own list of the last 30 days and settle what never reached us, without mailing anybody.

    Opens its own transactions. Raises ProviderAway.
    """
    since = now - service.COMPARED_DAYS
    db.session.rollback()
    seen = missed = 0
    for event in payments.events_since(since):
        seen += 1
        with transaction():
            is_new = take(event, found_by=FoundBy.COMPARISON, now=now) is not None
            missed += is_new and event.kind is not EventKind.OTHER
    settle_waiting(now)
    with transaction() as session:
        compared = Comparison(compared_at=now, since=since, seen_count=seen, missed_count=missed)
        session.add(compared)
    return compared
