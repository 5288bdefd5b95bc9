"""Every question of a proposal, as data: what is asked, why, and which decision it informs (handbook §7.6, §8).

The public round page, the draft's pages, the frozen version and the gates all read this one list. Answers are text:
`multi` holds the chosen codes with a space between, `yes_no` holds "yes" or "no", `number` holds digits;
"" is no answer.
"""

from dataclasses import dataclass
from enum import StrEnum

from fund.kernel.places import DISTRICTS

# Codes that other folders look answers up by.
TITLE = "title"
SUMMARY = "summary"
IDEA = "idea"
MONTHS = "months"
SITUATION = "situation"
SITUATION_EVIDENCE = "situation_evidence"
EARLIER_WORK = "earlier_work"
PEOPLE = "people"
PLACES = "places"
NEIGHBOURHOODS = "neighbourhoods"
PEOPLE_COUNT = "people_count"
SMALL_GROUP_REASON = "small_group_reason"
FED_BACK = "fed_back"
ACCESS_AND_EXPENSES = "access_and_expenses"
SHARED_POWER = "shared_power"
SHARED_POWER_COUNT = "shared_power_count"
SHARED_POWER_HOW = "shared_power_how"
COPRODUCER_BUDGET_REASON = "coproducer_budget_reason"
SCALING = "scaling"
STOPS = "stops"
BUYING = "buying"
AFTER_MONEY = "after_money"
STOP_CONDITIONS = "stop_conditions"
ENDS_WITH_MONEY = "ends_with_money"
LEGACY_AGREED = "legacy_agreed"
STAGE = "stage"


class Kind(StrEnum):
    """How a question is answered."""

    TEXT = "text"
    LONG = "long"
    CHOICE = "choice"
    MULTI = "multi"
    YES_NO = "yes_no"
    NUMBER = "number"


@dataclass(frozen=True)
class Section:
    """A page of questions."""

    code: str
    title: str
    lead: str


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        code: name in Answer.question and in forms; never reused for another question.
        section: code of its Section.
        label: the question.
        hint: how to answer.
        why: why it is asked.
        decides: the decision that the answer informs.
        max_length: characters, counted after cleaning; 0 where it does not apply.
        least, most: limits of a NUMBER.
        choices: (code, words) for CHOICE and MULTI.
        required: whether a proposal can be sent without an answer. Some are needed only in some cases; the gates say
            when.
    """

    code: str
    section: str
    label: str
    hint: str
    why: str
    decides: str
    kind: Kind = Kind.LONG
    max_length: int = 0
    least: int = 0
    most: int = 0
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = True


SECTIONS = (
    Section("idea", "The idea", "What you want to do, and why nothing there is now does it."),
    Section("people", "People and places", "Who it is for, where they live, and how you listen to them."),
    Section("power", "Shared power", "How people who live with the issue decide with you."),
    Section("change", "Lasting change", "What will be different when the grant has been spent."),
)

_IN_ORDER = (
    Question(
        TITLE,
        "idea",
        "What is the proposal called?",
        "A name that somebody outside your work understands.",
        "Members, the public and the ballot paper use this name.",
        "The ballot: members find your proposal by it.",
        Kind.TEXT,
        120,
    ),
    Question(
        SUMMARY,
        "idea",
        "Your proposal in short, for the members who vote",
        "Say who it is for, what changes, and what the money does.",
        "Members read this first, often on a phone.",
        "The ballot: what members vote on.",
        Kind.LONG,
        600,
    ),
    Question(
        IDEA,
        "idea",
        "What will you do together?",
        "Who does what, in which order, and what is new about it.",
        "Assessors need to see the work itself before they judge it.",
        "Assessment of all four gates.",
        Kind.LONG,
        4000,
    ),
    Question(
        MONTHS,
        "idea",
        "How many months will the grant last?",
        "A whole number, from 1 to 60.",
        "Payments and reports are planned from it.",
        "The agreement: dates of payments and reports.",
        Kind.NUMBER,
        least=1,
        most=60,
    ),
    Question(
        SITUATION,
        "idea",
        "Which of these is true of the issue?",
        "Choose the one that fits best.",
        "The fund is for issues where no solution exists, or where what exists fails or will fail.",
        "Gate 4: systemic change.",
        Kind.CHOICE,
        choices=(
            ("no_solution", "No solution exists"),
            ("solutions_fail", "There are solutions, but they fail"),
            ("solutions_will_fail", "There are solutions, but they will fail as demand grows"),
        ),
    ),
    Question(
        SITUATION_EVIDENCE,
        "idea",
        "How do you know?",
        "Figures, what people tell you, or what was tried before. Say where each comes from.",
        "A choice without evidence can't be weighed.",
        "Gate 4: systemic change.",
        Kind.LONG,
        2000,
    ),
    Question(
        EARLIER_WORK,
        "idea",
        "Which earlier work do you learn from?",
        "Work in Greater Manchester or elsewhere, and what you do differently because of it. Quote the reference of an "
        "earlier award if there is one.",
        "The fund builds on past and present innovation instead of repeating it.",
        "Assessment of gate 4.",
        Kind.LONG,
        2000,
        required=False,
    ),
    Question(
        PEOPLE,
        "people",
        "Who are the people to be supported?",
        "Name the group or groups as they would name themselves.",
        "Direct engagement can only be shown with a named group.",
        "Gate 2: direct engagement.",
        Kind.LONG,
        1000,
    ),
    Question(
        PLACES,
        "people",
        "In which districts do they live?",
        "Choose every district where the work happens.",
        "Members and the public see what is funded where.",
        "Gate 2, and the public figures by district.",
        Kind.MULTI,
        choices=tuple((district.code, district.name) for district in DISTRICTS),
    ),
    Question(
        NEIGHBOURHOODS,
        "people",
        "Which neighbourhoods, if it is about some?",
        "Names of places that local people use.",
        "The fund works at the level of the city region and of the neighbourhood.",
        "Public figures by place.",
        Kind.TEXT,
        200,
        required=False,
    ),
    Question(
        PEOPLE_COUNT,
        "people",
        "About how many people are in these groups?",
        "Your best estimate, as a whole number.",
        "It shows how much engagement is enough.",
        "Gate 2: direct engagement.",
        Kind.NUMBER,
        least=1,
        most=3_000_000,
    ),
    Question(
        SMALL_GROUP_REASON,
        "people",
        "If you could talk with only a few people, why?",
        "Only needed where the group is very small.",
        "A very small group is no reason for refusal, if we know about it.",
        "Gate 2: direct engagement.",
        Kind.LONG,
        600,
        required=False,
    ),
    Question(
        FED_BACK,
        "people",
        "How did you tell people what you did with what they said?",
        "When and how they heard back from you.",
        "People who give their time should see what came of it.",
        "Gate 2: direct engagement.",
        Kind.LONG,
        1000,
    ),
    Question(
        ACCESS_AND_EXPENSES,
        "people",
        "What did you offer so that everybody could take part?",
        "Access, travel, childcare, interpreters, expenses, payment for time.",
        "Without it only those who can afford to take part are heard.",
        "Gate 2: direct engagement.",
        Kind.LONG,
        1000,
    ),
    Question(
        SHARED_POWER,
        "power",
        "Which power do people with lived experience hold?",
        "Choose all that are true, now or from the start of the grant.",
        "Co-production means that power is shared, not only that views are asked for.",
        "Gate 3: co-production.",
        Kind.MULTI,
        choices=(
            ("co_chair", "They co-chair the group that decides"),
            ("voting_seats", "They have seats with a vote"),
            ("veto", "They can say no to a decision"),
            ("budget_held", "They decide on a budget"),
        ),
    ),
    Question(
        SHARED_POWER_COUNT,
        "power",
        "How many people with lived experience hold it?",
        "A whole number.",
        "A fact that can be checked later.",
        "Gate 3: co-production.",
        Kind.NUMBER,
        least=1,
        most=9_999,
    ),
    Question(
        SHARED_POWER_HOW,
        "power",
        "How does sharing power work in practice?",
        "For example: who meets, how often, and how a disagreement is settled.",
        "Assessors judge whether power is shared or only advice is asked for.",
        "Assessment of gate 3.",
        Kind.LONG,
        1500,
    ),
    Question(
        COPRODUCER_BUDGET_REASON,
        "power",
        "If no budget line pays or supports co-producers, why?",
        "Only needed where there is no such line in your budget.",
        "Time and experience have a worth; there can be good reasons not to pay, and we ask for them.",
        "Gate 3: co-production.",
        Kind.LONG,
        600,
        required=False,
    ),
    Question(
        SCALING,
        "change",
        "How will the change grow?",
        "Choose all that you intend.",
        "Systemic change reaches further than the work that the grant pays for.",
        "Gate 4: systemic change.",
        Kind.MULTI,
        choices=(
            ("out", "Out: more places take it up"),
            ("up", "Up: rules and institutions change"),
            ("deep", "Deep: how people think and behave changes"),
        ),
    ),
    Question(
        STOPS,
        "change",
        "What stops or is replaced when this works?",
        "A service, a rule, a contract, a habit.",
        "If nothing stops, the new is only added to the old.",
        "Gate 4: systemic change.",
        Kind.LONG,
        1500,
    ),
    Question(
        BUYING,
        "change",
        "What will change in how somebody buys or commissions?",
        "Leave it empty if nothing will. Name the organisation and the contract or rule.",
        "The fund looks for innovation in buying and commissioning.",
        "Assessment of gate 4, and the list of awards that change buying.",
        Kind.LONG,
        1500,
        required=False,
    ),
    Question(
        AFTER_MONEY,
        "change",
        "After the money: who pays, who owns it, and from when?",
        "Name the organisations and the date.",
        "The fund does not pay for work that ends with its grant.",
        "Gate 4: systemic change.",
        Kind.LONG,
        2000,
    ),
    Question(
        STOP_CONDITIONS,
        "change",
        "What would make you stop?",
        "What you would see, and who would decide.",
        "Knowing when to stop is a sign of an honest plan, never a reason to refuse.",
        "Gate 4: systemic change.",
        Kind.LONG,
        1000,
    ),
    Question(
        ENDS_WITH_MONEY,
        "change",
        "Does the change end when the money ends?",
        "If you answer yes, gate 4 is not met, and we tell you what you can do.",
        "This is not a fund for projects with an end date.",
        "Gate 4: systemic change.",
        Kind.YES_NO,
    ),
    Question(
        LEGACY_AGREED,
        "change",
        "Do you agree to short looks back in the years after the end?",
        "One page each time: is it still different? The agreement gives the dates.",
        "Members want to know whether change lasted.",
        "Gate 4: systemic change.",
        Kind.YES_NO,
    ),
    Question(
        STAGE,
        "change",
        "How far along is the innovation?",
        "Recorded, not scored. Prototypes are welcome if the way to systemic change is shown.",
        "We learn at which stage support helps most.",
        "Learning from the round; no decision.",
        Kind.CHOICE,
        choices=(
            ("prompt", "Prompt: an issue that asks for something new"),
            ("proposal", "Proposal: an idea worked out"),
            ("prototype", "Prototype: being tried"),
            ("sustain", "Sustain: becoming everyday practice"),
            ("scale", "Scale: being taken up elsewhere"),
            ("systemic", "Systemic: changing the system"),
        ),
        required=False,
    ),
)

QUESTIONS = {question.code: question for question in _IN_ORDER}
"""By code, in the order in which they are asked."""


def in_section(section: str) -> tuple[Question, ...]:
    """The questions of a section, in order."""
    return tuple(question for question in _IN_ORDER if question.section == section)


def chosen(value: str) -> tuple[str, ...]:
    """The codes held by a MULTI answer."""
    return tuple(value.split())


def in_words(question: Question, value: str) -> str:
    """An answer as people read it: choices by their words, yes and no with capitals, the rest as typed."""
    if question.kind in (Kind.CHOICE, Kind.MULTI):
        names = dict(question.choices)
        return "; ".join(names.get(code, code) for code in chosen(value))
    if question.kind is Kind.YES_NO:
        return value.capitalize()
    return value
