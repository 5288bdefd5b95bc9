"""Conflicts, scores and what they add up to (handbook §5.5, §8). Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from fund.kernel.errors import Finding
from fund.kernel.policy import Policy

GATE_CODES = ("g1", "g2", "g3", "g4")

SCORES = (
    "0: not there",
    "1: weak",
    "2: enough",
    "3: good",
    "4: outstanding",
)
"""What a score means, 0 to 4."""

ASKED = {
    "g1": (
        "Cross-sector collaboration",
        "Is each partner needed? Who holds power and risk? Does it change how they work together?",
    ),
    "g2": (
        "Direct engagement",
        "Were these the right people, seldom-heard people among them? Was the change real?",
    ),
    "g3": (
        "Co-production",
        "Equality, diversity, access, reciprocity: does the evidence support the level? Is power shared or advisory?",
    ),
    "g4": (
        "Systemic change",
        "Root cause or symptom? Is the lever plausible, owned, likely to last, open to others? Is the learning honest?",
    ),
}
"""Gate → its name and what assessors are asked (handbook §8, "human")."""


class Outcome(StrEnum):
    """What a moderation talk came to."""

    SCORE_AGAIN = "score_again"
    STANDS = "stands"


OUTCOMES = {
    Outcome.SCORE_AGAIN: "The assessors score again, each on their own, with what they learned",
    Outcome.STANDS: "The scores stand, so the proposal doesn't go to the ballot",
}


@dataclass(frozen=True)
class Scores:
    """One assessor's submitted scores, 0 to 4 by gate code."""

    by_gate: Mapping[str, int]
    lived_experience: bool


@dataclass(frozen=True)
class Standing:
    """How far the assessment of one version has come.

    Attributes:
        submitted: how many unconflicted assessors have submitted scores.
        lived_experience: how many of them have lived experience.
        means: gate code → mean of the scores; empty before the first.
        noughts: gates that somebody scored 0.
        findings: why it can't go to the ballot; empty when it can.
        needs_moderation: enough scores are in and they don't pass, and no talk about them has been recorded.
    """

    submitted: int
    lived_experience: int
    means: Mapping[str, Fraction]
    noughts: tuple[str, ...]
    findings: tuple[Finding, ...]
    needs_moderation: bool

    @property
    def complete(self) -> bool:
        """Enough assessors, and the scores pass."""
        return not self.findings

    @property
    def mean(self) -> Fraction | None:
        """Mean over all gates, or None before the first score."""
        return sum(self.means.values(), Fraction()) / len(self.means) if self.means else None


def means_of(scores: Sequence[Scores]) -> dict[str, Fraction]:
    """Mean score of each gate, exact."""
    if not scores:
        return {}
    return {code: Fraction(sum(one.by_gate[code] for one in scores), len(scores)) for code in GATE_CODES}


def standing_of(scores: Sequence[Scores], policy: Policy, *, talked_about: bool, fix: str | None = None) -> Standing:
    """What the scores of one version add up to (handbook §8).

    It passes with enough assessors, one of them with lived experience, a mean of at least `gate_human_min_mean` on each
    gate, and no 0. Otherwise people talk; nothing passes or falls by the software's own judgement.
    """
    lived = sum(one.lived_experience for one in scores)
    means = means_of(scores)
    noughts = tuple(code for code in GATE_CODES if any(one.by_gate[code] == 0 for one in scores))
    waiting = list(_too_few(len(scores), lived, policy))
    against = [] if waiting else list(_against(means, noughts, policy, talked_about, fix))
    return Standing(len(scores), lived, means, noughts, (*waiting, *against), bool(against) and not talked_about)


def _too_few(submitted: int, lived: int, policy: Policy) -> Iterable[Finding]:
    if submitted < policy.assessors_min:
        yield Finding(f"{submitted} of at least {policy.assessors_min} assessors have scored it. Wait for the others.")
    if lived < policy.lived_experience_min:
        yield Finding("An assessor with lived experience must score it. Ask one, or appoint one.")


def _against(
    means: Mapping[str, Fraction], noughts: Sequence[str], policy: Policy, talked_about: bool, fix: str | None
) -> Iterable[Finding]:
    way_on = (
        "The moderation talk let the scores stand, so it doesn't go to the ballot."
        if talked_about
        else "Hold the moderation talk and record it."
    )
    for code, mean in means.items():
        name = ASKED[code][0]
        if code in noughts:
            yield Finding(f"{name} was scored 0 by somebody. {way_on}", fix=fix)
        elif mean < policy.gate_human_min_mean:
            yield Finding(f"{name} has a mean below {policy.gate_human_min_mean}. {way_on}", fix=fix)


def shown_mean(mean: Fraction | None) -> str:
    """A mean in words that lose nothing that matters: "2", "2½", "2.33" (to two places), "—" before the first."""
    if mean is None:
        return "—"
    if mean.denominator == 1:
        return str(mean.numerator)
    hundredths = (mean.numerator * 100 * 2 + mean.denominator) // (mean.denominator * 2)
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02d}".rstrip("0")


def conflict_of_interest(
    acts_in: Mapping[int, str], connected_groups: Mapping[int, str], partner_ids: set[int], partner_groups: set[int]
) -> str | None:
    """Why somebody may not assess a proposal, in a sentence, or None (handbook §5.5).

    Args:
        acts_in: organisation id → name, of every organisation in which the person holds a role now.
        connected_groups: connected group id → name of the person's organisation in it.
        partner_ids: organisations that are, were or are invited to be partners; leaving doesn't lift a conflict.
        partner_groups: the connected groups of those.
    """
    for organisation_id, name in acts_in.items():
        if organisation_id in partner_ids:
            return f"You hold a role in {name}, which is a partner in this proposal, so you can't assess it."
    for group_id, name in connected_groups.items():
        if group_id in partner_groups:
            return (
                f"You hold a role in {name}, which is connected to a partner in this proposal, so you can't assess it."
            )
    return None
