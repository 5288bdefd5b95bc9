"""Reader of OFX statements, version 1 (SGML) and version 2 (XML). Pure.

Open Financial Exchange 1.6 and 2.1.1, chapter 11. Both versions are read by the same few tags: in the first a value
ends where the next tag begins, and real banks leave ampersands bare, drop FITIDs and write Windows-1252, which no
strict parser survives. OFX has no opening balance; the closing one is asked for where it is missing.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from ledger.bank.reading import WHICH_CLOSING, Asking, Question, ReadEntry, ReadStatement, Unreadable
from ledger.bank.rules import identify
from ledger.money import format_pence

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9_.]*)[^<>]*>([^<]*)")
_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[0-9]{2,6}(?:\.[0-9]+)?)?\s*(?:\[[^\]]*\]?)?")
_AMOUNT = re.compile(r"([+-]?)([0-9]{1,15})(?:[.,]([0-9]{1,2}))?")
_NO_BANK = {"CCSTMTRS": "a credit card", "INVSTMTRS": "an investment account"}


def is_ofx(content: bytes) -> bool:
    """Whether a file says of itself that it is OFX."""
    start = content[:2048].replace(b"\x00", b"").upper()
    return b"OFXHEADER" in start or b"<OFX>" in start


def read(content: bytes) -> list[ReadStatement]:
    """The statement of a file.

    Raises:
        Unreadable: with reasons, entry by entry.
    """
    text = _decode(content)
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        raise Unreadable("The file has a document type declaration, which no statement needs. It is not read.")
    tags = {name for closing, name, _ in _tags(text) if not closing}
    for name, what in _NO_BANK.items():
        if name in tags:
            raise Unreadable(f"This is the statement of {what}, not of a bank account. Export the fund's own account.")
    if "STMTRS" not in tags:
        raise Unreadable("There is no bank statement in this file. Download the statement from your bank again.")
    found = list(_statements(text))
    if not found or ("/", "OFX") not in {(closing, name) for closing, name, _ in _tags(text)}:
        raise Unreadable("The file is cut off: its end is missing. Download the statement again.")
    if len({(one.bank, one.account) for one in found}) > 1:
        raise Unreadable(
            f"The file has statements of {len(found)} different accounts. Export the fund's own account only."
        )
    faults = [fault for one in found for fault in one.faults()]
    if faults:
        raise Unreadable(*faults)
    return [one.statement() for one in found]


def _decode(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _tags(text: str) -> Iterator[tuple[str, str, str]]:
    """("/" for a closing tag, name in capitals, what stands behind it)."""
    for match in _TAG.finditer(text):
        yield match[1], match[2].upper(), html.unescape(match[3]).strip()


@dataclass
class _Found:
    """What the tags of one statement say, as written."""

    currency: str = ""
    bank: str = ""
    account: str = ""
    start: str = ""
    end: str = ""
    entries: list[dict[str, str]] = field(default_factory=list)
    balance: dict[str, str] | None = None

    def faults(self) -> Iterator[str]:
        if not self.currency:
            yield "The statement doesn't say which currency it is in. Download it again, or as camt.053."
        for number, entry in enumerate(self.entries, 1):
            if not entry.get("DTPOSTED"):
                yield f"Entry {number} has no date."
            elif _day(entry["DTPOSTED"]) is None:
                yield f"Entry {number}: {entry['DTPOSTED'][:40]} is not a date."
            amount = entry.get("TRNAMT", "")
            if _pence(amount) is None:
                yield f"Entry {number}: {amount[:40] or 'nothing'} is no amount such as 2500.00."
        if self.balance is not None and _pence(self.balance.get("BALAMT", "")) is None:
            yield "The closing balance is empty or no number. Download the statement again."

    def statement(self) -> ReadStatement:
        entries = tuple(self._entry(entry) for entry in self.entries)
        if len(entries) > 1 and entries[0].booked_on > entries[-1].booked_on:
            entries = entries[::-1]
        return ReadStatement(
            form="ofx",
            account=identify(self.bank + self.account if len(self.bank) == 6 else self.account),
            entries=entries,
            currency=self.currency,
            closing_pence=_pence(self.balance.get("BALAMT", "")) if self.balance is not None else None,
            from_on=_day(self.start),
            to_on=_day(self.end),
            questions=tuple(self._questions(entries)),
        )

    def _entry(self, entry: dict[str, str]) -> ReadEntry:
        booked, pence = _day(entry["DTPOSTED"]), _pence(entry["TRNAMT"])
        assert booked is not None
        assert pence is not None
        return ReadEntry(
            booked_on=booked,
            amount_pence=pence,
            counterparty=entry.get("NAME", ""),
            remittance=entry.get("MEMO", ""),
            bank_reference=entry.get("FITID", ""),
            currency=entry.get("CURSYM", ""),
        )

    def _questions(self, entries: tuple[ReadEntry, ...]) -> Iterator[Question]:
        if self.balance is None:
            yield WHICH_CLOSING
        else:
            on, ends = _day(self.balance.get("DTASOF", "")), _day(self.end)
            last = max([*(entry.booked_on for entry in entries), *([ends] if ends else [])], default=None)
            if on is not None and last is not None and on > last:
                yield Question(
                    Asking.CLOSING,
                    f"The balance is of {on:%-d %B %Y}, after the last entry, so it can't close this statement. "
                    "What was the balance on the last day?",
                )
        shared = Counter(entry.bank_reference for entry in entries if entry.bank_reference)
        for reference, count in shared.items():
            if count > 1:
                amounts = ", ".join(
                    format_pence(one.amount_pence) for one in entries if one.bank_reference == reference
                )
                yield Question(
                    Asking.ALL_REAL,
                    f"{count} entries share the bank's id {reference[:60]} ({amounts}). Are they all real?",
                )


def _statements(text: str) -> Iterator[_Found]:
    found: _Found | None = None
    within: dict[str, str] | None = None
    for closing, name, value in _tags(text):
        if name == "STMTRS":
            if closing and found is not None:
                yield found
            found, within = (None if closing else _Found()), None
        elif found is None:
            continue
        elif name in ("STMTTRN", "LEDGERBAL"):
            within = None if closing else {}
            if within is not None and name == "STMTTRN":
                found.entries.append(within)
            elif within is not None:
                found.balance = within
        elif closing:
            continue
        elif within is not None:
            within.setdefault(name, value)
        elif name == "CURDEF":
            found.currency = value.upper()
        elif name == "BANKID":
            found.bank = found.bank or re.sub(r"[\s-]", "", value)
        elif name == "ACCTID":
            found.account = found.account or value
        elif name == "DTSTART":
            found.start = value
        elif name == "DTEND":
            found.end = value


def _day(written: str) -> date | None:
    """The day as written, whatever its time and zone: that is the day the bank booked."""
    match = _DAY.fullmatch(written)
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def _pence(written: str) -> int | None:
    match = _AMOUNT.fullmatch(written)
    if match is None:
        return None
    pence = int(match[2]) * 100 + int((match[3] or "").ljust(2, "0"))
    return -pence if match[1] == "-" else pence
