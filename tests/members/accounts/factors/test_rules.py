"""Codes of apps, recovery codes, waiting, and who may let somebody back in."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fund.kernel.access import Role
from members.accounts.factors import rules

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
STEWARD, SECRETARY, ASSESSOR = (frozenset({role}) for role in (Role.STEWARD, Role.SECRETARY, Role.ASSESSOR))


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """RFC 6238, appendix B, SHA-1, the last six of its eight figures."""
    at = datetime.fromtimestamp(seconds, UTC)
    assert rules.matching_step(RFC_SECRET, code, last_step=None, now=at) == rules.step_of(at)


@settings(deadline=None)  # a busy machine is no fault
@given(st.integers(min_value=-4, max_value=4), st.one_of(st.none(), st.integers(min_value=-4, max_value=4)))
def test_a_code_counts_one_step_aside_and_never_twice(aside: int, last: int | None) -> None:
    present = rules.step_of(NOON)
    last_step = None if last is None else present + last
    found = rules.matching_step(RFC_SECRET, rules.code_at(RFC_SECRET, present + aside), last_step=last_step, now=NOON)
    expected = abs(aside) <= 1 and (last is None or aside > last)
    assert (found == present + aside) is expected


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "００００００", "\ud800"])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert rules.matching_step(RFC_SECRET, code, last_step=None, now=NOON) is None


def test_recovery_codes_are_ten_different_ones_that_name_themselves() -> None:
    codes = rules.new_recovery_codes()
    assert len(set(codes)) == 10
    assert [rules.recovery_number(rules.tidy_code(f" {code.lower()} ")) for code in codes] == list(range(10))
    assert rules.recovery_number("123456") is None
    assert rules.recovery_number("") is None


def test_a_secret_is_typed_in_fours() -> None:
    assert rules.in_fours("ABCDEFGHIJ") == "ABCD EFGH IJ"
    assert len(rules.new_secret()) == 32
    assert "issuer=Irwell" in rules.provisioning_uri(RFC_SECRET, account="ada@example.org", fund="Irwell")


@pytest.mark.parametrize(("failures", "waits"), [(0, False), (19, False), (20, True), (500, True)])
def test_many_wrong_codes_from_everywhere_make_strangers_wait(failures: int, waits: bool) -> None:
    assert bool(rules.wait_elsewhere_after(failures)) is waits
    assert rules.wait_elsewhere_after(failures) <= timedelta(minutes=15)


@pytest.mark.parametrize(
    ("first", "first_roles", "second", "second_roles", "may"),
    [
        (1, STEWARD, 2, SECRETARY, True),
        (1, SECRETARY, 2, STEWARD, True),
        (1, STEWARD, 1, STEWARD, False),
        (1, SECRETARY, 2, SECRETARY, False),
        (1, STEWARD, 2, ASSESSOR, False),
        (1, frozenset(), 2, STEWARD, False),
        (9, STEWARD, 2, SECRETARY, False),
        (1, STEWARD, 9, SECRETARY, False),
    ],
)
def test_a_steward_and_another_officer_let_somebody_in(
    first: int, first_roles: frozenset[Role], second: int, second_roles: frozenset[Role], may: bool
) -> None:
    faults = list(
        rules.confirm_faults(
            person_id=9, first_id=first, first_roles=first_roles, second_id=second, second_roles=second_roles
        )
    )
    assert (not faults) is may
