"""What may be said of a line of the bank: which pledges it pays, in which parts. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fund.kernel.errors import Finding
from ledger.money import format_pence

CHOSEN = "Chosen by a person."
MOST_PARTS = 12
"""Pledges that one payment may be shared out to."""


@dataclass(frozen=True)
class Part:
    """So much of a payment is for this pledge.

    Attributes:
        pledge_id: the pledge.
        pence: how much of the payment.
        quoted: the reference of the pledge or of one instalment; without one, the oldest open instalment is paid.
    """

    pledge_id: int
    pence: int
    quoted: str | None = None


def part_faults(parts: Sequence[Part], line_pence: int) -> Iterator[Finding]:
    """Why a payment can't be shared out so. A finding's field is "pledge_2", "amount_2" for the second part."""
    if line_pence <= 0:
        yield Finding("This line is money that left the bank. Only money that came in can pay a pledge.")
        return
    if not 1 <= len(parts) <= MOST_PARTS:
        yield Finding(f"Share a payment out to between 1 and {MOST_PARTS} pledges.", "pledge_1")
    seen = set()
    for place, part in enumerate(parts, start=1):
        if part.pence <= 0:
            yield Finding("Give an amount above nought, or leave the row empty.", f"amount_{place}")
        if (part.pledge_id, part.quoted) in seen:
            yield Finding("This stands in another row already. Put both amounts into one row.", f"pledge_{place}")
        seen.add((part.pledge_id, part.quoted))
    total = sum(part.pence for part in parts)
    if total != line_pence:
        apart = format_pence(abs(total - line_pence))
        yield Finding(
            f"The parts come to {format_pence(total)}, but the payment is {format_pence(line_pence)}: "
            f"{apart} {'too much' if total > line_pence else 'is missing'}. Change the amounts until they agree.",
            f"amount_{max(1, len(parts))}",
        )
