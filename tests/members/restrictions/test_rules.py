"""What a restricted fund may pay for, and which pounds go first."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fund.kernel.places import DISTRICTS
from members.restrictions.rules import Held, Terms, mismatches, parts, short_pence, sources, terms_faults

DAY = date(2026, 6, 1)
BOLTON, BURY, WIGAN = (DISTRICTS[place].code for place in (0, 1, 9))
CODES = st.frozensets(st.sampled_from([BOLTON, BURY, WIGAN]))
DAYS = st.none() | st.dates(date(2026, 5, 30), date(2026, 6, 3))
TERMS = st.builds(
    Terms,
    purpose=st.sampled_from(["", "Warm food"]),
    priority=st.sampled_from(["", "good jobs"]),
    districts=CODES,
    from_on=DAYS,
    spend_by=DAYS,
)
FUNDS = st.lists(
    st.builds(
        Held,
        reference=st.sampled_from([f"RF-{number:03d}" for number in range(1, 8)]),
        terms=TERMS,
        free_pence=st.integers(0, 500),
        judged=st.sampled_from([None, True, False]),
        is_open=st.booleans(),
    ),
    max_size=6,
    unique_by=lambda fund: fund.reference,
)


@pytest.mark.parametrize(
    ("terms", "districts", "judged", "words"),
    [
        (Terms(districts=frozenset({BOLTON})), {BOLTON}, None, None),
        (Terms(districts=frozenset({BOLTON})), {BOLTON, BURY}, None, "also in Bury"),
        (Terms(districts=frozenset({BOLTON})), set(), None, "names no district"),
        (Terms(from_on=date(2026, 6, 1)), set(), None, None),
        (Terms(from_on=date(2026, 6, 2)), set(), None, "from 2 June 2026"),
        (Terms(spend_by=date(2026, 6, 1)), set(), None, None),
        (Terms(spend_by=date(2026, 5, 31)), set(), None, "by 31 May 2026"),
        (Terms(purpose="Warm food"), set(), True, None),
        (Terms(purpose="Warm food"), set(), None, "Nobody has said"),
        (Terms(priority="good jobs"), set(), False, "does not serve"),
        (Terms(districts=frozenset({BOLTON})), {BOLTON}, False, None),
    ],
)
def test_terms_fit_an_award_or_say_why_not(
    terms: Terms, districts: set[str], judged: bool | None, words: str | None
) -> None:
    found = mismatches(terms, districts=frozenset(districts), judged=judged, day=DAY)
    assert (found == ()) is (words is None)
    assert words is None or words in " ".join(found)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (Terms(), "purpose"),
        (Terms(districts=frozenset({"E47000001"})), "districts"),
        (Terms(from_on=date(2026, 6, 2), spend_by=date(2026, 6, 1)), "spend_by"),
    ],
)
def test_terms_that_restrict_nothing_or_contradict_themselves_are_refused(terms: Terms, field: str) -> None:
    assert [finding.field for finding in terms_faults(terms)] == [field]


def test_the_soonest_to_end_goes_first_then_the_narrowest_then_the_unrestricted() -> None:
    funds = [
        Held("RF-001", Terms(districts=frozenset({BOLTON, BURY})), 100),
        Held("RF-002", Terms(districts=frozenset({BOLTON})), 100),
        Held("RF-003", Terms(spend_by=date(2026, 7, 1)), 100),
        Held("RF-004", Terms(districts=frozenset({WIGAN})), 100),
    ]
    lines = sources(350, 1_000, funds, districts=frozenset({BOLTON}), day=DAY)
    assert [line.reference for line in lines if line.use_pence] == ["RF-003", "RF-002", "RF-001", None]
    assert parts(lines) == {"RF-003": 100, "RF-002": 100, "RF-001": 100, None: 50}


@given(st.integers(1, 3_000), st.integers(0, 1_000), FUNDS, CODES)
def test_every_penny_is_paid_once_and_only_by_money_that_may(
    pence: int, unrestricted: int, funds: list[Held], districts: frozenset[str]
) -> None:
    lines = sources(pence, unrestricted, funds, districts=districts, day=DAY)
    by_reference = {fund.reference: fund for fund in funds}
    fitting = 0
    for line in lines[:-1]:
        fund = by_reference[line.reference or ""]
        fits = fund.is_open and not mismatches(fund.terms, districts=districts, judged=fund.judged, day=DAY)
        assert line.fits is fits
        assert 0 <= line.use_pence <= (fund.free_pence if fits else 0)
        fitting += fund.free_pence if fits else 0
    # unrestricted money only once all that fits is used up
    assert lines[-1].use_pence == min(max(0, pence - fitting), unrestricted)
    assert short_pence(pence, lines) == max(0, pence - fitting - unrestricted)
    assert sum(parts(lines).values()) + short_pence(pence, lines) == pence
