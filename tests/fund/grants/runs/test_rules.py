"""Days, approvals and fingerprints of payment runs."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from fund.grants.runs.rules import LONGEST_WAIT, approvals_of_run, day_faults
from fund.kernel.policy import Policy
from ledger.bank.rules import Counted, begin_of, totals_sha256

POLICY = Policy()
FRIDAY = date(2026, 7, 3)
ONE = Counted("grant:G-2026-001:instalment:1", 7, "Bee Bikes", "009901", "12345678", 4_000_00)
OTHER = replace(ONE, key="grant:G-2026-001:instalment:2", pence=1)


@pytest.mark.parametrize(
    ("payments", "needed"),
    [
        ([(1, 60_000_00), (2, 60_000_00)], 2),
        ([(1, 60_000_00), (1, 40_000_00)], 2),
        ([(1, 60_000_00), (1, 40_000_01)], 3),
        ([(1, 100_000_01)], 3),
        ([], 2),
    ],
)
def test_a_large_sum_to_one_payee_needs_one_more_however_it_is_cut(
    payments: list[tuple[int, int]], needed: int
) -> None:
    assert approvals_of_run(payments, POLICY) == needed


@pytest.mark.parametrize(
    ("day", "told"),
    [
        (FRIDAY, None),
        (FRIDAY - timedelta(days=1), "on 3 July 2026 at the earliest"),
        (FRIDAY + timedelta(days=1), "Banks don't work on 4 July 2026"),
        (date(2026, 8, 3), "up to 2 August 2026"),
        (FRIDAY + LONGEST_WAIT - timedelta(days=2), None),
    ],
)
def test_the_bank_pays_on_a_working_day_that_its_cut_off_leaves(day: date, told: str | None) -> None:
    found = [finding.message for finding in day_faults(day, FRIDAY)]
    assert len(found) == (told is not None)
    assert told is None or told in found[0]


@pytest.mark.parametrize("changed", ["key", "payee_id", "account_name", "sort_code", "account_number", "pence"])
def test_every_fact_of_a_payment_is_in_the_fingerprint_of_its_run(changed: str) -> None:
    value = 8 if isinstance(getattr(ONE, changed), int) else "other"
    assert totals_sha256("PR-1", [ONE, OTHER]) != totals_sha256("PR-1", [replace(ONE, **{changed: value}), OTHER])


def test_a_fingerprint_is_of_one_run_and_of_its_payments_in_whatever_order() -> None:
    assert totals_sha256("PR-1", [ONE, OTHER]) == totals_sha256("PR-1", [OTHER, ONE])
    assert totals_sha256("PR-1", [ONE, OTHER]) != totals_sha256("PR-2", [ONE, OTHER])
    assert totals_sha256("PR-1", [ONE, OTHER]) != totals_sha256("PR-1", [ONE])
    assert begin_of("3f2a91c0dd") == "3F2A 91C0"
