"""Months of the bank are compared with the books: all signed but the last, which waits for a signature."""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from fund.demo.teller import BOARD_MEMBER, STEWARD, Teller
from fund.kernel.calendar import add_working_days, start_of_day
from fund.kernel.db import db
from ledger.bank.models import Statement
from ledger.bank.queries import own_account
from ledger.bank.reconciliation import queries, rules, service
from ledger.bank.reconciliation.rules import Figures


def reconcile(teller: Teller) -> None:
    """Every month that is over and whose end a statement reaches."""
    account = own_account()
    assert account is not None
    first = queries.first_month(account.id)
    assert first is not None
    account_id, before = account.id, rules.month_before(rules.month_of(teller.date(0)))
    covered = db.session.scalar(select(func.max(Statement.to_on)))
    assert covered is not None
    months = [month for month in rules.months_between(first, before) if rules.last_day(month) <= covered]
    for month in months:
        found = queries.figures(account_id, month)
        brought = db.session.scalar(
            select(func.min(Statement.imported_at)).where(Statement.to_on >= rules.last_day(month))
        )
        assert brought is not None
        usual = start_of_day(add_working_days(rules.last_day(month), 4)) + timedelta(hours=10)
        at = min(max(usual, brought + timedelta(hours=14)), teller.at(0))
        made = _prepare(teller, found, at)
        if month != months[-1]:
            _sign(teller, made, min(at + timedelta(hours=2), teller.at(0)))


def _prepare(teller: Teller, found: Figures, at: datetime) -> int:
    reasons = {item.key: "Seen on the bank’s own site." for item in found.to_explain}
    actor = teller.official(STEWARD)
    return teller.do(
        lambda: service.prepare(month=found.month, reasons=reasons, seen=found.lasting, actor=actor, now=at).id
    )


def _sign(teller: Teller, made: int, at: datetime) -> None:
    actor = teller.official(BOARD_MEMBER)
    teller.do(lambda: service.sign(reconciliation_id=made, actor=actor, now=at).id)
