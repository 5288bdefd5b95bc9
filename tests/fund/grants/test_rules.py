"""Pure rules: schedules, reports, due diligence, the MFA window, conditions and hands of a payment, the agreement."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fund.grants.agreements.rules import (
    AgreementFacts,
    AgreementState,
    LiveCase,
    make_text,
    precedents,
    read_text,
    text_sha256,
)
from fund.grants.awards.rules import (
    Line,
    PartnerFact,
    PayBasis,
    Share,
    Terms,
    default_lines,
    default_parts,
    faults,
    lapses_at,
    report_dates,
)
from fund.grants.checks.forms import read_assistance
from fund.grants.checks.rules import (
    CHECKS,
    Answer,
    Assistance,
    Band,
    CheckResult,
    Diligence,
    Outcome,
    Route,
    Subsidy,
    band_of,
    checks_of,
    diligence_fault,
    expires_on,
    give_fault,
    is_blocked,
    mfa_faults,
    mfa_total_pence,
    mfa_window_start,
    needs_second,
    outcome_faults,
    pay_fault,
)
from fund.grants.payments.rules import (
    CONDITIONS,
    Hands,
    PayeeStanding,
    PaymentCase,
    Stage,
    approvals_needed,
    approve_fault,
    conditions,
    pay_by,
    prepare_fault,
    stage,
)
from fund.kernel.policy import Policy

POLICY = Policy()
START, END = date(2026, 7, 1), date(2027, 6, 30)
SHARES = [Share(1, "Irwell Kitchens", 6_000_00), Share(2, "Bee Bikes", 4_000_00)]


# --- terms


@pytest.mark.parametrize(
    ("pence", "end", "expected"),
    [
        (10_000_00, END, [END]),
        (10_000_01, END, [date(2026, 12, 30), END]),
        (50_000_00, END, [date(2026, 12, 30), END]),
        (50_000_01, END, [date(2027, 1, 1), END]),
        (50_000_01, date(2028, 6, 30), [date(2027, 1, 1), date(2027, 7, 1), date(2028, 1, 1), date(2028, 6, 30)]),
        (50_000_01, date(2026, 10, 1), [date(2026, 10, 1)]),
    ],
)
def test_reports_by_the_size_of_the_award(pence: int, end: date, expected: list[date]) -> None:
    assert list(report_dates(pence, START, end, POLICY)) == expected


def test_bands_of_reports_come_from_policy() -> None:
    assert len(report_dates(10_000_00, START, END, replace(POLICY, report_one_to_pence=5_000_00))) == 2


def test_an_offer_lapses_after_its_last_whole_day() -> None:
    offered = datetime(2026, 6, 1, 22, 30, tzinfo=UTC)  # half past eleven at night in England
    assert lapses_at(offered, POLICY) == datetime(2026, 7, 1, 23, 0, tzinfo=UTC)
    assert lapses_at(offered, replace(POLICY, offer_lapse_days=1)) == datetime(2026, 6, 2, 23, 0, tzinfo=UTC)


def test_default_schedule_is_equal_parts_each_after_the_report_before() -> None:
    reports = (date(2026, 12, 30), END)
    lines = default_lines(SHARES, 1, PayBasis.EACH_PARTNER, default_parts(reports), START, reports)
    assert lines == (
        Line(1, 3_000_00, START, None),
        Line(2, 2_000_00, START, None),
        Line(1, 3_000_00, date(2026, 12, 30), 1),
        Line(2, 2_000_00, date(2026, 12, 30), 1),
    )


def test_default_schedule_through_the_lead_pays_only_the_lead() -> None:
    lines = default_lines(SHARES, 1, PayBasis.THROUGH_LEAD, 1, START, (END,))
    assert lines == (Line(1, 10_000_00, START, None),)


@given(
    pence=st.lists(st.integers(1, 10**9), min_size=1, max_size=5),
    basis=st.sampled_from(list(PayBasis)),
    months=st.integers(1, 60),
    data=st.data(),
)
def test_a_default_schedule_never_has_a_fault(
    pence: list[int], basis: PayBasis, months: int, data: st.DataObject
) -> None:
    shares = [Share(number, f"Partner {number}", amount) for number, amount in enumerate(pence, start=1)]
    end = date(2026 + (6 + months) // 12, (6 + months) % 12 + 1, 28)
    reports = report_dates(sum(pence), START, end, POLICY)
    most = min(len(reports) + 1, 24 // len(shares))
    parts = data.draw(st.integers(1, max(1, most)))
    terms = Terms(START, end, basis, default_lines(shares, 1, basis, parts, START, reports))
    assert faults(terms, shares, 1, POLICY) == []


def _terms(*lines: Line, basis: PayBasis = PayBasis.EACH_PARTNER, start: date = START, end: date = END) -> Terms:
    return Terms(start, end, basis, lines)


GOOD = (Line(1, 6_000_00, START), Line(2, 4_000_00, START))


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (_terms(Line(1, 6_000_00, START)), "Add £4,000"),
        (_terms(*GOOD, Line(1, 1, START)), "Take away £0.01"),
        (_terms(Line(1, 7_000_00, START), Line(2, 3_000_00, START)), "share that members voted for is £6,000"),
        (_terms(*GOOD, basis=PayBasis.THROUGH_LEAD), "All payments go to the lead"),
        (_terms(GOOD[0], Line(3, 4_000_00, START)), "no share of this award"),
        (_terms(*GOOD, Line(1, 0, START)), "above nought"),
        (_terms(*GOOD, end=START), "must end after it starts"),
        (_terms(*GOOD, end=date(2037, 7, 1)), "at most 10 years"),
        (_terms(GOOD[0], Line(2, 4_000_00, date(2026, 6, 30))), "due before the work starts"),
        (_terms(GOOD[0], Line(2, 4_000_00, END, 2)), "there will be 1"),
        (_terms(GOOD[0], Line(2, 4_000_00, START, 1)), "before the report that it waits for"),
    ],
)
def test_terms_that_do_not_hold_together_are_refused(terms: Terms, words: str) -> None:
    assert any(words in fault.message for fault in faults(terms, SHARES, 1, POLICY))


def test_good_terms_have_no_fault() -> None:
    assert faults(_terms(*GOOD), SHARES, 1, POLICY) == []


def test_every_fault_is_named_at_once() -> None:
    terms = _terms(Line(1, 1, date(2026, 6, 1), 9), Line(3, 2, START))
    assert len(faults(terms, SHARES, 1, POLICY)) >= 5


# --- due diligence


@pytest.mark.parametrize(
    ("pence", "band"),
    [
        (10_000_00, Band.LIGHT),
        (10_000_01, Band.STANDARD),
        (50_000_00, Band.STANDARD),
        (50_000_01, Band.ENHANCED),
    ],
)
def test_bands_of_due_diligence(pence: int, band: Band) -> None:
    assert band_of(pence, POLICY) is band
    assert needs_second(band) is (pence > 50_000_00)


def test_deeper_bands_ask_for_more() -> None:
    light, standard, enhanced = (set(checks_of(band)) for band in Band)
    assert light < standard < enhanced == set(CHECKS)


ALL_MET = {check.code: (CheckResult.MET, "") for check in CHECKS}


@pytest.mark.parametrize(
    ("results", "outcome", "conditions_", "reasons", "words"),
    [
        ({}, Outcome.CLEAR, "", "", "say what you found"),
        (ALL_MET | {"identity": (CheckResult.NOT_MET, "gone")}, Outcome.CLEAR, "", "", "is not met"),
        (ALL_MET | {"identity": (CheckResult.NOT_NEEDED, "")}, Outcome.CLEAR, "", "", "write a note"),
        (ALL_MET, Outcome.CLEAR_WITH_CONDITIONS, "", "", "Write the conditions"),
        (ALL_MET, Outcome.NOT_CLEAR, "", "", "Write the reasons"),
    ],
)
def test_an_outcome_must_agree_with_its_checks(
    results: dict[str, tuple[CheckResult | None, str]], outcome: Outcome, conditions_: str, reasons: str, words: str
) -> None:
    found = outcome_faults(Band.LIGHT, results, outcome, conditions_, reasons)
    assert found
    assert words in found[0].message


def test_all_met_is_clear() -> None:
    assert outcome_faults(Band.ENHANCED, dict(ALL_MET), Outcome.CLEAR, "", "") == []


def test_due_diligence_lasts_twelve_months() -> None:
    assert expires_on(date(2026, 6, 1)) == date(2027, 6, 1)
    clear = Diligence(Band.STANDARD, Outcome.CLEAR, date(2027, 6, 1))
    assert diligence_fault(clear, Band.STANDARD, date(2027, 6, 1)) is None
    assert "ran out" in (diligence_fault(clear, Band.STANDARD, date(2027, 6, 2)) or "")


@pytest.mark.parametrize("outcome", [Outcome.WAITING, Outcome.RETURNED, Outcome.NOT_CLEAR])
def test_only_a_clear_outcome_carries_a_payment(outcome: Outcome) -> None:
    assert diligence_fault(Diligence(Band.ENHANCED, outcome, END), Band.LIGHT, START) is not None


def test_a_lighter_band_does_not_carry_a_larger_sum_and_a_deeper_one_carries_a_smaller() -> None:
    light = Diligence(Band.LIGHT, Outcome.CLEAR, END)
    assert diligence_fault(light, Band.STANDARD, START) is not None
    assert diligence_fault(replace(light, band=Band.ENHANCED), Band.STANDARD, START) is None
    assert diligence_fault(replace(light, outcome=Outcome.CLEAR_WITH_CONDITIONS), Band.LIGHT, START) is None
    assert diligence_fault(None, Band.LIGHT, START) == "due diligence has not been done"


# --- subsidy (handbook §9)

GIVEN = date(2025, 5, 10)


def test_vector_of_the_handbook_an_award_of_10_may_2025_counts_from_1_april_2023() -> None:
    assert mfa_window_start(GIVEN) == date(2023, 4, 1)


@pytest.mark.parametrize(
    ("prior_on", "new_pence", "allowed"),
    [
        (date(2023, 4, 1), 115_000_00, True),
        (date(2023, 4, 1), 115_001_00, False),
        (date(2023, 4, 1), 115_000_01, False),
        (date(2023, 3, 31), 115_001_00, True),
        (date(2023, 3, 31), 315_000_00, True),
        (date(2023, 3, 31), 315_000_01, False),
    ],
)
def test_vector_of_the_handbook_prior_200_000(prior_on: date, new_pence: int, allowed: bool) -> None:
    prior = [Assistance(prior_on, 200_000_00, "Examplebury Council")]
    assert (mfa_faults(prior, GIVEN, new_pence, POLICY) == []) is allowed


def test_the_limit_comes_from_policy_and_the_refusal_has_figures() -> None:
    prior = [Assistance(date(2024, 1, 1), 2_00, "X")]
    assert mfa_total_pence(prior, GIVEN, 3_00) == 5_00
    assert mfa_faults(prior, GIVEN, 3_00, replace(POLICY, mfa_limit_pence=5_00)) == []
    words = mfa_faults(prior, GIVEN, 3_00, replace(POLICY, mfa_limit_pence=4_00))[0].message
    assert "£5" in words
    assert "£1 over" in words
    assert "£4" in words


@pytest.mark.parametrize(
    ("given_on", "start"),
    [
        (date(2025, 3, 31), date(2022, 4, 1)),
        (date(2025, 4, 1), date(2023, 4, 1)),
        (date(2026, 3, 31), date(2023, 4, 1)),
    ],
)
def test_the_window_steps_on_1_april_and_does_not_roll(given_on: date, start: date) -> None:
    assert mfa_window_start(given_on) == start


def test_steps_of_mfa_in_order() -> None:
    steps = [
        None,
        Subsidy(Route.MFA),
        Subsidy(Route.MFA, notified=True),
        Subsidy(Route.MFA, notified=True, answer=Answer.CONFIRMED),
        Subsidy(Route.MFA, notified=True, answer=Answer.CONFIRMED, given=True),
        Subsidy(Route.MFA, notified=True, answer=Answer.CONFIRMED, given=True, confirmed_as_mfa=True),
    ]
    assert [give_fault(step) is None for step in steps] == [False, False, False, True, True, True]
    assert [pay_fault(step) is None for step in steps] == [False, False, False, False, False, True]


@pytest.mark.parametrize("route", [route for route in Route if route is not Route.MFA])
def test_every_other_route_is_closed_when_it_is_recorded(route: Route) -> None:
    assert give_fault(Subsidy(route)) is None
    assert pay_fault(Subsidy(route)) is None


def test_who_declines_to_confirm_is_blocked() -> None:
    declined = Subsidy(Route.MFA, notified=True, answer=Answer.DECLINED)
    assert is_blocked(declined)
    assert pay_fault(declined) is not None
    assert not is_blocked(None)
    assert not is_blocked(replace(declined, answer=Answer.CONFIRMED))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("31/3/2024; £12,000; Examplebury Council", Assistance(date(2024, 3, 31), 12_000_00, "Examplebury Council")),
        ("2024-03-31, 12000.50, A, B and C", Assistance(date(2024, 3, 31), 12_000_50, "A, B and C")),
        ("1/4/2023\t£200,000\tCouncil", Assistance(date(2023, 4, 1), 200_000_00, "Council")),
    ],
)
def test_reading_a_line_of_earlier_assistance(line: str, expected: Assistance) -> None:
    assert read_assistance(line) == expected


@pytest.mark.parametrize("line", ["£12,000", "31/2/2024; £1; X", "1/4/2023; 1e5; X", "1/4/2023; £1;", "x; y; z"])
def test_a_line_that_cannot_be_read_is_refused_with_a_sentence(line: str) -> None:
    with pytest.raises(ValueError, match="such as"):
        read_assistance(line)


# --- payments

CASE = PaymentCase(
    today=START,
    payee="Bee Bikes",
    due_on=START,
    decision_stands=True,
    agreement=AgreementState.LIVE,
    after_report=1,
    report_accepted=True,
    payee_standing=PayeeStanding.USABLE,
    subsidy_faults=(),
    diligence_faults=(),
)


def test_a_payment_with_everything_there_has_every_condition_met() -> None:
    assert all(condition.met for condition in conditions(CASE))
    assert len(conditions(CASE)) == len(CONDITIONS) == 8


@pytest.mark.parametrize(
    ("code", "case"),
    [
        ("decision", replace(CASE, decision_stands=False)),
        ("agreement", replace(CASE, agreement=AgreementState.SIGNED)),
        ("agreement", replace(CASE, agreement=AgreementState.SUSPENDED)),
        ("agreement", replace(CASE, agreement=None)),
        ("day", replace(CASE, due_on=date(2026, 7, 2))),
        ("report", replace(CASE, report_accepted=False)),
        ("bank_details", replace(CASE, payee_standing=PayeeStanding.NONE)),
        ("bank_details", replace(CASE, payee_standing=PayeeStanding.UNVERIFIED)),
        ("bank_details", replace(CASE, payee_standing=PayeeStanding.PAUSED)),
        ("subsidy", replace(CASE, subsidy_faults=("Bee Bikes: no route.",))),
        ("due_diligence", replace(CASE, diligence_faults=("Bee Bikes: not done.",))),
    ],
)
def test_each_condition_alone_holds_the_payment_and_says_who_cures_it(code: str, case: PaymentCase) -> None:
    unmet = [condition for condition in conditions(case) if not condition.met]
    assert [condition.code for condition in unmet] == [code]
    assert unmet[0].why
    assert unmet[0].cured_by


def test_a_payment_that_waits_for_no_report_needs_none() -> None:
    assert all(condition.met for condition in conditions(replace(CASE, after_report=None, report_accepted=False)))


@pytest.mark.parametrize(
    ("case", "prepared", "order", "expected"),
    [
        (replace(CASE, due_on=END, agreement=None), False, None, Stage.SCHEDULED),
        (replace(CASE, agreement=None), False, None, Stage.HELD),
        (CASE, False, None, Stage.READY),
        (CASE, True, None, Stage.BEING_APPROVED),
        (replace(CASE, agreement=None), True, None, Stage.HELD),
        (CASE, True, "ready", Stage.APPROVED),
        (CASE, True, "sent", Stage.SENT),
        (CASE, True, "confirmed", Stage.CONFIRMED),
        (CASE, True, "failed", Stage.FAILED),
    ],
)
def test_where_a_payment_stands(case: PaymentCase, prepared: bool, order: str | None, expected: Stage) -> None:
    assert stage(conditions(case), is_prepared=prepared, order_state=order) is expected


@pytest.mark.parametrize(
    ("hands", "may_prepare", "may_approve"),
    [
        (Hands(), True, True),
        (Hands(officer_of_payee=True), False, False),
        (Hands(gave_bank_details=True), False, False),
        (Hands(checked_bank_details=True), True, False),
        (Hands(prepared=True), True, False),
        (Hands(approved=True), True, False),
    ],
)
def test_separation_of_duties(hands: Hands, may_prepare: bool, may_approve: bool) -> None:
    assert (prepare_fault(hands) is None) is may_prepare
    assert (approve_fault(hands) is None) is may_approve


@pytest.mark.parametrize(("pence", "needed"), [(1, 2), (100_000_00, 2), (100_000_01, 3)])
def test_large_payments_need_one_more(pence: int, needed: int) -> None:
    assert approvals_needed(pence, POLICY) == needed
    assert approvals_needed(pence, replace(POLICY, approvals_per_payment=3)) == needed + 1


def test_pay_by_counts_from_policy() -> None:
    assert pay_by(START, POLICY) == date(2026, 7, 31)


# --- agreements

AGREEMENT = AgreementFacts(
    fund_name="Irwell Collaboration Fund",
    award_reference="G-2026-001",
    proposal_reference="P-2026-001",
    version_number=2,
    version_sha256="ab" * 32,
    ballot_reference="B-2026-01",
    title="Kitchens on wheels",
    pence=10_000_00,
    start_on=START,
    end_on=END,
    basis=PayBasis.EACH_PARTNER,
    partners=(
        PartnerFact(1, "Irwell Kitchens", "leads", "staff time", 6_000_00, True),
        PartnerFact(2, "Bee Bikes", "delivers", "", 4_000_00, False),
        PartnerFact(3, "Examplebury Council", "decides", "space", 0, False),
    ),
    lines=GOOD,
    reports=(END,),
    activities=(("What will you do?", "Cook."),),
    promises=(("Which power?", "Co-chair."),),
    budget=(("Cooks", 10_000_00),),
    principles_version="1.0",
    special_conditions="",
)


def _words(facts: AgreementFacts) -> str:
    return make_text(facts).canonical()


@pytest.mark.parametrize(
    "said",
    [
        "Irwell Collaboration Fund",
        "B-2026-01",
        "ab" * 32,
        "£10,000",
        "Payment 2: £4,000 to Bee Bikes, due on 1 July 2026",
        "Examplebury Council (decides): no money from the grant",
        "report 1 on 30 June 2027",
        "lobbying government",
        "at least 6 years",
        "Co-chair.",
        "stories, which count equally",
        "Subsidy Control Act 2022",
        "safeguarding",
        "within 30 days of the end",
        "ask for money back",
        "mediation",
        "data protection",
        "£5,000",
        "ballot of members",
        "SHA-256 of this text",
    ],
)
def test_the_agreement_holds_what_it_must(said: str) -> None:
    assert said in _words(AGREEMENT)


def test_special_conditions_are_a_clause_of_their_own() -> None:
    before = make_text(AGREEMENT)
    after = make_text(replace(AGREEMENT, special_conditions="Insure the van.\n\nTell us when it is."))
    added = [clause for clause in after.clauses if clause not in before.clauses]
    assert [clause.paragraphs for clause in added] == [("Insure the van.", "Tell us when it is.")]


def test_same_facts_same_hash_and_any_change_another() -> None:
    assert text_sha256(_words(AGREEMENT)) == text_sha256(_words(replace(AGREEMENT)))
    assert text_sha256(_words(AGREEMENT)) != text_sha256(_words(replace(AGREEMENT, pence=10_000_01)))
    assert read_text(_words(AGREEMENT)) == make_text(AGREEMENT)


LIVE = LiveCase(decision_stands=True, unsigned=(), diligence_faults=(), subsidy_faults=(), has_measures=True)


@pytest.mark.parametrize(
    ("code", "case"),
    [
        ("decision", replace(LIVE, decision_stands=False)),
        ("signed", replace(LIVE, unsigned=("Bee Bikes",))),
        ("due_diligence", replace(LIVE, diligence_faults=("Bee Bikes: not done.",))),
        ("subsidy", replace(LIVE, subsidy_faults=("Bee Bikes: no route.",))),
        ("measures", replace(LIVE, has_measures=False)),
    ],
)
def test_each_precedent_alone_keeps_an_agreement_from_going_live(code: str, case: LiveCase) -> None:
    assert [item.code for item in precedents(case) if not item.met] == [code]
    assert all(item.met for item in precedents(LIVE))
