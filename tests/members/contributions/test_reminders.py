"""Reminders: which is due when, never twice, and none for what is paid."""

from datetime import date, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.outbox import OutboxMessage
from members.contributions.invoices import reminders
from members.contributions.invoices.rules import reminder_due
from members.rules import Sector
from tests.members.contributions.test_invoices import paid, pledged
from tests.world import found_society, member, officer

DUE = date(2026, 6, 11)


@pytest.mark.parametrize(
    ("passed", "sent", "stage"),
    [
        (-8, None, None),
        (-7, None, -7),
        (-6, None, -7),
        (-1, -7, None),
        (0, -7, 0),
        (13, 0, None),
        (14, 0, 14),
        (29, 14, None),
        (30, 14, 30),
        (400, 30, None),
        (400, None, 30),
    ],
)
def test_which_reminder_is_due(passed: int, sent: int | None, stage: int | None) -> None:
    assert reminder_due(DUE, DUE + timedelta(days=passed), 7, (14, 30), sent) == stage


@given(st.lists(st.integers(-20, 60), max_size=30))
def test_however_often_the_sweep_runs_no_reminder_goes_twice(days: list[int]) -> None:
    sent: list[int] = []
    for passed in sorted(days):
        stage = reminder_due(DUE, DUE + timedelta(days=passed), 7, (14, 30), sent[-1] if sent else None)
        if stage is not None:
            sent.append(stage)
    assert sent == sorted(set(sent))


@pytest.fixture
def finance(app: Flask) -> Actor:
    found_society()
    return officer(member("Alder Works", Sector.PRIVATE), Role.FINANCE)[1]


def swept(clock: MovableClock) -> int:
    with transaction():
        return reminders.sweep(clock.now())


def reminded() -> list[str]:
    return list(
        db.session.scalars(
            select(OutboxMessage.what).where(OutboxMessage.key.startswith("reminder:")).order_by(OutboxMessage.id)
        )
    )


def test_four_reminders_until_it_is_paid(app: Flask, clock: MovableClock, finance: Actor) -> None:
    (one,) = pledged(finance, clock)
    reference, day, counts = one.reference, timedelta(days=1), []
    for _ in range(60):
        counts.append(swept(clock) + swept(clock))
        clock.move(day)
    assert [place for place, count in enumerate(counts) if count] == [3, 10, 24, 40]
    assert len(reminded()) == 4
    assert "is due on 11 June 2026" in reminded()[0]
    assert "due today" in reminded()[1]
    assert "hasn't reached us yet" in reminded()[2]
    assert all(reference in what for what in reminded())


def test_what_is_paid_is_not_reminded_of_and_several_share_a_mail(
    app: Flask, clock: MovableClock, finance: Actor
) -> None:
    first, second, third = pledged(finance, clock)[0], pledged(finance, clock)[0], pledged(finance, clock)[0]
    paid(first.reference, 1_000_00, clock, "stripe:1")
    paid(second.reference, 100_00, clock, "stripe:2")
    clock.move(timedelta(days=5))
    assert swept(clock) == 2
    (what,) = reminded()
    assert first.reference not in what
    assert f"£900 for {second.reference}" in what
    assert f"£1,000 for {third.reference}" in what
