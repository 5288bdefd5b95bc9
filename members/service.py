"""What happens to organisations: applying, sector, connected groups, and naming people."""

from datetime import datetime

from sqlalchemy import or_, select

from fund.kernel import audit
from fund.kernel.access import ORGANISATION_ROLES, Actor, Permission, Role
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, NotFound, RuleBroken, require
from fund.kernel.outbox import mail
from fund.kernel.references import next_reference
from fund.kernel.topics import Topic
from members import queries
from members.accounts import queries as accounts_queries
from members.accounts import service as accounts
from members.accounts.rules import email_key
from members.models import Appointment, ConnectedGroup, GroupDecision, Organisation, SectorDecision
from members.rules import (
    ROLE_NAMES,
    MembershipStatus,
    Register,
    Sector,
    SectorFacts,
    appointment_faults,
    joining_faults,
    normal_number,
    propose_sector,
)


def apply(
    *,
    name: str,
    facts: SectorFacts,
    register: Register,
    register_number: str,
    district: str,
    address: str,
    contact_name: str,
    contact_email: str,
    actor: Actor | None,
    now: datetime,
) -> Organisation:
    """Ask to join. The sector is proposed by rule; a steward confirms it, and the board decides
    (`members.register.admission_service`).

    Raises:
        RuleBroken: a register number that can't be one, a district that isn't, or a political party.
    """
    require(joining_faults(facts, register, register_number, district))
    proposal = propose_sector(facts)
    organisation = Organisation(
        reference=next_reference("GM", digits=4),
        name=name,
        legal_form=facts.legal_form,
        register=register,
        register_number=normal_number(register, register_number) or None,
        district=district,
        address=address,
        claims=sorted([*facts.control, *facts.tests]),
        proposed_sector=proposal.sector,
        proposed_reason=proposal.reason,
        status=MembershipStatus.APPLIED,
        applied_at=now,
        contact_name=contact_name,
        contact_email=contact_email.strip(),
    )
    db.session.add(organisation)
    db.session.flush()
    audit.record(actor, "organisation.applied", organisation.reference, at=now, after={"name": name})
    mail(
        key=f"applied:{organisation.reference}",
        to=organisation.contact_email,
        subject=f"{name} has asked to join: {organisation.reference}",
        what=f"We have your application, {organisation.reference}. A steward checks it and writes to you.",
        why=f"You were named as the contact of {name}.",
        by_when="Nothing is needed from you now. You hear from us, usually within 10 working days.",
        path="/members",
        now=now,
        topic=Topic.NOTICE,
    )
    return organisation


def refuse_own(organisation: Organisation, actor: Actor) -> None:
    """Nobody decides on an organisation that they act for, or applied for.

    Raises:
        NotAllowed: when `actor` does.
    """
    own = accounts_queries.person_by_email(organisation.contact_email)
    held = {found.organisation_id for found in accounts_queries.appointments_of(actor.person_id)}
    if (own is not None and own.id == actor.person_id) or organisation.id in held:
        raise NotAllowed(f"You act for {organisation.name}, so somebody else must decide this.")


def confirm_sector(
    *, organisation_id: int, sector: Sector, basis: str, evidence: str, actor: Actor, now: datetime
) -> Organisation:
    """Change the sector of a member on new facts; what was decided before is kept."""
    actor.require(Permission.ADMIT_MEMBERS)
    organisation = queries.lock_organisation(organisation_id)
    if organisation.status is not MembershipStatus.MEMBER:
        raise Conflict(f"{organisation.name} is not a member now, so its sector can't be changed.")
    refuse_own(organisation, actor)
    if organisation.sector is sector:
        raise RuleBroken([Finding(f"{organisation.name} is in this sector already.", "sector")])
    decide_sector(organisation, sector, basis, evidence, actor, now)
    return organisation


def decide_sector(
    organisation: Organisation, sector: Sector, basis: str, evidence: str, actor: Actor, now: datetime
) -> None:
    """Write a decision on the sector down, and make it the present one. Whether it may be is for who calls this."""
    audit.record(
        actor,
        "organisation.sector_decided",
        organisation.reference,
        at=now,
        before={"sector": organisation.sector},
        after={"sector": sector},
    )
    organisation.sector = sector
    organisation.sector_basis = basis
    db.session.add(
        SectorDecision(
            organisation_id=organisation.id,
            sector=sector,
            basis=basis,
            evidence=evidence,
            decided_by_id=actor.person_id,
            decided_at=now,
        )
    )


# --- connected groups (handbook §4.1)


def connect(*, organisation_id: int, other_id: int, reason: str, actor: Actor, now: datetime) -> ConnectedGroup:
    """Put two organisations, and all that either is connected with, into one group; the reason is kept for good."""
    actor.require(Permission.ADMIT_MEMBERS)
    if organisation_id == other_id:
        raise RuleBroken([Finding("An organisation can't be connected with itself. Name another.", "other")])
    first, second = (queries.lock_organisation(found) for found in sorted((organisation_id, other_id)))
    organisation, other = (first, second) if first.id == organisation_id else (second, first)
    refuse_own(organisation, actor)
    refuse_own(other, actor)
    if organisation.group_id is not None and organisation.group_id == other.group_id:
        raise Conflict(f"{organisation.name} and {other.name} are in one group already.")
    group = organisation.group or other.group
    if group is None:
        group = ConnectedGroup(name=f"Connected with {organisation.name}")
        db.session.add(group)
        db.session.flush()
    for found in _both_groups(organisation, other):
        if found.group_id != group.id:
            _regroup(found, group.id, reason, actor, now)
    db.session.flush()
    return group


def _both_groups(organisation: Organisation, other: Organisation) -> list[Organisation]:
    """The two, and all that either is in a group with, locked in order of their keys."""
    ids = {organisation.id, other.id}
    groups = [found.group_id for found in (organisation, other) if found.group_id is not None]
    statement = select(Organisation).where(or_(Organisation.id.in_(ids), Organisation.group_id.in_(groups)))
    return list(db.session.scalars(statement.order_by(Organisation.id).with_for_update()))


def _regroup(organisation: Organisation, group_id: int | None, reason: str, actor: Actor, now: datetime) -> None:
    audit.record(
        actor,
        "organisation.disconnected" if group_id is None else "organisation.connected",
        organisation.reference,
        at=now,
        before={"group": organisation.group_id},
        after={"group": group_id},
    )
    organisation.group_id = group_id
    db.session.add(
        GroupDecision(
            organisation_id=organisation.id,
            group_id=group_id,
            reason=reason,
            decided_by_id=actor.person_id,
            decided_at=now,
        )
    )


def disconnect(*, organisation_id: int, reason: str, actor: Actor, now: datetime) -> None:
    """Take an organisation out of its group; the reason is kept for good."""
    actor.require(Permission.ADMIT_MEMBERS)
    organisation = queries.lock_organisation(organisation_id)
    refuse_own(organisation, actor)
    if organisation.group_id is None:
        raise Conflict(f"{organisation.name} is in no group any more.")
    _regroup(organisation, None, reason, actor, now)


# --- people (handbook §4.2)


def appoint(*, organisation_id: int, name: str, email: str, role: Role, actor: Actor, now: datetime) -> str:
    """Offer a person a role in one's own organisation; they accept it themselves. Returns the link's secret token.

    Raises:
        RuleBroken: a second representative, a third deputy, somebody who votes for another member, or a double.
    """
    _require_own(organisation_id, actor)
    if role not in ORGANISATION_ROLES:
        raise RuleBroken([Finding("Choose a role inside your organisation.", "role")])
    queries.lock_organisation(organisation_id)
    person = accounts_queries.person_by_email(email)
    require(
        appointment_faults(
            role,
            email_key(email),
            queries.seats(organisation_id, now),
            elsewhere=person is not None and queries.represents_elsewhere(person.id, organisation_id),
        )
    )
    return accounts.invite(
        name=name, email=email, role=role, organisation_id=organisation_id, invited_by=actor, now=now
    )


def _require_own(organisation_id: int, actor: Actor) -> None:
    if actor.organisation_id != organisation_id:
        raise NotFound
    actor.require(Permission.MANAGE_OWN_ORGANISATION)


def withdraw_invitation(*, invitation_id: int, organisation_id: int, actor: Actor, now: datetime) -> None:
    """Take back an invitation of one's own organisation."""
    _require_own(organisation_id, actor)
    accounts.withdraw_invitation(invitation_id=invitation_id, organisation_id=organisation_id, actor=actor, now=now)


def end_appointment(*, appointment_id: int, organisation_id: int, actor: Actor, now: datetime) -> Appointment:
    """End a role in one's own organisation. The last certifier stays, so that nobody is locked out."""
    _require_own(organisation_id, actor)
    organisation = queries.lock_organisation(organisation_id)
    if not 0 < appointment_id <= queries.LARGEST_ID:
        raise NotFound
    appointment = db.session.execute(
        select(Appointment)
        .where(Appointment.id == appointment_id, Appointment.organisation_id == organisation_id)
        .with_for_update()
    ).scalar_one_or_none()
    if appointment is None:
        raise NotFound
    if appointment.ended_at is not None:
        raise Conflict(f"{appointment.person.name}'s role was ended meanwhile. Look at the people page again.")
    if appointment.role is Role.CERTIFIER and not any(
        other.id != appointment.person_id for other in queries.people_with(organisation_id, {Role.CERTIFIER})
    ):
        raise RuleBroken(
            f"{appointment.person.name} is the only certifier of {organisation.name}. "
            "Appoint another, wait until they accept, then end this role."
        )
    appointment.ended_at = now
    if appointment.person_id != actor.person_id:
        accounts.sign_out_everywhere(person_id=appointment.person_id, now=now)
    audit.record(
        actor,
        "appointment.ended",
        organisation.reference,
        at=now,
        before={"person_id": appointment.person_id, "role": appointment.role},
    )
    mail(
        key=f"appointment-ended:{appointment.id}",
        to=appointment.person.email,
        subject=f"You are no longer {ROLE_NAMES[appointment.role].lower()} of {organisation.name}",
        what=f"{actor.name} ended your role as {ROLE_NAMES[appointment.role].lower()} of {organisation.name}.",
        why="We always tell you when a role of yours ends. If this is wrong, ask them.",
        path=f"/members/{organisation.reference}",
        now=now,
        topic=Topic.ACCOUNT,
    )
    return appointment
