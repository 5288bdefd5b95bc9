"""The one read that every statement is made from, and the statements of a year that follow from it."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import case, func, select

from fund.kernel.calendar import london_day
from fund.kernel.clock import LONDON
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.policy import policy_at
from fund.kernel.society import society
from ledger.models import Account, Entry, Transfer
from ledger.rules import CHART, AccountKind, KindOfAccount
from ledger.statements.rules import (
    Activities,
    FundSheet,
    Total,
    Year,
    activities,
    balance_sheets,
    headings,
    year_ending,
    year_of,
)

_EARLIEST, _LATEST = 1900, 9998


@dataclass(frozen=True)
class YearStatement:
    """Everything that is stated of a year of account.

    Attributes:
        present: the year that lies in the present.
        trial: each kind of account that holds something at the year's end, and its signed pence.
    """

    year: Year
    present: Year
    activities: Activities
    sheets: list[FundSheet]
    trial: list[tuple[KindOfAccount, int]]


def of_year(written: str | None, now: datetime) -> YearStatement:
    """The statements of the year that ends in the calendar year `written`; of the present one without.

    Its headings are those in force at its end, so that another choice never changes a year that is over.

    Raises:
        NotFound: for what is no year, or without a society.
    """
    ours = society()
    if ours is None:
        raise NotFound
    month, day = ours.year_end_month, ours.year_end_day
    present = year_of(london_day(now), month, day)
    written = str(present.number) if written is None else written
    if not (written.isascii() and written.isdigit() and len(written) == 4 and _EARLIEST <= int(written) <= _LATEST):
        raise NotFound
    this = year_ending(int(written), month, day)
    found = totals(year_ending(this.number - 1, month, day), this)
    held = {kind: sum(total.closing_pence for total in found if total.kind is kind) for kind in AccountKind}
    return YearStatement(
        this,
        present,
        activities(found, headings(policy_at(min(now, _end_of(this))))),
        balance_sheets(found),
        [(CHART[kind], pence) for kind, pence in held.items() if pence],
    )


def _end_of(year: Year) -> datetime:
    return datetime.combine(year.to_on + timedelta(days=1), time(), LONDON) - timedelta(microseconds=1)


def totals(last: Year, this: Year) -> list[Total]:
    """What the accounts moved before and in two years that follow each other, by kind and restriction.

    One sweep over the entries, whatever the number of accounts: statements must stay quick with millions of entries.
    """
    day, pence = Transfer.occurred_on, Entry.amount_pence
    rows = db.session.execute(
        select(
            Account.kind,
            Account.restriction,
            func.sum(case((day < last.from_on, pence), else_=0)),
            func.sum(case((day.between(last.from_on, last.to_on), pence), else_=0)),
            func.sum(case((day >= this.from_on, pence), else_=0)),
        )
        .join(Entry, Entry.account_id == Account.id)
        .join(Transfer, Transfer.id == Entry.transfer_id)
        .where(day <= this.to_on)
        .group_by(Account.kind, Account.restriction)
        .order_by(Account.kind, Account.restriction)
    )
    return [Total(kind, restriction, int(a), int(b), int(c)) for kind, restriction, a, b, c in rows]
