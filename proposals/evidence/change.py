"""Gate 4: the system changes, and stays changed when the money ends (handbook §8, G4). Pure."""

from datetime import date

from fund.kernel.policy import Policy
from proposals.evidence.case import Case, Condition, Gate, Outcome, answered, met, missing, page, question, shorten
from proposals.questions import (
    AFTER_MONEY,
    ENDS_WITH_MONEY,
    LEGACY_AGREED,
    QUESTIONS,
    SCALING,
    SITUATION,
    SITUATION_EVIDENCE,
    STOP_CONDITIONS,
    STOPS,
    in_words,
)


def _g4_situation(case: Case, policy: Policy, today: date) -> Outcome:
    situation, evidence = case.answer(SITUATION), case.answer(SITUATION_EVIDENCE)
    if situation and evidence:
        return met(f"{in_words(QUESTIONS[SITUATION], situation)}: {shorten(evidence)}")
    unanswered = SITUATION_EVIDENCE if situation else SITUATION
    return missing(
        "Choose which is so (nothing solves this yet, what there is fails, or it will fail as demand grows) and say "
        "what shows it.",
        question(case, unanswered),
        field=unanswered,
    )


def _g4_lever(case: Case, policy: Policy, today: date) -> Outcome:
    present = {partner.id for partner in case.partners}
    described = [lever for lever in case.levers if lever.kind and lever.today.strip() and lever.after.strip()]
    owned = [lever for lever in described if lever.owner_partner_id in present]
    confirmed = [lever for lever in owned if lever.confirmed]
    if confirmed:
        first = confirmed[0]
        return met(
            f"{first.kind.replace('_', ' ').capitalize()}: {shorten(first.today, 70)} → {shorten(first.after, 70)}"
        )
    where = page(case, "change")
    if not described:
        return missing(
            "Add something in the system that will be different: how it is today, and how it will be.", where
        )
    if not owned:
        return missing(
            "Name the partner who is able to make the change: every lever needs an owner.", where, so_far="No owner yet"
        )
    return missing(
        "The owner of a lever must confirm it from its own account. Ask the person who may bind that organisation.",
        where,
        so_far="Waiting for its owner to confirm",
    )


def _g4_legacy(case: Case, policy: Policy, today: date) -> Outcome:
    if case.answer(LEGACY_AGREED) == "yes":
        return met("Agreed")
    months = " and ".join(str(count) for count in policy.legacy_check_months)
    return missing(
        f"Agree that the fund may ask {months} months after the end whether it is still different.",
        question(case, LEGACY_AGREED),
        field=LEGACY_AGREED,
    )


def _g4_lasts(case: Case, policy: Policy, today: date) -> Outcome:
    if case.answer(ENDS_WITH_MONEY) == "no":
        return met("The change doesn't end with the money")
    if case.answer(ENDS_WITH_MONEY) == "yes":
        advice = (
            "You say that the change ends when the money ends. The fund pays for change that lasts: find a partner who "
            "takes it into its own budget, rules or everyday work, then change this answer. If the need itself is for "
            "a fixed time, another fund suits it better."
        )
    else:
        advice = "Say whether the change ends when the money ends."
    return missing(advice, question(case, ENDS_WITH_MONEY), field=ENDS_WITH_MONEY)


G4 = Gate(
    "G4",
    "Systemic change, not a time-limited project",
    "What is different must stay different when the money has been spent.",
    (
        Condition("g4.situation", "Why something new is needed", _g4_situation),
        Condition("g4.lever", "A system lever, confirmed by the partner who can move it", _g4_lever),
        Condition(
            "g4.scaling",
            "How it is to grow",
            answered(SCALING, "Say how it is to grow: out to more places, up into rules, or deep into culture."),
        ),
        Condition("g4.stops", "What stops or is replaced", answered(STOPS, "Say what stops, or what this replaces.")),
        Condition(
            "g4.after_money",
            "A plan for after the money",
            answered(AFTER_MONEY, "Plan for after the money: say who pays, who owns it, and from when."),
        ),
        Condition("g4.stop", "What would make you stop", answered(STOP_CONDITIONS, "Say what would make you stop.")),
        Condition("g4.legacy", "Legacy checks are agreed to", _g4_legacy),
        Condition("g4.lasts", "The change doesn't end with the money", _g4_lasts),
    ),
)
