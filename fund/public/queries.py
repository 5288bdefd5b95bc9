"""What the open book shows, put together from the reads of the folders that own it. Money is pence, straight from the
books; every split by sector sums to its whole (R01)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import fund.grants.queries as grants
import fund.reporting.queries as reporting
import ledger.bank.queries as bank
import ledger.queries as books
import members.queries as members
import proposals.queries as proposals
import voting.queries as voting
from fund.grants.queries import PublicAward, PublicPayment
from fund.kernel.errors import NotFound
from fund.reporting.models import Commitment, Measure, Outcome, Reading, Story
from fund.reporting.rules import aggregate
from ledger.money import split
from ledger.queries import Pot
from members.models import Organisation
from members.rules import MembershipStatus, Sector
from proposals.models import Partner, Round
from proposals.questions import PLACES, SUMMARY, chosen
from proposals.rules import RoundState
from voting.models import Ballot, ItemResult
from voting.rules import BallotState

MOST_AWARDS = 5_000
ON_THE_FRONT = 3

BySector = dict[Sector | None, int]
"""Sector → pence, in the order of the sectors; None, for a sector not yet confirmed, only where it is needed."""


def by_sector(amounts: Iterable[tuple[Sector | None, int]]) -> BySector:
    """Amounts added up by sector."""
    sums: BySector = dict.fromkeys(Sector, 0)
    for sector, pence in amounts:
        sums[sector] = sums.get(sector, 0) + pence
    if not sums.get(None):
        sums.pop(None, None)
    return sums


# --- money


@dataclass(frozen=True)
class Contributor:
    """What a member has paid in."""

    organisation: Organisation
    pence: int


@dataclass(frozen=True)
class AwardMoney:
    """An award in the books: what is granted is what is paid and what is still reserved."""

    award: PublicAward
    granted_pence: int


@dataclass(frozen=True)
class Money:
    """The whole of the fund's money."""

    pot: Pot
    paid_in: BySector
    granted: BySector
    paid_out: BySector
    contributors: tuple[Contributor, ...]
    awards: tuple[AwardMoney, ...]

    @property
    def granted_pence(self) -> int:
        """Everything promised in live agreements, paid already or not."""
        return self.pot.committed_pence + self.pot.paid_pence


def paid_in_by_sector() -> BySector:
    """What the sectors have paid in, from the books."""
    return by_sector((one.organisation.sector, one.pence) for one in contributors())


def contributors() -> tuple[Contributor, ...]:
    """Every organisation that has paid in, by name."""
    held = books.paid_in_by_owner()
    known = members.organisations_by_reference(owner.removeprefix("org:") for owner in held)
    found = [
        Contributor(known[owner.removeprefix("org:")], pence)
        for owner, pence in held.items()
        if pence and owner.removeprefix("org:") in known
    ]
    return tuple(sorted(found, key=lambda one: (one.organisation.name.casefold(), one.organisation.id)))


def money() -> Money:
    """The page that follows the money."""
    payers = contributors()
    live = [one for one in grants.public_awards(limit=MOST_AWARDS) if one.paid_pence or one.committed_pence]
    awards = tuple(AwardMoney(one, one.paid_pence + one.committed_pence) for one in live)
    return Money(
        pot=books.pot(),
        paid_in=by_sector((one.organisation.sector, one.pence) for one in payers),
        granted=by_sector(part for one in awards for part in _granted_parts(one)),
        paid_out=_paid_out(),
        contributors=payers,
        awards=awards,
    )


def _granted_parts(one: AwardMoney) -> list[tuple[Sector | None, int]]:
    """What is granted, by the partners' shares: the shares themselves, unless part of the award was released."""
    partners = one.award.partners
    parts = split(one.granted_pence, [partner.pence for partner in partners])
    return [(partner.sector, pence) for partner, pence in zip(partners, parts, strict=True)]


def _paid_out() -> BySector:
    paid = bank.paid_by_owner()
    known = members.organisations_by_reference(owner.removeprefix("org:") for owner in paid)
    sectors = {reference: organisation.sector for reference, organisation in known.items()}
    return by_sector((sectors.get(owner.removeprefix("org:")), pence) for owner, pence in paid.items())


# --- awards


@dataclass(frozen=True)
class AwardLine:
    """An award in a list, with the districts that it is for."""

    award: PublicAward
    districts: tuple[str, ...]


def award_lines(*, district: str | None = None, sector: Sector | None = None, limit: int = 500) -> list[AwardLine]:
    """Awards, newest first, those for a district or led from a sector where that is asked."""
    found = grants.public_awards(limit=limit)
    places = proposals.answers_to(PLACES, [one.proposal_id for one in found])
    lines = [AwardLine(one, chosen(places.get(one.proposal_id, ""))) for one in found]
    return [
        line
        for line in lines
        if (district is None or district in line.districts) and (sector is None or line.award.lead_sector is sector)
    ]


@dataclass(frozen=True)
class Evidence:
    """What reports told about one outcome of an award: numbers and stories in pairs, either of which may be missing."""

    outcome: Outcome
    pairs: tuple[tuple[Reading | None, Story | None], ...]


@dataclass(frozen=True)
class AwardPage:
    """Everything that anyone may see of an award."""

    award: PublicAward
    summary: str
    districts: tuple[str, ...]
    partners: tuple[tuple[Sector | None, tuple[Partner, ...]], ...]
    ballot: Ballot | None
    result: ItemResult | None
    payments: tuple[PublicPayment, ...]
    commitments: Sequence[Commitment]
    evidence: tuple[Evidence, ...]
    reports: tuple[tuple[int, datetime | None, str], ...]
    stories_told: int
    stories_shown: int


def award_page(reference: str, now: datetime) -> AwardPage:
    """An award with its decision, payments and reports. Raises NotFound for one that is not public."""
    award = grants.award_public(reference)
    places = proposals.answers_to(PLACES, [award.proposal_id])
    summaries = proposals.answers_to(SUMMARY, [award.proposal_id])
    stories = reporting.published_stories(award_references=[reference])
    ballot, result = _decision(award)
    return AwardPage(
        award=award,
        summary=summaries.get(award.proposal_id, ""),
        districts=chosen(places.get(award.proposal_id, "")),
        partners=_by_sector(proposals.partners(award.proposal_id)),
        ballot=ballot,
        result=result,
        payments=tuple(grants.payments_public(reference, now)),
        commitments=reporting.commitments(reference),
        evidence=evidence(reporting.accepted_readings(award_references=[reference]), stories),
        reports=tuple(
            (one.number, one.accepted_at, one.unwanted_change) for one in reporting.accepted_reports([reference])
        ),
        stories_told=reporting.stories_told([reference]),
        stories_shown=len(stories),
    )


def _decision(award: PublicAward) -> tuple[Ballot | None, ItemResult | None]:
    try:
        ballot = voting.ballot(award.ballot_reference, None)
    except NotFound:
        return None, None
    for result in voting.results(ballot.id):
        if result.item.proposal_id == award.proposal_id:
            return ballot, result
    return ballot, None


def _by_sector(partners: Sequence[Partner]) -> tuple[tuple[Sector | None, tuple[Partner, ...]], ...]:
    order: list[Sector | None] = [*Sector, None]
    found = {sector: tuple(one for one in partners if one.organisation.sector is sector) for sector in order}
    return tuple((sector, those) for sector, those in found.items() if those)


def evidence(readings: Sequence[Reading], stories: Sequence[Story]) -> tuple[Evidence, ...]:
    """Numbers and stories side by side, outcome by outcome in the framework's order."""
    items = [*readings, *stories]
    items.sort(key=lambda one: (one.outcome.position, one.outcome_id))
    found = []
    for _, group in groupby(items, key=lambda one: one.outcome_id):
        both = list(group)
        numbers = [one for one in both if isinstance(one, Reading)]
        told = [one for one in both if isinstance(one, Story)]
        longest = max(len(numbers), len(told))
        pairs = tuple(
            (numbers[place] if place < len(numbers) else None, told[place] if place < len(told) else None)
            for place in range(longest)
        )
        found.append(Evidence(both[0].outcome, pairs))
    return tuple(found)


# --- what changed


@dataclass(frozen=True)
class Total:
    """One measure over all awards that report on it. `scaled` is None where the measure does not add up."""

    measure: Measure
    scaled: int | None
    awards: int


def totals(readings: Sequence[Reading]) -> list[Total]:
    """Every measure's figure, in the framework's order; versions of a framework are never mixed (R15)."""
    ordered = [one for one in readings if one.measure is not None]
    ordered.sort(key=lambda one: (one.measure.framework_id, one.measure.position) if one.measure else (0, 0))
    found = []
    for _, group in groupby(ordered, key=lambda one: one.measure_id):
        those = list(group)
        measure = those[0].measure
        if measure is not None:
            scaled = aggregate(reporting.valued(those), measure.aggregation)
            found.append(Total(measure, scaled, len({one.report.award_reference for one in those})))
    return found


def pair(readings: Sequence[Reading], stories: Sequence[Story]) -> tuple[Reading | None, Story | None]:
    """One number and one story of the same outcome of the same award, the latest such pair; else whatever there is."""
    numbers: dict[tuple[str, int], Reading] = {}
    for one in reversed(readings):
        numbers[one.report.award_reference, one.outcome_id] = one
    for story in stories:
        reading = numbers.get((story.report.award_reference, story.outcome_id))
        if reading is not None:
            return reading, story
    return (readings[0] if readings else None), None


# --- the front page


@dataclass(frozen=True)
class Front:
    """What a visitor sees first."""

    pot: Pot
    paid_in: BySector
    members: Mapping[Sector, int]
    awards: list[AwardLine]
    reading: Reading | None
    story: Story | None
    rounds: list[Round]
    ballots: list[Ballot]

    @property
    def granted_pence(self) -> int:
        """Everything promised in live agreements, paid already or not."""
        return self.pot.committed_pence + self.pot.paid_pence


def front() -> Front:
    """The front page, in a fixed number of queries."""
    reading, story = pair(reporting.accepted_readings(limit=200), reporting.published_stories(limit=20))
    return Front(
        pot=books.pot(),
        paid_in=paid_in_by_sector(),
        members=members.members_by_sector(),
        awards=award_lines(limit=ON_THE_FRONT),
        reading=reading,
        story=story,
        rounds=[one for one in proposals.public_rounds() if one.state in (RoundState.OPEN, RoundState.PUBLISHED)],
        ballots=[one for one in voting.ballots(None) if one.state in (BallotState.OPEN, BallotState.NOTICE_GIVEN)],
    )


def is_member(organisation_id: int) -> bool:
    """Whether an organisation is a member now: its people may read the stories told for members."""
    return members.organisation_by_id(organisation_id).status is MembershipStatus.MEMBER
