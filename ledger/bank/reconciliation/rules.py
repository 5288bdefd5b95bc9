"""What the bank's statements and the books say of a month's last day, and what lies between them. Pure.

Every figure is as at the end of that day, and every difference is the sum of its items to the penny: what no item
explains becomes an item itself. Handbook §6: monthly bank reconciliation by someone else than who posts.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from fund.kernel.calendar import add_months, add_working_days, in_words
from fund.kernel.errors import Finding
from ledger.money import format_pence


class Sort(StrEnum):
    """Where an item belongs and what it is."""

    # between the statements and the books
    BOOKED_LATER = "booked_later"
    NOT_BOOKED = "not_booked"
    NOT_AT_BANK = "not_at_bank"
    OPENING = "opening"
    GAP = "gap"
    NOT_COVERED = "not_covered"
    NOT_TOLD = "not_told"
    # what the books hold beside the bank
    ON_ITS_WAY = "on_its_way"
    OTHER_ON_ITS_WAY = "other_on_its_way"
    UNMATCHED = "unmatched"
    OTHER_UNMATCHED = "other_unmatched"


BETWEEN = frozenset(
    {
        Sort.BOOKED_LATER,
        Sort.NOT_BOOKED,
        Sort.NOT_AT_BANK,
        Sort.OPENING,
        Sort.GAP,
        Sort.NOT_COVERED,
        Sort.NOT_TOLD,
    }
)
"""Items whose sum is the difference between the statements and the books."""
ON_THEIR_WAY = frozenset({Sort.ON_ITS_WAY, Sort.OTHER_ON_ITS_WAY})
WAITING = frozenset({Sort.UNMATCHED, Sort.OTHER_UNMATCHED})
EXPLAINED = frozenset({Sort.BOOKED_LATER, Sort.ON_ITS_WAY, Sort.UNMATCHED})
"""Items that say themselves why they are there. Any other needs a written reason."""


@dataclass(frozen=True)
class Item:
    """One thing that lies between two figures. `key` names it from one look to the next."""

    sort: Sort
    key: str
    pence: int
    what: str
    on: date | None = None

    @property
    def needs_reason(self) -> bool:
        """Whether somebody must write why it is there."""
        return self.sort not in EXPLAINED


@dataclass(frozen=True)
class Figures:
    """A month of the bank, as at the end of its last day, in signed pence.

    Attributes:
        closing_pence: by the statements.
        books_pence: cash at bank by the books.
        on_their_way_pence: payments sent and not yet at the bank, by the books (a credit: below nought).
        waiting_pence: what waits to be matched, by the books (money in is a credit).
        items: of all three.
    """

    month: date
    closing_pence: int
    books_pence: int
    on_their_way_pence: int
    waiting_pence: int
    items: tuple[Item, ...]

    @property
    def difference_pence(self) -> int:
        """What the statements say above the books; the items between them sum to it."""
        return self.closing_pence - self.books_pence

    def of(self, sorts: Collection[Sort]) -> list[Item]:
        """The items of these sorts."""
        return [item for item in self.items if item.sort in sorts]

    @property
    def to_explain(self) -> list[Item]:
        """The items that need a written reason."""
        return [item for item in self.items if item.needs_reason]

    @property
    def lasting(self) -> str:
        """SHA-256 of what must never change once it is signed. What waited is matched later, on its own day, and
        that is as it should be; everything else stays as it was."""
        kept = [asdict(item) for item in self.items if item.sort not in WAITING]
        told = [self.month, self.closing_pence, self.books_pence, self.on_their_way_pence, kept]
        return sha256(json.dumps(told, default=str, sort_keys=True).encode()).hexdigest()


def record_hash(figures: Figures, reasons: Mapping[str, str], prepared_by_id: int, prepared_at: datetime) -> str:
    """SHA-256 of all that a record says."""
    told = [asdict(figures), dict(reasons), prepared_by_id, prepared_at]
    return sha256(json.dumps(told, default=str, sort_keys=True).encode()).hexdigest()


# --- months


def month_of(day: date) -> date:
    """A month is named by its first day."""
    return day.replace(day=1)


def last_day(month: date) -> date:
    """The last day of a month."""
    return add_months(month, 1) - timedelta(days=1)


def month_before(month: date) -> date:
    """The month before another."""
    return add_months(month, -1)


def months_between(first: date, last: date) -> list[date]:
    """The months from one to another, both included."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [add_months(first, number) for number in range(count)]


def due_on(month: date, working_days: int) -> date:
    """By when a month is to be reconciled: so many working days after its last day."""
    return add_working_days(last_day(month), working_days)


# --- what the statements say


@dataclass(frozen=True)
class Told:
    """The balances that one statement tells."""

    statement_id: int
    from_on: date
    to_on: date
    opening_pence: int | None
    closing_pence: int | None


def by_statements(told: Sequence[Told], moved: Sequence[tuple[date, int]], last: date) -> tuple[int, list[Item]]:
    """What the statements say was held at the end of `last`, and where they don't join.

    Each balance that a statement tells is compared with the one before it and the lines between them. The books began
    with nought, so an opening balance above it is an item too. Closing balance = all lines + these items, always.

    Args:
        told: statements that tell balances.
        moved: (day, signed pence) of the bank's lines.
        last: lines and balances after this day are left out.
    """
    lines = sorted((day, pence) for day, pence in moved if day <= last)
    # A statement may end in the middle of a day, where the next goes on with the very same balance: that joins, and
    # neither is the balance of a whole day.
    middle = {
        (one.to_on, one.closing_pence)
        for one in told
        for other in told
        if other is not one and other.from_on == one.to_on and other.opening_pence == one.closing_pence
    }
    points = set()
    for one in told:
        if one.closing_pence is not None and (one.to_on, one.closing_pence) not in middle:
            points.add((one.to_on, one.closing_pence, "closes", one.statement_id))
        if one.opening_pence is not None and (one.from_on, one.opening_pence) not in middle:
            points.add((one.from_on - timedelta(days=1), one.opening_pence, "opens", one.statement_id))
    items: list[Item] = []
    place, held = 0, 0
    for number, (day, balance, way, statement_id) in enumerate(sorted(point for point in points if point[0] <= last)):
        while place < len(lines) and lines[place][0] <= day:
            held += lines[place][1]
            place += 1
        if balance != held:
            what = (
                f"Statement {statement_id} {way} with {format_pence(balance)}, and what is known before it makes "
                f"{format_pence(held)}"
            )
            sort = Sort.OPENING if number == 0 else Sort.GAP
            items.append(Item(sort, f"{way}:{statement_id}", balance - held, what, day))
            held = balance
    held += sum(pence for _, pence in lines[place:])
    if not points:
        what = f"No statement tells a balance. Compare {format_pence(held)} with the bank's own site"
        items.append(Item(Sort.NOT_TOLD, "not_told", 0, what))
    return held, items


def covered_items(statement_to: date | None, last: date) -> Iterator[Item]:
    """A month whose end no statement reaches."""
    if statement_to is None or statement_to < last:
        reached = f"The last statement ends on {in_words(statement_to)}" if statement_to else "There is no statement"
        yield Item(Sort.NOT_COVERED, "not_covered", 0, f"{reached}: none reaches {in_words(last)}", statement_to)


def rest(sort: Sort, what: str, pence: int, items: Collection[Item]) -> Iterator[Item]:
    """What the items leave unexplained of `pence`, as an item."""
    if left := pence - sum(item.pence for item in items):
        yield Item(sort, sort.value, left, what)


# --- who may do what


def preparing_faults(
    month: date,
    today: date,
    first: date | None,
    items: Collection[Item],
    reasons: Mapping[str, str],
    *,
    again: bool,
    why: str,
) -> Iterator[Finding]:
    """Why a month can't be prepared.

    Args:
        first: the first month with a line of the bank.
        items: those that need a reason.
        again: whether somebody signed this month before; then `why` says why it is done again.
    """
    if first is None or month < first:
        yield Finding("The bank has told nothing of this month or any before it. Bring in its statements first.")
        return
    if today <= last_day(month):
        yield Finding(f"This month is not over. Reconcile it from {in_words(add_months(month, 1))} on.")
        return
    for item in items:
        if not reasons.get(item.key, "").strip():
            yield Finding(f"Say why: {item.what}.", field_of(item))
    if again and not why.strip():
        yield Finding("This month was signed before. Say why it is done again.", "why")


def field_of(item: Item) -> str:
    """The form field that takes the reason for an item."""
    return f"reason_{item.key.replace(':', '_')}"


class Hand(StrEnum):
    """What somebody did in a month that keeps them from signing it."""

    IMPORTED = "imported"
    POSTED = "posted"
    MATCHED = "matched"
    PREPARED = "prepared"


_DID = {
    Hand.IMPORTED: "brought in a statement of this month",
    Hand.POSTED: "booked money of this month",
    Hand.MATCHED: "matched a line of this month",
    Hand.PREPARED: "prepared this reconciliation",
}


def signing_faults(person_id: int, hands: Mapping[Hand, Collection[int]]) -> Iterator[Finding]:
    """Who had a hand in a month can't sign it (handbook §6, Charity Commission CC8: separation of duties)."""
    did = [_DID[hand] for hand in Hand if person_id in hands.get(hand, ())]
    if did:
        told = did[0] if len(did) == 1 else f"{', '.join(did[:-1])} and {did[-1]}"
        yield Finding(f"You {told}, so another person must sign. Ask a member of the board.")


def order_faults(month: date, unsigned: Sequence[date]) -> Iterator[Finding]:
    """Months are signed in order, for each builds on the balance before it."""
    earlier = next((one for one in unsigned if one < month), None)
    if earlier is not None:
        yield Finding(f"{earlier:%B %Y} comes first: months are signed in order. Sign that one, then come back.")


def closing_faults(unsigned: Sequence[date], changed: date | None) -> Iterator[Finding]:
    """Why days can't be closed: months among them that nobody signed, or that changed since."""
    if unsigned:
        named = f"{unsigned[0]:%B %Y}" + (f" and {len(unsigned) - 1} more" if len(unsigned) > 1 else "")
        yield Finding(
            f"The bank of {named} is not reconciled and signed. Open the page “Reconciliations”, have it signed by "
            "somebody else than who prepared it, then confirm the closing."
        )
    elif changed is not None:
        yield Finding(
            f"The books of {changed:%B %Y} have changed since its reconciliation was signed. Have that month prepared "
            "and signed again, then confirm the closing."
        )
