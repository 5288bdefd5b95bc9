"""Interests, websites and how accreditations stand."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.profile.rules import (
    CAUSES,
    INTERESTS,
    OFFERS,
    Description,
    Details,
    Standing,
    description_faults,
    details_faults,
    in_order,
    standing,
    website_faults,
)

TODAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    "address", ["https://www.example.org", "https://example.org/about?x=1", "https://xn--caf-dma.example"]
)
def test_a_website_that_may_be_shown(address: str) -> None:
    assert list(website_faults(address)) == []


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org",
        "javascript:alert(1)",
        "https://user:secret@example.org",
        "https://example.org:8443",
        "https://localhost",
        "https://127.0.0.1",
        "https://[::1]",
        "https://[oops",
        "https:///nowhere",
        "https://exa mple.org",
        "https://example.org\\@evil.example",
        'https://example.org/"onmouseover=',
        "https://example.org:port",
        "//example.org",
        "example.org",
        "https://" + "x" * 200 + ".example",
    ],
)
def test_a_website_that_may_not(address: str) -> None:
    (fault,) = website_faults(address)
    assert fault.field == "website"
    assert "https://" in fault.message


@given(st.text())
def test_no_address_is_too_odd_to_judge(address: str) -> None:
    list(website_faults(address))


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (None, None, Standing.CURRENT),
        (date(2026, 6, 1), None, Standing.CURRENT),
        (date(2026, 6, 2), None, Standing.TO_COME),
        (None, date(2026, 5, 31), Standing.EXPIRED),
        (None, date(2026, 6, 1), Standing.ENDING),
        (None, date(2026, 7, 1), Standing.ENDING),
        (None, date(2026, 7, 2), Standing.CURRENT),
    ],
)
def test_how_an_accreditation_stands(first: date | None, last: date | None, expected: Standing) -> None:
    assert standing(first, last, TODAY) is expected


GOOD = Details("Living Wage employer", "A foundation", number="LW-1")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (replace(GOOD, name=""), "known"),
        (replace(GOOD, number=""), "number"),
        (replace(GOOD, link="http://example.org"), "link"),
        (replace(GOOD, valid_from=date(2026, 2, 1), valid_until=date(2026, 1, 31)), "valid_until"),
    ],
)
def test_what_an_accreditation_lacks(said: Details, field: str) -> None:
    assert [fault.field for fault in details_faults(said)] == [field]


def test_a_good_accreditation_lacks_nothing() -> None:
    assert list(details_faults(GOOD)) == []


def test_a_description() -> None:
    assert list(description_faults(Description(interests=frozenset({"homes", "space"}), wants_requests=True))) == []
    assert [fault.field for fault in description_faults(Description(interests=frozenset({"ranking"})))] == ["causes"]
    assert [fault.field for fault in description_faults(Description(wants_requests=True))] == ["causes"]


def test_codes_are_apart_and_kept_in_order() -> None:
    assert not CAUSES.keys() & OFFERS.keys()
    assert in_order(frozenset({"volunteering", "homes", "gone"})) == ["homes", "volunteering"]
    assert in_order(frozenset(INTERESTS)) == list(INTERESTS)
