"""How a payment by card or Bacs Direct Debit goes, and what the provider may tell of it. Pure.

No card or bank number ever reaches us: the payer gives them on the provider's own page.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from fund.kernel.errors import Finding
from ledger.money import format_pence


class Method(StrEnum):
    """How somebody pays online."""

    CARD = "card"
    BACS = "bacs"


METHOD_NAMES = {Method.CARD: "Card", Method.BACS: "Direct Debit"}


class CheckoutState(StrEnum):
    """Where a payment online stands. Money counts only once it is paid; a Bacs debit takes days to be.

    A collection by a saved Direct Debit is announced (PLANNED) before the provider is asked, and may be dropped.
    """

    PLANNED = "planned"
    WANTED = "wanted"
    OPEN = "open"
    ON_ITS_WAY = "on_its_way"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    DROPPED = "dropped"


CHECKOUT_NAMES = {
    CheckoutState.PLANNED: "Announced",
    CheckoutState.WANTED: "Being set up",
    CheckoutState.OPEN: "Not paid yet",
    CheckoutState.ON_ITS_WAY: "On its way",
    CheckoutState.PAID: "Paid",
    CheckoutState.FAILED: "Failed",
    CheckoutState.EXPIRED: "Ended without a payment",
    CheckoutState.DROPPED: "Not taken after all",
}

CHECKOUT_LIVES = timedelta(hours=23)
"""How long we offer a payment page again. The provider closes it after 24 hours."""


class EventKind(StrEnum):
    """What the provider tells us, in our own words; whatever else it says is kept and ignored."""

    COMPLETED = "completed"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    TAKEN_BACK = "taken_back"
    GIVEN_AGAIN = "given_again"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    PAID_OUT = "paid_out"
    PAYOUT_FAILED = "payout_failed"
    MANDATE_GIVEN = "mandate_given"
    MANDATE_EXPIRED = "mandate_expired"
    MANDATE_LOST = "mandate_lost"
    DEBIT_PAID = "debit_paid"
    DEBIT_FAILED = "debit_failed"
    OTHER = "other"


class FoundBy(StrEnum):
    """How we learnt of an event."""

    WEBHOOK = "webhook"
    COMPARISON = "comparison"


class BackKind(StrEnum):
    """Why a contribution went back."""

    DISPUTE = "dispute"
    REFUND = "refund"


BACK_NAMES = {BackKind.DISPUTE: "Taken back by the payer's bank", BackKind.REFUND: "Paid back"}


class RefundState(StrEnum):
    """A refund takes two people; then the provider is asked, and says whether it worked."""

    ASKED = "asked"
    APPROVED = "approved"
    SENT = "sent"
    REFUSED = "refused"
    FAILED = "failed"


REFUND_NAMES = {
    RefundState.ASKED: "Waits for a second person",
    RefundState.APPROVED: "Approved, on its way to the provider",
    RefundState.SENT: "Paid back",
    RefundState.REFUSED: "Refused",
    RefundState.FAILED: "The provider could not pay it back",
}


def amount_faults(method: Method, due_pence: int, most_pence: int) -> list[Finding]:
    """Why this much can't be paid in this way, of which one payment may carry `most_pence` (a setting: a card costs a
    part of every pound, and the provider caps a single Bacs debit)."""
    if due_pence <= 0:
        return [Finding("This pledge is paid. There is nothing more to pay.")]
    if due_pence > most_pence:
        return [
            Finding(
                f"{METHOD_NAMES[method]} payments go up to {format_pence(most_pence)}. "
                "Please pay this by bank transfer: it costs the fund nothing and has no limit."
            )
        ]
    return []


def refund_faults(pence: int, paid_pence: int, gone_pence: int) -> list[Finding]:
    """Why this much can't be paid back, of a payment of which `gone_pence` went back or is about to."""
    left = paid_pence - gone_pence
    if not 0 < pence <= left:
        return [Finding(f"Give a sum from 1p to {format_pence(left)}: that is what is left of it.", "amount")]
    return []


TOLERANCE = timedelta(minutes=5)
"""How old a signed message may be, so that one that was overheard can't be sent again later."""

_LARGEST_HEADER = 2000


def is_genuine(body: bytes, header: str, secret: str, now: datetime) -> bool:
    """Whether `header` (Stripe-Signature: "t=…,v1=…") is the signature of the very bytes in `body`.

    HMAC-SHA256 of "<t>.<body>" with the endpoint's secret; any one of several v1 may fit, as while a secret is changed.
    """
    if len(header) > _LARGEST_HEADER:
        return False
    parts = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    if len(stamps) != 1 or not re.fullmatch(r"[0-9]{1,12}", stamps[0], re.ASCII):
        return False
    if abs(now - datetime.fromtimestamp(int(stamps[0]), UTC)) > TOLERANCE:
        return False
    wanted = signature(body, stamps[0], secret).encode()
    return any(hmac.compare_digest(wanted, value.encode()) for name, _, value in parts if name == "v1")


def signature(body: bytes, stamp: str, secret: str) -> str:
    """The v1 signature of `body`, sent at `stamp` (seconds since 1970)."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
