"""A journal as a table: CSV and XLSX. Pure, but for the temporary file that a spreadsheet is put together in."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, date
from decimal import Decimal
from typing import IO

import openpyxl
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from ledger.export.rules import AccountInPeriod, Booked, Journal, cell, pounds

COLUMNS = (
    "row",
    "happened_on",
    "transfer",
    "key",
    "kind",
    "description",
    "reason",
    "reverses",
    "booked_at",
    "booked_by",
    "account",
    "account_name",
    "restriction",
    "amount",
)
BALANCE_COLUMNS = ("account", "account_name", "restriction", "opening", "moved", "closing")
ROWS_PER_SHEET = 1_000_000
"""A sheet holds 1,048,576 rows; a longer journal goes on in a further one."""


def csv_lines(journal: Journal) -> Iterator[str]:
    """Lines of a CSV file: opening balances, then a line for each leg, then closing balances."""
    accounts = {one.id: one for one in journal.accounts}
    yield _line(COLUMNS)
    if journal.first is not None:
        for one in journal.accounts:
            yield _line(_balance("opening balance", journal.begins, one, one.opening_pence))
    for transfer in journal.transfers:
        for account_id, pence in transfer.legs:
            yield _line([*_head(transfer), *_account(accounts[account_id]), pounds(pence)])
    for one in journal.accounts:
        yield _line(_balance("closing balance", journal.ends, one, one.closing_pence))


def _line(cells: Iterable[object]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerow(cells)
    return out.getvalue()


def _balance(row: str, day: date, account: AccountInPeriod, pence: int) -> list[object]:
    return [row, day.isoformat(), *[""] * 8, *_account(account), pounds(pence)]


def _account(account: AccountInPeriod) -> list[object]:
    return [cell(account.code), cell(account.name), cell(account.restriction)]


def _head(transfer: Booked) -> list[object]:
    return [
        "entry",
        transfer.occurred_on.isoformat(),
        transfer.id,
        cell(transfer.key),
        cell(transfer.kind),
        cell(transfer.description),
        cell(transfer.reason),
        "" if transfer.reverses_id is None else transfer.reverses_id,
        transfer.posted_at.astimezone(UTC).isoformat(timespec="seconds"),
        "" if transfer.actor_id is None else transfer.actor_id,
    ]


def write_xlsx(journal: Journal, out: IO[bytes]) -> None:
    """A workbook with the balances on its first sheet and the journal on those after it. Amounts are numbers."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Balances")
    sheet.append(BALANCE_COLUMNS)
    for one in journal.accounts:
        moved = one.closing_pence - one.opening_pence
        sheet.append([*_account(one), _pounds(one.opening_pence), _pounds(moved), _pounds(one.closing_pence)])
    accounts = {one.id: one for one in journal.accounts}
    number, left = 1, ROWS_PER_SHEET
    sheet = _sheet(book, "Journal")
    for transfer in journal.transfers:
        head = _typed_head(transfer)
        for account_id, pence in transfer.legs:
            if left == 0:
                number, left = number + 1, ROWS_PER_SHEET
                sheet = _sheet(book, f"Journal {number}")
            sheet.append([*head, *_account(accounts[account_id]), _pounds(pence)])
            left -= 1
    book.save(out)


def _sheet(book: openpyxl.Workbook, name: str) -> WriteOnlyWorksheet:
    sheet: WriteOnlyWorksheet = book.create_sheet(name)
    sheet.append(COLUMNS[1:])
    return sheet


def _typed_head(transfer: Booked) -> list[object]:
    """As in CSV, with days and instants that a spreadsheet can reckon with (it knows no time zones; ours is UTC)."""
    head = _head(transfer)[1:]
    head[0], head[7] = transfer.occurred_on, transfer.posted_at.astimezone(UTC).replace(tzinfo=None)
    return head


def _pounds(pence: int) -> Decimal:
    return Decimal(pence) / 100
