"""Pages of second steps: set up, asked for while signing in, asked for before acts that need one."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.outbox import OutboxMessage
from fund.kernel.society import Society
from members.accounts import service
from members.accounts.factors.models import AuthenticatorApp, LettingIn, RecoveryCode
from members.accounts.models import Invitation, Person, PersonSession
from members.rules import Sector
from tests.members.accounts.factors.steps import RECOVERY, code_of, give_app
from tests.visitor import Page, Visitor
from tests.world import appoint, found_society, member, official

PASSPHRASE = "heather over moorland"


@pytest.fixture
def ada(app: Flask, clock: MovableClock) -> Person:
    found_society()
    with transaction():
        made = service.add_person(
            name="Ada Alder", email="ada@alder.example", passphrase=PASSPHRASE, actor=None, now=clock.now()
        )
    appoint(made, member("Alder", Sector.PRIVATE), Role.CERTIFIER)
    return made


def enter(visitor: Visitor, path: str = "/sign-in") -> Page:
    return visitor.get(path).send("Sign in", email="ada@alder.example", passphrase=PASSPHRASE)


def mails(email: str = "ada@alder.example") -> list[str]:
    return list(
        db.session.scalars(
            select(OutboxMessage.subject).where(OutboxMessage.recipient == email).order_by(OutboxMessage.id)
        )
    )


class TestSetUp:
    def test_an_app_is_set_up_with_codes_shown_once(self, visitor: Visitor, ada: Person, clock: MovableClock) -> None:
        enter(visitor)
        page = visitor.get("/account").follow("Your second step").send("Set up an app")
        assert page.heading == "Set up your authenticator app"
        found = page.tree.find(".//code[@class='app-key']")
        assert found is not None
        assert re.fullmatch(r"([A-Z2-7]{4} ){7}[A-Z2-7]{4}", found.text or "")
        secret = (found.text or "").replace(" ", "")
        assert secret not in db.session.scalars(select(AuthenticatorApp.sealed_secret)).one()
        for bad in ("", "12345", "000000" if code_of(secret, clock.now()) != "000000" else "111111"):
            assert page.send("Set up the app", code=bad).status == 422
        shown = page.send("Set up the app", code=code_of(secret, clock.now()))
        assert shown.heading == "Keep your recovery codes"
        codes = re.findall(r"\d\w{4}-\w{4}-\w{4}-\w{4}", shown.text)
        assert len(codes) == 10
        assert not any(
            code in (row.code_hash or "") for row in db.session.scalars(select(RecoveryCode)) for code in codes
        )
        assert codes[3] in visitor.client.get("/account/second-step/codes.txt").get_data(as_text=True)
        assert shown.send("Carry on").status == 422
        assert shown.send("Carry on", kept=True).path == "/account/second-step"
        assert visitor.get("/account/second-step/codes", status=404).status == 404
        assert "The second step of your sign-in was changed" in mails()
        other = Visitor(visitor.app)
        asked = enter(other)
        assert asked.heading == "Your second step"
        assert asked.send("Show that it's me", code=codes[3].lower()).path == "/tasks"

    def test_a_screen_left_open_sets_nothing_up(self, visitor: Visitor, ada: Person, clock: MovableClock) -> None:
        enter(visitor)
        clock.move(timedelta(minutes=31))
        page = visitor.get("/account/second-step").send("Set up an app")
        assert page.heading == "Show that it’s you"
        assert page.send("Show that it's me", present="wrong").status == 422
        back = page.send("Show that it's me", present=PASSPHRASE)
        assert back.send("Set up an app").heading == "Set up your authenticator app"

    def test_removing_needs_the_step_itself(self, visitor: Visitor, ada: Person, clock: MovableClock) -> None:
        secret = give_app(ada.id, clock.now())
        enter(visitor).send("Show that it's me", code=code_of(secret, clock.now()))
        clock.move(timedelta(minutes=31))
        page = visitor.get("/account/second-step").send("Remove the app")
        assert page.heading == "Show that it’s you"
        page = page.send("Show that it's me", code=code_of(secret, clock.now()))
        assert "is removed" in page.send("Remove the app").text
        assert enter(Visitor(visitor.app)).path == "/tasks"

    def test_foreign_passkeys_are_not_found(self, visitor: Visitor, ada: Person) -> None:
        enter(visitor)
        token = _csrf(visitor.get("/account"))
        for bad in (1, 2**70):
            sent = {f"key-{bad}-csrf_token": token, f"key-{bad}-form_id": "x"}
            assert visitor.post(f"/account/passkeys/{bad}/remove", sent).status == 404


def _csrf(page: Page) -> str:
    found = re.search(r'csrf_token" value="([^"]+)"', page.response.get_data(as_text=True))
    assert found is not None
    return found[1]


class TestSignIn:
    def test_the_passphrase_alone_opens_nothing(self, visitor: Visitor, ada: Person, clock: MovableClock) -> None:
        secret = give_app(ada.id, clock.now())
        asked = enter(visitor, "/account")
        assert asked.heading == "Your second step"
        assert visitor.get("/account").heading == "Sign in"
        assert asked.send("Show that it's me", code="000001").status == 422
        assert asked.send("Show that it's me", code=code_of(secret, clock.now())).path == "/account"

    def test_a_code_works_once(self, visitor: Visitor, ada: Person, clock: MovableClock) -> None:
        secret = give_app(ada.id, clock.now())
        code = code_of(secret, clock.now())
        assert enter(visitor).send("Show that it's me", code=code).path == "/tasks"
        again = enter(Visitor(visitor.app)).send("Show that it's me", code=code)
        assert again.status == 422
        assert "used before" in again.errors()[0]

    def test_a_recovery_code_works_once_and_its_owner_is_told(
        self, visitor: Visitor, ada: Person, clock: MovableClock
    ) -> None:
        give_app(ada.id, clock.now())
        assert enter(visitor).send("Show that it's me", code=RECOVERY).path == "/tasks"
        assert "The second step of your sign-in was changed" in mails()
        assert enter(Visitor(visitor.app)).send("Show that it's me", code=RECOVERY).status == 422

    def test_wrong_codes_wait_and_the_second_step_has_its_time(
        self, visitor: Visitor, ada: Person, clock: MovableClock
    ) -> None:
        secret = give_app(ada.id, clock.now())
        page = enter(visitor)
        for _ in range(4):
            assert "wrong" in page.send("Show that it's me", code="00000Z").errors()[0]
        assert "Wait 5 seconds" in page.send("Show that it's me", code=code_of(secret, clock.now())).errors()[0]
        clock.move(timedelta(seconds=5))
        assert page.send("Show that it's me", code=code_of(secret, clock.now())).path == "/tasks"
        late = enter(Visitor(visitor.app))
        clock.move(timedelta(minutes=11))
        assert late.send("Show that it's me", code=code_of(secret, clock.now())).heading == "Sign in"

    def test_a_new_passphrase_by_mail_does_not_bypass_it(
        self, visitor: Visitor, ada: Person, clock: MovableClock
    ) -> None:
        give_app(ada.id, clock.now())
        visitor.get("/forgotten").send("Mail me a link", email="ada@alder.example")
        path = db.session.scalars(select(OutboxMessage.path).where(OutboxMessage.path.like("/reset/%"))).one()
        visitor.get(path).send("Set passphrase", passphrase="bracken under a wall")
        page = visitor.get("/sign-in").send("Sign in", email="ada@alder.example", passphrase="bracken under a wall")
        assert page.heading == "Your second step"

    def test_after_the_funds_key_changed_a_recovery_code_is_the_way_back(
        self, visitor: Visitor, ada: Person, clock: MovableClock
    ) -> None:
        secret = give_app(ada.id, clock.now())
        before = visitor.app.config["SECRET_KEY"]
        visitor.app.config["SECRET_KEY"] = "another"
        try:
            page = enter(visitor).send("Show that it's me", code=code_of(secret, clock.now()))
            assert "The fund's own key was changed" in page.errors()[0]
            assert page.send("Show that it's me", code=RECOVERY).path == "/tasks"
        finally:
            visitor.app.config["SECRET_KEY"] = before


class TestBeforeActs:
    """Inviting somebody needs a second step (`MANAGE_OWN_ORGANISATION`)."""

    def test_who_has_none_sets_one_up_and_loses_nothing(
        self, visitor: Visitor, ada: Person, clock: MovableClock
    ) -> None:
        enter(visitor)
        people = visitor.get("/account").follow("Alder").path
        page = visitor.get(f"{people}/people").follow("Invite somebody")
        sent = page.send("Send invitation", name="Vera Voter", email="vera@alder.example", role="representative")
        assert sent.heading == "Your second step"
        assert "What you filled in is kept" in sent.text
        app_page = sent.send("Set up an app")
        secret = (app_page.tree.find(".//code[@class='app-key']").text or "").replace(" ", "")  # type: ignore[union-attr]
        back = app_page.send("Set up the app", code=code_of(secret, clock.now())).send("Carry on", kept=True)
        assert back.heading == page.heading
        assert "What you typed is kept" in back.text
        text = back.response.get_data(as_text=True)
        assert 'value="Vera Voter"' in text
        assert 'value="vera@alder.example"' in text
        assert mails("vera@alder.example") == []
        back.send("Send invitation")
        assert len(mails("vera@alder.example")) == 1

    def test_one_given_half_an_hour_ago_is_asked_for_again(
        self, visitor: Visitor, ada: Person, clock: MovableClock
    ) -> None:
        secret = give_app(ada.id, clock.now())
        enter(visitor).send("Show that it's me", code=code_of(secret, clock.now()))
        people = visitor.get("/account").follow("Alder").path
        page = visitor.get(f"{people}/people").follow("Invite somebody")
        clock.move(timedelta(minutes=31))
        asked = page.send("Send invitation", name="Vera", email="vera@alder.example", role="representative")
        assert asked.heading == "Show that it’s you"
        assert mails("vera@alder.example") == []
        back = asked.send("Show that it's me", code=code_of(secret, clock.now()))
        assert 'value="Vera"' in back.response.get_data(as_text=True)
        back.send("Send invitation")
        assert len(mails("vera@alder.example")) == 1

    def test_a_button_alone_is_sent_from_a_page_of_its_own(
        self, visitor: Visitor, ada: Person, clock: MovableClock
    ) -> None:
        secret = give_app(ada.id, clock.now())
        enter(visitor).send("Show that it's me", code=code_of(secret, clock.now()))
        people = visitor.get("/account").follow("Alder").path
        page = visitor.get(f"{people}/people").follow("Invite somebody")
        page.send("Send invitation", name="Vera", email="vera@alder.example", role="representative")
        listed = visitor.get(f"{people}/people")
        clock.move(timedelta(minutes=31))
        button = next(
            label
            for label in (" ".join("".join(b.itertext()).split()) for b in listed.tree.iter("button"))
            if "ithdraw" in label or "back" in label
        )
        back = listed.send(button).send("Show that it's me", code=code_of(secret, clock.now()))
        assert back.heading == "Carry on where you were"
        assert "Vera" in visitor.get(f"{people}/people").text
        back.send("Send it now")
        assert db.session.scalars(select(Invitation.withdrawn_at)).one() is not None

    def test_nobody_else_opens_what_was_kept(self, visitor: Visitor, ada: Person, clock: MovableClock) -> None:
        enter(visitor)
        people = visitor.get("/account").follow("Alder").path
        page = visitor.get(f"{people}/people").follow("Invite somebody")
        asked = page.send("Send invitation", name="Vera", email="vera@alder.example", role="representative")
        kept = re.search(r"next=(/carry-on/[\w-]+)", asked.response.request.full_path)
        path = kept[1] if kept else re.findall(r"/carry-on/[\w-]+", asked.response.get_data(as_text=True))[0]
        stranger, _ = official("Stella", Role.STEWARD)
        assert Visitor(visitor.app).sign_in(stranger).get(path, status=404).status == 404
        clock.move(timedelta(hours=25))
        enter(visitor)
        assert visitor.get(path, status=404).status == 404

    def test_a_demonstration_asks_for_none(self, visitor: Visitor, ada: Person, clock: MovableClock) -> None:
        with transaction() as session:
            session.get_one(Society, 1).is_demo = True
        visitor.get("/sign-in").send("Enter as Ada Alder (certifier)")
        clock.move(timedelta(days=3))
        people = visitor.get("/account").follow("Alder").path
        page = visitor.get(f"{people}/people").follow("Invite somebody")
        page.send("Send invitation", name="Vera", email="vera@alder.example", role="representative")
        assert len(mails("vera@alder.example")) == 1


class TestLettingIn:
    def test_two_officers_let_somebody_in(self, visitor: Visitor, ada: Person, clock: MovableClock) -> None:
        secret = give_app(ada.id, clock.now())
        enter(visitor).send("Show that it's me", code=code_of(secret, clock.now()))
        stella, cem = official("Stella", Role.STEWARD)[0], official("Cem", Role.SECRETARY)[0]
        steward, secretary = Visitor(visitor.app).sign_in(stella), Visitor(visitor.app).sign_in(cem)
        form = steward.get("/tasks").follow("Lost second steps")
        assert len(form.send("Ask a second officer to confirm", email="", how_checked="").errors()) == 2
        nobody = form.send("Ask a second officer to confirm", email="nobody@example.org", how_checked="By phone.")
        assert "Nobody signs in" in nobody.errors()[0]
        asked = form.send("Ask a second officer to confirm", email="ada@alder.example", how_checked="By phone.")
        assert "Another officer now has to confirm" in asked.text
        own = asked.follow("Ada Alder")
        assert "another officer has to confirm" in own.text
        task = secretary.get("/tasks").follow("Confirm that Ada Alder may sign in without their second step")
        assert len(task.send("Decide").errors()) == 2
        done = task.send("Decide", decision="yes", second_check="Met her.")
        assert "may sign in with the passphrase alone" in done.text
        assert visitor.get("/account").heading == "Sign in"
        assert "Your second step was removed" in mails()
        assert enter(visitor).path == "/tasks"
        again = task.send("Decide", decision="yes", second_check="Met her.")
        assert again.status in (200, 409)

    def test_the_first_officer_cannot_confirm_and_strangers_find_nothing(
        self, visitor: Visitor, ada: Person, clock: MovableClock
    ) -> None:
        give_app(ada.id, clock.now())
        stella = official("Stella", Role.STEWARD)[0]
        steward = visitor.sign_in(stella)
        form = steward.get("/let-in")
        form.send("Ask a second officer to confirm", email="ada@alder.example", how_checked="By phone.")
        number = db.session.scalars(select(LettingIn.id)).one()
        sent = {"csrf_token": _csrf(form), "form_id": "x", "decision": "yes", "second_check": "Again."}
        refused = steward.post(f"/let-in/{number}", sent)
        assert "Another officer" in " ".join(refused.errors()) or "another officer" in refused.text
        assert db.session.scalars(select(LettingIn.decided_at)).one() is None
        for bad in (999, 2**70):
            steward.get(f"/let-in/{bad}", status=404)
        Visitor(visitor.app).sign_in(ada).get("/let-in", status=403)


def test_a_refused_second_step_leaves_no_session(visitor: Visitor, ada: Person, clock: MovableClock) -> None:
    give_app(ada.id, clock.now())
    enter(visitor)
    assert db.session.scalars(select(PersonSession.is_half)).one() is True
    assert visitor.get("/tasks").heading == "Sign in"
