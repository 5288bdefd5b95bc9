"""What the stand-in for Stripe knows and does: payment pages, payments, refunds, disputes, payouts, and its messages.

Messages wait in `outgoing` until they are delivered; a test delivers them late, twice and out of order. No card data is
asked for: the page to pay on has two buttons.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from stripe.params import (
    CustomerCreateParams,
    PaymentIntentCreateParams,
    PaymentMethodDetachParams,
    RefundCreateParams,
)
from stripe.params.checkout import SessionCreateParams

from fund.demo.stripe.checks import WrongParameter, checked
from members.contributions.cards.rules import signature

BACS_CLEARS = timedelta(days=4)
_MOST_BACS = 100_000_00


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: its status and its JSON."""

    status: int
    content: dict[str, Any]


def _refusal(message: str, status: int = 400) -> Answer:
    return Answer(status, {"error": {"type": "invalid_request_error", "message": message}})


@dataclass
class Simulator:
    """The provider's side. Each public method takes the lock, so that several requests may come at once.

    Attributes:
        webhook_secret: signs messages.
        now: the time as the fund tells it.
        page_base: where its own pages are; set by the server.
    """

    webhook_secret: str
    now: Callable[[], datetime]
    page_base: str = "http://127.0.0.1"
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    customers: dict[str, dict[str, Any]] = field(default_factory=dict)
    payouts: dict[str, dict[str, Any]] = field(default_factory=dict)
    mandates: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    outgoing: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, tuple[dict[str, Any], Answer]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _number: int = 0

    def _id(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}_sim{int(self.now().timestamp())}{self._number:06d}"

    def _stamp(self) -> int:
        return int(self.now().timestamp())

    def _tell(self, name: str, about: dict[str, Any]) -> None:
        event = {
            "id": self._id("evt"),
            "object": "event",
            "created": self._stamp(),
            "type": name,
            "data": {"object": json.loads(json.dumps(about))},
        }
        self.events.append(event)
        self.outgoing.append(event)

    # --- what the API does

    def post(self, path: str, given: dict[str, Any], key: str | None) -> Answer:
        """A request that acts. The same idempotency key gives the first answer; with other parameters it is refused."""
        with self._lock:
            if key is not None and key in self.answers:
                before, answer = self.answers[key]
                if before != given:
                    return _refusal("Keys for idempotent requests can only be used with the same parameters.")
                return answer
            try:
                answer = self._act(path, given)
            except WrongParameter as wrong:
                return _refusal(str(wrong))
            if key is not None:
                self.answers[key] = (given, answer)
            return answer

    def _act(self, path: str, given: dict[str, Any]) -> Answer:
        if path == "/v1/checkout/sessions":
            return self._open(checked(given, SessionCreateParams))
        if path == "/v1/refunds":
            return self._refund(checked(given, RefundCreateParams))
        if path == "/v1/customers":
            return self._customer(checked(given, CustomerCreateParams))
        if path == "/v1/payment_intents":
            return self._debit(checked(given, PaymentIntentCreateParams))
        if path.startswith("/v1/payment_methods/") and path.endswith("/detach"):
            checked(given, PaymentMethodDetachParams)
            return self._detach(path.split("/")[3])
        return _refusal(f"Unrecognized request URL (POST: {path})", 404)

    def _open(self, asked: dict[str, Any]) -> Answer:
        methods = asked.get("allowed_payment_method_types")
        if asked.get("mode") == "setup":
            return self._open_setup(asked)
        if asked.get("mode") != "payment" or not asked.get("line_items") or not methods:
            raise WrongParameter("Missing required param: mode, line_items or allowed_payment_method_types")
        price = asked["line_items"][0]["price_data"]
        pence = price["unit_amount"] * asked["line_items"][0].get("quantity", 1)
        if price["currency"] != "gbp" or pence < 30:
            raise WrongParameter("Amount must be at least £0.30 gbp")
        if methods == ["bacs_debit"] and pence > _MOST_BACS:
            raise WrongParameter("Amount is more than the most for one Bacs Direct Debit")
        number = self._id("cs")
        self.sessions[number] = {
            "id": number,
            "object": "checkout.session",
            "amount_total": pence,
            "currency": "gbp",
            "client_reference_id": asked.get("client_reference_id"),
            "metadata": asked.get("metadata", {}),
            "mode": "payment",
            "payment_intent": None,
            "payment_intent_metadata": asked.get("payment_intent_data", {}).get("metadata", {}),
            "payment_status": "unpaid",
            "payment_method_types": methods,
            "status": "open",
            "success_url": asked["success_url"],
            "cancel_url": asked.get("cancel_url", asked["success_url"]),
            "url": f"{self.page_base}/pay/{number}",
            "created": self._stamp(),
        }
        return Answer(200, self.sessions[number])

    def _customer(self, asked: dict[str, Any]) -> Answer:
        made = {"id": self._id("cus"), "object": "customer", "metadata": asked.get("metadata", {})}
        self.customers[made["id"]] = made
        return Answer(200, made)

    def _open_setup(self, asked: dict[str, Any]) -> Answer:
        """A page on which a payer saves a bank account for later."""
        if asked.get("allowed_payment_method_types") != ["bacs_debit"] or asked.get("currency") != "gbp":
            raise WrongParameter("Missing required param: currency or allowed_payment_method_types")
        if asked.get("customer") not in self.customers or "line_items" in asked:
            raise WrongParameter("No such customer, or line_items in setup mode")
        number = self._id("cs")
        self.sessions[number] = {
            "id": number,
            "object": "checkout.session",
            "amount_total": None,
            "currency": "gbp",
            "client_reference_id": asked.get("client_reference_id"),
            "metadata": asked.get("metadata", {}),
            "mode": "setup",
            "customer": asked["customer"],
            "setup_intent": None,
            "setup_intent_metadata": asked.get("setup_intent_data", {}).get("metadata", {}),
            "payment_status": "no_payment_required",
            "payment_method_types": ["bacs_debit"],
            "status": "open",
            "success_url": asked["success_url"],
            "cancel_url": asked.get("cancel_url", asked["success_url"]),
            "url": f"{self.page_base}/pay/{number}",
            "created": self._stamp(),
        }
        return Answer(200, self.sessions[number])

    def _debit(self, asked: dict[str, Any]) -> Answer:
        """Money taken from a saved account, without its payer being there."""
        if not (asked.get("confirm") and asked.get("off_session")) or asked["currency"] != "gbp":
            raise WrongParameter("Only off-session payments in gbp are known here")
        mandate = self.mandates.get(asked.get("mandate", ""))
        if mandate is None or mandate["payment_method"] != asked.get("payment_method"):
            raise WrongParameter("No such mandate of this payment_method")
        if mandate["customer"] != asked.get("customer"):
            raise WrongParameter("The payment_method does not belong to the customer")
        if mandate["status"] == "inactive":
            return _refusal("The provided mandate is inactive.")
        if not 30 <= asked["amount"] <= _MOST_BACS:
            raise WrongParameter("Amount must be at least £0.30 gbp, and no more than Bacs carries")
        made = {
            "id": self._id("pi"),
            "object": "payment_intent",
            "amount": asked["amount"],
            "currency": "gbp",
            "customer": asked["customer"],
            "metadata": asked.get("metadata", {}),
            "status": "processing",
            "latest_charge": None,
            "off_session": True,
            "created": self._stamp(),
        }
        self.intents[made["id"]] = made
        self._tell("payment_intent.processing", made)
        return Answer(200, made)

    def _detach(self, source: str) -> Answer:
        of_it = [one for one in self.mandates.values() if one["payment_method"] == source and one["customer"]]
        if not of_it:
            return _refusal("The payment method you provided is not attached to a customer.")
        for one in of_it:
            one["customer"] = None
            self._make_inactive(one, None)
        return Answer(200, {"id": source, "object": "payment_method", "customer": None})

    def _make_inactive(self, mandate: dict[str, Any], reason: str | None) -> None:
        mandate["status"] = "inactive"
        mandate["payment_method_details"]["bacs_debit"] |= {"network_status": "revoked", "revocation_reason": reason}
        self._tell("mandate.updated", mandate)

    def _refund(self, asked: dict[str, Any]) -> Answer:
        intent = self.intents.get(asked.get("payment_intent", ""))
        if intent is None or intent["status"] != "succeeded":
            return _refusal("No such payment_intent")
        gone = sum(one["amount"] for one in self.refunds.values() if one["payment_intent"] == intent["id"])
        pence = asked.get("amount", intent["amount"] - gone)
        if pence + gone > intent["amount"]:
            return _refusal("Refund amount is greater than the amount left of the charge")
        made = {
            "id": self._id("re"),
            "object": "refund",
            "amount": pence,
            "currency": "gbp",
            "payment_intent": intent["id"],
            "metadata": asked.get("metadata", {}),
            "reason": asked.get("reason"),
            "status": "succeeded",
        }
        self.refunds[made["id"]] = made
        self._tell("refund.created", made)
        return Answer(200, made)

    def get(self, path: str, query: dict[str, Any]) -> Answer:
        """A request that reads."""
        with self._lock:
            self.tick()
            if path == "/v1/events":
                return self._list(query)
            if path == "/v1/payment_intents":
                return self._list_intents(query)
            intent = self.intents.get(path.removeprefix("/v1/payment_intents/"))
            return Answer(200, intent) if intent is not None else _refusal(f"No such payment_intent: {path}", 404)

    def _list(self, query: dict[str, Any]) -> Answer:
        since = int(query.get("created", {}).get("gte", 0))
        names = set(query.get("types", []))
        found = [
            one for one in reversed(self.events) if one["created"] >= since and (not names or one["type"] in names)
        ]
        if after := query.get("starting_after"):
            found = found[[one["id"] for one in found].index(after) + 1 :]
        limit = int(query.get("limit", 10))
        page = {"object": "list", "url": "/v1/events", "has_more": len(found) > limit, "data": found[:limit]}
        return Answer(200, page)

    def _list_intents(self, query: dict[str, Any]) -> Answer:
        found = [one for one in reversed(self.intents.values()) if one.get("customer") == query.get("customer")]
        if after := query.get("starting_after"):
            found = found[[one["id"] for one in found].index(after) + 1 :]
        limit = int(query.get("limit", 10))
        page = {"object": "list", "url": "/v1/payment_intents", "has_more": len(found) > limit, "data": found[:limit]}
        return Answer(200, page)

    # --- what a payer, a bank and time do

    def pay(self, session_id: str) -> dict[str, Any]:
        """The payer presses the button. A card is paid at once; a Direct Debit is on its way."""
        with self._lock:
            session = self.sessions[session_id]
            if session["status"] != "open":
                return session
            if session["mode"] == "setup":
                return self._save(session)
            is_card = session["payment_method_types"] == ["card"]
            intent = {
                "id": self._id("pi"),
                "object": "payment_intent",
                "amount": session["amount_total"],
                "currency": "gbp",
                "metadata": session["payment_intent_metadata"],
                "status": "succeeded" if is_card else "processing",
                "latest_charge": None,
                "off_session": False,
            }
            self.intents[intent["id"]] = intent
            session |= {"status": "complete", "payment_intent": intent["id"], "created": self._stamp()}
            if is_card:
                self._succeed(session)
            self._tell("checkout.session.completed", session)
            self._tell("payment_intent.succeeded" if is_card else "payment_intent.processing", intent)
            return session

    def _save(self, session: dict[str, Any]) -> dict[str, Any]:
        """The payer has given bank details and leave."""
        source, mandate = self._id("pm"), self._id("mandate")
        self.mandates[mandate] = {
            "id": mandate,
            "object": "mandate",
            "customer": session["customer"],
            "payment_method": source,
            "payment_method_details": {"type": "bacs_debit", "bacs_debit": {"network_status": "pending"}},
            "status": "active",
            "type": "multi_use",
        }
        intent = {
            "id": self._id("seti"),
            "object": "setup_intent",
            "customer": session["customer"],
            "payment_method": source,
            "mandate": mandate,
            "metadata": session["setup_intent_metadata"],
            "status": "succeeded",
        }
        session |= {"status": "complete", "setup_intent": intent["id"]}
        self._tell("checkout.session.completed", session)
        self._tell("setup_intent.succeeded", intent)
        self._tell("mandate.updated", self.mandates[mandate])
        return session

    def revoke(self, mandate: str, reason: str = "debit_not_authorized") -> None:
        """The payer ends a mandate with their bank."""
        with self._lock:
            self._make_inactive(self.mandates[mandate], reason)

    def clear_debit(self, payment: str) -> None:
        """Money taken from a saved account has cleared."""
        with self._lock:
            intent = self.intents[payment]
            self._charge(intent, is_card=False)
            self._tell("payment_intent.succeeded", intent)

    def bounce_debit(self, payment: str, code: str = "insufficient_funds") -> None:
        """The payer's bank did not pay."""
        with self._lock:
            intent = self.intents[payment]
            intent |= {"status": "requires_payment_method", "last_payment_error": {"code": code}}
            self._tell("payment_intent.payment_failed", intent)

    def _succeed(self, session: dict[str, Any]) -> None:
        session["payment_status"] = "paid"
        self._charge(self.intents[session["payment_intent"]], is_card=session["payment_method_types"] == ["card"])

    def _charge(self, intent: dict[str, Any], *, is_card: bool) -> None:
        pence = intent["amount"]
        fee = pence * 15 // 1000 + 20 if is_card else min(200, max(20, pence // 100))
        intent["status"] = "succeeded"
        intent["latest_charge"] = {
            "id": self._id("ch"),
            "object": "charge",
            "amount": pence,
            "balance_transaction": {"id": self._id("txn"), "object": "balance_transaction", "fee": fee},
        }

    def clear(self, session_id: str) -> None:
        """A Direct Debit has cleared."""
        with self._lock:
            session = self.sessions[session_id]
            self._succeed(session)
            self._tell("checkout.session.async_payment_succeeded", session)

    def bounce(self, session_id: str) -> None:
        """A Direct Debit was not paid."""
        with self._lock:
            session = self.sessions[session_id]
            session["status"] = "failed"
            self._tell("checkout.session.async_payment_failed", session)

    def expire(self, session_id: str) -> None:
        """Nobody paid for a day."""
        with self._lock:
            self.sessions[session_id]["status"] = "expired"
            self._tell("checkout.session.expired", self.sessions[session_id])

    def dispute(self, payment: str, reason: str = "fraudulent", fee_pence: int = 0) -> dict[str, Any]:
        """The payer's bank takes the money back."""
        with self._lock:
            disputed = {
                "id": self._id("dp"),
                "object": "dispute",
                "amount": self.intents[payment]["amount"],
                "currency": "gbp",
                "payment_intent": payment,
                "reason": reason,
                "balance_transactions": [{"fee": fee_pence}] if fee_pence else [],
            }
            self._tell("charge.dispute.created", disputed)
            self._tell("charge.dispute.funds_withdrawn", disputed)
            return disputed

    def win(self, disputed: dict[str, Any]) -> None:
        """The bank finds for us."""
        with self._lock:
            self._tell("charge.dispute.funds_reinstated", disputed | {"balance_transactions": []})

    def pay_out(self, pence: int) -> str:
        """Send money to the fund's bank."""
        with self._lock:
            made: dict[str, Any] = {
                "id": self._id("po"),
                "object": "payout",
                "amount": pence,
                "currency": "gbp",
                "arrival_date": self._stamp(),
            }
            self._tell("payout.paid", made)
            self.payouts[made["id"]] = made
            return str(made["id"])

    def fail_payout(self, payout: str, code: str = "account_closed") -> None:
        """The fund's bank sends a payout back."""
        with self._lock:
            self.payouts[payout] |= {"status": "failed", "failure_code": code}
            self._tell("payout.failed", self.payouts[payout])

    def tick(self) -> None:
        """What time brings: Direct Debits clear after four days."""
        with self._lock:
            for number, session in self.sessions.items():
                on_its_way = session["status"] == "complete" and session["payment_status"] == "unpaid"
                if on_its_way and self._stamp() >= session["created"] + BACS_CLEARS.total_seconds():
                    self.clear(number)
            for number, intent in self.intents.items():
                on_its_way = intent["off_session"] and intent["status"] == "processing"
                if on_its_way and self._stamp() >= intent["created"] + BACS_CLEARS.total_seconds():
                    self.clear_debit(number)

    # --- messages

    def take_outgoing(self) -> list[dict[str, Any]]:
        """The messages that wait, which then wait no longer."""
        with self._lock:
            taken, self.outgoing = self.outgoing, []
            return taken

    def signed(self, event: dict[str, Any]) -> tuple[bytes, str]:
        """A message's bytes, and the header that proves them."""
        body, stamp = json.dumps(event).encode(), str(self._stamp())
        return body, f"t={stamp},v1={signature(body, stamp, self.webhook_secret)}"
