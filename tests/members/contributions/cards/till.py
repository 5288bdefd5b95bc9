"""A fund that takes payments online in tests: a simulated provider on this machine, and short ways to pay."""

import contextvars
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from flask import Flask

from fund.demo.stripe.server import SimulatorServer
from fund.demo.stripe.simulator import Simulator
from fund.kernel.access import Actor
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.payments import StripePayments
from members.contributions import service as contributions
from members.contributions.cards import service
from members.contributions.cards.mandates import service as mandates
from members.contributions.cards.mandates.models import Mandate
from members.contributions.cards.models import CardCheckout
from members.contributions.cards.rules import Method
from members.contributions.models import Pledge
from members.contributions.schedules.rules import PledgeKind

KEY, SECRET = "sk_test_only", "whsec_only_for_tests"


class Till:
    """The provider's two sides, and the fund's application."""

    def __init__(self, app: Flask, clock: MovableClock) -> None:
        self.app, self.clock = app, clock
        self.simulator = Simulator(SECRET, clock.now)
        self.server = SimulatorServer(self.simulator, KEY).start()
        self.payments = StripePayments(KEY, SECRET, self.server.base)
        app.extensions["sicf_payments"] = self.payments

    def close(self) -> None:
        self.app.extensions["sicf_payments"] = None
        self.server.stop()

    def send(self, event: dict[str, Any]) -> int:
        """Deliver one message; the fund's answer."""
        body, header = self.simulator.signed(event)
        return self.post(body, header)

    def post(self, body: bytes, header: str) -> int:
        db.session.rollback()
        headers = {"Stripe-Signature": header, "Content-Type": "application/json"}
        client = self.app.test_client()
        # A fresh context for each request, as on a server: else its instant is that of the one before.
        return (
            contextvars.Context().run(lambda: client.post("/webhooks/stripe", data=body, headers=headers)).status_code
        )

    def deliver(self, order: Callable[[list[dict[str, Any]]], None] | None = None) -> None:
        """Deliver what waits, in the order it happened unless `order` shuffles it."""
        events = self.simulator.take_outgoing()
        if order is not None:
            order(events)
        for event in events:
            assert self.send(event) == 200

    def pledge(self, pence: int, actor: Actor) -> Pledge:
        assert actor.organisation_id is not None
        with transaction():
            return contributions.pledge(
                organisation_id=actor.organisation_id, pence=pence, po_number=None, actor=actor, now=self.clock.now()
            )

    def instalments(
        self, pence: int, actor: Actor, *, count: int = 3, months: int = 3, first_on: date | None = None
    ) -> Pledge:
        """A pledge in instalments, the first due in a year's time unless said."""
        assert actor.organisation_id is not None
        with transaction():
            return contributions.pledge(
                organisation_id=actor.organisation_id,
                pence=pence,
                po_number=None,
                actor=actor,
                now=self.clock.now(),
                kind=PledgeKind.INSTALMENTS,
                first_on=first_on or self.clock.now().date() + timedelta(days=365),
                count=count,
                months=months,
            )

    def want_debit(self, pledge_id: int, actor: Actor) -> Mandate:
        """A Direct Debit whose page for bank details is open, or which is in force."""
        with transaction():
            number = mandates.set_up(pledge_id=pledge_id, actor=actor, now=self.clock.now()).id
        mandates.open_page(mandate_id=number, payments=self.payments, base_url="http://localhost")
        return db.session.get_one(Mandate, number)

    def debit(self, pledge_id: int, actor: Actor) -> Mandate:
        """A Direct Debit in force."""
        wanted = self.want_debit(pledge_id, actor)
        number = wanted.id
        self.simulator.pay(str(wanted.provider_id))
        self.deliver()
        return db.session.get_one(Mandate, number)

    def open(self, pledge_id: int, actor: Actor, method: Method = Method.CARD) -> CardCheckout:
        """A payment page for a pledge."""
        with transaction():
            made = service.start(pledge_id=pledge_id, method=method, actor=actor, now=self.clock.now())
        number = made.id
        service.open_page(checkout_id=number, payments=self.payments, base_url="http://localhost")
        return db.session.get_one(CardCheckout, number)

    def paid(self, pence: int, actor: Actor, method: Method = Method.CARD) -> CardCheckout:
        """A payment that is made, booked, and its fee collected."""
        checkout = self.open(self.pledge(pence, actor).id, actor, method)
        number, session = checkout.id, str(checkout.provider_id)
        self.simulator.pay(session)
        if method is Method.BACS:
            self.simulator.clear(session)
        self.deliver()
        return db.session.get_one(CardCheckout, number)
