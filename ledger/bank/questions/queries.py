"""Reads of files that wait for an answer and of remembered layouts."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import url_for
from sqlalchemy import select

from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.policy import policy_at
from fund.kernel.tasks import Task
from ledger.bank.questions.models import BankLayout, WaitingFile
from ledger.queries import LARGEST_ID

MOST_LISTED = 50


def waiting(limit: int = MOST_LISTED) -> Sequence[WaitingFile]:
    """Files that wait for an answer, oldest first."""
    return db.session.scalars(
        select(WaitingFile).where(WaitingFile.closed_at.is_(None)).order_by(WaitingFile.id).limit(limit)
    ).all()


def waits(now: datetime) -> timedelta:
    """How long a file waits for its answers, by the fund's settings. Statements come monthly, and the bank gives each
    again."""
    return timedelta(days=policy_at(now).statement_file_days)


def waiting_file(waiting_id: int, *, lock: bool = False) -> WaitingFile:
    """One file that waits or has waited."""
    if not 0 < waiting_id <= LARGEST_ID:
        raise NotFound
    found = db.session.get(WaitingFile, waiting_id, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise NotFound
    return found


def layouts(limit: int = MOST_LISTED) -> Sequence[BankLayout]:
    """Layouts that are remembered, newest first."""
    return db.session.scalars(select(BankLayout).order_by(BankLayout.id.desc()).limit(limit)).all()


def layout(fingerprint: str) -> BankLayout | None:
    """What is remembered of a layout."""
    return db.session.scalar(select(BankLayout).where(BankLayout.fingerprint == fingerprint))


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """For who keeps the bank: files that wait for an answer."""
    if not actor.may(Permission.KEEP_BANK):
        return []
    kept = waits(now)
    return [
        Task(
            f"Answer what the file {one.filename} leaves open",
            "Nothing of it is booked before that.",
            url_for("bank_questions.question", waiting_id=one.id),
            due=one.sent_at + kept,
        )
        for one in waiting(5)
    ]
