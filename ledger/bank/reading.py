"""What a statement file says, whatever its form, and whether it can be believed. Pure.

A reader turns bytes into `ReadStatement`s, or raises `Unreadable` with every reason. `statement_faults` then says why a
statement, though readable, must not be booked: the wrong currency, or balances that don't add up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from ledger.bank.rules import Identification
from ledger.money import LARGEST_PENCE, format_pence

MOST_REASONS = 100


class Unreadable(Exception):
    """A file that can't be taken; `reasons` are sentences, row by row where they can be."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons[:3]))
        self.reasons = reasons[:MOST_REASONS]


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
        question: what a person must answer before it can be booked.
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
    question: str = ""

    @property
    def sum_pence(self) -> int:
        """All entries together."""
        return sum(entry.amount_pence for entry in self.entries)


def statement_faults(statement: ReadStatement) -> Iterator[str]:
    """Why a statement must not be booked, in sentences."""
    if statement.currency not in ("", "GBP"):
        yield f"This account is in {statement.currency}, not in pounds. The fund books pounds only and never converts."
    for number, entry in enumerate(statement.entries, 1):
        if entry.currency not in ("", "GBP") and statement.currency in ("", "GBP"):
            yield f"Entry {number} is in {entry.currency}, in an account in pounds."
        if abs(entry.amount_pence) > LARGEST_PENCE:
            yield f"Entry {number} is above any sensible limit: {format_pence(entry.amount_pence)}."
    yield from _balance_faults(statement)
    if statement.question:
        yield statement.question


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
    )
    return whole, remarks


def _start(statement: ReadStatement) -> date:
    days = [entry.booked_on for entry in statement.entries]
    return statement.from_on or min(days, default=date.min)
