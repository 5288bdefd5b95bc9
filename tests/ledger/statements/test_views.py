"""The page of a year, and that its numbers are those of the books."""

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import event

from fund.kernel.access import Role
from fund.kernel.db import db, transaction
from ledger import service
from ledger.rules import AccountKind, Leg
from ledger.statements import queries
from ledger.statements.rules import activities, balance_sheets, year_ending
from tests.ledger.books import GRANT, ORG, commit, put_in, said
from tests.visitor import Visitor
from tests.world import found_society, official

OLD, NEW = date(2026, 3, 31), date(2026, 4, 1)


@pytest.fixture
def auditor(app: Flask, visitor: Visitor) -> Visitor:
    found_society()
    somebody, _ = official("Audrey Auditor", Role.AUDITOR)
    return visitor.sign_in(somebody)


def fill() -> None:
    """Two years with each kind of movement, restricted and not."""
    with transaction():
        service.book_bank_line(pence=1_000_00, **said(occurred_on=OLD))
        service.receive_contribution(contributor=ORG, pence=1_000_00, **said(occurred_on=OLD))
        given = [
            Leg(kind, sign * 200_00, ORG if kind is AccountKind.CONTRIBUTIONS else None, "RF-001")
            for kind, sign in (
                (AccountKind.BANK, 1),
                (AccountKind.CONTRIBUTIONS, -1),
                (AccountKind.AVAILABLE, 1),
                (AccountKind.AUTHORITY, -1),
            )
        ]
        service.post(kind="contribution", legs=given, **said(occurred_on=NEW))
    commit(300_00, occurred_on=NEW)
    with transaction():
        service.pay_grant(grant=GRANT, pence=100_00, **said(occurred_on=NEW))


def test_the_statements_prove_themselves_and_follow_from_year_to_year(app: Flask) -> None:
    fill()
    y2025, y2026, y2027, y2028 = (year_ending(number, 3, 31) for number in range(2025, 2029))
    first, second, third = (queries.totals(*years) for years in ((y2025, y2026), (y2026, y2027), (y2027, y2028)))
    for totals in (first, second, third):
        assert sum(total.closing_pence for total in totals) == 0
        sheets = balance_sheets(totals)
        assert [sheet.difference_pence for sheet in sheets] == [0] * len(sheets)
        carried = activities(totals).carried_forward.total_pence
        assert carried == sum(sheet.net_assets_pence for sheet in sheets)
    of_first, of_second, of_third = (activities(totals) for totals in (first, second, third))
    assert of_first.carried_forward.total_pence == of_second.brought_forward.total_pence == 1_000_00
    assert of_second.carried_forward.total_pence == of_third.brought_forward.total_pence == 1_100_00
    assert of_second.movement.last_year_pence == of_first.movement.total_pence
    assert [sheet.committed_pence for sheet in balance_sheets(second)] == [200_00, 0]


def test_the_page_shows_a_year_and_leads_to_the_others(auditor: Visitor) -> None:
    fill()
    page = auditor.get("/books").follow("Statement of the year")
    earlier = auditor.get("/books/statement?year=2026")
    assert earlier.heading == "Statement of the year to 31 March 2026"
    assert "Funds carried forward£1,000" in earlier.text
    later = earlier.follow("The year after")
    assert "Funds carried forward£900£200£1,100£1,000" in later.text
    assert "Restricted fund RF-001" in later.text
    assert "£200 of this is committed" in later.text
    assert later.follow("The year before").heading == earlier.heading
    assert "The year after" not in page.links()


def test_an_empty_year_says_so(auditor: Visitor) -> None:
    assert "Nothing was booked" in auditor.get("/books/statement?year=2001").text


@pytest.mark.parametrize("written", ["", "twelve", "1899", "9999", "02026", "²026"])
def test_what_is_no_year_is_not_found(auditor: Visitor, written: str) -> None:
    auditor.get("/books/statement", query_string={"year": written}, status=404)


def test_more_accounts_cost_no_more_queries(app: Flask) -> None:
    def cost() -> int:
        seen: list[str] = []

        def note(*args: object) -> None:
            if str(args[2]).startswith("SELECT"):
                seen.append(str(args[2]))

        event.listen(db.engine, "before_cursor_execute", note)
        queries.totals(year_ending(2026, 3, 31), year_ending(2027, 3, 31))
        event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    put_in(1_00)
    before = cost()
    for number in range(5):
        put_in(1_00, contributor=f"org:GM-{number:04}")
    assert cost() == before == 1
