"""Ballots (handbook §5): kinds of resolution, states, notice, the roll, conflicts, and the count of one item. Pure."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256

from fund.kernel.calendar import deemed_delivered_by_email, earliest_after_clear_days, london_day, start_of_day
from fund.kernel.errors import Finding
from fund.kernel.policy import Policy
from members.rules import SECTOR_NAMES, Sector
from voting.methods.ballots import tally
from voting.methods.resolution import (
    HALF,
    MAJORITY,
    Base,
    Chambers,
    Choice,
    Outcome,
    Quorum,
    Rule,
    Threshold,
    Verdict,
    count,
)

MOST_OPEN_DAYS = 28
"""The longest that a ballot may stay open, whatever the policy's usual length is (handbook §13)."""

SECTORS_FOR_TEST_A = 2


class Kind(StrEnum):
    """Kinds of resolution (handbook §5.3)."""

    ORDINARY = "ordinary"
    GRANT = "grant"
    SPECIAL = "special"
    WRITTEN_ORDINARY = "written_ordinary"
    WRITTEN_SPECIAL = "written_special"


class BallotState(StrEnum):
    """A ballot's life (handbook §5.4). Void may follow any of the others."""

    DRAFT = "draft"
    NOTICE_GIVEN = "notice_given"
    OPEN = "open"
    CLOSED = "closed"
    COUNTED = "counted"
    DECLARED = "declared"
    VOID = "void"


STATE_NAMES = {
    BallotState.DRAFT: "Draft",
    BallotState.NOTICE_GIVEN: "Notice given",
    BallotState.OPEN: "Open for votes",
    BallotState.CLOSED: "Closed",
    BallotState.COUNTED: "Counted, not yet declared",
    BallotState.DECLARED: "Declared",
    BallotState.VOID: "Void",
}

CHOICE_NAMES = {Choice.FOR: "For", Choice.AGAINST: "Against", Choice.ABSTAIN: "Abstain"}

VERDICT_NAMES = {
    Verdict.PASSED: "Passed",
    Verdict.FAILED: "Not passed",
    Verdict.INQUORATE: "Lapsed: too few took part",
}


class ConflictKind(StrEnum):
    """How a member comes to be conflicted (handbook §5.5)."""

    PARTNER = "partner"
    CONNECTED = "connected"
    DECLARED = "declared"


_SAFEGUARDS = {
    "two_of_three": Chambers.K_OF_N,
    "all_three": Chambers.EACH_MAJORITY,
    "equal_thirds_weight": Chambers.WEIGHTED,
}
"""The setting sector_safeguard → how the sectors count in resolutions that need a simple majority."""


def rule_for(kind: Kind, policy: Policy) -> Rule:
    """The rule of a kind of resolution under a policy (handbook §5.3).

    Written resolutions are measured against all unconflicted members, so they need no quorum; the sector tests are the
    society's standing safeguard (§1, §13: "none" is not offered) and hold for them too.
    """
    quorum = Quorum(
        overall=Fraction(policy.quorum_percent, 100),
        minimum=policy.quorum_min,
        per_sector=policy.quorum_per_sector,
    )
    special = Threshold(Fraction(policy.special_majority_percent, 100), strict=False)
    test_a, test_b = _SAFEGUARDS[policy.sector_safeguard], Chambers.EACH_MAJORITY
    return {
        Kind.ORDINARY: Rule(MAJORITY, Base.CAST, quorum, test_a, SECTORS_FOR_TEST_A),
        Kind.GRANT: Rule(MAJORITY, Base.CAST, quorum, test_a, SECTORS_FOR_TEST_A),
        Kind.SPECIAL: Rule(special, Base.CAST, quorum, test_b),
        Kind.WRITTEN_ORDINARY: Rule(Threshold(HALF), Base.ELIGIBLE, Quorum(), test_a, SECTORS_FOR_TEST_A),
        Kind.WRITTEN_SPECIAL: Rule(special, Base.ELIGIBLE, Quorum(), test_b),
    }[kind]


# --- notice


def earliest_opening(given_at: datetime, policy: Policy) -> datetime:
    """The first instant at which a grant ballot may open when notice of it goes out by e-mail at `given_at`.

    E-mail is deemed delivered the next day; the clear days leave out that day and the day of opening (handbook §5.2).
    Days are days in England, so the instant is midnight there, in summer time and in winter time.
    """
    delivered = deemed_delivered_by_email(london_day(given_at))
    return start_of_day(earliest_after_clear_days(delivered, policy.notice_clear_days_grant_ballot))


def notice_findings(*, given_at: datetime, opens_at: datetime, closes_at: datetime, policy: Policy) -> list[Finding]:
    """What is wrong with the dates of a ballot."""
    found = []
    earliest = earliest_opening(given_at, policy)
    if opens_at < earliest:
        found.append(
            Finding(
                f"The ballot can't open before {day_in_words(london_day(earliest))}. A notice that goes out today by "
                f"e-mail counts as delivered tomorrow, and {policy.notice_clear_days_grant_ballot} clear days must lie "
                "between that day and the day of opening. Choose that day or a later one.",
                "opens_on",
            )
        )
    days = (london_day(closes_at) - london_day(opens_at)).days
    if not policy.ballot_open_days <= days <= MOST_OPEN_DAYS:
        first, last = (london_day(opens_at) + timedelta(days=n) for n in (policy.ballot_open_days, MOST_OPEN_DAYS))
        found.append(
            Finding(
                f"A ballot stays open for {policy.ballot_open_days} to {MOST_OPEN_DAYS} days. Choose a closing day "
                f"from {day_in_words(first)} to {day_in_words(last)}.",
                "closes_on",
            )
        )
    return found


def day_in_words(day: date) -> str:
    """Wednesday 10 June 2026."""
    return f"{day:%A} {day.day} {day:%B %Y}"


# --- the roll


@dataclass(frozen=True)
class Enrolled:
    """A member as it stands on the roll. `votes_through` names the member of its group that holds the vote."""

    reference: str
    name: str
    sector: Sector
    group_id: int | None
    joined_on: date
    votes_through: str | None = None


def make_roll(members: Iterable[Enrolled], *, groups_share: bool = True) -> list[Enrolled]:
    """The roll, in order of reference: one vote for each member, and one for each connected group (handbook §4.1),
    unless the society's rules give each of its members one (`groups_share` is the setting of §13).

    In a group the vote is held by the member that joined first (by reference, where two joined on one day); the others
    stand on the roll with the name of that member.
    """
    roll = sorted(members, key=lambda member: member.reference)
    holders: dict[int, Enrolled] = {}
    for member in sorted(roll, key=lambda member: (member.joined_on, member.reference)):
        if groups_share and member.group_id is not None:
            holders.setdefault(member.group_id, member)
    return [
        Enrolled(
            member.reference,
            member.name,
            member.sector,
            member.group_id,
            member.joined_on,
            None
            if member.group_id is None or holders.get(member.group_id, member) == member
            else holders[member.group_id].reference,
        )
        for member in roll
    ]


def roll_text(roll: Sequence[Enrolled]) -> str:
    """Canonical text of a roll: one line a member, ordered by reference, tab between fields, a line end after each.

    Fields: reference, sector, group number or "-", "votes" or the reference of the member that votes for it, name.
    Anybody with the text can make the hash again with `sha256sum`.
    """
    return "".join(
        f"{e.reference}\t{e.sector}\t{e.group_id or '-'}\t{e.votes_through or 'votes'}\t{' '.join(e.name.split())}\n"
        for e in sorted(roll, key=lambda entry: entry.reference)
    )


def text_hash(text: str) -> str:
    """SHA-256 of a text in UTF-8, as 64 hexadecimal digits."""
    return sha256(text.encode()).hexdigest()


def automatic_conflict(
    *, organisation_id: int, group_id: int | None, partner_ids: Collection[int], partner_group_ids: Collection[int]
) -> ConflictKind | None:
    """Whether a member may not decide on a proposal because it, or an organisation connected to it, is a partner."""
    if organisation_id in partner_ids:
        return ConflictKind.PARTNER
    if group_id is not None and group_id in partner_group_ids:
        return ConflictKind.CONNECTED
    return None


def conflict_reason(kind: ConflictKind, organisation: str) -> str:
    """Why an organisation's buttons are off, in a sentence."""
    return {
        ConflictKind.PARTNER: f"{organisation} is a partner in this proposal, so it takes no part in this decision.",
        ConflictKind.CONNECTED: (
            f"An organisation connected to {organisation} is a partner in this proposal, "
            "so it takes no part in this decision."
        ),
        ConflictKind.DECLARED: (
            f"A conflict of interest was declared for {organisation}, so it takes no part in this decision."
        ),
    }[kind]


# --- the count of one item


def count_item(
    *, roll: Mapping[str, Sector], recused: Collection[str], votes: Mapping[str, Choice], policy: Policy
) -> Outcome:
    """Count one question of a grant ballot.

    Args:
        roll: reference of each member that holds a vote → its sector.
        recused: references of those with a conflict of interest in this item.
        votes: reference → the last choice saved before the close.
    """
    sectors = tally(
        {member: str(sector) for member, sector in roll.items()}, votes, sectors=list(Sector), recused=recused
    )
    return count(sectors, rule_for(Kind.GRANT, policy))


def thin_sectors(outcome: Outcome, policy: Policy) -> list[str]:
    """Sectors that conflicts left with fewer voters than quorum asks of one; the ballot may go on, and says so."""
    return [
        name
        for name, sector in outcome.sectors.items()
        if sector.recused and sector.eligible < policy.quorum_per_sector
    ]


def explanation(outcome: Outcome) -> str:
    """Why an item passed, failed or lapsed, in plain words."""
    total = outcome.total
    supporting = [SECTOR_NAMES[Sector(name)] for name in outcome.supporting]
    names = " and ".join([", ".join(supporting[:-1]), supporting[-1]] if len(supporting) > 1 else supporting)
    votes = f"{total.votes_for} for and {total.against} against"
    if outcome.verdict is Verdict.INQUORATE:
        short = [check for check in outcome.checks if check.code in outcome.reasons]
        missing = " ".join(f"{_where(check.code)}{check.sentence}" for check in short)
        return (
            f"The vote lapsed because too few took part. {missing} It is not a refusal: the proposal may be put again."
        )
    if outcome.passed:
        return (
            f"It passed: {votes} over all, and more for than against in {len(supporting)} of {len(outcome.sectors)} "
            f"sectors ({names}). Enough members took part."
        )
    causes = []
    if "tie" in outcome.reasons:
        causes.append("the votes were equal, and a tie is lost because nobody has a casting vote")
    elif "threshold" in outcome.reasons:
        causes.append("there were not more votes for than against")
    held = f"only {names} had" if supporting else "no sector had"
    if any(reason.startswith("chamber:") for reason in outcome.reasons):
        causes.append(f"{held} more for than against, and every sector must")
    if "chambers" in outcome.reasons:
        causes.append(f"{held} more for than against, and at least {SECTORS_FOR_TEST_A} sectors must")
    return f"It did not pass ({votes} over all): {'; and '.join(causes)}."


def _where(code: str) -> str:
    _, _, sector = code.partition(":")
    return f"{SECTOR_NAMES[Sector(sector)]}: " if sector else ""


def outcome_record(outcome: Outcome, policy: Policy) -> dict[str, object]:
    """The outcome as plain values, kept with the result and compared by every recount."""
    return {
        "verdict": outcome.verdict.value,
        "reasons": list(outcome.reasons),
        "checks": [{"code": c.code, "met": c.met, "sentence": c.sentence} for c in outcome.checks],
        "supporting": list(outcome.supporting),
        "notes": list(outcome.notes),
        "thin_sectors": thin_sectors(outcome, policy),
        "sectors": {
            name: {
                "for": sector.votes_for,
                "against": sector.against,
                "abstain": sector.abstain,
                "absent": sector.absent,
                "recused": sector.recused,
            }
            for name, sector in outcome.sectors.items()
        },
    }


def canonical(record: Mapping[str, object]) -> str:
    """The same values as the same text, to compare and to hash."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
