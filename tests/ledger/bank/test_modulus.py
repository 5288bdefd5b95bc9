"""The modulus check against the published cases, and against a table that two independent programs agree on.

The weights come from the package `ukmodulus` (the table of 2017), because they may not be kept here.
"""

import csv
from importlib.resources import files
from pathlib import Path

import pytest

from ledger.bank.modulus import Row, Table, Verdict, check, read_substitutions, read_weights

UNKNOWN_IN_2017 = {"071310", "086119", "230364", "232507"}


@pytest.fixture(scope="module")
def table() -> Table:
    published = files("ukmodulus")
    rows, faults = read_weights((published / "valacdos.txt").read_text("ascii"))
    pairs, more_faults = read_substitutions((published / "scsubtab.txt").read_text("ascii"))
    assert not faults + more_faults
    assert (len(rows), len(pairs)) == (1053, 21)
    return Table(rows, pairs)


def cases(shared_data: Path, name: str) -> list[dict[str, str]]:
    with (shared_data / "bank" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_published_cases(table: Table, shared_data: Path) -> None:
    published = cases(shared_data, "modulus_vectors.csv")
    assert len(published) == 34
    said = {case["test"]: check(table, case["sort_code"], case["account_number"]).value for case in published}
    assert said == {case["test"]: case["expected"] for case in published}


def test_what_two_other_programs_agree_on(table: Table, shared_data: Path) -> None:
    agreed = cases(shared_data, "modulus_differential.csv")
    assert {case["exception_of_table_row"] for case in agreed} >= {"1", "4", "7", "10", "12", "13", "14", "none"}
    wrong = []
    for case in agreed:
        expected = Verdict(case["expected"])
        if case["sort_code"] in UNKNOWN_IN_2017:
            expected = Verdict.CANNOT_BE_CHECKED
        if check(table, case["sort_code"], case["account_number"]) is not expected:
            wrong.append(case)
    assert not wrong


def test_a_sort_code_that_is_in_no_table_is_not_wrong(table: Table) -> None:
    assert check(table, "009901", "10203040") is Verdict.CANNOT_BE_CHECKED
    assert check(Table([], {}), "089999", "66374958") is Verdict.CANNOT_BE_CHECKED


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "This file is empty"),
        ("\n  \n", "This file is empty"),
        ("<html>", "Line 1 is no row"),
        ("010004 016715 MOD11 0 0 0 0 0 0 8 7 6 5 4 3 2", "Line 1 is no row"),
        ("010004 016715 MOD12 0 0 0 0 0 0 8 7 6 5 4 3 2 1", "Line 1 is no row"),
        ("\n016715 010004 MOD11 0 0 0 0 0 0 8 7 6 5 4 3 2 1", "Line 2 ends before it begins"),
        ("010004 016715 MOD11 0 0 0 0 0 0 8 7 6 5 4 3 2 1 15", "Line 1 has exception 15"),
    ],
)
def test_a_file_that_is_no_weight_table_says_which_line(text: str, says: str) -> None:
    _, faults = read_weights(text)
    assert says in faults[0].message


def test_rows_are_read_with_and_without_exception() -> None:
    rows, faults = read_weights("\ufeff074456 074456 MOD11 0 0 0 0 0 0 7 6 5 8 9 4 3 2  12\r\n\r\n")
    assert not faults
    assert rows == [Row("074456", "074456", "MOD11", (0, 0, 0, 0, 0, 0, 7, 6, 5, 8, 9, 4, 3, 2), 12)]


def test_substitutions_are_pairs() -> None:
    assert read_substitutions("938173 938017\n938289 938068\n") == ({"938173": "938017", "938289": "938068"}, [])
    _, faults = read_substitutions("938173 938017\n938289\n")
    assert faults[0].message.startswith("Line 2")
