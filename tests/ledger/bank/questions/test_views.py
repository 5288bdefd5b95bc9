"""Questions of statement files as pages."""

import pytest
from flask import Flask

from fund.kernel.access import Role
from fund.kernel.db import transaction
from ledger.bank import queries as bank_queries
from ledger.bank import service as bank
from ledger.bank.questions import queries
from tests.ledger.bank.questions.test_service import LATER, QIF, TABLE
from tests.ledger.bank.test_views import file
from tests.ledger.books import NOW
from tests.visitor import Page, Visitor
from tests.world import found_society, official


@pytest.fixture
def pat(app: Flask) -> Visitor:
    found_society()
    somebody, actor = official("Pat", Role.STEWARD)
    with transaction():
        bank.set_bank_account(name="Irwell", sort_code="00-99-01", account_number="10203040", actor=actor, now=NOW)
    return Visitor(app).sign_in(somebody)


def send(visitor: Visitor, content: bytes, name: str = "march.csv") -> Page:
    return visitor.get("/bank/import").send("Import the statement", file=file(content, name))


def test_an_unknown_table_is_mapped_once(pat: Visitor) -> None:
    page = send(pat, TABLE)
    assert page.heading == "What a file leaves open"
    assert "which column is the day" in page.text
    assert "Alder" in page.text
    wrong = page.send("Answer and import", day="1", amount="-1")
    assert wrong.status == 422
    assert "Tick this if it is the fund's own account. If it isn't, set the file aside." in wrong.errors()
    assert "Say which column is the amount." in wrong.errors()
    assert "Row 2: Alder is not a day in this order." in wrong.errors()
    done = wrong.send("Answer and import", day="0", text="1", amount="2", is_ours="y")
    assert "2 new lines booked" in done.text
    assert "1 new line booked" in send(pat, LATER, "april.csv").text
    layouts = pat.get("/bank").follow("Remembered layouts")
    assert "As in march.csv" in layouts.text
    assert "One column; minus is money out" in layouts.text
    assert "Nothing is remembered yet" in layouts.send("Ask again with the next file like march.csv").text


def test_a_qif_is_answered_for(pat: Visitor) -> None:
    page = send(pat, QIF, "march.qif")
    none = page.send("Answer and import")
    assert len(none.errors()) == 3
    assert bank_queries.statements() == []
    wrong = none.send("Answer and import", day_order="day_first", is_ours="y", closing="x")
    assert wrong.errors() == ["Write the amount in pounds, such as 12,500 or 12500.50."]
    done = wrong.send("Answer and import", closing="330.00")
    assert "2 new lines booked" in done.text
    assert queries.waiting() == []


def test_two_tabs_book_once(pat: Visitor) -> None:
    first, second = send(pat, QIF), send(pat, QIF)
    assert first.path == second.path
    right = {"day_order": "month_first", "is_ours": "y", "closing": "330"}
    done = first.send("Answer and import", **right)
    assert first.send("Answer and import", **right).path == done.path
    assert second.send("Answer and import", **right).status == 409
    assert len(bank_queries.statements()) == 1
    closed = pat.get(first.path)
    assert "answered for and booked" in closed.text
    assert closed.links()["The statement"] == done.path


def test_a_file_that_waits_is_found_again_and_can_be_set_aside(pat: Visitor) -> None:
    send(pat, QIF, "march.qif")
    assert "Answer what the file march.qif leaves open" in pat.get("/tasks").text
    page = pat.get("/bank").follow("march.qif")
    assert "Nothing of it was booked" in page.send("Set it aside").text
    assert "It was set aside" in pat.get(page.path).text
    assert "Files that wait" not in pat.get("/bank").text


def test_a_qif_cut_off_and_ids_that_are_shared(pat: Visitor) -> None:
    page = send(pat, QIF.rstrip(b"^\n"))
    assert "Is its last entry whole?" in page.text
    right = {"day_order": "month_first", "is_ours": "y", "closing": "330", "is_overdrawn": "y"}
    assert len(page.send("Answer and import", **right).errors()) == 1
    page.send("Answer and import", **right, is_whole="y")
    assert bank_queries.statements()[0].closing_pence == -330_00


def test_unsigned_amounts_ask_which_way_the_first_went(pat: Visitor) -> None:
    page = send(pat, TABLE.replace(b"-20.00", b"20.00"))
    more = page.send("Answer and import", is_ours="y")
    assert "Thank you. One more thing is open." in more.text
    assert "30 March 2026, £250, Alder. Did this money come in?" in more.text
    assert len(more.send("Answer and import").errors()) == 1
    more.send("Answer and import", first_way="out")
    assert bank_queries.statements()[0].opening_pence == 600_00


@pytest.mark.parametrize("path", ["/bank/questions/1", "/bank/questions/99999999999999999999"])
def test_unknown_files(pat: Visitor, path: str) -> None:
    pat.get(path, status=404)


def test_hostile_words_are_words(pat: Visitor) -> None:
    page = send(pat, TABLE.replace(b"Words", b"<script>alert(1)</script>").replace(b"Rent", b"</td><b>"), "<i>.csv")
    assert "<script>alert(1)</script>" in page.text
    assert "<i>.csv" in page.text
