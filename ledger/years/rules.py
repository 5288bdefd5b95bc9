"""When days may be closed, and what a closed trial balance is known by. Pure."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from hashlib import sha256

from fund.kernel.calendar import in_words
from fund.kernel.errors import Finding
from ledger.money import format_pence


def fingerprint(balances: Mapping[str, int]) -> str:
    """SHA-256 of a trial balance: pence by code of account. An account that holds nothing is as good as none."""
    held = sorted((code, pence) for code, pence in balances.items() if pence)
    return sha256(json.dumps(held, separators=(",", ":")).encode()).hexdigest()


def preparing_faults(open_from: date, present: date | None, today: date) -> Iterator[Finding]:
    """Why the books can't be open from `open_from` on, where days before `present` are closed now."""
    if open_from > today:
        yield Finding(f"Today must stay open. Give {in_words(today)} or an earlier day.", "open_from")
    if open_from == present:
        yield Finding(
            f"The books are open from {in_words(open_from)} on already. Give another day to change that.", "open_from"
        )


def confirming_faults(open_from: date, present: date | None, waiting_pence: int) -> Iterator[Finding]:
    """Why a closing can't be confirmed: money of those days that nobody has matched yet.

    Opening days again needs no empty suspense: it may be what the days are opened for.
    """
    if waiting_pence and (present is None or open_from > present):
        yield Finding(
            f"{format_pence(abs(waiting_pence))} of the days before {in_words(open_from)} still waits to be matched. "
            "Match it on the pages of the bank, then confirm the closing."
        )


def told_late(day: date, description: str) -> str:
    """The description of what is booked after its day was closed."""
    return f"{description} (of {in_words(day)}, closed since)"


def day_in_open_books(day: date, open_from: date | None, description: str) -> tuple[date, str]:
    """The day to book under, and the description. What became known too late is booked on the first open day, and its
    description says when it truly happened: closed figures never change."""
    if open_from is None or day >= open_from:
        return day, description
    return open_from, told_late(day, description)
