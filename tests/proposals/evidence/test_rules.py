"""The four gates: each condition is broken alone, so that removing it makes a test fail."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fund.kernel.policy import Policy
from members.rules import Sector
from proposals import questions
from proposals.evidence import rules
from proposals.evidence.case import ActivityCase, AnswerCounts, Case, LevelClaim, LeverCase
from proposals.evidence.collaboration import independent_sectors
from proposals.evidence.coproduction import G3, shown_words
from proposals.evidence.words import Phase, TookPart, Verdict, WhoAnswers
from tests.proposals.evidence.cases import ANSWERS, LEVELS, PARTNERS, TODAY, WHOLE, partner

POLICY = Policy()


def unmet(case: Case, policy: Policy = POLICY, today: date = TODAY) -> list[str]:
    return [c.code for report in rules.evaluate(case, policy, today) for c in report.conditions if not c.met]


def without(*codes: str, **changed: str) -> Case:
    answers = {code: text for code, text in ANSWERS.items() if code not in codes} | changed
    return replace(WHOLE, answers=answers)


def lead(**changes: object) -> Case:
    return replace(WHOLE, partners=(replace(PARTNERS[0], **changes), *PARTNERS[1:]))  # type: ignore[arg-type]


def level(phase: Phase, claim: int, evidence: str = "Shown") -> Case:
    return replace(WHOLE, levels={**LEVELS, phase: LevelClaim(claim, evidence)})


def activities(*listed: ActivityCase) -> Case:
    return replace(WHOLE, activities=listed)


def said(counted: int, agreeing: int, disputed: int = 0) -> Case:
    return replace(WHOLE, attestations=AnswerCounts(counted, 0, agreeing, disputed))


MARCH = ActivityCase(date(2026, 3, 1), "Talk", "Centre", 3, 0, 1)
SILENT = partner(4, Sector.VCSE, confirmed=False, grant_share_pence=0, contribution_pence=1)
LOW = LevelClaim(3, "x")
ONE_OWNER = replace(
    WHOLE,
    partners=(
        partner(1, Sector.VCSE, group_id=7),
        partner(2, Sector.PRIVATE, group_id=7),
        partner(3, Sector.PUBLIC),
    ),
)

BREAKS: list[tuple[str, Case]] = [
    ("g1.sectors", ONE_OWNER),
    ("g1.confirmed", replace(WHOLE, partners=(*PARTNERS, SILENT), budget_pence=33_000_01)),
    ("g1.roles", lead(role=None)),
    ("g1.contributions", lead(contribution_kind=None)),
    ("g1.contributions", lead(contribution_description="")),
    ("g1.contributions", lead(valuation_basis="")),
    ("g1.contributions", replace(lead(contribution_pence=0), budget_pence=32_000_00)),
    ("g1.shares", replace(lead(grant_share_pence=None), requested_pence=20_000_00, budget_pence=23_000_00)),
    ("g1.sums", replace(WHOLE, requested_pence=30_000_01)),
    ("g1.sums", replace(WHOLE, budget_pence=33_000_01)),
    ("g1.sums", replace(WHOLE, budget_pence=0)),
    ("g1.principles", replace(WHOLE, partners=(*PARTNERS[:2], replace(PARTNERS[2], principles_version="0.9")))),
    ("g2.group", without(questions.PEOPLE)),
    ("g2.places", without(questions.PLACES)),
    ("g2.size", without(people_count="0")),
    ("g2.size", without(people_count="many")),
    ("g2.activities", activities(replace(MARCH, people=5))),
    ("g2.activities", activities(replace(MARCH, people=5), MARCH)),  # two on one day
    ("g2.activities", activities(replace(MARCH, people=5), replace(MARCH, on=TODAY + timedelta(days=1)))),
    ("g2.activities", activities(replace(MARCH, people=5), replace(MARCH, on=date(2025, 5, 31)))),
    ("g2.activities", activities(replace(MARCH, people=5), replace(MARCH, on=date(2026, 4, 1), place=""))),
    ("g2.activities", activities(replace(MARCH, people=5), replace(MARCH, on=date(2026, 4, 1), people=0))),
    ("g2.people", activities(replace(MARCH, people=2), replace(MARCH, on=date(2026, 4, 1), people=2))),
    ("g2.heard", replace(WHOLE, heard_changed=())),
    ("g2.heard", replace(WHOLE, heard_changed=(("Something", " "),))),
    ("g2.fed_back", without(questions.FED_BACK)),
    ("g2.access", without(questions.ACCESS_AND_EXPENSES)),
    ("g3.define", level(Phase.DEFINE, 2)),
    ("g3.design", level(Phase.DESIGN, 3)),
    ("g3.decide", replace(WHOLE, levels={**LEVELS, Phase.DECIDE: LOW, Phase.REVIEW: LevelClaim(5, "x")})),
    ("g3.deliver", level(Phase.DELIVER, 3)),
    ("g3.review", level(Phase.REVIEW, 3)),
    ("g3.equals", level(Phase.DECIDE, 4)),
    ("g3.evidence", level(Phase.DESIGN, 4, " ")),
    ("g3.attestations", said(2, 2)),
    ("g3.attestations", said(0, 0)),
    ("g3.agreement", said(3, 1)),
    ("g3.disputes", said(4, 3, 1)),
    ("g3.power", without(questions.SHARED_POWER)),
    ("g3.power", without(shared_power_count="0")),
    ("g3.pay", replace(WHOLE, coproducer_pence=0)),
    ("g4.situation", without(questions.SITUATION)),
    ("g4.situation", without(questions.SITUATION_EVIDENCE)),
    ("g4.lever", replace(WHOLE, levers=())),
    ("g4.lever", replace(WHOLE, levers=(LeverCase("rules", "Today", "After", None, False),))),
    ("g4.lever", replace(WHOLE, levers=(LeverCase("rules", "Today", "After", 3, False),))),
    ("g4.lever", replace(WHOLE, levers=(LeverCase("rules", "Today", "After", 99, True),))),
    ("g4.lever", replace(WHOLE, levers=(LeverCase("rules", "Today", " ", 3, True),))),
    ("g4.scaling", without(questions.SCALING)),
    ("g4.stops", without(questions.STOPS)),
    ("g4.after_money", without(after_money="   ")),  # R11
    ("g4.stop", without(questions.STOP_CONDITIONS)),
    ("g4.legacy", without(legacy_agreed="no")),
    ("g4.lasts", without(ends_with_money="yes")),
    ("g4.lasts", without(questions.ENDS_WITH_MONEY)),
]  # fmt: skip


def test_the_whole_case_meets_every_gate() -> None:
    reports = rules.evaluate(WHOLE, POLICY, TODAY)
    assert [report.gate.code for report in reports] == ["G1", "G2", "G3", "G4"]
    assert all(report.met for report in reports)
    assert rules.missing(reports) == []


@pytest.mark.parametrize(("code", "case"), BREAKS, ids=[f"{n}-{code}" for n, (code, _) in enumerate(BREAKS)])
def test_each_condition_alone_can_shut_its_gate(code: str, case: Case) -> None:
    assert unmet(case) == [code]
    (finding,) = rules.missing(rules.evaluate(case, POLICY, TODAY))
    assert finding.message.endswith((".", "?"))
    assert finding.fix is not None
    assert finding.fix.startswith("/proposals/P-2026-001/")


def test_every_condition_is_broken_somewhere() -> None:
    known = {condition.code for gate in rules.GATES for condition in gate.conditions}
    assert known - {code for code, _ in BREAKS} == {"g3.principles"}


def test_the_lead_itself_must_accept_the_principles() -> None:
    assert unmet(lead(principles_version=None)) == ["g1.principles", "g3.principles"]


def test_an_empty_proposal_is_told_everything_at_once() -> None:
    empty = Case("P-2026-001")
    vacuous = {"g3.agreement", "g3.disputes"}
    known = {condition.code for gate in rules.GATES for condition in gate.conditions}
    assert set(unmet(empty)) == known - vacuous
    assert len(rules.missing(rules.evaluate(empty, POLICY, TODAY))) == len(known - vacuous)


def test_r05_two_partners_under_one_owner_fail_the_gate_and_a_third_owner_mends_it() -> None:
    assert unmet(ONE_OWNER) == ["g1.sectors"]
    assert "one owner" in rules.missing(rules.evaluate(ONE_OWNER, POLICY, TODAY))[0].message
    mended = replace(
        ONE_OWNER,
        partners=(*ONE_OWNER.partners, partner(4, Sector.PRIVATE)),
        requested_pence=40_000_00,
        budget_pence=44_000_00,
    )
    assert unmet(mended) == []


def test_a_round_may_ask_for_two_sectors() -> None:
    assert unmet(ONE_OWNER, replace(POLICY, g1_min_sectors=2)) == []


def test_a_group_stands_for_whichever_of_its_sectors_is_needed() -> None:
    """One owner with a private and a public body, and a private firm: the owner stands for public."""
    partners = (
        partner(1, Sector.PRIVATE, group_id=1),
        partner(2, Sector.PUBLIC, group_id=1),
        partner(3, Sector.PRIVATE),
    )
    for order in (partners, partners[::-1]):
        assert independent_sectors(order) == [Sector.PRIVATE, Sector.PUBLIC]


def test_r06_engagement_with_staff_only_fails() -> None:
    staff = activities(replace(MARCH, people=0, staff=9), replace(MARCH, on=date(2026, 4, 1), people=0, staff=9))
    assert unmet(staff) == ["g2.activities", "g2.people"]


def test_carers_count_for_an_activity_but_not_as_people_themselves() -> None:
    carers = activities(replace(MARCH, people=0, carers=9), replace(MARCH, on=date(2026, 4, 1), people=0, carers=9))
    assert unmet(carers) == ["g2.people"]


def test_the_activity_window_is_a_year_to_the_day() -> None:
    on_the_edge = activities(replace(MARCH, people=5), replace(MARCH, on=date(2025, 6, 1)))
    assert unmet(on_the_edge) == []


def test_a_stated_small_group_passes_with_at_least_one_person() -> None:
    few = (replace(MARCH, people=1), replace(MARCH, on=date(2026, 4, 1), people=1))
    reason = {**ANSWERS, questions.SMALL_GROUP_REASON: "A rare illness"}
    assert unmet(replace(WHOLE, activities=few, answers=reason)) == []
    nobody = tuple(replace(row, people=0, carers=1) for row in few)
    assert unmet(replace(WHOLE, activities=nobody, answers=reason)) == ["g2.people"]


def test_r07_claimed_co_design_without_attestation_is_not_met() -> None:
    assert "g3.attestations" in unmet(replace(WHOLE, attestations=AnswerCounts()))


def test_a_reason_stands_in_for_a_budget_line_for_co_producers() -> None:
    assert unmet(replace(without(coproducer_budget_reason="Paid by the council"), coproducer_pence=0)) == []


def test_a_round_can_never_ask_for_less_than_design_level_three() -> None:
    lax = replace(POLICY, g3_min_design=0)
    assert unmet(level(Phase.DESIGN, 2), lax) == ["g3.design"]
    assert unmet(level(Phase.DESIGN, 3), lax) == []


def test_two_thirds_agreeing_is_enough_exactly() -> None:
    assert unmet(said(3, 2)) == []
    assert unmet(said(6, 4)) == []
    assert unmet(said(6, 3)) == ["g3.agreement"]


def test_a_round_can_ask_for_more_answers_and_never_for_fewer_than_may_be_told() -> None:
    assert unmet(said(4, 4), replace(POLICY, g3_min_attestations=5)) == ["g3.attestations"]
    assert unmet(said(2, 2), replace(POLICY, g3_min_attestations=1)) == ["g3.attestations"]


def test_change_that_ends_with_the_money_gets_advice() -> None:
    (finding,) = rules.missing(rules.evaluate(without(ends_with_money="yes"), POLICY, TODAY))
    assert "find a partner" in finding.message


# --- what an applicant may learn


@given(agreeing=st.integers(0, 2), more=st.integers(0, 2), disputed=st.integers(0, 5), helped=st.integers(0, 2))
def test_below_three_answers_gate_three_says_the_same_whatever_was_answered(
    agreeing: int, more: int, disputed: int, helped: int
) -> None:
    counted = min(agreeing + more, 2)
    case = replace(WHOLE, attestations=AnswerCounts(counted, min(helped, counted), min(agreeing, counted), disputed))
    nobody = replace(WHOLE, attestations=AnswerCounts())
    assert G3.evaluate(case, POLICY, TODAY) == G3.evaluate(nobody, POLICY, TODAY)
    assert shown_words(case.attestations) == "Fewer than 3 answers so far"


@given(counted=st.integers(3, 500), agreeing=st.integers(0, 500), disputed=st.integers(0, 500))
def test_from_three_answers_only_the_total_is_told(counted: int, agreeing: int, disputed: int) -> None:
    agreeing, disputed = min(agreeing, counted), min(disputed, counted)
    report = G3.evaluate(replace(WHOLE, attestations=AnswerCounts(counted, 0, agreeing, disputed)), POLICY, TODAY)
    told = [c for c in report.conditions if c.code in ("g3.agreement", "g3.disputes")]
    for condition in told:
        words = condition.evidence + (condition.finding.message if condition.finding else "")
        assert not any(sign.isdigit() for sign in words)


# --- counting


ANSWER = rules.Said(WhoAnswers.MYSELF, TookPart.MEETINGS, Verdict.AGREE, withdrawn=False, looked_into=False)


def test_staff_withdrawn_and_absent_people_do_not_count_and_helpers_are_counted_apart() -> None:
    counted = rules.count(
        [
            ANSWER,
            replace(ANSWER, who=WhoAnswers.HELPER_ADVOCATE),
            replace(ANSWER, who=WhoAnswers.STAFF),
            replace(ANSWER, who=WhoAnswers.HELPER_PARTNER_STAFF),
            replace(ANSWER, withdrawn=True),
            replace(ANSWER, took_part=TookPart.NO),
            replace(ANSWER, verdict=Verdict.DISAGREE),
        ]
    )
    assert counted == AnswerCounts(counted=3, helped=1, agreeing=2, disputed=1)


def test_somebody_who_was_left_out_can_dispute() -> None:
    left_out = replace(ANSWER, took_part=TookPart.NO, verdict=Verdict.DISAGREE)
    assert rules.count([left_out]) == AnswerCounts(counted=0, helped=0, agreeing=0, disputed=1)
    assert rules.count([replace(left_out, looked_into=True)]).disputed == 0
    assert rules.count([replace(left_out, who=WhoAnswers.STAFF)]).disputed == 0


# --- adding evidence


claims = st.integers(0, 6).map(lambda n: LevelClaim(n, "Shown"))
some_activities = st.builds(
    ActivityCase,
    on=st.dates(date(2025, 1, 1), date(2026, 12, 31)),
    method=st.sampled_from(["", "Talk"]),
    place=st.sampled_from(["", "Centre"]),
    people=st.integers(0, 9),
    carers=st.integers(0, 9),
    staff=st.integers(0, 9),
)
some_levers = st.builds(
    LeverCase,
    kind=st.just("rules"),
    today=st.sampled_from(["", "Today"]),
    after=st.sampled_from(["", "After"]),
    owner_partner_id=st.sampled_from([None, 1, 2, 99]),
    confirmed=st.booleans(),
)
drafts = st.builds(
    Case,
    reference=st.just("P-2026-001"),
    partners=st.sampled_from([(), PARTNERS[:1], PARTNERS]),
    answers=st.sets(st.sampled_from(sorted(ANSWERS))).map(lambda codes: {code: ANSWERS[code] for code in codes}),
    activities=st.lists(some_activities, max_size=4).map(tuple),
    heard_changed=st.lists(st.tuples(st.sampled_from(["", "a"]), st.sampled_from(["", "b"])), max_size=2).map(tuple),
    levels=st.dictionaries(st.sampled_from(list(Phase)), claims),
    levers=st.lists(some_levers, max_size=3).map(tuple),
)


def met(case: Case) -> set[str]:
    return {c.code for report in rules.evaluate(case, POLICY, TODAY) for c in report.conditions if c.met}


@given(
    case=drafts, activity=some_activities, lever=some_levers, pair=st.tuples(st.text(max_size=2), st.text(max_size=2))
)
def test_more_activities_pairs_and_levers_never_unmake_a_condition(
    case: Case, activity: ActivityCase, lever: LeverCase, pair: tuple[str, str]
) -> None:
    before = met(case)
    assert before <= met(replace(case, activities=(*case.activities, activity)))
    assert before <= met(replace(case, levers=(*case.levers, lever)))
    assert before <= met(replace(case, heard_changed=(*case.heard_changed, pair)))


@given(case=drafts, phase=st.sampled_from(list(Phase)), raised=st.integers(0, 6))
def test_a_higher_level_with_evidence_never_unmakes_a_condition(case: Case, phase: Phase, raised: int) -> None:
    present = case.levels.get(phase)
    higher = max(raised, present.level) if present else raised
    assert met(case) <= met(replace(case, levels={**case.levels, phase: LevelClaim(higher, "Shown")}))


@given(case=drafts)
def test_every_unmet_condition_says_what_to_do_and_where(case: Case) -> None:
    for report in rules.evaluate(case, POLICY, TODAY):
        for condition in report.conditions:
            assert condition.met is (condition.finding is None)


# --- levers and bursts


@given(st.lists(st.tuples(*[st.sampled_from(["a", "b"])] * 3, st.sampled_from([None, 1, 2])), min_size=2, max_size=2))
def test_lever_terms_are_the_same_exactly_for_the_same_words_and_owner(
    pair: list[tuple[str, str, str, int | None]],
) -> None:
    first, second = pair
    assert (rules.lever_terms(*first) == rules.lever_terms(*second)) is (first == second)


def test_words_moved_between_fields_are_other_words() -> None:
    assert rules.lever_terms("rules", "ab", "c", 1) != rules.lever_terms("rules", "a", "bc", 1)


def test_a_burst_is_five_answers_in_ten_minutes() -> None:
    from tests.conftest import START

    near = [START + timedelta(minutes=2.5 * n) for n in range(5)]
    far = [START + timedelta(minutes=2.6 * n) for n in range(5)]
    assert rules.has_burst(near)
    assert not rules.has_burst(far)
    assert not rules.has_burst(near[:4])
