"""Pages of signing in, invitations and a person's own account, as a browser meets them."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.outbox import OutboxMessage
from fund.kernel.society import Society
from members.accounts import service
from members.accounts.models import EmailChange, HeldForm, Person, PersonSession
from members.rules import Sector
from tests.visitor import Page, Visitor
from tests.world import appoint, found_society, member, officer, official

PASSPHRASE = "heather over moorland"
WRONG = "The e-mail address or the passphrase is wrong. Try again, or ask for a new passphrase."


@pytest.fixture
def ada(app: Flask, clock: MovableClock) -> Person:
    found_society()
    with transaction():
        return service.add_person(
            name="Ada Alder", email="ada@alder.example", passphrase=PASSPHRASE, actor=None, now=clock.now()
        )


def enter(visitor: Visitor, path: str = "/sign-in", email: str = "ada@alder.example", phrase: str = PASSPHRASE) -> Page:
    return visitor.get(path).send("Sign in", email=email, passphrase=phrase)


def mailed_path(email: str) -> str:
    found = db.session.scalars(
        select(OutboxMessage.path).where(OutboxMessage.recipient == email).order_by(OutboxMessage.id.desc())
    ).first()
    assert found is not None
    return found


class TestSignIn:
    def test_lands_on_what_needs_you(self, visitor: Visitor, ada: Person) -> None:
        page = enter(visitor, email=" ADA@alder.example ")
        assert page.path == "/tasks"
        assert "Ada Alder" in page.response.get_data(as_text=True)

    def test_goes_on_to_where_the_person_was_going(self, visitor: Visitor, ada: Person) -> None:
        assert visitor.get("/account").heading == "Sign in"
        assert enter(visitor, "/account").path == "/account"

    @pytest.mark.parametrize("target", ["////evil.example", "http:/evil.example", "/\\evil.example", "//evil.example"])
    def test_never_leads_off_the_site(self, visitor: Visitor, ada: Person, target: str) -> None:
        page = visitor.get("/sign-in", query_string={"next": target})
        assert page.send("Sign in", email="ada@alder.example", passphrase=PASSPHRASE).path == "/tasks"
        forged = Visitor(visitor.app).get("/sign-in")
        assert forged.send("Sign in", email="ada@alder.example", passphrase=PASSPHRASE, next=target).path == "/tasks"

    def test_says_the_same_of_a_wrong_passphrase_and_of_nobody(self, visitor: Visitor, ada: Person) -> None:
        one = enter(visitor, phrase="wrong")
        other = enter(visitor, email="nobody@alder.example")
        for page in (one, other):
            assert page.status == 422
            assert page.errors() == [WRONG]
        assert 'value="ada@alder.example"' in one.response.get_data(as_text=True)
        assert 'wrong"' not in one.response.get_data(as_text=True)

    def test_all_faults_at_once(self, visitor: Visitor, ada: Person) -> None:
        page = enter(visitor, email="", phrase="")
        assert page.errors() == ["Give your e-mail address.", "Give your passphrase."]

    def test_asks_to_wait_after_many_tries_then_lets_in(
        self, visitor: Visitor, ada: Person, clock: MovableClock
    ) -> None:
        for _ in range(4):
            assert enter(visitor, phrase="wrong").errors() == [WRONG]
        assert enter(visitor).errors() == [
            "There were too many tries from here. Wait 5 seconds, then try again, or ask for a new passphrase."
        ]
        clock.move(timedelta(seconds=5))
        assert enter(visitor).path == "/tasks"

    def test_a_known_browser_never_waits_for_others_of_its_network(self, visitor: Visitor, ada: Person) -> None:
        enter(visitor)
        visitor.get("/account").send("Sign out")
        neighbour = Visitor(visitor.app)
        for _ in range(5):
            enter(neighbour, phrase="wrong")
        assert "too many tries" in enter(neighbour).errors()[0]
        assert enter(visitor).path == "/tasks"

    def test_a_cookie_kept_from_before_signing_out_opens_nothing(self, visitor: Visitor, ada: Person) -> None:
        enter(visitor)
        kept = visitor.client.get_cookie("session")
        assert kept is not None
        page = visitor.get("/account").send("Sign out")
        assert "You are signed out." in page.text
        visitor.client.set_cookie("session", kept.value)
        assert visitor.get("/account").heading == "Sign in"

    def test_a_form_open_in_another_tab_can_be_sent_after_signing_in_again(self, visitor: Visitor, ada: Person) -> None:
        enter(visitor)
        open_tab = visitor.get("/account")
        with transaction() as session:
            for row in session.scalars(select(PersonSession)):
                row.ended_at = row.created_at
        refused = open_tab.send("Change passphrase", present=PASSPHRASE, passphrase="bracken under a wall")
        assert refused.status == 403 or refused.heading == "Sign in"
        enter(visitor)
        page = open_tab.send("Change passphrase", present=PASSPHRASE, passphrase="bracken under a wall")
        assert "Your passphrase is changed" in page.text


class TestAccount:
    def test_shows_roles_and_switches_organisation(self, visitor: Visitor, ada: Person) -> None:
        own, second = member("Alder", Sector.PRIVATE), member("Birch", Sector.VCSE)
        appoint(ada, own, Role.CERTIFIER)
        appoint(ada, second, Role.EDITOR)
        enter(visitor)
        page = visitor.get("/account")
        assert "You act for Alder now" in page.text
        after = page.send("Act for Birch")
        assert after.path == "/tasks"
        assert "You now act for Birch." in after.text
        assert "You act for Birch now" in visitor.get("/account").text

    def test_acting_for_a_stranger_is_not_found(self, visitor: Visitor, ada: Person) -> None:
        own, foreign = member("Alder", Sector.PRIVATE), member("Birch", Sector.VCSE)
        other = member("Cedar", Sector.VCSE)
        appoint(ada, own, Role.CERTIFIER)
        appoint(ada, other, Role.CERTIFIER)
        enter(visitor)
        token = _csrf(visitor.get("/account"))
        for bad in (foreign.id, 2**70):
            page = visitor.post(f"/account/act-for/{bad}", {f"for-{bad}-csrf_token": token, f"for-{bad}-form_id": "x1"})
            assert page.status == 404
        assert "You act for Alder now" in visitor.get("/account").text

    def test_changing_the_passphrase_keeps_this_browser_and_ends_others(self, visitor: Visitor, ada: Person) -> None:
        elsewhere = Visitor(visitor.app)
        enter(visitor)
        enter(elsewhere)
        page = visitor.get("/account").send("Change passphrase", present="wrong", passphrase="short")
        assert len(page.errors()) == 2
        page = visitor.get("/account").send("Change passphrase", present=PASSPHRASE, passphrase="bracken under a wall")
        assert page.path == "/account"
        assert elsewhere.get("/account").heading == "Sign in"
        assert enter(elsewhere).errors() == [WRONG]
        assert enter(elsewhere, phrase="bracken under a wall").path == "/tasks"

    def test_signing_out_everywhere(self, visitor: Visitor, ada: Person) -> None:
        elsewhere = Visitor(visitor.app)
        enter(visitor)
        enter(elsewhere)
        visitor.get("/account").send("Sign out everywhere")
        for browser in (visitor, elsewhere):
            assert browser.get("/account").heading == "Sign in"


def _csrf(page: Page) -> str:
    found = re.search(r'csrf_token" value="([^"]+)"', page.response.get_data(as_text=True))
    assert found is not None
    return found[1]


class TestBrowsers:
    def test_another_browser_is_told_of_listed_and_ended(self, visitor: Visitor, ada: Person) -> None:
        enter(visitor)
        assert mailed_subjects() == []
        elsewhere = Visitor(visitor.app)
        enter(elsewhere)
        assert mailed_subjects() == ["You signed in from a new browser"]
        elsewhere.get("/account").send("Sign out")
        enter(elsewhere)
        assert mailed_subjects() == ["You signed in from a new browser"], "it is known by now"
        page = visitor.get("/account").follow("Where you are signed in")
        assert "This browser" in page.text
        assert "is signed out" in page.send("End this session").text
        assert elsewhere.get("/account").heading == "Sign in"
        assert visitor.get("/account").heading == "Your account"

    def test_a_strangers_session_is_not_found(self, visitor: Visitor, ada: Person) -> None:
        stranger, _ = official("Stella", Role.STEWARD)
        other = Visitor(visitor.app).sign_in(stranger)
        enter(visitor)
        theirs = db.session.scalars(select(PersonSession.id).where(PersonSession.person_id == stranger.id)).one()
        token = _csrf(visitor.get("/account"))
        for bad in (theirs, 2**70):
            sent = {f"end-{bad}-csrf_token": token, f"end-{bad}-form_id": "x"}
            assert visitor.post(f"/account/browsers/{bad}/end", sent).status == 404
        assert other.get("/tasks").heading != "Sign in"

    def test_left_alone_it_ends_unless_it_is_remembered(
        self, visitor: Visitor, ada: Person, clock: MovableClock
    ) -> None:
        kept = Visitor(visitor.app)
        kept.get("/sign-in").send("Sign in", email="ada@alder.example", passphrase=PASSPHRASE, remember=True)
        enter(visitor)
        for _ in range(4):
            clock.move(timedelta(minutes=50))
            assert visitor.get("/account").heading == "Your account"
        clock.move(timedelta(hours=1))
        assert visitor.get("/account").heading == "Sign in"
        clock.move(timedelta(days=13))
        assert kept.get("/account").heading == "Your account"

    def test_a_form_sent_after_the_end_is_shown_again_filled_in(
        self, visitor: Visitor, ada: Person, clock: MovableClock
    ) -> None:
        enter(visitor)
        page = visitor.get("/account/email")
        clock.move(timedelta(hours=2))
        asked = page.send("Mail me a link", email="new@alder.example", present=PASSPHRASE)
        assert asked.heading == "Sign in"
        assert PASSPHRASE not in "".join(db.session.scalars(select(HeldForm.fields)))
        assert "new@alder.example" not in "".join(db.session.scalars(select(HeldForm.fields)))
        back = asked.send("Sign in", email="ada@alder.example", passphrase=PASSPHRASE)
        assert back.heading == "Change your e-mail address"
        assert 'value="new@alder.example"' in back.response.get_data(as_text=True)
        assert "What you typed is kept" in back.text
        assert db.session.scalar(select(func.count()).select_from(EmailChange)) == 0, "nothing is sent by itself"

    def test_for_another_organisation_it_asks_first(self, visitor: Visitor, ada: Person, clock: MovableClock) -> None:
        own, second = member("Alder", Sector.PRIVATE), member("Birch", Sector.VCSE)
        appoint(ada, own, Role.EDITOR)
        appoint(ada, second, Role.EDITOR)
        enter(visitor)
        visitor.get("/account").send("Act for Birch")
        page = visitor.get("/account/email")
        clock.move(timedelta(hours=2))
        asked = page.send("Mail me a link", email="new@alder.example", present=PASSPHRASE)
        back = asked.send("Sign in", email="ada@alder.example", passphrase=PASSPHRASE)
        assert back.heading == "You filled this in for Birch"
        again = back.send("Act for Birch and go on")
        assert 'value="new@alder.example"' in again.response.get_data(as_text=True)


def mailed_subjects() -> list[str]:
    return list(db.session.scalars(select(OutboxMessage.subject).order_by(OutboxMessage.id)))


class TestEmail:
    def _ask(self, visitor: Visitor, email: str = "new@alder.example") -> tuple[str, str]:
        visitor.get("/account/email").send("Mail me a link", email=email, present=PASSPHRASE)
        return mailed_path(email), mailed_path("ada@alder.example")

    def test_bad_input(self, visitor: Visitor, ada: Person) -> None:
        enter(visitor)
        page = visitor.get("/account/email")
        assert len(page.send("Mail me a link", email="", present="").errors()) == 2
        assert "isn't your passphrase" in page.send("Mail me a link", email="a@b.example", present="wrong").errors()[0]
        same = page.send("Mail me a link", email="ADA@alder.example", present=PASSPHRASE)
        assert "present address" in same.errors()[0]

    def test_the_new_address_confirms_and_the_old_one_may_undo(
        self, visitor: Visitor, ada: Person, clock: MovableClock
    ) -> None:
        enter(visitor)
        confirm, undo = self._ask(visitor)
        stranger = Visitor(visitor.app)
        stranger.get(confirm)
        assert db.session.get_one(Person, ada.id).email == "ada@alder.example", "opening a link changes nothing"
        stranger.get(confirm).send("Sign in with this address from now on")
        assert enter(Visitor(visitor.app)).errors() == [WRONG]
        assert enter(Visitor(visitor.app), email="new@alder.example").path == "/tasks"
        stranger.get(confirm, status=404)
        clock.move(timedelta(days=6))
        assert "Choose a new passphrase" in stranger.get(undo).send("Keep ada@alder.example").text
        assert visitor.get("/account").heading == "Sign in"
        assert enter(visitor).path == "/tasks"
        stranger.get(undo, status=404)

    def test_links_end(self, visitor: Visitor, ada: Person, clock: MovableClock) -> None:
        enter(visitor)
        confirm, undo = self._ask(visitor)
        clock.move(timedelta(days=2, seconds=1))
        visitor.get(confirm, status=404)
        visitor.get(undo)
        clock.move(timedelta(days=5))
        visitor.get(undo, status=404)
        visitor.get("/email/confirm/none-such", status=404)

    def test_never_tells_whether_somebody_has_the_address(self, visitor: Visitor, ada: Person) -> None:
        with transaction():
            service.add_person(name="Bo", email="bo@alder.example", passphrase=None, actor=None, now=ada.created_at)
        enter(visitor)
        page = visitor.get("/account/email").send("Mail me a link", email="bo@alder.example", present=PASSPHRASE)
        assert "A link is on its way to bo@alder.example" in page.text
        assert mailed_path("bo@alder.example") == "/sign-in"


class TestForgotten:
    def test_never_tells_whether_there_is_an_account(self, visitor: Visitor, ada: Person) -> None:
        answers = {
            visitor.get("/forgotten").send("Mail me a link", email=email).text
            for email in ("ada@alder.example", "nobody@alder.example")
        }
        assert len(answers) == 1
        assert db.session.scalar(select(func.count()).select_from(OutboxMessage)) == 1

    def test_a_link_survives_being_opened_and_works_once(self, visitor: Visitor, ada: Person) -> None:
        visitor.get("/forgotten").send("Mail me a link", email="ada@alder.example")
        path = mailed_path("ada@alder.example")
        visitor.get(path)
        page = visitor.get(path)
        refused = page.send("Set passphrase", passphrase="short")
        assert refused.status == 422
        assert len(refused.errors()) == 1
        assert page.send("Set passphrase", passphrase="bracken under a wall").path == "/sign-in"
        assert visitor.get(path, status=404).status == 404
        assert enter(visitor, phrase="bracken under a wall").path == "/tasks"

    def test_bad_addresses_and_links(self, visitor: Visitor, ada: Person) -> None:
        for bad in ("", "ada", "ada@", "a" * 300 + "@alder.example"):
            assert visitor.get("/forgotten").send("Mail me a link", email=bad).status == 422
        assert visitor.get("/reset/no-such-link", status=404).status == 404
        assert visitor.get("/invitations/no-such-link", status=404).status == 404


class TestInvitation:
    def _invite(self, clock: MovableClock, email: str) -> str:
        own = member("Alder", Sector.PRIVATE)
        own_id = own.id
        with transaction():
            token = service.invite(
                name="Ada", email=email, role=Role.EDITOR, organisation_id=own_id, invited_by=None, now=clock.now()
            )
        return f"/invitations/{token}"

    def test_opening_shows_a_button_and_sending_accepts(self, visitor: Visitor, clock: MovableClock) -> None:
        found_society()
        path = self._invite(clock, "new@alder.example")
        for _ in range(3):
            page = visitor.get(path)
        assert page.heading == "Alder asks you to be its editor"
        assert page.send("Accept and make my account", passphrase="short").status == 422
        landed = page.send("Accept and make my account", passphrase=PASSPHRASE)
        assert landed.path == "/tasks"
        assert "for Alder" in landed.response.get_data(as_text=True)
        assert visitor.get(path, status=404).status == 404

    def test_somebody_with_an_account_signs_in_and_comes_back(
        self, visitor: Visitor, clock: MovableClock, ada: Person
    ) -> None:
        path = self._invite(clock, "ada@alder.example")
        page = visitor.get(path).follow("Sign in to accept")
        back = page.send("Sign in", email="ada@alder.example", passphrase=PASSPHRASE)
        assert back.path == path
        assert back.send("Accept").path == "/tasks"

    def test_another_person_is_shown_the_way_out(self, visitor: Visitor, clock: MovableClock, ada: Person) -> None:
        path = self._invite(clock, "new@alder.example")
        enter(visitor)
        page = visitor.get(path)
        assert "You are signed in as Ada Alder" in page.text
        with pytest.raises(AssertionError, match="no button"):
            page.send("Accept")
        token = _csrf(page)
        forged = visitor.post(path, {"csrf_token": token, "form_id": "x1", "passphrase": PASSPHRASE})
        assert forged.status == 403
        assert db.session.scalar(select(func.count()).select_from(Person)) == 1


class TestDemonstration:
    def test_one_press_enters_as_one_of_its_people(self, visitor: Visitor) -> None:
        found_society()
        with transaction() as session:
            session.get_one(Society, 1).is_demo = True
        official("Stella Steward", Role.STEWARD)
        officer(member("Alder", Sector.VCSE), Role.REPRESENTATIVE, name="Rob")
        page = visitor.get("/sign-in").send("Enter as Stella Steward (steward)")
        assert page.path == "/tasks"
        assert "Stella Steward" in page.response.get_data(as_text=True)
        page = visitor.get("/sign-in").send("Enter as Rob (representative)")
        assert "Rob" in page.response.get_data(as_text=True)

    def test_a_real_fund_has_no_such_door(self, visitor: Visitor) -> None:
        found_society()
        somebody, _ = official("Stella Steward", Role.STEWARD)
        page = visitor.get("/sign-in")
        assert "Enter as" not in page.text
        forged = {"as-csrf_token": _csrf(page), "as-form_id": "x1", "as-person": str(somebody.id)}
        assert visitor.post("/enter-as", forged).status == 404
        assert db.session.scalar(select(func.count()).select_from(PersonSession)) == 0
