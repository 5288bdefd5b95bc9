"""What the gates look at, as plain values, and what a gate is made of. Pure.

A gate is a tuple of conditions; a condition is a function of the case, the round's policy and the day.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from fund.kernel.errors import Finding
from fund.kernel.policy import Policy
from members.rules import Sector
from proposals.evidence.words import Phase
from proposals.questions import QUESTIONS, in_words


@dataclass(frozen=True)
class PartnerCase:
    """A partner that has not withdrawn. `confirmed`: from its own account, on the present terms."""

    id: int
    organisation_id: int
    name: str
    sector: Sector | None
    group_id: int | None
    is_lead: bool
    confirmed: bool
    role: str | None
    contribution_kind: str | None
    contribution_description: str
    contribution_pence: int | None
    valuation_basis: str
    grant_share_pence: int | None
    principles_version: str | None


@dataclass(frozen=True)
class ActivityCase:
    """An activity, and how many spoke: `people` to be supported, `carers` of theirs, `staff` of organisations."""

    on: date
    method: str
    place: str
    people: int
    carers: int
    staff: int


@dataclass(frozen=True)
class LevelClaim:
    """The level of co-production claimed for a phase, and what shows it."""

    level: int
    evidence: str


@dataclass(frozen=True)
class LeverCase:
    """A system lever. `confirmed`: the owner partner confirmed this very lever from its own account."""

    kind: str
    today: str
    after: str
    owner_partner_id: int | None
    confirmed: bool


@dataclass(frozen=True)
class AnswerCounts:
    """Co-producers' answers, counted. `counted` leaves out staff, withdrawn ones and people who took no part.

    `helped` of the counted came through a helper; `agreeing` of them agree. `disputed` are disagreements that nobody
    has looked into yet, whoever took part.
    """

    counted: int = 0
    helped: int = 0
    agreeing: int = 0
    disputed: int = 0


@dataclass(frozen=True)
class Case:
    """Everything the gates look at, as plain values.

    `budget_pence` is what everything costs, `requested_pence` what of it is asked of the fund, `coproducer_pence` what
    pays or supports co-producers. `answers` are by question code.
    """

    reference: str
    budget_pence: int = 0
    requested_pence: int = 0
    coproducer_pence: int = 0
    partners: tuple[PartnerCase, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    activities: tuple[ActivityCase, ...] = ()
    heard_changed: tuple[tuple[str, str], ...] = ()
    levels: Mapping[Phase, LevelClaim] = field(default_factory=dict)
    levers: tuple[LeverCase, ...] = ()
    attestations: AnswerCounts = AnswerCounts()

    def answer(self, code: str) -> str:
        """The answer to a question, or nothing."""
        return self.answers.get(code, "").strip()


@dataclass(frozen=True)
class Outcome:
    """What one look found: what shows it, or how to mend it."""

    met: bool
    evidence: str
    finding: Finding | None = None


@dataclass(frozen=True)
class Condition:
    """One thing that must be true."""

    code: str
    label: str
    check: Callable[[Case, Policy, date], Outcome]


@dataclass(frozen=True)
class ConditionResult:
    """A condition and how it stands."""

    code: str
    label: str
    met: bool
    evidence: str
    finding: Finding | None


@dataclass(frozen=True)
class Gate:
    """One of the four."""

    code: str
    title: str
    why: str
    conditions: tuple[Condition, ...]

    def evaluate(self, case: Case, policy: Policy, today: date) -> "GateReport":
        """Look at every condition; none hides another."""
        looked = ((condition, condition.check(case, policy, today)) for condition in self.conditions)
        return GateReport(
            self, tuple(ConditionResult(c.code, c.label, o.met, o.evidence, o.finding) for c, o in looked)
        )


@dataclass(frozen=True)
class GateReport:
    """A gate and how each of its conditions stands."""

    gate: Gate
    conditions: tuple[ConditionResult, ...]

    @property
    def met(self) -> bool:
        return all(condition.met for condition in self.conditions)

    @property
    def met_count(self) -> int:
        return sum(condition.met for condition in self.conditions)


def met(evidence: str) -> Outcome:
    return Outcome(True, evidence)


def missing(message: str, fix: str, *, field: str | None = None, so_far: str = "Not there yet") -> Outcome:
    return Outcome(False, so_far, Finding(message, field, fix))


def page(case: Case, name: str) -> str:
    return f"/proposals/{case.reference}/{name}"


def question(case: Case, code: str) -> str:
    return page(case, f"section/{QUESTIONS[code].section}#{code}")


def shorten(text: str, length: int = 140) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def answered(code: str, message: str) -> Callable[[Case, Policy, date], Outcome]:
    """A condition that one question is answered."""

    def check(case: Case, policy: Policy, today: date) -> Outcome:
        if text := case.answer(code):
            return met(shorten(in_words(QUESTIONS[code], text)))
        return missing(message, question(case, code), field=code)

    return check


def whole_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
