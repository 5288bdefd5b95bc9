"""Stripe, behind our own gateway (`members.contributions.cards.gateway`). No type of Stripe's goes further than here.

Without keys there is no provider, and the fund takes bank transfers alone.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import stripe
from stripe.params import PaymentIntentCreateParams
from stripe.params.checkout import SessionCreateParams

from members.contributions.cards.gateway import (
    CheckoutWanted,
    DebitWanted,
    Forged,
    MandateWanted,
    OpenedCheckout,
    ProviderAway,
    ProviderRefused,
    SeenEvent,
)
from members.contributions.cards.rules import EventKind, Method, is_genuine

_METHODS = {Method.CARD: "card", Method.BACS: "bacs_debit"}

_KINDS = {
    "checkout.session.completed": EventKind.COMPLETED,
    "checkout.session.async_payment_succeeded": EventKind.PAID,
    "checkout.session.async_payment_failed": EventKind.FAILED,
    "checkout.session.expired": EventKind.EXPIRED,
    "charge.dispute.funds_withdrawn": EventKind.TAKEN_BACK,
    "charge.dispute.funds_reinstated": EventKind.GIVEN_AGAIN,
    "refund.created": EventKind.REFUNDED,
    "refund.updated": EventKind.REFUNDED,
    "refund.failed": EventKind.REFUND_FAILED,
    "payout.paid": EventKind.PAID_OUT,
    "payout.failed": EventKind.PAYOUT_FAILED,
    "setup_intent.succeeded": EventKind.MANDATE_GIVEN,
    "mandate.updated": EventKind.MANDATE_LOST,
    "payment_intent.succeeded": EventKind.DEBIT_PAID,
    "payment_intent.payment_failed": EventKind.DEBIT_FAILED,
}
"""Stripe's words for what we act on. Whatever else it sends is kept under its name and ignored."""


class StripePayments:
    """The gateway over Stripe's API. `api_base` is another address only for the simulator of the demonstration."""

    def __init__(self, secret_key: str, webhook_secret: str, api_base: str | None = None) -> None:
        self._webhook_secret = webhook_secret
        self._client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base} if api_base else {},
            http_client=stripe.RequestsClient(timeout=20),
            max_network_retries=1,
        )

    def open_checkout(self, wanted: CheckoutWanted) -> OpenedCheckout:
        asked: SessionCreateParams = {
            "mode": "payment",
            "allowed_payment_method_types": [_METHODS[wanted.method]],
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "gbp",
                        "unit_amount": wanted.pence,
                        "product_data": {"name": wanted.description},
                    },
                }
            ],
            "client_reference_id": wanted.reference,
            "payment_intent_data": {"description": wanted.description, "metadata": {"reference": wanted.reference}},
            "success_url": wanted.return_url,
            "cancel_url": wanted.return_url,
        }
        with _answers():
            session = self._client.v1.checkout.sessions.create(
                asked, {"idempotency_key": f"checkout:{wanted.reference}"}
            )
        if session.url is None:
            raise ProviderAway("no address in the answer")
        return OpenedCheckout(session.id, session.url)

    def open_mandate(self, wanted: MandateWanted) -> OpenedCheckout:
        about = {"reference": wanted.reference}
        with _answers():
            customer = self._client.v1.customers.create(
                {"description": wanted.description, "metadata": about},
                {"idempotency_key": f"customer:{wanted.reference}"},
            )
            asked: SessionCreateParams = {
                "mode": "setup",
                "currency": "gbp",
                "customer": customer.id,
                "allowed_payment_method_types": ["bacs_debit"],
                "client_reference_id": wanted.reference,
                "setup_intent_data": {"description": wanted.description, "metadata": about},
                "success_url": wanted.return_url,
                "cancel_url": wanted.return_url,
            }
            session = self._client.v1.checkout.sessions.create(
                asked, {"idempotency_key": f"mandate:{wanted.reference}"}
            )
        if session.url is None:
            raise ProviderAway("no address in the answer")
        return OpenedCheckout(session.id, session.url)

    def collect(self, wanted: DebitWanted) -> str:
        asked: PaymentIntentCreateParams = {
            "amount": wanted.pence,
            "currency": "gbp",
            "customer": wanted.customer,
            "payment_method": wanted.source,
            "mandate": wanted.mandate,
            "allowed_payment_method_types": ["bacs_debit"],
            "confirm": True,
            "off_session": True,
            "description": wanted.description,
            "metadata": {"reference": wanted.reference, "direct_debit": wanted.direct_debit},
        }
        with _answers():
            made = self._client.v1.payment_intents.create(asked, {"idempotency_key": f"debit:{wanted.reference}"})
        return made.id

    def find_debit(self, wanted: DebitWanted) -> str | None:
        with _answers():
            listed = self._client.v1.payment_intents.list({"customer": wanted.customer, "limit": 100})
            for made in listed.auto_paging_iter():
                if (made.to_dict().get("metadata") or {}).get("reference") == wanted.reference:
                    return made.id
        return None

    def end_mandate(self, source: str) -> None:
        with _answers():
            self._client.v1.payment_methods.detach(source)

    def read_event(self, body: bytes, signature: str, now: datetime) -> SeenEvent:
        if not is_genuine(body, signature, self._webhook_secret, now):
            raise Forged
        try:
            return seen_event(json.loads(body))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise Forged from error

    def fee_pence(self, payment: str) -> int | None:
        with _answers():
            intent = self._client.v1.payment_intents.retrieve(
                payment, {"expand": ["latest_charge.balance_transaction"]}
            )
        charge = intent.latest_charge
        booked = charge.balance_transaction if isinstance(charge, stripe.Charge) else None
        return booked.fee if isinstance(booked, stripe.BalanceTransaction) else None

    def refund(self, *, reference: str, payment: str, pence: int) -> str:
        with _answers():
            made = self._client.v1.refunds.create(
                {"payment_intent": payment, "amount": pence, "metadata": {"reference": reference}},
                {"idempotency_key": f"refund:{reference}"},
            )
        return made.id

    def events_since(self, since: datetime) -> Iterator[SeenEvent]:
        with _answers():
            found = self._client.v1.events.list(
                {"created": {"gte": int(since.timestamp())}, "types": list(_KINDS), "limit": 100}
            )
            for event in found.auto_paging_iter():
                yield seen_event(event.to_dict())


@contextmanager
def _answers() -> Iterator[None]:
    """Stripe's errors in our words: asked again later, or refused for good."""
    try:
        yield
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        raise ProviderRefused(error.user_message or "The payment provider refused this.") from error
    except stripe.StripeError as error:
        raise ProviderAway(type(error).__name__) from error


def seen_event(event: dict[str, Any]) -> SeenEvent:
    """An event of Stripe's wire form with no more of it than we need: no names, no addresses, no digits of a card."""
    name = str(event["type"])
    about = event["data"]["object"]
    kind = _kind(name, about)
    shape = about.get("object")
    is_checkout = shape == "checkout.session"
    named = about.get("client_reference_id") if is_checkout else (about.get("metadata") or {}).get("reference")
    return SeenEvent(
        id=str(event["id"]),
        name=name,
        kind=kind,
        happened_at=datetime.fromtimestamp(int(event["created"]), UTC),
        reference=_text(named),
        payment=_text(about.get("id") if shape == "payment_intent" else about.get("payment_intent")),
        item=_item(shape, about),
        pence=_pence(about.get("amount_total") if is_checkout else about.get("amount")),
        fee_pence=sum(_pence(one.get("fee")) or 0 for one in about.get("balance_transactions") or ()) or None,
        arrives_on=_day(about.get("arrival_date")),
        reason=_reason(about),
        customer=_text(about.get("customer")) if shape == "setup_intent" else None,
        source=_text(about.get("payment_method")) if shape == "setup_intent" else None,
    )


def _kind(name: str, about: dict[str, Any]) -> EventKind:
    """What an event means to us: some of Stripe's names stand for several things."""
    kind = _KINDS.get(name, EventKind.OTHER)
    if about.get("currency") not in (None, "gbp"):
        return EventKind.OTHER
    if about.get("object") == "checkout.session" and about.get("mode") == "setup":
        return EventKind.MANDATE_EXPIRED if kind is EventKind.EXPIRED else EventKind.OTHER
    if kind is EventKind.COMPLETED and about.get("payment_status") == "paid":
        return EventKind.PAID
    if kind is EventKind.REFUNDED and about.get("status") in ("failed", "canceled"):
        return EventKind.REFUND_FAILED
    if kind in (EventKind.DEBIT_PAID, EventKind.DEBIT_FAILED) and not (about.get("metadata") or {}).get("direct_debit"):
        return EventKind.OTHER  # of a payment page, which tells of it itself: there the payer may try another card
    if kind is EventKind.MANDATE_LOST and about.get("status") != "inactive":
        return EventKind.OTHER
    return kind


def _item(shape: object, about: dict[str, Any]) -> str | None:
    if shape == "setup_intent":
        return _text(about.get("mandate"))
    return None if shape in ("checkout.session", "payment_intent") else _text(about.get("id"))


def _reason(about: dict[str, Any]) -> str | None:
    """Stripe's word for why, wherever it stands."""
    error = about.get("last_payment_error") or {}
    bacs = (about.get("payment_method_details") or {}).get("bacs_debit") or {}
    for word in (
        about.get("reason"),
        about.get("failure_reason"),
        about.get("failure_code"),
        error.get("code"),
        bacs.get("revocation_reason"),
        bacs.get("network_status"),
    ):
        if word:
            return _text(word)
    return None


def _text(value: object) -> str | None:
    return value[:200] if isinstance(value, str) else None


def _pence(value: object) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 10**12 else None


def _day(value: object) -> date | None:
    return datetime.fromtimestamp(value, UTC).date() if isinstance(value, int) else None


def stripe_payments(secret_key: str | None, webhook_secret: str | None) -> StripePayments | None:
    """The gateway, where there are keys for it."""
    return StripePayments(secret_key, webhook_secret) if secret_key and webhook_secret else None
