"""Pages of applications, appeals, registers, leaving, suspension and expulsion, as a browser meets them."""

import csv
from datetime import timedelta
from io import BytesIO, StringIO

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage

from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.outbox import OutboxMessage
from ledger import queries as books
from ledger.rules import AccountKind
from members.models import Organisation
from members.register.models import OtherProperty, Share
from members.rules import MembershipStatus, Sector
from tests.ledger.bank.files import camt
from tests.members.joining import applied, last_link
from tests.visitor import Page, Visitor
from tests.world import found_society, member, officer, official

CHECK = {
    "check-identity": "Called back", "check-sector": "vcse", "check-basis": "Four tests",
    "check-evidence": "Its articles", "check-connections": "None found",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _society(app: Flask) -> None:
    found_society()


@pytest.fixture
def steward(app: Flask) -> Visitor:
    return Visitor(app).sign_in(official("Stella Steward", Role.STEWARD)[0])


@pytest.fixture
def board(app: Flask) -> Visitor:
    return Visitor(app).sign_in(official("Bo Board", Role.BOARD)[0])


@pytest.fixture
def secretary(app: Flask) -> Visitor:
    return Visitor(app).sign_in(official("Sid Secretary", Role.SECRETARY)[0])


def put(steward: Visitor, reference: str = "GM-0001") -> Page:
    return steward.get(f"/applications/{reference}").send("Put it to the board", **CHECK)


class TestApplications:
    def test_from_the_task_to_a_member(
        self, clock: MovableClock, visitor: Visitor, steward: Visitor, board: Visitor
    ) -> None:
        applied(clock)
        page = steward.get("/tasks").follow("Check Alder Works Ltd's application")
        assert "Public bodies don't control this company" in page.text
        assert "is before the board" in page.send("Put it to the board", **CHECK).text
        assert steward.get("/applications/GM-0001").heading == "Alder Works Ltd asks to join"
        page = board.get("/tasks").follow("Decide on Alder Works Ltd's application")
        assert "Its articles" in page.text
        done = page.send("Admit as a member", **{"admit-reasons": "It fits"})
        assert "Alder Works Ltd is a member" in done.text
        assert "It fits" in steward.get("/applications/GM-0001").text
        public = visitor.get("/members/GM-0001")
        assert "VCSE" in public.text
        for secret in ("ada@alder.example", "Its articles", "1 Mill Lane"):
            assert secret not in public.text

    def test_faults_keep_what_was_typed(self, clock: MovableClock, steward: Visitor, board: Visitor) -> None:
        applied(clock)
        page = steward.get("/applications/GM-0001").send("Put it to the board", **{"check-identity": "Called them"})
        assert page.status == 422
        assert page.errors() == [
            "Say what you looked at, such as its rules or its board.",
            "Say whether it is connected with another organisation, or that you found none.",
        ]
        assert "Called them</textarea>" in page.response.get_data(as_text=True)
        put(steward)
        page = board.get("/applications/GM-0001")
        assert page.send("Refuse").errors() == ["Say why. The applicant reads your words."]
        assert page.send("Admit as a member").errors() == ["Say why it is admitted."]
        assert page.send("Send back").errors() == ["Say what to look at again."]
        assert "back with the stewards" in page.send("Send back", **{"back-reasons": "Its owner?"}).text
        assert "Its owner?" in steward.get("/applications/GM-0001").text

    def test_a_stale_page_says_what_happened(self, clock: MovableClock, steward: Visitor, board: Visitor) -> None:
        applied(clock)
        put(steward)
        one, other = board.get("/applications/GM-0001"), board.get("/applications/GM-0001")
        one.send("Refuse", **{"refuse-reasons": "No."})
        late = other.send("Admit as a member", **{"admit-reasons": "y"})
        assert late.status == 409
        assert "decided on meanwhile: refused" in late.text

    def test_pressed_twice_it_is_one_decision(self, clock: MovableClock, steward: Visitor, board: Visitor) -> None:
        applied(clock)
        put(steward)
        page = board.get("/applications/GM-0001")
        first, second = (page.send("Admit as a member", **{"admit-reasons": "Fits"}) for _ in range(2))
        assert (first.status, second.status) == (200, 200)
        assert db.session.scalar(select(func.count()).select_from(Share)) == 1

    def test_who_checked_is_told_that_another_decides(self, app: Flask, clock: MovableClock) -> None:
        both = Visitor(app).sign_in(official("Both Hats", Role.STEWARD, Role.BOARD)[0])
        applied(clock)
        put(both)
        assert "so another person decides" in both.get("/applications/GM-0001").text

    def test_doubles_and_connections_are_shown(self, clock: MovableClock, steward: Visitor) -> None:
        applied(clock)
        applied(clock, name="Alder Works Foundation", register_number="7654321", contact_email="x@gmail.com")
        applied(clock, name="Another Name", address="2 Far")
        assert "Same register number: Alder Works Ltd (GM-0001" in steward.get("/applications/GM-0003").text
        text = steward.get("/applications/GM-0002").text
        assert "They have the same postal address. The name of one is part of the other's." in text

    def test_an_applicant_is_nobodys_business(self, clock: MovableClock, visitor: Visitor, steward: Visitor) -> None:
        applied(clock)
        assert visitor.get("/members/GM-0001", status=404).status == 404
        assert steward.get("/members/GM-0001").heading == "Alder Works Ltd"
        assert steward.get("/applications/GM-9999", status=404).status == 404


class TestAppeal:
    def test_from_the_letter_to_the_meeting(
        self, clock: MovableClock, visitor: Visitor, steward: Visitor, board: Visitor, secretary: Visitor
    ) -> None:
        applied(clock)
        put(steward)
        done = board.get("/applications/GM-0001").send("Refuse", **{"refuse-reasons": "It works elsewhere."})
        assert "how to appeal" in done.text
        link = f"/appeals/{last_link('ada@alder.example')}"
        page = visitor.get(link)
        assert "It works elsewhere." in page.text
        assert page.send("Make the appeal").errors() == [
            "Say why the members should decide otherwise. They read your words."
        ]
        assert "Your appeal for Alder Works Ltd is made" in page.send("Make the appeal", grounds="Not true.").text
        second = visitor.get(link, status=409)
        assert "there is one appeal" in second.text
        page = secretary.get("/tasks").follow("Put Alder Works Ltd's appeal to a general meeting")
        assert "Not true." in page.text
        assert len(page.send("Enter the decision").errors()) == 4
        bad = page.send("Enter the decision", **{"appeal-met_on": "soon", "appeal-outcome": "maybe"})
        assert bad.status == 422
        done = page.send(
            "Enter the decision",
            **{
                "appeal-outcome": "allowed", "appeal-met_on": "2026-06-01", "appeal-resolution": "GM 2026/4",
                "appeal-reasons": "Fair.",
            },
        )  # fmt: skip
        assert "allowed the appeal" in done.text
        assert visitor.get("/members/GM-0001").status == 200

    def test_a_late_or_made_up_link_opens_nothing(
        self, clock: MovableClock, visitor: Visitor, steward: Visitor, board: Visitor
    ) -> None:
        applied(clock)
        put(steward)
        board.get("/applications/GM-0001").send("Refuse", **{"refuse-reasons": "No."})
        link = f"/appeals/{last_link('ada@alder.example')}"
        page = visitor.get(link)
        clock.move(timedelta(days=29))
        assert page.send("Make the appeal", grounds="Late").status == 409
        assert "ask to join again" in visitor.get(link, status=409).text
        assert visitor.get("/appeals/made-up", status=404).status == 404


class TestRegisters:
    def test_a_line_of_the_bank_pays_for_a_share(self, clock: MovableClock, steward: Visitor, board: Visitor) -> None:
        applied(clock)
        put(steward)
        board.get("/applications/GM-0001").send("Admit as a member", **{"admit-reasons": "Fits"})
        statement = camt([("2026-06-01", 1_00, "Alder Works", "our share"), ("2026-06-01", 2_00, "Alder", "more")])
        steward.get("/bank/import").send(
            "Import the statement", file=FileStorage(BytesIO(statement), filename="june.xml")
        )
        clock.move(timedelta(days=3))
        page = steward.get("/registers/shares/1")
        assert page.send("Record the payment", line="2").errors() == [
            "The line is of £2 and the payment needs one of £1. Choose the line of the very same sum."
        ]
        assert "Every share is paid for." in page.send("Record the payment", line="1").text
        assert books.balances_by_owner(AccountKind.SHARES) == {"org:GM-0001": -1_00}
        assert books.pot().contributed_pence == books.pot().available_pence == 0
        assert "1 June 2026" in steward.get("/registers/shares/1").text

    def test_property_ends_by_the_button_of_its_entry_alone(self, secretary: Visitor) -> None:
        path = f"/registers/members/{member('Birch House', Sector.VCSE).reference}"
        entry = secretary.get(path).send("Enter it", description="Loan of 2026", amount="100", held_from="2026-06-01")
        refused = entry.send("End: Loan of 2026", **{"end-1-form_id": ""})
        assert refused.status == 422
        assert "Open the entry again and press the button there." in refused.text
        assert db.session.scalars(select(OtherProperty.held_until)).one() is None

    def test_who_never_applied_has_no_application(self, steward: Visitor) -> None:
        reference = member("Birch House", Sector.VCSE).reference
        with transaction() as session:
            session.scalars(select(Organisation)).one().status = MembershipStatus.PROSPECT
        steward.get(f"/applications/{reference}", status=404)

    def test_shares_of_members_from_before_are_shown_then_entered(
        self, clock: MovableClock, steward: Visitor, secretary: Visitor
    ) -> None:
        birch, cedar = (member(name, Sector.VCSE).reference for name in ("Birch House", "Cedar Trust"))
        page = steward.get("/applications").follow("Shares to be paid for").follow("Enter their shares")
        assert page.path == "/registers/shares/existing"
        other_tab = steward.get(page.path)
        assert db.session.scalar(select(func.count()).select_from(Share)) == 0
        assert page.send("Enter these shares", shown="").errors() == [
            "Open the page again, so that you see whose shares are entered."
        ]
        assert page.send("Enter these shares", shown=f"{birch} GM-0000").status == 404
        assert page.send("Enter these shares", paid="GM-0000").status == 422
        done = page.send("Enter these shares", paid=birch)
        assert "2 shares are entered in the register of members." in done.text
        assert f"Cedar Trust ({cedar})" in done.text
        assert "Birch House" not in done.text
        assert other_tab.send("Enter these shares").status == 409
        assert "Every member has its share" in steward.get(page.path).text
        assert "£1" in secretary.get("/registers").text
        secretary.get(page.path, status=403)

    def test_shares_are_recorded_and_shown_to_the_office_alone(
        self, app: Flask, clock: MovableClock, steward: Visitor, board: Visitor, secretary: Visitor
    ) -> None:
        applied(clock)
        put(steward)
        board.get("/applications/GM-0001").send("Admit as a member", **{"admit-reasons": "Fits"})
        page = steward.get("/tasks").follow("Record who has paid for a share").follow("Record payment of share 1")
        assert page.send("Record the payment", paid_on="soon").errors() == [
            "Write the day as year-month-day, such as 2027-03-31."
        ]
        assert page.send("Record the payment", paid_on="2026-06-02").status == 422
        assert "Every share is paid for." in page.send("Record the payment").text
        assert books.balances_by_owner(AccountKind.SHARES) == {}, "it came in cash, and nobody told the books"
        register = secretary.get("/registers")
        assert "£1" in register.text
        entry = register.follow("Alder Works Ltd")
        assert "1 Mill Lane" in entry.text
        own = Visitor(app).sign_in(officer(member("Birch", Sector.VCSE))[0])
        copy = own.get("/members").follow("Inspect the registers of members and officers")
        assert "1 Mill Lane" in copy.text
        assert "Bo Board" in copy.text
        assert "£" not in copy.text
        assert own.get("/registers", status=403).status == 403
        assert Visitor(app).get("/registers/inspection").heading == "Sign in"

    def test_the_copy_as_a_table_escapes_formulas_and_holds_everybody(
        self, app: Flask, clock: MovableClock, secretary: Visitor
    ) -> None:
        member("=cmd()", Sector.PRIVATE)
        gone = member("Birch", Sector.VCSE)
        with transaction() as session:
            left = session.get_one(Organisation, gone.id)
            left.status, left.left_on = MembershipStatus.LEFT, clock.now().date()
        answer = secretary.client.get("/registers/inspection.csv")
        rows = list(csv.DictReader(StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
        assert [(row["register"], row["name"]) for row in rows] == [
            ("members", "'=cmd()"),
            ("members", "Birch"),
            ("officers", "Sid Secretary"),
        ]
        assert rows[1]["ceased_on"] == "2026-06-01"
        assert not any("share" in name or "property" in name for name in rows[0])

    def test_people_of_a_former_member_inspect_nothing(self, app: Flask) -> None:
        own = member("Alder", Sector.PRIVATE)
        somebody, _ = officer(own)
        own_id = own.id
        with transaction() as session:
            session.get_one(Organisation, own_id).status = MembershipStatus.LEFT
        visitor = Visitor(app).sign_in(somebody)
        assert visitor.get("/registers/inspection", status=403).status == 403
        assert visitor.client.get("/registers/inspection.csv").status_code == 403

    def test_officers_property_and_corrections(self, secretary: Visitor, board: Visitor) -> None:
        own = member("Alder", Sector.PRIVATE)
        page = secretary.get("/tasks").follow("Enter 2 addresses in the register of officers").follow("Bo Board")
        assert page.send("Enter the address").errors() == ["Give an address."]
        assert "The Weighbridge" in page.send("Enter the address", address="The Weighbridge").text
        entry = secretary.get(f"/registers/members/{own.reference}")
        assert len(entry.send("Enter it", held_from="").errors()) == 3
        assert entry.send("Enter it", description="Loan", amount="1e5").status == 422
        done = entry.send("Enter it", description="Loan", amount="500")
        assert "£500" in done.text
        assert "to 1 June 2026" in done.send("End: Loan").text
        assert db.session.scalar(select(func.count()).select_from(OtherProperty)) == 1
        correct = entry.follow("Correct the addresses")
        assert correct.send("Correct the entry", contact_email="x").errors() == [
            "Write the whole address, such as name@example.org."
        ]
        assert "Nothing was changed" in correct.send("Correct the entry").errors()[0]
        assert "2 New Road" in correct.send("Correct the entry", address="2 New Road").text
        assert "Enter it" not in board.get(f"/registers/members/{own.reference}").text
        assert secretary.get("/registers/members/GM-0000", status=404).status == 404
        assert secretary.get(f"/registers/officers/{10**30}", status=404).status == 404


class TestMembership:
    def test_leaving_says_what_happens_then(self, app: Flask, visitor: Visitor) -> None:
        own = member("Alder", Sector.PRIVATE)
        visitor.sign_in(officer(own)[0])
        page = visitor.get(f"/members/{own.reference}").follow("Leave the fund")
        assert "You are the last member of the Private sector" in page.text
        assert page.send("Leave the fund", effective_on="2026-05-01").status == 422
        faults = page.send("Leave the fund", effective_on="")
        assert len(faults.errors()) == 2
        done = page.send("Leave the fund", effective_on="2026-06-30", understood=True)
        assert "It leaves the fund on 30 June 2026" in done.text
        assert "Alder leaves on 30 June 2026" in visitor.get(f"/members/{own.reference}/leave").text
        other = member("Birch", Sector.VCSE)
        assert visitor.get(f"/members/{other.reference}/leave", status=404).status == 404

    def test_suspending_and_lifting(self, board: Visitor, visitor: Visitor) -> None:
        alder = member("Alder", Sector.PRIVATE)
        reference = alder.reference
        visitor.sign_in(officer(alder)[0])
        page = board.get(f"/members/{reference}").follow("Membership: history and decisions")
        assert len(page.send("Suspend").errors()) == 3
        said = {"suspend-from_on": "2026-06-01", "suspend-until_on": "2026-06-10", "suspend-reasons": "Late accounts"}
        wrong = page.send("Suspend", **(said | {"suspend-until_on": "2027-06-10"}))
        assert wrong.status == 422
        assert "Late accounts</textarea>" in wrong.response.get_data(as_text=True)
        done = page.send("Suspend", **said)
        assert "from 1 June 2026 to 10 June 2026" in done.text
        assert "Late accounts To be heard" in visitor.get(f"/members/{reference}").text
        assert "Late accounts" not in board.get(f"/members/{reference}").text
        assert done.send("Lift it").errors() == ["Say why it is lifted. The member reads it."]
        lifted = done.send("Lift it", **{"lift-reasons": "They came"})
        assert "They came" in lifted.text

    def test_expulsion_step_by_step(
        self, clock: MovableClock, board: Visitor, secretary: Visitor, visitor: Visitor
    ) -> None:
        own = member("Alder", Sector.PRIVATE)
        reference = own.reference
        path = f"/registers/members/{reference}/membership"
        page = secretary.get(path)
        assert len(page.send("Send the notice").errors()) == 2
        early = page.send("Send the notice", **{"notice-meeting_on": "2026-06-22", "notice-reasons": "Sold votes"})
        assert "23 June 2026" in early.errors()[0]
        page.send("Send the notice", **{"notice-meeting_on": "2026-06-23", "notice-reasons": "Sold votes"})
        page = board.get(path)
        assert len(page.send("Enter the decision").errors()) == 3
        decision = {
            "expulsion-outcome": "carried", "expulsion-decided_on": "2026-06-02", "expulsion-resolution": "SR 1",
        }  # fmt: skip
        assert len(page.send("Enter the decision", **decision).errors()) == 2
        assert secretary.get(path).send("Write it down").errors() != []
        secretary.get(path).send("Write it down", **{"hearing-heard": "It chose not to speak."})
        clock.move(timedelta(days=22))
        done = board.get(path).send("Enter the decision", **(decision | {"expulsion-decided_on": "2026-06-23"}))
        assert "Expelled" in done.text
        assert "Left" in visitor.get(f"/members/{reference}").text

    def test_ending_by_the_board(self, board: Visitor) -> None:
        path = f"/registers/members/{member('Alder', Sector.PRIVATE).reference}/membership"
        page = board.get(path)
        assert len(page.send("End the membership today").errors()) == 2
        done = page.send("End the membership today", **{"end-kind": "dissolved", "end-reasons": "Struck off"})
        assert "Struck off" in done.text
        assert db.session.scalar(select(func.count()).select_from(OutboxMessage)) == 1
