"""Whether a UK account number can belong to its sort code: the modulus check. Pure.

Source: Vocalink, "Validating account numbers: UK modulus checking", version 6.40 of 22 September 2020, chapters 2 to 4.
The weights and the substitutions are files that Pay.UK publishes several times a year and nobody else may hand on; a
steward loads them. A sort code that the table doesn't know can't be checked, which is no fault of the number.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fund.kernel.errors import Finding

_ROW = re.compile(
    r"([0-9]{6})\s+([0-9]{6})\s+(MOD10|MOD11|DBLAL)((?:\s+-?[0-9]{1,3}){14})(?:\s+([0-9]{1,2}))?", re.ASCII
)
_SUBSTITUTION = re.compile(r"([0-9]{6})\s+([0-9]{6})", re.ASCII)
_U_TO_B, _A, _B, _C, _G, _H = slice(0, 8), 6, 7, 8, 12, 13
"""Places of the letters by which the specification names the fourteen digits, u to z and a to h."""
_A_NOT_0 = (0, 0, 1, 2, 5, 3, 6, 4, 8, 7, 10, 9, 3, 1)
_A_NOT_0_G_9 = (0, 0, 0, 0, 0, 0, 0, 0, 8, 7, 10, 9, 3, 1)
_EITHER = ({2, 9}, {10, 11}, {12, 13})
"""Exceptions of two rows of which one is enough."""


class Verdict(StrEnum):
    """What the check says."""

    VALID = "valid"
    INVALID = "invalid"
    CANNOT_BE_CHECKED = "cannot be checked"


@dataclass(frozen=True)
class Row:
    """A check for the sort codes from `first` to `last`: the method, fourteen weights, and the exception, if any."""

    first: str
    last: str
    method: str
    weights: tuple[int, ...]
    exception: int | None


@dataclass(frozen=True)
class Table:
    """The weights in their published order, and the sort codes that are checked as another (exception 5)."""

    rows: Sequence[Row]
    substitutions: Mapping[str, str]


def read_weights(text: str) -> tuple[list[Row], list[Finding]]:
    """The published weight table ("valacdos"): its rows, or what is wrong with which line."""
    rows, faults = [], []
    for number, line in _lines(text):
        match = _ROW.fullmatch(line)
        if match is None:
            faults.append(
                Finding(
                    f"Line {number} is no row of weights: two sort codes, MOD10, MOD11 or DBLAL, and fourteen numbers.",
                    "weights",
                )
            )
            continue
        first, last, method, weights, exception = match.groups()
        if first > last:
            faults.append(Finding(f"Line {number} ends before it begins: {first} to {last}.", "weights"))
        if exception is not None and not 1 <= int(exception) <= 14:
            faults.append(Finding(f"Line {number} has exception {exception}; there are 1 to 14.", "weights"))
        rows.append(Row(first, last, method, tuple(map(int, weights.split())), int(exception) if exception else None))
    if not (rows or faults):
        faults.append(Finding("This file is empty. Choose the weight table as Pay.UK publishes it.", "weights"))
    return rows, faults


def read_substitutions(text: str) -> tuple[dict[str, str], list[Finding]]:
    """The published substitution table ("scsubtab"), or what is wrong with which line."""
    pairs, faults = {}, []
    for number, line in _lines(text):
        match = _SUBSTITUTION.fullmatch(line)
        if match is None:
            faults.append(
                Finding(f"Line {number} is no substitution: a sort code and the one to check instead.", "substitutions")
            )
        else:
            pairs[match[1]] = match[2]
    return pairs, faults


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        if line.strip():
            yield number, line.strip()


def check(table: Table, sort_code: str, account_number: str) -> Verdict:
    """Check an account.

    Args:
        sort_code: six digits.
        account_number: eight digits.
    """
    rows = [row for row in table.rows if row.first <= sort_code <= row.last][:2]
    if not rows:
        return Verdict.CANNOT_BE_CHECKED
    digits = [int(digit) for digit in sort_code + account_number]
    exceptions = {row.exception for row in rows}
    if 6 in exceptions and 4 <= digits[_A] <= 8 and digits[_G] == digits[_H]:
        return Verdict.VALID  # an account in another currency, which has no check digit
    passed = [_passes(row, _digits_for(row, table, sort_code, account_number)) for row in rows]
    if len(rows) == 2:
        if any(either <= exceptions for either in _EITHER):
            return _verdict(any(passed))
        if rows[1].exception == 3 and digits[_C] in (6, 9):
            return _verdict(passed[0])
    return _verdict(all(passed))


def _verdict(passed: bool) -> Verdict:
    return Verdict.VALID if passed else Verdict.INVALID


def _digits_for(row: Row, table: Table, sort_code: str, account_number: str) -> list[int]:
    """The digits that a row checks: some exceptions take another sort code."""
    if row.exception == 5:
        sort_code = table.substitutions.get(sort_code, sort_code)
    elif row.exception == 8:
        sort_code = "090126"
    elif row.exception == 9:
        sort_code = "309634"
    return [int(digit) for digit in sort_code + account_number]


def _passes(row: Row, digits: Sequence[int]) -> bool:
    """Whether the digits pass one row."""
    weights = list(row.weights)
    if row.exception == 2 and digits[_A] != 0:
        weights = list(_A_NOT_0_G_9 if digits[_G] == 9 else _A_NOT_0)
    if row.exception == 7 and digits[_G] == 9:
        weights[_U_TO_B] = [0] * 8
    if row.exception == 10 and digits[_A : _B + 1] in ([0, 9], [9, 9]) and digits[_G] == 9:
        weights[_U_TO_B] = [0] * 8
    products = [weight * digit for weight, digit in zip(weights, digits, strict=True)]
    if row.method == "DBLAL":
        total = sum(sum(map(int, str(abs(product)))) for product in products) + (27 if row.exception == 1 else 0)
        remainder = total % 10
        return (10 - remainder) % 10 == digits[_H] if row.exception == 5 else remainder == 0
    remainder = sum(products) % (10 if row.method == "MOD10" else 11)
    if row.exception == 4:
        return remainder == 10 * digits[_G] + digits[_H]
    if row.exception == 5:
        return remainder != 1 and (11 - remainder) % 11 == digits[_G]
    if row.exception == 14 and remainder:
        return digits[_H] in (0, 1, 9) and _passes_shifted(row, digits)
    return remainder == 0


def _passes_shifted(row: Row, digits: Sequence[int]) -> bool:
    """Exception 14, second try: the last digit off, and a nought before the account number."""
    shifted = [*digits[:_A], 0, *digits[_A:_H]]
    return sum(weight * digit for weight, digit in zip(row.weights, shifted, strict=True)) % 11 == 0
