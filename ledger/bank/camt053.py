"""Reader of camt.053, ISO 20022's bank-to-customer statement, in every version. Pure.

A schema error alone is no reason to refuse: many real statements have one. What matters is read strictly: amounts,
direction, booking day, status and balances.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from ledger.bank.reading import Detail, ReadEntry, ReadStatement, Unreadable
from ledger.bank.rules import Identification, identify

DEEPEST = 40
NEWEST_VERSION = 13
_NAMESPACE = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:([a-z]{4}\.[0-9]{3})\.[0-9]{3}\.([0-9]{2})\}Document")
_AMOUNT = re.compile(r"\+?(?:[0-9]+(?:\.([0-9]*))?|\.([0-9]+))", re.ASCII)
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T[0-9:.]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})?", re.ASCII)
_OTHER_MESSAGES = {
    "pain.001": "This is a payment file (pain.001), not a statement.",
    "pain.002": "This is a report on payments (pain.002), not a statement.",
    "camt.052": "This is a report within the day (camt.052), not a statement. Download camt.053.",
    "camt.054": "This is a list of single bookings (camt.054), not a statement. Download camt.053.",
}


class _Shallow(TreeBuilder):
    """Builds a tree, but no deeper than a statement can be."""

    depth = 0

    def start(self, tag: Any, attrs: Any, /) -> Element:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unreadable("This is not a bank statement: it is nested too deep.")
        # Namespace prefixes are of no further use once the root has been read.
        return super().start(tag if self.depth == 1 else tag.rpartition("}")[2], attrs)

    def end(self, tag: Any, /) -> Element:
        self.depth -= 1
        return super().end(tag if self.depth == 0 else tag.rpartition("}")[2])


def read(content: bytes) -> list[ReadStatement]:
    """Every statement of a camt.053 message.

    Raises:
        Unreadable: with reasons, entry by entry.
    """
    root = _parse(content)
    match = _NAMESPACE.fullmatch(root.tag)
    if match is None:
        raise Unreadable("This is not a bank statement. Download the statement as camt.053 or CSV.")
    message, version = match.groups()
    if message != "camt.053":
        raise Unreadable(_OTHER_MESSAGES.get(message, f"This is a {message} message, not a statement."))
    if not 1 <= int(version) <= NEWEST_VERSION:
        raise Unreadable(f"camt.053 version {version} is not known. Ask the bank for version 08 or 02.")
    found = root.findall("BkToCstmrStmt/Stmt")
    if not found:
        raise Unreadable("The message holds no statement. Download it again.")
    reader = _Reader(f"camt.053.001.{version}")
    statements = [reader.statement(one) for one in found]
    if reader.faults:
        raise Unreadable(*reader.faults)
    return statements


def _parse(content: bytes) -> Element:
    is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    declared = re.search(rb"""^[^>]{0,100}encoding=["']([A-Za-z0-9_.-]+)""", content[:200])
    if not is_utf16 and (declared is None or declared[1].lower() in (b"utf-8", b"utf8")):
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Unreadable(
                f"The file is not valid UTF-8 (byte 0x{content[error.start]:02X}) although it says so. Get it again."
            ) from error
    parser = DefusedXMLParser(target=_Shallow(), forbid_dtd=True)
    try:
        parser.feed(content)
        root: Element = parser.close()
    except DefusedXmlException as error:
        raise Unreadable(
            "A document type declaration is not allowed: no bank sends one. Download the file again."
        ) from error
    except ParseError as error:
        line, column = error.position
        if error.code in (3, 5):  # no element found, unclosed token: the end came too soon
            raise Unreadable("The file ends inside an element: it was cut off. Download it again.") from error
        raise Unreadable(f"The file is broken at line {line}, column {column}. Download it again.") from error
    except (LookupError, ValueError) as error:
        raise Unreadable("The file says it is in letters that we don't know. Download it again as UTF-8.") from error
    return root


class _Reader:
    """Reads statements and gathers faults, so that all are told at once."""

    def __init__(self, form: str) -> None:
        self.form = form
        self.faults: list[str] = []

    def statement(self, statement: Element) -> ReadStatement:
        entries, left_out = [], 0
        for number, entry in enumerate(statement.findall("Ntry"), 1):
            if _status(entry) == "BOOK":
                entries.append(self._entry(number, entry))
            elif _status(entry):
                left_out += 1
            else:
                self.faults.append(f"Entry {number} doesn't say whether it is booked.")
        account = statement.find("Acct")
        balances = list(self._balances(statement))
        return ReadStatement(
            form=self.form,
            account=_identification(account),
            account_name=_text(account, "Nm"),
            statement_id=_text(statement, "Id"),
            currency=_text(account, "Ccy") or next((one.get("Ccy", "") for one in statement.findall("Bal/Amt")), ""),
            opening_pence=_balance(balances, "OPBD", "PRCD"),
            closing_pence=_balance(balances, "CLBD"),
            from_on=_loose_day(_text(statement, "FrToDt/FrDtTm")),
            to_on=_loose_day(_text(statement, "FrToDt/ToDtTm")),
            entries=tuple(entry for entry in entries if entry is not None),
            needs_balances=True,
            left_out=left_out,
        )

    def _balances(self, statement: Element) -> Iterator[tuple[str, int]]:
        for balance in statement.findall("Bal"):
            code = _text(balance, "Tp/CdOrPrtry/Cd")
            pence = self._pence(f"The {code or 'unnamed'} balance", balance)
            if pence is not None:
                yield code, pence

    def _entry(self, number: int, entry: Element) -> ReadEntry | None:
        where = f"Entry {number}"
        pence = self._pence(where, entry)
        booked = _text(entry, "BookgDt/Dt") or _text(entry, "BookgDt/DtTm")
        booked_on = self._day(where, booked)
        if pence is None or booked_on is None:
            return None
        amount = entry.find("Amt")
        batches = entry.findall("NtryDtls/TxDtls")
        details = tuple(_detail(one, pence > 0) for one in batches)
        only = details[0] if len(details) == 1 else Detail(None, "", "", "")
        return ReadEntry(
            booked_on=booked_on,
            valued_on=_loose_day(_text(entry, "ValDt/Dt") or _text(entry, "ValDt/DtTm")),
            amount_pence=pence,
            currency=amount.get("Ccy", "") if amount is not None else "",
            counterparty=only.counterparty,
            remittance=only.remittance or _text(entry, "AddtlNtryInf"),
            bank_reference=_text(entry, "AcctSvcrRef"),
            end_to_end=only.end_to_end,
            is_reversal=_text(entry, "RvslInd") in ("true", "1"),
            details=details,
        )

    def _pence(self, where: str, parent: Element) -> int | None:
        """Signed pence of an amount and its direction; None with the faults told."""
        written, way = _text(parent, "Amt"), _text(parent, "CdtDbtInd")
        match = _AMOUNT.fullmatch(written)
        if written.startswith("-"):
            self.faults.append(f"{where}: the amount {written} is negative, but direction belongs in CdtDbtInd.")
        elif match is None:
            self.faults.append(f"{where}: {written or 'nothing'} is not a number in this format.")
        elif len((match[1] or match[2] or "").rstrip("0")) > 2:
            self.faults.append(f"{where}: pounds have two decimals, found {written}.")
        elif way not in ("CRDT", "DBIT"):
            self.faults.append(f"{where} doesn't say whether money came in or went out.")
        else:
            pence = int(Decimal(written) * 100)
            return pence if way == "CRDT" else -pence
        return None

    def _day(self, where: str, written: str) -> date | None:
        if not written:
            self.faults.append(f"{where} has no booking date.")
            return None
        day = _loose_day(written)
        if day is None:
            self.faults.append(f"{where}: {written} is not a date.")
        return day


def _text(parent: Element | None, path: str) -> str:
    return " ".join((parent.findtext(path) or "").split()) if parent is not None else ""


def _loose_day(written: str) -> date | None:
    """The day as written; never turned into another by its time zone."""
    match = _DAY.fullmatch(written)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def _status(entry: Element) -> str:
    return _text(entry, "Sts/Cd") or _text(entry, "Sts")


def _balance(balances: list[tuple[str, int]], *codes: str) -> int | None:
    """The first balance with the first of `codes` that there is."""
    for code in codes:
        for found, pence in balances:
            if found == code:
                return pence
    return None


def _identification(account: Element | None) -> Identification:
    return identify(_text(account, "Id/IBAN") or _text(account, "Id/Othr/Id"))


def _detail(details: Element, is_credit: bool) -> Detail:
    """Who was at the other end and why. In a return the parties stand as in the payment that it returns."""
    roles = ("Dbtr", "Cdtr") if is_credit else ("Cdtr", "Dbtr")
    paths = [
        f"RltdPties/{prefix}{role}{party}/Nm" for role in roles for prefix in ("", "Ultmt") for party in ("/Pty", "")
    ]
    amount = _text(details, "Amt") or _text(details, "AmtDtls/TxAmt/Amt")
    lines = [" ".join((one.text or "").split()) for one in details.findall("RmtInf/Ustrd")]
    lines += [_text(one, "CdtrRefInf/Ref") for one in details.findall("RmtInf/Strd")]
    end_to_end = _text(details, "Refs/EndToEndId")
    return Detail(
        pence=int(Decimal(amount) * 100) if _AMOUNT.fullmatch(amount) else None,
        counterparty=next((name for path in paths if (name := _text(details, path))), ""),
        remittance=" ".join(line for line in lines if line) or _text(details, "AddtlTxInf"),
        end_to_end="" if end_to_end == "NOTPROVIDED" else end_to_end,
    )
