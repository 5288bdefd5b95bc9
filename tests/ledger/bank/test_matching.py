"""Payments of ours that the bank's lines quote are confirmed without anybody."""

import pytest

from fund.kernel.db import transaction
from ledger.bank import matching, queries
from ledger.bank.rules import OrderState
from tests.ledger.bank.test_payments import LATER, People, bank_says, make_file, order, people

__all__ = ["people"]


def rounds() -> int:
    def one(after: int) -> matching.Round:
        with transaction():
            return matching.match_payments(actor=None, now=LATER, after=after)

    return matching.in_rounds(one)


def test_a_payment_is_confirmed_by_its_reference_and_its_very_sum(people: People) -> None:
    one = order(400_00)
    make_file(people, one)
    other_sum = bank_says(people, "2026-06-09", -399_00, 1)
    right = bank_says(people, "2026-06-09", -400_00, 2)
    assert rounds() == 1
    assert queries.order(one.id).state is OrderState.CONFIRMED
    assert queries.line(right).settled_as == f"payment:{one.key}"
    assert queries.line(other_sum).settled_at is None
    assert rounds() == 0


def test_a_payment_not_yet_sent_is_not_confirmed(people: People) -> None:
    order(400_00)
    bank_says(people, "2026-06-09", -400_00, 1)
    assert rounds() == 0


def test_a_line_that_could_be_two_payments_waits_for_a_person(people: People) -> None:
    both = [order(400_00), order(400_00, key="grant:G-2026-003:instalment:1:again")]
    make_file(people, *both)
    line_id = bank_says(people, "2026-06-09", -400_00, 1)
    assert rounds() == 0
    assert queries.line(line_id).settled_at is None


def test_two_lines_of_one_payment_wait_for_a_person(people: People) -> None:
    make_file(people, order(400_00))
    bank_says(people, "2026-06-09", -400_00, 1)
    bank_says(people, "2026-06-09", -400_00, 2)
    assert rounds() == 0


@pytest.mark.parametrize("reference", ["G-2026-003-10", "G-2026-003"])
def test_a_reference_that_only_begins_alike_is_another(people: People, reference: str) -> None:
    make_file(people, order(400_00, reference=reference))
    bank_says(people, "2026-06-09", -400_00, 1)
    assert rounds() == 0
