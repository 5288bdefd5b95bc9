"""References that people copy onto bank transfers, and guesses which pledge a payment is for. Pure."""

import re
import string
from collections.abc import Collection, Iterable, Iterator, Sequence
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
    come, nought or less when it is paid. `member` is the organisation's own reference."""

    id: int
    reference: str
    organisation_name: str
    due_pence: int
    organisation_id: int = 0
    member: str = ""


class OpenPledges:
    """Pledges as they are looked up for many payments."""

    def __init__(self, pledges: Iterable[OpenPledge]) -> None:
        self.by_reference: dict[str, list[OpenPledge]] = {}
        self.by_amount: dict[int, list[OpenPledge]] = {}
        self.by_member: dict[str, list[OpenPledge]] = {}
        self.by_name: dict[str, list[OpenPledge]] = {}
        self.by_organisation: dict[int, list[OpenPledge]] = {}
        for pledge in pledges:
            self.by_reference.setdefault(normal_reference(pledge.reference), []).append(pledge)
            if pledge.due_pence > 0:
                self.by_amount.setdefault(pledge.due_pence, []).append(pledge)
                self.by_member.setdefault(pledge.member, []).append(pledge)
                self.by_name.setdefault(name_key(pledge.organisation_name), []).append(pledge)
                self.by_organisation.setdefault(pledge.organisation_id, []).append(pledge)


@dataclass(frozen=True)
class Suggestion:
    """A pledge that a payment is probably for, and why we think so. A certain one needs nobody to look; one that is
    certain by the member's reference and name only as long as no more comes than is due."""

    pledge: OpenPledge
    reason: str
    certain: bool
    by_member: bool = False


_MEMBER = re.compile(r"GM[ ./:-]{0,2}([0-9]{4,9})(?![0-9])", re.IGNORECASE | re.ASCII)
_MOST_WORDS = 40
_LONGEST_NAME = 12


def members_in(text: str) -> list[str]:
    """References of member organisations that a payer wrote, such as "GM-0012". They have no check character, so one
    alone is no proof."""
    return sorted({f"GM-{found}" for found in _MEMBER.findall(text)})


def phrases_in(text: str) -> set[str]:
    """Every run of words of `text` that could be a name, as `members.rules.name_key` folds them."""
    words = name_key(text).split()[:_MOST_WORDS]
    return {
        " ".join(words[start:end])
        for start in range(len(words))
        for end in range(start + 1, min(start + _LONGEST_NAME, len(words)) + 1)
    }


def payer_keys(payment: Payment) -> set[str]:
    """Names under which a payer may be remembered: the one that the bank tells, or any in the text if it tells none."""
    if payment.payer.strip():
        return {name_key(payment.payer)} - {""}
    return phrases_in(payment.written)


def suggest(
    payment: Payment, pledges: Sequence[OpenPledge] | OpenPledges, paid_for: Collection[int] = ()
) -> Iterator[Suggestion]:
    """Pledges that `payment` may be for, the likeliest first: by reference, else by the member's reference, else by
    the payer's name with the amount, then by either alone.

    Args:
        pledges: oldest due first.
        paid_for: organisations (by key) that this payer is remembered to have paid for.
    """
    known = pledges if isinstance(pledges, OpenPledges) else OpenPledges(pledges)
    quoted = dict.fromkeys(references_in(payment.written))
    if by_reference := [pledge for one in quoted for pledge in known.by_reference.get(one, ())]:
        for pledge in sorted(by_reference, key=lambda pledge: pledge.id):
            yield Suggestion(pledge, "The reference was quoted.", len(by_reference) == 1)
        return
    if by_member := [pledge for one in members_in(payment.written) for pledge in known.by_member.get(one, ())]:
        yield from _of_member(payment, by_member, paid_for)
        return
    same = known.by_amount.get(payment.pence, [])
    before = [pledge for one in sorted(paid_for) for pledge in known.by_organisation.get(one, ())]
    named = [pledge for one in sorted(_names(payment)) for pledge in known.by_name.get(one, ())]
    alike = [one for one in same if payment.payer and names_alike(one.organisation_name, payment.payer)]
    guesses = (
        *((one, "This payer has paid for it before, and the amount is what is due.") for one in before if one in same),
        *((one, "Same amount and payer, but no reference.") for one in same if one in named or one in alike),
        *((one, "This payer has paid for it before, but the amount is another.") for one in before),
        *((one, "Same payer, another amount.") for one in named),
        *((one, "Same amount, another payer.") for one in same),
    )
    told = set()
    for pledge, reason in guesses:
        if pledge.reference not in told:
            told.add(pledge.reference)
            yield Suggestion(pledge, reason, False)


def _of_member(payment: Payment, pledges: Sequence[OpenPledge], paid_for: Collection[int]) -> Iterator[Suggestion]:
    """Sure only where the name bears the reference out, and there is one pledge that it can be."""
    names = _names(payment)
    one_pledge = len({pledge.id for pledge in pledges}) == 1
    for pledge in sorted(pledges, key=lambda pledge: pledge.due_pence != payment.pence):
        fits = (
            name_key(pledge.organisation_name) in names
            or pledge.organisation_id in paid_for
            or bool(payment.payer and names_alike(pledge.organisation_name, payment.payer))
        )
        if not fits:
            reason = "The member's reference was quoted, but the payer has another name."
        elif one_pledge:
            reason = "The member's reference was quoted, and the name fits."
        else:
            reason = "The member's reference was quoted, and it has several pledges."
        yield Suggestion(pledge, reason, fits and one_pledge, by_member=True)


def _names(payment: Payment) -> set[str]:
    """Names that the line may hold; many banks put the payer into the text."""
    return phrases_in(f"{payment.payer} {payment.written}")
