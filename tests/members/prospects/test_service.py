"""Lists, invitations and answers, on the database."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from fund.kernel.access import Actor, Role
from fund.kernel.audit import AuditEntry
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from fund.kernel.policy import Setting
from members import queries as members
from members import service as joining
from members.models import Organisation, OrganisationWord
from members.prospects import import_queries, queries, reading, service
from members.prospects.models import InvitationStop, Prospect, ProspectImport
from members.prospects.queries import Filters
from members.prospects.rules import Anchor, Answer, Details, Standing, Way
from members.rules import LegalForm, MembershipStatus, Register, Sector, SectorFacts
from tests.world import member, official

HEAD = "reference,org_id,name,kind,district,contact_name,contact_email,anchor\n"
TWO = HEAD + (
    ",360G-irwell-1,Alder Rovers,,Bury,Ada Alder,ada@alder.example,Football or sports club\n"
    ",,Birch Residents,,Bolton,,,\n"
)


@pytest.fixture
def steward(app: Flask) -> Actor:
    return official("Stella Ward", Role.STEWARD)[1]


def sent(text: str, steward: Actor, clock: MovableClock) -> int:
    with transaction():
        return service.send_list(content=text.encode(), filename="list.csv", actor=steward, now=clock.now()).id


def take(text: str, steward: Actor, clock: MovableClock) -> tuple[int | None, int | None]:
    import_id = sent(text, steward, clock)
    with transaction():
        taken = service.take_list(import_id=import_id, actor=steward, now=clock.now())
        return taken.new_count, taken.changed_count


def standing(text: str) -> Standing:
    db.session.rollback()
    return import_queries.standing(reading.read(text.encode()))


def added(steward: Actor, clock: MovableClock, name: str = "Alder Rovers", **more: Any) -> int:
    details: dict[str, Any] = {"name": name, "contact_email": "ada@alder.example", "district": "E08000002"}
    with transaction():
        return service.add(details=Details(**(details | more)), actor=steward, now=clock.now()).id


def invite(organisation_id: int, steward: Actor, clock: MovableClock) -> None:
    with transaction():
        service.invite(organisation_id=organisation_id, message="Do join.", actor=steward, now=clock.now())


def invite_many(steward: Actor, clock: MovableClock, filters: Filters | None = None, days: int = 90) -> int:
    with transaction():
        return service.invite_many(
            filters=filters or Filters(), days=days, message="Do join.", actor=steward, now=clock.now()
        )


def spoke(organisation_id: int, steward: Actor, clock: MovableClock, **more: Any) -> None:
    said: dict[str, Any] = {
        "way": Way.CALL,
        "day": clock.now().date(),
        "note": "They called back.",
        "answer": None,
        "ask_again_on": None,
        "next_step": "",
        "next_step_on": None,
    }
    with transaction():
        service.write_down(organisation_id=organisation_id, **(said | more), actor=steward, now=clock.now())


def tokens() -> list[str]:
    db.session.rollback()
    found = select(OutboxMessage.path).where(OutboxMessage.path.startswith("/invited/")).order_by(OutboxMessage.id)
    return [path.rsplit("/", 1)[1] for path in db.session.scalars(found)]


def prospect(organisation_id: int) -> Prospect:
    db.session.rollback()
    return db.session.get_one(Prospect, organisation_id)


class TestLists:
    def test_nothing_is_taken_in_by_sending(self, steward: Actor, clock: MovableClock) -> None:
        sent(TWO, steward, clock)
        assert db.session.scalar(select(func.count()).select_from(Organisation)) == 0
        found = standing(TWO)
        assert [row.number for row in found.new] == [2, 3]
        assert found.faults == []

    def test_what_is_new_is_a_prospect(self, steward: Actor, clock: MovableClock) -> None:
        assert take(TWO, steward, clock) == (2, 0)
        alder, birch = db.session.scalars(select(Organisation).order_by(Organisation.id))
        assert (alder.reference, birch.reference) == ("GM-0001", "GM-0002")
        assert alder.status is birch.status is MembershipStatus.PROSPECT
        assert alder.org_id == "360G-irwell-1"
        assert birch.org_id is None
        assert prospect(alder.id).anchor is Anchor.FOOTBALL_CLUB
        words = db.session.scalars(select(OrganisationWord.word).order_by(OrganisationWord.word))
        assert list(words) == ["alder", "birch", "residents", "rovers"]

    def test_again_changes_nothing(self, steward: Actor, clock: MovableClock) -> None:
        take(TWO, steward, clock)
        entries = select(func.count()).where(AuditEntry.action.in_(["prospect.changed", "prospect.added"]))
        before = db.session.scalar(entries)
        assert take(TWO, steward, clock) == (0, 0)
        assert db.session.scalar(entries) == before
        assert db.session.scalar(select(func.count()).select_from(Organisation)) == 2

    def test_one_wrong_row_keeps_all_out(self, steward: Actor, clock: MovableClock) -> None:
        import_id = sent(TWO + ",,Cedar,,Leeds,,,\n", steward, clock)
        with pytest.raises(RuleBroken, match="nothing was taken in"), transaction():
            service.take_list(import_id=import_id, actor=steward, now=clock.now())
        assert db.session.scalar(select(func.count()).select_from(Organisation)) == 0
        assert [(fault.row, fault.column) for fault in standing(TWO + ",,Cedar,,Leeds,,,\n").faults] == [
            (4, "district")
        ]

    def test_known_by_number_or_by_reference(self, steward: Actor, clock: MovableClock) -> None:
        take(TWO, steward, clock)
        changed = HEAD + ",360G-irwell-1,Alder Rovers FC,,,,,\nGM-0002,,,,Wigan,,,\n"
        assert take(changed, steward, clock) == (0, 2)
        alder, birch = db.session.scalars(select(Organisation).order_by(Organisation.id))
        assert (alder.name, alder.district, alder.contact_email) == (
            "Alder Rovers FC",
            "E08000002",
            "ada@alder.example",
        )
        assert (birch.name, birch.district) == ("Birch Residents", "E08000010")
        assert [one.name for one in _found("fc")] == ["Alder Rovers FC"]

    def test_members_details_are_theirs(self, steward: Actor, clock: MovableClock) -> None:
        theirs = member("Alder Rovers", Sector.PRIVATE)
        found = standing(HEAD + f"{theirs.reference},,Alder Town,,Wigan,,,\n")
        assert [row.number for row in found.kept] == [2]
        assert take(HEAD + f"{theirs.reference},,Alder Town,,Wigan,,,\n", steward, clock) == (0, 0)
        assert db.session.get_one(Organisation, theirs.id).name == "Alder Rovers"

    @pytest.mark.parametrize(
        ("rows", "column"),
        [
            ("GM-7777,,Cedar,,,,,\n", "reference"),
            ("GM-0002,360G-irwell-1,,,,,,\n", "org_id"),
            (",360G-irwell-9,,,,,,\n", "name"),
            (",360G-irwell-9,Cedar Trust,,,,,\n,360G-irwell-9,Dogwood Choir,,,,,\n", "org_id"),
        ],
        ids=["no such reference", "two organisations in one row", "new without a name", "one number, two names"],
    )
    def test_rows_that_contradict(self, steward: Actor, clock: MovableClock, rows: str, column: str) -> None:
        take(TWO, steward, clock)
        assert [fault.column for fault in standing(HEAD + rows).faults] == [column]

    def test_repeats_and_likely_doubles_are_told(self, steward: Actor, clock: MovableClock) -> None:
        take(TWO, steward, clock)
        found = standing(
            HEAD
            + ",360G-irwell-5,The Cedar Trust,,,,,\n,360G-irwell-5,Cedar Trust Ltd,,,,,\n"
            + ",360G-irwell-6,Birch Residents,,,,,\n,360G-irwell-7,Trust Cedar,,,,,\n"
        )
        assert found.repeated == [(3, 2)]
        assert [(row, other) for row, _, other in found.doubles] == [
            (4, "Birch Residents (GM-0002)"),
            (5, "The Cedar Trust (row 2)"),
        ]

    def test_two_numbers_of_one_register_are_not_asked_about(self, steward: Actor, clock: MovableClock) -> None:
        added(
            steward, clock, "Cedar Community Larder",
            register=Register.CHARITY_COMMISSION, register_number="1234567",
        )  # fmt: skip
        for number, asks in (("GB-CHC-7654321", False), ("GB-COH-01234567", True), ("", True)):
            found = standing(f"org_id,name\n{number},Cedar Comunity Larder\n")
            assert bool(import_queries.asked(found)) is asks

    def test_export_and_import_are_one(self, steward: Actor, clock: MovableClock) -> None:
        take(TWO + ",,=Dog & Co,,,'Q',,Large employer\n".replace("=Dog", "'=Dog"), steward, clock)
        member("Elm Works", Sector.PRIVATE)
        for writer in (reading.as_csv, reading.as_xlsx):
            db.session.rollback()
            content = writer([*queries.exported(Filters()), *queries.exported(Filters(), members=True)])
            found = import_queries.standing(reading.read(content))
            assert (len(found.new), len(found.changed), len(found.unchanged), len(found.kept)) == (0, 0, 3, 1)
            assert found.faults == []
        assert b"'=Dog & Co" in reading.as_csv(queries.exported(Filters()))

    def test_a_list_is_taken_once_and_not_when_old(self, steward: Actor, clock: MovableClock) -> None:
        import_id = sent(TWO, steward, clock)
        for match in ("", "meanwhile"):
            if match:
                with pytest.raises(Conflict, match=match), transaction():
                    service.take_list(import_id=import_id, actor=steward, now=clock.now())
            else:
                with transaction():
                    service.take_list(import_id=import_id, actor=steward, now=clock.now())
        assert db.session.get_one(ProspectImport, import_id).rows is None
        old = sent(TWO, steward, clock)
        clock.move(timedelta(days=8))
        sent(TWO, steward, clock)
        with pytest.raises(Conflict, match="a week ago"), transaction():
            service.take_list(import_id=old, actor=steward, now=clock.now())

    def test_the_queries_do_not_grow_with_the_rows(self, steward: Actor, clock: MovableClock) -> None:
        counts = []
        for size in (10, 200):
            rows = "".join(f",360G-irwell-{n},Trust {n} of {size},,,,,\n" for n in range(size))
            with _counted() as count:
                standing(HEAD + rows)
            counts.append(count[0])
        assert counts[0] == counts[1]

    def test_two_at_once_add_one(self, app: Flask, steward: Actor, clock: MovableClock) -> None:
        ids = [sent(TWO, steward, clock), sent(TWO, steward, clock)]
        barrier = threading.Barrier(2)

        def run(import_id: int) -> None:
            with app.app_context():
                barrier.wait()
                with transaction():
                    service.take_list(import_id=import_id, actor=steward, now=clock.now())
                db.session.remove()

        threads = [threading.Thread(target=run, args=(one,)) for one in ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        db.session.rollback()
        assert db.session.scalar(select(func.count()).select_from(Organisation)) == 2
        assert sorted(one.new_count or 0 for one in db.session.scalars(select(ProspectImport))) == [0, 2]


def _found(text: str) -> list[Organisation]:
    db.session.rollback()
    return [one.organisation for one in queries.prospects(Filters(text=text)).prospects]


class _counted:  # noqa: N801 (reads as a word of the test)
    def __enter__(self) -> list[int]:
        self.count = [0]
        event.listen(db.engine, "before_cursor_execute", self._one)
        return self.count

    def _one(self, *_: object) -> None:
        self.count[0] += 1

    def __exit__(self, *_: object) -> None:
        event.remove(db.engine, "before_cursor_execute", self._one)


class TestByHand:
    def test_a_number_stands_for_one(self, steward: Actor, clock: MovableClock) -> None:
        added(steward, clock, register=Register.PUBLISHER, register_number="irwell-1")
        with pytest.raises(RuleBroken, match="has this number"):
            added(steward, clock, "Birch", register=Register.PUBLISHER, register_number="irwell-1")

    def test_details_change_and_may_be_emptied(self, steward: Actor, clock: MovableClock) -> None:
        key = added(steward, clock, register=Register.PUBLISHER, register_number="irwell-1", anchor=Anchor.HEALTH)
        with transaction():
            service.change(
                organisation_id=key,
                details=Details(name="Alder Town", register=Register.NONE, contact_email="", district=""),
                actor=steward,
                now=clock.now(),
            )
        found = prospect(key)
        assert (found.organisation.name, found.organisation.org_id, found.anchor) == ("Alder Town", None, None)
        assert found.organisation.contact_email == found.organisation.district == ""

    def test_only_stewards(self, steward: Actor, clock: MovableClock) -> None:
        key = added(steward, clock)
        auditor = official("Aud Itor", Role.AUDITOR)[1]
        for act in (
            lambda: sent(TWO, auditor, clock),
            lambda: added(auditor, clock, "Birch"),
            lambda: invite(key, auditor, clock),
            lambda: invite_many(auditor, clock),
            lambda: spoke(key, auditor, clock),
        ):
            with pytest.raises(NotAllowed):
                act()


class TestInvitations:
    def test_one_mail_with_a_link_of_its_own(self, steward: Actor, clock: MovableClock) -> None:
        key = added(steward, clock)
        invite(key, steward, clock)
        (token,) = tokens()
        mail = db.session.scalars(select(OutboxMessage)).one()
        assert mail.holds_secret
        assert mail.recipient == "ada@alder.example"
        assert queries.known_by(token, clock.now()) == db.session.get(Organisation, key)
        (line,) = queries.contacts(key)
        assert (line.contact.way, line.by, line.contact.note) == (Way.MAIL, "Stella Ward", "Do join.")
        assert token not in (line.contact.token_hash or "")

    def test_not_twice_in_a_month(self, steward: Actor, clock: MovableClock) -> None:
        key = added(steward, clock)
        invite(key, steward, clock)
        clock.move(timedelta(days=29))
        with pytest.raises(Conflict, match="30 days"):
            invite(key, steward, clock)
        clock.move(timedelta(days=1))
        invite(key, steward, clock)
        assert len(tokens()) == 2

    def test_who_is_left_alone(self, steward: Actor, clock: MovableClock) -> None:
        no, without, stopped = (
            added(steward, clock, "No Choir", contact_email="no@choir.example"),
            added(steward, clock, "Without Ltd", contact_email=""),
            added(steward, clock, "Stopped Trust", contact_email="Stop@Trust.example"),
        )
        spoke(no, steward, clock, answer=Answer.NO)
        with transaction() as session:
            session.add(InvitationStop(email_key="stop@trust.example", asked_at=clock.now()))
        for key, match in ((no, "said no"), (without, "no e-mail"), (stopped, "not to write")):
            with pytest.raises(RuleBroken, match=match):
                invite(key, steward, clock)
        counts = queries.invitable(Filters(), clock.now(), 90)
        assert (counts.total, counts.invitable, counts.without_email, counts.said_no, counts.stopped) == (3, 0, 1, 1, 1)
        assert invite_many(steward, clock) == 0
        assert tokens() == []

    def test_no_until_a_day(self, steward: Actor, clock: MovableClock) -> None:
        key = added(steward, clock)
        spoke(key, steward, clock, answer=Answer.NO, ask_again_on=date(2026, 9, 1))
        assert invite_many(steward, clock) == 0
        clock.move(timedelta(days=92))
        assert invite_many(steward, clock) == 1
        assert prospect(key).answer is Answer.NO

    def test_many_once_each_by_filter(self, steward: Actor, clock: MovableClock) -> None:
        for number in range(4):
            added(
                steward,
                clock,
                f"Trust {number}",
                contact_email=f"trust{number}@example.org",
                district="E08000001" if number else "E08000002",
                anchor=Anchor.HEALTH if number < 2 else None,
            )
        assert queries.invitable(Filters(district="E08000001"), clock.now(), 90).invitable == 3
        assert invite_many(steward, clock, Filters(district="E08000001", anchors=True)) == 1
        assert invite_many(steward, clock, Filters(district="E08000001")) == 2
        assert invite_many(steward, clock) == 1
        assert invite_many(steward, clock) == 0
        assert len(tokens()) == 4
        clock.move(timedelta(days=31))
        assert invite_many(steward, clock) == 0
        assert invite_many(steward, clock, days=30) == 4
        with pytest.raises(RuleBroken, match="at least 30"):
            invite_many(steward, clock, days=29)

    def test_the_time_between_two_is_the_funds_to_set(self, steward: Actor, clock: MovableClock) -> None:
        key = added(steward, clock)
        with transaction() as session:
            session.add(
                Setting(key="invite_again_fewest_days", value="14", effective_from=clock.now(), set_at=clock.now())
            )
        invite(key, steward, clock)
        clock.move(timedelta(days=13))
        with pytest.raises(Conflict, match="14 days"):
            invite(key, steward, clock)
        with pytest.raises(RuleBroken, match="at least 14"):
            invite_many(steward, clock, days=13)
        clock.move(timedelta(days=1))
        assert invite_many(steward, clock, days=14) == 1

    def test_one_address_gets_one_mail(self, steward: Actor, clock: MovableClock) -> None:
        added(steward, clock, "One")
        added(steward, clock, "Two", contact_email="ADA@alder.example")
        assert invite_many(steward, clock) == 1

    def test_two_stewards_at_once_write_once(self, app: Flask, steward: Actor, clock: MovableClock) -> None:
        for number in range(5):
            added(steward, clock, f"Trust {number}", contact_email=f"trust{number}@example.org")
        barrier, counts = threading.Barrier(2), []

        def run() -> None:
            with app.app_context():
                barrier.wait()
                counts.append(invite_many(steward, clock))
                db.session.remove()

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(counts) == 5
        assert len(tokens()) == 5

    def test_stopping_works_twice_and_for_real_links_only(self, steward: Actor, clock: MovableClock) -> None:
        key = added(steward, clock)
        invite(key, steward, clock)
        (token,) = tokens()
        for _ in range(2):
            with transaction():
                service.stop(token=token, now=clock.now())
        assert queries.stopped("ADA@alder.example ")
        with pytest.raises(NotFound), transaction():
            service.stop(token="none-such", now=clock.now())

    def test_links_age(self, steward: Actor, clock: MovableClock) -> None:
        invite(added(steward, clock), steward, clock)
        (token,) = tokens()
        clock.move(timedelta(days=180))
        assert queries.known_by(token, clock.now()) is None
        assert queries.known_by("none-such", clock.now()) is None


class TestAnswers:
    def test_a_day_asked_for_is_kept_and_a_step_becomes_a_task(self, steward: Actor, clock: MovableClock) -> None:
        key = added(steward, clock)
        spoke(
            key,
            steward,
            clock,
            answer=Answer.NOT_NOW,
            ask_again_on=date(2026, 9, 1),
            next_step="Call Ada",
            next_step_on=date(2026, 6, 20),
        )
        assert queries.tasks(steward, clock.now()) == []
        clock.move(timedelta(days=13))
        (task,) = queries.tasks(steward, clock.now())
        assert task.title == "Call Ada: Alder Rovers"
        assert task.path == f"/prospects/{prospect(key).organisation.reference}"
        assert queries.tasks(official("A Member", Role.BOARD)[1], clock.now()) == []
        spoke(key, steward, clock, answer=Answer.INTERESTED)
        found = prospect(key)
        assert (found.answer, found.ask_again_on, found.next_step_on) == (Answer.INTERESTED, None, None)

    @pytest.mark.parametrize(
        ("said", "field"),
        [
            ({"day": date(2026, 6, 2)}, "day"),
            ({"way": Way.MAIL}, "way"),
            ({"answer": Answer.NO, "ask_again_on": date(2026, 6, 1)}, "ask_again_on"),
            ({"answer": Answer.INTERESTED, "ask_again_on": date(2026, 7, 1)}, "ask_again_on"),
            ({"next_step": "Call"}, "next_step_on"),
            ({"next_step_on": date(2026, 7, 1)}, "next_step"),
            ({"next_step": "Call", "next_step_on": date(2026, 5, 1)}, "next_step_on"),
        ],
    )
    def test_what_makes_no_sense(self, steward: Actor, clock: MovableClock, said: dict[str, Any], field: str) -> None:
        key = added(steward, clock)
        with pytest.raises(RuleBroken) as broken:
            spoke(key, steward, clock, **said)
        assert [finding.field for finding in broken.value.findings] == [field]


class TestJoining:
    def apply(self, clock: MovableClock, **more: Any) -> int:
        said: dict[str, Any] = {"register": Register.CHARITY_COMMISSION, "register_number": "1234567"}
        with transaction():
            return joining.apply(
                name="Alder Rovers",
                facts=SectorFacts(LegalForm.CHARITY),
                **(said | more),
                district="E08000001",
                address="1 Mill Lane",
                contact_name="Ada Alder",
                contact_email="ada@alder.example",
                actor=None,
                now=clock.now(),
            ).id

    def admit(self, organisation_id: int, steward: Actor, clock: MovableClock) -> None:
        with transaction() as session:
            organisation = session.get_one(Organisation, organisation_id)
            organisation.status, organisation.sector = MembershipStatus.MEMBER, Sector.VCSE
            organisation.joined_on = clock.now().date()

    def test_by_the_link(self, steward: Actor, clock: MovableClock) -> None:
        key = added(steward, clock, anchor=Anchor.HEALTH)
        invite(key, steward, clock)
        (token,) = tokens()
        application = self.apply(clock, register=Register.NONE, register_number="")
        with transaction():
            service.applied(token=token, application_id=application, now=clock.now())
        assert (prospect(key).application_id, prospect(key).answer) == (application, Answer.INTERESTED)
        assert queries.known_by(token, clock.now()) is None
        assert invite_many(steward, clock) == 0
        assert len(queries.prospects(Filters()).prospects) == 1
        self.admit(application, steward, clock)
        assert queries.prospects(Filters()).prospects == []
        assert queries.anchors_by_district() == []
        joined = queries.joined_as(prospect(key))
        assert joined is not None
        assert joined.id == application

    def test_by_itself_found_by_number(self, steward: Actor, clock: MovableClock) -> None:
        key = added(steward, clock, register=Register.CHARITY_COMMISSION, register_number="1234567")
        application = self.apply(clock)
        assert len(queries.prospects(Filters()).prospects) == 1
        self.admit(application, steward, clock)
        assert queries.prospects(Filters()).prospects == []
        assert queries.joined_as(prospect(key)) is not None
        with transaction() as session:
            session.get_one(Organisation, application).status = MembershipStatus.LEFT
        assert len(queries.prospects(Filters()).prospects) == 1

    def test_linked_by_a_steward(self, steward: Actor, clock: MovableClock) -> None:
        key = added(steward, clock)
        other = added(steward, clock, "Birch")
        theirs = member("Alder FC", Sector.PRIVATE)
        for wrong in ("GM-7777", prospect(other).organisation.reference):
            with pytest.raises(RuleBroken, match="No applicant or member"), transaction():
                service.link(organisation_id=key, member_reference=wrong, actor=steward, now=clock.now())
        with transaction():
            service.link(organisation_id=key, member_reference=theirs.reference, actor=steward, now=clock.now())
        assert [one.organisation_id for one in queries.prospects(Filters()).prospects] == [other]


def test_the_list_by_district_and_by_page(steward: Actor, clock: MovableClock) -> None:
    rows = "".join(
        f",,Trust {n:03d},,{'Bury' if n < 30 else 'Bolton'},,,{'' if n % 2 else 'Health body'}\n" for n in range(60)
    )
    take(HEAD + rows, steward, clock)
    first = queries.prospects(Filters())
    assert [one.organisation.name for one in first.prospects] == [
        f"Trust {n:03d}" for n in [*range(30, 60), *range(20)]
    ]
    second = queries.prospects(Filters(), after=first.after or "")
    assert [one.organisation.name for one in second.prospects] == [f"Trust {n:03d}" for n in range(20, 30)]
    assert second.after is None
    assert first.total == 60
    assert [(one.district, one.anchors) for one in queries.anchors_by_district()] == [
        ("E08000001", 15),
        ("E08000002", 15),
    ]
    assert len(queries.prospects(Filters(text="trust 04")).prospects) == 10
    assert len(queries.prospects(Filters(anchors=True, district="E08000002")).prospects) == 15


class TestFinding:
    def test_by_word_number_and_reference(self, steward: Actor, clock: MovableClock) -> None:
        alder = member("Alder & Tame Valley Works", Sector.PRIVATE)
        with transaction() as session:
            found = session.get_one(Organisation, alder.id)
            found.register, found.register_number = Register.COMPANIES_HOUSE, "01234567"
        added(steward, clock, "Alder Rovers")
        for text in (
            "valley",
            "TAM wor",
            "alder",
            alder.reference.lower(),
            "1234567",
            "GB-COH-01234567",
            "alder works",
        ):
            assert [one.name for one in members.find_members(text)] == ["Alder & Tame Valley Works"], text
            assert members.directory(text=text).total == 1, text
        for text in ("alley", "alder birch", "%", "_", "7654321"):
            assert members.find_members(text) == [], text

    def test_a_name_changed_is_found_by_its_new_words(self, app: Flask) -> None:
        alder = member("Alder Works", Sector.PRIVATE)
        with transaction() as session:
            session.get_one(Organisation, alder.id).name = "Birch Works"
        assert members.find_members("alder") == []
        assert len(members.find_members("birch")) == len(members.find_members("works")) == 1

    def test_words_are_words_whatever_a_database_makes_of_them(self, app: Flask) -> None:
        member("Near & Not Or Élan's Zoo9", Sector.VCSE)
        for text in ("not or near", "NEAR zoo", "elans", "élan", "OR", "9 near near", "zoo9 elan no o ne"):
            found = [one.name for one in members.find_members(text)]
            assert found == ([] if text.startswith("9") else ["Near & Not Or Élan's Zoo9"]), text
        assert members.find_members('"*:!|()^') == []

    def test_who_is_gone_is_found_no_more(self, app: Flask) -> None:
        member("Alder Works", Sector.PRIVATE)
        with transaction() as session:
            session.delete(session.scalar(select(Organisation)))
        member("Birch Works", Sector.PRIVATE)
        assert [one.name for one in members.find_members("works")] == ["Birch Works"]

    def test_common_words_are_found_too(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        for number in range(8):
            member(f"Community Trust {number}", Sector.VCSE)
        member("Community Choir", Sector.VCSE)
        monkeypatch.setattr(members, "MOST_LOOKED_UP", 3)
        assert members.directory(text="community").total == 9
        assert members.directory(text="community trust").total == 8
        assert [one.name for one in members.find_members("community choir")] == ["Community Choir"]
        assert members.directory(text="community", sector=Sector.PUBLIC).total == 0
