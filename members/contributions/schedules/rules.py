"""When a pledge is due, in which parts, and which part a payment pays. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from fund.kernel.calendar import add_months, in_words
from fund.kernel.errors import Finding
from ledger.money import format_pence, split
from members.contributions.rules import SMALLEST_PLEDGE_PENCE, with_check


class PledgeKind(StrEnum):
    """How a pledge is paid. It is not kept: the instalments say it."""

    ONE_OFF = "one_off"
    INSTALMENTS = "instalments"
    YEARLY = "yearly"


KIND_NAMES = {
    PledgeKind.ONE_OFF: "All at once",
    PledgeKind.INSTALMENTS: "In instalments",
    PledgeKind.YEARLY: "The same amount every year",
}


class InstalmentState(StrEnum):
    """Where an instalment stands. An instalment that was written off may still be paid."""

    OPEN = "open"
    PAID = "paid"
    WRITTEN_OFF = "written_off"
    CANCELLED = "cancelled"


MOST_INSTALMENTS = 60
LONGEST_YEARS = 10


@dataclass(frozen=True)
class Part:
    """What is due on a day."""

    due_on: date
    pence: int


def lay_out(kind: PledgeKind, pence: int, first_on: date, *, count: int = 1, months: int = 1) -> list[Part]:
    """The instalments of a new pledge; no penny is lost.

    Args:
        kind: how it is paid.
        pence: the whole; of a yearly pledge, what is paid each year.
        first_on: when the first is due.
        count: how many instalments, or years; a one-off pledge has one.
        months: between two instalments; a yearly pledge has twelve.
    """
    if kind is PledgeKind.ONE_OFF:
        return [Part(first_on, pence)]
    if kind is PledgeKind.YEARLY:
        return [Part(add_months(first_on, 12 * year), pence) for year in range(count)]
    shares = split(pence, [1] * count)
    return [Part(add_months(first_on, months * place), share) for place, share in enumerate(shares)]


def schedule_faults(parts: Sequence[Part], today: date) -> Iterator[Finding]:
    """Why nobody could pay by this schedule. The field of a finding is "due_2", "amount_2" for the second part."""
    if not 1 <= len(parts) <= MOST_INSTALMENTS:
        yield Finding(f"A pledge has between 1 and {MOST_INSTALMENTS} instalments.", "count")
    latest = add_months(today, 12 * LONGEST_YEARS)
    for place, part in enumerate(parts, start=1):
        if part.pence < SMALLEST_PLEDGE_PENCE:
            least = format_pence(SMALLEST_PLEDGE_PENCE)
            yield Finding(
                f"Instalment {place} must be {least} or more. Make it larger, or have fewer.", f"amount_{place}"
            )
        if not today <= part.due_on <= latest:
            yield Finding(
                f"Instalment {place} must be due from today on, and within {LONGEST_YEARS} years. Choose another day.",
                f"due_{place}",
            )
        if place > 1 and part.due_on <= parts[place - 2].due_on:
            yield Finding(
                f"Instalment {place} must be due after the one before it. Choose a later day.", f"due_{place}"
            )


def change_faults(parts: Sequence[Part], pledged_pence: int, today: date) -> Iterator[Finding]:
    """Why a schedule can't be changed to this. The pledge stays what it is: only days and shares move."""
    yield from schedule_faults(parts, today)
    total = sum(part.pence for part in parts)
    if total != pledged_pence:
        yield Finding(
            f"These come to {format_pence(total)}, but {format_pence(pledged_pence)} is to be shared out. "
            "Change the amounts until they agree.",
            f"amount_{len(parts)}",
        )


def instalment_reference(pledge_reference: str, number: int, count: int) -> str:
    """What is quoted for one instalment: the pledge's own reference where there is only one, else such as
    "PI-2026-0007-02-K". Its check character is as the pledge's."""
    if count == 1:
        return pledge_reference
    body = pledge_reference.rpartition("-")[0].removeprefix("PL-")
    return with_check(f"PI-{body}-{number:02d}")


def allocate(pence: int, due_pence: Sequence[int], quoted: int | None = None) -> list[int]:
    """How much of a payment goes to each instalment: first the one that was quoted, then the oldest that are open.

    Args:
        pence: what came.
        due_pence: what each still needs, oldest first; nought for one that needs nothing.
        quoted: place of the instalment that the payer named.

    Returns:
        As many shares as instalments; they sum to `pence`. What is over goes to the one quoted, else to the last.
    """
    shares = [0] * len(due_pence)
    order = list(range(len(due_pence)))
    if quoted is not None:
        order.insert(0, order.pop(quoted))
    left = pence
    for place in order:
        shares[place] = min(left, max(0, due_pence[place]))
        left -= shares[place]
    shares[quoted if quoted is not None else len(shares) - 1] += left
    return shares


def schedule_in_words(due: Sequence[date]) -> str:
    """ "All at once", "In 4 instalments", "Every year for 3 years"."""
    if len(due) <= 1:
        return "All at once"
    if all(later == add_months(due[0], 12 * place) for place, later in enumerate(due)):
        return f"Every year for {len(due)} years"
    return f"In {len(due)} instalments"


def default_due(today: date, terms_days: int) -> date:
    """When a one-off pledge is due if nobody says: by the fund's terms of payment."""
    return today + timedelta(days=terms_days)


def instalment_standing(
    state: InstalmentState, pence: int, paid_pence: int, due_on: date, today: date, *, invoiced: bool = False
) -> tuple[str, str]:
    """(words, tone) for an instalment: "Overdue" says more than "open"."""
    if state is InstalmentState.PAID:
        return "Paid", "good"
    if state is InstalmentState.CANCELLED:
        return "Cancelled", "stop"
    if state is InstalmentState.WRITTEN_OFF:
        return "Written off", "stop"
    if due_on < today:
        return f"Overdue since {in_words(due_on)}", "stop"
    if paid_pence:
        return f"{format_pence(pence - paid_pence)} to come", "wait"
    return ("Invoiced", "wait") if invoiced else ("Not due yet", "plain")
