"""Handing a person's roles in an organisation over to colleagues by name, when they leave or a role of theirs ends."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import select

from fund.kernel import audit
from fund.kernel.access import Actor, Permission, Role
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotFound, require
from fund.kernel.outbox import mail
from members import queries
from members.accounts import service as accounts
from members.accounts.models import Person
from members.models import Appointment, Organisation
from members.rules import ROLE_NAMES, appointment_faults


def hand_over(
    *,
    organisation_id: int,
    person_id: int,
    takers: Mapping[Role, int | None],
    duties: Mapping[Role, list[str]],
    actor: Actor,
    now: datetime,
) -> None:
    """End all roles of a person in one's own organisation, and give each to the colleague named.

    A colleague works for the organisation already, so needs no invitation; somebody new is invited first. A deputy who
    becomes representative is deputy no longer.

    Args:
        takers: for each role that the person holds, a colleague, or None for nobody.
        duties: for each role, what waits now, in words for the mail to its new holder.

    Raises:
        Conflict: the person's roles are no longer those of `takers`.
        RuleBroken: nobody would be left who can certify, or a colleague may not have the role; beside each role.
    """
    if actor.organisation_id != organisation_id:
        raise NotFound
    actor.require(Permission.MANAGE_OWN_ORGANISATION)
    organisation = queries.lock_organisation(organisation_id)
    held = {one.role: one for one in _held(organisation_id, person_id)}
    if not held or set(held) != set(takers):
        raise Conflict("This person's roles were changed meanwhile. Look at the people page, then begin again.")
    name = next(iter(held.values())).person.name
    colleagues = {
        one.person_id: one.person for one in queries.appointments(organisation_id) if not one.person.disabled_at
    }
    colleagues.pop(person_id, None)
    if any(taker is not None and taker not in colleagues for taker in takers.values()):
        raise NotFound
    for one in held.values():
        _end(one, organisation, actor, now)
    faults: list[Finding] = []
    for role in sorted(takers, key=list(Role).index):
        taker_id = takers[role]
        if taker_id is not None:
            faults += _take(role, colleagues[taker_id], organisation, actor, now)
    faults += _certifier_faults(organisation, name)
    require(faults)
    _tell(organisation, name, takers, duties, actor, now)


def _held(organisation_id: int, person_id: int) -> list[Appointment]:
    return list(
        db.session.scalars(
            select(Appointment)
            .where(
                Appointment.organisation_id == organisation_id,
                Appointment.person_id == person_id,
                Appointment.ended_at.is_(None),
            )
            .order_by(Appointment.id)
            .with_for_update()
        )
    )


def _end(one: Appointment, organisation: Organisation, actor: Actor, now: datetime) -> None:
    one.ended_at = now
    db.session.flush()
    audit.record(
        actor,
        "appointment.ended",
        organisation.reference,
        at=now,
        before={"person_id": one.person_id, "role": one.role},
    )


def _take(role: Role, taker: Person, organisation: Organisation, actor: Actor, now: datetime) -> Iterator[Finding]:
    """Give `role` to a colleague, or say why not, beside the role."""
    own = {one.role: one for one in _held(organisation.id, taker.id)}
    if role in own:
        return
    if role is Role.REPRESENTATIVE and Role.DEPUTY in own:
        _end(own[Role.DEPUTY], organisation, actor, now)
    faults = list(
        appointment_faults(
            role,
            taker.email_key,
            queries.seats(organisation.id, now),
            elsewhere=queries.represents_elsewhere(taker.id, organisation.id),
        )
    )
    if faults:
        yield from (Finding(fault.message, role.value) for fault in faults)
        return
    accounts.seat(organisation_id=organisation.id, person_id=taker.id, role=role, actor=actor, now=now)
    audit.record(
        actor,
        "appointment.handed_over",
        organisation.reference,
        at=now,
        after={"person_id": taker.id, "role": role},
    )


def _certifier_faults(organisation: Organisation, name: str) -> Iterator[Finding]:
    if not queries.people_with(organisation.id, {Role.CERTIFIER}):
        yield Finding(
            f"{name} is the only certifier of {organisation.name}. Name who certifies from now on; "
            "somebody new must be invited and accept first.",
            Role.CERTIFIER.value,
        )


def _tell(
    organisation: Organisation,
    name: str,
    takers: Mapping[Role, int | None],
    duties: Mapping[Role, list[str]],
    actor: Actor,
    now: datetime,
) -> None:
    """Each new holder, with what waits for them."""
    for taker_id in sorted({taker for taker in takers.values() if taker is not None}):
        roles = [role for role in takers if takers[role] == taker_id]
        waiting = list(dict.fromkeys(title for role in roles for title in duties.get(role, [])))
        mail(
            key=f"handed-over:{organisation.id}:{taker_id}:{now.isoformat()}",
            to=db.session.get_one(Person, taker_id).email,
            subject=f"You take over from {name} at {organisation.name}",
            what=f"You are now {' and '.join(ROLE_NAMES[role].lower() for role in roles)} of {organisation.name}. "
            f"{'What waits: ' + '; '.join(waiting) + '.' if waiting else 'Nothing waits at the moment.'}",
            why=f"{actor.name} named you when {name}'s roles ended.",
            by_when="The page shows each date." if waiting else "Nothing is needed by a date.",
            path="/tasks",
            now=now,
        )
