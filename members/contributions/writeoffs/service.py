"""Writing off by two people (handbook §6: whoever prepares never decides). What is written off may still be paid."""

from datetime import datetime

from sqlalchemy import select

import ledger.service
from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, NotAllowed, NotFound
from ledger.money import format_pence
from members.contributions import rules
from members.contributions.models import PledgeInstalment
from members.contributions.schedules.rules import InstalmentState
from members.contributions.schedules.service import locked
from members.contributions.writeoffs.models import WriteOff
from members.models import Appointment
from members.queries import LARGEST_ID


def _require_apart(one: PledgeInstalment, actor: Actor) -> None:
    """May write off, and belongs to another organisation than the one that pledged."""
    actor.require(Permission.WRITE_OFF_PLEDGES)
    own = select(Appointment.id).where(
        Appointment.person_id == actor.person_id,
        Appointment.organisation_id == one.pledge.organisation_id,
        Appointment.ended_at.is_(None),
    )
    if db.session.scalar(own.limit(1)) is not None:
        raise NotAllowed(
            f"You have a role in {one.pledge.organisation.name}, so others must decide this. Ask a steward without one."
        )


def propose(*, instalment_id: int, reason: str, actor: Actor, now: datetime) -> WriteOff:
    """Propose to write off what is still to come of an instalment. Nothing changes before another person confirms.

    Raises:
        NotAllowed: one's own organisation's pledge.
        NotFound: no such instalment.
        Conflict: nothing is to come of it, or a proposal waits already.
    """
    one = locked(instalment_id)
    _require_apart(one, actor)
    if one.state is not InstalmentState.OPEN:
        raise Conflict(f"Nothing is to come of {one.reference} any more, so there is nothing to write off.")
    waiting = select(WriteOff.id).where(WriteOff.instalment_id == one.id, WriteOff.decided_at.is_(None))
    if db.session.scalar(waiting) is not None:
        raise Conflict(f"Somebody proposed to write off {one.reference} already. It waits among the write-offs.")
    made = WriteOff(
        instalment_id=one.id,
        pence=one.due_pence,
        reason=reason,
        proposed_at=now,
        proposed_by_id=actor.person_id,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(actor, "write_off.proposed", one.reference, at=now, after={"pence": made.pence, "reason": reason})
    return made


def decide(*, write_off_id: int, confirmed: bool, actor: Actor, now: datetime) -> WriteOff:
    """Confirm a write-off, or leave the instalment as it is. Somebody else than who proposed it.

    Raises:
        NotAllowed: one's own proposal, or one's own organisation's pledge.
        NotFound: no such proposal.
        Conflict: it was decided first, or part of the money has come since.
    """
    if not 0 < write_off_id <= LARGEST_ID:
        raise NotFound
    instalment_id = db.session.scalar(select(WriteOff.instalment_id).where(WriteOff.id == write_off_id))
    one = locked(instalment_id or 0)
    found = db.session.scalars(
        select(WriteOff).where(WriteOff.id == write_off_id).with_for_update().execution_options(populate_existing=True)
    ).one()
    _require_apart(one, actor)
    if found.decided_at is not None:
        raise Conflict(f"Somebody decided this first. {one.reference} shows what became of it.")
    if found.proposed_by_id == actor.person_id:
        raise NotAllowed("You proposed this write-off, so somebody else must decide it. Ask another steward.")
    if confirmed:
        _write_off(one, found, actor, now)
    found.decided_at, found.decided_by_id, found.confirmed = now, actor.person_id, confirmed
    db.session.flush()
    audit.record(
        actor,
        "write_off.confirmed" if confirmed else "write_off.refused",
        one.reference,
        at=now,
        after={"pence": found.pence, "reason": found.reason},
    )
    return found


def _write_off(one: PledgeInstalment, found: WriteOff, actor: Actor, now: datetime) -> None:
    if one.due_pence != found.pence:
        raise Conflict(
            f"{format_pence(one.due_pence)} is still to come of {one.reference} now, not {format_pence(found.pence)}. "
            "Refuse this proposal, and make another if it is still needed."
        )
    organisation = one.pledge.organisation
    if one.invoiced_pence:
        ledger.service.settle_promise(
            key=f"write_off:{found.id}",
            kind="written_off",
            contributor=organisation.owner,
            pence=one.invoiced_pence,
            occurred_on=london_day(now),
            description=f"{organisation.name}, {one.reference} written off: {found.reason}",
            actor=actor,
            now=now,
        )
    one.state, one.invoiced_pence, one.written_off_pence = InstalmentState.WRITTEN_OFF, 0, found.pence
    pledge = one.pledge
    pledge.written_off_pence += found.pence
    pledge.state = rules.state_after(pledge.pence, pledge.paid_pence, pledge.written_off_pence)
