"""Signatures, caps and sums, by tables."""

from datetime import UTC, datetime, timedelta

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from fund.payments import seen_event
from members.contributions.cards.rules import (
    EventKind,
    Method,
    amount_faults,
    is_genuine,
    refund_faults,
    signature,
)

AT = datetime(2026, 6, 1, 9, tzinfo=UTC)
STAMP = str(int(AT.timestamp()))
SECRET = "whsec_only_for_tests"
BODY = b'{"id": "evt_1", "amount": 25000}'


def header(body: bytes = BODY, secret: str = SECRET, stamp: str = STAMP) -> str:
    return f"t={stamp},v1={signature(body, stamp, secret)}"


@given(body=st.text(max_size=200), stamp=st.integers(0, 2**33))
def test_our_signature_is_the_sdks_own(body: str, stamp: int) -> None:
    theirs = stripe.WebhookSignature._compute_signature(f"{stamp}.{body}", SECRET)
    assert signature(body.encode(), str(stamp), SECRET) == theirs


def test_a_signature_vector() -> None:
    """HMAC-SHA256 by hand: key "key", message "1.The quick brown fox"."""
    assert signature(b"The quick brown fox", "1", "key") == (
        "1ef269d2a2a1f8d397e0e25c3e3013fb5687509234565e6e49ea45a138768457"
    )


@pytest.mark.parametrize(
    ("given_header", "genuine"),
    [
        (header(), True),
        (header() + ",v1=00", True),
        (f"t={STAMP},v1=00,v1={signature(BODY, STAMP, SECRET)},v0=11", True),
        (header(secret="whsec_other"), False),
        (header(body=BODY + b" "), False),
        (header().replace("v1=", "v0="), False),
        (header() + f",t={STAMP}", False),
        (f"v1={signature(BODY, STAMP, SECRET)}", False),
        (f"t=,v1={signature(BODY, '', SECRET)}", False),
        (f"t=-{STAMP},v1={signature(BODY, '-' + STAMP, SECRET)}", False),
        (f"t={STAMP}", False),
        ("", False),
        (header() + "," * 3000, False),
        (f"t={STAMP},v1=é", False),
    ],
)
def test_which_signatures_prove_a_message(given_header: str, genuine: bool) -> None:
    assert is_genuine(BODY, given_header, SECRET, AT) is genuine


@pytest.mark.parametrize(("seconds", "genuine"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_an_old_message_proves_nothing(seconds: int, genuine: bool) -> None:
    assert is_genuine(BODY, header(), SECRET, AT + timedelta(seconds=seconds)) is genuine


@pytest.mark.parametrize(
    ("method", "pence", "fits"),
    [
        (Method.CARD, 1, True),
        (Method.CARD, 500_000, True),
        (Method.CARD, 500_001, False),
        (Method.BACS, 2_000_000, True),
        (Method.BACS, 2_000_001, False),
        (Method.BACS, 0, False),
        (Method.CARD, -1, False),
    ],
)
def test_the_most_for_one_payment(method: Method, pence: int, fits: bool) -> None:
    most = {Method.CARD: 500_000, Method.BACS: 2_000_000}[method]
    assert (amount_faults(method, pence, most) == []) is fits


@pytest.mark.parametrize(
    ("pence", "gone", "fits"), [(1, 0, True), (100, 0, True), (101, 0, False), (1, 100, False), (0, 0, False)]
)
def test_no_more_goes_back_than_came(pence: int, gone: int, fits: bool) -> None:
    assert (refund_faults(pence, 100, gone) == []) is fits


@pytest.mark.parametrize(
    ("name", "about", "kind"),
    [
        ("checkout.session.completed", {"object": "checkout.session", "payment_status": "paid"}, EventKind.PAID),
        ("checkout.session.completed", {"object": "checkout.session", "payment_status": "unpaid"}, EventKind.COMPLETED),
        ("checkout.session.completed", {"object": "checkout.session", "currency": "eur"}, EventKind.OTHER),
        ("checkout.session.async_payment_failed", {"object": "checkout.session"}, EventKind.FAILED),
        ("refund.updated", {"object": "refund", "status": "failed"}, EventKind.REFUND_FAILED),
        ("refund.updated", {"object": "refund", "status": "succeeded"}, EventKind.REFUNDED),
        ("charge.dispute.created", {"object": "dispute"}, EventKind.OTHER),
        ("charge.dispute.funds_withdrawn", {"object": "dispute"}, EventKind.TAKEN_BACK),
        ("customer.created", {"object": "customer", "currency": None}, EventKind.OTHER),
    ],
)
def test_what_an_event_of_stripes_means(name: str, about: dict[str, object], kind: EventKind) -> None:
    event = {"id": "evt_1", "type": name, "created": int(AT.timestamp()), "data": {"object": about}}
    assert seen_event(event).kind is kind


def test_no_name_or_card_is_kept_of_an_event() -> None:
    about = {
        "id": "ch_1",
        "object": "charge",
        "amount": 5,
        "billing_details": {"name": "Nobody", "email": "nobody@example.org"},
        "payment_method_details": {"card": {"last4": "4242"}},
    }
    seen = repr(seen_event({"id": "evt_1", "type": "charge.succeeded", "created": 1, "data": {"object": about}}))
    assert not any(word in seen for word in ("Nobody", "nobody@", "4242"))
