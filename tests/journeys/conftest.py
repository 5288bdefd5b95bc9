"""A real server on the loopback address and a real browser, for journeys."""

import os
import shutil
from collections.abc import Iterator
from threading import Thread

import pytest
from flask import Flask
from playwright.sync_api import Browser, sync_playwright
from waitress.server import create_server

from tests.conftest import Bench
from tests.journeys.person import Site

_QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or the one that CHROMIUM names."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert program, "Chromium is needed: apt-get install chromium, or set CHROMIUM"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=_QUIET.split())
        yield chromium
        chromium.close()


@pytest.fixture
def site(app: Flask, bench: Bench, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Site]:
    """The application, served to browsers. Pages are the same on each database, so axe looks at those of the first."""
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    examines = bench.kind == request.config.getoption("--databases").split(",")[0]
    # By name: browsers make passkeys for names only, never for a bare address.
    site = Site(app, browser, f"http://localhost:{server.effective_port}", examines=examines)
    yield site
    site.close()
    server.close()
    thread.join(timeout=10)
