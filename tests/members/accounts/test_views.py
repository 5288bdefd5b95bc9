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
from members.accounts.models import Person, PersonSession
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
