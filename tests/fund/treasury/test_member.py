"""What one member's money did, as page and as paper."""

from datetime import date
from io import BytesIO

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import event

import ledger.service
from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.treasury import member as statements
from ledger.rules import AccountKind, Leg
from members.models import Organisation
from members.rules import Sector
from tests.ledger.books import said
from tests.visitor import Visitor
from tests.world import found_society, member, officer, official

K = AccountKind
LAST_YEAR, THIS_YEAR = date(2026, 2, 1), date(2026, 5, 1)


def pay_in(organisation: Organisation, pence: int, on: date, restriction: str | None = None, **more: str) -> None:
    legs = [
        Leg(K.BANK, pence),
        Leg(K.CONTRIBUTIONS, -pence, organisation.owner, restriction),
        Leg(K.AVAILABLE, pence, None, restriction),
        Leg(K.AUTHORITY, -pence, None, restriction),
    ]
    with transaction():
        ledger.service.post(kind="contribution", legs=legs, **said(occurred_on=on, **more))


def pay_out(reference: str, pence: int, on: date, restriction: str | None = None) -> None:
    grant = f"grant:{reference}"
    legs = [
        Leg(K.GRANTS_PAID, pence, grant, restriction),
        Leg(K.BANK, -pence),
        Leg(K.AVAILABLE, -pence, None, restriction),
        Leg(K.AUTHORITY, pence, None, restriction),
    ]
    with transaction():
        ledger.service.post(kind="payment", legs=legs, **said(occurred_on=on))


@pytest.fixture
def alder(app: Flask) -> Organisation:
    """It paid £100 last year and £40 for RF-001 this year; Beech paid £300. £200 went to G-1, £10 of RF-001 to G-2."""
    found_society()
    own, other = member("Alder Works", Sector.PRIVATE), member("Beech Foods", Sector.VCSE)
    pay_in(own, 100_00, LAST_YEAR, description="Alder's first", key="first")
    pay_in(other, 300_00, LAST_YEAR)
    pay_in(own, 40_00, THIS_YEAR, "RF-001", description="For Bury")
    pay_out("G-1", 200_00, THIS_YEAR)
    pay_out("G-2", 10_00, THIS_YEAR, "RF-001")
    return own


def finance(visitor: Visitor, organisation: Organisation) -> Visitor:
    return visitor.sign_in(officer(organisation, Role.FINANCE)[0])


def test_a_member_sees_what_its_money_did_by_year_and_fund(alder: Organisation, visitor: Visitor) -> None:
    page = finance(visitor, alder).get(f"/members/{alder.reference}/statement")
    assert "Paid in£140Used for awards£60Still in the pot£80" in page.text
    this, last = page.text.split("Fund year 2025–26")
    assert "Any award£0£50£50" in this
    assert "Restricted fund RF-001£40£10£30" in this
    assert "All£40£60£80" in this
    assert "G-1£50" in this
    assert "G-2£10" in this
    assert "For Bury" in this
    assert "Any award£100£0£100" in last
    assert "Nothing was paid out of its money in this year." in last
    assert "Alder's first" in last
    assert "Alder's first" not in page.links()


def test_the_public_page_follows_restricted_money_alike(alder: Organisation, visitor: Visitor) -> None:
    text = visitor.get(f"/members/{alder.reference}/money").text
    assert "G-1£50" in text
    assert "G-2£10" in text


def test_what_was_paid_back_counts_as_if_it_had_never_come(alder: Organisation, visitor: Visitor) -> None:
    owner = alder.owner
    with transaction():
        ledger.service.post(
            kind="refund", legs=[Leg(K.REFUNDS, 20_00, owner), Leg(K.BANK, -20_00)], **said(occurred_on=LAST_YEAR)
        )
    page = finance(visitor, alder).get(f"/members/{alder.reference}/statement")
    assert "Paid in£120" in page.text
    assert "−£20" in page.text


def test_a_reversal_stands_in_the_year_of_what_it_undoes(alder: Organisation, visitor: Visitor) -> None:
    more = {name: value for name, value in said(occurred_on=THIS_YEAR).items() if name not in ("key", "description")}
    with transaction():
        ledger.service.reverse(key="undo", reversed_key="first", reason="Taken back", **more)
    page = finance(visitor, alder).get(f"/members/{alder.reference}/statement")
    assert "Paid in£40" in page.text
    assert "Fund year 2025–26" not in page.text


def test_the_paper_says_the_same(alder: Organisation, visitor: Visitor, clock: MovableClock) -> None:
    pay_in(alder, 1, THIS_YEAR, description='=1+1 <b>"x"</b> 😀')
    page = finance(visitor, alder).get(f"/members/{alder.reference}/statement")
    paper = page.follow("Statement as a PDF").response
    assert paper.headers["Content-Disposition"] == (
        f'attachment; filename="statement-{alder.reference}-2026-06-01.pdf"'
    )
    text = " ".join(" ".join(one.extract_text() for one in PdfReader(BytesIO(paper.get_data())).pages).split())
    for part in (
        "What your money did",
        f"Alder Works ({alder.reference})",
        "Paid in £140.01",
        "Restricted fund RF-001 £40 £10 £30",
        "Fund year 2026–27",
        "G-2 £10",
        "1 May 2026 For Bury",
        '=1+1 <b>"x"</b>',
        "a restricted fund is followed within that fund alone",
    ):
        assert part in text, (part, text)


def test_many_payments_are_bounded_and_say_so(
    alder: Organisation, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "MOST_PAYMENTS", 1)
    page = finance(visitor, alder).get(f"/members/{alder.reference}/statement")
    assert "For Bury" in page.text
    assert "Alder's first" not in page.text
    assert "Payments before the newest 1 are in the sums and not listed." in page.text
    assert "Paid in£140" in page.text


def test_a_member_that_paid_nothing(app: Flask, visitor: Visitor) -> None:
    found_society()
    own = member("Cedar Homes", Sector.PUBLIC)
    page = finance(visitor, own).get(f"/members/{own.reference}/statement")
    assert "It has paid nothing in yet." in page.text
    assert visitor.status(f"/members/{own.reference}/statement.pdf", "GET") == 200


def test_the_statement_is_for_the_member_and_for_who_reads_the_books(
    alder: Organisation, app: Flask, visitor: Visitor
) -> None:
    paths = [f"/members/{alder.reference}/statement", f"/members/{alder.reference}/statement.pdf"]
    auditor = Visitor(app).sign_in(official("Audrey Auditor", Role.AUDITOR)[0])
    assert auditor.get(paths[0]).follow("For Bury").heading.startswith("Transfer")
    other = finance(Visitor(app), member("Dogwood", Sector.VCSE))
    for path in paths:
        assert visitor.status(path, "GET") == 303
        assert auditor.status(path, "GET") == 200
        assert other.status(path, "GET") == 404
    assert auditor.status("/members/GM-0000/statement", "GET") == 404
    shown = other.get(f"/members/{alder.reference}/money")
    assert "Statement for its books" not in shown.links()
    assert "Statement for its books" in auditor.get(f"/members/{alder.reference}/money").links()


def test_a_longer_history_costs_no_more_queries(alder: Organisation, visitor: Visitor) -> None:
    finance(visitor, alder)

    def cost() -> int:
        seen: list[object] = []

        def note(*args: object) -> None:
            seen.append(args)

        event.listen(db.engine, "before_cursor_execute", note)
        visitor.get(f"/members/{alder.reference}/statement")
        event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    before = cost()
    for number in range(10):
        pay_in(alder, 1_00, THIS_YEAR, f"RF-{number:03d}")
    assert cost() == before
