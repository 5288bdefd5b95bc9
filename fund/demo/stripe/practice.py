"""The practice provider of a demonstration: the stand-in for Stripe, started beside the fund's own pages."""

import secrets
from datetime import datetime
from typing import cast

from flask import Flask

from fund.demo.stripe.server import SimulatorServer, post_to
from fund.demo.stripe.simulator import Simulator
from fund.kernel.clock import Clock
from fund.payments import StripePayments


def open_till(app: Flask, address: str) -> SimulatorServer:
    """Let a demonstration take practice payments. What it holds is forgotten when the process ends.

    Args:
        address: of the fund's pages on this machine, such as "http://127.0.0.1:8000".
    """

    def now() -> datetime:
        with app.app_context():
            return cast(Clock, app.extensions["sicf_clock"]).now()

    key, secret = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    server = SimulatorServer(Simulator(secret, now), key, post_to(f"{address}/webhooks/stripe")).start()
    app.extensions["sicf_payments"] = StripePayments(key, secret, server.base)
    return server
