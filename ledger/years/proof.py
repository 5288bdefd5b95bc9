"""Proof that closed days still hold what they held when they were closed."""

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import case, func, select

from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db
from ledger.models import Account, Entry, Transfer
from ledger.years.models import ClosedPeriod
from ledger.years.rules import fingerprint


def faults() -> Iterator[str]:
    """Closed periods whose trial balance is another now, oldest first.

    One that was opened again later may differ, so it proves nothing any more. All others are read in one sweep over the
    entries, however many there are.
    """
    standing: list[ClosedPeriod] = []
    for period in db.session.scalars(select(ClosedPeriod).order_by(ClosedPeriod.id)):
        standing = [*(one for one in standing if one.open_from <= period.open_from), period]
    if not standing:
        return
    days = sorted({period.open_from for period in standing})
    span = case(*((Transfer.occurred_on < day, place) for place, day in enumerate(days)))
    moved = db.session.execute(
        select(span, Account.code, func.sum(Entry.amount_pence))
        .join(Entry, Entry.account_id == Account.id)
        .join(Transfer, Transfer.id == Entry.transfer_id)
        .where(Transfer.occurred_on < days[-1])
        .group_by(span, Account.code)
    ).all()
    held: defaultdict[str, int] = defaultdict(int)
    found = {}
    for place, day in enumerate(days):
        for _, code, pence in (one for one in moved if one[0] == place):
            held[code] += int(pence)
        found[day] = fingerprint(held)
    for period in standing:
        if found[period.open_from] != period.hash:
            yield (
                f"The days before {in_words(period.open_from)}, closed on {in_words(london_day(period.confirmed_at))}, "
                "no longer have the trial balance that they were closed with. A transfer of those days was added, "
                "changed or removed past the guards of the database."
            )
