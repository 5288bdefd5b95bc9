"""What the provider tells us: stored once, settled in any order, any number of times, with one result.

An event that belongs after another (a dispute before its payment) waits in its row until the other has come.
"""

import logging
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

import ledger.bank.queries
import ledger.queries
import ledger.service
from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotFound
from ledger.bank.lines import settle as settle_line
from ledger.rules import AccountKind
from members.contributions.cards import service
from members.contributions.cards.gateway import Payments, SeenEvent
from members.contributions.cards.mandates import collecting
from members.contributions.cards.mandates import service as mandates
from members.contributions.cards.models import (
    CardCheckout,
    CardRefund,
    Comparison,
    Payout,
    ProviderEvent,
    TakenBack,
)
from members.contributions.cards.rules import BackKind, CheckoutState, EventKind, FoundBy, RefundState
from members.contributions.models import Receipt
from members.contributions.service import receive

log = logging.getLogger("fund.cards")

_MOST_PER_RUN = 500
_PAYOUT_DAYS = timedelta(days=4)


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
    service.move_paid(pledge, -event.pence)
    audit.record(
        None,
        "contribution.taken_back",
        checkout.reference,
        at=now,
        after={"item": event.item, "pence": event.pence, "short_pence": taken.short_pence},
    )
    return "Taken back from the contributions."


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
    service.move_paid(pledge, found.pence)
    return "Given to us again."


def _refund_failed(event: ProviderEvent, now: datetime) -> str | None:
    ours = db.session.scalar(select(CardRefund).where(CardRefund.reference == (event.reference or "")))
    if ours is None:
        return _given_again(event, now)
    if ours.state is RefundState.ASKED:
        return None
    service.undo_refund(refund_id=ours.id, reason=event.reason or "the provider gave no reason", now=now)
    return "The refund could not be paid; the money is ours still."


def _paid_out(event: ProviderEvent, now: datetime) -> str | None:
    if event.item is None or not event.pence or event.arrives_on is None:
        return "It names no sum."
    session = db.session()
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    session.execute(
        insert(Payout)
        .values(item=event.item, pence=event.pence, arrives_on=event.arrives_on)
        .on_conflict_do_nothing(index_elements=["item"])
    )
    return "Waits for its line on the bank's statement."


def _payout_failed(event: ProviderEvent, now: datetime) -> str | None:
    found = db.session.scalar(select(Payout).where(Payout.item == (event.item or "")).with_for_update())
    if found is None:
        return None
    found.failed_at = event.happened_at
    return "The payout did not reach the bank; the money stays with the provider."


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
    EventKind.PAID_OUT: _paid_out,
    EventKind.PAYOUT_FAILED: _payout_failed,
    EventKind.MANDATE_GIVEN: mandates.given,
    EventKind.MANDATE_EXPIRED: mandates.expired,
    EventKind.MANDATE_LOST: mandates.lost,
    EventKind.DEBIT_PAID: _paid,
    EventKind.DEBIT_FAILED: _debit_failed,
    EventKind.OTHER: _other,
}


# --- payouts


def match_payout(*, payout_id: int, line_id: int, actor: Actor | None, now: datetime) -> Payout:
    """A line of the bank is this payout: settles the line, and moves the money from the provider to the bank.

    Raises:
        NotFound: no such payout or line.
        Conflict: either was matched first.
        RuleBroken: the line is of another sum.
    """
    if actor is not None:
        actor.require(Permission.KEEP_BANK)
    found = db.session.execute(
        select(Payout).where(Payout.id == payout_id).with_for_update().execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound
    if found.matched_at is not None:
        raise Conflict("This payout is matched. Go back to the list: what still waits is there.")
    line = settle_line(
        line_id=line_id, settled_as=f"payout:{found.item}", actor=actor, now=now, expected_pence=found.pence
    )
    ledger.service.receive_payout(
        key=f"stripe:{found.item}",
        pence=found.pence,
        occurred_on=line.booked_on,
        description=f"Payout {found.item} from the payment provider",
        actor=actor,
        now=now,
    )
    found.statement_line_id, found.matched_at = line.id, now
    found.matched_by_id = actor.person_id if actor else None
    return found


def match_payouts(now: datetime) -> int:
    """Match each payout with the one line of the bank that can only be it: the very sum, the provider's name, the
    days about its arrival. What is in doubt waits for a person."""
    lines = ledger.bank.queries.open_lines_in()
    matched = 0
    for payout in db.session.scalars(
        select(Payout)
        .where(Payout.matched_at.is_(None), Payout.failed_at.is_(None))
        .order_by(Payout.id)
        .limit(_MOST_PER_RUN)
    ).all():
        fitting = [
            line
            for line in lines
            if line.settled_at is None
            and line.amount_pence == payout.pence
            and "STRIPE" in f"{line.counterparty} {line.remittance} {line.bank_reference}".upper()
            and abs(line.booked_on - payout.arrives_on) <= _PAYOUT_DAYS
        ]
        if len(fitting) == 1:
            match_payout(payout_id=payout.id, line_id=fitting[0].id, actor=None, now=now)
            matched += 1
    return matched


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
