"""From the bytes of a CSV or XLSX file to the rows of a list. Pure; what can't be trusted is refused with a reason."""

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime

import openpyxl

from members.prospects.rules import COLUMNS, LONGEST_CELL, MOST_ROWS, Table, column_of, escaped, unescaped

LARGEST_FILE_BYTES = 10 * 1024 * 1024
LARGEST_UNPACKED_BYTES = 80 * 1024 * 1024
"""A spreadsheet is a packed folder: few bytes can unpack to more than a machine holds."""
MOST_PARTS = 200
MOST_COLUMNS = 100
_SHEET = "Organisations"


class Unreadable(Exception):
    """The file is no list that we can read; says what to do."""


def read(content: bytes) -> Table:
    """The rows of a list.

    Raises:
        Unreadable: when it is no CSV or XLSX file, is too large, or has no heading that we know.
    """
    if len(content) > LARGEST_FILE_BYTES:
        raise Unreadable("The file is larger than 10 MB. Split it and send the parts one by one.")
    if not content.strip():
        raise Unreadable("The file is empty. Choose the one that holds your list.")
    if content.startswith(b"PK\x03\x04"):
        return _table(_xlsx_rows(content), run=False)
    if content.startswith((b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf")):
        raise Unreadable("This is no CSV or XLSX file. In your spreadsheet choose “Save as”, then XLSX or CSV.")
    return _table(_csv_rows(content), run=True)


# --- CSV


def _csv_rows(content: bytes) -> Iterator[list[str]]:
    text = _decode(content)
    if "\x00" in text:
        raise Unreadable("The file was damaged on the way. Save it again as “CSV UTF-8”, then send it.")
    if not text.strip():
        raise Unreadable("The file is empty. Choose the one that holds your list.")
    first = text.lstrip().splitlines()[0]
    delimiter = max(",;\t", key=lambda mark: (_known(first.split(mark)), first.count(mark)))
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise Unreadable(
            f"The file can't be read as CSV ({error}). Look for a quotation mark that isn't closed, or send XLSX."
        ) from None


def _known(headings: Sequence[str]) -> int:
    return sum(column_of(heading) is not None for heading in headings)


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(
            "The letters of this file aren't UTF-8, so accents would be lost. "
            "In your spreadsheet choose “Save as”, then “CSV UTF-8” or XLSX."
        ) from None


# --- XLSX


def _xlsx_rows(content: bytes) -> Iterator[list[str]]:
    _refuse_bomb(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the file says of its own size is not to be trusted
        for row in sheet.iter_rows(max_row=MOST_ROWS * 2, max_col=MOST_COLUMNS + 1, values_only=True):
            shown = [_shown(value) for value in row]
            while shown and not shown[-1]:
                shown.pop()
            yield shown
    except Exception:  # a spreadsheet can be broken in more ways than its reader has names for
        raise Unreadable("The spreadsheet can't be opened. Save it again as XLSX, or as “CSV UTF-8”.") from None


def _refuse_bomb(content: bytes) -> None:
    try:
        parts = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise Unreadable("The spreadsheet is damaged. Save it again as XLSX, or as “CSV UTF-8”.") from None
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED_BYTES:
        raise Unreadable("The spreadsheet unpacks to too much. Copy the list alone into a new one and send that.")


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


# --- both


def _table(found: Iterable[list[str]], *, run: bool) -> Table:
    """Rows below the heading. `run`: whether a cell that begins with “=” would be a formula."""
    numbered = enumerate(found, start=1)
    heading: list[str] = []
    for _, heading in numbered:
        if any(cell.strip() for cell in heading):
            break
    columns = [column_of(cell) for cell in heading]
    if len(columns) > MOST_COLUMNS:
        raise Unreadable(f"The file has more than {MOST_COLUMNS} columns. Keep those that are listed below the form.")
    if not {"name", "org_id", "reference"} & set(columns):
        raise Unreadable(
            "The first row has none of the headings “name”, “org_id” or “reference”. "
            "Download the template and copy your list into it."
        )
    ignored = tuple(
        cell.strip()[:60] for cell, column in zip(heading, columns, strict=True) if not column and cell.strip()
    )
    rows: list[tuple[int, dict[str, str]]] = []
    for number, cells in numbered:
        if number >= MOST_ROWS * 2:
            raise Unreadable("The list goes on too far down. Remove the empty rows, or split it.")
        if not any(cell.strip() for cell in cells):
            continue
        if len(rows) == MOST_ROWS:
            raise Unreadable(f"The file has more than {MOST_ROWS:,} rows. Split it and send the parts one by one.")
        rows.append((number, _cells(number, columns, cells, run=run)))
    if not rows:
        raise Unreadable("The file has a heading and no rows. Add the organisations below it.")
    return Table(ignored, tuple(rows))


def _cells(number: int, columns: Sequence[str | None], cells: Sequence[str], *, run: bool) -> dict[str, str]:
    if any(cell.strip() for cell in cells[len(columns) :]):
        raise Unreadable(
            f"Row {number:,} has more cells than there are headings. "
            "Put quotation marks round a cell that holds a comma, or send XLSX."
        )
    found: dict[str, str] = {}
    for column, cell in zip(columns, cells, strict=False):
        if column is None or not cell.strip():
            continue
        if run and cell.startswith("="):
            raise Unreadable(f"Row {number:,} holds a formula under “{column}”. Write its result instead.")
        text = _clean(unescaped(cell))
        found[column] = f"{found[column]}, {text}" if column in found else text
    return found


def _clean(text: str) -> str:
    """Printable text in one line, cut a little above what fits so that the fault can still be told."""
    text = unicodedata.normalize("NFC", text[: LONGEST_CELL * 4])
    return re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in text)).strip()


# --- writing


def as_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """A list as CSV that spreadsheets open with its accents."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(column.name for column in COLUMNS)
    writer.writerows([escaped(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def as_xlsx(rows: Iterable[Sequence[str]]) -> bytes:
    """A list as XLSX; every cell is text."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(_SHEET)
    sheet.append([column.name for column in COLUMNS])
    for row in rows:
        sheet.append([escaped(_storable(cell)) for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _storable(text: str) -> str:
    """Without the characters that XML can't hold."""
    return "".join(c if c.isprintable() else " " for c in text)
