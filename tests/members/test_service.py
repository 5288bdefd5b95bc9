"""Joining, deciding, connecting and naming people, on the database."""

import threading
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import DatabaseError, IntegrityError

from fund.kernel.access import Actor, Role
from fund.kernel.audit import AuditEntry
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from members import queries, service
from members.accounts import service as accounts
from members.accounts.models import Invitation, Person
from members.models import Appointment, Organisation, SectorDecision
from members.rules import LegalForm, MembershipStatus, Register, Sector, SectorFacts
from tests.members.joining import applied, approved, last_link
from tests.world import acting, appoint, member, officer, official, person

PASSPHRASE = "heather over moorland"


@pytest.fixture
def steward(app: Flask) -> Actor:
    return official("Stella Steward", Role.STEWARD)[1]


class TestJoining:
    def test_an_application_waits_with_a_proposed_sector(self, app: Flask, clock: MovableClock) -> None:
        found = applied(clock)
        assert found.reference == "GM-0001"
        assert (found.status, found.sector, found.proposed_sector) == (MembershipStatus.APPLIED, None, Sector.PRIVATE)
        assert found.org_id == "GB-COH-01234567"
        assert applied(clock).reference == "GM-0002"
        assert queries.members_at(clock.now()) == []

    def test_every_fault_at_once(self, app: Flask, clock: MovableClock) -> None:
        with pytest.raises(RuleBroken) as broken:
            applied(
                clock,
                register_number="12",
                register=Register.NHS,
                district="E09",
                facts=SectorFacts(LegalForm.POLITICAL_PARTY),
            )
        assert {finding.field for finding in broken.value.findings} == {"register_number", "district", "legal_form"}
        assert db.session.scalar(select(func.count()).select_from(Organisation)) == 0

    def test_admission_makes_a_member_and_invites_its_contact(
        self, app: Flask, clock: MovableClock, steward: Actor
    ) -> None:
        found = approved(applied(clock), steward, clock)
        assert (found.status, found.sector, found.joined_on) == (
            MembershipStatus.MEMBER,
            Sector.PRIVATE,
            date(2026, 6, 1),
        )
        assert [m.reference for m in queries.members_at(clock.now())] == ["GM-0001"]
        invited = db.session.scalars(select(Invitation)).one()
        assert (invited.role, invited.email) == (Role.CERTIFIER, "ada@alder.example")
        actions = set(db.session.scalars(select(AuditEntry.action)))
        assert {
            "organisation.applied",
            "organisation.sector_decided",
            "organisation.admitted",
            "invitation.sent",
        } <= actions

    def test_the_steward_may_differ_and_history_is_kept(self, app: Flask, clock: MovableClock, steward: Actor) -> None:
        found = approved(
            applied(clock), steward, clock, sector=Sector.VCSE, basis="Four tests", evidence="Its articles"
        )
        found_id = found.id
        with transaction():
            service.confirm_sector(
                organisation_id=found_id,
                sector=Sector.PUBLIC,
                basis="Bought by a council",
                evidence="Accounts",
                actor=steward,
                now=clock.now(),
            )
        assert found.sector is Sector.PUBLIC
        assert [(d.sector, d.basis, name) for d, name in queries.sector_history(found_id)] == [
            (Sector.PUBLIC, "Bought by a council", "Stella Steward"),
            (Sector.VCSE, "Four tests", "Stella Steward"),
        ]
        with pytest.raises(RuleBroken), transaction():
            service.confirm_sector(
                organisation_id=found_id,
                sector=Sector.PUBLIC,
                basis="Again",
                evidence="Again",
                actor=steward,
                now=clock.now(),
            )

    def test_a_decision_on_a_sector_is_never_rewritten(self, app: Flask, clock: MovableClock, steward: Actor) -> None:
        approved(applied(clock), steward, clock)
        with pytest.raises(DatabaseError), transaction() as session:
            session.scalars(select(SectorDecision)).one().basis = "Something else"

    def test_doubles_are_pointed_out_by_number_and_by_name(
        self, app: Flask, clock: MovableClock, steward: Actor
    ) -> None:
        approved(applied(clock), steward, clock)
        double = applied(clock, name="Quite Another Name")
        misspelt = applied(clock, name="Alder Worsk Limited", register=Register.NONE, register_number="")
        assert [other.reference for other in queries.same_number(double)] == ["GM-0001"]
        assert queries.same_number(misspelt) == []
        assert [other.reference for other in queries.alike(misspelt)] == ["GM-0001"]
        with pytest.raises(RuleBroken, match="GM-0001"):
            approved(double, steward, clock)

    def test_two_without_a_number_are_no_doubles(self, app: Flask, clock: MovableClock, steward: Actor) -> None:
        none = {"register": Register.NONE, "register_number": ""}
        approved(applied(clock, **none), steward, clock)
        assert approved(applied(clock, name="Birch House", **none), steward, clock).status is MembershipStatus.MEMBER


class TestPeople:
    def _invite(self, own: Organisation, actor: Actor, clock: MovableClock, role: Role, email: str) -> str:
        own_id = own.id
        with transaction():
            return service.appoint(
                organisation_id=own_id, name=email.split("@")[0], email=email, role=role, actor=actor, now=clock.now()
            )

    def _accept(
        self, token: str, clock: MovableClock, actor: Actor | None = None, passphrase: str = PASSPHRASE
    ) -> Person:
        with transaction():
            return accounts.accept_invitation(token=token, passphrase=passphrase, actor=actor, now=clock.now())

    def test_from_admission_to_a_representative(self, app: Flask, clock: MovableClock, steward: Actor) -> None:
        own = approved(applied(clock), steward, clock)
        ada = self._accept(last_link("ada@alder.example"), clock)
        certifier = acting(ada, own)
        assert certifier.roles == {Role.CERTIFIER}
        assert [task.path for task in queries.tasks(certifier, clock.now())] == ["/members/GM-0001/people"]
        token = self._invite(own, certifier, clock, Role.REPRESENTATIVE, "rob@alder.example")
        assert queries.tasks(certifier, clock.now()) == []
        rob = self._accept(token, clock)
        assert acting(rob, own).roles == {Role.REPRESENTATIVE}
        assert [p.name for p in queries.people_with(own.id, {Role.REPRESENTATIVE})] == ["rob"]

    def test_rules_on_seats_hold_when_inviting_and_when_accepting(self, app: Flask, clock: MovableClock) -> None:
        own, other = member("Alder", Sector.PRIVATE), member("Birch", Sector.VCSE)
        _, certifier = officer(own)
        _, elsewhere = officer(other)
        first = self._invite(own, certifier, clock, Role.REPRESENTATIVE, "rob@alder.example")
        with pytest.raises(RuleBroken, match="only one"):
            self._invite(own, certifier, clock, Role.REPRESENTATIVE, "sue@alder.example")
        # the same person is invited by two members, who cannot see each other; only one can have them
        second = self._invite(other, elsewhere, clock, Role.DEPUTY, "ROB@alder.example ")
        rob = self._accept(first, clock)
        with pytest.raises(RuleBroken, match="votes for another member"):
            self._accept(second, clock, actor=acting(rob))
        with pytest.raises(RuleBroken, match="votes for another member"):
            self._invite(other, elsewhere, clock, Role.REPRESENTATIVE, "rob@alder.example")
        for name in ("dan", "dot"):
            self._invite(own, certifier, clock, Role.DEPUTY, f"{name}@alder.example")
        with pytest.raises(RuleBroken, match="2 deputies"):
            self._invite(own, certifier, clock, Role.DEPUTY, "dee@alder.example")

    def test_the_database_itself_knows_one_representative_and_one_member_each(self, app: Flask) -> None:
        own, other = member("Alder", Sector.PRIVATE), member("Birch", Sector.VCSE)
        rob, sue = person("Rob"), person("Sue")
        appoint(rob, own, Role.REPRESENTATIVE)
        with pytest.raises(IntegrityError):
            appoint(sue, own, Role.REPRESENTATIVE)
        with pytest.raises(IntegrityError):
            appoint(rob, other, Role.DEPUTY)
        appoint(rob, other, Role.FINANCE)

    def test_a_certifier_acts_only_for_their_own(self, app: Flask, clock: MovableClock, steward: Actor) -> None:
        own, other = member("Alder", Sector.PRIVATE), member("Birch", Sector.VCSE)
        _, certifier = officer(own)
        _, editor = officer(own, Role.EDITOR)
        for intruder in (certifier, steward):
            with pytest.raises(NotFound):
                self._invite(other, intruder, clock, Role.FINANCE, "x@birch.example")
        with pytest.raises(NotAllowed):
            self._invite(own, editor, clock, Role.FINANCE, "x@birch.example")
        with pytest.raises(RuleBroken, match="inside your organisation"):
            self._invite(own, certifier, clock, Role.STEWARD, "x@birch.example")
        held = queries.appointments(other.id)
        somebody, _ = officer(other)
        (theirs,) = [a.id for a in queries.appointments(other.id) if a not in held]
        own_id = own.id
        with pytest.raises(NotFound), transaction():
            service.end_appointment(appointment_id=theirs, organisation_id=own_id, actor=certifier, now=clock.now())
        assert somebody.name

    def test_the_last_certifier_stays(self, app: Flask, clock: MovableClock) -> None:
        own = member("Alder", Sector.PRIVATE)
        _, certifier = officer(own)
        own_id = own.id
        (held,) = queries.appointments(own_id)
        held_id = held.id
        with pytest.raises(RuleBroken, match="only certifier"), transaction():
            service.end_appointment(appointment_id=held_id, organisation_id=own_id, actor=certifier, now=clock.now())
        officer(own)
        with transaction():
            service.end_appointment(appointment_id=held_id, organisation_id=own_id, actor=certifier, now=clock.now())
        assert len(queries.people_with(own_id, {Role.CERTIFIER})) == 1
        with pytest.raises(Conflict), transaction():
            service.end_appointment(appointment_id=held_id, organisation_id=own_id, actor=certifier, now=clock.now())

    def test_two_certifiers_ending_each_other_at_once_leave_one(self, app: Flask, clock: MovableClock) -> None:
        own = member("Alder", Sector.PRIVATE)
        both = [officer(own, name=name) for name in ("Ann", "Bob")]
        own_id, now = own.id, clock.now()
        held = {a.person_id: a.id for a in queries.appointments(own_id)}
        pairs = [(both[0][1], held[both[1][0].id]), (both[1][1], held[both[0][0].id])]
        db.session.remove()
        start, outcomes = threading.Barrier(2), []

        def end(actor: Actor, appointment_id: int) -> None:
            with app.app_context():
                start.wait()
                try:
                    with transaction():
                        service.end_appointment(
                            appointment_id=appointment_id, organisation_id=own_id, actor=actor, now=now
                        )
                    outcomes.append("ended")
                except RuleBroken:
                    outcomes.append("refused")
                finally:
                    db.session.remove()

        threads = [threading.Thread(target=end, args=pair) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(outcomes) == ["ended", "refused"]
        assert len(queries.people_with(own_id, {Role.CERTIFIER})) == 1

    def test_a_withdrawn_invitation_opens_nothing(self, app: Flask, clock: MovableClock) -> None:
        own = member("Alder", Sector.PRIVATE)
        _, certifier = officer(own)
        token = self._invite(own, certifier, clock, Role.FINANCE, "fay@alder.example")
        own_id = own.id
        invitation_id = db.session.scalars(select(Invitation.id)).one()
        for bad in (0, 2**70, invitation_id + 5):
            with pytest.raises(NotFound), transaction():
                service.withdraw_invitation(invitation_id=bad, organisation_id=own_id, actor=certifier, now=clock.now())
        with transaction():
            service.withdraw_invitation(
                invitation_id=invitation_id, organisation_id=own_id, actor=certifier, now=clock.now()
            )
        with pytest.raises(NotFound):
            self._accept(token, clock)
        with pytest.raises(Conflict), transaction():
            service.withdraw_invitation(
                invitation_id=invitation_id, organisation_id=own_id, actor=certifier, now=clock.now()
            )
        assert db.session.scalar(select(func.count()).select_from(Appointment)) == 1


class TestConnectedGroups:
    def test_groups_join_and_part(self, app: Flask, clock: MovableClock, steward: Actor) -> None:
        ids = [member(name, Sector.PRIVATE).id for name in ("Alder", "Birch", "Cedar", "Dogwood")]

        def connect(one: int, other: int) -> None:
            with transaction():
                service.connect(organisation_id=one, other_id=other, reason="One owner", actor=steward, now=clock.now())

        def groups() -> list[int | None]:
            db.session.expire_all()
            found = queries.organisations_by_id(ids)
            return [found[key].group_id for key in ids]

        connect(ids[0], ids[1])
        connect(ids[3], ids[2])
        first, second, third, fourth = groups()
        assert first == second != third == fourth
        connect(ids[1], ids[2])
        assert len(set(groups())) == 1
        assert None not in groups()
        with pytest.raises(Conflict):
            connect(ids[0], ids[3])
        with pytest.raises(RuleBroken):
            connect(ids[0], ids[0])
        history = [(found.group_id, found.reason) for found, _ in queries.group_history(ids[2])]
        assert [reason for _, reason in history] == ["One owner", "One owner"], "moved with the group it was in"
        assert history[0][0] == groups()[0]
        with transaction():
            service.disconnect(organisation_id=ids[0], reason="Sold", actor=steward, now=clock.now())
        assert groups()[0] is None
        with pytest.raises(Conflict), transaction():
            service.disconnect(organisation_id=ids[0], reason="Sold", actor=steward, now=clock.now())

    def test_only_stewards_connect(self, app: Flask, clock: MovableClock) -> None:
        own, other = member("Alder", Sector.PRIVATE), member("Birch", Sector.VCSE)
        _, certifier = officer(own)
        own_id, other_id = own.id, other.id
        with pytest.raises(NotAllowed), transaction():
            service.connect(organisation_id=own_id, other_id=other_id, reason="x", actor=certifier, now=clock.now())
        with pytest.raises(NotAllowed), transaction():
            service.disconnect(organisation_id=own_id, reason="x", actor=certifier, now=clock.now())


def test_members_of_a_day_are_those_who_had_joined_and_not_left(app: Flask, clock: MovableClock) -> None:
    member("Alder", Sector.PRIVATE)
    gone = member("Birch", Sector.VCSE)
    gone_id = gone.id
    with transaction() as session:
        left = session.get_one(Organisation, gone_id)
        left.status, left.left_on = MembershipStatus.LEFT, date(2026, 6, 2)
    assert {m.name for m in queries.members_at(clock.now())} == {"Alder", "Birch"}
    clock.move_to(clock.now().replace(day=2))
    assert {m.name for m in queries.members_at(clock.now())} == {"Alder"}
