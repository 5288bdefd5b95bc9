"""Rules of rounds, proposals and partners (handbook §7, §8, R03). Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from fund.kernel.calendar import year_start
from fund.kernel.clock import LONDON
from fund.kernel.errors import Conflict, Finding, RuleBroken
from fund.kernel.policy import Policy
from ledger.money import format_pence
from members.rules import SECTOR_NAMES, Sector
from proposals.questions import Kind, Question, chosen


class RoundState(StrEnum):
    """Where a round stands (handbook §7)."""

    DRAFT = "draft"
    PUBLISHED = "published"
    OPEN = "open"
    CLOSED = "closed"
    DECIDING = "deciding"
    DECIDED = "decided"


class ProposalState(StrEnum):
    """Where a proposal stands (handbook §7)."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"
    ON_BALLOT = "on_ballot"
    APPROVED = "approved"
    RESERVE = "reserve"
    DECLINED = "declined"


class Decision(StrEnum):
    """What a ballot decided about a proposal."""

    APPROVED = "approved"
    RESERVE = "reserve"
    DECLINED = "declined"


class PartnerRole(StrEnum):
    """What a partner does in a proposal (handbook §8 G1)."""

    LEAD = "lead"
    DELIVER = "deliver"
    FUND = "fund"
    HOST = "host"
    DECIDE_OR_COMMISSION = "decide_or_commission"
    EVALUATE = "evaluate"
    ADVISE = "advise"


ROLE_NAMES = {
    PartnerRole.LEAD: "Leads and answers for it",
    PartnerRole.DELIVER: "Delivers part of the work",
    PartnerRole.FUND: "Puts in money",
    PartnerRole.HOST: "Hosts people or the work",
    PartnerRole.DECIDE_OR_COMMISSION: "Decides or commissions",
    PartnerRole.EVALUATE: "Checks what changed",
    PartnerRole.ADVISE: "Advises",
}


class ContributionKind(StrEnum):
    """What a partner gives to a proposal; only CASH is money, and none of it enters the pot (handbook §6, R48)."""

    CASH = "cash"
    STAFF_TIME = "staff_time"
    SPACE = "space"
    EQUIPMENT = "equipment"
    EXPERTISE = "expertise"
    DATA = "data"
    VOLUNTEERING = "volunteering"


CONTRIBUTION_NAMES = {
    ContributionKind.CASH: "Cash",
    ContributionKind.STAFF_TIME: "Staff time",
    ContributionKind.SPACE: "Space",
    ContributionKind.EQUIPMENT: "Equipment",
    ContributionKind.EXPERTISE: "Expertise",
    ContributionKind.DATA: "Data",
    ContributionKind.VOLUNTEERING: "Volunteering",
}

ROUND_MOVES: dict[RoundState, frozenset[RoundState]] = {
    RoundState.DRAFT: frozenset({RoundState.PUBLISHED}),
    RoundState.PUBLISHED: frozenset({RoundState.OPEN}),
    RoundState.OPEN: frozenset({RoundState.CLOSED}),
    RoundState.CLOSED: frozenset({RoundState.DECIDING}),
    RoundState.DECIDING: frozenset({RoundState.DECIDED, RoundState.CLOSED}),
    RoundState.DECIDED: frozenset({RoundState.CLOSED}),
}
"""State → the states that may follow. A ballot that lapses or is void takes its round back to closed."""

PROPOSAL_MOVES: dict[ProposalState, frozenset[ProposalState]] = {
    ProposalState.DRAFT: frozenset({ProposalState.SUBMITTED}),
    ProposalState.SUBMITTED: frozenset({ProposalState.ELIGIBLE, ProposalState.RETURNED, ProposalState.INELIGIBLE}),
    ProposalState.RETURNED: frozenset({ProposalState.SUBMITTED, ProposalState.INELIGIBLE}),
    ProposalState.ELIGIBLE: frozenset({ProposalState.ON_BALLOT, ProposalState.INELIGIBLE}),
    ProposalState.INELIGIBLE: frozenset(),
    ProposalState.ON_BALLOT: frozenset(
        {ProposalState.APPROVED, ProposalState.RESERVE, ProposalState.DECLINED, ProposalState.ELIGIBLE}
    ),
    ProposalState.APPROVED: frozenset({ProposalState.ELIGIBLE}),
    ProposalState.RESERVE: frozenset({ProposalState.APPROVED, ProposalState.DECLINED, ProposalState.ELIGIBLE}),
    ProposalState.DECLINED: frozenset({ProposalState.ELIGIBLE}),
}
"""State → the states that may follow. A ballot that lapses, or is void even after it was declared, takes a proposal
back to eligible; a place on the reserve list ends in an award or not."""

EDITABLE = frozenset({ProposalState.DRAFT, ProposalState.RETURNED})
DECIDED = frozenset({ProposalState.APPROVED, ProposalState.RESERVE, ProposalState.DECLINED})
OPEN_TO_MEMBERS = DECIDED | {ProposalState.ON_BALLOT}
"""From here on every member's people may read the frozen version."""


def check_round_move(reference: str, present: RoundState, wanted: RoundState) -> None:
    """Raise Conflict where the transition table has no such move."""
    if wanted not in ROUND_MOVES[present]:
        raise Conflict(
            f"Round {reference} is {present.value} now, so it can't become {wanted.value}. "
            "Somebody may have been first: open the round again to see how it stands."
        )


def check_proposal_move(reference: str, present: ProposalState, wanted: ProposalState) -> None:
    """Raise Conflict where the transition table has no such move."""
    if wanted not in PROPOSAL_MOVES[present]:
        now_is, asked = present.value.replace("_", " "), wanted.value.replace("_", " ")
        raise Conflict(
            f"Proposal {reference} is {now_is} now, so it can't become {asked}. "
            "Somebody may have been first: open the proposal again to see how it stands."
        )


def in_england(instant: datetime) -> str:
    """An instant inside a sentence: "4 March 2026 at 2:30pm", by the clock in England."""
    local = instant.astimezone(LONDON)
    return f"{local.day} {local:%B %Y} at {local.hour % 12 or 12}:{local:%M}{'am' if local.hour < 12 else 'pm'}"


# --- rounds


@dataclass(frozen=True)
class FundYear:
    """A year of account: first day and last day, both inside it."""

    first: date
    last: date


def fund_year(day: date, year_end_month: int, year_end_day: int) -> FundYear:
    """The fund year that holds `day`, where years end on the given day (28 or 29 February: the month's end)."""
    opening = (
        date(2025, 3, 1)
        if (year_end_month, year_end_day) in ((2, 28), (2, 29))
        else date(2025, year_end_month, year_end_day) + timedelta(days=1)
    )
    first = year_start(day, opening.month, opening.day)
    return FundYear(first, date(first.year + 1, opening.month, opening.day) - timedelta(days=1))


def sectors_without_money(cleared_pence: Mapping[Sector, int], policy: Policy) -> list[Finding]:
    """What stands in the way of opening a round (R03): one sentence per sector without cleared money this fund year."""
    if not policy.pot_all_sectors_required:
        return []
    return [
        Finding(
            f"The {SECTOR_NAMES[sector]} sector has paid £0 of cleared money into the pot this fund year. "
            "A round opens only when all three sectors have paid in: ask members of that sector to contribute, "
            "then match their payment."
        )
        for sector in Sector
        if cleared_pence.get(sector, 0) <= 0
    ]


def lopsided_pot(
    cleared_pence: Mapping[Sector, int], largest_contributor: tuple[str, int] | None, policy: Policy
) -> list[Finding]:
    """Warnings that never block (handbook §6): one sector, or one contributor, gave very much of the year's money.

    Args:
        cleared_pence: cleared money of the fund year by sector.
        largest_contributor: name and pence of the organisation that gave most.
        policy: holds both thresholds in per cent; exactly the threshold is no warning.
    """
    total = sum(cleared_pence.values())
    found = [
        Finding(
            f"The {SECTOR_NAMES[sector]} sector gave {format_pence(cleared_pence[sector])} of the year's "
            f"{format_pence(total)}, more than {policy.pot_warn_sector_percent}%. Ask the other sectors for more."
        )
        for sector in Sector
        if 100 * cleared_pence.get(sector, 0) > policy.pot_warn_sector_percent * total
    ]
    if largest_contributor and 100 * largest_contributor[1] > policy.pot_warn_contributor_percent * total:
        name, pence = largest_contributor
        found.append(
            Finding(
                f"{name} gave {format_pence(pence)} of the year's {format_pence(total)}, more than "
                f"{policy.pot_warn_contributor_percent}%. The fund leans on one member: ask more members to contribute."
            )
        )
    return found


@dataclass(frozen=True)
class RoundPlan:
    """What a steward plans for a round. Instants are UTC; money is pence."""

    title: str
    purpose: str
    written_case: str
    senior_officer: str
    budget_pence: int
    smallest_pence: int
    largest_pence: int
    opens_at: datetime
    closes_at: datetime
    decide_by: date


def faults_of_plan(plan: RoundPlan, closes_on: date) -> list[Finding]:
    """What is wrong with a plan, beside the form field that it concerns. `closes_on` is the closing day in England."""
    found = []
    if plan.closes_at <= plan.opens_at:
        found.append(Finding("A round closes after it opens. Give a later closing time.", "closes_day"))
    if plan.decide_by <= closes_on:
        found.append(Finding("Decisions come after closing. Give a later day to decide by.", "decide_by"))
    if plan.smallest_pence > plan.largest_pence:
        found.append(Finding("The smallest grant can't be more than the largest. Change one of them.", "smallest"))
    if plan.largest_pence > plan.budget_pence:
        found.append(Finding("The largest grant can't be more than the round's budget. Change one of them.", "largest"))
    return found


def may_start(state: RoundState, closes_at: datetime, now: datetime) -> bool:
    """A proposal may be begun while the round is open and before its closing second."""
    return state is RoundState.OPEN and now < closes_at


def last_moment(closes_at: datetime, begun_at: datetime, grace_minutes: int) -> datetime:
    """When a draft can no longer be sent: the grace is only for drafts begun before the closing second."""
    return closes_at + timedelta(minutes=grace_minutes) if begun_at < closes_at else closes_at


# --- partners


@dataclass(frozen=True)
class Terms:
    """What a partner confirms. A change of any of it is a change of what was confirmed."""

    role: str | None
    contribution_kind: str | None
    contribution_description: str
    contribution_pence: int | None
    valuation_basis: str
    grant_share_pence: int | None

    @property
    def digest(self) -> str:
        """SHA-256 of the terms in canonical form, in hexadecimal."""
        return sha256(canonical(asdict(self)).encode()).hexdigest()


MOST_PARTNERS = 80

_TERM_NAMES = {
    "role": "the role",
    "contribution_kind": "what is given",
    "contribution_description": "what is given",
    "contribution_pence": "its value",
    "valuation_basis": "how it is valued",
    "grant_share_pence": "the share of the grant",
}


def changed_terms(before: Terms, after: Terms) -> list[str]:
    """What differs, in words, in the order of the terms, each once."""
    old, new = asdict(before), asdict(after)
    return list(dict.fromkeys(_TERM_NAMES[name] for name in old if old[name] != new[name]))


def missing_terms(terms: Terms) -> list[Finding]:
    """What the lead must still fill in before a partner can confirm."""
    found = []
    if terms.role is None:
        found.append(Finding("Choose the partner's role.", "role"))
    if terms.contribution_kind is None:
        found.append(Finding("Choose what the partner gives.", "contribution_kind"))
    if not terms.contribution_description:
        found.append(Finding("Describe what the partner gives.", "contribution_description"))
    if not terms.contribution_pence:
        found.append(Finding("Give the value of what the partner gives, more than £0.", "contribution"))
    if not terms.valuation_basis:
        found.append(Finding("Say how the value was worked out.", "valuation_basis"))
    if terms.grant_share_pence is None:
        found.append(Finding("Give the partner's share of the grant. It may be £0.", "grant_share"))
    return found


# --- the whole proposal

LONGEST_ANSWER = 20_000
"""Characters that a draft keeps of one answer: far more than any question allows, so that no word is lost while it is
being shortened. The question's own limit is applied when the proposal is sent."""


def normal_answer(question: Question, value: str) -> str:
    """An answer in the one form it is kept in ("" is no answer).

    Raises:
        RuleBroken: for a code that is no choice, a number out of its limits, or far too long a text.
    """
    if not value:
        return ""
    if question.kind in (Kind.CHOICE, Kind.MULTI, Kind.YES_NO):
        known = [code for code, _ in question.choices] or ["yes", "no"]
        given = set(chosen(value))
        if not given <= set(known) or (len(given) > 1 and question.kind is not Kind.MULTI):
            raise RuleBroken([Finding("Choose from the answers shown.", question.code)])
        return " ".join(code for code in known if code in given)
    if question.kind is Kind.NUMBER:
        digits = value.replace(",", "").replace(" ", "")
        number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 12 else -1
        if not question.least <= number <= question.most:
            limits = f"from {question.least:,} to {question.most:,}"
            raise RuleBroken([Finding(f"Write a whole number {limits}, such as 25.", question.code)])
        return str(number)
    if len(value) > LONGEST_ANSWER:
        over = len(value) - LONGEST_ANSWER
        raise RuleBroken([Finding(f"This is too long to keep. Shorten it by {over:,} characters.", question.code)])
    return value


@dataclass(frozen=True)
class CostLine:
    """A line of the budget: what it costs, and how much of that is asked of the fund."""

    heading: str
    amount_pence: int
    grant_pence: int
    for_coproducers: bool


MOST_LINES = 40


def line_faults(lines: Sequence[CostLine]) -> list[Finding]:
    """What is wrong with budget lines, each beside its row's field (`amount_1` is the first row's)."""
    found = []
    if len(lines) > MOST_LINES:
        found.append(Finding(f"A budget holds up to {MOST_LINES} lines. Put small costs together."))
    for row, line in enumerate(lines, start=1):
        if not line.heading:
            found.append(Finding("Say what this costs money for.", f"heading_{row}"))
        if line.amount_pence <= 0:
            found.append(Finding("Give the cost, more than £0.", f"amount_{row}"))
        if line.grant_pence > line.amount_pence:
            found.append(Finding("The fund can't pay more than the whole cost. Lower one of the two.", f"grant_{row}"))
    return found


def budget_digest(lines: Iterable[CostLine]) -> str:
    """SHA-256 of a budget, by which a stale page is noticed."""
    return sha256(canonical([asdict(line) for line in lines]).encode()).hexdigest()


def missing_answers(
    questions: Iterable[Question], answers: Mapping[str, str], paths: Mapping[str, str]
) -> list[Finding]:
    """Questions without an answer, and answers that are too long. `paths`: section code → path of its page."""
    found = []
    for question in questions:
        value, path = answers.get(question.code, ""), paths[question.section]
        fix = f"{path}#{question.code}"
        if question.required and not value:
            found.append(Finding(f"Answer the question “{question.label}”", question.code, fix))
        elif question.max_length and len(value) > question.max_length:
            over = len(value) - question.max_length
            found.append(
                Finding(f"Shorten the answer to “{question.label}” by {over:,} characters.", question.code, fix)
            )
    return found


def amount_faults(asked_pence: int, smallest_pence: int, largest_pence: int, fix: str) -> list[Finding]:
    """Whether what is asked of the fund lies within the round's limits, both included."""
    if smallest_pence <= asked_pence <= largest_pence:
        return []
    return [
        Finding(
            f"You ask the fund for {format_pence(asked_pence)}. This round gives from {format_pence(smallest_pence)} "
            f"to {format_pence(largest_pence)}: change the budget.",
            "budget",
            fix,
        )
    ]


def without_repeats(findings: Iterable[Finding]) -> list[Finding]:
    """The findings in order, each message once, and each question named once."""
    seen: set[str] = set()
    kept = []
    for finding in findings:
        key = finding.message
        about = f"{finding.field}|{finding.fix}" if finding.field and finding.fix and "#" in finding.fix else key
        if key in seen or about in seen:
            continue
        seen |= {key, about}
        kept.append(finding)
    return kept


def canonical(content: object) -> str:
    """JSON in one form only: sorted names, no spaces, characters as they are. The same content gives the same bytes."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
