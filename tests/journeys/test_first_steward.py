"""Story 1 of the handbook (§12): a steward installs, answers five questions and has a working fund.

The commands are run as the README gives them, in an empty folder; the rest happens in a browser.
"""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from fund.app import create_app
from fund.config import settings_from_environment
from fund.kernel.places import DISTRICTS
from tests.journeys.person import Site

pytestmark = pytest.mark.browser

SICF = Path(sys.executable).with_name("sicf")
FIVE_ANSWERS = {
    "--name": "Irwell Collaboration Fund",
    "--society-type": "community_benefit",
    "--year-end": "31 March",
    "--steward": "Ada Brook <ada@example.org>",
    "--address": "1 Example Street\\nManchester",
}
PASSPHRASE = "violet kettle under ladder"


class Machine:
    """An empty folder on a machine, and what is typed there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])
        ours = ("DATABASE_URL", "SICF_HOME", "SECRET_KEY", "BASE_URL", "SMTP_URL", "MAIL_FROM")
        self.environment = {name: value for name, value in os.environ.items() if name not in ours}
        self.environment |= {"PORT": self.port, "PYTHONUNBUFFERED": "1"}

    def sicf(self, *words: str) -> str:
        done = subprocess.run(
            [SICF, *words], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [SICF, *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def invitation(machine: Machine) -> str:
    """The link that `sicf init` prints for the first steward."""
    said = machine.sicf("init", *(word for pair in FIVE_ANSWERS.items() for word in pair))
    assert "Irwell Collaboration Fund is there: ten districts, default rules" in said
    found = re.search(r"http://127\.0\.0\.1:\d+/invitations/\S+", said)
    assert found is not None, said
    return found[0]


@pytest.fixture
def site(machine: Machine, invitation: str, browser: Browser) -> Iterator[Site]:
    """The fund as `sicf run` serves it."""
    running = machine.start("run")
    assert running.stdout is not None
    said = ""
    while "Stop it with Ctrl-C" not in said:
        line = running.stdout.readline()
        assert line, f"sicf run ended: {said}"
        said += line
    home = str(machine.folder / "var")
    app = create_app(settings_from_environment({"SICF_HOME": home, "PORT": machine.port}))
    site = Site(app, browser, f"http://127.0.0.1:{machine.port}", examines=True)
    yield site
    site.close()
    running.terminate()
    running.communicate(timeout=60)
    assert running.returncode == 0


def test_a_first_steward_has_a_working_fund(machine: Machine, invitation: str, site: Site) -> None:
    ada = site.somebody()
    ada.open("/").sees("Nothing has been funded yet")
    ada.open(invitation).sees("Ada Brook, ada@example.org")
    ada.type("Passphrase", PASSPHRASE).press("Accept and make my account")
    ada.credentials = ("ada@example.org", PASSPHRASE)
    assert ada.page.locator("h1").inner_text() == "What needs you"
    ada.sees(
        "The first steps of a new fund",
        "To do: Ask the others who run the fund",
        "Still missing: a secretary, two more stewards or members of the board, to approve payments, two assessors",
        "There is no member yet from: Private, Public, VCSE.",
    ).picture("first-steps")

    ada.follow("Read the districts and the rules").picture("how-it-works")
    ada.sees(*(district.name for district in DISTRICTS))
    ada.sees("at least 7 clear days", "open for at least 10 days", "2 people approve every payment")

    ada.open("/tasks").follow("Tell the fund's own bank account")
    ada.type("Name on the account", "Irwell Collaboration Fund").type("Sort code", "00-00-00")
    ada.type("Account number", "12345678").press("Keep this account")
    ada.open("/tasks").sees("Done: Tell the fund's own bank account")

    said = machine.sicf("invite", "Bo Field <bo@example.org>", "--role", "secretary")
    link = re.search(r"http://\S+", said)
    assert link is not None
    site.somebody(width=360).open(link[0]).type("Passphrase", "copper meadow seven lamps").press(
        "Accept and make my account"
    ).sees("Enter 1 address in the register of officers")
    ada.open("/tasks").does_not_see("a secretary")
    assert "Everything adds up." in machine.sicf("check")
