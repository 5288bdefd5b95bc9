"""From an application to the register and out of it again, on the database."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import DatabaseError

from fund.kernel.access import Actor, Role
from fund.kernel.calendar import london_day
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from ledger.queries import pot
from members import queries as members
from members.accounts.models import Invitation
from members.models import Appointment, Organisation
from members.register import admission_service as admission
from members.register import leaving_service as leaving
from members.register import queries, service
from members.register.models import Appeal, Expulsion, MembershipEvent, Share
from members.register.rules import EventKind
from members.rules import LegalForm, MembershipStatus, Register, Sector
from tests.members.joining import admitted, applied, checked, last_link
from tests.world import appoint, member, officer, official, person

START_DAY = date(2026, 6, 1)


@pytest.fixture
def steward(app: Flask) -> Actor:
    return official("Stella Steward", Role.STEWARD)[1]


@pytest.fixture
def board(app: Flask) -> Actor:
    return official("Bo Board", Role.BOARD)[1]


@pytest.fixture
def secretary(app: Flask) -> Actor:
    return official("Sid Secretary", Role.SECRETARY)[1]


def refused(organisation: Organisation, steward: Actor, board: Actor, clock: MovableClock) -> str:
    found = checked(organisation, steward, clock)
    found_id = found.id
    with transaction():
        return admission.refuse(organisation_id=found_id, reasons="Elsewhere.", actor=board, now=clock.now())


def kinds(organisation_id: int) -> list[EventKind]:
    return [event.kind for event, _ in reversed(queries.history(organisation_id))]


class TestTwoStepsAndTwoPeople:
    def test_checked_then_admitted_with_a_share(
        self, app: Flask, clock: MovableClock, steward: Actor, board: Actor
    ) -> None:
        found = checked(applied(clock), steward, clock)
        assert (found.status, found.sector) == (MembershipStatus.APPLIED, Sector.PRIVATE)
        assert members.members_at(clock.now()) == []
        found = admitted(found, board, clock)
        assert (found.status, found.joined_on) == (MembershipStatus.MEMBER, START_DAY)
        share = db.session.scalars(select(Share)).one()
        assert (share.number, share.value_pence, share.paid_pence, share.issued_on) == (1, 100, 0, START_DAY)
        assert pot().contributed_pence == 0, "a share is no contribution"
        assert kinds(found.id) == [EventKind.PUT_TO_BOARD, EventKind.ADMITTED]
        invited = db.session.scalars(select(Invitation)).one()
        assert (invited.role, invited.email) == (Role.CERTIFIER, "ada@alder.example")

    def test_the_board_decides_only_what_a_steward_checked(
        self, app: Flask, clock: MovableClock, steward: Actor, board: Actor
    ) -> None:
        found = applied(clock)
        with pytest.raises(Conflict, match="steward has to check"):
            admitted(found, board, clock)
        with pytest.raises(NotAllowed):
            checked(found, board, clock)
        checked(found, steward, clock)
        with pytest.raises(NotAllowed):
            admitted(found, steward, clock)
        assert found.status is MembershipStatus.APPLIED

    def test_who_confirmed_the_sector_does_not_decide(self, app: Flask, clock: MovableClock, board: Actor) -> None:
        both = official("Both Hats", Role.STEWARD, Role.BOARD)[1]
        found = checked(applied(clock), both, clock)
        with pytest.raises(NotAllowed, match=r"checked .* yourself"):
            admitted(found, both, clock)
        with pytest.raises(NotAllowed), transaction():
            admission.refuse(organisation_id=found.id, reasons="No", actor=both, now=clock.now())
        assert admitted(found, board, clock).status is MembershipStatus.MEMBER

    def test_nobody_decides_on_their_own_organisation(self, app: Flask, clock: MovableClock, steward: Actor) -> None:
        somebody, board = official("Bo Board", Role.BOARD)
        found = checked(applied(clock, contact_email=somebody.email.upper()), steward, clock)
        with pytest.raises(NotAllowed, match="You act for"):
            admitted(found, board, clock)

    def test_sent_back_it_is_checked_again(self, app: Flask, clock: MovableClock, steward: Actor, board: Actor) -> None:
        found = checked(applied(clock), steward, clock)
        with pytest.raises(Conflict, match="put to the board meanwhile"):
            checked(found, steward, clock)
        with transaction():
            admission.send_back(organisation_id=found.id, reasons="Look at its owner", actor=board, now=clock.now())
        assert [task.title for task in queries.tasks(steward, clock.now())] == ["Check Alder Works Ltd's application"]
        checked(found, steward, clock, sector=Sector.PUBLIC, basis="Owned by a council")
        assert [task.title for task in queries.tasks(board, clock.now())] == ["Decide on Alder Works Ltd's application"]
        assert admitted(found, board, clock).sector is Sector.PUBLIC

    def test_a_member_with_the_same_number_is_not_admitted_twice(
        self, app: Flask, clock: MovableClock, steward: Actor, board: Actor
    ) -> None:
        admitted(checked(applied(clock), steward, clock), board, clock)
        double = checked(applied(clock, name="Quite Another Name"), steward, clock)
        with pytest.raises(RuleBroken, match="GM-0001"):
            admitted(double, board, clock)

    def test_two_of_the_board_at_once_decide_once(
        self, app: Flask, clock: MovableClock, steward: Actor, board: Actor
    ) -> None:
        other = official("Bea Board", Role.BOARD)[1]
        found_id, now = checked(applied(clock), steward, clock).id, clock.now()
        db.session.remove()
        start, outcomes = threading.Barrier(2), []

        def act(actor: Actor, verb: Any) -> None:
            with app.app_context():
                start.wait()
                try:
                    with transaction():
                        verb(organisation_id=found_id, reasons="Mine", actor=actor, now=now)
                    outcomes.append("done")
                except Conflict:
                    outcomes.append("told")
                finally:
                    db.session.remove()

        pairs = [(board, admission.admit), (other, admission.refuse)]
        threads = [threading.Thread(target=act, args=pair) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(outcomes) == ["done", "told"]
        decided = (EventKind.ADMITTED, EventKind.REFUSED)
        assert sum(kind in decided for kind in kinds(found_id)) == 1

    def test_what_happened_is_never_rewritten(
        self, app: Flask, clock: MovableClock, steward: Actor, board: Actor
    ) -> None:
        admitted(checked(applied(clock), steward, clock), board, clock)
        with pytest.raises(DatabaseError), transaction() as session:
            session.scalars(select(MembershipEvent)).first().reasons = "Something else"  # type: ignore[union-attr]

    def test_a_political_party_is_never_put_to_the_board(self, app: Flask, clock: MovableClock, steward: Actor) -> None:
        waiting = applied(clock)
        waiting_id = waiting.id
        with transaction() as session:
            session.get_one(Organisation, waiting_id).legal_form = LegalForm.POLITICAL_PARTY
        with pytest.raises(RuleBroken, match="Political parties can't join"):
            checked(waiting, steward, clock)


class TestAppeal:
    def test_refusal_tells_why_and_how_to_appeal(
        self, app: Flask, clock: MovableClock, steward: Actor, board: Actor
    ) -> None:
        token = refused(applied(clock), steward, board, clock)
        mailed = db.session.scalars(select(OutboxMessage).where(OutboxMessage.key == "refused:GM-0001")).one()
        assert "Elsewhere." in mailed.what
        assert "appeal once" in mailed.by_when
        assert (mailed.path, mailed.holds_secret) == (f"/appeals/{token}", True)
        assert token not in db.session.scalars(select(Appeal.token_hash)).one()
        assert members.members_at(clock.now()) == []

    def test_one_appeal_within_its_time(self, app: Flask, clock: MovableClock, steward: Actor, board: Actor) -> None:
        first = refused(applied(clock), steward, board, clock)
        late = refused(applied(clock, name="Birch", register_number="7654321"), steward, board, clock)
        clock.move(timedelta(days=28))
        with transaction():
            admission.appeal(token=first, grounds="We do work here.", now=clock.now())
        with pytest.raises(Conflict, match="You appealed on 29 June 2026, and there is one appeal"), transaction():
            admission.appeal(token=first, grounds="Again", now=clock.now())
        clock.move(timedelta(days=1))
        with pytest.raises(Conflict, match="ended on 29 June 2026"), transaction():
            admission.appeal(token=late, grounds="Late", now=clock.now())
        with pytest.raises(NotFound), transaction():
            admission.appeal(token="made up", grounds="x", now=clock.now())

    def _decide(self, organisation_id: int, actor: Actor, clock: MovableClock, **more: Any) -> None:
        said: dict[str, Any] = {
            "allowed": True, "met_on": london_day(clock.now()), "resolution": "GM 2026/1", "reasons": "Fair."
        }  # fmt: skip
        with transaction():
            admission.decide_appeal(organisation_id=organisation_id, **(said | more), actor=actor, now=clock.now())

    def test_the_meeting_decides_once_and_for_all(
        self, app: Flask, clock: MovableClock, steward: Actor, board: Actor, secretary: Actor
    ) -> None:
        found = applied(clock)
        found_id = found.id
        token = refused(found, steward, board, clock)
        with pytest.raises(NotFound):
            self._decide(found_id, secretary, clock)
        with transaction():
            admission.appeal(token=token, grounds="We do work here.", now=clock.now())
        assert "appeal" in queries.tasks(secretary, clock.now())[0].title
        with pytest.raises(NotAllowed):
            self._decide(found_id, board, clock)
        with pytest.raises(RuleBroken, match="1 June 2026"):
            self._decide(found_id, secretary, clock, met_on=date(2026, 5, 31))
        self._decide(found_id, secretary, clock)
        assert found.status is MembershipStatus.MEMBER
        assert db.session.scalar(select(func.count()).select_from(Share)) == 1
        assert queries.history(found_id)[0][0].resolution == "GM 2026/1"
        with pytest.raises(Conflict, match="final"):
            self._decide(found_id, secretary, clock, allowed=False)

    def test_dismissed_it_is_final_and_told(
        self, app: Flask, clock: MovableClock, steward: Actor, board: Actor, secretary: Actor
    ) -> None:
        found = applied(clock)
        found_id = found.id
        with transaction():
            pass
        token = refused(found, steward, board, clock)
        with transaction():
            admission.appeal(token=token, grounds="We do work here.", now=clock.now())
        self._decide(found_id, secretary, clock, allowed=False, reasons="Too far away.")
        assert found.status is MembershipStatus.REFUSED
        mailed = db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc())).first()
        assert mailed is not None
        assert "Too far away." in mailed.what
        with pytest.raises(Conflict):
            self._decide(found_id, secretary, clock)
        with pytest.raises(Conflict), transaction():
            admission.appeal(token=token, grounds="A second time", now=clock.now())


class TestShares:
    def test_paying_is_recorded_once_by_a_steward(
        self, app: Flask, clock: MovableClock, steward: Actor, board: Actor, secretary: Actor
    ) -> None:
        admitted(checked(applied(clock), steward, clock), board, clock)
        (share, _), = queries.unpaid_shares()  # fmt: skip
        share_id = share.id

        def pay(actor: Actor, day: date) -> None:
            with transaction():
                service.record_share_payment(share_id=share_id, paid_on=day, actor=actor, now=clock.now())

        with pytest.raises(NotAllowed):
            pay(secretary, START_DAY)
        for wrong in (START_DAY - timedelta(days=1), START_DAY + timedelta(days=1)):
            with pytest.raises(RuleBroken, match="1 June 2026"):
                pay(steward, wrong)
        pay(steward, START_DAY)
        assert queries.entry("GM-0001").paid_pence == 100
        assert pot().contributed_pence == 0
        with pytest.raises(Conflict):
            pay(steward, START_DAY)
        for unknown in (2**70, share_id + 1):
            with pytest.raises(NotFound), transaction():
                service.record_share_payment(share_id=unknown, paid_on=START_DAY, actor=steward, now=clock.now())
            with pytest.raises(NotFound):
                queries.share(unknown)

    def test_members_from_before_get_the_share_of_the_day_they_joined(
        self, app: Flask, clock: MovableClock, steward: Actor, board: Actor, secretary: Actor
    ) -> None:
        admitted(checked(applied(clock), steward, clock), board, clock)
        paid, unpaid = (member(name, Sector.VCSE).reference for name in ("Birch House", "Cedar Trust"))
        applicant = applied(clock, name="Dogwood Choir").reference
        former = member("Elm Works", Sector.PRIVATE).reference
        with transaction() as session:
            gone = session.scalars(select(Organisation).where(Organisation.reference == former)).one()
            gone.status, gone.left_on = MembershipStatus.LEFT, START_DAY
        found, total = queries.without_shares(limit=1)
        assert ([one.reference for one in found], total) == ([paid], 2)
        clock.move(timedelta(days=40))

        def enter(actor: Actor, *references: str) -> list[int]:
            with transaction():
                entered = service.register_shares(references=references, paid=[paid], actor=actor, now=clock.now())
                return [share.number for share in entered]

        with pytest.raises(NotAllowed):
            enter(secretary, paid, unpaid)
        for other in ("GM-0000", applicant, former):
            with pytest.raises(NotFound):
                enter(steward, paid, other)
        with pytest.raises(Conflict, match="nothing was written"):
            enter(steward, paid, "GM-0001")
        assert queries.without_shares()[1] == 2
        assert enter(steward, paid, unpaid) == [2, 3]
        first, second = (queries.entry(reference) for reference in (paid, unpaid))
        assert (first.paid_pence, second.paid_pence) == (100, 0)
        joined = first.organisation.joined_on
        assert [(one.issued_on, one.paid_on) for one in first.shares] == [(joined, joined)]
        assert [one.number for one, _ in queries.unpaid_shares()] == [1, 3]
        assert queries.without_shares() == ([], 0)
        assert pot().contributed_pence == 0
        with pytest.raises(Conflict):
            enter(steward, paid)

    def test_a_cancelled_share_is_never_paid_for(
        self, app: Flask, clock: MovableClock, steward: Actor, board: Actor
    ) -> None:
        found = admitted(checked(applied(clock), steward, clock), board, clock)
        found_id = found.id
        share_id = db.session.scalars(select(Share.id)).one()
        with transaction():
            leaving.end_by_board(
                organisation_id=found_id, kind=EventKind.DISSOLVED, reasons="x", actor=board, now=clock.now()
            )
        with pytest.raises(Conflict, match="was cancelled meanwhile"), transaction():
            service.record_share_payment(share_id=share_id, paid_on=START_DAY, actor=steward, now=clock.now())


def leave(organisation: Organisation, actor: Actor, clock: MovableClock, day: date) -> None:
    organisation_id = organisation.id
    with transaction():
        leaving.resign(organisation_id=organisation_id, effective_on=day, reasons="", actor=actor, now=clock.now())


class TestLeaving:
    def test_a_member_leaves_on_the_day_it_named(self, app: Flask, clock: MovableClock) -> None:
        own = member("Alder", Sector.PRIVATE)
        own_id, reference = own.id, own.reference
        _, certifier = officer(own)
        rob, voter = officer(own, Role.REPRESENTATIVE, name="Rob")
        with pytest.raises(NotAllowed):
            leave(own, voter, clock, START_DAY)
        with pytest.raises(RuleBroken, match="or a later day"):
            leave(own, certifier, clock, date(2026, 5, 31))
        with pytest.raises(RuleBroken, match="1 June 2027"):
            leave(own, certifier, clock, date(2027, 6, 2))
        leave(own, certifier, clock, date(2026, 6, 3))
        with pytest.raises(Conflict, match="leaving already, on 3 June 2026"):
            leave(own, certifier, clock, date(2026, 6, 3))
        clock.move(timedelta(days=1))
        with transaction():
            assert leaving.sweep(clock.now()) == 0
        assert members.takes_part(own_id, clock.now())
        clock.move(timedelta(days=1))
        assert not members.takes_part(own_id, clock.now()), "before any sweep has run"
        with transaction():
            assert leaving.sweep(clock.now()) == 1
        with transaction():
            assert leaving.sweep(clock.now()) == 0
        entry = queries.entry(reference)
        assert (entry.organisation.status, entry.organisation.left_on) == (MembershipStatus.LEFT, date(2026, 6, 3))
        held = db.session.scalars(select(Appointment).where(Appointment.ended_at.is_(None))).all()
        assert [one.role for one in held] == [Role.CERTIFIER], "so that grants are finished properly"
        appoint(rob, member("Birch", Sector.VCSE), Role.REPRESENTATIVE)

    def test_shares_are_cancelled_and_the_entry_stays(
        self, app: Flask, clock: MovableClock, steward: Actor, board: Actor
    ) -> None:
        found = admitted(checked(applied(clock), steward, clock), board, clock)
        found_id = found.id
        with transaction():
            leaving.end_by_board(
                organisation_id=found_id, kind=EventKind.DISSOLVED, reasons="Struck off", actor=board, now=clock.now()
            )
        share = db.session.scalars(select(Share)).one()
        assert share.cancelled_on == START_DAY
        entries, total = queries.entries()
        assert (total, entries[0].organisation.left_on) == (1, START_DAY)
        assert members.members_at(clock.now()) == []
        with pytest.raises(Conflict), transaction():
            leaving.end_by_board(
                organisation_id=found_id, kind=EventKind.DISSOLVED, reasons="x", actor=board, now=clock.now()
            )

    def test_the_board_ends_a_membership_for_its_own_reasons_only(
        self, app: Flask, clock: MovableClock, board: Actor
    ) -> None:
        own_id = member("Alder", Sector.PRIVATE).id
        for kind in (EventKind.EXPELLED, EventKind.RESIGNED):
            with pytest.raises(RuleBroken, match="Choose why"), transaction():
                leaving.end_by_board(organisation_id=own_id, kind=kind, reasons="x", actor=board, now=clock.now())
        assert members.takes_part(own_id, clock.now())

    def test_who_left_can_ask_to_join_again(
        self, app: Flask, clock: MovableClock, steward: Actor, board: Actor
    ) -> None:
        found = admitted(checked(applied(clock), steward, clock), board, clock)
        found_id = found.id
        with transaction():
            leaving.end_by_board(
                organisation_id=found_id, kind=EventKind.LOST_ELIGIBILITY, reasons="x", actor=board, now=clock.now()
            )
        again = admitted(checked(applied(clock), steward, clock), board, clock)
        assert [one.reference for one in members.members_at(clock.now())] == ["GM-0002"]
        assert [one.reference for one in members.same_number(again)] == ["GM-0001"]

    def test_only_its_own_people_make_it_leave(self, app: Flask, clock: MovableClock, board: Actor) -> None:
        own, other = member("Alder", Sector.PRIVATE), member("Birch", Sector.VCSE)
        _, certifier = officer(other)
        for intruder in (certifier, board):
            with pytest.raises(NotFound):
                leave(own, intruder, clock, START_DAY)

    def test_the_last_of_a_sector_is_known(self, app: Flask, clock: MovableClock) -> None:
        own = member("Alder", Sector.PRIVATE)
        assert queries.is_last_of_its_sector(own, clock.now())
        member("Birch", Sector.VCSE)
        assert queries.is_last_of_its_sector(own, clock.now())
        member("Cedar", Sector.PRIVATE)
        assert not queries.is_last_of_its_sector(own, clock.now())


class TestSuspension:
    def _suspend(self, organisation_id: int, actor: Actor, clock: MovableClock, first: date, last: date) -> None:
        with transaction():
            leaving.suspend(
                organisation_id=organisation_id, from_on=first, until_on=last, reasons="Accounts are late",
                actor=actor, now=clock.now(),
            )  # fmt: skip

    def test_a_suspended_member_is_on_no_roll_on_those_days(
        self, app: Flask, clock: MovableClock, board: Actor, steward: Actor
    ) -> None:
        own_id = member("Alder", Sector.PRIVATE).id
        with pytest.raises(NotAllowed):
            self._suspend(own_id, steward, clock, START_DAY, date(2026, 6, 9))
        self._suspend(own_id, board, clock, date(2026, 6, 3), date(2026, 6, 5))
        with pytest.raises(RuleBroken, match="suspended already from 3 June 2026 to 5 June 2026"):
            self._suspend(own_id, board, clock, date(2026, 6, 5), date(2026, 6, 9))
        there = []
        for day in range(1, 8):
            there.append(bool(members.members_at(clock.now() + timedelta(days=day - 1))))
        assert there == [True, True, False, False, False, True, True]

    def test_lifted_it_takes_part_again_and_the_past_stays(self, app: Flask, clock: MovableClock, board: Actor) -> None:
        own_id = member("Alder", Sector.PRIVATE).id
        self._suspend(own_id, board, clock, START_DAY, date(2026, 6, 20))
        suspended_at = clock.now()
        clock.move(timedelta(days=3))
        assert not members.takes_part(own_id, clock.now())
        with transaction():
            leaving.lift_suspension(organisation_id=own_id, reasons="They came", actor=board, now=clock.now())
        assert members.takes_part(own_id, clock.now())
        assert members.members_at(suspended_at) == [], "as of that day it was suspended"
        assert kinds(own_id) == [EventKind.SUSPENDED, EventKind.SUSPENSION_LIFTED]
        with pytest.raises(Conflict), transaction():
            leaving.lift_suspension(organisation_id=own_id, reasons="Again", actor=board, now=clock.now())


class TestExpulsion:
    def _notice(self, organisation_id: int, actor: Actor, clock: MovableClock, meeting: date) -> None:
        with transaction():
            leaving.give_expulsion_notice(
                organisation_id=organisation_id, meeting_on=meeting, reasons="Votes were sold",
                actor=actor, now=clock.now(),
            )  # fmt: skip

    def _close(
        self, organisation_id: int, actor: Actor, clock: MovableClock, day: date, *, carried: bool = True
    ) -> None:
        with transaction():
            leaving.close_expulsion(
                organisation_id=organisation_id, carried=carried, resolution="SR 2026/1", decided_on=day,
                actor=actor, now=clock.now(),
            )  # fmt: skip

    def test_notice_hearing_and_special_resolution(
        self, app: Flask, clock: MovableClock, board: Actor, secretary: Actor
    ) -> None:
        own = member("Alder", Sector.PRIVATE)
        own_id, contact = own.id, own.contact_email
        with pytest.raises(RuleBroken, match="Choose 23 June 2026 or later"):
            self._notice(own_id, secretary, clock, date(2026, 6, 22))
        self._notice(own_id, secretary, clock, date(2026, 6, 23))
        mailed = db.session.scalars(select(OutboxMessage).where(OutboxMessage.recipient == contact)).one()
        assert "Votes were sold" in mailed.what
        assert "right to be heard" in mailed.by_when
        with pytest.raises(Conflict):
            self._notice(own_id, secretary, clock, date(2026, 6, 30))
        clock.move(timedelta(days=21))
        with pytest.raises(RuleBroken) as broken:
            self._close(own_id, board, clock, date(2026, 6, 22))
        assert "earliest day on which a meeting may decide is 23 June 2026" in broken.value.message
        assert "right to be heard" in broken.value.message
        clock.move(timedelta(days=1))
        with pytest.raises(RuleBroken, match="right to be heard"):
            self._close(own_id, board, clock, date(2026, 6, 23))
        assert queries.tasks(secretary, clock.now())[0].title == "Write down what Alder said"
        with transaction():
            leaving.record_hearing(organisation_id=own_id, heard="It wrote.", actor=secretary, now=clock.now())
        assert [task.title for task in queries.tasks(board, clock.now())] == ["Enter what the meeting decided on Alder"]
        with pytest.raises(NotAllowed):
            self._close(own_id, secretary, clock, date(2026, 6, 23))
        self._close(own_id, board, clock, date(2026, 6, 23))
        assert own.status is MembershipStatus.LEFT
        assert queries.history(own_id)[0][0].resolution == "SR 2026/1"
        assert kinds(own_id) == [EventKind.EXPULSION_NOTICED, EventKind.HEARD, EventKind.EXPELLED]

    def test_who_gave_the_notice_does_not_enter_the_decision(self, app: Flask, clock: MovableClock) -> None:
        both = official("Both Hats", Role.SECRETARY, Role.BOARD)[1]
        own_id = member("Alder", Sector.PRIVATE).id
        self._notice(own_id, both, clock, date(2026, 6, 23))
        clock.move(timedelta(days=30))
        with pytest.raises(NotAllowed, match="another person"):
            self._close(own_id, both, clock, date(2026, 6, 24))

    def test_not_carried_it_stays_a_member(
        self, app: Flask, clock: MovableClock, board: Actor, secretary: Actor
    ) -> None:
        own = member("Alder", Sector.PRIVATE)
        own_id = own.id
        self._notice(own_id, secretary, clock, date(2026, 6, 23))
        clock.move(timedelta(days=2))
        self._close(own_id, board, clock, START_DAY, carried=False)
        assert own.status is MembershipStatus.MEMBER
        assert db.session.scalars(select(Expulsion.carried)).all() == [False]
        self._notice(own_id, secretary, clock, date(2026, 7, 23))


class TestRegisters:
    def test_officers_come_from_roles_and_addresses_from_the_secretary(
        self, app: Flask, clock: MovableClock, board: Actor, secretary: Actor, steward: Actor
    ) -> None:
        assert [(one.name, one.office, one.address) for one in queries.officers()] == [
            ("Bo Board", Role.BOARD, None),
            ("Sid Secretary", Role.SECRETARY, None),
        ]
        assert "2 addresses" in queries.tasks(secretary, clock.now())[0].title

        def enter(person_id: int, address: str, actor: Actor = secretary) -> None:
            with transaction():
                service.enter_officer_address(person_id=person_id, address=address, actor=actor, now=clock.now())

        enter(board.person_id, "1 Old Road")
        enter(board.person_id, "2 New Road")
        assert queries.officer(board.person_id).address == "2 New Road"
        with pytest.raises(NotAllowed):
            enter(board.person_id, "x", steward)
        for nobody in (steward.person_id, 2**70):
            with pytest.raises(NotFound):
                enter(nobody, "x")

    def test_other_property_is_entered_and_ended(self, app: Flask, clock: MovableClock, secretary: Actor) -> None:
        own, other = member("Alder", Sector.PRIVATE), member("Birch", Sector.VCSE)
        own_id, other_id, reference = own.id, other.id, own.reference

        def enter(day: date) -> int:
            with transaction():
                return service.enter_property(
                    organisation_id=own_id, description="Loan", pence=500_00, held_from=day,
                    actor=secretary, now=clock.now(),
                ).id  # fmt: skip

        def end(organisation_id: int) -> None:
            with transaction():
                service.end_property(
                    property_id=entered, organisation_id=organisation_id, actor=secretary, now=clock.now()
                )

        with pytest.raises(RuleBroken):
            enter(date(2026, 6, 2))
        for unknown in (applied(clock).id, 2**70):
            with pytest.raises(NotFound), transaction():
                service.enter_property(
                    organisation_id=unknown, description="Loan", pence=1, held_from=START_DAY,
                    actor=secretary, now=clock.now(),
                )  # fmt: skip
        entered = enter(START_DAY)
        with pytest.raises(NotFound):
            end(other_id)
        end(own_id)
        assert [one.held_until for one in queries.entry(reference).holdings] == [START_DAY]
        with pytest.raises(Conflict):
            end(own_id)
        with transaction() as session:
            session.get_one(Organisation, own_id).status = MembershipStatus.LEFT
        with pytest.raises(Conflict, match="is not a member now"):
            enter(START_DAY)

    def test_who_never_was_a_member_has_no_entry(self, app: Flask, clock: MovableClock) -> None:
        with pytest.raises(NotFound):
            queries.entry(applied(clock).reference)

    def test_no_expulsion_goes_on_without_a_notice(self, app: Flask, clock: MovableClock, secretary: Actor) -> None:
        own_id = member("Alder", Sector.PRIVATE).id
        with pytest.raises(Conflict, match="Give notice of it first"), transaction():
            leaving.record_hearing(organisation_id=own_id, heard="x", actor=secretary, now=clock.now())

    def test_corrections_keep_what_stood_before(self, app: Flask, clock: MovableClock, secretary: Actor) -> None:
        own = member("Alder", Sector.PRIVATE)
        own_id, contact = own.id, (own.contact_name, own.contact_email)

        def correct(address: str) -> None:
            with transaction():
                service.correct_entry(
                    organisation_id=own_id, address=address, contact_name=contact[0], contact_email=contact[1],
                    actor=secretary, now=clock.now(),
                )  # fmt: skip

        with pytest.raises(RuleBroken):
            correct("1 Example Street")
        correct("2 Moved Street")
        assert queries.entry(own.reference).organisation.address == "2 Moved Street"


class TestSuggestions:
    def test_each_reason_is_found_in_the_database(self, app: Flask, clock: MovableClock, steward: Actor) -> None:
        club = applied(
            clock, name="Rook Lane Football Club", address="Rook Lane, Bolton BL1 1AA", contact_email="a@rook.example"
        )
        none = {"register": Register.NONE, "register_number": ""}
        applied(clock, name="Rook Lane Football Club Foundation", **none)
        applied(clock, name="Same Door", address="rook lane bolton, bl11aa", contact_email="b@b.example", **none)
        applied(clock, name="Same House", address="9 Elsewhere", contact_email="b@ROOK.example", **none)
        applied(clock, name="Same Number", address="8 Elsewhere", contact_email="c@c.example",
                register=Register.LEARNING_PROVIDERS, register_number="10234567")  # fmt: skip
        applied(clock, name="Nothing Shared", address="7 Elsewhere", contact_email="d@gmail.com", **none)
        shared = member("Shared People", Sector.VCSE)
        somebody = person("Pat")
        appoint(somebody, shared, Role.EDITOR)
        found = {one.organisation.name: one.reasons for one in queries.suggestions(club)}
        assert found == {
            "Rook Lane Football Club Foundation": ("The name of one is part of the other's.",),
            "Same Door": ("They have the same postal address.",),
            "Same House": ("Their people's e-mail addresses are at the same place: rook.example.",),
        }
        number = applied(clock, name="Twin", address="6 Far", contact_email="e@e.example", register_number="10234567")
        assert [one.organisation.name for one in queries.suggestions(number)] == ["Same Number"]
        friend = applied(clock, name="Friend", address="5 Far", contact_email=somebody.email, **none)
        assert "1 person acts for both." in queries.suggestions(friend)[0].reasons
        assert last_link("e@e.example")
