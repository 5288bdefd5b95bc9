"""What is owed to a grant: a cost and a liability from the moment when only payment remains, counted once."""

from typing import Any

import pytest
from flask import Flask

from fund.kernel.db import transaction
from fund.kernel.errors import RuleBroken
from ledger import queries, service
from ledger.rules import AccountKind
from ledger.statements import queries as statements
from ledger.statements.rules import Total, activities, balance_sheets, year_ending, year_of
from tests.ledger.books import DAY, GRANT, NOW, commit, put_in, said

K = AccountKind


def owe(pence: int) -> Any:
    with transaction():
        return service.owe_grant(grant=GRANT, pence=pence, occurred_on=DAY, actor=None, now=NOW)


def pay(pence: int, key: str = "test:paid") -> None:
    with transaction():
        service.pay_grant(grant=GRANT, pence=pence, **said(key=key))


def owed() -> dict[str | None, int]:
    found = queries.balances_by_restriction(K.GRANTS_OWED, GRANT)
    payable = queries.balances_by_restriction(K.GRANTS_PAYABLE, GRANT)
    assert found == {restriction: -pence for restriction, pence in payable.items()}
    return {restriction: pence for restriction, pence in found.items() if pence}


def year() -> list[Total]:
    this = year_of(DAY, 3, 31)
    return statements.totals(year_ending(this.number - 1, 3, 31), this)


def spent() -> int:
    totals = year()
    assert all(sheet.difference_pence == 0 for sheet in balance_sheets(totals))
    return activities(totals).expenditure.total_pence


def test_what_is_owed_is_brought_up_and_down_and_the_second_time_nothing_happens(app: Flask) -> None:
    put_in(1000)
    commit(600)
    assert owe(0) is None
    owe(400)
    assert owed() == {None: 400}
    assert owe(400) is None
    owe(150)
    assert owed() == {None: 150}
    owe(0)
    assert owed() == {}
    owe(150)
    assert owed() == {None: 150}
    assert queries.pot().committed_pence == 600


def test_no_more_is_owed_than_is_committed(app: Flask) -> None:
    put_in(1000)
    commit(600)
    with pytest.raises(RuleBroken, match="£6 is still committed"):
        owe(601)
    assert owed() == {}


def test_a_cost_counts_once_whether_owed_or_paid_or_returned(app: Flask) -> None:
    put_in(1000)
    commit(600)
    owe(500)
    assert spent() == 500
    pay(300)
    assert owed() == {None: 200}
    assert spent() == 500
    pay(300)  # the same key again
    assert spent() == 500
    with transaction():
        service.return_payment(
            key="test:back", paid_key="test:paid", reason="Account closed", occurred_on=DAY, actor=None, now=NOW
        )
    assert owed() == {None: 500}
    assert spent() == 500
    pay(600, "test:more than was owed")
    assert owed() == {}
    assert spent() == 600


def test_restricted_money_is_owed_first_and_follows_what_is_reserved(app: Flask) -> None:
    put_in(300, restriction="RF-001")
    put_in(1000)
    commit(600, parts={"RF-001": 300, None: 300})
    owe(400)
    assert owed() == {"RF-001": 300, None: 100}
    with transaction():
        service.release(grant=GRANT, pence=200, parts={"RF-001": 200}, **said())
    owe(400)
    assert owed() == {"RF-001": 100, None: 300}
    pay(400)
    assert owed() == {}


def test_the_note_tells_only_what_is_still_conditional(app: Flask) -> None:
    put_in(1000)
    commit(600)
    owe(400)
    (sheet,) = balance_sheets(year())
    assert sheet.committed_pence == 200
    assert sheet.lines["Grants payable"] == -400
