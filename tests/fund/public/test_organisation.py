"""The page of an organisation: its money to the penny, what it promised, its votes, and who may see what."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import event, select

import ledger.service
from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.public import organisation as found_in
from ledger.money import format_pence
from ledger.queries import balance, pot
from ledger.rules import AccountKind
from members.accounts.models import Person
from members.models import Organisation, SectorDecision
from members.profile import service as profiles
from members.profile.rules import Description, Details
from members.rules import MembershipStatus, Sector
from proposals.evidence.models import Lever
from proposals.evidence.words import LeverKind
from proposals.models import Partner
from tests import world
from tests.fund.grants.awarding import Grant
from tests.fund.public.conftest import contribute
from tests.visitor import Page, Visitor
from voting.methods.resolution import Choice
from voting.models import AutomaticConflict, Ballot, BallotItem, RollEntry, Vote
from voting.rules import BallotState, ConflictKind


def page_of(visitor: Visitor, organisation: Organisation, more: str = "") -> Page:
    return visitor.get(f"/members/{organisation.reference}{more}")


def with_lever(grant: Grant, owner: Organisation, *, confirmed: bool = True) -> None:
    with transaction() as session:
        part = session.scalars(select(Partner).where(Partner.organisation_id == owner.id)).one()
        lever = Lever(
            proposal_id=part.proposal_id,
            kind=LeverKind.COMMISSIONING,
            today="Bought by the night",
            after="Bought by the year",
            owner_partner_id=part.id,
            revision=1,
        )
        session.add(lever)
        session.flush()
        if confirmed:
            lever.confirmed_at, lever.confirmed_terms = grant.now, lever.terms


def voted(
    organisation: Organisation, choice: Choice | None, *, conflict: bool = False, group: str | None = None
) -> None:
    with transaction() as session:
        item = session.scalars(select(BallotItem)).one()
        entry = RollEntry(
            ballot_id=item.ballot_id,
            organisation_id=organisation.id,
            reference=organisation.reference,
            name=organisation.name,
            sector=organisation.sector,
            votes_through=group,
        )
        session.add(entry)
        session.flush()
        if conflict:
            session.add(AutomaticConflict(item_id=item.id, roll_entry_id=entry.id, kind=ConflictKind.PARTNER))
        if choice is not None:
            session.add(
                Vote(
                    item_id=item.id,
                    roll_entry_id=entry.id,
                    choice=choice,
                    reason="It mends what is broken.",
                    cast_by_id=session.scalars(select(Person.id).limit(1)).one(),
                    cast_at=item.submitted_at,
                    sequence=1,
                )
            )


class TestMoney:
    def test_paid_in_is_the_ledgers_to_the_penny(self, grant: Grant, visitor: Visitor) -> None:
        for organisation in (grant.lead, grant.firm, grant.council):
            held = -balance(AccountKind.CONTRIBUTIONS, organisation.owner)
            years = found_in.traced(organisation)
            assert sum(year.paid_in_pence for year in years) == held > 0
            assert format_pence(held) in page_of(visitor, organisation).text

    def test_the_members_parts_come_to_what_the_pot_paid(self, grant: Grant, visitor: Visitor) -> None:
        parts = [found_in.traced(organisation) for organisation in (grant.lead, grant.firm, grant.council)]
        assert sum(year.used_pence for years in parts for year in years) == pot().paid_pence > 0
        whole = page_of(visitor, grant.firm, "/money")
        assert "Kitchens on wheels" in whole.links()
        assert format_pence(parts[1][0].used_pence) in whole.text

    def test_a_contribution_that_was_undone_was_never_there(self, grant: Grant, clock: MovableClock) -> None:
        newcomer = world.member("Late Payer", Sector.PRIVATE)
        contribute(newcomer, 5_00, clock, "late")
        assert [year.paid_in_pence for year in found_in.traced(newcomer)] == [5_00]
        clock.move(timedelta(days=400))  # in another fund year
        with transaction():
            ledger.service.reverse(
                key="undo",
                reversed_key="contribution:late",
                reason="The bank took it back.",
                occurred_on=clock.now().date(),
                actor=None,
                now=clock.now(),
            )
        assert found_in.traced(newcomer) == []

    def test_one_that_paid_nothing_loses_nothing(self, grant: Grant, visitor: Visitor) -> None:
        page = page_of(visitor, world.member("No Money Yet", Sector.VCSE))
        assert "It has paid nothing in yet." in page.text
        assert "£0" in page.text


class TestPromises:
    def test_the_page_lists_its_own_system_commitments_and_status(self, grant: Grant, visitor: Visitor) -> None:
        with_lever(grant, grant.council)
        page = page_of(visitor, grant.council)
        assert "Bought by the year" in page.text
        assert "Promised in Kitchens on wheels" in page.text
        assert "no report accepted yet" in page.text or "starts on" in page.text
        assert "Bought by the year" not in page_of(visitor, grant.firm).text
        assert "Bought by the year" in page_of(visitor, grant.council, "/awards").text

    def test_one_that_its_owner_never_confirmed_is_no_promise(self, grant: Grant, visitor: Visitor) -> None:
        with_lever(grant, grant.council, confirmed=False)
        assert "Bought by the year" not in page_of(visitor, grant.council).text

    def test_its_awards_with_what_it_is_in_them(self, grant: Grant, visitor: Visitor) -> None:
        assert "leads it" in page_of(visitor, grant.lead).text
        assert "partner; led by Irwell Kitchens" in page_of(visitor, grant.council).text

    @pytest.mark.parametrize(
        ("days", "reports", "words"),
        [(-1, 0, "starts on"), (1, 0, "Under way"), (1, 1, "last report accepted on"), (999, 1, "The grant ended on")],
    )
    def test_status_in_words(self, grant: Grant, days: int, reports: int, words: str) -> None:
        (award,) = found_in.grants.public_awards_of(grant.lead.id, limit=5)
        said, _ = found_in.commitment_status(award, [grant.now] * reports, award.start_on + timedelta(days=days))
        assert words in said


class TestVotes:
    @pytest.fixture
    def reader(self, app: Flask, grant: Grant) -> Visitor:
        return Visitor(app).sign_in(grant.people["firm"])

    def test_members_see_them_after_declaration_and_the_public_never(
        self, grant: Grant, visitor: Visitor, reader: Visitor
    ) -> None:
        onlooker = world.member("Onlooker Trust", Sector.VCSE)
        voted(onlooker, Choice.FOR)
        assert "It mends what is broken." in page_of(reader, onlooker).text
        assert "It mends what is broken." in page_of(reader, onlooker, "/votes").text
        public = page_of(visitor, onlooker)
        assert "How it voted" not in public.text
        assert "It mends" not in public.response.text
        assert page_of(visitor, onlooker, "/votes").heading == "Sign in"
        with transaction() as session:
            session.scalars(select(Ballot)).one().state = BallotState.COUNTED
        assert "It mends" not in page_of(reader, onlooker).response.text
        assert "It mends" not in page_of(reader, onlooker, "/votes").response.text

    def test_those_of_a_former_member_see_none(self, app: Flask, grant: Grant) -> None:
        onlooker, left = world.member("Onlooker Trust", Sector.VCSE), world.member("Left Ltd", Sector.PRIVATE)
        voted(onlooker, Choice.FOR)
        with transaction() as session:
            session.get_one(Organisation, left.id).status = MembershipStatus.LEFT
        gone = Visitor(app).sign_in(world.officer(left)[0])
        assert "It mends" not in page_of(gone, onlooker).response.text
        gone.get(f"/members/{onlooker.reference}/votes", status=403)

    @pytest.mark.parametrize(
        ("choice", "conflict", "group", "words"),
        [
            (None, False, None, "Did not vote"),
            (Choice.FOR, True, None, "Took no part: conflict of interest"),
            (None, False, "GM-0001", "Voted through GM-0001"),
            (Choice.ABSTAIN, False, None, "Abstain"),
        ],
    )
    def test_what_it_said_in_words(
        self, grant: Grant, reader: Visitor, choice: Choice | None, conflict: bool, group: str | None, words: str
    ) -> None:
        onlooker = world.member("Onlooker Trust", Sector.VCSE)
        voted(onlooker, choice, conflict=conflict, group=group)
        page = page_of(reader, onlooker)
        assert words in page.text
        assert not conflict or "It mends" not in page.text


class TestWhoSeesWhat:
    def test_names_are_for_members_and_addresses_for_nobody(self, app: Flask, grant: Grant, visitor: Visitor) -> None:
        assert "lead officer" not in page_of(visitor, grant.lead).response.text
        shown = page_of(Visitor(app).sign_in(grant.people["firm"]), grant.lead)
        assert "lead officer, certifier" in shown.text
        assert "@" not in shown.text

    def test_its_own_people_see_links_to_act(self, app: Flask, grant: Grant, visitor: Visitor) -> None:
        own = page_of(Visitor(app).sign_in(grant.people["lead"]), grant.lead)
        assert {"What we say of ourselves", "Our accreditations", "Partner requests"} <= own.links().keys()
        assert "What we say of ourselves" not in page_of(visitor, grant.lead).links()

    def test_what_it_says_of_itself(self, grant: Grant, visitor: Visitor) -> None:
        with transaction():
            profiles.save_profile(
                organisation_id=grant.lead.id,
                said=Description(
                    offers="A kitchen",
                    networks="Kitchens Together",
                    website="https://kitchens.example",
                    interests=frozenset({"space"}),
                ),
                seen=0,
                actor=grant.actors["lead"],
                now=grant.now,
            )
            profiles.record_accreditation(
                organisation_id=grant.lead.id,
                said=Details("Living Wage employer", "A foundation", number="LW-1"),
                actor=grant.actors["lead"],
                now=grant.now,
            )
        page = page_of(visitor, grant.lead)
        for words in ("A kitchen", "Kitchens Together", "Living Wage employer", "Space"):
            assert words in page.text
        assert 'href="https://kitchens.example" rel="noopener noreferrer nofollow"' in page.response.text
        assert "Irwell Kitchens" in page.follow("Space").text
        assert "No member fits" in visitor.get("/members?interest=health").text

    def test_the_public_reads_the_basis_of_a_sector_not_the_papers(self, grant: Grant, visitor: Visitor) -> None:
        with transaction() as session:
            session.add(
                SectorDecision(
                    organisation_id=grant.lead.id,
                    sector=Sector.VCSE,
                    basis="A registered charity",
                    evidence="Seen on paper",
                    decided_by_id=grant.actors["steward"].person_id,
                    decided_at=grant.now,
                )
            )
        page = page_of(visitor, grant.lead)
        assert "A registered charity" in page.text
        assert "Seen on paper" not in page.text

    @pytest.mark.parametrize("more", ["", "/money", "/awards", "/votes"])
    def test_who_was_never_a_member_is_nobodys_business(self, app: Flask, grant: Grant, more: str) -> None:
        applicant = world.member("Applicant", Sector.VCSE)
        with transaction() as session:
            session.get_one(Organisation, applicant.id).status = MembershipStatus.APPLIED
        reader = Visitor(app).sign_in(grant.people["firm"])
        for reference in (applicant.reference, "none-such"):
            reader.get(f"/members/{reference}{more}", status=404)


def test_the_page_takes_as_many_queries_with_much_to_show_as_with_little(app: Flask, grant: Grant) -> None:
    reader = Visitor(app).sign_in(grant.people["board"])

    address = f"/members/{grant.council.reference}"

    def count() -> int:
        seen: list[str] = []

        def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
            seen.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            reader.get(address)
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    with_lever(grant, grant.council)
    count()  # the first look notes that the reader is here
    before = count()
    with_lever(grant, grant.council)
    with_lever(grant, grant.council)
    for number in range(3):
        world.officer(grant.council, Role.EDITOR, name=f"Editor {number}")
    assert count() == before < 40
