"""The CSV of a bank that we don't know, by what a person says its columns are."""

import contextlib
from dataclasses import replace
from datetime import date
from time import perf_counter
from typing import Any

import pytest

from ledger.bank.csv_columns import faults
from ledger.bank.csv_guess import guess
from ledger.bank.csv_statement import unknown_table
from ledger.bank.csv_table import Columns, DayOrder, Money
from ledger.bank.files import read
from ledger.bank.reading import Answers, Asking, ReadStatement, Unreadable, statement_faults


def told(content: str, **columns: Any) -> tuple[ReadStatement, Columns]:
    """The statement by the columns that are guessed, with some told."""
    table = unknown_table(content.encode())
    guessed = guess(table)
    assert guessed is not None
    chosen = replace(guessed, **columns)
    (statement,) = read(content.encode(), Answers(columns=chosen.written()))
    return statement, chosen


@pytest.mark.parametrize(
    ("content", "amounts"),
    [
        ("Date,Details,Amount,Balance\n31/03/2026,A,(5.00),95.00\n", [-5_00]),
        ("Date,Details,Amount,Balance\n31/03/2026,A,5.00-,95.00\n", [-5_00]),
        ("Date,Details,Amount,Balance\n31/03/2026,A,5.00 DR,95.00 CR\n", [-5_00]),
        ('Date,Details,Amount,Balance\n31/03/2026,"A, B","-£1,005.00",-£95.00\n', [-1005_00]),
        ("Date;Details;Amount;Balance\n31.03.2026;A;-1.005,50;95,00\n", [-1005_50]),
        ("Day;Words;Sum;Left\n30.03.2026;A;5,00;95,00\n31.03.2026;B;-5,00;90,00\n", [5_00, -5_00]),
        ("Date\tDetails\tDebit\tCredit\n31-Mar-26\tA\t5.00\t\n31-Mar-26\tB\t\t7.00\n", [-5_00, 7_00]),
        (
            "Posted,Narrative,Value,Type,Balance\n31/03/2026,A,5.00,DR,95.00\n31/03/2026,B,5.00,CR,100.00\n",
            [-5_00, 5_00],
        ),
        ("Date,Details,Amount,Balance\n30/03/2026,A,5.00,95.00\n31/03/2026,B,5.00,90.00\n", [5_00, -5_00]),
        ("\ufeffDate,Details,Amount\r\n2026-03-31 10:00:00 +0000,A,-5\r\n", [-5_00]),
        ("Account,Irwell\nFrom,to\nDate,Details,Amount\n31/03/2026,A,-5.00\nTotal,,-5.00\n", [-5_00]),
    ],
)
def test_ways_in_which_banks_write_amounts(content: str, amounts: list[int]) -> None:
    statement, _ = told(content)
    assert [entry.amount_pence for entry in statement.entries] == amounts
    assert list(statement_faults(replace(statement, questions=()))) == []


def test_columns_said_otherwise_than_guessed() -> None:
    content = "Date,Details,Amount\n02/03/2026,A,5.00\n04/03/2026,B,-7.00\n"
    statement, columns = told(content, day_order=DayOrder.MONTH_FIRST, money=Money.REVERSED)
    assert [entry.amount_pence for entry in statement.entries] == [-5_00, 7_00]
    assert [entry.booked_on for entry in statement.entries] == [date(2026, 2, 3), date(2026, 4, 3)]
    assert Columns.of(columns.written()) == columns


def test_the_first_entry_of_unsigned_amounts_goes_as_a_person_says() -> None:
    content = "Date,Details,Amount,Balance\n30/03/2026,A,5.00,95.00\n31/03/2026,B,5.00,90.00\n"
    _, columns = told(content)
    answers = Answers(columns=columns.written(), first_is_in=False)
    (statement,) = read(content.encode(), answers)
    assert (statement.opening_pence, statement.closing_pence) == (100_00, 90_00)
    assert Asking.FIRST in {question.asking for question in statement.questions}


def test_a_running_balance_that_breaks_is_found_in_any_layout() -> None:
    content = "Date,Details,Amount,Balance\n30/03/2026,A,-5.00,95.00\n31/03/2026,B,-5.00,80.00\n"
    with pytest.raises(Unreadable, match="Row 3: the running balance breaks here by £10"):
        told(content)


def test_a_row_of_another_currency_is_refused_once_the_columns_are_told() -> None:
    statement, _ = told("Date,Details,Amount,CCY\n31/03/2026,A,-5.00,EUR\n")
    assert list(statement_faults(replace(statement, questions=()))) == ["Entry 1 is in EUR, in an account in pounds."]


def test_faults_of_columns_stand_with_their_names() -> None:
    table = unknown_table(b"Date,Details,Amount,Balance\n31/03/2026,A,-5.00,95.00\n")
    right = guess(table)
    assert right is not None
    assert list(faults(table, right)) == []
    for wrong, name in (
        (replace(right, day=1), "day"),
        (replace(right, day=None), "day"),
        (replace(right, day_order=DayOrder.MONTH_FIRST), "day"),
        (replace(right, amount=None), "amount"),
        (replace(right, amount=1, text=2), "amount"),
        (replace(right, amount=3), "balance"),
        (replace(right, money=Money.MARKED), "mark"),
        (replace(right, money=Money.MARKED, mark=1), "mark"),
        (replace(right, money=Money.APART), "money_in"),
        (replace(right, money=Money.APART, money_in=2, money_out=3, balance=None), "money_out"),
        (replace(right, money=Money.BALANCE, balance=None), "balance"),
        (replace(right, text=None), "text"),
    ):
        assert name in {found for found, _ in faults(table, wrong)}, wrong


@pytest.mark.parametrize(
    "content",
    [
        "Date,Details,Amount\n31/03/2026,A," + " " * 120_000 + "x\n",
        "Date,Details,Amount\n31/03/2026,A," + "1" * 120_000 + "\n",
        "," * 1_000_000 + "\n" + "31/03/2026,A,5.00\n" * 10_000,
        "Date,Details,Amount\n" + "31/03/2026,A,x\n" * 100_000,
    ],
)
def test_hostile_tables_are_answered_soon(content: str) -> None:
    begun = perf_counter()
    with contextlib.suppress(Unreadable):
        read(content.encode())
    assert perf_counter() - begun < 10
