"""What a statement file says, whatever its form, and whether it can be believed. Pure.

A reader turns bytes into `ReadStatement`s, or raises `Unreadable` with every reason. `statement_faults` then says why a
statement, though readable, must not be booked: the wrong currency, or balances that don't add up. What a file doesn't
tell is a `Question` for the person who imports it, never a guess; `answered` puts their answers in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import pairwise

from ledger.bank.rules import Identification
from ledger.money import LARGEST_PENCE, format_pence

MOST_REASONS = 100


class Unreadable(Exception):
    """A file that can't be taken; `reasons` are sentences, row by row where they can be."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons[:3]))
        self.reasons = reasons[:MOST_REASONS]


class Asking(StrEnum):
    """What a file may leave open."""

    ACCOUNT = "account"
    CLOSING = "closing"
    DATES = "dates"
    COLUMNS = "columns"
    WHOLE = "whole"
    ALL_REAL = "all_real"
    FIRST = "first"


@dataclass(frozen=True)
class Question:
    """What a person must answer before a statement is booked. `fingerprint` names the layout that is asked about."""

    asking: Asking
    sentence: str
    fingerprint: str = ""


@dataclass(frozen=True)
class Answers:
    """What a person said about a file.

    Attributes:
        is_ours: the file, which names no account, is of the fund's own.
        closing_pence: what the account held after the last entry.
        day_first: whether 02/03 is the second of March; None where nobody said.
        is_whole: nothing is missing at the end.
        all_real: entries that share the bank's id are all real.
        first_is_in: whether the first entry came in, where only balances show the way; None where nobody said.
        columns: what each column of a table is, as `csv_columns.Columns` writes it; empty where nobody said.
    """

    is_ours: bool = False
    closing_pence: int | None = None
    day_first: bool | None = None
    is_whole: bool = False
    all_real: bool = False
    first_is_in: bool | None = None
    columns: str = ""

    def settles(self, asking: Asking) -> bool:
        """Whether the question has its answer."""
        return {
            Asking.ACCOUNT: self.is_ours,
            Asking.CLOSING: self.closing_pence is not None,
            Asking.DATES: self.day_first is not None,
            Asking.COLUMNS: bool(self.columns),
            Asking.WHOLE: self.is_whole,
            Asking.ALL_REAL: self.all_real,
            Asking.FIRST: self.first_is_in is not None,
        }[asking]


NO_ANSWERS = Answers()
WHICH_ACCOUNT = Question(Asking.ACCOUNT, "The file doesn't say which account it is of. Is it the fund's own?")
WHICH_CLOSING = Question(
    Asking.CLOSING,
    "The file has no closing balance, so nothing shows that it is whole. What was the balance after its last entry?",
)


@dataclass(frozen=True)
class Detail:
    """One payment inside a batch entry, as the bank tells it. `pence` has no sign; it may be missing."""

    pence: int | None
    counterparty: str
    remittance: str
    end_to_end: str


@dataclass(frozen=True)
class ReadEntry:
    """One booked entry.

    Attributes:
        booked_on: the day written as booking day.
        amount_pence: signed by the direction of this booking: money in is above nought, reversed or not.
        bank_reference: the bank's own id of the entry, or "".
        currency: what the entry says it is in; "" where it doesn't say.
        balance_pence: the balance after it, where the form has one for each row.
    """

    booked_on: date
    amount_pence: int
    counterparty: str = ""
    remittance: str = ""
    bank_reference: str = ""
    end_to_end: str = ""
    valued_on: date | None = None
    is_reversal: bool = False
    currency: str = ""
    details: tuple[Detail, ...] = ()
    balance_pence: int | None = None

    @property
    def text(self) -> str:
        """Who and why in one line."""
        return f"{self.counterparty} {self.remittance}".strip()


@dataclass(frozen=True)
class ReadStatement:
    """One account's entries over a time, oldest first where the form has an order.

    Attributes:
        form: "camt.053.001.08", "csv lloyds" and so on.
        currency: of the account; "" where it isn't told, which UK exports mean as pounds.
        opening_pence, closing_pence: booked balances; None where the file has none.
        needs_balances: whether this form must give both balances.
        left_out: entries that are pending or only informational.
        questions: what a person must answer before it can be booked.
    """

    form: str
    account: Identification
    entries: tuple[ReadEntry, ...]
    account_name: str = ""
    statement_id: str = ""
    currency: str = ""
    opening_pence: int | None = None
    closing_pence: int | None = None
    from_on: date | None = None
    to_on: date | None = None
    needs_balances: bool = False
    left_out: int = 0
    questions: tuple[Question, ...] = ()

    @property
    def sum_pence(self) -> int:
        """All entries together."""
        return sum(entry.amount_pence for entry in self.entries)


def statement_faults(statement: ReadStatement) -> Iterator[str]:
    """Why a statement must not be booked, in sentences. While its columns are a guess, nothing is held against it."""
    if any(question.asking is Asking.COLUMNS for question in statement.questions):
        return
    if statement.currency not in ("", "GBP"):
        yield f"This account is in {statement.currency}, not in pounds. The fund books pounds only and never converts."
    for number, entry in enumerate(statement.entries, 1):
        if entry.currency not in ("", "GBP") and statement.currency in ("", "GBP"):
            yield f"Entry {number} is in {entry.currency}, in an account in pounds."
        if abs(entry.amount_pence) > LARGEST_PENCE:
            yield f"Entry {number} is above any sensible limit: {format_pence(entry.amount_pence)}."
    yield from _balance_faults(statement)


def answered(statement: ReadStatement, answers: Answers) -> ReadStatement:
    """The statement with the answers in it, and the questions that are left.

    A closing balance also tells the opening one, which must then be what the statement before closed with.
    """
    left = tuple(one for one in statement.questions if not answers.settles(one.asking))
    asked_closing = any(one.asking is Asking.CLOSING for one in statement.questions)
    if not asked_closing or answers.closing_pence is None:
        return replace(statement, questions=left)
    return replace(
        statement,
        questions=left,
        closing_pence=answers.closing_pence,
        opening_pence=answers.closing_pence - statement.sum_pence,
    )


def _balance_faults(statement: ReadStatement) -> Iterator[str]:
    opening, closing = statement.opening_pence, statement.closing_pence
    if statement.needs_balances:
        if opening is None:
            yield "The opening balance is missing. If this is page 2 of a statement, get the whole of it in one file."
        if closing is None:
            yield "The closing balance is missing. If the statement has more pages, get the whole of it in one file."
    if opening is not None and closing is not None:
        wrong = closing - opening - statement.sum_pence
        if wrong:
            yield (
                f"Opening balance {format_pence(opening)} and the entries ({format_pence(statement.sum_pence)}) make "
                f"{format_pence(opening + statement.sum_pence)}, but the closing balance is {format_pence(closing)}: "
                f"{format_pence(abs(wrong))} apart. A line is missing or was changed; download the statement again."
            )


def running_balance_faults(entries: Sequence[ReadEntry], rows: Sequence[int]) -> Iterator[str]:
    """Where the balance after a row doesn't follow from the row before.

    Args:
        entries: oldest first.
        rows: the row of the file that each entry stands in.
    """
    for before, entry, row in zip(entries, entries[1:], rows[1:], strict=False):
        if before.balance_pence is None or entry.balance_pence is None:
            continue
        wrong = entry.balance_pence - before.balance_pence - entry.amount_pence
        if wrong:
            yield (
                f"Row {row}: the running balance breaks here by {format_pence(abs(wrong))}. "
                "A row is missing or was changed; download the file again."
            )


def oldest_first(entries: list[ReadEntry], numbers: list[int]) -> tuple[list[ReadEntry], list[int]]:
    """The rows in order of time. Days tell it; on a single day the running balance does."""
    if len(entries) < 2:
        return entries, numbers
    turned = (entries[::-1], numbers[::-1])
    if entries[0].booked_on != entries[-1].booked_on:
        return turned if entries[0].booked_on > entries[-1].booked_on else (entries, numbers)
    as_given = sum(1 for _ in running_balance_faults(entries, numbers))
    return turned if sum(1 for _ in running_balance_faults(*turned)) < as_given else (entries, numbers)


def balances_of(entries: Sequence[ReadEntry]) -> tuple[int | None, int | None]:
    """Opening and closing balance that running balances tell, of entries in order of time."""
    if not entries or entries[0].balance_pence is None:
        return None, None
    return entries[0].balance_pence - entries[0].amount_pence, entries[-1].balance_pence


def joined(statements: Sequence[ReadStatement]) -> tuple[ReadStatement, list[str]]:
    """The statements of one file as one, in order of time, and remarks on what doesn't join up.

    A statement that stands twice in the file (same id, same entries) counts once.

    Raises:
        Unreadable: when they are of different accounts.
    """
    ordered = sorted(dict.fromkeys(statements), key=lambda one: (_start(one), one.statement_id))
    if len({one.account for one in ordered}) > 1:
        names = " and ".join(sorted(one.account.shown for one in ordered))
        raise Unreadable(f"The file has statements of different accounts: {names}. Export the fund's own account only.")
    remarks = []
    for earlier, later in pairwise(ordered):
        if None not in (earlier.closing_pence, later.opening_pence) and earlier.closing_pence != later.opening_pence:
            remarks.append(
                f"Statement {later.statement_id} opens with {format_pence(later.opening_pence or 0)}, "
                f"but the one before it closed with {format_pence(earlier.closing_pence or 0)}: "
                "a statement may be missing between them."
            )
    first, last = ordered[0], ordered[-1]
    whole = replace(
        first,
        entries=tuple(entry for one in ordered for entry in one.entries),
        closing_pence=last.closing_pence,
        to_on=last.to_on,
        left_out=sum(one.left_out for one in ordered),
        questions=tuple(dict.fromkeys(question for one in ordered for question in one.questions)),
    )
    return whole, remarks


def _start(statement: ReadStatement) -> date:
    days = [entry.booked_on for entry in statement.entries]
    return statement.from_on or min(days, default=date.min)
