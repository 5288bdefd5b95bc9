"""QIF, which tells neither account nor balance."""

import contextlib
from datetime import date
from time import perf_counter

import pytest

from ledger.bank.files import read
from ledger.bank.reading import Answers, Asking, Unreadable, answered

_QIF = "!Type:Bank\n{records}"


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("31/03/2026", date(2026, 3, 31)),
        ("3/31/26", date(2026, 3, 31)),
        ("3/31'26", date(2026, 3, 31)),
        ("31/ 3'6", date(2006, 3, 31)),
        ("31.03.2026", date(2026, 3, 31)),
        ("2026-03-31", date(2026, 3, 31)),
        ("31 Mar 2026", date(2026, 3, 31)),
        ("31/03/99", date(1999, 3, 31)),
    ],
)
def test_qif_days_as_programs_write_them(written: str, day: date) -> None:
    (statement,) = read(_QIF.format(records=f"D{written}\nT1.00\n^\n").encode())
    assert statement.entries[0].booked_on == day
    assert Asking.DATES not in {question.asking for question in statement.questions}


def test_a_qif_whose_dates_can_be_read_two_ways_is_read_as_a_person_says() -> None:
    content = _QIF.format(records="D02/03/2026\nT1.00\n^\nD04/05/2026\nT-1.00\n^\n").encode()
    (statement,) = read(content)
    assert Asking.DATES in {question.asking for question in statement.questions}
    (american,) = read(content, Answers(day_first=False))
    assert [entry.booked_on for entry in american.entries] == [date(2026, 2, 3), date(2026, 4, 5)]
    assert Asking.DATES not in {question.asking for question in answered(american, Answers(day_first=False)).questions}


@pytest.mark.parametrize("record", ["D31/02/2026\nT1.00", "D02/03/2026\nT1.000", "D02/03/2026", "T1.00", "Dx\nTy"])
def test_a_qif_record_that_is_none(record: str) -> None:
    with pytest.raises(Unreadable, match="Record 1"):
        read(_QIF.format(records=f"{record}\n^\n").encode())


def test_a_closing_balance_that_a_person_tells_gives_the_opening_one() -> None:
    (statement,) = read(_QIF.format(records="D31/03/2026\nT1.00\n^\n").encode())
    whole = answered(statement, Answers(is_ours=True, closing_pence=5_00))
    assert (whole.opening_pence, whole.closing_pence, whole.questions) == (4_00, 5_00, ())


def test_long_lines_of_a_qif_are_answered_soon() -> None:
    begun = perf_counter()
    for record in (
        f"D31/03/2026\nT1.00\nP{' ' * 200_000}x",
        f"D3{' ' * 200_000}x\nT1.00",
        f"D31/03/2026\nT{'1' * 200_000}",
    ):
        with contextlib.suppress(Unreadable):
            read(_QIF.format(records=f"{record}\n^\n").encode())
    assert perf_counter() - begun < 5
