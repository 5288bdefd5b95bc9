"""Reader of MT940 customer statements. Pure.

SWIFT Standards MT, category 9: a message is a run of tagged fields (":61:…"), a statement one message or several pages,
the last of which ends with a final balance (62F). Read by hand because the usual library gives a reversed credit (RC)
the sign of a credit and turns 30 February into the 28th.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from ledger.bank.reading import ReadEntry, ReadStatement, Unreadable
from ledger.bank.rules import identify

_FIELD = re.compile(r"^:([0-9]{2}[A-Z]?|NS):", re.MULTILINE)
_BALANCE = re.compile(r"([CD])([0-9]{6})([A-Z]{3})([0-9]{1,15},[0-9]{0,2})\s*")
_ENTRY = re.compile(
    r"(?P<valued>[0-9]{6})(?P<booked>[0-9]{4}|\s{4})?(?P<mark>R?[CD]|E[CD])(?P<funds>[A-Z])?"
    r"(?P<amount>[0-9]{1,15},[0-9]{0,2})(?P<kind>[NSF][A-Z0-9]{3})(?P<own>[^\n]*?)(?://(?P<bank>[^\n]*))?"
    r"(?:\n(?P<more>.*))?",
    re.DOTALL,
)
_POINT = re.compile(r"[0-9]{6}(?:[0-9]{4})?(?:R?[CD])[A-Z]?[0-9]+\.[0-9]")
_INTERIM = {"13D", "34F", "90C", "90D"}
_MONEY_IN = {"C", "RD", "EC"}


def is_mt940(content: bytes) -> bool:
    """Whether a file is made of tagged fields, with or without the envelope of SWIFT."""
    return re.search(rb"^:20:", content, re.MULTILINE) is not None and (
        re.search(rb"^:(?:25P?|28C?|60[FM]|61|13D|34F):", content, re.MULTILINE) is not None
    )


def read(content: bytes) -> list[ReadStatement]:
    """Every statement of a file, pages joined.

    Raises:
        Unreadable: with reasons, entry by entry.
    """
    messages = [_Message(part) for part in _messages(_decode(content))]
    if any(_INTERIM & set(message.tags) for message in messages):
        raise Unreadable(
            "This is an interim report (MT942), not a statement: what it lists may still change. Ask your bank's site "
            "for MT940."
        )
    statements: list[ReadStatement] = []
    reasons: list[str] = []
    for pages in _together(messages):
        statement, faults = _statement(pages)
        statements.append(statement)
        reasons += faults
    if reasons:
        raise Unreadable(*reasons)
    return statements


def _decode(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _messages(text: str) -> list[list[tuple[str, str]]]:
    """The fields of each message as (tag, text); a message begins with its reference, tag 20."""
    starts = list(_FIELD.finditer(text))
    found: list[list[tuple[str, str]]] = []
    for this, following in zip(starts, [*starts[1:], None], strict=True):
        value = text[this.end() : following.start() if following else len(text)]
        value = re.split(r"\n-\}?\s*(?:\n|$)", value + "\n", maxsplit=1)[0].rstrip("\n")
        if this[1] == "20" or not found:
            found.append([])
        found[-1].append((this[1], value))
    return found


@dataclass
class _Message:
    """One page of a statement."""

    fields: list[tuple[str, str]]
    tags: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.tags = [tag for tag, _ in self.fields]

    def first(self, *tags: str) -> str | None:
        return next((value for tag, value in self.fields if tag in tags), None)

    @property
    def goes_on(self) -> bool:
        """Whether it continues the page before: its opening balance is intermediate."""
        return "60M" in self.tags


def _together(messages: Sequence[_Message]) -> Iterator[list[_Message]]:
    """The pages of each statement."""
    pages: list[_Message] = []
    for message in messages:
        if pages and not (message.goes_on and "62M" in pages[-1].tags):
            yield pages
            pages = []
        pages.append(message)
    if pages:
        yield pages


def _statement(pages: list[_Message]) -> tuple[ReadStatement, list[str]]:
    faults: list[str] = []
    if pages[0].goes_on:
        faults.append(
            "The statement begins with an intermediate balance (60M): the page before is missing. Get all pages of it "
            "in one file."
        )
    if "62M" in pages[-1].tags:
        faults.append(
            "The statement ends with an intermediate balance (62M): the next page is missing. Get all pages of it in "
            "one file."
        )
    opening = _balance(pages[0].first("60F", "60M"), "opening", faults)
    closing = _balance(pages[-1].first("62F", "62M"), "closing", faults)
    if opening and closing and opening.currency != closing.currency:
        faults.append(f"The statement opens in {opening.currency} and closes in {closing.currency}.")
    entries: list[ReadEntry] = []
    for page in pages:
        before = ""
        for tag, value in page.fields:
            if tag == "61":
                entries.append(_entry(value, len(entries) + 1, faults))
            elif tag == "86" and before == "61":  # elsewhere it speaks of the whole statement
                entries[-1] = replace(entries[-1], remittance=value.replace("\n", "").strip())
            before = tag
    account = pages[0].first("25", "25P") or ""
    return (
        ReadStatement(
            form="mt940",
            account=identify(account.split("\n")[0]),
            entries=tuple(entries),
            statement_id=(pages[0].first("28C", "28") or "").split("/")[0].strip(),
            currency=opening.currency if opening else closing.currency if closing else "",
            opening_pence=opening.pence if opening else None,
            closing_pence=closing.pence if closing else None,
            from_on=opening.on if opening else None,
            to_on=closing.on if closing else None,
            needs_balances=True,
        ),
        faults,
    )


@dataclass(frozen=True)
class _Balance:
    pence: int
    on: date | None
    currency: str


def _balance(written: str | None, which: str, faults: list[str]) -> _Balance | None:
    if written is None:
        return None
    match = _BALANCE.fullmatch(written)
    if match is None:
        faults.append(f"The {which} balance {written.strip()[:40]!r} can't be read. Download the statement again.")
        return None
    sign, day, currency, amount = match.groups()
    return _Balance(_pence(amount) * (1 if sign == "C" else -1), _day(day), currency)


def _entry(written: str, number: int, faults: list[str]) -> ReadEntry:
    match = _ENTRY.fullmatch(written)
    if match is None:
        shown = written.split("\n")[0][:40]
        if _POINT.match(written):
            faults.append(f"Entry {number}: the amount in {shown!r} has a point; MT940 writes a comma.")
        else:
            faults.append(
                f"Entry {number}: {shown!r} is cut off or no line of a statement. Download the statement again."
            )
        return ReadEntry(date.min, 0)
    valued = _day(match["valued"])
    booked = _booked_on(match["booked"], valued)
    if valued is None or booked is None:
        faults.append(f"Entry {number}: {match['valued']}{match['booked'] or ''} is not a day.")
        return ReadEntry(date.min, 0)
    own = match["own"].strip()
    return ReadEntry(
        booked_on=booked,
        valued_on=valued,
        amount_pence=_pence(match["amount"]) * (1 if match["mark"] in _MONEY_IN else -1),
        bank_reference=(match["bank"] or "").strip(),
        end_to_end="" if own.upper() == "NONREF" else own,
        remittance=(match["more"] or "").replace("\n", "").strip(),
        is_reversal=match["mark"].startswith("R"),
    )


def _pence(written: str) -> int:
    pounds, _, pence = written.partition(",")
    return int(pounds) * 100 + int(pence.ljust(2, "0"))


def _day(written: str) -> date | None:
    try:
        return date(2000 + int(written[:2]), int(written[2:4]), int(written[4:6]))
    except ValueError:
        return None


def _booked_on(written: str | None, valued: date | None) -> date | None:
    """The booking day, which has no year: the one nearest to the day of value."""
    if valued is None or written is None or not written.strip():
        return valued
    near = []
    for year in (valued.year - 1, valued.year, valued.year + 1):
        try:
            near.append(date(year, int(written[:2]), int(written[2:])))
        except ValueError:
            continue
    return min(near, key=lambda day: abs(day - valued), default=None)
