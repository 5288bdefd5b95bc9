"""Changes of roles by two people, on both databases."""

from threading import Barrier, Thread

import pytest
from flask import Flask
from sqlalchemy import func, select

from fund.kernel.access import FUND_ROLES, Actor, Role
from fund.kernel.audit import AuditEntry
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, FundError, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from members.accounts import service as accounts
from members.accounts.models import FundAppointment, Invitation, Person, PersonSession
from members.accounts.queries import actor_of
from members.models import Organisation
from members.offices import queries, service
from members.offices.models import RoleChange
from members.offices.rules import ChangeState
from members.rules import Sector
from tests.visitor import Visitor
from tests.world import acting, found_society, member, officer, official, person

PASSPHRASE = "a bridge of many hands"


class Office:
    """A secretary and two board members, who may change roles, and a steward, who may not."""

    def __init__(self, clock: MovableClock) -> None:
        found_society()
        self.clock = clock
        self.secretary = official("Sal Secretary", Role.SECRETARY)[1]
        self.board_person, self.board = official("Bo Board", Role.BOARD)
        self.other_board = official("Bea Board", Role.BOARD)[1]
        self.steward_person, self.steward = official("Stu Steward", Role.STEWARD)

    def give(self, role: Role, *, email: str = "new@example.org", actor: Actor | None = None) -> service.Proposed:
        with transaction():
            return service.propose_giving(
                name="Nia New", email=email, role=role, reasons="The board chose her.",
                actor=actor or self.secretary, now=self.clock.now(),
            )  # fmt: skip

    def end(self, somebody: Person, role: Role, actor: Actor | None = None) -> RoleChange:
        held = next(one for one in queries.held_now() if one.person_id == somebody.id and one.role is role)
        held_id = held.id
        with transaction():
            return service.propose_ending(
                appointment_id=held_id, reasons="Term over.", actor=actor or self.secretary, now=self.clock.now()
            )

    def confirm(self, change: RoleChange, actor: Actor) -> None:
        change_id = change.id
        with transaction():
            service.confirm(change_id=change_id, actor=actor, now=self.clock.now())

    def decline(self, change: RoleChange, actor: Actor) -> None:
        change_id = change.id
        with transaction():
            service.decline(change_id=change_id, reasons="Not now.", actor=actor, now=self.clock.now())


@pytest.fixture
def office(app: Flask, clock: MovableClock) -> Office:
    return Office(clock)


def _mailed(about: str) -> list[str]:
    return sorted(db.session.scalars(select(OutboxMessage.recipient).where(OutboxMessage.subject.contains(about))))


def _accept(office: Office, email: str) -> Person:
    path = db.session.scalars(
        select(OutboxMessage.path).where(OutboxMessage.recipient == email, OutboxMessage.path.like("/invitations/%"))
    ).one()
    with transaction():
        return accounts.accept_invitation(
            token=path.rsplit("/", 1)[1], passphrase=PASSPHRASE, actor=None, now=office.clock.now()
        )


@pytest.mark.parametrize("role", [Role.STEWARD, Role.SECRETARY, Role.BOARD])
def test_a_role_that_touches_money_or_votes_is_given_by_two(office: Office, role: Role) -> None:
    proposed = office.give(role)
    assert proposed.token is None
    assert db.session.scalars(select(Invitation)).all() == []
    with pytest.raises(NotAllowed, match="You proposed this"):
        office.confirm(proposed.change, office.secretary)
    office.confirm(proposed.change, office.board)
    somebody = _accept(office, "new@example.org")
    held = db.session.scalars(select(FundAppointment).where(FundAppointment.person_id == somebody.id)).one()
    assert (held.role, held.appointed_by_id) == (role, office.board.person_id)
    change = db.session.scalars(select(RoleChange)).one()
    assert (change.proposed_by_id, change.decided_by_id) == (office.secretary.person_id, office.board.person_id)
    board = {person.email for person in queries.holders(Role.BOARD)} - {"new@example.org"}
    assert board <= set(_mailed("Nia New is asked to be"))
    actions = db.session.scalars(select(AuditEntry.action).where(AuditEntry.action.like("role_change.%"))).all()
    assert actions == ["role_change.proposed", "role_change.confirmed"]


@pytest.mark.parametrize("role", sorted(FUND_ROLES - {Role.STEWARD, Role.SECRETARY, Role.BOARD}))
def test_other_roles_are_given_by_one(office: Office, role: Role) -> None:
    assert office.give(role).token is not None
    assert _accept(office, "new@example.org").name == "Nia New"


def test_nobody_gives_a_role_to_themselves(office: Office) -> None:
    with pytest.raises(RuleBroken, match="Nobody gives a role to themselves"):
        office.give(Role.SAFEGUARDING_LEAD, email=office.board_person.email.upper(), actor=office.board)


def test_who_it_is_about_does_not_confirm(office: Office) -> None:
    ended = office.end(office.board_person, Role.BOARD)
    with pytest.raises(NotAllowed, match="a role of their own"):
        office.confirm(ended, office.board)
    office.confirm(ended, office.other_board)
    assert Role.BOARD not in actor_of(office.board.person_id, "Bo", None).roles


def test_nobody_ends_a_role_of_their_own(office: Office) -> None:
    with pytest.raises(NotAllowed, match="a role of their own"):
        office.end(office.board_person, Role.BOARD, office.board)


@pytest.mark.parametrize("verb", ["give", "end", "confirm", "decline"])
def test_only_the_secretary_and_the_board_change_roles(office: Office, verb: str) -> None:
    waiting = office.give(Role.BOARD, email="waits@example.org").change
    for actor in (office.steward, official("Ada Auditor", Role.AUDITOR)[1]):
        with pytest.raises(NotAllowed):
            {
                "give": lambda who=actor: office.give(Role.AUDITOR, actor=who),
                "end": lambda who=actor: office.end(office.board_person, Role.BOARD, who),
                "confirm": lambda who=actor: office.confirm(waiting, who),
                "decline": lambda who=actor: office.decline(waiting, who),
            }[verb]()


def test_a_role_of_an_organisation_is_not_the_funds_to_give(office: Office) -> None:
    with pytest.raises(RuleBroken, match="A certifier gives those"):
        office.give(Role.DEPUTY)


def test_roles_kept_apart_are_refused_when_proposed(office: Office) -> None:
    for role in (Role.BOARD, Role.SECRETARY, Role.AUDITOR, Role.ASSESSOR):
        with pytest.raises(RuleBroken, match="End the other role first"):
            office.give(role, email=office.steward_person.email)


def test_roles_kept_apart_count_what_is_offered_and_what_waits(office: Office) -> None:
    office.give(Role.AUDITOR)
    with pytest.raises(RuleBroken, match="auditor checks"):
        office.give(Role.SAFEGUARDING_LEAD)
    office.give(Role.STEWARD, email="second@example.org")
    with pytest.raises(RuleBroken, match="two people"):
        office.give(Role.BOARD, email="second@example.org")


def test_roles_kept_apart_are_refused_when_accepted(office: Office) -> None:
    """Whatever came about meanwhile: the door itself is guarded."""
    token = office.give(Role.AUDITOR).token
    somebody = person("Nia New", Role.SAFEGUARDING_LEAD)
    with transaction() as session:
        session.merge(somebody).email_key = "new@example.org"
    assert token is not None
    with pytest.raises(RuleBroken, match="auditor checks"), transaction():
        accounts.accept_invitation(token=token, passphrase=PASSPHRASE, actor=None, now=office.clock.now())


def test_a_role_is_not_offered_twice(office: Office) -> None:
    office.give(Role.BOARD)
    with pytest.raises(RuleBroken, match="already"):
        office.give(Role.BOARD)
    office.give(Role.AUDITOR, email="a@example.org")
    with pytest.raises(RuleBroken, match="already"):
        office.give(Role.AUDITOR, email="A@example.org")


def test_a_change_is_decided_once(office: Office) -> None:
    change = office.give(Role.BOARD).change
    office.decline(change, office.board)
    assert _mailed("Declined") == [db.session.get_one(Person, office.secretary.person_id).email]
    for again in (office.confirm, office.decline):
        with pytest.raises(Conflict, match="was declined meanwhile"):
            again(change, office.other_board)
    assert db.session.scalars(select(Invitation)).all() == []


def test_an_end_is_proposed_once_and_of_a_role_that_is_held(office: Office) -> None:
    change = office.end(office.steward_person, Role.STEWARD)
    with pytest.raises(Conflict, match="waits already"):
        office.end(office.steward_person, Role.STEWARD, office.board)
    with transaction() as session:
        session.scalars(
            select(FundAppointment).where(FundAppointment.role == Role.STEWARD)
        ).one().ended_at = office.clock.now()
    with pytest.raises(Conflict, match="doesn't hold this role any more"):
        office.confirm(change, office.board)
    with pytest.raises(NotFound), transaction():
        service.propose_ending(appointment_id=10**30, reasons="x", actor=office.board, now=office.clock.now())


def test_an_ended_role_signs_the_person_out_and_is_told(office: Office, app: Flask) -> None:
    Visitor(app).sign_in(office.steward_person)
    office.confirm(office.end(office.steward_person, Role.STEWARD), office.board)
    assert db.session.scalars(select(PersonSession.ended_at)).one() is not None
    assert office.steward_person.email in _mailed("Stu Steward is no longer steward")


def test_two_are_always_left_who_can_change_roles(office: Office) -> None:
    office.confirm(office.end(office.board_person, Role.BOARD), office.other_board)
    secretary = db.session.get_one(Person, office.secretary.person_id)
    with pytest.raises(RuleBroken, match="Too few would be left"):
        office.end(secretary, Role.SECRETARY, office.other_board)


def test_the_server_stands_for_the_first_officers_only(app: Flask, clock: MovableClock) -> None:
    found_society()

    def ask(role: Role, email: str) -> service.Proposed:
        with transaction():
            return service.propose_giving(
                name="N", email=email, role=role, reasons="Begins.", actor=None, now=clock.now()
            )

    assert ask(Role.STEWARD, "a@example.org").token is not None
    official("Sal", Role.SECRETARY)
    assert ask(Role.BOARD, "b@example.org").token is not None
    official("Bo", Role.BOARD)
    assert ask(Role.BOARD, "c@example.org").token is None
    assert ask(Role.AUDITOR, "d@example.org").token is not None


def test_two_who_confirm_at_once_send_one_invitation(office: Office, app: Flask) -> None:
    change_id = office.give(Role.STEWARD).change.id
    start, answers = Barrier(2), []

    def second(actor: Actor) -> None:
        with app.app_context():
            start.wait()
            try:
                with transaction():
                    service.confirm(change_id=change_id, actor=actor, now=office.clock.now())
                answers.append("done")
            except FundError as error:
                answers.append(type(error).__name__)
            db.session.remove()

    threads = [Thread(target=second, args=(actor,)) for actor in (office.board, office.other_board)]
    db.session.rollback()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["Conflict", "done"]
    assert db.session.scalar(select(func.count()).select_from(Invitation)) == 1


# --- a certifier for an organisation whose own is gone


def _propose(office: Office, organisation: Organisation, actor: Actor, email: str = "new@example.org") -> RoleChange:
    organisation_id = organisation.id
    with transaction():
        return service.propose_certifier(
            organisation_id=organisation_id, name="Nia New", email=email, reasons="The only certifier has died.",
            evidence="Letter of the trustees, seen.", actor=actor, now=office.clock.now(),
        )  # fmt: skip


@pytest.mark.parametrize("first", ["steward", "board"])
def test_an_organisation_whose_certifier_is_gone_gets_another_by_steward_and_board(office: Office, first: str) -> None:
    alder = member("Alder", Sector.VCSE)
    gone, _ = officer(alder, name="Gus Gone")
    with transaction() as session:
        session.merge(gone).disabled_at = office.clock.now()
    contact, alder_id = alder.contact_email, alder.id
    pair = [office.steward, office.board] if first == "steward" else [office.board, office.steward]
    change = _propose(office, alder, pair[0])
    assert contact in _mailed("is asked to give Alder a new certifier")
    office.confirm(change, pair[1])
    assert contact in _mailed("Nia New is asked to be certifier of Alder")
    somebody = _accept(office, "new@example.org")
    assert acting(somebody).roles == {Role.CERTIFIER}
    assert acting(somebody).organisation_id == alder_id


def test_a_new_certifier_takes_both_offices(office: Office) -> None:
    change = _propose(office, member("Alder", Sector.VCSE), office.steward)
    second_steward = official("Second Steward", Role.STEWARD)[1]
    for actor in (second_steward, office.steward):
        with pytest.raises(NotAllowed, match=r"A steward and a board member|You proposed this"):
            office.confirm(change, actor)
    with pytest.raises(NotAllowed):
        office.confirm(change, office.secretary)
    assert db.session.get_one(RoleChange, change.id).state is ChangeState.PROPOSED


def test_nobody_makes_themselves_certifier(office: Office) -> None:
    alder = member("Alder", Sector.VCSE)
    with pytest.raises(NotAllowed):
        _propose(office, alder, office.steward, email=office.steward_person.email)
    change = _propose(office, alder, office.steward, email=office.board_person.email)
    with pytest.raises(NotAllowed):
        office.confirm(change, office.board)


def test_one_new_certifier_waits_at_a_time_and_for_members_only(office: Office) -> None:
    alder = member("Alder", Sector.VCSE)
    _propose(office, alder, office.steward)
    with pytest.raises(Conflict, match="waits to be confirmed already"):
        _propose(office, alder, office.board, email="another@example.org")
    with transaction() as session:
        session.merge(alder).status = "left"  # type: ignore[assignment]
    with pytest.raises(Conflict, match="no member now"):
        _propose(office, alder, office.board)
