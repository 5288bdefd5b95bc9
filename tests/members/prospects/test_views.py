"""Pages of lists, prospects and invitations, as a browser meets them."""

import io
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage

from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.outbox import OutboxMessage
from fund.kernel.policy import Setting
from members.accounts.models import Person
from members.models import Organisation
from members.prospects import queries, service
from members.prospects.models import InvitationStop, Prospect
from members.prospects.reading import read
from members.prospects.rules import Anchor, Details
from members.rules import MembershipStatus, Register, Sector
from tests.conftest import START
from tests.visitor import Page, Visitor
from tests.world import found_society, member, official

LIST = (
    "name,org_id,district,contact_email,anchor,colour\n"
    "Alder Rovers,360G-irwell-1,Bury,ada@alder.example,Football or sports club,red\n"
    "Birch Health,360G-irwell-2,Bolton,,Health body,\n"
)


@pytest.fixture
def steward(app: Flask) -> Actor:
    found_society()
    return official("Stella Ward", Role.STEWARD)[1]


@pytest.fixture
def desk(app: Flask, steward: Actor) -> Visitor:
    return Visitor(app).sign_in(db.session.get_one(Person, steward.person_id))


def file(text: str, name: str = "list.csv") -> FileStorage:
    return FileStorage(io.BytesIO(text.encode()), filename=name)


def send(desk: Visitor, text: str = LIST) -> Page:
    return desk.get("/prospects/import").send("Read the list", file=file(text))


def added(steward: Actor, name: str = "Alder Rovers", **more: object) -> str:
    details: dict[str, object] = {
        "name": name,
        "contact_name": "Ada Alder",
        "contact_email": "ada@alder.example",
        "district": "E08000002",
        "register": Register.CHARITY_COMMISSION,
        "register_number": "1234567",
    }
    with transaction():
        given = Details(**(details | more))  # type: ignore[arg-type]
        return service.add(details=given, actor=steward, now=START).reference


def link() -> str:
    db.session.rollback()
    found = (
        select(OutboxMessage.path).where(OutboxMessage.path.startswith("/invited/")).order_by(OutboxMessage.id.desc())
    )
    path = db.session.scalars(found).first()
    assert path is not None
    return path


class TestLists:
    def test_looked_at_then_taken_in(self, desk: Visitor) -> None:
        assert "The list is empty" in desk.get("/prospects").text
        shown = send(desk)
        assert "2 new" in shown.text
        assert "We don't read these columns: colour" in shown.text
        assert db.session.scalar(select(func.count()).select_from(Organisation)) == 0
        listed = shown.send("Take the list in")
        assert "2 new, 0 changed" in listed.text
        assert "Alder Rovers" in listed.text
        again = send(desk)
        assert "The list holds nothing new" in again.text
        assert "was taken in on" in desk.get("/prospects/imports/1").text
        assert "2 new, 0 changed" in desk.get("/prospects/import").text

    def test_faults_stand_by_row_and_nothing_can_be_taken(self, desk: Visitor) -> None:
        shown = send(desk, LIST + "Cedar,GB-COH-XX,Leeds,at home,,\n")
        assert "Nothing can be taken in yet" in shown.text
        for column in ("org_id", "district", "contact_email"):
            assert f"4{column}" in shown.text
        assert "Take the list in" not in shown.text
        desk.app.config["WTF_CSRF_ENABLED"] = False
        try:
            answer = desk.post("/prospects/imports/1/take", {"form_id": "made-up"})
        finally:
            desk.app.config["WTF_CSRF_ENABLED"] = True
        assert answer.status == 422
        assert "nothing was taken in" in answer.text
        assert db.session.scalar(select(func.count()).select_from(Organisation)) == 0

    def test_files_that_are_no_lists(self, desk: Visitor) -> None:
        form = desk.get("/prospects/import")
        assert form.send("Read the list").errors() == ["Choose the CSV or XLSX file that holds your list."]
        (fault,) = form.send("Read the list", file=file("colour\nred\n")).errors()
        assert "none of the headings" in fault

    def test_what_changes_is_told(self, desk: Visitor) -> None:
        send(desk).send("Take the list in")
        shown = send(
            desk, "org_id,name,anchor\n360G-irwell-1,Alder Town,Housing provider\n360G-irwell-9,Birch Health,\n"
        )
        assert "name: Alder Town; anchor: housing" in shown.text
        assert "Birch Health (GM-0002)" in shown.text

    def test_similar_names_are_asked_about_and_never_put_together(self, desk: Visitor) -> None:
        theirs = member("Bolton Community & Voluntary Services", Sector.VCSE).reference
        names = "name\nBolton CVS\nIrwell Comunity Larder\nIrwell Community Larder\nAlder Rovers\n"
        shown = send(desk, names)
        assert f"Is it Bolton Community & Voluntary Services ({theirs})? One may be short for the other." in shown.text
        assert "Is it Irwell Comunity Larder (row 3)? The names are nearly the same." in shown.text
        assert shown.text.count("Is it ") == 3  # the heading and two questions
        assert "4 new, 0 changed" in shown.send("Take the list in").text
        assert "Is it the same?" not in send(desk, names).text

    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_files_to_take_away(self, desk: Visitor, kind: str) -> None:
        send(desk).send("Take the list in")
        template = desk.get(f"/prospects/template.{kind}").response
        assert len(read(template.get_data()).rows) == 1
        exported = desk.get(f"/prospects/export.{kind}?anchor=health&district=E08000001").response
        assert [cells["name"] for _, cells in read(exported.get_data()).rows] == ["Birch Health"]
        assert exported.headers["Cache-Control"] == "no-store"
        member("Elm Works", Sector.PRIVATE)
        members = desk.get(f"/prospects/export.{kind}?status=member").response
        assert [cells["name"] for _, cells in read(members.get_data()).rows] == ["Elm Works"]

    @pytest.mark.parametrize("path", ["export.pdf", "template.exe", "imports/9", f"imports/{10**20}", "GM-7777"])
    def test_what_is_not_there(self, desk: Visitor, path: str) -> None:
        desk.get(f"/prospects/{path}", status=404)

    def test_members_and_applicants_are_no_prospects(self, desk: Visitor, steward: Actor) -> None:
        theirs = member("Elm Works", Sector.PRIVATE).reference
        for page in ("", "/details", "/joined"):
            desk.get(f"/prospects/{theirs}{page}", status=404)

    def test_filters_stand_in_the_address(self, desk: Visitor) -> None:
        send(desk).send("Take the list in")
        found = desk.get("/prospects").send("Show", district="E08000002", anchor="any", sector="", answer="", q="ald")
        assert "1 organisation fit" in found.text
        assert "district=E08000002" in found.links()["Download as CSV"]
        assert "anchor=any" in found.links()["Invite those shown"]
        assert "No organisation fits" in desk.get("/prospects?q=zzz").text
        for nonsense in ("district=x&sector=y&anchor=z&answer=w", "after=GM-7777", "q=%25%00", f"q={'a' * 999}"):
            desk.get(f"/prospects?{nonsense}")


class TestOne:
    def test_added_by_hand_with_faults_told_at_once(self, desk: Visitor) -> None:
        form = desk.get("/prospects/new")
        refused = form.send("Save", name="", register="GB-CHC", register_number="12", contact_email="at home")
        assert len(refused.errors()) == 1
        refused = refused.send("Save", name="Alder Rovers")
        assert len(refused.errors()) == 2
        saved = refused.send("Save", register_number="1234567", contact_email="ada@alder.example", anchor="health")
        assert "Alder Rovers is on the list." in saved.text
        assert "Health body" in saved.text

    def test_details_are_corrected(self, desk: Visitor, steward: Actor) -> None:
        path = f"/prospects/{added(steward)}"
        saved = desk.get(path).follow("Change the details").send("Save", name="Alder Town", district="E08000010")
        assert saved.heading == "Alder Town"
        assert "Wigan" in saved.text
        assert desk.get(f"{path}/details").send("Save", name="").status == 422

    def test_invited_and_written_down(self, desk: Visitor, steward: Actor) -> None:
        path = f"/prospects/{added(steward)}"
        assert desk.get(path).send("Send the invitation", **{"invite-message": ""}).errors() == [
            "Write what the mail is to say."
        ]
        sent = desk.get(path).send("Send the invitation", **{"invite-message": "Do join us."})
        assert "The invitation is on its way." in sent.text
        assert "Do join us." in sent.text
        refused = sent.send("Write it down")
        assert len(refused.errors()) == 3
        done = refused.send(
            "Write it down",
            **{
                "contact-way": "call",
                "contact-day": "2026-06-01",
                "contact-note": "Ada likes it.",
                "contact-answer": "interested",
                "contact-next_step": "Meet Ada",
                "contact-next_step_on": "2026-06-05",
            },
        )
        assert "Ada likes it." in done.text
        assert "Meet Ada, by 5 June 2026" in done.text
        assert "Meet Ada: Alder Rovers" in desk.get("/tasks").text

    def test_linked_with_a_member(self, desk: Visitor, steward: Actor) -> None:
        path = f"/prospects/{added(steward)}"
        theirs = member("Alder FC", Sector.PRIVATE)
        form = desk.get(path).follow("It joined under another name")
        assert form.send("Link the two", member="").status == 422
        assert form.send("Link the two", member="GM-7777").status == 422
        assert "It has joined: Alder FC" in form.send("Link the two", member=theirs.reference).text


class TestMany:
    def test_chosen_counted_and_sent_once(self, desk: Visitor, steward: Actor) -> None:
        added(steward)
        added(steward, "Birch Choir", register=None, register_number=None, contact_email="")
        page = desk.get("/prospects/invite?district=E08000002")
        assert "1 of 2 chosen would get a mail" in page.text
        assert page.send("Send the invitations", message="", days="3").errors() == [
            "Write what the mail is to say.",
            "Give a number of days from 30 to 3,650.",
        ]
        with transaction() as session:
            for key, value in (("invite_again_days", "45"), ("invite_again_fewest_days", "10")):
                session.add(Setting(key=key, value=value, effective_from=START, set_at=START))
        assert page.send("Send the invitations", message="Do join.", days="9").errors() == [
            "Give a number of days from 10 to 3,650."
        ]
        assert "Invited in the last 45 days" in desk.get("/prospects/invite").text
        sent = page.send("Send the invitations")
        assert "1 invitation is on the way." in sent.text
        assert page.send("Send the invitations").status == 200
        assert db.session.scalar(select(func.count()).select_from(OutboxMessage)) == 1
        assert "Nobody here can be written to now." in desk.get("/prospects/invite").text


class TestInvited:
    @pytest.fixture
    def path(self, desk: Visitor, steward: Actor) -> str:
        desk.get(f"/prospects/{added(steward)}").send("Send the invitation")
        return link()

    def test_the_link_fills_in_the_form_and_joins(self, path: str, visitor: Visitor, desk: Visitor) -> None:
        form = visitor.get(path)
        assert form.heading == "Ask to join"
        assert "You were invited" in form.text
        checked = form.send("Check your answers", legal_form="charity", address="1 Mill Lane", agrees=True)
        done = checked.send("Send application")
        assert done.heading == "We have your application"
        application = db.session.scalars(select(Organisation).order_by(Organisation.id.desc())).first()
        assert application is not None
        assert (application.name, application.register_number) == ("Alder Rovers", "1234567")
        assert application.contact_email == "ada@alder.example"
        assert db.session.scalars(select(Prospect.application_id)).one() == application.id
        assert "It has asked to join." in desk.get("/prospects/GM-0001").text
        assert "You were invited" not in Visitor(visitor.app).get(path).text

    def test_without_the_link_nothing_is_filled_in(self, path: str, visitor: Visitor) -> None:
        form = visitor.get("/join")
        assert "You were invited" not in form.text
        assert "Alder" not in form.response.get_data(as_text=True)

    def test_an_old_link_leads_to_an_empty_form(self, path: str, visitor: Visitor, clock: MovableClock) -> None:
        clock.move(timedelta(days=180))
        form = visitor.get(path)
        assert "This link was used or is old." in form.text
        assert "Alder" not in form.response.get_data(as_text=True)

    def test_no_more_mails_please(self, path: str, visitor: Visitor) -> None:
        page = visitor.get(path).follow("Ask us not to write again")
        assert db.session.scalar(select(func.count()).select_from(InvitationStop)) == 0
        assert "We won't invite you again." in page.send("Don't write again").text
        assert queries.stopped("ada@alder.example")

    def test_made_up_links(self, path: str, visitor: Visitor) -> None:
        visitor.get("/invited/none-such", status=404)
        visitor.get("/invited/none-such/stop", status=404)


def test_nobody_else_sees_prospects(app: Flask, steward: Actor, visitor: Visitor) -> None:
    reference = added(steward, anchor=Anchor.HEALTH)
    assert "Alder" not in visitor.get("/members?q=alder").response.get_data(as_text=True).replace('value="alder"', "")
    visitor.get(f"/members/{reference}", status=404)
    auditor, _ = official("Aud Itor", Role.AUDITOR)
    for path in ("", "/import", "/new", "/invite", "/export.csv", f"/{reference}"):
        Visitor(app).sign_in(auditor).get(f"/prospects{path}", status=403)


def test_a_prospect_never_applied(desk: Visitor, steward: Actor) -> None:
    reference = added(steward)
    desk.get(f"/applications/{reference}", status=404)
    assert "Invitation and next steps" in desk.get(f"/members/{reference}").links()
    assert db.session.scalars(select(Organisation.status)).one() is MembershipStatus.PROSPECT
