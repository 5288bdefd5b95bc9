"""Which sweep runs when.

Deadlines are rows; a sweep does what has fallen due, however long ago, and finds nothing the second time. The scheduler
holds interval jobs only, in UTC and in memory, so there is nothing to get out of step with the code. Any number of
schedulers may run at once: each sweep has a row that says when it may run next. The row is locked and moved on in the
sweep's own transaction, so one scheduler does the work while another finds the row locked or moved (on SQLite it waits
for the write lock first), and a sweep that fails leaves the row as it was and is tried again at the next tick.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

import fund.grants.payments.owing
import fund.grants.service
import fund.privacy.service
import fund.reporting.service
import ledger.bank.questions.service
import ledger.service
import members.accounts.factors.service
import members.accounts.service
import members.contributions.cards.sweeps
import members.contributions.invoices.reminders
import members.contributions.invoices.service
import members.contributions.matching.service
import members.register.leaving_service
import proposals.brokerage.closing
import proposals.service
import voting.service
from fund import delivery
from fund.kernel.clock import Clock
from fund.kernel.db import db, transaction
from fund.kernel.sweeps import SweepTurn

log = logging.getLogger("fund.scheduler")


@dataclass(frozen=True)
class Sweep:
    """Work that falls due by itself.

    Attributes:
        name: what logs and `sicf run-due` call it.
        work: does what is due at an instant and says how much that was; runs in one transaction of ours.
        every: seconds between two runs.
        opens_transactions: the work opens its own, because it speaks to the outside world between them.
    """

    name: str
    work: Callable[[datetime], int]
    every: int
    opens_transactions: bool = False


def _seal(now: datetime) -> int:
    return int(ledger.service.seal(now) is not None)


SWEEPS = (
    Sweep("memberships", members.register.leaving_service.sweep, 300),
    Sweep("rounds", proposals.service.sweep, 30),
    Sweep("partner requests", proposals.brokerage.closing.settle, 60),
    Sweep("invoices", members.contributions.invoices.service.sweep, 3600),
    Sweep("reminders", members.contributions.invoices.reminders.sweep, 3600),
    Sweep("ballots", voting.service.sweep, 30),
    Sweep("grants", fund.grants.service.sweep, 60),
    Sweep("reports", fund.reporting.service.sweep, 60),
    Sweep("grants owed", fund.grants.payments.owing.sweep, 300, opens_transactions=True),
    Sweep("sign-ins", members.accounts.service.sweep, 3600),
    Sweep("old records", fund.privacy.service.sweep, 86400),
    Sweep("passkeys", members.accounts.factors.service.sweep, 3600),
    Sweep("payments online", members.contributions.cards.sweeps.settle, 60, opens_transactions=True),
    Sweep("payments compared", members.contributions.cards.sweeps.compare, 86400, opens_transactions=True),
    Sweep("statement files", ledger.bank.questions.service.sweep, 3600),
    Sweep("bank matches", members.contributions.matching.service.sweep, 60, opens_transactions=True),
    Sweep("books", _seal, 30),
    Sweep("mail", delivery.deliver, 15, opens_transactions=True),
)
"""In the order of a run by hand: what decides before what tells of it."""


def run_due(app: Flask, sweeps: tuple[Sweep, ...] = SWEEPS) -> dict[str, int]:
    """Do everything that is due now, once, and wait for another scheduler that is at it.

    One failing sweep doesn't keep the others from running.

    Returns:
        Sweep name → how much was done. A sweep that failed is logged and left out.
    """
    done = {}
    for sweep in sweeps:
        count = _run(app, sweep, by_hand=True)
        if count is not None:
            done[sweep.name] = count
    return done


def background(app: Flask, sweeps: tuple[Sweep, ...] = SWEEPS) -> BackgroundScheduler:
    """A scheduler in threads of this process, not yet started."""
    scheduler = BackgroundScheduler(
        timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    for sweep in sweeps:
        scheduler.add_job(
            _run, "interval", args=(app, sweep), seconds=sweep.every, id=sweep.name, next_run_time=datetime.now(UTC)
        )
    return scheduler


def _run(app: Flask, sweep: Sweep, *, by_hand: bool = False) -> int | None:
    """One tick of one sweep: how much was done, or None where it was another's turn or it failed."""
    with app.app_context():
        try:
            now = cast(Clock, app.extensions["sicf_clock"]).now()
            if sweep.opens_transactions:
                with transaction() as session:
                    ours = _take_turn(session, sweep, now, by_hand=by_hand)
                count = sweep.work(now) if ours else None
            else:
                with transaction() as session:
                    ours = _take_turn(session, sweep, now, by_hand=by_hand)
                    count = sweep.work(now) if ours else None
        except Exception:
            log.exception("the sweep of %s failed and will be tried again", sweep.name)
            return None
        finally:
            db.session.remove()
    if count:
        log.info("%s: %d done", sweep.name, count)
    return count


def _take_turn(session: Session, sweep: Sweep, now: datetime, *, by_hand: bool) -> bool:
    """Whether this sweep is ours to run now; if so, until its next time or the end of the transaction."""
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    session.execute(
        insert(SweepTurn).values(name=sweep.name, next_at=now).on_conflict_do_nothing(index_elements=["name"])
    )
    turn = session.scalar(
        select(SweepTurn).where(SweepTurn.name == sweep.name).with_for_update(skip_locked=not by_hand)
    )
    if turn is None or (turn.next_at > now and not by_hand):
        return False
    turn.last_at = now
    turn.next_at = now + timedelta(seconds=sweep.every * 0.9)  # a tick of our own may come a moment early
    return True
