"""Measures, values, the equal-evidence rule, consent and reminders (handbook §10). Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from fund.kernel.errors import Finding

REASON_LIMIT = 600
"""Longest reason for a missing number and for a missing story: the same either way (handbook §10.2)."""
NOTE_LIMIT = 600
STORY_LIMIT = 3000
WORDS_LIMIT = 2000
"""Longest query, feedback and answer on unwanted change."""
LARGEST_SCALED = 10**15


class FrameworkStatus(StrEnum):
    """A draft may be edited; a published framework never; a retired one only stands behind old awards."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class MeasureKind(StrEnum):
    """What is written down for a measure."""

    COUNT = "count"
    NUMBER = "number"
    PERCENT = "percent"
    MONEY = "money"
    YES_NO = "yes_no"
    SCALE = "scale"
    STORY = "story"


class Direction(StrEnum):
    """Which way is better."""

    UP = "up"
    DOWN = "down"


class Aggregation(StrEnum):
    """How readings of several awards make one figure."""

    SUM = "sum"
    MEAN = "mean"
    LATEST = "latest"
    NONE = "none"


class ReportState(StrEnum):
    """Where a report stands (handbook §7). Overdue is a matter of the date, not a state."""

    DUE = "due"
    DRAFT = "draft"
    SUBMITTED = "submitted"
    QUERIED = "queried"
    ACCEPTED = "accepted"


WRITABLE = (ReportState.DUE, ReportState.DRAFT, ReportState.QUERIED)
"""States in which the grantee may write."""


class EvidenceKind(StrEnum):
    """The two kinds of evidence, which count equally."""

    READING = "reading"
    STORY = "story"


class EvidenceState(StrEnum):
    """One review flow for readings and stories (handbook §10.1)."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    QUERIED = "queried"
    ACCEPTED = "accepted"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Basis(StrEnum):
    """How a number was come by."""

    COUNTED = "counted"
    ESTIMATED = "estimated"
    SAMPLED = "sampled"


class Voice(StrEnum):
    """Who tells the story."""

    OWN_WORDS = "own_words"
    TOLD_BY_ANOTHER = "told_by_another"


class ConsentHow(StrEnum):
    """How the person agreed."""

    SIGNED_FORM = "signed_form"
    WRITTEN_MESSAGE = "written_message"
    RECORDED_VOICE = "recorded_voice"
    SAID_TO_WORKER = "said_to_worker"


class ReviewDecision(StrEnum):
    """What a reviewer made of a report."""

    QUERIED = "queried"
    ACCEPTED = "accepted"


class Reminder(StrEnum):
    """The reminders of one report, in order."""

    BEFORE = "before"
    ON_THE_DAY = "on_the_day"
    AFTER = "after"


REMIND_DAYS_FROM_DUE: Mapping[Reminder, int] = {Reminder.BEFORE: -14, Reminder.ON_THE_DAY: 0, Reminder.AFTER: 7}


def reminder_due(due_on: date, today: date) -> Reminder | None:
    """The latest reminder whose day has come; the earlier ones are then no longer worth sending."""
    come = [stage for stage, days in REMIND_DAYS_FROM_DUE.items() if today >= due_on + timedelta(days=days)]
    return come[-1] if come else None


# --- values


_VALUE = re.compile(
    r"(?P<sign>[-−]?)(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,13})(?:\.(?P<part>[0-9]{1,4}))?", re.ASCII
)


def parse_value(text: str, kind: MeasureKind, decimals: int) -> int:
    """A value as people write it, as a whole number of units of 10^-decimals: "1,250.5" with 1 decimal is 12505.

    Raises:
        ValueError: with a sentence that says how to write it.
    """
    written = text.strip().removeprefix("£").removesuffix("%").strip()
    if kind is MeasureKind.YES_NO:
        if written.lower() not in ("yes", "no"):
            raise ValueError("Write yes or no.")
        return int(written.lower() == "yes")
    match = _VALUE.fullmatch(written)
    if match is None:
        raise ValueError("Write a number in figures, such as 12 or 1,250.")
    part = match["part"] or ""
    if len(part) > decimals:
        how = "a whole number" if decimals == 0 else f"at most {decimals} figure{'s' * (decimals > 1)} after the point"
        raise ValueError(f"Write {how}.")
    scaled = int(match["whole"].replace(",", "") + part.ljust(decimals, "0"))
    if match["sign"] and scaled:
        if kind is not MeasureKind.NUMBER:
            raise ValueError(
                "This can't be below nought. If things got worse, say so under “What you did not want or expect”."
            )
        scaled = -scaled
    if kind is MeasureKind.PERCENT and scaled > 100 * 10**decimals:
        raise ValueError("A share can't be more than 100%.")
    if abs(scaled) > LARGEST_SCALED:
        raise ValueError("That number is too large to be right. Check the number of noughts.")
    return scaled


def show_value(scaled: int, kind: MeasureKind, unit: str, decimals: int) -> str:
    """ "1,250.5 hours", "87%", "£1,200.50", "yes"."""
    if kind is MeasureKind.YES_NO:
        return "yes" if scaled else "no"
    figures = show_figures(scaled, decimals)
    if kind is MeasureKind.PERCENT:
        return f"{figures}%"
    if kind is MeasureKind.MONEY:
        sign = "−" if scaled < 0 else ""
        return f"{sign}£{figures.removeprefix('−')}"
    return f"{figures} {unit}"


def show_figures(scaled: int, decimals: int) -> str:
    """The figures alone; a part after the point is left out when it is nought."""
    whole, part = divmod(abs(scaled), 10**decimals)
    sign = "−" if scaled < 0 else ""
    return f"{sign}{whole:,}" + (f".{part:0{decimals}d}" if part else "")


@dataclass(frozen=True)
class Valued:
    """One accepted reading, as far as adding up needs it."""

    framework_id: int
    measure_code: str
    award_reference: str
    report_number: int
    scaled: int


def aggregate(readings: Sequence[Valued], how: Aggregation) -> int | None:
    """One figure from readings of one measure, in the measure's own units, rounded half up where a mean needs it.

    SUM adds every reading: a report tells of its own period alone. MEAN and LATEST look at the latest reading of each
    award. NONE gives None, as do no readings.

    Raises:
        ValueError: when the readings are of different measures or framework versions, which never add up (R15).
    """
    if len({(reading.framework_id, reading.measure_code) for reading in readings}) > 1:
        raise ValueError("readings of different measures or framework versions are never added")
    if not readings or how is Aggregation.NONE:
        return None
    if how is Aggregation.SUM:
        return sum(reading.scaled for reading in readings)
    latest: dict[str, Valued] = {}
    for reading in sorted(readings, key=lambda one: one.report_number):
        latest[reading.award_reference] = reading
    if how is Aggregation.LATEST:
        return max(latest.values(), key=lambda one: (one.report_number, one.award_reference)).scaled
    total, count = sum(reading.scaled for reading in latest.values()), len(latest)
    return (2 * total + count) // (2 * count)


# --- the equal-evidence rule


@dataclass(frozen=True)
class OutcomeEvidence:
    """What a report holds for one outcome that the award commits to. Withdrawn stories still count."""

    code: str
    title: str
    readings: int
    stories: int
    why_no_reading: str | None = None
    why_no_story: str | None = None


def missing(evidence: Sequence[OutcomeEvidence]) -> list[Finding]:
    """What the equal-evidence rule still asks for (handbook §10.2): a number and a story for each outcome, or why not.

    The same limit and the same tone hold both ways: neither kind of evidence is the lesser.
    """
    if not evidence:
        return [Finding("Choose what this award will measure before you report. Open “What we measure” and choose.")]
    found = []
    for outcome in evidence:
        if not outcome.readings and not outcome.why_no_reading:
            found.append(_lacks_number(outcome))
        if not outcome.stories and not outcome.why_no_story:
            found.append(_lacks_story(outcome))
    return found


def _lacks_story(outcome: OutcomeEvidence) -> Finding:
    thanks = "Thank you for the number. " if outcome.readings else ""
    return Finding(
        f"{thanks}A story counts just as much as a number. For “{outcome.title}”, add one person's story, "
        "or say why there is none this time.",
        field=f"story-{outcome.code}",
        fix=f"#outcome-{outcome.code}",
    )


def _lacks_number(outcome: OutcomeEvidence) -> Finding:
    thanks = "Thank you for the story. " if outcome.stories else ""
    return Finding(
        f"{thanks}A number counts just as much as a story. For “{outcome.title}”, add one number (an estimate "
        "will do), or say why there is none this time.",
        field=f"reading-{outcome.code}",
        fix=f"#outcome-{outcome.code}",
    )


def completeness(evidence: Sequence[OutcomeEvidence]) -> tuple[int, int]:
    """Pieces given and pieces asked: one for the number and one for the story of each outcome."""
    given = sum(bool(one.readings or one.why_no_reading) + bool(one.stories or one.why_no_story) for one in evidence)
    return given, 2 * len(evidence)


# --- consent


@dataclass(frozen=True)
class Consent:
    """What the person in a story agreed to (handbook §10.3). No use ticked: private evidence, without identity."""

    by: str
    how: ConsentHow | None
    fund: bool
    members: bool
    public: bool
    press: bool
    named: bool
    shown_name: str
    review_on: date | None

    @property
    def given(self) -> bool:
        """Whether the person agreed to any use."""
        return self.fund or self.members or self.public or self.press


def consent_missing(consent: Consent) -> list[Finding]:
    """What is wanting in a record of consent."""
    found = []
    if consent.given and not consent.by:
        found.append(Finding("Say who agreed: the person in the story, or who may agree for them.", field="consent_by"))
    if consent.given and consent.how is None:
        found.append(Finding("Say how they agreed.", field="consent_how"))
    if consent.named and not consent.given:
        found.append(
            Finding(
                "Without the person's agreement to a use, the story must not name them. Untick this.", field="named"
            )
        )
    if consent.named and not consent.shown_name:
        found.append(Finding("Write the name as the person wants it shown, or untick this.", field="shown_name"))
    if consent.shown_name and not consent.named:
        found.append(Finding("Tick that they want to be named, or leave the name empty.", field="shown_name"))
    return found


def relation_missing(voice: Voice | None, relation: str) -> list[Finding]:
    """A story told by another says by whom."""
    if voice is Voice.TOLD_BY_ANOTHER and not relation:
        return [Finding("Say who tells it, such as a support worker or a neighbour.", field="relation")]
    return []


CODE_LETTERS = "23456789BCDFGHJKMNPQRSTVWXYZ"
"""No vowels, no 0, 1, I, L, O: a code is read aloud, written down and never a word."""
CODE_LENGTH = 12


def normal_code(typed: str) -> str:
    """A withdraw code as it was made, whatever the case, spaces and dashes it was typed with."""
    return re.sub(r"[^0-9A-Z]", "", typed.upper())[: CODE_LENGTH * 2]


def shown_code(code: str) -> str:
    """The code in groups of four: "K7MQ-2XNP-4R9T"."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))
