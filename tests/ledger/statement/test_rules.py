"""What a statement can be sifted by."""

from datetime import date

import pytest

from ledger.statement.rules import Sieve, sieve_faults

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)


@pytest.mark.parametrize(
    ("sieve", "fields"),
    [
        (Sieve(), []),
        (Sieve(first=APRIL, last=APRIL, least_pence=1, most_pence=1), []),
        (Sieve(first=MAY, last=APRIL), ["last"]),
        (Sieve(least_pence=2, most_pence=1), ["most"]),
        (Sieve(first=MAY, last=APRIL, least_pence=1, most_pence=0), ["last", "most"]),
    ],
)
def test_what_can_never_pass_is_said(sieve: Sieve, fields: list[str]) -> None:
    assert [fault.field for fault in sieve_faults(sieve)] == fields


@pytest.mark.parametrize(
    ("sieve", "is_open", "is_period"),
    [
        (Sieve(), True, False),
        (Sieve(first=APRIL), False, True),
        (Sieve(last=APRIL), False, True),
        (Sieve(first=APRIL, text="x"), False, False),
        (Sieve(most_pence=0), False, False),
    ],
)
def test_only_days_make_a_period(sieve: Sieve, is_open: bool, is_period: bool) -> None:
    assert (sieve.is_open, sieve.is_period) == (is_open, is_period)
