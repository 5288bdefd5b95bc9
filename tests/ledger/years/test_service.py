"""Closing days, opening them again, and what the database lets through."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from fund.kernel.access import Actor, Role
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, FundError, NotAllowed, NotFound, RuleBroken
from ledger import queries as books
from ledger import service as ledger
from ledger.rules import AccountKind
from ledger.years import queries, rules, service
from ledger.years.models import ClosedPeriod
from tests.ledger.books import GRANT, ORG, commit, put_in, said
from tests.world import official

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
MARCH, APRIL = date(2026, 3, 31), date(2026, 4, 1)


@pytest.fixture
def steward(app: Flask) -> Actor:
    return official("Stella Steward", Role.STEWARD)[1]


@pytest.fixture
def board(app: Flask) -> Actor:
    return official("Bola Board", Role.BOARD)[1]


def prepare(steward: Actor, open_from: date = APRIL) -> int:
    with transaction():
        return service.prepare(open_from=open_from, reason="The accounts are signed.", actor=steward, now=NOW).id


def close(steward: Actor, board: Actor, open_from: date = APRIL) -> None:
    asked = prepare(steward, open_from)
    with transaction():
        service.confirm(closing_id=asked, actor=board, now=NOW)


def test_a_closed_day_takes_no_posting_whoever_writes_and_an_open_one_does(steward: Actor, board: Actor) -> None:
    put_in(500_00)
    close(steward, board)
    with pytest.raises(RuleBroken, match="31 March 2026 is closed in the books"):
        commit(100_00, occurred_on=MARCH)
    commit(100_00, occurred_on=APRIL)
    assert books.balance(AccountKind.COMMITTED, GRANT) == 100_00


def test_what_the_bank_tells_late_is_booked_on_the_first_open_day_and_says_its_own(
    steward: Actor, board: Actor
) -> None:
    close(steward, board)
    line = said(key="late", occurred_on=MARCH, description="From Example Ltd")
    with transaction():
        first = ledger.book_bank_line(pence=70_00, **line)
    with transaction():
        ledger.receive_contribution(contributor=ORG, pence=70_00, **said(occurred_on=MARCH))
    booked = books.transfer(first.transfer_id)
    assert booked.occurred_on == APRIL
    assert booked.description == "From Example Ltd (of 31 March 2026, closed since)"
    close(steward, board, date(2026, 5, 1))
    close(steward, board, date(2026, 1, 1))
    with transaction():
        again = ledger.book_bank_line(pence=70_00, **line)
    assert (again.transfer_id, again.first) == (first.transfer_id, False)
    with pytest.raises(Conflict, match="Something else was booked"), transaction():
        ledger.book_bank_line(pence=70_00, **(line | {"description": "From somebody else"}))


def test_what_was_booked_before_the_closing_may_be_told_again(steward: Actor, board: Actor) -> None:
    line = said(key="early", occurred_on=MARCH)
    with transaction():
        ledger.book_bank_line(pence=70_00, **line)
        ledger.receive_contribution(contributor=ORG, pence=70_00, **said(occurred_on=MARCH))
    close(steward, board)
    with transaction():
        assert not ledger.book_bank_line(pence=70_00, **line).first


def test_money_that_nobody_matched_keeps_its_days_open(steward: Actor, board: Actor) -> None:
    with transaction():
        ledger.book_bank_line(pence=70_00, **said(occurred_on=MARCH))
    asked = prepare(steward)
    with (
        pytest.raises(RuleBroken, match=r"£70 of the days before 1 April 2026 still waits to be matched"),
        transaction(),
    ):
        service.confirm(closing_id=asked, actor=board, now=NOW)
    assert queries.first_open_day() is None
    close(steward, board, MARCH)
    assert queries.first_open_day() == MARCH


def test_who_prepares_never_confirms(app: Flask) -> None:
    both = official("Both Roles", Role.STEWARD, Role.BOARD)[1]
    asked = prepare(both)
    with pytest.raises(NotAllowed, match="another person"), transaction():
        service.confirm(closing_id=asked, actor=both, now=NOW)


def test_roles_are_needed(steward: Actor, board: Actor) -> None:
    with pytest.raises(NotAllowed), transaction():
        service.prepare(open_from=APRIL, reason="x", actor=board, now=NOW)
    asked = prepare(steward)
    with pytest.raises(NotAllowed), transaction():
        service.confirm(closing_id=asked, actor=steward, now=NOW)


def test_days_to_come_and_no_change_are_refused(steward: Actor, board: Actor) -> None:
    with pytest.raises(RuleBroken, match="Today must stay open"):
        prepare(steward, date(2026, 6, 2))
    close(steward, board)
    with pytest.raises(RuleBroken, match="already"):
        prepare(steward)


def test_only_the_newest_preparation_is_confirmed_and_once(steward: Actor, board: Actor) -> None:
    old, new = prepare(steward), prepare(steward, MARCH)
    with pytest.raises(Conflict, match="replaced"), transaction():
        service.confirm(closing_id=old, actor=board, now=NOW)
    with transaction():
        service.confirm(closing_id=new, actor=board, now=NOW)
    with pytest.raises(Conflict), transaction():
        service.confirm(closing_id=new, actor=board, now=NOW)
    with pytest.raises(NotFound), transaction():
        service.confirm(closing_id=2**63, actor=board, now=NOW)


def test_days_open_again_only_by_a_new_record(steward: Actor, board: Actor) -> None:
    put_in(500_00)
    close(steward, board)
    close(steward, board, date(2026, 3, 1))
    commit(100_00, occurred_on=MARCH)
    assert [one.open_from for one in queries.closed_periods()] == [date(2026, 3, 1), APRIL]
    for statement in ("UPDATE closed_period SET open_from = '2020-01-01'", "DELETE FROM closed_period"):
        with pytest.raises(DBAPIError, match="append-only"), transaction():
            db.session.connection().exec_driver_sql(statement)


def test_a_closed_trial_balance_never_changes(steward: Actor, board: Actor) -> None:
    with transaction():
        ledger.book_bank_line(pence=500_00, **said(occurred_on=MARCH))
        ledger.receive_contribution(contributor=ORG, pence=500_00, **said(occurred_on=MARCH))
    close(steward, board)
    before = queries.trial_balance(MARCH)
    with transaction():
        ledger.book_bank_line(pence=9_00, **said(occurred_on=MARCH))
        ledger.take_back(contributor=ORG, pence=100_00, reason="A test", **said(occurred_on=MARCH))
    commit(100_00)
    assert queries.trial_balance(MARCH) == before
    assert sum(one.pence for one in before) == 0
    assert rules.fingerprint({one.code: one.pence for one in before}) == queries.closed_periods()[0].hash
    assert sum(one.pence for one in queries.trial_balance(date(2026, 6, 1))) == 0


def test_two_who_confirm_at_once_leave_one_closing(app: Flask, steward: Actor) -> None:
    members = [official(f"Board {number}", Role.BOARD)[1] for number in range(2)]
    asked = prepare(steward)

    def confirm(actor: Actor) -> bool:
        with app.app_context():
            try:
                with transaction():
                    service.confirm(closing_id=asked, actor=actor, now=NOW)
            except FundError:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(confirm, members)) == [False, True]
    assert db.session.scalar(select(func.count()).select_from(ClosedPeriod)) == 1


@given(st.dates(), st.none() | st.dates())
def test_nothing_is_ever_dated_on_a_closed_day(day: date, open_from: date | None) -> None:
    booked, description = rules.day_in_open_books(day, open_from, "x")
    assert open_from is None or booked >= open_from
    assert (booked == day) is (description == "x")


def test_a_fingerprint_is_of_what_accounts_hold_in_whatever_order() -> None:
    assert rules.fingerprint({"a": 1, "b": -1, "c": 0}) == rules.fingerprint({"b": -1, "a": 1})
    assert rules.fingerprint({"a": 1, "b": -1}) != rules.fingerprint({"a": 2, "b": -2})
