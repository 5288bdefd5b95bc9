"""A closed round with assessed proposals, and members to vote on them, made directly: what is tested begins after."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count

from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import transaction
from fund.kernel.policy import Policy
from members.accounts.models import Person
from members.models import Organisation
from members.rules import LegalForm, MembershipStatus, Sector
from proposals.assessment.models import Assessment
from proposals.models import Partner, Proposal, ProposalVersion, Round
from proposals.rules import ProposalState, RoundState
from tests import world
from tests.scenes import laid_once
from voting import queries, service
from voting.methods.resolution import Choice
from voting.models import Ballot

_numbers = count(1)
SENT = datetime(2026, 5, 1, 9, tzinfo=UTC)


@dataclass
class Paper:
    """Everything a ballot needs."""

    secretary_person: Person
    secretary: Actor
    members: list[Organisation]
    voters: dict[str, Actor] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    round_id: int = 0
    round_reference: str = ""
    proposal_ids: list[int] = field(default_factory=list)

    def of(self, sector: Sector) -> list[Organisation]:
        return [member for member in self.members if member.sector is sector]


@laid_once
def lay(
    *,
    private: int = 3,
    public: int = 3,
    vcse: int = 4,
    asks: Sequence[int] = (10_000_00,),
    budget_pence: int = 50_000_00,
) -> Paper:
    """Members with a representative each, a secretary, and a closed round with one proposal for each sum in `asks`.

    Each proposal is led by an organisation that is not a member, so that nobody is conflicted unless a test says so.
    """
    secretary_person, secretary = world.official("Sal Secretary", Role.SECRETARY)
    members = [
        world.member(f"{sector.value.title()} {number}", sector)
        for sector, amount in ((Sector.PRIVATE, private), (Sector.PUBLIC, public), (Sector.VCSE, vcse))
        for number in range(1, amount + 1)
    ]
    paper = Paper(secretary_person, secretary, members)
    for member in members:
        person, actor = world.officer(member, Role.REPRESENTATIVE, name=f"Rep of {member.name}")
        paper.voters[member.name], paper.people[member.name] = actor, person
    assessors = [world.person("Ada", Role.ASSESSOR), world.person("Bo", Role.LIVED_EXPERIENCE_ASSESSOR)]
    number = next(_numbers)
    with transaction() as session:
        policy = Policy()
        round_ = Round(
            reference=f"R-2026-{number}",
            title=f"Warm places {number}",
            purpose="p",
            written_case="w",
            senior_officer="s",
            state=RoundState.CLOSED,
            budget_pence=budget_pence,
            smallest_pence=1,
            largest_pence=10**9,
            opens_at=SENT - timedelta(days=30),
            closes_at=SENT,
            decide_by=date(2026, 9, 1),
            policy_json=policy.as_json(),
            policy_version=policy.version,
            created_at=SENT - timedelta(days=40),
        )
        session.add(round_)
        session.flush()
        paper.round_id, paper.round_reference = round_.id, round_.reference
    for place, pence in enumerate(asks, start=1):
        paper.proposal_ids.append(add_proposal(paper, pence, place, assessors))
    return paper


def add_proposal(paper: Paper, pence: int, place: int, assessors: Sequence[Person]) -> int:
    """An eligible proposal, sent and scored 3 at every gate."""
    lead = _outsider(place)
    with transaction() as session:
        session.add(lead)
        session.flush()
        proposal = Proposal(
            reference=f"P-2026-{next(_numbers):03d}",
            round_id=paper.round_id,
            lead_id=lead.id,
            title=f"Proposal {place}",
            state=ProposalState.ELIGIBLE,
            created_by_id=assessors[0].id,
            created_at=SENT - timedelta(days=9),
        )
        session.add(proposal)
        session.flush()
        sections = [{"code": "idea", "answers": [{"code": "summary", "value": f"In short, proposal {place}."}]}]
        version = ProposalVersion(
            proposal_id=proposal.id,
            number=1,
            content=json.dumps({"sections": sections}),
            sha256="0" * 64,
            requested_pence=pence,
            submitted_at=SENT + timedelta(minutes=place),
            submitted_by_id=assessors[0].id,
        )
        session.add(version)
        session.flush()
        for index, assessor in enumerate(assessors):
            session.add(
                Assessment(
                    version_id=version.id,
                    assessor_id=assessor.id,
                    lived_experience=index == 1,
                    conflict="",
                    declared_at=SENT,
                    **{f"g{gate}_score": 3 for gate in range(1, 5)},
                    **{f"g{gate}_reasons": "r" for gate in range(1, 5)},
                    revision=1,
                    saved_at=SENT,
                    submitted_at=SENT,
                )
            )
        return proposal.id


def _outsider(place: int) -> Organisation:
    number = next(_numbers)
    return Organisation(
        reference=f"GM-X{number}",
        name=f"Outsider {place}",
        legal_form=LegalForm.CHARITY,
        district="E08000003",
        address="1 Example Street",
        proposed_sector=Sector.VCSE,
        sector=Sector.VCSE,
        status=MembershipStatus.LEFT,
        applied_at=world.LONG_AGO,
        contact_name="C",
        contact_email=f"x{number}@example.org",
    )


def make_partner(proposal_id: int, organisation: Organisation, *, invited_by: Actor) -> None:
    """Make an organisation a confirmed partner."""
    organisation_id = organisation.id
    with transaction() as session:
        session.add(
            Partner(
                proposal_id=proposal_id,
                organisation_id=organisation_id,
                is_lead=False,
                contribution_description="",
                contribution_pence=0,
                valuation_basis="",
                grant_share_pence=0,
                principles_version="1.0",
                invited_at=SENT,
                invited_by_id=invited_by.person_id,
                confirmed_at=SENT,
            )
        )


OPENS = datetime(2026, 6, 10, 8, tzinfo=UTC)
CLOSES = datetime(2026, 6, 20, 16, tzinfo=UTC)


@laid_once
def notice(paper: Paper, clock: MovableClock) -> str:
    """Draft and give notice, with the earliest lawful day of a notice on 1 June; gives the reference."""
    with transaction():
        reference = service.draft_ballot(round_id=paper.round_id, actor=paper.secretary, now=clock.now()).reference
    with transaction():
        service.give_notice(
            reference=reference, opens_at=OPENS, closes_at=CLOSES, actor=paper.secretary, now=clock.now()
        )
    return reference


@laid_once
def opened(paper: Paper, clock: MovableClock) -> str:
    """An open ballot."""
    reference = notice(paper, clock)
    clock.move_to(OPENS)
    sweep(clock)
    return reference


def sweep(clock: MovableClock) -> int:
    with transaction():
        return service.sweep(clock.now())


def answer(reference: str, actor: Actor, clock: MovableClock, items: Sequence[int] = ()) -> None:
    """Answer the question about conflicts of interest."""
    with transaction():
        service.declare_conflicts(reference=reference, item_ids=items, note="", actor=actor, now=clock.now())


def say(reference: str, actor: Actor, item_id: int, choice: Choice, clock: MovableClock, reason: str = "") -> str:
    """Vote, and give the receipt."""
    with transaction():
        return service.vote(
            reference=reference, item_id=item_id, choice=choice, reason=reason, actor=actor, now=clock.now()
        ).receipt


@laid_once
def everybody(reference: str, paper: Paper, clock: MovableClock, votes: dict[Sector, str], item_id: int) -> None:
    """Every member votes on an item: "ffa" is for, for, against; "-" abstains and " " stays away."""
    kinds = {"f": Choice.FOR, "a": Choice.AGAINST, "-": Choice.ABSTAIN}
    for sector, line in votes.items():
        for member, letter in zip(paper.of(sector), line, strict=False):
            if letter != " ":
                answer(reference, paper.voters[member.name], clock)
                say(reference, paper.voters[member.name], item_id, kinds[letter], clock)


@laid_once
def finish(reference: str, paper: Paper, clock: MovableClock) -> None:
    """Close, count and declare."""
    clock.move_to(CLOSES)
    sweep(clock)
    with transaction():
        service.declare(reference=reference, actor=paper.secretary, now=clock.now())


def ballot(reference: str) -> Ballot:
    return queries.ballot(reference, Actor(0, "Secretary", frozenset({Role.SECRETARY})))
