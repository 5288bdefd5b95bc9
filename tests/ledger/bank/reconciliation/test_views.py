"""The pages of reconciliation."""

from datetime import datetime
from io import BytesIO

import pytest
from flask import Flask
from pypdf import PdfReader

from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import transaction
from ledger.bank import service as bank
from tests.ledger.bank.files import Line, camt
from tests.visitor import Visitor
from tests.world import found_society, official

MAY: list[Line] = [("2026-05-04", 500_00, "Bredbury &amp; Co", "One"), ("2026-05-31", 200_00, "Calder", "Two")]
JUNE: list[Line] = [("2026-06-30", 70_00, "Etherow", "Three")]
NOW = datetime.fromisoformat("2026-07-03T09:00:00+00:00")
MONTH = "/books/reconciliations/2026-05"


class Office:
    """A steward who prepares, another who did nothing, a member of the board and an auditor."""

    def __init__(self, app: Flask, clock: MovableClock) -> None:
        found_society()
        clock.move_to(NOW)
        stella, self.stella_acts = official("Stella Steward", Role.STEWARD)
        self.stella = Visitor(app).sign_in(stella)
        self.bola = Visitor(app).sign_in(official("Bola Board", Role.BOARD)[0])
        self.ada = Visitor(app).sign_in(official("Ada Auditor", Role.AUDITOR)[0])

    def take(self, lines: list[Line], opening: int, number: int) -> None:
        with transaction():
            bank.import_statement(
                content=camt(lines, opening=opening, number=number),
                filename="x.xml",
                actor=self.stella_acts,
                now=NOW,
            )


@pytest.fixture
def office(app: Flask, clock: MovableClock) -> Office:
    return Office(app, clock)


def test_before_the_bank_told_anything(office: Office) -> None:
    assert "The bank has told nothing of this year" in office.stella.get("/books/reconciliations").text
    office.stella.get(MONTH, status=404)


def test_a_month_from_the_task_to_the_signature(office: Office) -> None:
    office.take(MAY, 0, 1)
    office.take(JUNE, 700_00, 10)
    assert "Reconcile the bank for May 2026" in office.stella.get("/tasks").text
    assert "May 2026" not in office.bola.get("/tasks").text
    listed = office.stella.get("/books/reconciliations")
    assert "Overdue" in listed.text
    shown = listed.follow("May 2026")
    assert "These are the figures as they stand now." in shown.text
    assert "Bredbury & Co" in shown.text
    done = shown.follow("Prepare May 2026").send("Prepare this month")
    assert "May 2026 is prepared" in done.text
    assert "You brought in a statement of this month" in done.text
    assert "Sign the bank's reconciliation for May 2026" in office.bola.get("/tasks").text
    signed = office.bola.get(MONTH).send("Sign May 2026")
    assert "Signed. Its figures are kept as they are." in signed.text
    assert "signed by Bola Board" in signed.text
    paper = office.ada.get("/books/reconciliations/records/1.pdf").response
    assert paper.mimetype == "application/pdf"
    words = " ".join("".join(page.extract_text() for page in PdfReader(BytesIO(paper.data)).pages).split())
    assert "Bank reconciliation, May 2026" in words
    assert "Signed by Bola Board, 3 July 2026" in words
    assert "All £700" in words
    assert "Sign the bank's reconciliation" not in office.ada.get("/treasury").text
    assert "Reconcile the bank for June 2026" in office.ada.get("/treasury").text
    assert "Waits for a signature" not in office.ada.get(MONTH).text
    assert "Reconcile the bank for June 2026" in office.stella.get("/tasks").text


def test_a_gap_needs_a_reason_beside_its_field(office: Office) -> None:
    office.take(MAY, 0, 1)
    office.take([("2026-06-29", 70_00, "Etherow", "Three")], 650_00, 10)
    form = office.stella.get("/books/reconciliations/2026-06/prepare")
    wrong = form.send("Prepare this month")
    assert [error.split(":")[0] for error in wrong.errors()] == ["Say why", "Say why"]
    long = wrong.send("Prepare this month", reason_not_covered="x" * 501)
    assert any("Shorten this by 1" in error for error in long.errors())
    reasons = {"reason_opens_2": "The bank took £50 and told us by letter", "reason_not_covered": "Seen on its site"}
    done = long.send("Prepare this month", **reasons)
    assert "The bank took £50 and told us by letter" in done.text
    office.stella.post("/books/reconciliations/records/1/sign", {}, status=None)
    assert "May 2026 comes first" in " ".join(office.bola.get(done.path).send("Sign June 2026").errors())


def test_what_is_sent_back_says_why(office: Office) -> None:
    office.take(MAY, 0, 1)
    office.take(JUNE, 700_00, 10)
    office.stella.get(f"{MONTH}/prepare").send("Prepare this month")
    form = office.bola.get(MONTH).follow("Send it back")
    assert form.send("Send it back").errors() == ["Say what is to be looked at again."]
    sent = form.send("Send it back", reason="Look at the second line")
    assert "Look at the second line" in sent.text
    again = office.stella.get(MONTH).follow("Prepare May 2026").send("Prepare this month")
    assert "Records of this month" in again.text


def test_a_signed_month_that_changed_says_so_and_is_done_again_with_a_reason(office: Office) -> None:
    office.take(MAY, 0, 1)
    office.take(JUNE, 700_00, 10)
    office.stella.get(f"{MONTH}/prepare").send("Prepare this month")
    office.bola.get(MONTH).send("Sign May 2026")
    office.take([("2026-05-20", 3_00, "", "late")], 500_00, 20)
    changed = office.stella.get(MONTH)
    assert "The books of this month have changed since it was signed." in changed.text
    form = changed.follow("Prepare May 2026")
    wrong = form.send("Prepare this month", reason_closes_1="A line came late")
    assert "This month was signed before. Say why it is done again." in wrong.errors()


def test_who_may_open_what(office: Office) -> None:
    office.take(MAY, 0, 1)
    office.ada.get(MONTH)
    office.ada.get(f"{MONTH}/prepare", status=403)
    office.bola.get(f"{MONTH}/prepare", status=403)
    for path in ("2026-04", "2026-13", "2027-01", "x"):
        office.stella.get(f"/books/reconciliations/{path}", status=404)
    office.bola.get("/books/reconciliations/records/99/send-back", status=404)
    office.stella.get("/books/reconciliations?year=x", status=404)
    assert "The bank has told nothing" in office.stella.get("/books/reconciliations?year=2025").text
