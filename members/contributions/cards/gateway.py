"""What we ask of a payment provider, in words of our own. `fund.payments` speaks them to Stripe."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, cast

from flask import current_app

from members.contributions.cards.rules import EventKind, Method


class ProviderAway(Exception):
    """The provider could not be reached or could not say; the same asked again does no harm."""


class ProviderRefused(Exception):
    """The provider says no, and will say so again."""


class Forged(Exception):
    """A message that the provider did not sign, or signed too long ago."""


@dataclass(frozen=True)
class CheckoutWanted:
    """A payment page to be opened. `reference` is ours, and is the idempotency key."""

    reference: str
    method: Method
    pence: int
    description: str
    return_url: str


@dataclass(frozen=True)
class MandateWanted:
    """A page on which a payer gives leave to be debited. `reference` is ours, and is the idempotency key."""

    reference: str
    description: str
    return_url: str


@dataclass(frozen=True)
class DebitWanted:
    """Money to be taken under a mandate. `reference` is ours, and is the idempotency key.

    `direct_debit` is our reference of the mandate; `customer`, `source` and `mandate` are the provider's ids of the
    payer, the account and the leave.
    """

    reference: str
    direct_debit: str
    pence: int
    description: str
    customer: str
    source: str
    mandate: str


@dataclass(frozen=True)
class OpenedCheckout:
    """The provider's own page, where the payer gives their card or bank details."""

    provider_id: str
    url: str


@dataclass(frozen=True)
class SeenEvent:
    """Something that happened at the provider, with no more of it than we need.

    Attributes:
        id: the provider's own, unique.
        name: the provider's word for what happened.
        kind: ours.
        happened_at: when.
        reference: our reference of the checkout or refund it is about.
        payment: the provider's id of the payment it is about.
        item: the provider's id of the dispute, refund, payout or mandate.
        pence: how much.
        fee_pence: what the provider charged for it.
        arrives_on: the day a payout reaches the bank.
        reason: the provider's word for why.
        customer: the provider's id of a payer whose bank account is saved.
        source: the provider's id of that account.
    """

    id: str
    name: str
    kind: EventKind
    happened_at: datetime
    reference: str | None = None
    payment: str | None = None
    item: str | None = None
    pence: int | None = None
    fee_pence: int | None = None
    arrives_on: date | None = None
    reason: str | None = None
    customer: str | None = None
    source: str | None = None


class Payments(Protocol):
    """A payment provider. Nothing here may be called inside a transaction: each call speaks to the outside world."""

    def open_checkout(self, wanted: CheckoutWanted) -> OpenedCheckout:
        """Open a payment page; the same reference again gives the same page."""

    def read_event(self, body: bytes, signature: str, now: datetime) -> SeenEvent:
        """What a message says. Raises Forged."""

    def fee_pence(self, payment: str) -> int | None:
        """What the provider kept of a payment; None while it doesn't know."""

    def refund(self, *, reference: str, payment: str, pence: int) -> str:
        """Pay back; the provider's id of it. The same reference again pays back once. Raises ProviderRefused."""

    def open_mandate(self, wanted: MandateWanted) -> OpenedCheckout:
        """Open a page for giving a mandate; the same reference again gives the same page."""

    def collect(self, wanted: DebitWanted) -> str:
        """Take money under a mandate; the provider's id of the payment. The same reference again takes it once, for as
        long as the provider remembers it (a day). Raises ProviderRefused."""

    def find_debit(self, wanted: DebitWanted) -> str | None:
        """The payment that `collect` made for this reference, however long ago."""

    def end_mandate(self, source: str) -> None:
        """Forget a saved account, so that nothing is taken from it any more. Raises ProviderRefused."""

    def events_since(self, since: datetime) -> Iterator[SeenEvent]:
        """Everything the provider would have told us since then."""


def provider() -> Payments | None:
    """The fund's payment provider; None where it takes bank transfers alone."""
    return cast("Payments | None", current_app.extensions["sicf_payments"])
