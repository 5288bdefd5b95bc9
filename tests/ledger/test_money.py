"""Reading, showing and splitting money."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import LARGEST_PENCE, format_pence, parse_pounds, split


@pytest.mark.parametrize(
    ("text", "pence"),
    [
        ("12,500.00", 1250000),
        ("£12500", 1250000),
        (" £ 12,500 ", 1250000),
        ("12 500.50", 1250050),
        ("0", 0),
        ("0.01", 1),
        ("007", 700),
    ],
)
def test_amounts_are_read_as_people_write_them(text: str, pence: int) -> None:
    assert parse_pounds(text) == pence


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NaN",
        "Infinity",
        "1e5",
        "-5",
        "+5",
        "1.5",
        "1.005",
        "12,50",
        "1,2500",
        "٣",
        "£",
        "1_000",
        "0x10",
        "99999999999999",
    ],
)
def test_what_is_not_an_amount_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse_pounds(text)


@given(st.integers(0, LARGEST_PENCE))
def test_an_amount_shown_is_read_back(pence: int) -> None:
    assert parse_pounds(format_pence(pence)) == pence


def test_amounts_below_zero_show_a_minus_sign() -> None:
    assert format_pence(-1250) == "−£12.50"


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**6), min_size=1).filter(any))
def test_a_split_loses_no_penny_and_is_fair_to_a_penny(pence: int, weights: list[int]) -> None:
    shares = split(pence, weights)
    assert sum(shares) == pence
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share * sum(weights) - pence * weight) < sum(weights)


@pytest.mark.parametrize(("pence", "weights"), [(-1, [1]), (1, []), (1, [0]), (1, [2, -1])])
def test_a_split_needs_something_to_share_by(pence: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match="split needs"):
        split(pence, weights)
