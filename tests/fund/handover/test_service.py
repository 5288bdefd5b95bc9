"""Handing over is for one's own organisation, to its own people, and of the roles that were shown."""

import pytest
from flask import Flask
from sqlalchemy import select

from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotFound
from members import handover_service
from members.models import Appointment
from members.rules import Sector
from tests.world import found_society, member, officer


def _held() -> set[tuple[str, str]]:
    db.session.rollback()
    held = db.session.scalars(select(Appointment).where(Appointment.ended_at.is_(None))).all()
    return {(one.person.name, one.role.value) for one in held}


class Alder:
    """An organisation with a certifier, somebody who leaves, and a deputy; and a stranger elsewhere."""

    def __init__(self, clock: MovableClock) -> None:
        found_society()
        self.clock = clock
        alder = member("Alder", Sector.VCSE)
        self.id = alder.id
        self.cass = officer(alder, name="Cass")[1]
        rob, _ = officer(alder, Role.REPRESENTATIVE, Role.EDITOR, name="Rob")
        dee, _ = officer(alder, Role.DEPUTY, name="Dee")
        stranger, self.certifier_elsewhere = officer(member("Birch", Sector.PRIVATE), name="Stranger")
        self.rob, self.dee, self.stranger = rob.id, dee.id, stranger.id

    def hand_over(self, takers: dict[Role, int | None], actor: Actor | None = None) -> None:
        with transaction():
            handover_service.hand_over(
                organisation_id=self.id,
                person_id=self.rob,
                takers=takers,
                duties={},
                actor=actor or self.cass,
                now=self.clock.now(),
            )


@pytest.fixture
def alder(app: Flask, clock: MovableClock) -> Alder:
    return Alder(clock)


def test_a_certifier_of_another_organisation_hands_nothing_over(alder: Alder) -> None:
    before = _held()
    with pytest.raises(NotFound):
        alder.hand_over({Role.REPRESENTATIVE: alder.dee, Role.EDITOR: None}, alder.certifier_elsewhere)
    assert _held() == before


@pytest.mark.parametrize(
    "roles",
    [{Role.REPRESENTATIVE}, {Role.REPRESENTATIVE, Role.EDITOR, Role.FINANCE}],
    ids=["one was given since", "one was ended since"],
)
def test_roles_other_than_those_shown_are_a_conflict(alder: Alder, roles: set[Role]) -> None:
    before = _held()
    with pytest.raises(Conflict, match="changed meanwhile"):
        alder.hand_over(dict.fromkeys(roles))
    assert _held() == before


def test_a_stranger_takes_nothing_over_even_by_a_made_up_form(alder: Alder) -> None:
    before = _held()
    with pytest.raises(NotFound):
        alder.hand_over({Role.REPRESENTATIVE: alder.stranger, Role.EDITOR: None})
    assert _held() == before
    alder.hand_over({Role.REPRESENTATIVE: alder.dee, Role.EDITOR: None})
    assert _held() == before - {("Rob", "representative"), ("Rob", "editor"), ("Dee", "deputy")} | {
        ("Dee", "representative")
    }
