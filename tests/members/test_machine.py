"""Any order of joining, naming, accepting, connecting, leaving and switching: nobody ever has a vote too many.

After each step: an organisation is on the roll once and has at most one vote, a connected group votes through one
member only, a person votes for one member at most, and nobody acts for an organisation in which their roles ended.
"""

from collections import Counter

from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select, update

from fund.kernel.access import ORGANISATION_ROLES, Role
from fund.kernel.calendar import london_day
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import FundError
from members import service as members
from members.accounts import service as accounts
from members.accounts.models import Person
from members.accounts.queries import actor_of, signed_in
from members.models import Appointment, Organisation
from members.register import leaving_service as leaving
from members.rules import VOTING_ROLES, Sector
from tests.world import appoint, found_society, member, official, person
from voting import queries as voting
from voting.drafting import _enrolled
from voting.rules import make_roll

PLACES, PEOPLE = st.integers(0, 3), st.integers(0, 4)
ROLES = st.sampled_from(sorted(ORGANISATION_ROLES))
PASSPHRASE_HASH = "not a hash that any passphrase matches"


class House(RuleBasedStateMachine):
    """Four organisations and five people; what each person may act for is kept beside in plain sets."""

    clock: MovableClock

    @initialize()
    def begin(self) -> None:
        self.steward = official("Stu", Role.STEWARD)[1]
        sectors = list(Sector)
        self.places = [member(f"Member {n}", sectors[n % 3]).id for n in range(4)]
        people = [person(f"Person {n}") for n in range(5)]
        self.people = [one.id for one in people]
        self.emails = [one.email for one in people]
        with transaction() as session:
            session.execute(update(Person).where(Person.id.in_(self.people)).values(password_hash=PASSPHRASE_HASH))
        for place, somebody in zip(self.places, people, strict=False):
            appoint(somebody, db.session.get_one(Organisation, place), Role.CERTIFIER)
        self.held = {
            (person_id, place, Role.CERTIFIER) for person_id, place in zip(self.people, self.places, strict=False)
        }
        self.tokens = [self._sign_in(person_id) for person_id in self.people]
        self.invitations: list[tuple[str, int, int, Role]] = []

    def _sign_in(self, person_id: int) -> str:
        with transaction():
            return accounts.open_session(person_id=person_id, acting_for_id=None, now=self.clock.now())

    def _certifier(self, place: int) -> int | None:
        return next((who for who, where, role in sorted(self.held) if where == place and role is Role.CERTIFIER), None)

    @rule(place=PLACES, who=PEOPLE, role=ROLES)
    def invite(self, place: int, who: int, role: Role) -> None:
        organisation_id = self.places[place]
        certifier = self._certifier(organisation_id)
        if certifier is None:
            return
        try:
            with transaction():
                token = members.appoint(
                    organisation_id=organisation_id, name=f"Person {who}", email=self.emails[who], role=role,
                    actor=actor_of(certifier, "C", organisation_id), now=self.clock.now(),
                )  # fmt: skip
        except FundError:
            return
        self.invitations.append((token, self.people[who], organisation_id, role))

    @rule(number=st.integers(0, 9), who=PEOPLE, right=st.booleans())
    def accept(self, number: int, who: int, right: bool) -> None:
        """The invited person opens the link, or another who got hold of it."""
        if not self.invitations:
            return
        token, invited, place, role = self.invitations[number % len(self.invitations)]
        reader = invited if right else self.people[who]
        try:
            with transaction():
                taken = accounts.accept_invitation(
                    token=token, passphrase=None, actor=actor_of(reader, "R", None), now=self.clock.now()
                )
                taken_id = taken.id
        except FundError:
            return
        assert reader == invited == taken_id
        self.held.add((invited, place, role))
        self.invitations.remove((token, invited, place, role))

    @rule(place=PLACES, number=st.integers(0, 9))
    def end(self, place: int, number: int) -> None:
        organisation_id = self.places[place]
        certifier = self._certifier(organisation_id)
        there = sorted(held for held in self.held if held[1] == organisation_id)
        if certifier is None or not there:
            return
        who, _, role = there[number % len(there)]
        appointment_id = db.session.scalars(
            select(Appointment.id).where(
                Appointment.person_id == who, Appointment.organisation_id == organisation_id,
                Appointment.role == role, Appointment.ended_at.is_(None),
            )
        ).one()  # fmt: skip
        try:
            with transaction():
                members.end_appointment(
                    appointment_id=appointment_id, organisation_id=organisation_id,
                    actor=actor_of(certifier, "C", organisation_id), now=self.clock.now(),
                )  # fmt: skip
        except FundError:
            return
        self.held.discard((who, organisation_id, role))

    @rule(one=PLACES, other=PLACES)
    def connect(self, one: int, other: int) -> None:
        try:
            with transaction():
                members.connect(
                    organisation_id=self.places[one], other_id=self.places[other], reason="Owner",
                    actor=self.steward, now=self.clock.now(),
                )  # fmt: skip
        except FundError:
            return

    @rule(one=PLACES)
    def disconnect(self, one: int) -> None:
        try:
            with transaction():
                members.disconnect(
                    organisation_id=self.places[one], reason="Sold", actor=self.steward, now=self.clock.now()
                )
        except FundError:
            return

    @rule(one=PLACES)
    def leave(self, one: int) -> None:
        """The organisation leaves from today on: its voters' roles end with its membership."""
        organisation_id = self.places[one]
        certifier = self._certifier(organisation_id)
        assert certifier is not None
        try:
            with transaction():
                leaving.resign(
                    organisation_id=organisation_id, effective_on=london_day(self.clock.now()), reasons="Merged",
                    actor=actor_of(certifier, "C", organisation_id), now=self.clock.now(),
                )  # fmt: skip
        except FundError:
            return
        self.held = {held for held in self.held if held[1] != organisation_id or held[2] not in VOTING_ROLES}

    @rule(who=PEOPLE, place=PLACES)
    def switch(self, who: int, place: int) -> None:
        may = any(held[:2] == (self.people[who], self.places[place]) for held in self.held)
        try:
            with transaction():
                accounts.act_for(
                    token=self.tokens[who], organisation_id=self.places[place],
                    actor=actor_of(self.people[who], "P", None), now=self.clock.now(),
                )  # fmt: skip
        except FundError:
            assert not may
        else:
            assert may

    @invariant()
    def one_organisation_one_vote(self) -> None:
        if not hasattr(self, "places"):
            return
        own = [one for one in voting.members_for_roll(self.clock.now()) if one.id in self.places]
        roll = make_roll(_enrolled(own))
        assert len({line.reference for line in roll}) == len(roll) == len(own)
        votes_of_groups = Counter(
            line.group_id for line in roll if line.group_id is not None and not line.votes_through
        )
        assert set(votes_of_groups) == {one.group_id for one in own if one.group_id is not None}
        assert all(count == 1 for count in votes_of_groups.values())
        voting_for = Counter(
            db.session.scalars(
                select(Appointment.person_id).where(
                    Appointment.person_id.in_(self.people), Appointment.ended_at.is_(None),
                    Appointment.role.in_(sorted(VOTING_ROLES)),
                )
            )
        )  # fmt: skip
        assert all(count == 1 for count in voting_for.values()), voting_for
        for place in self.places:
            there = Counter(role for _, where, role in self.held if where == place)
            assert there[Role.REPRESENTATIVE] <= 1
            assert there[Role.DEPUTY] <= 2
            assert there[Role.CERTIFIER] >= 1
        db.session.rollback()

    @invariant()
    def nobody_acts_for_whom_they_left(self) -> None:
        if not hasattr(self, "places"):
            return
        for person_id, token in zip(self.people, self.tokens, strict=True):
            found = signed_in(token, self.clock.now())
            if found is None:  # a change of their roles ended the session: they sign in again
                token = self._sign_in(person_id)
                self.tokens[self.people.index(person_id)] = token
                found = signed_in(token, self.clock.now())
            assert found is not None
            actor = found.actor
            assert actor.roles == {
                role for who, where, role in self.held if (who, where) == (person_id, actor.organisation_id)
            }
            assert {place.organisation_id for place in actor.others} | (
                {actor.organisation_id} if actor.organisation_id else set()
            ) == {where for who, where, _ in self.held if who == person_id}
        db.session.rollback()


def test_no_order_of_events_gives_anybody_a_vote_too_many(app: Flask, clock: MovableClock) -> None:
    found_society()
    House.clock = clock
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        House,
        settings=settings(
            max_examples=8, stateful_step_count=25, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
