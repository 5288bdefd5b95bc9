"""Handing over by name: what waits is shown, the new holder is told, and nobody is locked out."""

import pytest
from flask import Flask
from sqlalchemy import select

from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.outbox import OutboxMessage
from members.models import Appointment, Organisation
from members.rules import Sector
from tests.visitor import Visitor
from tests.world import appoint, found_society, member, officer

BUTTON = "End these roles and hand over"


def _alder(visitor: Visitor) -> tuple[Organisation, str]:
    """Signed in as the certifier of Alder, whose Rob is representative and editor and whose Dee is deputy."""
    found_society()
    alder = member("Alder", Sector.VCSE)
    for name, roles in (("Rob", (Role.REPRESENTATIVE, Role.EDITOR)), ("Dee", (Role.DEPUTY,))):
        officer(alder, *roles, name=name)
    cass, _ = officer(alder, name="Cass")
    visitor.sign_in(cass)
    return alder, f"/members/{alder.reference}/people"


def _held() -> set[tuple[str, str]]:
    db.session.rollback()
    held = db.session.scalars(select(Appointment).where(Appointment.ended_at.is_(None))).all()
    return {(one.person.name, one.role.value) for one in held}


def _id(name: str) -> str:
    return str(next(one.person_id for one in db.session.scalars(select(Appointment)) if one.person.name == name))


def test_a_representative_hands_over_and_the_deputy_becomes_representative(app: Flask, visitor: Visitor) -> None:
    _, people = _alder(visitor)
    page = visitor.get(people).follow("Hand over from Rob")
    done = page.send(BUTTON, representative=_id("Dee"), editor="nobody")
    assert "Rob's roles are ended" in done.text
    assert _held() == {("Dee", "representative"), ("Cass", "certifier")}
    told = db.session.scalars(select(OutboxMessage).where(OutboxMessage.subject.contains("take over from Rob"))).one()
    assert "You are now representative of Alder" in told.what


def test_what_waits_is_listed_and_mailed(app: Flask, visitor: Visitor) -> None:
    alder, people = _alder(visitor)
    alder_id = alder.id
    with transaction() as session:
        rep = session.scalars(select(Appointment).where(Appointment.role == Role.REPRESENTATIVE)).one()
        rep.ended_at = app.extensions["sicf_clock"].now()
        cass = next(one for one in session.scalars(select(Appointment)) if one.person.name == "Cass").person_id
        assert alder_id
    page = visitor.get(f"{people}/{cass}/handover")
    assert "Name the person who votes for Alder" in page.text
    page.send(BUTTON, certifier=_id("Dee"))
    told = db.session.scalars(select(OutboxMessage).where(OutboxMessage.subject.contains("take over from Cass"))).one()
    assert "Name the person who votes for Alder" in told.what


def test_the_last_certifier_names_another_or_stays(app: Flask, visitor: Visitor) -> None:
    _, people = _alder(visitor)
    before = _held()
    page = visitor.get(f"{people}/{_id('Cass')}/handover").send(BUTTON, certifier="nobody")
    assert page.status == 422
    assert "Cass is the only certifier of Alder" in page.errors()[0]
    assert _held() == before
    assert page.send(BUTTON, certifier=_id("Rob")).path == "/tasks"
    assert ("Rob", "certifier") in _held()
    assert visitor.client.get(people).status_code == 403


def test_who_votes_for_another_member_does_not_take_a_vote(app: Flask, visitor: Visitor) -> None:
    _, people = _alder(visitor)
    dee = next(one for one in db.session.scalars(select(Appointment)) if one.person.name == "Cass").person
    appoint(dee, member("Birch", Sector.PRIVATE), Role.REPRESENTATIVE)
    before = _held()
    page = visitor.get(people).follow("Hand over from Rob").send(BUTTON, representative=_id("Cass"), editor="nobody")
    assert page.status == 422
    assert "votes for another member" in page.errors()[0]
    assert _held() == before


def test_every_role_is_asked_about(app: Flask, visitor: Visitor) -> None:
    _, people = _alder(visitor)
    page = visitor.get(people).follow("Hand over from Rob").send(BUTTON)
    assert (page.status, len(page.errors())) == (422, 2)


def test_roles_that_changed_meanwhile_are_a_conflict(app: Flask, visitor: Visitor, clock: MovableClock) -> None:
    _, people = _alder(visitor)
    page = visitor.get(people).follow("Hand over from Rob")
    with transaction() as session:
        editor = session.scalars(select(Appointment).where(Appointment.role == Role.EDITOR)).one()
        editor.ended_at = clock.now()
    answer = page.send(BUTTON, representative=_id("Dee"), editor="nobody")
    assert answer.status in (200, 409)
    assert ("Rob", "editor") not in _held()


@pytest.mark.parametrize("number", ["999999", "9" * 30])
def test_somebody_of_another_organisation_is_not_found(app: Flask, visitor: Visitor, number: str) -> None:
    _, people = _alder(visitor)
    stranger, _ = officer(member("Birch", Sector.PRIVATE), name="Stranger")
    visitor.get(f"{people}/{stranger.id}/handover", status=404)
    visitor.get(f"{people}/{number}/handover", status=404)


def test_a_person_of_another_organisation_does_not_take_over(app: Flask, visitor: Visitor) -> None:
    _, people = _alder(visitor)
    stranger, _ = officer(member("Birch", Sector.PRIVATE), name="Stranger")
    page = visitor.get(people).follow("Hand over from Rob")
    answer = page.send(BUTTON, representative=str(stranger.id), editor="nobody")
    assert answer.status == 422
    assert ("Rob", "representative") in _held()
