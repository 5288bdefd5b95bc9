"""Reads of write-offs."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import aliased

from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from fund.kernel.tasks import Task
from ledger.money import format_pence
from members.accounts.models import Person
from members.contributions.writeoffs.models import WriteOff


@dataclass(frozen=True)
class Shown:
    """A write-off with the names of who proposed and who decided."""

    write_off: WriteOff
    proposed_by: str
    decided_by: str | None


def write_offs(*, waiting: bool, limit: int = 100) -> list[Shown]:
    """Those that wait, oldest first; or those decided, newest first."""
    proposer, decider = aliased(Person), aliased(Person)
    query = (
        select(WriteOff, proposer.name, decider.name)
        .join(proposer, WriteOff.proposed_by_id == proposer.id)
        .outerjoin(decider, WriteOff.decided_by_id == decider.id)
        .limit(limit)
    )
    if waiting:
        query = query.where(WriteOff.decided_at.is_(None)).order_by(WriteOff.id)
    else:
        query = query.where(WriteOff.decided_at.is_not(None)).order_by(WriteOff.id.desc())
    return [Shown(*row) for row in db.session.execute(query)]


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """Proposals of others that wait for a second person."""
    if not actor.may(Permission.WRITE_OFF_PLEDGES):
        return []
    return [
        Task(
            f"Decide whether to write off {shown.write_off.instalment.reference}",
            f"{shown.proposed_by} proposed it for {format_pence(shown.write_off.pence)}: {shown.write_off.reason}",
            "/write-offs",
        )
        for shown in write_offs(waiting=True, limit=20)
        if shown.write_off.proposed_by_id != actor.person_id
    ]
