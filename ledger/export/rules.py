"""What a journal holds, and how accounts and texts are written in each format. Pure.

Plain-text accounting needs names of its own: "contributions:org:GM-0012@RF-001" becomes
"Income:Contributions:Org:GM-0012:RF-001", legal in Beancount and in hledger. Only the ends of the tree hold money, for
Beancount compares an account with everything below it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from fund.kernel.errors import Finding
from ledger.rules import AccountKind


class Format(StrEnum):
    """A kind of file."""

    CSV = "csv"
    XLSX = "xlsx"
    BEANCOUNT = "beancount"
    HLEDGER = "hledger"


@dataclass(frozen=True)
class FileKind:
    """What people and browsers call a format."""

    name: str
    ending: str
    content_type: str


FILES = {
    Format.CSV: FileKind("CSV, for any spreadsheet", "csv", "text/csv; charset=utf-8"),
    Format.XLSX: FileKind(
        "XLSX, for Excel and LibreOffice", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    ),
    Format.BEANCOUNT: FileKind("Beancount, plain-text accounting", "beancount", "text/plain; charset=utf-8"),
    Format.HLEDGER: FileKind("hledger, plain-text accounting", "journal", "text/plain; charset=utf-8"),
}

PLACES = {
    AccountKind.BANK: "Assets:Bank",
    AccountKind.STRIPE: "Assets:Stripe",
    AccountKind.IN_TRANSIT: "Assets:In-Transit",
    AccountKind.RECEIVABLE: "Assets:Receivable",
    AccountKind.SUSPENSE: "Liabilities:Suspense",
    AccountKind.PROMISED: "Liabilities:Promised",
    AccountKind.GRANTS_PAYABLE: "Liabilities:Grants-Payable",
    AccountKind.SHARES: "Equity:Shares",
    AccountKind.AVAILABLE: "Equity:Budget:Available",
    AccountKind.COMMITTED: "Equity:Budget:Committed",
    AccountKind.SHORTFALL: "Equity:Budget:Shortfall",
    AccountKind.AUTHORITY: "Equity:Budget:Authority",
    AccountKind.CONTRIBUTIONS: "Income:Contributions",
    AccountKind.INTEREST: "Income:Interest",
    AccountKind.GRANTS_PAID: "Expenses:Grants-Paid",
    AccountKind.GRANTS_OWED: "Expenses:Grants-Owed",
    AccountKind.REFUNDS: "Expenses:Refunds",
    AccountKind.FEES: "Expenses:Fees",
}
"""Where each kind of account stands in the five branches of plain-text accounting."""

_LEGAL = re.compile(r"[A-Z0-9][A-Za-z0-9-]*", re.ASCII)
_ILLEGAL = re.compile(r"[^A-Za-z0-9-]", re.ASCII)


@dataclass(frozen=True)
class AccountInPeriod:
    """An account with what it held when the period began and ended, in signed pence."""

    id: int
    code: str
    name: str
    kind: AccountKind
    owner: str | None
    restriction: str | None
    opening_pence: int
    closing_pence: int

    @property
    def plain_name(self) -> str:
        """Its name in plain-text accounting."""
        parts = [PLACES[self.kind]]
        if self.owner is not None:
            sort, _, reference = self.owner.partition(":")
            parts += [_component(sort.capitalize()), _component(reference)]
        return ":".join([*parts, _component(self.restriction) if self.restriction else "Unrestricted"])


@dataclass(frozen=True)
class Booked:
    """A transfer with its legs: (account id, signed pence)."""

    id: int
    key: str
    kind: str
    occurred_on: date
    posted_at: datetime
    description: str
    actor_id: int | None
    reverses_id: int | None
    reason: str | None
    legs: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Journal:
    """A period of the books.

    Attributes:
        first: the first day asked for; None for the beginning of the books.
        begins: the day of the opening balances, on which every account is opened.
        ends: the last day; the closing balances hold at its end.
        accounts: in order of code.
        transfers: in the order they were booked, read as they are needed.
    """

    first: date | None
    begins: date
    ends: date
    accounts: tuple[AccountInPeriod, ...]
    transfers: Iterator[Booked]


def _component(text: str) -> str:
    """One part of a plain-text account name; what isn't legal gets a fingerprint, so that two never become one."""
    if _LEGAL.fullmatch(text):
        return text
    return f"X{_ILLEGAL.sub('-', text)}-{sha256(text.encode()).hexdigest()[:8]}"


def one_line(text: str | None) -> str:
    """Printable text in one line."""
    return " ".join("".join(c if c.isprintable() or c == "\u200d" else " " for c in text or "").split())


def cell(text: str | None) -> str:
    """Text that no spreadsheet takes for a formula."""
    line = one_line(text)
    return f"'{line}" if line.startswith(("=", "+", "-", "@")) else line


def pounds(pence: int) -> str:
    """ "-1234.50", as programs read it."""
    whole, rest = divmod(abs(pence), 100)
    return f"{'-' if pence < 0 else ''}{whole}.{rest:02d}"


def extent(
    first: date | None, last: date | None, oldest: date | None, newest: date | None, today: date
) -> tuple[date, date]:
    """(the day of the opening balances, the last day) of a journal.

    Args:
        first: the first day asked for, if any.
        last: the last day asked for, if any.
        oldest: the first day on which anything happened in the period.
        newest: the last such day.
        today: stands in where nothing did.
    """
    begins = first - timedelta(days=1) if first else oldest or last or today
    ends = last or max(newest or begins, begins)
    return begins, ends


def period_faults(first: date | None, last: date | None) -> Iterator[Finding]:
    """Why these two days are no period."""
    for day, name in ((first, "first"), (last, "last")):
        if day is not None and not date(1900, 1, 1) <= day <= date(2999, 12, 31):
            yield Finding("Choose a day between 1900 and 2999.", name)
    if first and last and last < first:
        yield Finding("The last day is before the first. Change one of them.", "last")
