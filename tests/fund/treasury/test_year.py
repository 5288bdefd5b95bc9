"""The statement of a year as a paper, and who may read it."""

from datetime import date
from io import BytesIO

import pytest
from flask import Flask
from pypdf import PdfReader

from fund.kernel.access import Role
from fund.kernel.db import transaction
from fund.kernel.policy import Setting
from fund.treasury import year
from ledger.statements import queries
from ledger.statements.rules import Heading
from members.rules import Sector
from tests.ledger.books import NOW, commit, put_in
from tests.visitor import Visitor
from tests.world import found_society, member, officer, official


def text_of(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages).split())


def test_the_paper_says_what_the_page_says_and_the_same_books_give_the_same_bytes(app: Flask) -> None:
    found_society()
    put_in(1_234_56)
    put_in(200_00, restriction="RF-001")
    commit(300_00)
    statement = queries.of_year("2027", NOW)
    made = year.paper(statement)
    words = text_of(made)
    assert "Statement of the year to 31 March 2027" in words
    assert "Total income £1,234.56 £200 £1,434.56 £0" in words
    assert "Balance sheet: Restricted fund RF-001" in words
    assert "still open, and so not owed yet: £300." in words
    assert year.paper(queries.of_year("2027", NOW)) == made
    put_in(1_00)
    assert year.paper(queries.of_year("2027", NOW)) != made


def test_a_fund_without_a_pound_has_a_paper_too(app: Flask) -> None:
    found_society()
    assert "Total income £0" in text_of(year.paper(queries.of_year(None, NOW)))


@pytest.mark.parametrize("role", [Role.FINANCE, Role.CERTIFIER, Role.REPRESENTATIVE, Role.EDITOR])
def test_the_accounts_of_a_co_operative_are_its_members_to_read(app: Flask, role: Role) -> None:
    found_society()
    own = member("Alder Homes", Sector.PUBLIC)
    reader = Visitor(app).sign_in(officer(own, role)[0], own.id)
    page = reader.get(f"/members/{own.reference}/statement").follow("The fund's own statement of the year")
    assert page.heading.startswith("Statement of the year")
    assert "Go to the books" not in page.links()  # the journal names other members' payments
    assert reader.status("/books/statement.pdf", "GET") == 200
    assert reader.status("/books", "GET") == 403


def test_nobody_else_reads_them(app: Flask) -> None:
    found_society()
    outsider = Visitor(app).sign_in(official("Asa Assessor", Role.ASSESSOR)[0])
    for path in ("/books/statement", "/books/statement.pdf"):
        assert Visitor(app).status(path, "GET") == 303
        assert outsider.status(path, "GET") == 403
    auditor = Visitor(app).sign_in(official("Audrey Auditor", Role.AUDITOR)[0])
    assert auditor.status("/books/statement.pdf?year=2027", "GET") == 200
    assert auditor.status("/books/statement.pdf?year=nonsense", "GET") == 404


def test_another_heading_holds_from_its_year_on_and_never_for_one_that_is_over(app: Flask) -> None:
    found_society()
    put_in(1_000_00, occurred_on=date(2026, 3, 31))
    put_in(50_00)
    with transaction() as session:
        session.add(
            Setting(
                key="heading_of_contributions",
                value='"charitable_income"',
                effective_from=NOW,
                set_at=NOW,
                set_by_id=None,
                change_reference=None,
            )
        )
    over, present = queries.of_year("2026", NOW).activities, queries.of_year("2027", NOW).activities
    assert over.lines[Heading.DONATIONS].total_pence == 1_000_00
    assert Heading.CHARITABLE_INCOME not in over.lines
    assert present.lines[Heading.CHARITABLE_INCOME].total_pence == 50_00
    assert present.lines[Heading.CHARITABLE_INCOME].last_year_pence == 1_000_00
