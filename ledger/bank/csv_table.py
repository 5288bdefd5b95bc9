"""What a table of a bank consists of: cells that are days or amounts, rows, and what each column is. Pure."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum

MONEY_IN_MARKS = frozenset({"cr", "c", "credit", "in", "+", "paid in"})
MONEY_OUT_MARKS = frozenset({"dr", "d", "debit", "out", "-", "paid out", "db"})
SUMS = frozenset({"total", "totals", "opening balance", "closing balance"})
"""First cells of rows that are no entries."""

Row = tuple[int, list[str]]
"""The number of a row in its file, and its cells."""


class Money(StrEnum):
    """How a file says which way money went."""

    SIGNED = "signed"
    REVERSED = "reversed"
    MARKED = "marked"
    BALANCE = "balance"
    APART = "apart"


class DayOrder(StrEnum):
    """How 02/03/2026 is meant. Days with the year first, or the month as a word, are read in any case."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


@dataclass(frozen=True)
class Columns:
    """What each column is, by its place from nought; None where the file has none."""

    day: int | None
    money: Money
    day_order: DayOrder = DayOrder.DAY_FIRST
    text: int | None = None
    who: int | None = None
    amount: int | None = None
    money_in: int | None = None
    money_out: int | None = None
    mark: int | None = None
    balance: int | None = None
    reference: int | None = None
    comma: bool = False

    def written(self) -> str:
        """As text, to be remembered."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def of(cls, written: str) -> "Columns":
        """From its text."""
        told = json.loads(written)
        return cls(**told | {"money": Money(told["money"]), "day_order": DayOrder(told["day_order"])})

    @property
    def amounts(self) -> dict[str, int | None]:
        """The columns that say how much, by name, as the way of the money needs them."""
        if self.money is Money.APART:
            return {"money_in": self.money_in, "money_out": self.money_out}
        return {"amount": self.amount}


@dataclass(frozen=True)
class Table:
    """The rows of a file below their heading; `heading` is empty where there is none."""

    heading: tuple[str, ...]
    rows: tuple[Row, ...]
    preamble: str
    delimiter: str

    @property
    def width(self) -> int:
        """How many columns the widest row has."""
        return max([len(self.heading), *(len(row) for _, row in self.rows)], default=0)

    @property
    def fingerprint(self) -> str:
        """Names the layout: the same for every file with this heading row, or, without one, this many columns."""
        names = [name.lower() for name in self.heading] or [str(self.width)]
        return "csv " + hashlib.sha256(self.delimiter.join(names).encode()).hexdigest()[:32]

    def column(self, place: int) -> list[str]:
        """The filled cells of a column."""
        return [
            cell for _, row in self.rows if not is_unbooked(row) and not is_sum(row) and (cell := cell_at(row, place))
        ]


_HEADING_WITHIN_ROWS = 12
_FIRST_ENTRY_WITHIN_ROWS = 100
_UNBOOKED = {"pending", "authorised", "authorized", "reserved", "declined", "cancelled", "reverted"}
_LONGEST_VALUE = 40
_NUMBER = re.compile(r"(?:[0-9]{1,3}(?:[,' ][0-9]{3})+|[0-9]{1,12})(?:\.[0-9]{1,2})?", re.ASCII)
_COMMA_NUMBER = re.compile(r"(?:[0-9]{1,3}(?:[.' ][0-9]{3})+|[0-9]{1,12})(?:,[0-9]{1,2})?", re.ASCII)
_TIME = re.compile(r"[T ]+[0-9]{1,2}:[0-9]{2}.*$", re.ASCII)
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/.]?)([0-9]{2})\2([0-9]{2})", re.ASCII)
_NUMBERS = re.compile(r"([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4}|[0-9]{2})", re.ASCII)
_WORD = re.compile(r"([0-9]{1,2})[-/. ]([A-Za-z]{3,9})\.?[-/. ]([0-9]{4}|[0-9]{2})", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


# --- one cell


def cell_at(row: Sequence[str], place: int | None) -> str:
    """A cell without white space or the apostrophe that keeps programs from changing it; "" where there is none."""
    if place is None or place >= len(row):
        return ""
    return " ".join(row[place].split()).removeprefix("'").removesuffix("'")


def is_unbooked(row: Sequence[str]) -> bool:
    """Whether a row says of itself that it isn't booked."""
    return any(cell.strip().lower() in _UNBOOKED for cell in row)


def is_sum(row: Sequence[str]) -> bool:
    """Whether a row is a sum or a balance below or above the entries."""
    return bool(row) and row[0].strip().lower() in SUMS


def amount_of(written: str, *, comma: bool = False) -> int | None:
    """Signed pence of "1,234.56", "£5", "(5.00)", "5.00-", "5.00 DR"; None where it is none."""
    text = written.strip()
    if len(text) > _LONGEST_VALUE:
        return None
    negative = False
    if text.startswith("(") and text.endswith(")"):
        text, negative = text[1:-1].strip(), True
    if match := re.fullmatch(r"(.*?)\s*(CR|DR|OD|C|D)", text, re.IGNORECASE):
        text, negative = match[1], match[2].upper() in ("DR", "D", "OD")
    if text.endswith("-"):
        text, negative = text[:-1].strip(), True
    if match := re.fullmatch(r"£?\s*([+-]?)\s*£?\s*(.*)", text):
        if match[1] and negative:
            return None
        text, negative = match[2], negative or match[1] == "-"
    if not (_COMMA_NUMBER if comma else _NUMBER).fullmatch(text):
        return None
    whole, _, rest = re.sub(r"[.' ]" if comma else r"[,' ]", "", text).partition("," if comma else ".")
    pence = int(whole) * 100 + int(rest.ljust(2, "0"))
    return -pence if negative else pence


def day_of(written: str, order: DayOrder) -> date | None:
    """The day that a cell writes, whatever time stands behind it; None where it is none."""
    if len(written) > _LONGEST_VALUE:
        return None
    text = _TIME.sub("", written)
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day = int(match[1]), int(match[3]), int(match[4])
    elif match := _NUMBERS.fullmatch(text):
        first, second, year = int(match[1]), int(match[2]), _year(match[3])
        day, month = (first, second) if order is DayOrder.DAY_FIRST else (second, first)
    elif (match := _WORD.fullmatch(text)) and match[2].lower()[:3] in _MONTHS:
        day, month, year = int(match[1]), _MONTHS.index(match[2].lower()[:3]) + 1, _year(match[3])
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _year(written: str) -> int:
    return int(written) if len(written) == 4 else 2000 + int(written)


def is_day(written: str) -> bool:
    """Whether a cell is a day, whichever order it is in."""
    return any(day_of(written, order) for order in DayOrder)


def is_amount(written: str) -> bool:
    """Whether a cell is an amount, with a decimal point or comma."""
    return amount_of(written) is not None or amount_of(written, comma=True) is not None


def table_of(rows: Sequence[Row], delimiter: str) -> Table:
    """Find the heading row: of those above the first row with a day and an amount, the fullest without a number."""
    first = next(
        (
            place
            for place, (_, row) in enumerate(rows[:_FIRST_ENTRY_WITHIN_ROWS])
            if any(map(is_day, row)) and any(map(is_amount, row))
        ),
        None,
    )
    if first is None:
        place = 0 if rows and not any(is_amount(cell) for cell in rows[0][1] if cell.strip()) else None
    else:
        above = [
            (sum(1 for cell in row if cell.strip()), -place)
            for place, (_, row) in enumerate(rows[: min(first, _HEADING_WITHIN_ROWS)])
            if len(row) > 1 and not is_unbooked(row) and not any(is_amount(c) or is_day(c) for c in row if c.strip())
        ]
        place = -max(above)[1] if above else None
    if place is None:
        return Table((), tuple(rows), "", delimiter)
    heading = tuple(" ".join(cell.split()) for cell in rows[place][1])
    preamble = " ".join(cell for _, row in rows[:place] for cell in row)
    return Table(heading, tuple(rows[place + 1 :]), preamble, delimiter)
