"""Counting a resolution: for, against or abstain, by sector.

One general rule with named parts covers the fund's own kinds (handbook §5.3) and the modes that co-operatives elsewhere
use. Votes are whole numbers, shares are exact fractions; nothing is rounded. Where a source is not named, it is the
handbook §5.3 (resolutions) or §5.5 (conflicts).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

HALF = Fraction(1, 2)


class Choice(StrEnum):
    """What a member can say."""

    FOR = "for"
    AGAINST = "against"
    ABSTAIN = "abstain"


class Verdict(StrEnum):
    """How a resolution ends. Inquorate is not rejected: it lapses and may be noticed again."""

    PASSED = "passed"
    FAILED = "failed"
    INQUORATE = "inquorate"


class Base(StrEnum):
    """What a share is a share of: votes for and against; those and abstentions; or everybody on the roll."""

    CAST = "cast"
    PRESENT = "present"
    ELIGIBLE = "eligible"


class Chambers(StrEnum):
    """How the sectors count beside the pooled vote.

    none: not at all. each_majority: more for than against in every sector (sector test B). each_threshold: every sector
    reaches the threshold itself. k_of_n: more for than against in at least `k` sectors (sector test A is k = 2 of 3).
    weighted: the pooled share is the weighted mean of the sectors' shares, so that headcount gives no sector more say.
    """

    NONE = "none"
    EACH_MAJORITY = "each_majority"
    EACH_THRESHOLD = "each_threshold"
    K_OF_N = "k_of_n"
    WEIGHTED = "weighted"


@dataclass(frozen=True)
class Threshold:
    """The share of the base that must be for: more than `share` when strict, else at least `share`."""

    share: Fraction = HALF
    strict: bool = True

    def met(self, votes_for: int | Fraction, base: int | Fraction) -> bool:
        """Compared by whole numbers or exact fractions, never by rounding. Nobody in the base: not met."""
        if base <= 0:
            return False
        needed = self.share * base
        return votes_for > needed if self.strict else votes_for >= needed

    @property
    def can_tie(self) -> bool:
        """Only a simple majority can be tied; half of a larger majority is simply short."""
        return self.strict and self.share == HALF


MAJORITY = Threshold()
TWO_THIRDS = Threshold(Fraction(2, 3), strict=False)
THREE_QUARTERS = Threshold(Fraction(3, 4), strict=False)


@dataclass(frozen=True)
class Quorum:
    """How many of the unconflicted roll must take part; abstaining is taking part.

    Attributes:
        overall: share of the roll.
        minimum: number that binds whatever the roll is.
        sector: share of each sector's roll.
        per_sector: number from each sector, or all of it where a sector has fewer.
    """

    overall: Fraction = Fraction(0)
    minimum: int = 1
    sector: Fraction = Fraction(0)
    per_sector: int = 0


@dataclass(frozen=True)
class Rule:
    """What makes a resolution pass.

    `turnout` is the share of the roll that must take part for the resolution to pass (a test of the result, not of
    quorum). `weights` are used by Chambers.WEIGHTED; equal where not given. `chair_breaks_ties` exists to recount other
    societies' decisions: the fund's own kinds never set it, because a tie is lost and nobody has a casting vote (R23).
    """

    threshold: Threshold = MAJORITY
    base: Base = Base.CAST
    quorum: Quorum = field(default_factory=Quorum)
    chambers: Chambers = Chambers.NONE
    k: int = 0
    weights: Mapping[str, Fraction] | None = None
    turnout: Fraction = Fraction(0)
    chair_breaks_ties: bool = False


@dataclass(frozen=True)
class Tally:
    """One sector's members, each counted once. `recused` are on the roll but in no base whatever."""

    votes_for: int = 0
    against: int = 0
    abstain: int = 0
    absent: int = 0
    recused: int = 0

    @property
    def cast(self) -> int:
        return self.votes_for + self.against

    @property
    def present(self) -> int:
        return self.cast + self.abstain

    @property
    def eligible(self) -> int:
        return self.present + self.absent

    @property
    def in_favour(self) -> bool:
        """More for than against: half is not a majority."""
        return self.votes_for > self.against

    def base(self, kind: Base) -> int:
        """The number that a share is taken of."""
        return {Base.CAST: self.cast, Base.PRESENT: self.present, Base.ELIGIBLE: self.eligible}[kind]

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.votes_for + other.votes_for,
            self.against + other.against,
            self.abstain + other.abstain,
            self.absent + other.absent,
            self.recused + other.recused,
        )


@dataclass(frozen=True)
class Check:
    """One condition of the rule, whether it was met, and a sentence with its numbers.

    `code` is the reason that stands in the result when the condition is not met, such as "chamber:private".
    """

    code: str
    met: bool
    sentence: str


@dataclass(frozen=True)
class Outcome:
    """The result and everything needed to explain it."""

    verdict: Verdict
    checks: tuple[Check, ...]
    sectors: Mapping[str, Tally]
    total: Tally
    supporting: tuple[str, ...]
    weighted_for: Fraction | None
    notes: tuple[str, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Codes of what was not met; empty when passed. An inquorate result names only what was short of quorum."""
        unmet = tuple(check for check in self.checks if not check.met)
        if self.verdict is Verdict.INQUORATE:
            unmet = tuple(check for check in unmet if check.code.startswith("quorum"))
        return tuple(check.code for check in unmet)

    @property
    def passed(self) -> bool:
        return self.verdict is Verdict.PASSED


def count(sectors: Mapping[str, Tally], rule: Rule, *, chair: Choice | None = None) -> Outcome:
    """Count a resolution.

    Args:
        sectors: sector → its tally. Every sector of the society is named, even with nobody in it.
        rule: what makes it pass.
        chair: the chair's casting vote, used only where the rule allows one.

    Returns:
        The outcome. Without quorum it is inquorate, whatever the votes say; otherwise it passed if every check is met.
    """
    total = sum(sectors.values(), Tally())
    weighted = _weighted_share(sectors, rule) if rule.chambers is Chambers.WEIGHTED else None
    quorum = _quorum(sectors, total, rule.quorum)
    majority = _majority(total, weighted, rule, chair)
    checks = (*quorum, *_chambers(sectors, rule), majority, *_turnout(total, rule))
    if not all(check.met for check in quorum):
        verdict = Verdict.INQUORATE
    else:
        verdict = Verdict.PASSED if all(check.met for check in checks) else Verdict.FAILED
    return Outcome(
        verdict=verdict,
        checks=checks,
        sectors=dict(sectors),
        total=total,
        supporting=tuple(name for name, tally in sectors.items() if tally.in_favour),
        weighted_for=weighted,
        notes=tuple(f"sector wholly recused: {name}" for name, tally in sectors.items() if _wholly_recused(tally)),
    )


def _wholly_recused(tally: Tally) -> bool:
    return tally.eligible == 0 and tally.recused > 0


def at_least(share: Fraction, of: int) -> int:
    """The smallest whole number that is at least `share` of `of`: two fifths of 26 is 11."""
    return -(-share.numerator * of // share.denominator)


def _members(number: int) -> str:
    return f"{number} member" if number == 1 else f"{number} members"


def _quorum(sectors: Mapping[str, Tally], total: Tally, quorum: Quorum) -> list[Check]:
    """Quorum over all, as a number, and in each sector. Recused members are in none of the bases."""
    part = f"{_members(total.present)} of {total.eligible} took part"
    checks = []
    if quorum.overall:
        needed = at_least(quorum.overall, total.eligible)
        checks.append(Check("quorum", total.present >= needed, f"{part}; {needed} must, for the vote to count."))
    met = total.present >= quorum.minimum
    checks.append(Check("quorum_minimum", met, f"{part}; never fewer than {quorum.minimum} may decide."))
    for name, tally in sectors.items():
        needed = max(at_least(quorum.sector, tally.eligible), min(quorum.per_sector, tally.eligible))
        if quorum.sector or quorum.per_sector:
            sentence = f"{_members(tally.present)} of {tally.eligible} took part in this sector; {needed} must."
            checks.append(Check(f"quorum_sector:{name}", tally.present >= needed, sentence))
    return checks


def _chambers(sectors: Mapping[str, Tally], rule: Rule) -> list[Check]:
    """The sector tests. A sector whose every member is recused can't be asked and drops out; one without members can't
    consent and does not."""
    asked = {name: tally for name, tally in sectors.items() if not _wholly_recused(tally)}
    if rule.chambers is Chambers.EACH_MAJORITY:
        return [Check(f"chamber:{name}", tally.in_favour, _for_against(tally)) for name, tally in asked.items()]
    if rule.chambers is Chambers.EACH_THRESHOLD:
        return [
            Check(f"chamber:{name}", rule.threshold.met(tally.votes_for, tally.base(rule.base)), _for_against(tally))
            for name, tally in asked.items()
        ]
    if rule.chambers is Chambers.K_OF_N:
        found = sum(tally.in_favour for tally in asked.values())
        sentence = f"{found} of {len(sectors)} sectors voted more for than against; at least {rule.k} must."
        return [Check("chambers", found >= rule.k, sentence)]
    return []


def _for_against(tally: Tally) -> str:
    return f"{tally.votes_for} for and {tally.against} against in this sector."


def _majority(total: Tally, weighted: Fraction | None, rule: Rule, chair: Choice | None) -> Check:
    """The pooled vote. Abstentions are in no majority unless the rule's base says so."""
    votes_for: int | Fraction = total.votes_for
    base: int | Fraction = total.base(rule.base)
    if rule.chambers is Chambers.WEIGHTED:
        votes_for, base = (weighted, Fraction(1)) if weighted is not None else (0, 0)
    sentence = _majority_sentence(total, weighted, rule)
    tied = (
        rule.threshold.can_tie
        and base > 0
        and 2 * votes_for == base
        and (weighted is not None or rule.base is Base.CAST)
    )
    if not tied:
        return Check("threshold", rule.threshold.met(votes_for, base), sentence)
    if rule.chair_breaks_ties and chair is not None:
        return Check("casting", chair is Choice.FOR, f"{sentence} The chair's casting vote was {chair}.")
    return Check("tie", False, f"{sentence} A tie is lost: nobody has a casting vote.")


def _majority_sentence(total: Tally, weighted: Fraction | None, rule: Rule) -> str:
    threshold = rule.threshold
    share = "half" if threshold.share == HALF else f"{threshold.share.numerator} in {threshold.share.denominator}"
    needed = f"more than {share}" if threshold.strict else f"at least {share}"
    bases = {
        Base.CAST: "of the votes for and against",
        Base.PRESENT: "of those who took part",
        Base.ELIGIBLE: "of all who could vote",
    }
    counted = f"{total.votes_for} for and {total.against} against"
    if weighted is not None:
        return f"{counted}; weighed by sector {weighted} is for, {needed} must be."
    return f"{counted}; {needed} {bases[rule.base]} must be for."


def _turnout(total: Tally, rule: Rule) -> list[Check]:
    """A share of the roll that must take part for a statutory resolution to pass; those who abstain turned out."""
    if not rule.turnout:
        return []
    needed = at_least(rule.turnout, total.eligible)
    sentence = f"{_members(total.present)} of {total.eligible} turned out; {needed} must, for this kind of resolution."
    return [Check("turnout", total.present >= needed, sentence)]


def _weighted_share(sectors: Mapping[str, Tally], rule: Rule) -> Fraction | None:
    """The weighted mean of the sectors' shares; a sector with nobody in the base drops out, the rest share its weight.

    None when nobody is in the base at all.
    """
    counted = {name: tally for name, tally in sectors.items() if tally.base(rule.base)}
    weights = {name: rule.weights[name] if rule.weights else Fraction(1) for name in counted}
    if not (whole := sum(weights.values(), Fraction(0))):
        return None
    parts = (weights[name] * Fraction(tally.votes_for, tally.base(rule.base)) for name, tally in counted.items())
    return sum(parts, Fraction(0)) / whole
