"""The books as pages."""

import pytest
from flask import Flask
from sqlalchemy import event

from fund.kernel.access import Role
from fund.kernel.db import db, transaction
from ledger import queries, service
from tests.ledger.books import ORG, commit, put_in, said
from tests.visitor import Visitor
from tests.world import found_society, official


@pytest.fixture
def auditor(app: Flask, visitor: Visitor) -> Visitor:
    found_society()
    somebody, actor = official("Audrey Auditor", Role.AUDITOR)
    put_in(1_000_00, actor=actor)
    return visitor.sign_in(somebody)


def test_the_chart_leads_to_every_leg(auditor: Visitor) -> None:
    commit(250_00, key="grant:G-2026-003:commitment")
    books = auditor.get("/books")
    assert "Free to award£750" in books.text
    account = books.follow("Contributions").follow("GM-0012")
    assert account.heading == "Contributions: GM-0012"
    transfer = account.follow("A test")
    assert "Booked byAudrey Auditor" in transfer.text
    assert "−£1,000" in transfer.text
    assert transfer.follow("Free to award").heading == "Free to award"


def test_an_account_is_read_page_by_page_with_its_running_balance(auditor: Visitor) -> None:
    for _ in range(queries.PAGE):
        commit(1_00)
    newest = auditor.get("/books/available")
    assert "£950" in newest.text
    assert "Older entries" in newest.links()
    assert "Newest entries" not in newest.links()
    oldest = newest.follow("Older entries")
    assert "£1,000" in oldest.text
    assert "Older entries" not in oldest.links()
    assert oldest.follow("Newest entries").path == "/books/available"


def test_a_longer_account_costs_no_more_queries(auditor: Visitor) -> None:
    def cost() -> int:
        seen: list[str] = []

        def note(*args: object) -> None:
            seen.append(str(args[2]))

        event.listen(db.engine, "before_cursor_execute", note)
        auditor.get("/books/available")
        event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    before = cost()
    for _ in range(30):
        commit(1_00)
    assert cost() == before


def test_a_reversal_shows_both_ways(auditor: Visitor) -> None:
    wrong = commit(250_00, key="wrong")
    more = {name: value for name, value in said().items() if name not in ("key", "description")}
    with transaction():
        right = service.reverse(key="right", reversed_key="wrong", reason="Wrong grant", **more)
    page = auditor.get(f"/books/transfers/{wrong.transfer_id}")
    assert "undone by transfer" in page.text
    assert "Wrong grant" in page.text
    back = page.follow(f"transfer {right.transfer_id}")
    assert f"UndoesTransfer {wrong.transfer_id}" in back.text


@pytest.mark.parametrize(
    "path",
    [
        "/books/nothing",
        f"/books/contributions:{ORG}x",
        "/books/of/available",
        "/books/of/x",
        "/books/transfers/999999",
        f"/books/transfers/{10**30}",
    ],
)
def test_what_is_not_there(auditor: Visitor, path: str) -> None:
    auditor.get(path, status=404)


@pytest.mark.parametrize("before", ["x", "-1", "0", "9" * 19, "9" * 40, "²"])
def test_an_address_written_by_hand_shows_a_page(auditor: Visitor, before: str) -> None:
    auditor.get("/books/available", query_string={"before": before})


def test_an_empty_fund_has_books_too(app: Flask, visitor: Visitor) -> None:
    found_society()
    visitor.sign_in(official("Audrey Auditor", Role.AUDITOR)[0])
    assert "Paid in, in all£0" in visitor.get("/books").text
    assert "There is none yet" in visitor.get("/books/of/committed").text


def test_the_books_are_for_the_office(app: Flask, visitor: Visitor) -> None:
    found_society()
    assert visitor.get("/books").path == "/sign-in"
    visitor.sign_in(official("Alex Assessor", Role.ASSESSOR)[0])
    visitor.get("/books", status=403)
    visitor.get("/books/available", status=403)
