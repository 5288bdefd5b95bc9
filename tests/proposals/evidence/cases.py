"""A case that meets every condition, to be broken in one place at a time."""

from datetime import date

from members.rules import Sector
from proposals import questions
from proposals.evidence.case import ActivityCase, AnswerCounts, Case, LevelClaim, LeverCase, PartnerCase
from proposals.evidence.words import Phase

TODAY = date(2026, 6, 1)


def partner(number: int, sector: Sector, **changes: object) -> PartnerCase:
    """A partner who lacks nothing."""
    values: dict[str, object] = {
        "id": number,
        "organisation_id": number,
        "name": f"Partner {number}",
        "sector": sector,
        "group_id": None,
        "is_lead": number == 1,
        "confirmed": True,
        "role": "lead" if number == 1 else "deliver",
        "contribution_kind": "staff_time",
        "contribution_description": "A worker, one day a week",
        "contribution_pence": 1_000_00,
        "valuation_basis": "Pay and on-costs",
        "grant_share_pence": 10_000_00,
        "principles_version": "1.0",
    }
    return PartnerCase(**{**values, **changes})  # type: ignore[arg-type]


PARTNERS = (partner(1, Sector.VCSE), partner(2, Sector.PRIVATE), partner(3, Sector.PUBLIC))

LEVELS = {
    Phase.DEFINE: LevelClaim(3, "Two meetings"),
    Phase.DESIGN: LevelClaim(4, "They wrote it with us"),
    Phase.DECIDE: LevelClaim(5, "Half the seats"),
    Phase.DELIVER: LevelClaim(4, "Peer workers"),
    Phase.REVIEW: LevelClaim(4, "They ask the questions"),
}

ANSWERS = {
    questions.SITUATION: "no_solution",
    questions.SITUATION_EVIDENCE: "Nobody does it",
    questions.PEOPLE: "Young people leaving care",
    questions.PLACES: "E08000003 E08000006",
    questions.PEOPLE_COUNT: "120",
    questions.FED_BACK: "A letter each",
    questions.ACCESS_AND_EXPENSES: "Bus fares",
    questions.SHARED_POWER: "voting_seats",
    questions.SHARED_POWER_COUNT: "4",
    questions.SCALING: "out up",
    questions.STOPS: "The old waiting list",
    questions.AFTER_MONEY: "The council pays, from 2028",
    questions.STOP_CONDITIONS: "If nobody comes",
    questions.LEGACY_AGREED: "yes",
    questions.ENDS_WITH_MONEY: "no",
}

WHOLE = Case(
    reference="P-2026-001",
    budget_pence=33_000_00,
    requested_pence=30_000_00,
    coproducer_pence=2_000_00,
    partners=PARTNERS,
    answers=ANSWERS,
    activities=(
        ActivityCase(date(2026, 3, 1), "Talk", "Centre", 3, 0, 1),
        ActivityCase(date(2026, 4, 1), "Walk", "Estate", 2, 1, 0),
    ),
    heard_changed=(("Mornings are hard", "We meet in the evening"),),
    levels=LEVELS,
    levers=(LeverCase("rules", "Priority by date", "Priority by need", 3, True),),
    attestations=AnswerCounts(counted=3, helped=0, agreeing=3, disputed=0),
)
