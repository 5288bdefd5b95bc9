"""A member's profile and accreditations: who writes them, whom a request fits, and what is shown again elsewhere."""

from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier, Thread

import pytest
from flask import Flask

from fund.kernel.access import Actor, Role
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, FundError, NotAllowed, NotFound, RuleBroken
from fund.kernel.places import DISTRICTS
from fund.tasks import tasks_of
from members.models import Organisation
from members.profile import queries, service
from members.profile.models import Accreditation, Profile
from members.profile.rules import MOST_ACCREDITATIONS, Description, Details, Standing
from members.rules import MembershipStatus, Sector
from tests.conftest import START
from tests.world import acting, appoint, found_society, member, officer, official, person

SAID = Description(
    offers="A hall", seeks="Neighbours", website="https://bakery.example", interests=frozenset({"homes", "space"})
)
WAGE = Details("Living Wage employer", "A foundation", number="LW-1", valid_until=date(2027, 1, 31))


@pytest.fixture
def bakery(app: Flask) -> tuple[Organisation, Actor]:
    found_society()
    bakery = member("Mosslight Bakery", Sector.PRIVATE)
    return bakery, officer(bakery)[1]


def save(organisation: Organisation, actor: Actor, said: Description = SAID, seen: int = 0) -> Profile:
    with transaction():
        return service.save_profile(organisation_id=organisation.id, said=said, seen=seen, actor=actor, now=START)


def record(organisation: Organisation, actor: Actor, said: Details = WAGE) -> Accreditation:
    with transaction():
        return service.record_accreditation(organisation_id=organisation.id, said=said, actor=actor, now=START)


def change(found: Accreditation, actor: Actor, said: Details, seen: int) -> None:
    with transaction():
        service.change_accreditation(
            accreditation_id=found.id,
            organisation_id=found.organisation_id,
            said=said,
            seen=seen,
            actor=actor,
            now=START,
        )


def mark(found: Accreditation, actor: Actor, seen: int = 1) -> None:
    with transaction():
        service.mark_seen(
            accreditation_id=found.id, organisation_id=found.organisation_id, seen=seen, actor=actor, now=START
        )


class TestProfile:
    def test_is_saved_whole_and_saved_over(self, bakery: tuple[Organisation, Actor]) -> None:
        save(*bakery)
        assert queries.interests(bakery[0].id) == ["homes", "space"]
        save(*bakery, replace(SAID, interests=frozenset({"health"})), seen=1)
        assert queries.interests(bakery[0].id) == ["health"]
        found = queries.profile(bakery[0].id)
        assert found is not None
        assert (found.revision, found.offers) == (2, "A hall")

    def test_nobody_saves_over_a_colleague(self, bakery: tuple[Organisation, Actor]) -> None:
        save(*bakery)
        with pytest.raises(Conflict, match="colleague"):
            save(*bakery, replace(SAID, offers="Another"), seen=0)

    def test_only_its_own_certifier_or_editor(self, bakery: tuple[Organisation, Actor]) -> None:
        other = member("Harbour Hands", Sector.VCSE)
        with pytest.raises(NotFound):
            save(bakery[0], officer(other)[1])
        with pytest.raises(NotAllowed):
            save(bakery[0], officer(bakery[0], Role.FINANCE)[1])
        save(bakery[0], officer(bakery[0], Role.EDITOR)[1])

    def test_one_that_left_is_not_changed(self, bakery: tuple[Organisation, Actor]) -> None:
        with transaction() as session:
            session.get_one(Organisation, bakery[0].id).status = MembershipStatus.LEFT
        with pytest.raises(Conflict, match="not a member"):
            save(*bakery)

    def test_faults_are_told(self, bakery: tuple[Organisation, Actor]) -> None:
        with pytest.raises(RuleBroken, match="https://"):
            save(*bakery, replace(SAID, website="http://bakery.example"))


class TestWhomARequestFits:
    def test_sector_district_and_interest_and_wish(self, bakery: tuple[Organisation, Actor]) -> None:
        wish = replace(SAID, wants_requests=True)
        save(*bakery, wish)
        silent = member("Silent Sawmill", Sector.PRIVATE)
        save(silent, officer(silent)[1])
        council = member("Northmoor Council", Sector.PUBLIC)
        save(council, officer(council)[1], wish)

        def found(**more: object) -> list[str]:
            asked: dict[str, object] = {
                "sector": Sector.PRIVATE,
                "districts": (),
                "interests": (),
                "without": (),
                "without_group": None,
            }
            return [one.name for one in queries.wanting_requests(**(asked | more))]  # type: ignore[arg-type]

        assert found() == ["Mosslight Bakery"]
        assert found(districts=[DISTRICTS[2].code], interests=["space", "health"]) == ["Mosslight Bakery"]
        assert found(districts=[DISTRICTS[0].code]) == []
        assert found(interests=["health"]) == []
        assert found(without=[bakery[0].id]) == []

    def test_not_those_connected_with_who_asks(self, bakery: tuple[Organisation, Actor]) -> None:
        from members import service as members

        lead = member("Bakery Foundation", Sector.VCSE)
        _, steward = official("Stella", Role.STEWARD)
        save(*bakery, replace(SAID, wants_requests=True))
        with transaction():
            members.connect(organisation_id=lead.id, other_id=bakery[0].id, reason="Owner", actor=steward, now=START)
        group_id = db.session.get_one(Organisation, lead.id).group_id
        asked = {"sector": Sector.PRIVATE, "districts": (), "interests": (), "without": ()}
        assert queries.wanting_requests(**asked, without_group=group_id) == []  # type: ignore[arg-type]


class TestAccreditations:
    def test_recorded_once_and_shown_with_how_it_stands(self, bakery: tuple[Organisation, Actor]) -> None:
        record(*bakery)
        record(*bakery, replace(WAGE, name="Cyber Essentials", valid_until=date(2026, 5, 31)))
        held = queries.accreditations(bakery[0].id, START)
        assert [(one.accreditation.name, one.standing) for one in held] == [
            ("Living Wage employer", Standing.CURRENT),
            ("Cyber Essentials", Standing.EXPIRED),
        ]
        with pytest.raises(RuleBroken, match="already"):
            record(*bakery)

    def test_the_list_is_bounded(self, bakery: tuple[Organisation, Actor]) -> None:
        with transaction():
            for number in range(MOST_ACCREDITATIONS):
                service.record_accreditation(
                    organisation_id=bakery[0].id, said=replace(WAGE, number=str(number)), actor=bakery[1], now=START
                )
        with pytest.raises(RuleBroken, match="holds 50"):
            record(*bakery)

    def test_a_stewards_look_counts_for_what_was_shown(self, bakery: tuple[Organisation, Actor]) -> None:
        _, steward = official("Stella", Role.STEWARD)
        found = record(*bakery)
        with pytest.raises(NotAllowed):
            mark(found, bakery[1])
        mark(found, steward)
        assert db.session.get_one(Accreditation, found.id).seen_at == START
        with pytest.raises(Conflict, match="Another steward"):
            mark(found, steward)
        change(found, bakery[1], replace(WAGE, number="LW-2"), seen=1)
        assert db.session.get_one(Accreditation, found.id).seen_at is None
        with pytest.raises(Conflict, match="changed this meanwhile"):
            mark(found, steward, seen=1)
        with pytest.raises(Conflict, match="colleague"):
            change(found, bakery[1], WAGE, seen=1)

    def test_a_steward_who_acts_for_it_does_not_mark(self, bakery: tuple[Organisation, Actor]) -> None:
        somebody = person("Stella of the bakery", Role.STEWARD)
        appoint(somebody, bakery[0], Role.EDITOR)
        found = record(*bakery)
        with pytest.raises(NotAllowed, match="another steward"):
            mark(found, acting(somebody))

    def test_an_expired_one_is_not_marked(self, bakery: tuple[Organisation, Actor]) -> None:
        found = record(*bakery, replace(WAGE, valid_until=date(2026, 5, 31)))
        with pytest.raises(RuleBroken, match="expired"):
            mark(found, official("Stella", Role.STEWARD)[1])

    def test_taken_off_it_is_found_no_more(self, bakery: tuple[Organisation, Actor]) -> None:
        found = record(*bakery)
        with pytest.raises(NotFound):
            service.remove_accreditation(
                accreditation_id=found.id,
                organisation_id=bakery[0].id,
                actor=officer(member("Harbour Hands", Sector.VCSE))[1],
                now=START,
            )
        with transaction():
            service.remove_accreditation(
                accreditation_id=found.id, organisation_id=bakery[0].id, actor=bakery[1], now=START
            )
        assert queries.accreditations(bakery[0].id, START) == []
        with pytest.raises(NotFound):
            change(found, bakery[1], WAGE, seen=1)

    def test_its_people_are_reminded_a_month_before(self, bakery: tuple[Organisation, Actor]) -> None:
        record(*bakery)

        def reminders(days: int) -> list[str]:
            at = START + timedelta(days=days)
            return [task.title for task in tasks_of(bakery[1], at) if "Living Wage" in task.title]

        last_quiet = (date(2027, 1, 31) - START.date()).days - 31
        assert reminders(last_quiet) == []
        assert reminders(last_quiet + 1) == ["Renew “Living Wage employer”, or take it off your list"]

    def test_many_organisations_in_one_read(self, bakery: tuple[Organisation, Actor]) -> None:
        other = member("Harbour Hands", Sector.VCSE)
        record(*bakery)
        record(other, officer(other)[1])
        both = queries.accreditations_of([bakery[0].id, other.id], START)
        assert {key: len(held) for key, held in both.items()} == {bakery[0].id: 1, other.id: 1}


def test_two_colleagues_at_once_keep_one_saving(app: Flask, bakery: tuple[Organisation, Actor]) -> None:
    organisation_id, actor = bakery[0].id, bakery[1]
    barrier, told = Barrier(2), []

    def one(words: str) -> None:
        with app.app_context():
            barrier.wait()
            try:
                with transaction():
                    service.save_profile(
                        organisation_id=organisation_id,
                        said=replace(SAID, offers=words),
                        seen=0,
                        actor=actor,
                        now=START,
                    )
                told.append("saved")
            except FundError as error:
                told.append(type(error).__name__)
            finally:
                db.session.remove()

    threads = [Thread(target=one, args=(words,)) for words in ("Mine", "Theirs")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["Conflict", "saved"]
