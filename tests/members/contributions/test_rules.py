"""References with a check character, and guesses what a payment is for."""

import string

import pytest

from members.contributions.rules import (
    OpenPledge,
    Payment,
    PledgeState,
    check_character,
    normal_reference,
    payment_sentence,
    references_in,
    state_after,
    suggest,
    with_check,
)

ALPHABET = string.digits + string.ascii_uppercase


@pytest.mark.parametrize(
    ("text", "check"),
    [("A12425GABC1234002", "M"), ("B159D8FA01240000", "A")],
    ids=["the grid standard's own example", "by hand"],
)
def test_check_character_is_iso_7064_mod_37_36(text: str, check: str) -> None:
    if check == "M":
        assert check_character(text) == check
    else:  # the defining congruence, worked the other way round
        product = 36
        for character in text + check_character(text):
            total = (product + ALPHABET.index(character)) % 36 or 36
            product = total * 2 % 37
        assert total == 1


def test_every_wrong_character_is_found() -> None:
    right = normal_reference(with_check("PL-2026-0007"))
    for place in range(len(right)):
        for other in ALPHABET:
            wrong = right[:place] + other + right[place + 1 :]
            assert (check_character(wrong[:-1]) == wrong[-1]) is (other == right[place]), wrong


def test_nearly_all_neighbours_swapped_are_found() -> None:
    missed = tried = 0
    for number in range(1, 2000):
        right = normal_reference(with_check(f"PL-2026-{number:04d}"))
        for place in range(2, len(right) - 1):
            if right[place] != right[place + 1]:
                swapped = right[:place] + right[place + 1] + right[place] + right[place + 2 :]
                tried += 1
                missed += check_character(swapped[:-1]) == swapped[-1]
    assert missed * 100 < tried * 3


REFERENCE = with_check("PL-2026-0007")


@pytest.mark.parametrize(
    "written",
    [
        REFERENCE,
        REFERENCE.lower(),
        REFERENCE.replace("-", " "),
        REFERENCE.replace("-", ""),
        f"INVOICE {REFERENCE} THANK YOU",
        f"INV{normal_reference(REFERENCE)}THANKS",
        f"PL 2026 / 0007 / {REFERENCE[-1]}",
        f"PL PL-2026 {REFERENCE}",
    ],
)
def test_references_are_found_however_they_are_written(written: str) -> None:
    assert normal_reference(REFERENCE) in references_in(written)


@pytest.mark.parametrize(
    "written", ["", "PL-2026-0007", "PL-2026-0007-" + ("A" if REFERENCE[-1] != "A" else "B"), "thanks"]
)
def test_what_is_no_reference_is_not_found(written: str) -> None:
    assert references_in(written) == []


def test_long_numbers_have_references_too() -> None:
    assert normal_reference(with_check("PL-2026-123456")) in references_in("for " + with_check("PL-2026-123456"))


@pytest.mark.parametrize(
    ("pledged", "paid", "state"),
    [
        (100, 0, PledgeState.PLEDGED),
        (100, 1, PledgeState.PART_PAID),
        (100, 99, PledgeState.PART_PAID),
        (100, 100, PledgeState.PAID),
        (100, 101, PledgeState.PAID),
    ],
)
def test_state_of_a_pledge(pledged: int, paid: int, state: PledgeState) -> None:
    assert state_after(pledged, paid) is state


def test_what_is_said_after_a_payment() -> None:
    assert "£0.50 more" in payment_sentence(100, 150)
    assert "£0.40" in payment_sentence(100, 60)
    assert "in full" in payment_sentence(100, 100)


def _pledge(number: int, name: str, due: int) -> OpenPledge:
    return OpenPledge(number, with_check(f"PL-2026-{number:04d}"), name, due)


ALDER, BIRCH, PAID = _pledge(1, "Alder Works Ltd", 5000), _pledge(2, "Birch House", 5000), _pledge(3, "Cedar CIC", 0)
PLEDGES = [ALDER, BIRCH, PAID]


def _guessed(payment: Payment) -> list[tuple[int, bool]]:
    return [(found.pledge.id, found.certain) for found in suggest(payment, PLEDGES)]


def test_a_quoted_reference_is_sure_and_shuts_out_guesses() -> None:
    assert _guessed(Payment(5000, "ALDER WORKS", f"pays {BIRCH.reference}")) == [(2, True)]


def test_a_reference_of_a_paid_pledge_still_counts() -> None:
    assert _guessed(Payment(5000, "", PAID.reference)) == [(3, True)]


def test_two_references_are_no_certainty() -> None:
    assert _guessed(Payment(9000, "", f"{ALDER.reference} {BIRCH.reference}")) == [(1, False), (2, False)]


def test_without_a_reference_amount_and_payer_come_first_and_are_never_sure() -> None:
    assert _guessed(Payment(5000, "BIRCH HOUSE", "thanks")) == [(2, False), (1, False)]


def test_a_payer_may_stand_in_the_text_or_be_misspelt() -> None:
    assert _guessed(Payment(700, "", "FPI ALDER WORKS LTD donation")) == [(1, False)]
    assert _guessed(Payment(5000, "ALDER WORSK LTD", ""))[0] == (1, False)


def test_nothing_fits() -> None:
    assert _guessed(Payment(123, "Somebody", "hello")) == []
