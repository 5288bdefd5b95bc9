"""Where membership meets ballots, proposals and gates: suspended and former members, and connected groups."""

from datetime import timedelta

import pytest
from flask import Flask

from fund.kernel.access import Actor, Role
from fund.kernel.calendar import london_day
from fund.kernel.clock import MovableClock
from fund.kernel.db import transaction
from fund.kernel.errors import NotAllowed, RuleBroken
from members import service
from members.models import Organisation
from members.register import leaving_service as leaving
from members.register.rules import EventKind
from members.rules import Sector
from proposals import service as proposals
from proposals.evidence.collaboration import independent_sectors
from tests.conftest import START
from tests.proposals.evidence.cases import partner
from tests.proposals.scene import complete, make_scene
from tests.voting.paper import Choice, answer, ballot, lay, notice, opened, say
from tests.world import official
from voting import queries as voting


@pytest.fixture
def board(app: Flask) -> Actor:
    return official("Bo Board", Role.BOARD)[1]


def suspended(organisation: Organisation, board: Actor, clock: MovableClock, *, days: int = 30) -> None:
    organisation_id, today = organisation.id, london_day(clock.now())
    with transaction():
        leaving.suspend(
            organisation_id=organisation_id, from_on=today, until_on=today + timedelta(days=days), reasons="Late",
            actor=board, now=clock.now(),
        )  # fmt: skip


def ended(organisation: Organisation, board: Actor, clock: MovableClock) -> None:
    organisation_id = organisation.id
    with transaction():
        leaving.end_by_board(
            organisation_id=organisation_id, kind=EventKind.DISSOLVED, reasons="Gone", actor=board, now=clock.now()
        )


def on_roll(reference: str) -> set[str]:
    return {entry.name for entry in voting.roll(ballot(reference).id)}


def test_suspended_and_former_members_are_on_no_roll(app: Flask, clock: MovableClock, board: Actor) -> None:
    paper = lay()
    suspended(paper.members[0], board, clock)
    ended(paper.members[3], board, clock)
    assert on_roll(notice(paper, clock)) == {one.name for one in paper.members} - {"Private 1", "Public 1"}


def test_who_is_suspended_or_leaves_after_notice_saves_no_vote_and_keeps_what_it_saved(
    app: Flask, clock: MovableClock, board: Actor
) -> None:
    paper = lay()
    reference = opened(paper, clock)
    (item,) = ballot(reference).items
    voter, other = paper.voters["Private 1"], paper.voters["Private 2"]
    for one in (voter, other):
        answer(reference, one, clock)
        say(reference, one, item.id, Choice.FOR, clock)
    suspended(paper.members[0], board, clock, days=3)
    with pytest.raises(NotAllowed, match="suspended"):
        say(reference, voter, item.id, Choice.AGAINST, clock)
    ended(paper.members[1], board, clock)
    with pytest.raises(NotAllowed):
        say(reference, other, item.id, Choice.AGAINST, clock)
    entry = voting.roll_entry_of(ballot(reference).id, paper.members[0].id)
    assert entry is not None
    clock.move(timedelta(days=4))
    say(reference, voter, item.id, Choice.AGAINST, clock)


def test_a_suspended_member_starts_and_sends_no_proposal(app: Flask, clock: MovableClock, board: Actor) -> None:
    scene = make_scene()
    made = complete(scene)
    suspended(scene.charity, board, clock)
    with pytest.raises(RuleBroken, match="not suspended"), transaction():
        proposals.start_proposal(round_id=scene.round.id, title="x", actor=scene.lead, now=START)
    with pytest.raises(RuleBroken, match="can't send a proposal now"), transaction():
        proposals.submit(proposal_id=made.id, actor=scene.lead, now=START)
    with transaction():
        leaving.lift_suspension(organisation_id=scene.charity.id, reasons="They came", actor=board, now=clock.now())
    with transaction():
        proposals.submit(proposal_id=made.id, actor=scene.lead, now=START)


def test_a_group_made_by_the_steward_is_one_vote_and_one_body(app: Flask, clock: MovableClock) -> None:
    """And parted again, it is two."""
    steward = official("Stella Steward", Role.STEWARD)[1]
    paper = lay()
    one, other = paper.members[0], paper.members[3]
    ids = (one.id, other.id)
    assert (one.sector, other.sector) == (Sector.PRIVATE, Sector.PUBLIC)

    def sectors() -> list[Sector]:
        return independent_sectors([partner(found.id, found.sector, group_id=found.group_id) for found in (one, other)])

    assert sectors() == [Sector.PRIVATE, Sector.PUBLIC]
    with transaction():
        service.connect(organisation_id=ids[0], other_id=ids[1], reason="One owner", actor=steward, now=clock.now())
    assert len(sectors()) == 1
    reference = notice(paper, clock)
    votes = voting.votes_by_sector(ballot(reference).id)
    assert sum(votes.values()) == len(paper.members) - 1
    with transaction():
        service.disconnect(organisation_id=ids[1], reason="Sold", actor=steward, now=clock.now())
    assert sectors() == [Sector.PRIVATE, Sector.PUBLIC]
    assert on_roll(reference) == {member.name for member in paper.members}, "a roll that was given stays as it was"
