"""Gate 2: the people to be supported were heard themselves (handbook §8, G2). Pure."""

from datetime import date

from fund.kernel.calendar import add_months
from fund.kernel.policy import Policy
from proposals.evidence.case import (
    ActivityCase,
    Case,
    Condition,
    Gate,
    Outcome,
    answered,
    met,
    missing,
    page,
    question,
    shorten,
    whole_number,
)
from proposals.questions import (
    ACCESS_AND_EXPENSES,
    FED_BACK,
    PEOPLE,
    PEOPLE_COUNT,
    PLACES,
    SMALL_GROUP_REASON,
)


def _g2_size(case: Case, policy: Policy, today: date) -> Outcome:
    if (size := whole_number(case.answer(PEOPLE_COUNT))) > 0:
        return met(f"About {size:,} people")
    return missing(
        "Estimate how many people there are in the group, as a whole number.",
        question(case, PEOPLE_COUNT),
        field=PEOPLE_COUNT,
    )


def recent_activities(case: Case, policy: Policy, today: date) -> list[ActivityCase]:
    """Activities that count: complete, in the months the policy names, and people themselves or carers spoke (R06)."""
    earliest = add_months(today, -policy.g2_months)
    return [
        activity
        for activity in case.activities
        if earliest <= activity.on <= today
        and activity.method
        and activity.place
        and activity.people + activity.carers > 0
    ]


def _g2_activities(case: Case, policy: Policy, today: date) -> Outcome:
    dates = {activity.on for activity in recent_activities(case, policy, today)}
    so_far = f"Dates in the last {policy.g2_months} months on which people or their carers spoke: {len(dates)}"
    if len(dates) >= policy.g2_min_activities:
        return met(so_far)
    return missing(
        f"Add at least {policy.g2_min_activities} activities on different dates in the last {policy.g2_months} months "
        "in which the people themselves or their carers spoke. Meetings of staff alone don't count.",
        page(case, "engagement"),
        so_far=so_far,
    )


def _g2_people(case: Case, policy: Policy, today: date) -> Outcome:
    people = sum(activity.people for activity in recent_activities(case, policy, today))
    if people >= policy.g2_min_people:
        return met(f"{people} people spoke for themselves")
    if people > 0 and (reason := case.answer(SMALL_GROUP_REASON)):
        return met(f"{people} spoke for themselves; a small group, because: {shorten(reason)}")
    return missing(
        f"At least {policy.g2_min_people} of the people to be supported must have spoken for themselves; {people} so "
        "far. If the group is that small, hear at least one and say why it is small.",
        page(case, "engagement"),
        so_far=f"{people} so far",
    )


def _g2_heard(case: Case, policy: Policy, today: date) -> Outcome:
    complete = [(heard, changed) for heard, changed in case.heard_changed if heard.strip() and changed.strip()]
    if complete:
        heard, changed = complete[0]
        return met(f"We heard: {shorten(heard, 80)} → we changed: {shorten(changed, 80)}")
    return missing("Write at least one thing you heard, and what you changed because of it.", page(case, "engagement"))


G2 = Gate(
    "G2",
    "Direct engagement with the people to be supported",
    "Those whom the work is for must have been heard themselves, not only those who speak for them.",
    (
        Condition("g2.group", "Who the work is for", answered(PEOPLE, "Name the people to be supported.")),
        Condition("g2.places", "Where they are", answered(PLACES, "Choose the districts where they live.")),
        Condition("g2.size", "How many they are", _g2_size),
        Condition("g2.activities", "Enough activities in which they spoke", _g2_activities),
        Condition("g2.people", "Enough people spoke for themselves", _g2_people),
        Condition("g2.heard", "What they said changed the plan", _g2_heard),
        Condition(
            "g2.fed_back",
            "They were told what came of it",
            answered(FED_BACK, "Say how you told people what came of what they said."),
        ),
        Condition(
            "g2.access",
            "Access and expenses were offered",
            answered(
                ACCESS_AND_EXPENSES, "Say what help to take part you offered, such as fares, interpreters or childcare."
            ),
        ),
    ),
)
