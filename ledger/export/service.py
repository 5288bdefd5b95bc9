"""Putting a journal together and writing it, piece by piece, in the format that was asked for."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from itertools import islice
from tempfile import TemporaryFile

from fund.kernel.calendar import london_day
from fund.kernel.errors import RuleBroken
from ledger.export import plain_text, queries, tables
from ledger.export.rules import Booked, Format, Journal, extent, period_faults

Progress = Callable[[int, int], None]
"""Told (how many transfers are written, how many there are)."""

_LINES = 1_000
_BYTES = 1 << 16


def journal(first: date | None, last: date | None, *, now: datetime, progress: Progress | None = None) -> Journal:
    """The books from `first` to `last`, both included; what is open goes to the beginning or the end.

    Raises:
        RuleBroken: when the two days are no period.
    """
    if faults := tuple(period_faults(first, last)):
        raise RuleBroken(faults)
    queries.at_one_instant()
    count, oldest, newest = queries.span(first, last)
    begins, ends = extent(first, last, oldest, newest, london_day(now))
    transfers = queries.transfers(first, last)
    return Journal(
        first,
        begins,
        ends,
        queries.accounts(first, last),
        _watched(transfers, count, progress) if progress else transfers,
    )


def _watched(transfers: Iterator[Booked], count: int, progress: Progress) -> Iterator[Booked]:
    for number, transfer in enumerate(transfers, 1):
        yield transfer
        if number % queries.BATCH == 0 or number == count:
            progress(number, count)


def written(found: Journal, format: Format) -> Iterator[bytes]:
    """The file, in pieces. The journal's transfers are read while it is written, so it can be written once."""
    if format is Format.XLSX:
        with TemporaryFile() as file:
            tables.write_xlsx(found, file)
            file.seek(0)
            while piece := file.read(_BYTES):
                yield piece
        return
    if format is Format.CSV:
        lines, end = tables.csv_lines(found), ""
        yield b"\xef\xbb\xbf"  # so that spreadsheets read its accents
    else:
        lines, end = (plain_text.beancount if format is Format.BEANCOUNT else plain_text.hledger)(found), "\n"
    while part := list(islice(lines, _LINES)):
        yield "".join(f"{line}{end}" for line in part).encode()
