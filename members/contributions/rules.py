"""References that people copy onto bank transfers, and guesses which pledge a payment is for. Pure."""

import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ledger.money import LARGEST_PENCE, format_pence
from members.rules import name_key, names_alike


class PledgeState(StrEnum):
    """How far a pledge is paid. A pledge never counts as money; only what has cleared does."""

    PLEDGED = "pledged"
    PART_PAID = "part_paid"
    PAID = "paid"
    CANCELLED = "cancelled"
    WRITTEN_OFF = "written_off"


STATE_NAMES = {
    PledgeState.PLEDGED: "Not paid yet",
    PledgeState.PART_PAID: "Part paid",
    PledgeState.PAID: "Paid",
    PledgeState.CANCELLED: "Cancelled",
    PledgeState.WRITTEN_OFF: "Written off",
}

SMALLEST_PLEDGE_PENCE = 100
LARGEST_PLEDGE_PENCE = LARGEST_PENCE // 1000

_ALPHABET = string.digits + string.ascii_uppercase


def check_character(text: str) -> str:
    """The check character of `text` (digits and capital letters) by ISO 7064, MOD 37,36.

    It catches every single wrong character and nearly all (over 97 %) swaps of two neighbours.
    """
    product = 36
    for character in text:
        product = (product + _ALPHABET.index(character)) % 36 or 36
        product = product * 2 % 37
    return _ALPHABET[(37 - product) % 36]


def normal_reference(text: str) -> str:
    """A reference as it is compared: capitals and digits only; spaces, dashes and case don't matter."""
    return re.sub(r"[^0-9A-Z]", "", text.upper(), flags=re.ASCII)


def with_check(reference: str) -> str:
    """ "PL-2026-0007" with its check character: "PL-2026-0007-K"."""
    return f"{reference}-{check_character(normal_reference(reference))}"


def references_in(text: str) -> list[str]:
    """Every reference of a pledge or instalment that `text` (what a payer wrote) may hold, in normal form, with a right
    check character.

    Banks drop dashes and run words together, so a reference may be followed at once by other letters and digits.
    """
    plain = normal_reference(text)
    found = []
    for match in re.finditer(r"(?=(P[LI][0-9]{8,16}))", plain):
        start = match.start()
        for length in range(10, len(match[1]) + 1):
            body, check = plain[start : start + length], plain[start + length : start + length + 1]
            if check and check_character(body) == check:
                found.append(body + check)
    return found


def state_after(pledged_pence: int, paid_pence: int, written_off_pence: int = 0) -> PledgeState:
    """Where a pledge stands once so much of it is paid, and so much will not come."""
    if paid_pence >= pledged_pence:
        return PledgeState.PAID
    if paid_pence + written_off_pence >= pledged_pence:
        return PledgeState.WRITTEN_OFF
    return PledgeState.PART_PAID if paid_pence > 0 else PledgeState.PLEDGED


def payment_sentence(pledged_pence: int, paid_pence: int) -> str:
    """What is to be said of a pledge after a payment."""
    if paid_pence > pledged_pence:
        return f"That is {format_pence(paid_pence - pledged_pence)} more than was pledged. Thank you: all of it counts."
    if paid_pence < pledged_pence:
        return f"{format_pence(pledged_pence - paid_pence)} of the pledge is still to come."
    return "The pledge is paid in full."


@dataclass(frozen=True)
class Payment:
    """A line of the bank that waits: what came, from whom, and what they wrote."""

    pence: int
    payer: str
    written: str


@dataclass(frozen=True)
class OpenPledge:
    """A pledge, or an instalment of one, that isn't cancelled. `id` is the pledge's; `due_pence` is what is still to
    come, nought or less when it is paid."""

    id: int
    reference: str
    organisation_name: str
    due_pence: int


@dataclass(frozen=True)
class Suggestion:
    """A pledge that a payment is probably for, and why we think so."""

    pledge: OpenPledge
    reason: str
    certain: bool


def suggest(payment: Payment, pledges: Sequence[OpenPledge]) -> Iterator[Suggestion]:
    """Pledges that `payment` may be for, the likeliest first: by reference, else by amount with the payer's name, then
    by either alone."""
    quoted = references_in(payment.written)
    by_reference = [pledge for pledge in pledges if normal_reference(pledge.reference) in quoted]
    if by_reference:
        for pledge in by_reference:
            yield Suggestion(pledge, "The reference was quoted.", len(by_reference) == 1)
        return
    unpaid = [pledge for pledge in pledges if pledge.due_pence > 0]
    same = [pledge for pledge in unpaid if pledge.due_pence == payment.pence]
    named = {pledge.reference for pledge in unpaid if _names(payment, pledge)}
    named |= {
        pledge.reference for pledge in same if payment.payer and names_alike(pledge.organisation_name, payment.payer)
    }
    for pledge in same:
        if pledge.reference in named:
            yield Suggestion(pledge, "Same amount and payer, but no reference.", False)
    for pledge in unpaid:
        if pledge.reference in named and pledge not in same:
            yield Suggestion(pledge, "Same payer, another amount.", False)
    for pledge in same:
        if pledge.reference not in named:
            yield Suggestion(pledge, "Same amount, another payer.", False)


def _names(payment: Payment, pledge: OpenPledge) -> bool:
    """Whether the bank's line holds the organisation's whole name; many banks put the payer into the text."""
    return f" {name_key(pledge.organisation_name)} " in f" {name_key(f'{payment.payer} {payment.written}')} "
