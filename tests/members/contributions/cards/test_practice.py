"""The practice provider of the demonstration, over real sockets: from its page to pay on to the receipt."""

import threading
from urllib.request import Request, urlopen

from flask import Flask
from werkzeug.serving import make_server

from fund.demo.stripe.practice import open_till
from fund.kernel.access import Actor
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from members.contributions import service as contributions
from members.contributions.cards import service
from members.contributions.cards.models import CardCheckout
from members.contributions.cards.rules import CheckoutState, Method
from tests.world import found_society


def test_a_practice_payment_reaches_the_fund(app: Flask, payer: Actor, clock: MovableClock) -> None:
    found_society()
    pages = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=pages.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{pages.server_port}"
    till = open_till(app, address)
    try:
        assert payer.organisation_id is not None
        with transaction():
            made = contributions.pledge(
                organisation_id=payer.organisation_id, pence=25_000, po_number=None, actor=payer, now=clock.now()
            )
            checkout = service.start(pledge_id=made.id, method=Method.CARD, actor=payer, now=clock.now())
        number = checkout.id
        service.open_page(checkout_id=number, payments=app.extensions["sicf_payments"], base_url=address)
        url = str(db.session.get_one(CardCheckout, number).url)
        db.session.rollback()
        with urlopen(url, timeout=20) as page:
            assert "Pay £250.00" in page.read().decode()
        with urlopen(Request(url, b"act=pay"), timeout=20) as back:
            assert back.url.startswith(address)
        assert db.session.get_one(CardCheckout, number).state is CheckoutState.PAID
    finally:
        app.extensions["sicf_payments"] = None
        till.stop()
        pages.shutdown()
        thread.join()
        pages.server_close()
