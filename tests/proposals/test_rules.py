"""Rules of rounds, answers, parts and money, as tables."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from fund.kernel.errors import Conflict, RuleBroken
from fund.kernel.policy import Policy
from members.rules import Sector
from proposals import rules
from proposals.questions import QUESTIONS, SECTIONS, Kind, in_section, in_words
from proposals.rules import (
    PROPOSAL_MOVES,
    ROUND_MOVES,
    CostLine,
    ProposalState,
    RoundPlan,
    RoundState,
    Terms,
)

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_every_round_move_is_in_the_table_or_refused() -> None:
    allowed = {
        ("draft", "published"),
        ("published", "open"),
        ("open", "closed"),
        ("closed", "deciding"),
        ("deciding", "closed"),
        ("deciding", "decided"),
        ("decided", "closed"),
    }
    for present, wanted in product(RoundState, RoundState):
        if (present, wanted) in allowed:
            rules.check_round_move("R-2026-1", present, wanted)
        else:
            with pytest.raises(Conflict):
                rules.check_round_move("R-2026-1", present, wanted)
    assert set(ROUND_MOVES) == set(RoundState)


def test_every_proposal_move_is_in_the_table_or_refused() -> None:
    allowed = {
        ("draft", "submitted"),
        ("submitted", "eligible"),
        ("submitted", "returned"),
        ("submitted", "ineligible"),
        ("returned", "submitted"),
        ("returned", "ineligible"),
        ("eligible", "on_ballot"),
        ("eligible", "ineligible"),
        ("on_ballot", "approved"),
        ("on_ballot", "reserve"),
        ("on_ballot", "declined"),
        ("on_ballot", "eligible"),
        ("reserve", "approved"),
        ("reserve", "declined"),
        ("approved", "eligible"),
        ("reserve", "eligible"),
        ("declined", "eligible"),
    }
    for present, wanted in product(ProposalState, ProposalState):
        if (present, wanted) in allowed:
            rules.check_proposal_move("P-2026-001", present, wanted)
        else:
            with pytest.raises(Conflict):
                rules.check_proposal_move("P-2026-001", present, wanted)
    assert set(PROPOSAL_MOVES) == set(ProposalState)


@pytest.mark.parametrize(
    ("day", "year_end", "first", "last"),
    [
        (date(2026, 6, 1), (3, 31), date(2026, 4, 1), date(2027, 3, 31)),
        (date(2026, 3, 31), (3, 31), date(2025, 4, 1), date(2026, 3, 31)),
        (date(2026, 4, 1), (3, 31), date(2026, 4, 1), date(2027, 3, 31)),
        (date(2026, 6, 1), (12, 31), date(2026, 1, 1), date(2026, 12, 31)),
        (date(2028, 2, 29), (2, 28), date(2027, 3, 1), date(2028, 2, 29)),
        (date(2028, 3, 1), (2, 29), date(2028, 3, 1), date(2029, 2, 28)),
    ],
)
def test_the_fund_year_of_a_day(day: date, year_end: tuple[int, int], first: date, last: date) -> None:
    assert rules.fund_year(day, *year_end) == rules.FundYear(first, last)


@pytest.mark.parametrize("without", [(), *((sector,) for sector in Sector), tuple(Sector)])
def test_one_sentence_for_each_sector_without_cleared_money(without: tuple[Sector, ...]) -> None:
    cleared = {sector: 0 if sector in without else 1 for sector in Sector}
    assert len(rules.sectors_without_money(cleared, Policy())) == len(without)
    assert rules.sectors_without_money(cleared, replace(Policy(), pot_all_sectors_required=False)) == []


def test_a_sector_that_is_not_there_has_no_money() -> None:
    assert len(rules.sectors_without_money({}, Policy())) == 3


@pytest.mark.parametrize(("pence", "warned"), [(600, 0), (601, 1)])
def test_more_than_sixty_percent_of_a_sector_is_warned_of(pence: int, warned: int) -> None:
    cleared = {Sector.PRIVATE: pence, Sector.PUBLIC: 1000 - pence, Sector.VCSE: 0}
    assert len(rules.lopsided_pot(cleared, None, Policy())) == warned


@pytest.mark.parametrize(("pence", "warned"), [(330, 0), (331, 1)])
def test_more_than_a_third_of_one_contributor_is_warned_of(pence: int, warned: int) -> None:
    cleared = {Sector.PRIVATE: 400, Sector.PUBLIC: 300, Sector.VCSE: 300}
    assert len(rules.lopsided_pot(cleared, ("Body", pence), Policy())) == warned


def test_an_empty_pot_is_no_reason_to_warn() -> None:
    assert rules.lopsided_pot(dict.fromkeys(Sector, 0), None, Policy()) == []


def _plan(**changes: object) -> RoundPlan:
    values: dict[str, object] = {
        "title": "t",
        "purpose": "p",
        "written_case": "w",
        "senior_officer": "s",
        "budget_pence": 300,
        "smallest_pence": 100,
        "largest_pence": 200,
        "opens_at": NOON,
        "closes_at": NOON + timedelta(days=20),
        "decide_by": date(2026, 8, 1),
    }
    return RoundPlan(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, []),
        ({"smallest_pence": 200, "largest_pence": 200, "budget_pence": 200}, []),
        ({"closes_at": NOON}, ["closes_day"]),
        ({"decide_by": date(2026, 7, 21)}, ["decide_by"]),
        ({"smallest_pence": 201}, ["smallest"]),
        ({"budget_pence": 199}, ["largest"]),
    ],
)
def test_faults_of_a_plan_stand_beside_their_field(changes: dict[str, object], fields: list[str]) -> None:
    assert [finding.field for finding in rules.faults_of_plan(_plan(**changes), date(2026, 7, 21))] == fields


def test_grace_is_only_for_what_was_begun_before_closing() -> None:
    assert rules.last_moment(NOON, NOON - timedelta(seconds=1), 15) == NOON + timedelta(minutes=15)
    assert rules.last_moment(NOON, NOON, 15) == NOON


@pytest.mark.parametrize("state", list(RoundState))
def test_a_proposal_may_be_begun_only_in_an_open_round(state: RoundState) -> None:
    before, at = NOON - timedelta(seconds=1), NOON
    assert rules.may_start(state, NOON, before) == (state is RoundState.OPEN)
    assert not rules.may_start(state, NOON, at)


# --- answers


@pytest.mark.parametrize(
    ("code", "given", "kept"),
    [
        ("idea", "any words", "any words"),
        ("idea", "", ""),
        ("months", "1,2", "12"),
        ("months", "007", "7"),
        ("people_count", "1 200", "1200"),
        ("scaling", "up out", "out up"),
        ("situation", "no_solution", "no_solution"),
        ("ends_with_money", "no", "no"),
    ],
)
def test_an_answer_is_kept_in_one_form(code: str, given: str, kept: str) -> None:
    assert rules.normal_answer(QUESTIONS[code], given) == kept


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("months", "0"),
        ("months", "61"),
        ("months", "-3"),
        ("months", "1.5"),
        ("months", "٣"),
        ("months", "1e1"),
        ("months", "9" * 400),
        ("situation", "other"),
        ("situation", "no_solution solutions_fail"),
        ("scaling", "out sideways"),
        ("ends_with_money", "maybe"),
        ("idea", "x" * (rules.LONGEST_ANSWER + 1)),
    ],
)
def test_an_answer_that_is_none_is_refused_beside_its_question(code: str, given: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        rules.normal_answer(QUESTIONS[code], given)
    assert [finding.field for finding in refused.value.findings] == [code]


def test_questions_say_why_they_are_asked_and_stand_in_a_section() -> None:
    sections = {section.code for section in SECTIONS}
    for code, question in QUESTIONS.items():
        assert code == question.code
        assert question.section in sections
        assert question.why.endswith(".")
        assert question.decides.endswith(".")
        assert question.hint
        assert bool(question.choices) == (question.kind in (Kind.CHOICE, Kind.MULTI))
        assert bool(question.max_length) == (question.kind in (Kind.TEXT, Kind.LONG))
    assert sum(len(in_section(section)) for section in sections) == len(QUESTIONS)


def test_answers_in_words() -> None:
    assert in_words(QUESTIONS["places"], "E08000001 E08000003") == "Bolton; Manchester"
    assert in_words(QUESTIONS["ends_with_money"], "no") == "No"
    assert in_words(QUESTIONS["situation"], "") == ""


def test_what_is_missing_names_the_question_and_its_page() -> None:
    paths = {section.code: f"/{section.code}" for section in SECTIONS}
    full = dict.fromkeys(QUESTIONS, "x")
    assert rules.missing_answers(QUESTIONS.values(), full, paths) == []
    [finding] = rules.missing_answers(QUESTIONS.values(), {**full, "stops": ""}, paths)
    assert (finding.field, finding.fix) == ("stops", "/change#stops")
    [finding] = rules.missing_answers(QUESTIONS.values(), {**full, "title": "x" * 121}, paths)
    assert "by 1 characters" in finding.message
    optional = [question.code for question in QUESTIONS.values() if not question.required]
    assert rules.missing_answers(QUESTIONS.values(), {**full, **dict.fromkeys(optional, "")}, paths) == []


# --- money and parts


@pytest.mark.parametrize(("asked", "faults"), [(99, 1), (100, 0), (200, 0), (201, 1), (0, 1)])
def test_what_is_asked_lies_within_the_limits(asked: int, faults: int) -> None:
    assert len(rules.amount_faults(asked, 100, 200, "/budget")) == faults


def test_faults_of_lines_stand_beside_their_row() -> None:
    lines = [CostLine("A", 100, 100, False), CostLine("", 0, 0, False), CostLine("C", 5, 6, False)]
    assert [finding.field for finding in rules.line_faults(lines)] == ["heading_2", "amount_2", "grant_3"]
    assert rules.line_faults([CostLine("A", 1, 0, False)] * rules.MOST_LINES) == []
    assert len(rules.line_faults([CostLine("A", 1, 0, False)] * (rules.MOST_LINES + 1))) == 1


TERMS = Terms("deliver", "space", "A room", 100, "Hire price", 50)


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "host"},
        {"contribution_kind": "cash"},
        {"contribution_description": "Two rooms"},
        {"contribution_pence": 101},
        {"contribution_pence": None},
        {"valuation_basis": "Guess"},
        {"grant_share_pence": 51},
        {"grant_share_pence": None},
    ],
)
def test_any_change_of_terms_is_another_digest(changes: dict[str, object]) -> None:
    changed = replace(TERMS, **changes)  # type: ignore[arg-type]
    assert changed.digest != TERMS.digest
    assert len(rules.changed_terms(TERMS, changed)) == 1
    assert replace(TERMS).digest == TERMS.digest


def test_terms_that_are_missing_are_all_named() -> None:
    nothing = Terms(None, None, "", None, "", None)
    assert [finding.field for finding in rules.missing_terms(nothing)] == [
        "role",
        "contribution_kind",
        "contribution_description",
        "contribution",
        "valuation_basis",
        "grant_share",
    ]
    assert rules.missing_terms(replace(TERMS, grant_share_pence=0)) == []
    assert [finding.field for finding in rules.missing_terms(replace(TERMS, contribution_pence=0))] == ["contribution"]


def test_the_canonical_form_is_the_same_for_the_same_content() -> None:
    assert rules.canonical({"b": "é", "a": [1, None]}) == '{"a":[1,null],"b":"é"}'
