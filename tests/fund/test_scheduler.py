"""Sweeps: due work is done once, by whichever scheduler, and one failure stops nothing else."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from apscheduler.triggers.interval import IntervalTrigger
from flask import Flask
from sqlalchemy import func, select

from fund import scheduler
from fund.kernel.audit import AuditEntry, record
from fund.kernel.clock import MovableClock
from fund.kernel.db import db
from fund.kernel.outbox import OutboxMessage
from fund.kernel.sweeps import SweepTurn
from fund.scheduler import SWEEPS, Sweep, background, run_due
from ledger.models import Seal
from tests.fund.documents import matter
from tests.world import found_society


def noting(name: str = "noting", every: int = 60) -> Sweep:
    """A sweep that leaves a mark in the database each time it runs."""

    def work(now: datetime) -> int:
        record(None, "swept", name, at=now)
        return 1

    return Sweep(name, work, every)


def marks(name: str = "noting") -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(AuditEntry).where(AuditEntry.subject == name)) or 0


def together(count: int, work: Callable[[], object]) -> None:
    start = threading.Barrier(count)

    def run() -> None:
        start.wait(20)
        work()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def test_run_due_does_everything_that_is_due(app: Flask, clock: MovableClock) -> None:
    found_society()
    matter.receipt(clock.now())
    before = app.extensions["sicf_mailer"]
    app.extensions["sicf_mailer"] = scheduler.delivery.DemoMailer()
    try:
        done = run_due(app)
    finally:
        app.extensions["sicf_mailer"] = before
    assert set(done) == {sweep.name for sweep in SWEEPS}
    assert done["mail"] == 2
    assert done["books"] == 1
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Seal)) == 1
    assert db.session.scalar(select(func.count()).where(OutboxMessage.sent_at.is_(None))) == 0
    again = run_due(app)
    assert set(again.values()) == {0}


def test_a_failing_sweep_is_logged_undone_and_stops_no_other(
    app: Flask, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(now: datetime) -> int:
        record(None, "swept", "failing", at=now)
        db.session.flush()
        raise ZeroDivisionError

    done = run_due(app, (Sweep("failing", fail, 60), noting()))
    assert done == {"noting": 1}
    assert (marks("failing"), marks()) == (0, 1)
    assert "the sweep of failing failed and will be tried again" in caplog.text


def test_a_tick_waits_for_its_time(app: Flask, clock: MovableClock) -> None:
    sweep = noting(every=60)
    tick = lambda: scheduler._run(app, sweep)  # noqa: E731
    assert [tick(), tick()] == [1, None]
    clock.move(timedelta(seconds=59))
    assert tick() == 1
    assert marks() == 2


def test_a_failed_tick_is_tried_again_at_the_next(app: Flask, clock: MovableClock) -> None:
    results = iter([ZeroDivisionError, 1])

    def work(now: datetime) -> int:
        if (result := next(results)) == 1:
            return 1
        raise result  # type: ignore[misc]

    sweep = Sweep("shaky", work, 3600)
    assert scheduler._run(app, sweep) is None
    assert scheduler._run(app, sweep) == 1


def test_two_schedulers_at_once_do_each_thing_once(app: Flask, clock: MovableClock) -> None:
    sweep = noting()
    together(4, lambda: scheduler._run(app, sweep))
    assert marks() == 1


def test_work_with_transactions_of_its_own_is_done_once_too(app: Flask, clock: MovableClock) -> None:
    calls: list[datetime] = []

    def work(now: datetime) -> int:
        calls.append(now)
        return 1

    sweep = Sweep("outside", work, 60, opens_transactions=True)
    together(4, lambda: scheduler._run(app, sweep))
    assert len(calls) == 1


def test_run_by_hand_waits_for_another_that_is_at_it(app: Flask, clock: MovableClock) -> None:
    """By hand means now: the work is done again after the other has finished, not skipped."""
    inside, leave = threading.Event(), threading.Event()

    def work(now: datetime) -> int:
        inside.set()
        leave.wait(20)
        record(None, "swept", "noting", at=now)
        return 1

    sweep = Sweep("slow", work, 60)
    first = threading.Thread(target=lambda: scheduler._run(app, sweep))
    first.start()
    assert inside.wait(20)
    done: list[dict[str, int]] = []
    second = threading.Thread(target=lambda: done.append(run_due(app, (sweep,))))
    second.start()
    leave.set()
    first.join(60)
    second.join(60)
    assert done == [{"slow": 1}]
    assert marks() == 2


def test_it_remembers_when_each_sweep_ran(app: Flask, clock: MovableClock) -> None:
    run_due(app)
    db.session.rollback()
    turns = {turn.name: turn.last_at for turn in db.session.scalars(select(SweepTurn))}
    assert turns == {sweep.name: clock.now() for sweep in SWEEPS}


def test_a_week_away_is_caught_up_once(app: Flask, clock: MovableClock) -> None:
    sweep = noting()
    scheduler._run(app, sweep)
    clock.move(timedelta(days=7))
    scheduler._run(app, sweep)
    scheduler._run(app, sweep)
    assert marks() == 2


def test_the_scheduler_holds_interval_jobs_in_memory(app: Flask) -> None:
    jobs = background(app)
    assert {job.id for job in jobs.get_jobs()} == {sweep.name for sweep in SWEEPS}
    for job in jobs.get_jobs():
        assert isinstance(job.trigger, IntervalTrigger)
        assert str(job.trigger.timezone) == "UTC"
    books = next(sweep for sweep in SWEEPS if sweep.name == "books")
    assert books.every <= 60  # the books are sealed within a minute


def test_a_running_scheduler_does_the_work(app: Flask, clock: MovableClock) -> None:
    done = threading.Event()

    def work(now: datetime) -> int:
        record(None, "swept", "noting", at=now)
        done.set()
        return 1

    jobs = background(app, (Sweep("noting", work, 60),))
    jobs.start()
    try:
        assert done.wait(20)
    finally:
        jobs.shutdown()
    assert marks() == 1
