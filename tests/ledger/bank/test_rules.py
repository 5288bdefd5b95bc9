"""Bank details, references, which lines are new."""

from datetime import UTC, date, datetime

import pytest

from ledger.bank.rules import (
    SeenLine,
    bank_detail_faults,
    bank_text,
    execution_day,
    new_lines,
    pay_faults,
    reference_faults,
    sort_code_digits,
    verify_faults,
)

DAY = date(2026, 3, 17)


def line(reference: str = "", text: str = "x", form: str = "camt", pence: int = 25_00, day: date = DAY) -> SeenLine:
    return SeenLine(day, pence, reference, text, form)


@pytest.mark.parametrize(
    ("known", "offered", "fresh"),
    [
        ([], [line(), line()], [0, 1]),
        ([line()], [line(), line()], [1]),
        ([line(), line()], [line(), line()], []),
        ([line("A")], [line("A"), line("B")], [1]),
        ([line("A"), line("B")], [line("B"), line("A")], []),
        ([line("A")], [line("A", pence=26_00)], [0]),
        ([line("A")], [line("A", day=date(2026, 3, 18))], [0]),
        ([line(text="Ann")], [line(text="Bob")], [0]),
        ([line("A", text="Ann")], [line(text="ANN", form="csv")], []),
        ([line("A"), line("B")], [line(form="csv"), line(form="csv"), line(form="csv")], [2]),
        ([line(form="csv"), line("B")], [line("A"), line("B")], []),
    ],
)
def test_which_lines_are_new(known: list[SeenLine], offered: list[SeenLine], fresh: list[int]) -> None:
    assert new_lines(known, offered) == fresh


def test_a_loose_match_does_not_take_the_place_of_an_exact_one() -> None:
    known = [line("B", form="camt"), line("", form="csv")]
    assert new_lines(known, [line("A"), line("B")]) == []


@pytest.mark.parametrize(("written", "digits"), [("12-34-56", "123456"), ("12 34 56", "123456"), ("123456", "123456")])
def test_sort_codes(written: str, digits: str) -> None:
    assert sort_code_digits(written) == digits


@pytest.mark.parametrize("written", ["", "12345", "1234567", "12-34-5a", "١٢٣٤٥٦"])
def test_what_is_no_sort_code(written: str) -> None:
    assert sort_code_digits(written) is None


def test_all_faults_of_bank_details_at_once() -> None:
    assert [fault.field for fault in bank_detail_faults(" ", "1", "12345")] == [
        "account_name",
        "sort_code",
        "account_number",
    ]
    assert not list(bank_detail_faults("Ann", "12-34-56", "12345678"))


@pytest.mark.parametrize("name", ["你好", "+++", "- '"])
def test_a_name_that_no_uk_bank_can_write(name: str) -> None:
    (fault,) = bank_detail_faults(name, "12-34-56", "12345678")
    assert fault.message.startswith("UK banks take Latin letters")


def test_who_gave_details_neither_verifies_nor_pays() -> None:
    assert list(verify_faults(given_by_id=1, verifier_id=1))
    assert not list(verify_faults(given_by_id=1, verifier_id=2))
    assert list(pay_faults(given_by_id=1, checked_by=(2, 3), payer_id=1, name="x"))
    assert list(pay_faults(given_by_id=1, checked_by=(2, 3), payer_id=2, name="x"))
    assert list(pay_faults(given_by_id=1, checked_by=(2, 3), payer_id=3, name="x"))
    assert not list(pay_faults(given_by_id=1, checked_by=(2, None), payer_id=3, name="x"))


@pytest.mark.parametrize("reference", ["", "G-2026-003-2 and more", "Café", "a_b"])
def test_references_that_the_bank_would_change(reference: str) -> None:
    assert list(reference_faults(reference))


def test_a_reference_that_fits() -> None:
    assert not list(reference_faults("G-2026-003-2"))


def test_bank_text_keeps_to_plain_letters() -> None:
    assert bank_text("Cŵn & Café “Ltd”", 140) == "Cwn + Cafe Ltd"
    assert bank_text("<b>", 140) == "b"
    assert len(bank_text("x" * 200, 18)) == 18


@pytest.mark.parametrize(
    ("made", "day"),
    [
        (datetime(2026, 6, 1, 9, tzinfo=UTC), date(2026, 6, 1)),
        (datetime(2026, 6, 6, 9, tzinfo=UTC), date(2026, 6, 8)),
        (datetime(2026, 8, 31, 9, tzinfo=UTC), date(2026, 9, 1)),
        (datetime(2026, 6, 1, 13, 59, tzinfo=UTC), date(2026, 6, 1)),  # one minute to three in London
        (datetime(2026, 6, 1, 14, tzinfo=UTC), date(2026, 6, 2)),
        (datetime(2026, 6, 5, 20, tzinfo=UTC), date(2026, 6, 8)),
        (datetime(2026, 6, 6, 20, tzinfo=UTC), date(2026, 6, 8)),
        (datetime(2026, 12, 24, 23, 30, tzinfo=UTC), date(2026, 12, 29)),
        (datetime(2026, 12, 25, 9, tzinfo=UTC), date(2026, 12, 29)),
    ],
)
def test_files_ask_for_a_working_day(made: datetime, day: date) -> None:
    assert execution_day(made, 15) == day
    assert execution_day(made, 24) <= day
