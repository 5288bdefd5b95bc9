"""The words of evidence: phases and levels of co-production, system levers, what an attestation can say. Pure."""

from enum import StrEnum


class Phase(StrEnum):
    """The phases of the work for which a level of co-production is claimed (handbook §8, G3)."""

    DEFINE = "define"
    DESIGN = "design"
    DECIDE = "decide"
    DELIVER = "deliver"
    REVIEW = "review"


PHASE_QUESTIONS = {
    Phase.DEFINE: "Deciding what the problem is",
    Phase.DESIGN: "Designing what to do about it",
    Phase.DECIDE: "Deciding how money and power are used",
    Phase.DELIVER: "Doing the work",
    Phase.REVIEW: "Judging how well it went",
}
PLANNED_PHASES = (Phase.DECIDE, Phase.DELIVER, Phase.REVIEW)

LEVELS = (
    ("Done to", "told or obliged"),
    ("Informed", "told what and why"),
    ("Consulted", "asked; others decide"),
    ("Engaged", "a regular say; can sway some decisions"),
    ("Co-designed", "shaped the design; not in delivery or control"),
    ("Co-produced", "share decisions, delivery and review as equals"),
    ("Led by people", "they hold control; organisations support"),
)
"""The ladder, level 0 to 6: name and test (after Think Local Act Personal, New Economics Foundation and Arnstein)."""


def level_name(level: int) -> str:
    """ "Level 4, co-designed"."""
    return f"level {level}, {LEVELS[level][0].lower()}"


class LeverKind(StrEnum):
    """What in the system is to change (handbook §8, G4)."""

    RULES = "rules"
    COMMISSIONING = "commissioning"
    MONEY_FLOWS = "money_flows"
    PRACTICE = "practice"
    RELATIONSHIPS = "relationships"
    POWER = "power"
    MINDSETS = "mindsets"


LEVER_NAMES = {
    LeverKind.RULES: "Policy and rules",
    LeverKind.COMMISSIONING: "Commissioning and procurement (how services are bought)",
    LeverKind.MONEY_FLOWS: "Where money flows",
    LeverKind.PRACTICE: "Everyday practice",
    LeverKind.RELATIONSHIPS: "Relationships between organisations and people",
    LeverKind.POWER: "Who decides",
    LeverKind.MINDSETS: "How people think about it",
}


class WhoAnswers(StrEnum):
    """Who gives an attestation. Staff of a partner must say so and do not count; helpers are counted apart."""

    MYSELF = "myself"
    HELPER_FAMILY = "helper_family"
    HELPER_ADVOCATE = "helper_advocate"
    HELPER_FUND = "helper_fund"
    HELPER_PARTNER_STAFF = "helper_partner_staff"
    STAFF = "staff"


WHO_ANSWERS = {
    WhoAnswers.MYSELF: "I am answering for myself",
    WhoAnswers.HELPER_FAMILY: "I am a relative, friend or carer, entering answers for somebody",
    WhoAnswers.HELPER_ADVOCATE: "I am an advocate or support worker from elsewhere, entering answers for somebody",
    WhoAnswers.HELPER_FUND: "I am from the fund, entering answers for somebody",
    WhoAnswers.HELPER_PARTNER_STAFF: "I am paid by one of these organisations, entering answers for somebody",
    WhoAnswers.STAFF: "I am paid by one of these organisations, and answer for myself",
}
STAFF_ANSWERS = (WhoAnswers.STAFF, WhoAnswers.HELPER_PARTNER_STAFF)
HELPER_ANSWERS = (WhoAnswers.HELPER_FAMILY, WhoAnswers.HELPER_ADVOCATE, WhoAnswers.HELPER_FUND)


class TookPart(StrEnum):
    """Whether and how a co-producer took part."""

    MEETINGS = "meetings"
    CONVERSATION = "conversation"
    PLANNING = "planning"
    OTHER = "other"
    NO = "no"


TOOK_PART = {
    TookPart.MEETINGS: "Yes, in meetings or workshops",
    TookPart.CONVERSATION: "Yes, in a conversation or interview",
    TookPart.PLANNING: "Yes, I helped to plan or design it",
    TookPart.OTHER: "Yes, in another way",
    TookPart.NO: "No, I didn't take part",
}


class Changed(StrEnum):
    """Whether what a co-producer said changed the plan."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"
    UNSURE = "unsure"


CHANGED = {
    Changed.YES: "Yes",
    Changed.PARTLY: "Partly",
    Changed.NO: "No",
    Changed.UNSURE: "I don't know",
}


class Decisions(StrEnum):
    """Whether a co-producer could see or join decisions."""

    JOIN = "join"
    SEE = "see"
    NEITHER = "neither"
    UNSURE = "unsure"


DECISIONS = {
    Decisions.JOIN: "Yes, I could join in deciding",
    Decisions.SEE: "I could see what was decided, but not join in",
    Decisions.NEITHER: "No",
    Decisions.UNSURE: "I don't know",
}


class Offered(StrEnum):
    """Whether expenses or payment were offered."""

    PAYMENT = "payment"
    EXPENSES = "expenses"
    NO = "no"
    UNSURE = "unsure"


OFFERED = {
    Offered.PAYMENT: "Yes, payment for my time",
    Offered.EXPENSES: "Yes, expenses such as bus fares",
    Offered.NO: "No",
    Offered.UNSURE: "I don't know",
}


class Verdict(StrEnum):
    """Whether a co-producer agrees with what the partners say about working with people."""

    AGREE = "agree"
    DISAGREE = "disagree"


VERDICTS = {
    Verdict.AGREE: "I agree with what they say",
    Verdict.DISAGREE: "I disagree with what they say",
}
