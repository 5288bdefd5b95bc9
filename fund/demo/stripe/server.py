"""The stand-in for Stripe as a server on this machine: the API, the page to pay on, and messages to the fund."""

import json
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from fund.demo.stripe.checks import read_form
from fund.demo.stripe.simulator import Answer, Simulator

log = logging.getLogger("fund.demo.stripe")

_LARGEST = 64 * 1024

_PAGE = """<!doctype html><html lang="en-GB"><head><meta charset="utf-8">
<title>{heading} – practice payment page</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
body{{font:1.125rem/1.5 system-ui,sans-serif;max-width:30rem;margin:3rem auto;padding:0 1rem;color:#1d1d2b}}
button{{font:inherit;padding:.75rem 1.25rem;margin:.25rem .5rem .25rem 0;border:2px solid #1d1d2b;border-radius:.25rem;
background:#1d1d2b;color:#fff;min-height:44px}}button.other{{background:#fff;color:#1d1d2b}}
button:focus{{outline:3px solid #b35900;outline-offset:2px}}</style></head>
<body><main><p>Practice payment page. In a real fund this page is Stripe's; no money moves here.</p>
<h1>{heading}</h1><p>For reference {reference}, by {method}.</p>{body}</main></body></html>"""


class SimulatorServer:
    """Serves a simulator. Use as a context manager, or `start` and `stop`.

    Args:
        deliver: takes the messages that wait to the fund, after each request; None leaves them waiting.
    """

    def __init__(
        self, simulator: Simulator, secret_key: str, deliver: Callable[[Simulator], None] | None = None
    ) -> None:
        self.simulator = simulator
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(simulator, secret_key, deliver))
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        simulator.page_base = self.base
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def start(self) -> "SimulatorServer":
        self.thread.start()
        return self

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    __enter__ = start

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def post_to(address: str) -> Callable[[Simulator], None]:
    """Delivers messages to the fund at `address`. One that is not taken is lost; the nightly comparison finds it."""

    def deliver(simulator: Simulator) -> None:
        for event in simulator.take_outgoing():
            body, header = simulator.signed(event)
            request = Request(address, body, {"Stripe-Signature": header, "Content-Type": "application/json"})
            with suppress(URLError, OSError), urlopen(request, timeout=20):
                pass

    return deliver


def _handler(
    simulator: Simulator, secret_key: str, deliver: Callable[[Simulator], None] | None
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if address.path.startswith("/pay/"):
                self._show(address.path.removeprefix("/pay/"))
            elif self._known():
                self._json(simulator.get(address.path, read_form(address.query)))

        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), _LARGEST)).decode()
            path = urlsplit(self.path).path
            if path.startswith("/pay/"):
                self._pay(path.removeprefix("/pay/"), body)
            elif self._known():
                self._json(simulator.post(path, read_form(body), self.headers.get("Idempotency-Key")))

        def _known(self) -> bool:
            if self.headers.get("Authorization") == f"Bearer {secret_key}":
                return True
            self._json(Answer(401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key"}}))
            return False

        def _json(self, answer: Answer) -> None:
            self._send(answer.status, "application/json", json.dumps(answer.content).encode())
            self._deliver()

        def _deliver(self) -> None:
            if deliver is not None and simulator.outgoing:
                threading.Thread(target=deliver, args=(simulator,), daemon=True).start()

        def _show(self, number: str) -> None:
            session = simulator.sessions.get(number)
            if session is None:
                self._send(404, "text/plain", b"No such payment page.")
                return
            is_setup = session["mode"] == "setup"
            open_body = (
                f'<form method="post" action="/pay/{escape(number)}">'
                f'<button name="act" value="pay">{"Set up the Direct Debit" if is_setup else "Pay"}</button> '
                f'<button name="act" value="back" class="other">Go back without {"it" if is_setup else "paying"}'
                "</button></form>"
            )
            body = open_body if session["status"] == "open" else "<p>This payment page is closed.</p>"
            page = _PAGE.format(
                heading="Set up a Direct Debit" if is_setup else f"Pay £{session['amount_total'] / 100:,.2f}",
                reference=escape(str(session["client_reference_id"])),
                method="card" if session["payment_method_types"] == ["card"] else "Direct Debit",
                body=body,
            )
            self._send(200, "text/html; charset=utf-8", page.encode())

        def _pay(self, number: str, body: str) -> None:
            session = simulator.sessions.get(number)
            if session is None:
                self._send(404, "text/plain", b"No such payment page.")
                return
            if read_form(body).get("act") == "pay":
                simulator.pay(number)
            if deliver is not None:
                deliver(simulator)  # before the payer is sent back, so that they find it paid
            self.send_response(303)
            self.send_header("Location", session["success_url"])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _send(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *values: Any) -> None:
            log.debug(format, *values)

    return Handler
