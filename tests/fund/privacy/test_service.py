"""Mending, copying and erasing, on real rows of every kind that one grant leaves behind."""

import io
import json
import threading
import zipfile
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import JSON, Text, func, select, update

import fund.documents.service
import ledger.service
import voting.service
from fund.delivery import deliver
from fund.kernel.access import Actor, Role
from fund.kernel.audit import AuditEntry
from fund.kernel.clock import MovableClock
from fund.kernel.db import Base, db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage, mail
from fund.mail import Letter
from fund.privacy import queries, service
from fund.privacy.models import PrivacyRequest, Wish
from members import service as members
from members.accounts import passphrase_service
from members.accounts import service as accounts
from members.accounts.models import FundAppointment, Person, PersonSession
from members.accounts.queries import signed_in
from members.accounts.rules import BROWSER_SESSION_LENGTH
from members.models import Appointment, Organisation
from members.rules import Sector
from tests.fund.grants import awarding
from tests.fund.grants.awarding import Grant
from tests.world import acting, appoint, found_society, member, officer, official, person

NAME = "Wilhelmina Quillfeather"

STAYS = {"approval.person_name", "signature.person_name", "proposal_version.content"}
"""Where a name may stand after erasing; the registry says why of each."""


@pytest.fixture
def office(app: Flask) -> dict[str, Actor]:
    """A secretary and two of the board."""
    return {
        name: official(f"The {name}", role)[1]
        for name, role in (("secretary", Role.SECRETARY), ("first", Role.BOARD), ("second", Role.BOARD))
    }


def rename(grant: Grant, who: str) -> Person:
    """Give one of a grant's people a name that stands nowhere else."""
    somebody = grant.people[who]
    with transaction() as session:
        session.execute(update(Person).where(Person.id == somebody.id).values(name=NAME))
    grant.actors[who] = acting(
        somebody, db.session.get(Organisation, grant.actors[who].organisation_id) if grant.actors[who].organisation_id
        else None
    )  # fmt: skip
    return somebody


def ask(somebody: Person, wish: Wish, now: datetime, words: str = "Please.") -> int:
    actor = acting(somebody)
    with transaction():
        return service.ask(wish=wish, words=words, actor=actor, now=now).id


def agree(request_id: int, actor: Actor, now: datetime, *, agreed: bool = True) -> None:
    with transaction():
        service.answer(request_id=request_id, agreed=agreed, reasons="It is your right.", actor=actor, now=now)


def erase(somebody: Person, office: dict[str, Actor], now: datetime) -> int:
    request_id = ask(somebody, Wish.ERASURE, now)
    agree(request_id, office["secretary"], now)
    with transaction():
        service.confirm(request_id=request_id, actor=office["first"], now=now)
    return request_id


def where(*needles: str) -> set[str]:
    """Every text column of the database in which one of these stands."""
    db.session.rollback()
    found = set()
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Text | JSON):
                for (value,) in db.session.execute(select(column)):
                    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                    if any(needle.casefold() in text.casefold() for needle in needles):
                        found.add(f"{table.name}.{column.name}")
    return found


def faults() -> list[str]:
    """What `sicf check` finds. (The scene's ballot was never held, which is found before as after.)"""
    db.session.rollback()
    checks = (ledger.service.check, voting.service.check, fund.documents.service.check)
    return [fault for check in checks for fault in check()]


def test_erasing_leaves_the_name_only_where_the_registry_says(
    clock: MovableClock, office: dict[str, Actor], app: Flask
) -> None:
    """A certifier who signed, was mailed, signed in, was invited and invited others."""
    grant = awarding.lay(clock)
    somebody = rename(grant, "firm")
    email = somebody.email
    with transaction() as session:
        session.execute(
            update(Organisation)
            .where(Organisation.id == grant.firm.id)
            .values(contact_name=NAME, contact_email=email.upper())
        )
    grant.payable()
    grant.ordered()
    with transaction():
        accounts.open_session(person_id=somebody.id, acting_for_id=None, now=clock.now())
        accounts.claim_attempt(email=email, network="192.0.2.7", now=clock.now())
        passphrase_service.ask_reset(email=email, now=clock.now())
        accounts.invite(name=NAME, email=email, role=Role.EDITOR, organisation_id=grant.lead.id,
                        invited_by=grant.actors["lead"], now=clock.now())  # fmt: skip
        mail(key=f"k:{email}", to="other@example.org", subject=f"{NAME} confirmed", what=f"Ask {NAME} ({email}).",
             why="w", path="/", now=clock.now())  # fmt: skip
    other, _ = officer(grant.firm, name="Somebody Else")
    member_id = db.session.scalars(
        select(Appointment.id).where(Appointment.person_id == grant.people["lead editor"].id)
    ).one()
    assert member_id
    before, faults_before = where(NAME, email), faults()
    assert {"person.name", "invitation.email", "outbox_message.recipient", "organisation.contact_email"} <= before
    erase(somebody, office, clock.now())
    assert where(NAME) <= STAYS
    assert where(email) == {"outbox_message.recipient"}  # the last message, until it has left
    sent: list[Letter] = []

    class Keeping:
        def send(self, letter: Letter) -> None:
            sent.append(letter)

    app.extensions["sicf_mailer"], kept = Keeping(), app.extensions["sicf_mailer"]
    deliver(clock.now())
    app.extensions["sicf_mailer"] = kept
    assert [letter.subject for letter in sent if letter.to == email] == ["You have been erased"]
    assert "agreements you signed" in next(letter.text for letter in sent if letter.to == email)
    assert where(email) == set()
    assert where(NAME) == {"signature.person_name"}
    assert faults() == faults_before
    db.session.expire_all()
    gone = db.session.get_one(Person, somebody.id)
    assert (gone.name, gone.password_hash) == (f"Former person {somebody.id}", None)
    assert gone.erased_at == gone.disabled_at == clock.now()
    assert db.session.scalar(select(func.count()).where(PersonSession.person_id == somebody.id)) == 0
    assert db.session.scalar(
        select(func.count()).where(Appointment.person_id == somebody.id, Appointment.ended_at.is_(None))
    ) == 0  # fmt: skip
    firm = db.session.get_one(Organisation, grant.firm.id)
    assert (firm.contact_name, firm.contact_email) == (other.name, other.email)


def test_erasing_a_steward_keeps_the_checks_and_the_books(clock: MovableClock, office: dict[str, Actor]) -> None:
    grant = awarding.lay(clock)
    somebody = rename(grant, "steward")
    grant.payable()
    grant.ordered()
    transfers = db.session.execute(select(func.count()).select_from(Base.metadata.tables["transfer"])).scalar_one()
    assert "due_diligence.checked_by_name" in where(NAME)
    faults_before = faults()
    erase(somebody, office, clock.now())
    with transaction() as session:
        session.execute(update(OutboxMessage).where(OutboxMessage.forget_when_sent.is_(True)).values(recipient=""))
    assert where(NAME) <= STAYS
    assert f"Former person {somebody.id}" in set(
        db.session.scalars(select(Base.metadata.tables["due_diligence"].c.checked_by_name))
    )
    after = db.session.execute(select(func.count()).select_from(Base.metadata.tables["transfer"])).scalar_one()
    assert after == transfers
    assert faults() == faults_before
    assert {"Agreements you made live", "Your roles for the fund"} <= {one.title for one in queries.stays(somebody.id)}


def test_the_only_certifier_is_erased_once_another_has_taken_over(
    clock: MovableClock, office: dict[str, Actor]
) -> None:
    organisation = member("Bee Bikes", Sector.PRIVATE)
    somebody, _ = officer(organisation, name=NAME)
    request_id = ask(somebody, Wish.ERASURE, clock.now())
    with pytest.raises(RuleBroken, match="Only this person can bind Bee Bikes"):
        agree(request_id, office["secretary"], clock.now())
    second = person("Second Certifier")
    appoint(second, organisation, Role.CERTIFIER)
    agree(request_id, office["secretary"], clock.now())
    actor = acting(somebody, organisation)
    appointment_id = db.session.scalars(select(Appointment.id).where(Appointment.person_id == second.id)).one()
    organisation_id = organisation.id
    with transaction():  # and the other leaves between the answer and the confirmation
        members.end_appointment(
            organisation_id=organisation_id, appointment_id=appointment_id, actor=actor, now=clock.now()
        )
    with pytest.raises(RuleBroken, match="Only this person"), transaction():
        service.confirm(request_id=request_id, actor=office["first"], now=clock.now())
    assert db.session.get_one(Person, somebody.id).name == NAME


def test_the_only_secretary_hands_over_first(app: Flask, clock: MovableClock, office: dict[str, Actor]) -> None:
    board, _ = official("Only Safeguarding", Role.SAFEGUARDING_LEAD)
    with pytest.raises(RuleBroken, match="safeguarding lead"):
        agree(ask(board, Wish.ERASURE, clock.now()), office["secretary"], clock.now())
    official("Another Lead", Role.SAFEGUARDING_LEAD)
    assert queries.duties_of(board.id).only_holder_of == ()


def test_it_takes_two_people_and_neither_is_the_one(app: Flask, clock: MovableClock, office: dict[str, Actor]) -> None:
    somebody, both = official(NAME, Role.SECRETARY, Role.BOARD)
    request_id = ask(somebody, Wish.ERASURE, clock.now())
    with pytest.raises(NotAllowed, match="own request"):
        agree(request_id, both, clock.now())
    with pytest.raises(Conflict, match="secretary answers first"), transaction():
        service.confirm(request_id=request_id, actor=office["first"], now=clock.now())
    _, another = official("Secretary and Board", Role.SECRETARY, Role.BOARD)
    agree(request_id, another, clock.now())
    for actor in (another, both):
        with pytest.raises(NotAllowed, match="two people"), transaction():
            service.confirm(request_id=request_id, actor=actor, now=clock.now())
    with pytest.raises(NotAllowed), transaction():
        service.confirm(request_id=request_id, actor=office["secretary"], now=clock.now())
    with transaction():
        service.confirm(request_id=request_id, actor=office["first"], now=clock.now())
    assert db.session.get_one(Person, somebody.id).erased_at is not None


def test_two_confirm_at_once_and_it_is_done_once(app: Flask, clock: MovableClock, office: dict[str, Actor]) -> None:
    somebody = person(NAME)
    request_id = ask(somebody, Wish.ERASURE, clock.now())
    agree(request_id, office["secretary"], clock.now())
    start, outcomes = threading.Barrier(2), []

    def run(actor: Actor) -> None:
        with app.app_context():
            start.wait(10)
            try:
                with transaction():
                    service.confirm(request_id=request_id, actor=actor, now=clock.now())
                outcomes.append("done")
            except Conflict:
                outcomes.append("late")
            db.session.remove()

    threads = [threading.Thread(target=run, args=(office[name],)) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["done", "late"]
    acts = db.session.scalar(select(func.count()).where(AuditEntry.action == "privacy.erased"))
    assert acts == 1


def test_asking_twice_is_told(app: Flask, clock: MovableClock, office: dict[str, Actor]) -> None:
    somebody = person(NAME)
    first = ask(somebody, Wish.ERASURE, clock.now())
    with pytest.raises(Conflict, match="already"):
        ask(somebody, Wish.ERASURE, clock.now())
    ask(somebody, Wish.CORRECTION, clock.now())
    actor = acting(somebody)
    with transaction():
        service.withdraw(request_id=first, actor=actor, now=clock.now())
    ask(somebody, Wish.ERASURE, clock.now())
    with pytest.raises(Conflict, match="finished"):
        agree(first, office["secretary"], clock.now())


def test_what_was_agreed_to_is_not_answered_again(app: Flask, clock: MovableClock, office: dict[str, Actor]) -> None:
    request_id = ask(person(NAME), Wish.ERASURE, clock.now())
    agree(request_id, office["secretary"], clock.now())
    with pytest.raises(Conflict, match="answered meanwhile"):
        agree(request_id, office["secretary"], clock.now())


def test_a_copy_is_made_for_who_asked_for_one_alone(app: Flask, clock: MovableClock, office: dict[str, Actor]) -> None:
    wants_erasing = ask(person(NAME), Wish.ERASURE, clock.now())
    wants_copy = ask(person("A Reader"), Wish.COPY, clock.now())
    for number in (wants_erasing, wants_copy + 1):
        with pytest.raises(NotFound), transaction():
            service.copy_for(request_id=number, actor=office["secretary"], now=clock.now())
    with transaction():
        copy = service.copy_for(request_id=wants_copy, actor=office["secretary"], now=clock.now())
    assert copy.startswith(b"PK")


def test_nobody_takes_back_what_another_asked(app: Flask, clock: MovableClock) -> None:
    request_id = ask(person(NAME), Wish.ERASURE, clock.now())
    stranger = acting(person("A Stranger"))
    for number in (request_id, 0, 2**70):
        with pytest.raises(NotFound), transaction():
            service.withdraw(request_id=number, actor=stranger, now=clock.now())


def test_a_refusal_is_told_with_its_reasons(app: Flask, clock: MovableClock, office: dict[str, Actor]) -> None:
    somebody = person(NAME)
    request_id = ask(somebody, Wish.ERASURE, clock.now())
    agree(request_id, office["secretary"], clock.now(), agreed=False)
    told = db.session.scalars(select(OutboxMessage).where(OutboxMessage.key == f"privacy:{request_id}:answered")).one()
    assert "It is your right." in told.what
    assert "ico.org.uk" in told.by_when
    assert db.session.get_one(Person, somebody.id).name == NAME


def test_ones_own_name_is_mended_at_once_and_the_old_one_can_be_erased(
    app: Flask, clock: MovableClock, office: dict[str, Actor]
) -> None:
    somebody = person("Willa Quill")
    actor = acting(somebody)
    with transaction():
        mail(key="k", to="other@example.org", subject="Willa Quill came", what="w", why="y", path="/", now=clock.now())
        service.correct_name(name=NAME, actor=actor, now=clock.now())
    (row,) = db.session.scalars(select(PrivacyRequest))
    assert (row.before, row.after, row.done_at) == ("Willa Quill", NAME, clock.now())
    assert db.session.get_one(Person, somebody.id).name == NAME
    with pytest.raises(RuleBroken, match="already"), transaction():
        service.correct_name(name=NAME, actor=actor, now=clock.now())
    assert where("Willa Quill") == {"privacy_request.before", "outbox_message.subject"}  # and not in the audit
    erase(somebody, office, clock.now())
    assert where("Willa Quill", NAME) == set()


def test_the_copy_holds_ones_own_and_nobody_elses(clock: MovableClock, app: Flask) -> None:
    grant = awarding.lay(clock)
    somebody = rename(grant, "firm")
    grant.payable()
    actor = grant.actors["firm"]
    with transaction():
        accounts.open_session(person_id=somebody.id, acting_for_id=grant.firm.id, now=clock.now())
        accounts.invite(name="Hidden Invitee", email="hidden@example.org", role=Role.EDITOR,
                        organisation_id=grant.firm.id, invited_by=actor, now=clock.now())  # fmt: skip
        content = service.copy_of_own(actor=actor, now=clock.now())
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert sorted(archive.namelist()) == ["your-data.html", "your-data.json"]
        html = archive.read("your-data.html").decode()
        text = archive.read("your-data.json").decode()
    holdings = {part["table"]: part for part in json.loads(text)["holdings"]}
    assert holdings["person"]["rows"][0]["email"] == somebody.email
    assert holdings["signature"]["rows"][0]["person_id"] == "you"
    assert holdings["appointment"]["rows"][0]["organisation_id"] == grant.firm.reference
    assert any(row["action"] == "agreement.signed" for row in holdings["audit_entry"]["rows"])
    assert holdings["outbox_message"]["rows"]
    assert len(holdings["person_session"]["rows"]) == 1
    assert holdings["invitation"]["rows"][0]["name"] is None
    for others in ("Hidden Invitee", "hidden@example.org", grant.people["lead"].email, "token_hash", "password_hash"):
        assert others not in text
        assert others not in html
    assert NAME in html
    assert "Agreements you signed" in html


def test_what_somebody_typed_is_no_markup_in_the_copy(app: Flask, clock: MovableClock) -> None:
    somebody = person("<script>x</script> & Co")
    actor = acting(somebody)
    with transaction():
        content = service.copy_of_own(actor=actor, now=clock.now())
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert b"<script>" not in archive.read("your-data.html")


def test_the_office_writes_down_and_copies_for_somebody(
    app: Flask, clock: MovableClock, office: dict[str, Actor]
) -> None:
    somebody = person(NAME)
    email = somebody.email.upper()
    with transaction():
        made = service.ask_for(
            email=email, wish=Wish.COPY, words="By letter.", actor=office["secretary"], now=clock.now()
        )
        request_id = made.id
    with transaction():
        content = service.copy_for(request_id=request_id, actor=office["secretary"], now=clock.now())
    assert NAME.encode() in zipfile.ZipFile(io.BytesIO(content)).read("your-data.json")
    with pytest.raises(NotAllowed), transaction():
        service.copy_for(request_id=request_id, actor=office["first"], now=clock.now())
    with pytest.raises(RuleBroken, match="Nobody has an account"), transaction():
        service.ask_for(email="none@example.org", wish=Wish.COPY, words="x", actor=office["secretary"], now=clock.now())
    agree(request_id, office["secretary"], clock.now())
    with pytest.raises(Conflict), transaction():
        service.copy_for(request_id=request_id, actor=office["secretary"], now=clock.now())


def test_tasks_say_what_waits_and_by_when(app: Flask, clock: MovableClock, office: dict[str, Actor]) -> None:
    request_id = ask(person(NAME), Wish.ERASURE, clock.now())
    (task,) = queries.tasks(office["secretary"], clock.now())
    assert task.due is not None
    assert task.due.date().isoformat() == "2026-06-30"  # midnight of 1 July in England
    assert queries.tasks(office["first"], clock.now()) == []
    agree(request_id, office["secretary"], clock.now())
    assert queries.tasks(office["secretary"], clock.now()) == []
    assert len(queries.tasks(office["first"], clock.now())) == 1


def test_a_year_after_its_end_a_sign_in_is_forgotten(app: Flask, clock: MovableClock) -> None:
    found_society()
    somebody = person(NAME)
    person_id = somebody.id
    with transaction():
        token = accounts.open_session(person_id=person_id, acting_for_id=None, now=clock.now())
    clock.move(BROWSER_SESSION_LENGTH + timedelta(days=364))
    with transaction():
        assert service.sweep(clock.now()) == 0
    clock.move(timedelta(days=3))
    with transaction():
        assert service.sweep(clock.now()) == 1
    assert signed_in(token, clock.now()) is None
    assert db.session.scalar(select(func.count()).select_from(FundAppointment)) == 0
