"""Gate 3: a level of co-production (handbook §8, G3). Pure.

What these conditions say is read by applicants: none may tell of a co-producer's answer, nor of a number of answers
below `SHOWN_FROM`. Below it they therefore say the same whatever was answered.
"""

from collections.abc import Callable
from datetime import date

from fund.kernel.policy import Policy
from ledger.money import format_pence
from proposals.evidence.case import (
    AnswerCounts,
    Case,
    Condition,
    Gate,
    Outcome,
    met,
    missing,
    page,
    question,
    shorten,
    whole_number,
)
from proposals.evidence.words import LEVELS, PHASE_QUESTIONS, PLANNED_PHASES, Phase, level_name
from proposals.questions import COPRODUCER_BUDGET_REASON, QUESTIONS, SHARED_POWER, SHARED_POWER_COUNT, in_words

SHOWN_FROM = 3
"""An applicant is told a number of answers only from this one up (handbook §8.1). No round can ask for fewer."""

LOWEST_DESIGN_LEVEL = 3
"""A round may ask for more, never for less (handbook §8, G3)."""


def _least(phase: Phase, policy: Policy) -> int:
    if phase is Phase.DEFINE:
        return policy.g3_min_define
    return max(policy.g3_min_design, LOWEST_DESIGN_LEVEL) if phase is Phase.DESIGN else policy.g3_min_planned


def _phase_reaches(phase: Phase) -> Callable[[Case, Policy, date], Outcome]:
    def check(case: Case, policy: Policy, today: date) -> Outcome:
        least, claim = _least(phase, policy), case.levels.get(phase)
        if claim is not None and claim.level >= least:
            return met(level_name(claim.level).capitalize())
        so_far = level_name(claim.level).capitalize() if claim is not None else "No level claimed yet"
        return missing(
            f"“{PHASE_QUESTIONS[phase]}” needs at least {level_name(least)} ({LEVELS[least][1]}). "
            "If that isn't so yet, talk with the people about sharing more of it.",
            page(case, "coproduction"),
            field=f"{phase}-level",
            so_far=so_far,
        )

    return check


def _g3_equals(case: Case, policy: Policy, today: date) -> Outcome:
    best = max((case.levels[phase].level for phase in PLANNED_PHASES if phase in case.levels), default=0)
    if best >= policy.g3_min_planned_once:
        return met(f"The highest is {level_name(best)}")
    return missing(
        f"At least one of deciding, doing and judging must reach {level_name(policy.g3_min_planned_once)}: "
        f"{LEVELS[policy.g3_min_planned_once][1]}.",
        page(case, "coproduction"),
        so_far=f"The highest is {level_name(best)}",
    )


def _g3_evidence(case: Case, policy: Policy, today: date) -> Outcome:
    bare = [phase for phase in Phase if phase not in case.levels or not case.levels[phase].evidence.strip()]
    if not bare:
        return met("Written for all five phases")
    asked = ", ".join(f"“{PHASE_QUESTIONS[phase]}”" for phase in bare)
    return missing(
        f"Say what shows the level you claim for {asked}.", page(case, "coproduction"), field=f"{bare[0]}-evidence"
    )


def answers_needed(policy: Policy) -> int:
    """How many counted answers a proposal needs; never fewer than an applicant may be told of."""
    return max(policy.g3_min_attestations, SHOWN_FROM)


def shown_count(counts: AnswerCounts) -> int | None:
    """The number of answers that an applicant may see, or None below `SHOWN_FROM`."""
    return counts.counted if counts.counted >= SHOWN_FROM else None


def shown_words(counts: AnswerCounts) -> str:
    """The number of answers in the words an applicant sees."""
    shown = shown_count(counts)
    return f"{shown} answers so far" if shown is not None else f"Fewer than {SHOWN_FROM} answers so far"


def _g3_attestations(case: Case, policy: Policy, today: date) -> Outcome:
    words = shown_words(case.attestations)
    if case.attestations.counted >= answers_needed(policy):
        return met(words)
    return missing(
        f"At least {answers_needed(policy)} people who took part must tell the fund so themselves; {words.lower()}. "
        "Ask the fund for cards with codes for them. Staff of the partners don't count.",
        page(case, "coproduction"),
        so_far=words,
    )


def _g3_agreement(case: Case, policy: Policy, today: date) -> Outcome:
    counts = case.attestations
    if shown_count(counts) is None:
        return met(f"Looked at once {SHOWN_FROM} people have answered")
    if 3 * counts.agreeing >= 2 * counts.counted:
        return met("At least two thirds agree with what you say")
    return missing(
        "Fewer than two thirds of the people who answered agree with what you say about working with them. "
        "Talk with them, and change the work or what you say about it; their cards let them change their answers.",
        page(case, "coproduction"),
        so_far="Fewer than two thirds agree",
    )


def _g3_disputes(case: Case, policy: Policy, today: date) -> Outcome:
    counts = case.attestations
    if shown_count(counts) is None:
        return met(f"Looked at once {SHOWN_FROM} people have answered")
    if not counts.disputed:
        return met("Nothing is waiting to be looked into")
    return missing(
        "The fund is looking into something that was said about working with people. "
        "There is nothing you need to do; a steward will write to you if there is.",
        page(case, "coproduction"),
        so_far="The fund is looking into something",
    )


def _g3_power(case: Case, policy: Policy, today: date) -> Outcome:
    kinds, count = case.answer(SHARED_POWER), whole_number(case.answer(SHARED_POWER_COUNT))
    if kinds and count > 0:
        return met(f"{in_words(QUESTIONS[SHARED_POWER], kinds)}. People: {count}")
    unanswered = SHARED_POWER_COUNT if kinds else SHARED_POWER
    return missing(
        "Name one power that people with lived experience hold (co-chair, voting seats, a veto or a budget) and how "
        "many people hold it.",
        question(case, unanswered),
        field=unanswered,
    )


def _g3_pay(case: Case, policy: Policy, today: date) -> Outcome:
    if case.coproducer_pence > 0:
        return met(f"{format_pence(case.coproducer_pence)} in the budget")
    if reason := case.answer(COPRODUCER_BUDGET_REASON):
        return met(f"No budget line, because: {shorten(reason)}")
    return missing(
        "Add a budget line for paying and supporting co-producers, or say why there is none.",
        page(case, "budget"),
        field=COPRODUCER_BUDGET_REASON,
    )


def _g3_principles(case: Case, policy: Policy, today: date) -> Outcome:
    version = policy.coproduction_principles_version
    if any(partner.is_lead and partner.principles_version == version for partner in case.partners):
        return met(f"The lead accepts version {version}")
    return missing(
        f"Accept version {version} of the principles of co-production for your own organisation.",
        page(case, "partners"),
    )


G3 = Gate(
    "G3",
    "A level of co-production",
    "People with lived experience shape the work and share power over it, and say so themselves.",
    (
        *(
            Condition(f"g3.{phase}", f"{PHASE_QUESTIONS[phase]}: level high enough", _phase_reaches(phase))
            for phase in Phase
        ),
        Condition("g3.equals", "People are equals in deciding, doing or judging", _g3_equals),
        Condition("g3.evidence", "Each level is shown by evidence", _g3_evidence),
        Condition("g3.attestations", "Enough co-producers have told the fund themselves", _g3_attestations),
        Condition("g3.agreement", "Most of them agree with what you say", _g3_agreement),
        Condition("g3.disputes", "Nothing they said is still being looked into", _g3_disputes),
        Condition("g3.power", "Power is shared, and how", _g3_power),
        Condition("g3.pay", "Co-producers are paid and supported", _g3_pay),
        Condition("g3.principles", "The lead accepts the principles of co-production", _g3_principles),
    ),
)
