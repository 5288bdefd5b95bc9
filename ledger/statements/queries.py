"""The one read that every statement is made from."""

from sqlalchemy import case, func, select

from fund.kernel.db import db
from ledger.models import Account, Entry, Transfer
from ledger.statements.rules import Total, Year


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
