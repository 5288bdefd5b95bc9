"""Paying online: opening a payment page, and refunds by two people.

The provider is never spoken to inside a transaction. A row that says what is wanted is committed first; then the
provider is asked, under our reference as the idempotency key; then its answer is stored. Whatever stops half way is
done again with the same reference and has one effect.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select

import ledger.queries
import ledger.service
from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken, require
from fund.kernel.references import next_reference
from ledger.money import format_pence
from members.contributions import rules as pledging
from members.contributions.cards import queries, rules
from members.contributions.cards.gateway import CheckoutWanted, Payments, ProviderAway, ProviderRefused
from members.contributions.cards.models import CardCheckout, CardRefund, TakenBack
from members.contributions.cards.rules import BackKind, CheckoutState, Method, RefundState
from members.contributions.models import Pledge, Receipt
from members.contributions.rules import PledgeState
from members.contributions.schedules import service as schedules

_MOST_PER_RUN = 200


def locked_checkout(checkout_id: int) -> CardCheckout:
    """A payment online with its row held until the transaction ends."""
    return db.session.execute(
        select(CardCheckout)
        .where(CardCheckout.id == checkout_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()


def locked_pledge(pledge_id: int) -> Pledge:
    """A pledge with its row held until the transaction ends."""
    return db.session.execute(
        select(Pledge).where(Pledge.id == pledge_id).with_for_update().execution_options(populate_existing=True)
    ).scalar_one()


# --- paying


def start(*, pledge_id: int, method: Method, actor: Actor, now: datetime) -> CardCheckout:
    """Want to pay what is due on a pledge of one's own organisation. A page that is open for the same is used again.

    Raises:
        NotFound: for another organisation's pledge.
        Conflict: while a Direct Debit for it is on its way, or when it was cancelled.
        RuleBroken: when it is paid, or too much for this way of paying.
    """
    pledge = locked_pledge(pledge_id)
    if pledge.organisation_id != actor.organisation_id:
        raise NotFound
    actor.require(Permission.CONTRIBUTE)
    if pledge.state is PledgeState.CANCELLED:
        raise Conflict(f"{pledge.reference} was cancelled. Make a new pledge, then pay that.")
    require(rules.amount_faults(method, pledge.due_pence, queries.most_pence(now)[method]))
    for earlier in db.session.scalars(
        select(CardCheckout)
        .where(
            CardCheckout.pledge_id == pledge_id,
            CardCheckout.state.in_((CheckoutState.WANTED, CheckoutState.OPEN, CheckoutState.ON_ITS_WAY)),
        )
        .order_by(CardCheckout.id)
        .limit(50)
    ):
        if earlier.state is CheckoutState.ON_ITS_WAY or earlier.mandate_id is not None:
            raise Conflict(
                f"A Direct Debit of {format_pence(earlier.pence)} for this pledge is on its way. "
                "It takes about four working days; the pledge's page shows when it has cleared."
            )
        fresh = earlier.made_at > now - rules.CHECKOUT_LIVES
        if fresh and (earlier.method, earlier.pence) == (method, pledge.due_pence):
            return earlier
    made = CardCheckout(
        reference=next_reference("CO", year=london_day(now).year, digits=5),
        pledge_id=pledge_id,
        method=method,
        pence=pledge.due_pence,
        state=CheckoutState.WANTED,
        made_at=now,
        made_by_id=actor.person_id,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        actor, "checkout.wanted", made.reference, at=now, after={"pledge": pledge.reference, "pence": made.pence}
    )
    return made


def open_page(*, checkout_id: int, payments: Payments, base_url: str) -> None:
    """Ask the provider for the payment page of a checkout that wants one. Outside a transaction.

    Raises:
        ProviderAway: the same may be asked again.
    """
    wanted = db.session.get_one(CardCheckout, checkout_id)
    if wanted.state is not CheckoutState.WANTED or wanted.mandate_id is not None:
        return
    asked = CheckoutWanted(
        reference=wanted.reference,
        method=wanted.method,
        pence=wanted.pence,
        description=f"Contribution, pledge {wanted.pledge.reference}",
        return_url=f"{base_url}/payments/{wanted.reference}",
    )
    db.session.rollback()
    try:
        opened = payments.open_checkout(asked)
    except ProviderRefused as refused:
        with transaction():
            checkout = locked_checkout(checkout_id)
            checkout.state, checkout.failure = CheckoutState.FAILED, str(refused)
        return
    with transaction():
        checkout = locked_checkout(checkout_id)
        if checkout.provider_id is None:
            checkout.provider_id, checkout.url = opened.provider_id, opened.url
        if checkout.state is CheckoutState.WANTED:
            checkout.state = CheckoutState.OPEN


def collect_fees(*, payments: Payments, now: datetime) -> int:
    """Book what the provider kept of each payment, as soon as it says. Opens its own transactions."""
    waiting = db.session.execute(
        select(CardCheckout.id, CardCheckout.payment)
        .where(CardCheckout.state == CheckoutState.PAID, CardCheckout.fee_pence.is_(None))
        .order_by(CardCheckout.id)
        .limit(_MOST_PER_RUN)
    ).all()
    db.session.rollback()
    booked = 0
    for checkout_id, payment in waiting:
        try:
            pence = payments.fee_pence(str(payment))
        except ProviderAway:
            break
        if pence is None:
            continue
        with transaction():
            checkout = locked_checkout(checkout_id)
            if checkout.fee_pence is None:
                checkout.fee_pence = pence
                if pence:
                    ledger.service.charge_fee(
                        key=f"stripe:{payment}:fee",
                        pence=pence,
                        occurred_on=london_day(checkout.paid_at or now),
                        description=f"Fee for payment {checkout.reference}",
                        actor=None,
                        now=now,
                    )
                booked += 1
    return booked


# --- refunds


def gone_pence(checkout_id: int) -> int:
    """What went back of a payment, with what is asked or approved to go back."""
    back = db.session.scalar(
        select(func.sum(TakenBack.pence)).where(TakenBack.checkout_id == checkout_id, TakenBack.undone_at.is_(None))
    )
    asked = db.session.scalar(
        select(func.sum(CardRefund.pence)).where(
            CardRefund.checkout_id == checkout_id, CardRefund.state == RefundState.ASKED
        )
    )
    return int(back or 0) + int(asked or 0)


def ask_refund(*, checkout_id: int, pence: int, reason: str, actor: Actor, now: datetime) -> CardRefund:
    """Ask for a payment to be paid back in part or whole. Somebody else decides.

    Raises:
        RuleBroken: when less is left of it, or it wasn't paid.
    """
    actor.require(Permission.KEEP_BANK)
    checkout = locked_checkout(checkout_id)
    if checkout.state is not CheckoutState.PAID:
        raise RuleBroken("Only a payment that is paid can be paid back.")
    require(rules.refund_faults(pence, checkout.pence, gone_pence(checkout_id)))
    asked = CardRefund(
        reference=next_reference("CR", year=london_day(now).year, digits=4),
        checkout_id=checkout_id,
        pence=pence,
        reason=reason,
        state=RefundState.ASKED,
        asked_at=now,
        asked_by_id=actor.person_id,
    )
    db.session.add(asked)
    db.session.flush()
    audit.record(
        actor,
        "refund.asked",
        asked.reference,
        at=now,
        after={"payment": checkout.reference, "pence": pence, "reason": reason},
    )
    return asked


def _locked_refund(refund_id: int) -> CardRefund:
    found = db.session.execute(
        select(CardRefund).where(CardRefund.id == refund_id).with_for_update().execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def decide_refund(*, refund_id: int, approve: bool, actor: Actor, now: datetime) -> CardRefund:
    """The second person approves or refuses. Approving books it at once, so that the money can't be awarded meanwhile.

    Raises:
        NotAllowed: by who asked, or by the payer's own people.
        Conflict: when somebody decided it first.
        RuleBroken: when less is free (handbook §6: only free money is ours to give back).
    """
    actor.require(Permission.APPROVE_PAYMENTS)
    asked = _locked_refund(refund_id)
    if asked.state is not RefundState.ASKED:
        raise Conflict(f"Somebody decided this first: {rules.REFUND_NAMES[asked.state].lower()}.")
    checkout = locked_checkout(asked.checkout_id)
    pledge = locked_pledge(checkout.pledge_id)
    if actor.person_id == asked.asked_by_id:
        raise NotAllowed("You asked for this refund, so somebody else decides it.")
    if actor.organisation_id == pledge.organisation_id:
        raise NotAllowed("It would be paid to your own organisation, so somebody else decides it.")
    asked.decided_at, asked.decided_by_id = now, actor.person_id
    asked.state = RefundState.APPROVED if approve else RefundState.REFUSED
    audit.record(actor, "refund.decided", asked.reference, at=now, after={"state": asked.state.value})
    if approve and checkout.receipt_id is not None:
        receipt = db.session.get_one(Receipt, checkout.receipt_id)
        posted = ledger.service.refund(
            key=f"refund:{asked.reference}",
            contributor=pledge.organisation.owner,
            pence=asked.pence,
            occurred_on=london_day(now),
            description=f"Refund {asked.reference} of payment {checkout.reference}",
            reason=asked.reason,
            actor=actor,
            now=now,
            restriction=ledger.queries.restriction_of(receipt.transfer_id),
        )
        db.session.add(
            TakenBack(
                item=asked.reference,
                checkout_id=checkout.id,
                receipt_id=checkout.receipt_id,
                kind=BackKind.REFUND,
                pence=asked.pence,
                short_pence=0,
                reason=asked.reason,
                went_on=london_day(now),
                transfer_id=posted.transfer_id,
            )
        )
        went_back(pledge, receipt.id, asked.pence)
    db.session.flush()
    return asked


def went_back(pledge: Pledge, receipt_id: int, pence: int) -> None:
    """So much of a receipt went back: the pledge is due by so much again. Its row is locked."""
    pledge.paid_pence -= pence
    schedules.unpay(pledge, receipt_id, pence)
    _follow(pledge)


def came_again(pledge: Pledge, pence: int) -> None:
    """What had gone back came to us again. The pledge's row is locked."""
    pledge.paid_pence += pence
    schedules.pay_again(pledge, pence)
    _follow(pledge)


def _follow(pledge: Pledge) -> None:
    if pledge.state is not PledgeState.CANCELLED:
        pledge.state = pledging.state_after(pledge.pence, pledge.paid_pence, pledge.written_off_pence)


def send_refunds(*, payments: Payments, now: datetime) -> int:
    """Ask the provider for every approved refund. Opens its own transactions."""
    waiting = db.session.execute(
        select(CardRefund.id, CardRefund.reference, CardRefund.pence, CardCheckout.payment)
        .join(CardCheckout, CardCheckout.id == CardRefund.checkout_id)
        .where(CardRefund.state == RefundState.APPROVED)
        .order_by(CardRefund.id)
        .limit(_MOST_PER_RUN)
    ).all()
    db.session.rollback()
    sent = 0
    for refund_id, reference, pence, payment in waiting:
        try:
            provider_id = payments.refund(reference=reference, payment=str(payment), pence=pence)
        except ProviderAway:
            break
        except ProviderRefused as refused:
            with transaction():
                undo_refund(refund_id=refund_id, reason=str(refused), now=now)
            continue
        with transaction():
            found = _locked_refund(refund_id)
            if found.state is RefundState.APPROVED:
                found.state, found.provider_id = RefundState.SENT, provider_id
                sent += 1
    return sent


def undo_refund(*, refund_id: int, reason: str, now: datetime) -> None:
    """The provider could not pay it back: the money is ours still, by an entry that names the one it undoes."""
    found = _locked_refund(refund_id)
    if found.state is RefundState.FAILED:
        return
    gone = db.session.scalar(select(TakenBack).where(TakenBack.item == found.reference))
    checkout = locked_checkout(found.checkout_id)
    ledger.service.reverse(
        key=f"refund:{found.reference}:failed",
        reversed_key=f"refund:{found.reference}",
        reason=reason,
        occurred_on=london_day(now),
        actor=None,
        now=now,
    )
    found.state = RefundState.FAILED
    if gone is not None:
        gone.undone_at = now
    came_again(locked_pledge(checkout.pledge_id), found.pence)
    audit.record(None, "refund.failed", found.reference, at=now, after={"reason": reason})


# --- making good


def make_good(*, pence: int, key: str, actor: Actor, now: datetime) -> None:
    """Free money makes good what is short after some was taken back.

    Raises:
        RuleBroken: when less is free or less is short.
    """
    actor.require(Permission.KEEP_BANK)
    ledger.service.make_good(key=f"made_good:{key}", pence=pence, occurred_on=london_day(now), actor=actor, now=now)


def sweep(now: datetime, payments: Payments) -> int:
    """What the provider is still to be asked: fees and refunds."""
    return collect_fees(payments=payments, now=now) + send_refunds(payments=payments, now=now)


COMPARED_DAYS = timedelta(days=30)
