"""What a line of the bank says of the pledge that it pays."""

import pytest

from members.contributions.matching.rules import Part, part_faults
from members.contributions.rules import OpenPledge, Payment, members_in, payer_keys, suggest

ALDER = OpenPledge(1, "PL-1", "Alder Works Ltd", 5000, 11, "GM-1077")
BIRCH = OpenPledge(2, "PL-2", "Birch House", 5000, 12, "GM-1078")
BIRCH_TOO = OpenPledge(3, "PL-3", "Birch House", 700, 12, "GM-1078")
PLEDGES = [ALDER, BIRCH, BIRCH_TOO]


def guessed(payer: str, written: str, pence: int = 5000, paid_for: set[int] | None = None) -> list[tuple[int, bool]]:
    found = suggest(Payment(pence, payer, written), PLEDGES, paid_for or set())
    return [(one.pledge.id, one.certain) for one in found]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("GM-1077", ["GM-1077"]),
        ("gm 1077", ["GM-1077"]),
        ("MEMBERSHIPGM1077", ["GM-1077"]),
        ("GM-1077 and gm/1078", ["GM-1077", "GM-1078"]),
        ("GM-107", []),
        ("PROGRAMME 1077", []),
        ("", []),
    ],
)
def test_members_references_are_found_however_they_are_written(written: str, found: list[str]) -> None:
    assert members_in(written) == found


@pytest.mark.parametrize(
    ("payer", "written"),
    [("ALDER WORKS", "GM1077"), ("", "BGC ALDER WORKS LTD GM-1077"), ("ALDER WORSK", "GM-1077")],
)
def test_a_members_reference_is_sure_where_the_name_bears_it_out(payer: str, written: str) -> None:
    assert guessed(payer, written) == [(1, True)]


def test_a_members_reference_with_another_name_is_a_guess() -> None:
    assert guessed("CEDAR MILL", "GM-1077") == [(1, False)]
    assert guessed("CEDAR MILL", "GM-1077", paid_for={11}) == [(1, True)]


def test_a_member_with_several_pledges_is_a_guess_and_the_same_amount_comes_first() -> None:
    assert guessed("BIRCH HOUSE", "GM-1078", 700) == [(3, False), (2, False)]


def test_who_paid_before_is_the_first_guess_and_never_sure() -> None:
    assert guessed("MR B TREASURER", "subs", 5000, {12}) == [(2, False), (3, False), (1, False)]


def test_a_payer_whom_the_bank_does_not_name_may_stand_in_the_text() -> None:
    assert payer_keys(Payment(1, "Alder Works Ltd", "x")) == {"alder works"}
    assert "alder works" in payer_keys(Payment(1, "", "FPI ALDER WORKS LTD SUBS"))


@pytest.mark.parametrize(
    ("parts", "fields"),
    [
        ([Part(1, 700), Part(2, 300)], []),
        ([Part(1, 1000)], []),
        ([Part(1, 700), Part(2, 200)], ["amount_2"]),
        ([Part(1, 700), Part(2, 400)], ["amount_2"]),
        ([Part(1, 1300), Part(2, -300)], ["amount_2"]),
        ([Part(1, 500, "A"), Part(1, 500, "A")], ["pledge_2"]),
        ([Part(1, 500, "A"), Part(1, 500, "B")], []),
        ([], ["pledge_1", "amount_1"]),
    ],
)
def test_parts_sum_to_the_payment(parts: list[Part], fields: list[str]) -> None:
    assert [fault.field for fault in part_faults(parts, 1000)] == fields


def test_money_out_pays_no_pledge() -> None:
    assert next(fault.message for fault in part_faults([Part(1, -5)], -5)).startswith("This line is money that left")
