"""The bank as pages."""

from datetime import timedelta
from io import BytesIO

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage

from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import transaction
from fund.kernel.errors import RuleBroken
from ledger import queries as books
from ledger.bank import queries, service
from members.accounts.models import Person
from members.rules import Sector
from tests.ledger.bank.files import Line, camt
from tests.ledger.books import GRANT, NOW, commit, put_in
from tests.visitor import Page, Visitor
from tests.world import appoint, found_society, member, official, person

LINES: list[Line] = [
    ("2026-06-01", 250_00, "Bredbury &amp; Council", "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ("2026-06-01", -6_50, "", "SERVICE CHARGE"),
]
ONCE = {"account_name": "Weaste Wheelers CIC", "sort_code": "11-22-33", "account_number": "12345678"}
DETAILS = ONCE | {"sort_code_again": "112233", "account_number_again": "12345678"}
CALLED = {"verify-note": "Called 0161 496 0000", "verify-name_check": "match"}


class Office:
    """Three stewards, each with a browser."""

    def __init__(self, app: Flask) -> None:
        found_society()
        self.people: list[Person] = [official(name, Role.STEWARD)[0] for name in ("Gwen", "Vic", "Pat")]
        self.gwen, self.vic, self.pat = (Visitor(app).sign_in(somebody) for somebody in self.people)


@pytest.fixture
def office(app: Flask) -> Office:
    return Office(app)


def file(content: bytes, name: str = "june.xml") -> FileStorage:
    return FileStorage(BytesIO(content), filename=name)


def send(visitor: Visitor, content: bytes, name: str = "june.xml") -> Page:
    return visitor.get("/bank/import").send("Import the statement", file=file(content, name))


def test_a_first_statement(office: Office) -> None:
    start = office.pat.get("/bank")
    assert "No statement has been imported yet" in start.text
    page = send(start.follow("Import a statement").visitor, camt(LINES))
    assert page.heading == "Statement 1"
    assert "2 new lines booked." in page.text
    assert "<script>alert(1)</script>" in page.text  # as words, not as markup: the page parsed strictly
    assert "1 payment in waits to be matched." in page.text
    assert page.links()["Match money in"] == "/money-in"
    assert page.text.count("waits to be matched") >= 2
    assert "00-99-01 10203040" in office.pat.get("/bank").text


def test_what_a_line_became_is_shown(office: Office) -> None:
    send(office.pat, camt(LINES))
    with transaction():
        service.settle(
            line_id=queries.open_lines_in()[0].id,
            settled_as="contribution:RC-2026-001",
            actor=None,
            now=office.pat.app.extensions["sicf_clock"].now(),
        )
    page = office.pat.get("/bank/statements/1")
    assert "contribution RC-2026-001" in page.text
    assert page.links()["Match money out"] == "/bank/payments"


def test_an_overlap_is_told(office: Office) -> None:
    send(office.pat, camt(LINES))
    more = camt([*LINES, ("2026-06-02", 5_00, "Ann", "x")])
    assert "1 new line booked. 2 were known from an earlier statement" in send(office.pat, more).text


def test_a_broken_file_is_refused_whole_with_every_reason(office: Office) -> None:
    content = camt(LINES).replace(b"250.00", b"2.500,00", 1).replace(b"6.50", b"NaN", 1)
    page = send(office.pat, content)
    assert page.status == 422
    assert "Nothing was booked" in page.text
    assert "Entry 1: 2.500,00 is not a number" in page.text
    assert "Entry 2: NaN is not a number" in page.text
    assert queries.statements() == []
    assert queries.open_line_counts() == (0, 0)
    assert books.accounts() == []


@pytest.mark.parametrize("content", [b"", b"\x00", b"<html>", b"\xff\xfe\x00"])
def test_junk_is_answered_with_a_sentence(office: Office, content: bytes) -> None:
    assert send(office.pat, content).status == 422


def test_importing_nothing(office: Office) -> None:
    page = office.pat.get("/bank/import").send("Import the statement")
    assert page.errors() == ["Choose the statement file that you downloaded from the bank."]


def test_a_file_sent_twice_books_once(office: Office) -> None:
    form = office.pat.get("/bank/import")
    first = form.send("Import the statement", file=file(camt(LINES)))
    again = form.send("Import the statement", file=file(camt(LINES)))
    other_form = send(office.vic, camt(LINES))
    assert first.path == again.path == other_form.path == "/bank/statements/1"
    assert len(queries.statements()) == 1


def test_the_funds_own_account_by_hand(office: Office) -> None:
    page = office.pat.get("/bank/account")
    wrong = page.send("Keep this account", account_name="", sort_code="1", account_number="")
    assert len(wrong.errors()) == 3
    wrong = page.send("Keep this account", account_name="Irwell", sort_code="1", account_number="2")
    assert wrong.errors() == [
        "Write the sort code as six digits, such as 12-34-56.",
        "Write the account number as eight digits; some banks give six or seven.",
    ]
    done = page.send("Keep this account", account_name="Irwell", sort_code="00-99-01", account_number="10203040")
    assert "The fund's account is 00-99-01 10203040." in done.text
    late = office.vic.get("/bank/account")
    assert "00-99-01 10203040" in late.text


def give(visitor: Visitor) -> Page:
    return visitor.get("/bank/payees/new").send("Keep these details", organisation="gm-0012", **DETAILS)


def test_bank_details_are_given_and_verified_by_two(office: Office, clock: MovableClock) -> None:
    own = give(office.gwen)
    assert "You gave them, so somebody else verifies them." in own.text
    assert "Somebody else must verify them" in office.gwen.get("/bank/payees/1").text
    page = office.vic.get("/bank/payees").follow("Verify Weaste Wheelers CIC")
    assert "11-22-33" in page.text
    assert "12345678" in page.text
    empty = page.send("The details are right", **{"verify-note": " "})
    assert empty.errors() == [
        "Write whom you called, on which number, and what they said.",
        "Choose what the bank's name check said.",
    ]
    done = page.send("The details are right", **CALLED)
    assert "It can be paid in 3 days." in done.text
    assert "usable in 3 days" in done.text
    stale = page.send("Reject these details", **{"reject-note": "late"})
    assert stale.status == 409
    clock.move(timedelta(days=3))
    assert "usable" in office.vic.get("/bank/payees").text


def test_who_gave_details_can_not_verify_them_by_hand(office: Office) -> None:
    give(office.gwen)
    token = office.vic.get("/bank/payees/1")  # the form is shown to others only
    data = {field.get("name", ""): field.get("value", "") for field in token.tree.iter("input") if field.get("name")}
    own = office.gwen.get("/bank/payees/new")
    data["csrf_token"] = data["verify-csrf_token"] = next(
        field.get("value", "") for field in own.tree.iter("input") if field.get("name") == "csrf_token"
    )
    answer = office.gwen.post("/bank/payees/1", {**data, "verify-note": "me"}, status=422)
    assert "You gave these details yourself" in answer.text


def test_rejecting_details(office: Office) -> None:
    give(office.gwen)
    page = office.vic.get("/bank/payees/1").send("Reject these details", **{"reject-note": "Nobody knew of it"})
    assert "These bank details will not be used." in page.text
    assert "rejected" in page.text


def test_bank_details_with_faults(office: Office) -> None:
    page = office.gwen.get("/bank/payees/new").send(
        "Keep these details",
        organisation="GM-0012",
        account_name="A",
        sort_code="x",
        account_number="y",
        sort_code_again="z",
        account_number_again="",
    )
    assert len(page.errors()) == 3
    assert 'value="x"' in page.response.get_data(as_text=True)


@pytest.mark.parametrize(
    ("again", "says"),
    [
        ({"sort_code_again": "11-22-34"}, "This is not the sort code above."),
        ({"account_number_again": "12345687"}, "This is not the account number above."),
        ({"account_number_again": "none"}, "This is no account number."),
    ],
)
def test_numbers_are_written_twice(office: Office, again: dict[str, str], says: str) -> None:
    page = office.gwen.get("/bank/payees/new").send("Keep these details", organisation="gm-0012", **DETAILS | again)
    assert [fault.startswith(says) for fault in page.errors()] == [True]
    assert 'value="12345678"' in page.response.get_data(as_text=True)
    assert not queries.payees()


def test_the_same_numbers_in_other_words(office: Office) -> None:
    office.gwen.get("/bank/payees/new").send(
        "Keep these details",
        organisation="gm-0012",
        **DETAILS | {"account_number": "345 678", "account_number_again": "00345678"},
    )
    assert queries.payee(1).account_number == "00345678"


def test_a_name_that_is_close_takes_a_third_person(office: Office, clock: MovableClock) -> None:
    give(office.gwen)
    page = office.vic.get("/bank/payees/1")
    close = CALLED | {"verify-name_check": "close_match"}
    refused = page.send("The details are right", **close)
    assert refused.errors() == [
        "Write the name that the bank showed.",
        "Write why this is the right account all the same.",
    ]
    more = {"verify-name_returned": "Weaste Wheels", "verify-name_reason": "Their trading name; see the CIC register."}
    done = page.send("The details are right", **close | more)
    assert "Once another steward agrees to the name" in done.text
    clock.move(timedelta(days=4))
    assert queries.usable_payee("org:GM-0012", clock.now()) is None
    assert "Another steward, who didn't give these details" in office.vic.get("/bank/payees/1").text
    assert "Somebody else must verify them" in office.gwen.get("/bank/payees/1").text
    agreed = office.pat.get("/bank/payees").follow("Agree to the name of Weaste Wheelers CIC")
    assert "Weaste Wheels" in agreed.text
    assert "You agreed." in agreed.send("This is the right account").text
    assert queries.usable_payee("org:GM-0012", clock.now()) is not None
    assert agreed.send("This is the right account").status in (200, 409)


def test_the_bank_is_asked_again(office: Office, clock: MovableClock) -> None:
    give(office.gwen)
    away = CALLED | {"verify-name_check": "unavailable", "verify-name_reason": "The bank's service is down today."}
    office.vic.get("/bank/payees/1").send("The details are right", **away)
    page = office.pat.get("/bank/payees/1")
    assert page.send("Record the name check").errors() == ["Choose what the bank's name check said."]
    done = page.send("Record the name check", **{"name-name_check": "match"})
    assert "The name matches." in done.text
    clock.move(timedelta(days=4))
    assert queries.usable_payee("org:GM-0012", clock.now()) is not None


def test_the_tables_for_account_numbers(office: Office) -> None:
    empty = office.gwen.get("/bank/account-numbers")
    assert "No tables are loaded" in empty.text
    wrong = empty.send(
        "Load these tables",
        version="8.50",
        weights=file(b"<html>\n", "a.txt"),
        substitutions=file("\u00e9".encode(), "b.txt"),
    )
    assert wrong.errors() == ["This is no plain text. Choose the .txt file as it was published."]
    wrong = empty.send(
        "Load these tables", version="8.50", weights=file(b"<html>\n", "a.txt"), substitutions=file(b"1 2", "b.txt")
    )
    assert [fault[:6] for fault in wrong.errors()] == ["Line 1", "Line 1"]
    row = b"112233 112233 MOD11 0 0 0 0 0 0 8 7 6 5 4 3 2 1\n"
    done = empty.send("Load these tables", version="8.50", weights=file(row), substitutions=file(b"938173 938017\n"))
    assert "Loaded: 1 rows." in done.text
    refused = give(office.gwen)
    assert refused.errors()[0].startswith("No account with this sort code can have this number")
    taken = office.gwen.get("/bank/payees/new").send(
        "Keep these details",
        organisation="gm-0012",
        **DETAILS | {"account_number": "00000000", "account_number_again": "00000000"},
    )
    assert "are kept" in taken.text
    assert "fit each other" in office.vic.get("/bank/payees/1").text


def test_an_organisation_says_where_it_is_paid(app: Flask, visitor: Visitor, office: Office) -> None:
    organisation = member("Weaste Wheelers", Sector.VCSE)
    somebody = person("Fran Finance")
    appoint(somebody, organisation, Role.FINANCE)
    visitor.sign_in(somebody)
    page = visitor.get("/bank/details")
    assert "we can't pay you" in page.text
    done = page.send("Keep these details", **DETAILS)
    assert "not checked yet" in done.text
    assert "••••5678" in done.text
    assert "12345678" not in done.text
    visitor.get("/bank/payees", status=403)
    visitor.get("/bank", status=403)


def ready(office: Office, clock: MovableClock, pence: int = 400_00, run: str | None = None) -> None:
    """A payee who may be paid, a commitment, the fund's account known, and an order."""
    put_in(2_000_00)
    commit(1_000_00)
    office.pat.get("/bank/account").send(
        "Keep this account", account_name="Irwell", sort_code="00-99-01", account_number="10203040"
    )
    give(office.gwen)
    office.vic.get("/bank/payees/1").send("The details are right", **CALLED)
    clock.move(timedelta(days=7))
    with transaction():
        service.order_payment(
            key="grant:G-2026-003:instalment:1",
            owner="org:GM-0012",
            grant=GRANT,
            pence=pence,
            reference="G-2026-003-1",
            description="First instalment",
            actor=None,
            now=clock.now(),
            run=run,
        )


def test_a_payment_goes_out_and_is_confirmed(office: Office, clock: MovableClock) -> None:
    assert "No payment is ready" in office.pat.get("/bank/payments").text
    ready(office, clock)
    refused = office.vic.get("/bank/payments").send("Make the payment file")
    assert refused.status == 422
    assert "You verified the bank details of Weaste Wheelers CIC." in refused.errors()[0]
    page = office.pat.get("/bank/payments").send("Make the payment file")
    assert "File PF-2026-001 is made: £400 in 1 payment." in page.text
    assert "No line of the bank shows £400 going out yet" in page.text
    download = office.pat.get("/bank/files/PF-2026-001.xml")
    assert download.response.mimetype == "application/xml"
    assert b"<CtrlSum>400.00</CtrlSum>" in download.response.data
    table = office.pat.get("/bank/files/PF-2026-001.csv")
    assert table.response.mimetype == "text/csv"
    assert table.response.data.decode().splitlines() == [
        "Name,Sort code,Account number,Amount,Reference,Payment date",
        "Weaste Wheelers CIC,11-22-33,12345678,400.00,G-2026-003-1,08/06/2026",
    ]
    send(office.pat, camt([("2026-06-09", -400_00, "Weaste", "G-2026-003-1"), ("2026-06-09", -1_00, "x", "y")]))
    done = office.pat.get("/bank/payments").send("Confirm £400 to Weaste Wheelers CIC")
    assert "The bank has confirmed £400." in done.text
    assert "It was returned" in done.text
    assert books.pot().in_transit_pence == 0


def test_a_stale_confirmation_says_what_changed(office: Office, clock: MovableClock) -> None:
    ready(office, clock)
    office.pat.get("/bank/payments").send("Make the payment file")
    send(office.pat, camt([("2026-06-09", -400_00, "Weaste", "G-2026-003-1")]))
    mine, other = office.pat.get("/bank/payments"), office.gwen.get("/bank/payments")
    mine.send("Confirm £400 to Weaste Wheelers CIC")
    late = other.send("Confirm £400 to Weaste Wheelers CIC")
    assert late.status == 409
    assert "is confirmed by the bank" in late.text
    assert books.pot().in_transit_pence == 0


def test_two_files_from_one_page(office: Office, clock: MovableClock) -> None:
    ready(office, clock)
    mine, other = office.pat.get("/bank/payments"), Visitor(office.pat.app).sign_in(official("Kim", Role.STEWARD)[0])
    theirs = other.get("/bank/payments")
    mine.send("Make the payment file")
    late = theirs.send("Make the payment file")
    assert late.status == 409
    assert "was put into a file" in late.text
    assert len(queries.files()) == 1


def test_nothing_chosen(office: Office, clock: MovableClock) -> None:
    ready(office, clock)
    page = office.pat.get("/bank/payments").send("Make the payment file", **{"file-run": "PR-2026-999"})
    assert page.errors() == ["Choose the payment run to make the file of."]


def test_a_payment_that_failed(office: Office, clock: MovableClock) -> None:
    ready(office, clock)
    office.pat.get("/bank/payments").send("Make the payment file")
    own = office.pat.get("/bank/payments").follow("This payment failed: £400 to Weaste Wheelers CIC")
    assert "it could be paid twice" in own.send("Mark this payment as failed", reason="Closed").errors()[0]
    page = office.vic.get("/bank/payments").follow("This payment failed: £400 to Weaste Wheelers CIC")
    assert page.send("Mark this payment as failed").errors() == ["Write why the payment failed."]
    done = page.send("Mark this payment as failed", reason="Account closed")
    assert "committed to the grant again" in done.text
    assert books.pot().committed_pence == 1_000_00
    again = office.gwen.get("/bank/payments/1/failed").send("Mark this payment as failed", reason="Again")
    assert again.status == 409
    assert "failed" in again.text


@pytest.mark.parametrize(
    "path",
    [
        "/bank/statements/9",
        f"/bank/statements/{10**30}",
        "/bank/payees/9",
        f"/bank/payees/{10**30}",
        "/bank/payments/9/failed",
        f"/bank/payments/{10**30}/failed",
        "/bank/files/PF-2026-999.xml",
    ],
)
def test_what_is_not_there(office: Office, path: str) -> None:
    office.pat.get(path, status=404)


@pytest.mark.parametrize("after", ["x", "-1", "9" * 30])
def test_an_address_written_by_hand_shows_a_page(office: Office, after: str) -> None:
    send(office.pat, camt(LINES))
    office.pat.get("/bank/statements/1", query_string={"after": after})


@pytest.mark.parametrize(
    "path", ["/bank", "/bank/import", "/bank/account", "/bank/payments", "/bank/payees", "/bank/payees/new"]
)
def test_the_bank_is_for_stewards(office: Office, visitor: Visitor, path: str) -> None:
    visitor.sign_in(official("Ada", Role.SECRETARY, Role.AUDITOR, Role.BOARD)[0])
    visitor.get(path, status=403)


def test_the_task_page_leads_to_the_bank(office: Office) -> None:
    send(office.pat, camt(LINES))
    give(office.gwen)
    page = office.vic.get("/tasks")
    assert "Match 1 payment in" in page.text
    assert "Check 1 set of bank details" in page.text
    assert "Call back" not in office.gwen.get("/tasks").text


def test_interest_and_charges_of_the_bank(office: Office) -> None:
    put_in(100_00)
    send(office.gwen, camt([("2026-06-01", 1_23, "Bank", "GROSS INTEREST"), ("2026-06-02", -6_50, "", "CHARGE")]))
    interest = (
        office.gwen.get("/money-in")
        .follow("Choose another pledge for £1.23 from Bank, line 1")
        .follow("It is interest from the bank")
    )
    assert "GROSS INTEREST" in interest.text
    assert "£1.23 of interest is in the pot." in interest.send("This is interest").text
    charge = office.gwen.get("/bank/payments").follow("It is a charge: −£6.50 on 2 June 2026, line 2")
    assert "A charge of £6.50 is booked." in charge.send("This is a charge").text
    pot = books.pot()
    assert (pot.available_pence, pot.interest_pence, pot.fees_pence) == (100_00 + 1_23 - 6_50, 1_23, 6_50)
    assert office.vic.get("/bank/lines/1", status=409)
    assert charge.send("This is a charge").text  # the same press again: nothing more is booked
    assert books.pot().fees_pence == 6_50


def test_a_charge_beyond_what_is_free_is_short(office: Office) -> None:
    put_in(5_00)
    commit(5_00)
    send(office.gwen, camt([("2026-06-02", -6_50, "", "CHARGE")]))
    done = office.gwen.get("/bank/lines/1").send("This is a charge")
    assert "£6.50 of it had been awarded" in done.text
    assert books.pot().short_pence == 6_50


def test_a_line_out_is_no_interest_and_a_line_in_no_charge(office: Office, app: Flask) -> None:
    send(office.gwen, camt(LINES))
    steward = official("Una", Role.STEWARD)[1]
    with pytest.raises(RuleBroken, match="can't be interest"), transaction():
        service.settle_interest(line_id=2, actor=steward, now=NOW)
    with pytest.raises(RuleBroken, match="can't be a charge"), transaction():
        service.settle_charge(line_id=1, actor=steward, now=NOW)


def test_the_bank_books_a_file_as_one_line(office: Office, clock: MovableClock) -> None:
    ready(office, clock, run="PR-2026-001")
    with transaction():
        service.order_payment(
            key="grant:G-2026-003:instalment:2",
            owner="org:GM-0012",
            grant=GRANT,
            pence=100_00,
            reference="G-2026-003-2",
            description="Second instalment",
            actor=None,
            now=clock.now(),
            run="PR-2026-001",
        )
    office.pat.get("/bank/payments").send("Make the payment file")
    send(office.pat, camt([("2026-06-09", -500_00, "Bulk payment", "PF")]))
    page = office.pat.get("/bank/payments")
    done = page.send("Confirm all 2 payments of PF-2026-001")
    assert "The bank has confirmed 2 payments, £500." in done.text
    assert books.pot().in_transit_pence == 0


def test_a_part_of_a_file_as_one_line_a_line_of_another_sum_and_a_late_debit(
    office: Office, clock: MovableClock
) -> None:
    ready(office, clock, run="PR-2026-001")
    with transaction():
        for number, pence in ((2, 100_00), (3, 50_00)):
            service.order_payment(
                key=f"grant:G-2026-003:instalment:{number}",
                owner="org:GM-0012",
                grant=GRANT,
                pence=pence,
                reference=f"G-2026-003-{number}",
                description="An instalment",
                actor=None,
                now=clock.now(),
                run="PR-2026-001",
            )
    office.pat.get("/bank/payments").send("Make the payment file")
    send(
        office.pat,
        camt([("2026-06-09", -150_00, "Bulk payment", "PF"), ("2026-06-09", -399_00, "Weaste", "G-2026-003-1")]),
    )
    page = office.pat.get("/bank/payments")
    assert "A part of PF-2026-001 as one line" not in page.text, "£400 has no line of its own either"
    assert "The bank shows −£399 on 9 June 2026, which quotes this payment of £400." in page.text
    send(office.pat, camt([("2026-06-10", -400_00, "Weaste", "G-2026-003-1")], number=2))
    part = office.pat.get("/bank/payments")
    assert "A part of PF-2026-001 as one line" in part.text
    assert "The bank has confirmed 2 payments, £150." in part.send("Confirm these 2 payments of PF-2026-001").text
    office.vic.get("/bank/payments").follow("This payment failed: £400 to Weaste Wheelers CIC").send(
        "Mark this payment as failed", reason="Closed"
    )
    shown = office.pat.get("/bank/payments")
    done = shown.send("It left after all: £400 to Weaste Wheelers CIC")
    assert "£400 left after all, and the bank has confirmed it." in done.text
    assert shown.send("It left after all: £400 to Weaste Wheelers CIC").status == 200  # the same press again
    assert office.vic.post("/bank/payments/99/late", {}).status in (400, 404)
    assert books.pot().in_transit_pence == 0
