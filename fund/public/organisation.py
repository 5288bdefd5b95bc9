"""What the page of an organisation shows, put together from the reads of the folders that own it.

Everybody sees the open book's part; how it voted and who acts for it are for members and the fund's own people.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import fund.grants.queries as grants
import fund.reporting.queries as reporting
import ledger.queries as books
import members.queries as members
import voting.queries as voting
from fund.grants.queries import PublicAward
from fund.kernel.access import Actor
from fund.kernel.calendar import in_words, london_day
from fund.kernel.society import Society, society
from fund.public.tracing import TracedYear, together, trace
from ledger.rules import AccountKind
from members.models import Organisation
from members.profile import queries as profiles
from members.profile.models import Profile
from members.profile.queries import Held
from members.rules import MembershipStatus
from proposals.evidence import queries as evidence
from proposals.evidence.models import Lever
from proposals.rules import fund_year
from voting.queries import CastVote

ON_THE_PAGE = 5
PAGE = 30


@dataclass(frozen=True)
class Commitment:
    """A change in how things work that the organisation owns, and how the award it belongs to stands (R22)."""

    lever: Lever
    award: PublicAward
    status: str
    tone: str


@dataclass(frozen=True)
class Part:
    """A page of something; `more` when there is another."""

    page: int
    more: bool


@dataclass(frozen=True)
class OrganisationPage:
    """Everything that this reader may see. `votes` is None for whom they are not.

    `latest` is the last fund year in which its money was used, or else in which it paid in.
    """

    organisation: Organisation
    paid_pence: int
    years: Sequence[TracedYear]
    latest: TracedYear | None
    titles: dict[str, str]
    connected: Sequence[Organisation]
    awards: Sequence[PublicAward]
    commitments: Sequence[Commitment]
    profile: Profile | None
    interests: Sequence[str]
    accreditations: Sequence[Held]
    votes: Sequence[CastVote] | None


def organisation_page(found: Organisation, reader: Actor | None, now: datetime) -> OrganisationPage:
    """The page of an organisation, in a fixed number of queries."""
    years = traced(found)
    latest = next((year for year in reversed(years) if year.used_pence), years[-1] if years else None)
    awards = grants.public_awards_of(found.id, limit=ON_THE_PAGE + 1)
    return OrganisationPage(
        organisation=found,
        paid_pence=books.paid_in_by_owner([found.owner]).get(found.owner, 0),
        years=years,
        latest=latest,
        titles=titles([latest] if latest else []),
        connected=[one for one in members.connected_with(found) if one.status is MembershipStatus.MEMBER],
        awards=awards,
        commitments=commitments(found.id, awards[:ON_THE_PAGE], now),
        profile=profiles.profile(found.id),
        interests=profiles.interests(found.id),
        accreditations=profiles.accreditations(found.id, now),
        votes=voting.declared_votes_of(found.id, limit=ON_THE_PAGE + 1) if voting.may_see_votes(reader) else None,
    )


# --- money


def traced(found: Organisation) -> list[TracedYear]:
    """What it paid in and where that went, by fund year, straight from the books (see `fund.public.tracing`)."""
    return together(traced_apart(found))


def traced_apart(found: Organisation) -> dict[str | None, list[TracedYear]]:
    """The same for each restricted fund that it paid into; None is money for any award, and stands first.

    What was paid back to a member counts as if it had not been paid in.
    """
    owned = society()
    paid_in: dict[str | None, dict[int, dict[str, int]]] = {}
    for kind in (AccountKind.CONTRIBUTIONS, AccountKind.REFUNDS):
        for restriction, owner, day, pence in books.moved_by_restriction(kind):
            held = paid_in.setdefault(restriction, {}).setdefault(year_of(day, owned), {})
            held[owner] = held.get(owner, 0) - pence
    paid_out: dict[str | None, dict[int, dict[str, int]]] = {}
    for restriction, owner, day, pence in books.moved_by_restriction(AccountKind.GRANTS_PAID):
        given = paid_out.setdefault(restriction, {}).setdefault(year_of(day, owned), {})
        award = owner.removeprefix("grant:")
        given[award] = given.get(award, 0) + pence
    years = {
        one: trace(paid_in.get(one, {}), paid_out.get(one, {}), found.owner)
        for one in sorted({*paid_in, *paid_out}, key=lambda one: (one is not None, one or ""))
    }
    return {one: traced for one, traced in years.items() if traced}


def year_of(day: date, owned: Society | None) -> int:
    """The year in which the fund year of `day` begins; years end on 31 March until a society says otherwise."""
    month, last = (owned.year_end_month, owned.year_end_day) if owned else (3, 31)
    return fund_year(day, month, last).first.year


def year_names() -> Callable[[int], str]:
    """How fund years are called: 2026–27, or 2026 where they are calendar years."""
    owned = society()
    if owned is not None and (owned.year_end_month, owned.year_end_day) == (12, 31):
        return str
    return lambda year: f"{year}–{(year + 1) % 100:02d}"


def titles(years: Sequence[TracedYear]) -> dict[str, str]:
    """Titles of the awards that these years paid."""
    return grants.public_titles([reference for year in years for reference, _ in year.awards])


# --- what it does


def commitments(organisation_id: int, awards: Sequence[PublicAward], now: datetime) -> list[Commitment]:
    """What it promised to change in these awards, with how each stands by the award's agreement and reports."""
    by_proposal = {award.proposal_id: award for award in awards}
    levers = evidence.levers_owned(organisation_id, list(by_proposal))
    accepted: dict[str, list[datetime]] = {}
    for report in reporting.accepted_reports(sorted({by_proposal[lever.proposal_id].reference for lever in levers})):
        if report.accepted_at is not None:
            accepted.setdefault(report.award_reference, []).append(report.accepted_at)
    found = []
    for lever in levers:
        award = by_proposal[lever.proposal_id]
        status, tone = commitment_status(award, accepted.get(award.reference, []), london_day(now))
        found.append(Commitment(lever, award, status, tone))
    return found


def commitment_status(award: PublicAward, accepted: Sequence[datetime], today: date) -> tuple[str, str]:
    """How a promised change stands, in words and tone: promised, under way, told of in reports, or its time is over."""
    if award.live_on is None:
        return "Promised; the agreement is being signed", "plain"
    told = f"last report accepted on {in_words(london_day(max(accepted)))}" if accepted else "no report accepted yet"
    if today < award.start_on:
        return f"Promised; starts on {in_words(award.start_on)}", "plain"
    if today > award.end_on:
        return f"The grant ended on {in_words(award.end_on)}; {told}", "good" if accepted else "wait"
    return f"Under way since {in_words(award.start_on)}; {told}", "good" if accepted else "wait"


def part_of_awards(organisation_id: int, page: int) -> tuple[list[PublicAward], Part]:
    """A page of the awards that it leads or has a part in."""
    page = max(1, min(page, 1_000_000))
    rows = grants.public_awards_of(organisation_id, limit=PAGE + 1, offset=(page - 1) * PAGE)
    return rows[:PAGE], Part(page, len(rows) > PAGE)


def part_of_votes(organisation_id: int, page: int) -> tuple[list[CastVote], Part]:
    """A page of how it voted."""
    page = max(1, min(page, 1_000_000))
    rows = voting.declared_votes_of(organisation_id, limit=PAGE + 1, offset=(page - 1) * PAGE)
    return rows[:PAGE], Part(page, len(rows) > PAGE)
