"""The page of one account, sifted by its address."""

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from fund.kernel.access import Role
from fund.kernel.db import db
from ledger import queries
from ledger.statement import queries as statement
from ledger.statement.rules import Sieve, Sums
from tests.ledger.books import DAY, commit, put_in
from tests.visitor import Page, Visitor
from tests.world import found_society, official

LATER = DAY + timedelta(days=10)


@pytest.fixture
def auditor(app: Flask, visitor: Visitor) -> Visitor:
    """Free to award: +£1,000 on DAY, −£250 "Alder 100%" on DAY, +£40 LATER, −£5 booked last but on the day before."""
    found_society()
    put_in(1_000_00)
    commit(250_00, description="Alder 100% kitchens", key="grant:G-1:commit")
    put_in(40_00, occurred_on=LATER, description="Late money")
    commit(5_00, occurred_on=DAY - timedelta(days=1), description="Early tools")
    return visitor.sign_in(official("Audrey Auditor", Role.AUDITOR)[0])


def shown(page: Page) -> list[str]:
    """The amounts in the order of the page."""
    cells = [["".join(cell.itertext()) for cell in row] for row in page.tree.findall(".//tbody/tr")]
    return [row[3] for row in cells]


@pytest.mark.parametrize(
    ("asked", "amounts"),
    [
        ({}, ["−£5", "£40", "−£250", "£1,000"]),
        ({"first": DAY, "last": DAY}, ["−£250", "£1,000"]),
        ({"last": DAY - timedelta(days=1)}, ["−£5"]),
        ({"first": LATER}, ["£40"]),
        ({"kind": "contribution"}, ["£40", "£1,000"]),
        ({"least": "40", "most": "250"}, ["£40", "−£250"]),
        ({"most": "5"}, ["−£5"]),
        ({"text": "ALDER"}, ["−£250"]),
        ({"text": "g-1:com"}, ["−£250"]),
        ({"text": "0%"}, ["−£250"]),
        ({"text": "_"}, []),
        ({"text": "money", "kind": "commitment"}, []),
        ({"kind": "no such kind"}, []),
    ],
)
def test_the_address_says_what_is_shown(auditor: Visitor, asked: dict[str, Any], amounts: list[str]) -> None:
    page = auditor.get("/books/available", query_string=asked)
    assert shown(page) == amounts
    if not amounts:
        assert "No entry fits what you chose" in page.text


def test_a_period_has_its_balances_at_both_ends(auditor: Visitor) -> None:
    page = auditor.get("/books/available", query_string={"first": DAY, "last": DAY})
    assert "Held before−£5Came in£1,000Went out−£250Held after£745" in page.text
    assert "2 entries fit" in page.text
    held = queries.account("available")
    assert statement.sums(held.id, Sieve()) == Sums(4, 1_040_00, -255_00, 0, held.balance_pence)
    assert statement.sums(held.id, Sieve(first=LATER)) == Sums(1, 40_00, 0, 745_00, held.balance_pence)


def test_the_form_keeps_what_was_asked_and_goes_on_asking_it(auditor: Visitor) -> None:
    for _ in range(queries.PAGE):
        commit(1_00, description="Small")
    first = auditor.get("/books/available").send("Show", text="Small", most="1.00")
    assert len(shown(first)) == queries.PAGE
    assert "Older entries" not in first.links()
    wider = first.send("Show", text="", most="250.00", least="")
    older = wider.follow("Older entries")
    assert shown(older) == ["−£5", "£40", "−£250"]
    assert "53 entries fit" in older.text
    assert shown(older.follow("Newest entries")) == shown(wider)


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ({"first": "soon"}, "Write the day as year-month-day, such as 2027-03-31."),
        ({"first": "2026-06-02", "last": "2026-06-01"}, "The last day is before the first. Change one of them."),
        ({"least": "1e5"}, "Write the amount in pounds, such as 12,500 or 12500.50."),
        ({"least": "2", "most": "1"}, "The most is less than the least. Change one of them."),
        ({"text": "x" * 101}, "Shorten this by 1 characters; 100 fit."),
    ],
)
def test_what_cannot_be_read_is_said_and_everything_is_shown(
    auditor: Visitor, asked: dict[str, str], fault: str
) -> None:
    page = auditor.get("/books/available", query_string=asked, status=422)
    assert page.errors() == [fault]
    assert len(shown(page)) == 4


@pytest.mark.parametrize("text", ["\x00", "'; DROP TABLE entry; --", "😀", "%", "\\"])
def test_any_text_may_be_looked_for(auditor: Visitor, text: str) -> None:
    auditor.get("/books/available", query_string={"text": text, "kind": text})


def _cost(auditor: Visitor, **asked: object) -> int:
    seen: list[object] = []

    def note(*args: object) -> None:
        seen.append(args)

    event.listen(db.engine, "before_cursor_execute", note)
    auditor.get("/books/available", query_string=asked)
    event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


@pytest.mark.parametrize("asked", [{}, {"text": "Small"}, {"first": date(2026, 1, 1)}])
def test_a_longer_account_costs_no_more_queries(auditor: Visitor, asked: dict[str, object]) -> None:
    before = _cost(auditor, **asked)
    for _ in range(20):
        commit(1_00, description="Small")
    assert _cost(auditor, **asked) == before
