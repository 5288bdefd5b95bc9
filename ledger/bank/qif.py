"""Reader of QIF, Quicken's interchange format. Pure.

A record is a few lines, each with a letter before its value, and ends with a "^". The format tells neither account nor
currency, a balance only where the first record is the opening one, and days in whichever order the program's owner had
set: what can't be proved is asked.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from ledger.bank.reading import (
    WHICH_ACCOUNT,
    WHICH_CLOSING,
    Asking,
    Question,
    ReadEntry,
    ReadStatement,
    Unreadable,
    oldest_first,
)
from ledger.bank.rules import Identification

_HEAD = re.compile(rb"^\s*!(?:type|account|option|clear)\b", re.IGNORECASE | re.MULTILINE)
_DAY = re.compile(r"([0-9]{1,4})\s*[/.\- ]\s*([0-9]{1,2}|[A-Za-z]{3})\s*(['/.\- ])\s*([0-9]{4}|[0-9]{1,2})", re.ASCII)
_AMOUNT = re.compile(r"([+-]?)£?((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12}))(?:\.([0-9]{1,2}))?", re.ASCII)
_AMOUNT_AFTER_PAYEE = re.compile(r"\s{2,},\s*[0-9.,]+$", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TAKEN = {"bank", "oth l"}  # Santander exports current accounts as "other liability"
_OTHERS = {
    "ccard": "This is a credit card file, not of a bank account. Export the fund's bank account.",
    "invst": "This is an investment file, not of a bank account. Export the fund's bank account.",
    "oth a": "This is the file of an asset account, not of a bank account. Export the fund's bank account.",
    "cash": "This is the file of a cash box, not of a bank account. Export the fund's bank account.",
}
_MOST_YEARS_BACK = 70
_LONGEST_DAY = 20
_LONGEST_PAYEE = 500
_WHICH_ORDER = (
    "Every date in the file can be read as day-month or as month-day, such as {0}. Which is it? "
    "Look at a line that you know."
)
_CUT_OFF = Question(
    Asking.WHOLE, "The last record is not closed by a ^, so the file may have been cut off. Is its last entry whole?"
)


def is_qif(content: bytes) -> bool:
    """Whether a file has one of QIF's headings near its start."""
    return _HEAD.search(content[:4096].removeprefix(b"\xef\xbb\xbf")) is not None


def read(content: bytes, *, day_first: bool | None = None) -> ReadStatement:
    """The statement of a file.

    Args:
        day_first: what a person said of the order of its dates; only heard where the dates don't show it.

    Raises:
        Unreadable: with reasons, record by record.
    """
    kind, records, is_closed = _sections(_decode(content))
    reasons: list[str] = []
    order = _Order.of(records, reasons)
    opening: int | None = None
    entries: list[ReadEntry] = []
    for number, record in enumerate(records, 1):
        pence = _pence(record.get("T", record.get("U", "")))
        if pence is None:
            shown = record.get("T", record.get("U", ""))[:40] or "nothing"
            reasons.append(f"Record {number}: {shown} is no amount such as 2500.00.")
        booked_on = order.day(record, number, day_first, reasons)
        if pence is None or booked_on is None:
            continue
        if number == 1 and record.get("P", "").lower() == "opening balance":
            opening = pence
            continue
        payee = html.unescape(record.get("P", "")).strip()
        if len(payee) <= _LONGEST_PAYEE:
            payee = _AMOUNT_AFTER_PAYEE.sub("", payee)
        entries.append(
            ReadEntry(booked_on, pence, counterparty=payee, remittance=html.unescape(record.get("M", "")).strip())
        )
    if reasons:
        raise Unreadable(*dict.fromkeys(reasons))
    entries, _ = oldest_first(entries, list(range(len(entries))))
    questions = []
    if not is_closed:
        questions.append(_CUT_OFF)
    if order.is_open:
        example = records[0].get("D", "")
        questions.append(Question(Asking.DATES, _WHICH_ORDER.format(example[:20]), fingerprint=f"qif {kind}"))
    if opening is None:
        questions += [replace(WHICH_ACCOUNT, fingerprint=f"qif {kind}"), WHICH_CLOSING]
    return ReadStatement(
        form="qif",
        account=Identification(""),
        entries=tuple(entries),
        opening_pence=opening,
        closing_pence=None if opening is None else opening + sum(entry.amount_pence for entry in entries),
        questions=tuple(questions),
    )


def _decode(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _sections(text: str) -> tuple[str, list[dict[str, str]], bool]:
    """The kind of account, its records, and whether the last of them is closed.

    Raises:
        Unreadable: when there is more in the file than one bank account.
    """
    heading = ""
    lists: list[str] = []
    kinds: list[str] = []
    records: list[dict[str, str]] = []
    open_record: dict[str, str] = {}
    for line in text.split("\n"):
        if line.startswith("!"):
            heading = line[1:].strip().lower()
            if heading.startswith("type:"):
                (kinds if heading[5:].strip() in _TAKEN | set(_OTHERS) else lists).append(heading[5:].strip())
            elif not heading.startswith(("account", "option", "clear")):
                lists.append(heading)
            open_record = {}
        elif line.startswith("^"):
            if heading.startswith("type:") and heading[5:].strip() in _TAKEN and open_record:
                records.append(open_record)
            open_record = {}
        elif line.strip() and heading:
            open_record.setdefault(line[0], line[1:].strip())
    reasons = list(_kind_faults(kinds, lists))
    if reasons:
        raise Unreadable(*reasons)
    if open_record and heading.startswith("type:"):
        records.append(open_record)
        return kinds[0], records, False
    return kinds[0], records, True


def _kind_faults(kinds: Sequence[str], lists: Sequence[str]) -> Iterator[str]:
    for kind in dict.fromkeys(kinds):
        if kind in _OTHERS:
            yield _OTHERS[kind]
    if len(kinds) + len(lists) > 1:
        yield "The file has several accounts or kinds of lists. Export the fund's bank account alone."
    elif lists:
        yield f"The file is of an unknown account type ({lists[0][:40]}). Export the fund's bank account."
    elif not kinds:
        yield "The file has no bank account in it. Export the fund's bank account."


@dataclass
class _Order:
    """In which order the file writes its dates: what its days above 12 prove."""

    day_first: int | None = None
    month_first: int | None = None
    is_open: bool = False
    mixed: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, records: Sequence[dict[str, str]], reasons: list[str]) -> "_Order":
        """What the records prove; where they contradict each other the fewer are told as faults."""
        day, month, either = [], [], False
        for number, record in enumerate(records, 1):
            match = _DAY.fullmatch(record.get("D", "")[:_LONGEST_DAY])
            if match is None or len(match[1]) > 2 or not match[2].isdigit():
                continue
            first, second = int(match[1]), int(match[2])
            if first > 12:
                day.append(number)
            elif second > 12:
                month.append(number)
            else:
                either = either or first != second
        found = cls(day[0] if day else None, month[0] if month else None, either and not day and not month)
        if day and month:
            found.mixed = set(day if len(day) < len(month) else month)
            for number in sorted(found.mixed):
                written = records[number - 1]["D"]
                reasons.append(
                    f"Record {number}: {written[:20]} is no date in the order that the rest of the file uses "
                    "(mixed date orders). Export it again."
                )
        return found

    def day(self, record: dict[str, str], number: int, said: bool | None, reasons: list[str]) -> date | None:
        """The day of a record."""
        written = record.get("D", "")
        match = _DAY.fullmatch(written[:_LONGEST_DAY])
        if number in self.mixed:
            return None
        found = None
        if match is not None:
            first, second, mark, year = match.groups()
            if len(first) == 4:
                found = _make(int(first), second, int(year))
            elif not second.isdigit() or self.day_first is not None:
                found = _make(_year(year, mark), second, int(first))
            elif self.month_first is not None or said is False:
                found = _make(_year(year, mark), first, int(second))
            else:
                found = _make(_year(year, mark), second, int(first))
        if found is None:
            reasons.append(f"Record {number}: {written[:40] or 'nothing'} is not a date. Download the file again.")
        return found


def _make(year: int, month: str, day: int) -> date | None:
    name = month.lower()
    number = int(month) if month.isdigit() else _MONTHS.index(name) + 1 if name in _MONTHS else 0
    try:
        return date(year, number, day)
    except ValueError:
        return None


def _year(written: str, mark: str) -> int:
    """Four digits as they stand; two after an apostrophe are of this century, else of the last from 70 on."""
    year = int(written)
    if len(written) == 4:
        return year
    return 2000 + year if mark == "'" or year < _MOST_YEARS_BACK else 1900 + year


def _pence(written: str) -> int | None:
    match = _AMOUNT.fullmatch(written)
    if match is None:
        return None
    pence = int(match[2].replace(",", "")) * 100 + int((match[3] or "").ljust(2, "0"))
    return -pence if match[1] == "-" else pence
