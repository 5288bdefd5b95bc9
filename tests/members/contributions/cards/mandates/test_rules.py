"""When a saved Direct Debit takes what, by tables."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fund.kernel.calendar import add_working_days, is_working_day
from members.contributions.cards.mandates.rules import Standing, Step, announced_until, collection_day, next_step

DAYS = st.dates(date(2026, 1, 1), date(2030, 1, 1))


@pytest.mark.parametrize(
    ("due_on", "announced_on", "taken_on"),
    [
        (date(2026, 7, 1), date(2026, 6, 17), date(2026, 7, 1)),
        (date(2026, 7, 4), date(2026, 6, 17), date(2026, 7, 6)),  # a Saturday
        (date(2026, 8, 31), date(2026, 8, 10), date(2026, 9, 1)),  # a bank holiday
        (date(2026, 6, 18), date(2026, 6, 17), date(2026, 7, 1)),  # sooner than the notice
        (date(2025, 1, 1), date(2026, 6, 17), date(2026, 7, 1)),  # overdue
    ],
)
def test_the_day_on_which_an_instalment_is_taken(due_on: date, announced_on: date, taken_on: date) -> None:
    assert collection_day(due_on, announced_on, 10) == taken_on


@given(due_on=DAYS, announced_on=DAYS, notice=st.integers(3, 20))
def test_notice_is_never_cut_short(due_on: date, announced_on: date, notice: int) -> None:
    day = collection_day(due_on, announced_on, notice)
    assert is_working_day(day)
    assert day >= due_on
    assert day >= add_working_days(announced_on, notice)


@given(today=DAYS, notice=st.integers(3, 20))
def test_what_is_announced_in_time_is_taken_when_it_is_due(today: date, notice: int) -> None:
    last = announced_until(today, notice)
    assert collection_day(last, today, notice) == last
    assert collection_day(last + timedelta(days=1), today, notice) > last


GOOD = Standing(
    announced_pence=100,
    collect_on=date(2026, 7, 1),
    due_pence=100,
    due_on=date(2026, 7, 1),
    in_force=True,
    is_member=True,
    other_payment=False,
)


@pytest.mark.parametrize(
    ("change", "step"),
    [
        ({}, Step.COLLECT),
        ({"due_pence": 1}, Step.COLLECT),
        ({"due_on": date(2026, 6, 1)}, Step.COLLECT),
        ({"due_pence": 0}, Step.DROP),
        ({"due_pence": 101}, Step.DROP),
        ({"due_on": date(2026, 7, 2)}, Step.DROP),
        ({"in_force": False}, Step.DROP),
        ({"is_member": False}, Step.DROP),
        ({"other_payment": True}, Step.WAIT),
        ({"other_payment": True, "due_pence": 0}, Step.DROP),
    ],
)
def test_what_becomes_of_an_announced_collection(change: dict[str, Any], step: Step) -> None:
    assert next_step(replace(GOOD, **change)) is step
