"""Values, the equal-evidence rule, consent, reminders and adding up."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fund.reporting.rules import (
    CODE_LETTERS,
    REASON_LIMIT,
    Aggregation,
    ConsentHow,
    MeasureKind,
    OutcomeEvidence,
    Reminder,
    Valued,
    aggregate,
    completeness,
    consent_missing,
    missing,
    normal_code,
    parse_value,
    reminder_due,
    show_value,
    shown_code,
)
from tests.fund.reporting.reports import agreed

NOTHING = OutcomeEvidence("C1", "Life is better", 0, 0)


@pytest.mark.parametrize(
    ("readings", "stories", "why_no_reading", "why_no_story", "wanting"),
    [
        (0, 0, None, None, ["reading-C1", "story-C1"]),
        (1, 0, None, None, ["story-C1"]),
        (0, 1, None, None, ["reading-C1"]),
        (9, 0, None, None, ["story-C1"]),
        (0, 9, None, None, ["reading-C1"]),
        (1, 1, None, None, []),
        (1, 0, None, "Too early.", []),
        (0, 1, "Too early.", None, []),
        (0, 0, "Too early.", "Too early.", []),
        (0, 0, "Too early.", None, ["story-C1"]),
        (0, 0, None, "Too early.", ["reading-C1"]),
        (1, 0, "A reason for the other kind.", None, ["story-C1"]),
        (1, 0, None, "", ["story-C1"]),
    ],
)
def test_equal_evidence(readings, stories, why_no_reading, why_no_story, wanting) -> None:
    one = OutcomeEvidence("C1", "Life is better", readings, stories, why_no_reading, why_no_story)
    assert [finding.field for finding in missing([one])] == wanting


def test_every_outcome_is_asked_for_and_all_gaps_are_named_at_once() -> None:
    other = replace(NOTHING, code="B1", readings=1)
    assert [finding.field for finding in missing([NOTHING, other])] == ["reading-C1", "story-C1", "story-B1"]
    assert missing([])[0].message.startswith("Choose what this award will measure")


def test_the_refusal_is_as_kind_one_way_as_the_other() -> None:
    numbers_only = missing([replace(NOTHING, readings=1)])[0].message
    stories_only = missing([replace(NOTHING, stories=1)])[0].message
    assert numbers_only.startswith("Thank you for the number. A story counts just as much as a number.")
    assert stories_only.startswith("Thank you for the story. A number counts just as much as a story.")
    for message in (numbers_only, stories_only):
        assert message.endswith("or say why there is none this time.")
    assert abs(len(numbers_only) - len(stories_only)) < 40
    assert REASON_LIMIT == 600


def test_completeness_counts_one_for_each() -> None:
    assert completeness([NOTHING]) == (0, 2)
    assert completeness([replace(NOTHING, readings=5)]) == (1, 2)
    assert completeness([replace(NOTHING, stories=5), replace(NOTHING, readings=1, why_no_story="x")]) == (3, 4)


@pytest.mark.parametrize(
    ("text", "kind", "decimals", "scaled"),
    [
        ("12", MeasureKind.COUNT, 0, 12),
        ("1,250", MeasureKind.COUNT, 0, 1250),
        ("0", MeasureKind.COUNT, 0, 0),
        ("-0", MeasureKind.COUNT, 0, 0),
        ("12.5", MeasureKind.NUMBER, 1, 125),
        ("12", MeasureKind.NUMBER, 2, 1200),
        ("-3.25", MeasureKind.NUMBER, 2, -325),
        ("−3", MeasureKind.NUMBER, 0, -3),
        ("£1,200.50", MeasureKind.MONEY, 2, 120050),
        ("87%", MeasureKind.PERCENT, 0, 87),
        ("100", MeasureKind.PERCENT, 0, 100),
        ("Yes", MeasureKind.YES_NO, 0, 1),
        ("no", MeasureKind.YES_NO, 0, 0),
    ],
)
def test_values_as_people_write_them(text, kind, decimals, scaled) -> None:
    assert parse_value(text, kind, decimals) == scaled


@pytest.mark.parametrize(
    ("text", "kind", "decimals", "says"),
    [
        ("", MeasureKind.COUNT, 0, "figures"),
        ("many", MeasureKind.COUNT, 0, "figures"),
        ("NaN", MeasureKind.NUMBER, 2, "figures"),
        ("1e5", MeasureKind.NUMBER, 2, "figures"),
        ("Infinity", MeasureKind.NUMBER, 2, "figures"),
        ("12,50", MeasureKind.NUMBER, 2, "figures"),
        ("٣", MeasureKind.COUNT, 0, "figures"),
        ("1.5", MeasureKind.COUNT, 0, "whole number"),
        ("1.555", MeasureKind.NUMBER, 2, "at most 2 figures"),
        ("-1", MeasureKind.COUNT, 0, "below nought"),
        ("101", MeasureKind.PERCENT, 0, "more than 100%"),
        ("9999999999999", MeasureKind.NUMBER, 4, "too large"),
        ("maybe", MeasureKind.YES_NO, 0, "yes or no"),
    ],
)
def test_values_that_are_refused_say_how_to_write_them(text, kind, decimals, says) -> None:
    with pytest.raises(ValueError, match=says):
        parse_value(text, kind, decimals)


@given(st.integers(-(10**12), 10**12), st.integers(0, 3))
def test_what_is_shown_can_be_typed_again(scaled: int, decimals: int) -> None:
    shown = show_value(scaled, MeasureKind.NUMBER, "", decimals)
    assert parse_value(shown, MeasureKind.NUMBER, decimals) == scaled


def test_values_are_shown_with_their_unit() -> None:
    assert show_value(12505, MeasureKind.NUMBER, "hours", 1) == "1,250.5 hours"
    assert show_value(87, MeasureKind.PERCENT, "%", 0) == "87%"
    assert show_value(120050, MeasureKind.MONEY, "£", 2) == "£1,200.50"
    assert show_value(1, MeasureKind.YES_NO, "", 0) == "yes"


def valued(scaled: int, award: str = "G-1", number: int = 1, framework: int = 1, code: str = "C1.1") -> Valued:
    return Valued(framework, code, award, number, scaled)


def test_two_awards_figures_on_one_measure_add_up() -> None:
    both = [valued(12), valued(30, "G-2"), valued(8, number=2)]
    assert aggregate(both, Aggregation.SUM) == 50
    assert aggregate(both, Aggregation.LATEST) == 8
    assert aggregate(both, Aggregation.MEAN) == 19
    assert aggregate([valued(1), valued(2, "G-2")], Aggregation.MEAN) == 2  # half up
    assert aggregate(both, Aggregation.NONE) is None
    assert aggregate([], Aggregation.SUM) is None


@pytest.mark.parametrize("stranger", [valued(5, framework=2), valued(5, code="B1.1")])
def test_framework_versions_and_measures_are_never_mixed(stranger: Valued) -> None:
    with pytest.raises(ValueError, match="never added"):
        aggregate([valued(12), stranger], Aggregation.SUM)


def test_consent_to_a_use_needs_who_and_how() -> None:
    assert consent_missing(agreed()) == []
    assert [finding.field for finding in consent_missing(agreed(by="", how=None))] == ["consent_by", "consent_how"]
    nothing = agreed(by="", how=None, fund=False, members=False, public=False, named=False, shown_name="")
    assert consent_missing(nothing) == []


def test_nobody_is_named_without_agreement() -> None:
    unagreed = agreed(fund=False, members=False, public=False, press=False)
    assert [finding.field for finding in consent_missing(unagreed)] == ["named"]
    assert [finding.field for finding in consent_missing(agreed(shown_name=""))] == ["shown_name"]
    assert [finding.field for finding in consent_missing(agreed(named=False))] == ["shown_name"]
    assert agreed().how == ConsentHow.SIGNED_FORM


def test_a_code_may_be_typed_any_way() -> None:
    assert normal_code(" k7mq-2xnp 4r9t ") == "K7MQ2XNP4R9T"
    assert shown_code("K7MQ2XNP4R9T") == "K7MQ-2XNP-4R9T"
    assert not set("AEIOU01L") & set(CODE_LETTERS)


@pytest.mark.parametrize(
    ("days", "stage"),
    [
        (-15, None),
        (-14, Reminder.BEFORE),
        (-1, Reminder.BEFORE),
        (0, Reminder.ON_THE_DAY),
        (6, Reminder.ON_THE_DAY),
        (7, Reminder.AFTER),
        (400, Reminder.AFTER),
    ],
)
def test_the_reminder_of_a_day(days: int, stage: Reminder | None) -> None:
    due = date(2026, 7, 31)
    assert reminder_due(due, due + timedelta(days=days)) is stage
