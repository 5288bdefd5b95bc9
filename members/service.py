"""What happens to organisations: applying, admission or refusal, sector, connected groups, and naming people."""

from datetime import datetime

from sqlalchemy import select, update

from fund.kernel import audit
from fund.kernel.access import ORGANISATION_ROLES, Actor, Permission, Role
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, NotFound, RuleBroken, require
from fund.kernel.outbox import mail
from fund.kernel.places import DISTRICT_NAMES
from fund.kernel.references import next_reference
from fund.kernel.topics import Topic
from members import queries
from members.accounts import queries as accounts_queries
from members.accounts import service as accounts
from members.accounts.rules import email_key
from members.models import Appointment, ConnectedGroup, Organisation, SectorDecision
from members.rules import (
    ROLE_NAMES,
    LegalForm,
    MembershipStatus,
    Register,
    Sector,
    SectorFacts,
    appointment_faults,
    normal_number,
    number_faults,
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
    """Ask to join. The sector is proposed by rule; a steward confirms it.

    Raises:
        RuleBroken: a register number that can't be one, a district that isn't, or a political party.
    """
    found = list(number_faults(register, register_number))
    if district not in DISTRICT_NAMES:
        found.append(Finding("Choose the district where you mostly work.", "district"))
    if facts.legal_form is LegalForm.POLITICAL_PARTY:
        found.append(Finding("Political parties can't join the fund.", "legal_form"))
    require(found)
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


def _application(organisation_id: int, actor: Actor) -> Organisation:
    """A waiting application, locked, that `actor` may decide."""
    actor.require(Permission.ADMIT_MEMBERS)
    organisation = queries.lock_organisation(organisation_id)
    if organisation.status is not MembershipStatus.APPLIED:
        raise Conflict(
            f"{organisation.name} was decided on meanwhile: {organisation.status.value}. "
            "Go back to the list of applications for those that still wait."
        )
    _refuse_own(organisation, actor)
    return organisation


def _refuse_own(organisation: Organisation, actor: Actor) -> None:
    own = accounts_queries.person_by_email(organisation.contact_email)
    held = {found.organisation_id for found in accounts_queries.appointments_of(actor.person_id)}
    if (own is not None and own.id == actor.person_id) or organisation.id in held:
        raise NotAllowed(f"You act for {organisation.name}, so another steward must decide this.")


def approve(
    *,
    organisation_id: int,
    sector: Sector,
    basis: str,
    evidence: str,
    reasons: str,
    actor: Actor,
    now: datetime,
) -> Organisation:
    """Admit an applicant with a confirmed sector, and invite its contact as certifier.

    Args:
        sector: may differ from the one proposed.
        basis: by which rule, in words.
        evidence: what was looked at, such as the entry of a register.
        reasons: why it is admitted.
    """
    organisation = _application(organisation_id, actor)
    doubles = [other for other in queries.same_number(organisation) if other.status is MembershipStatus.MEMBER]
    if doubles:
        raise RuleBroken(
            f"{doubles[0].name} ({doubles[0].reference}) is a member with the same register number. "
            "Refuse this application, and point its contact to that member."
        )
    _decide_sector(organisation, sector, basis, evidence, actor, now)
    organisation.status = MembershipStatus.MEMBER
    organisation.joined_on = london_day(now)
    _decide(organisation, reasons, actor, now)
    audit.record(actor, "organisation.admitted", organisation.reference, at=now, after={"sector": sector})
    accounts.invite(
        name=organisation.contact_name,
        email=organisation.contact_email,
        role=Role.CERTIFIER,
        organisation_id=organisation.id,
        invited_by=actor,
        now=now,
    )
    return organisation


def refuse(*, organisation_id: int, reasons: str, actor: Actor, now: datetime) -> Organisation:
    """Turn an applicant away, and tell its contact why."""
    organisation = _application(organisation_id, actor)
    organisation.status = MembershipStatus.REFUSED
    _decide(organisation, reasons, actor, now)
    audit.record(actor, "organisation.refused", organisation.reference, at=now)
    mail(
        key=f"refused:{organisation.reference}",
        to=organisation.contact_email,
        subject=f"{organisation.name} can't join for now",
        what=f"We did not admit {organisation.name} as a member. Our reasons: {reasons}",
        why=f"You were named as the contact of {organisation.name} ({organisation.reference}).",
        by_when="You may apply again at any time, and may ask for one appeal by answering this mail.",
        path="/join",
        now=now,
        topic=Topic.NOTICE,
    )
    return organisation


def _decide(organisation: Organisation, reasons: str, actor: Actor, now: datetime) -> None:
    organisation.decided_at = now
    organisation.decided_by_id = actor.person_id
    organisation.decision_reasons = reasons
    db.session.flush()


def confirm_sector(
    *, organisation_id: int, sector: Sector, basis: str, evidence: str, actor: Actor, now: datetime
) -> Organisation:
    """Change the sector of a member on new facts; what was decided before is kept."""
    actor.require(Permission.ADMIT_MEMBERS)
    organisation = queries.lock_organisation(organisation_id)
    if organisation.status is not MembershipStatus.MEMBER:
        raise Conflict(f"{organisation.name} is not a member now, so its sector can't be changed.")
    _refuse_own(organisation, actor)
    if organisation.sector is sector:
        raise RuleBroken([Finding(f"{organisation.name} is in this sector already.", "sector")])
    _decide_sector(organisation, sector, basis, evidence, actor, now)
    return organisation


def _decide_sector(
    organisation: Organisation, sector: Sector, basis: str, evidence: str, actor: Actor, now: datetime
) -> None:
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


def connect(*, organisation_id: int, other_id: int, actor: Actor, now: datetime) -> ConnectedGroup:
    """Put two organisations, and all that either is connected with, into one group."""
    actor.require(Permission.ADMIT_MEMBERS)
    if organisation_id == other_id:
        raise RuleBroken([Finding("An organisation can't be connected with itself. Name another.", "other")])
    first, second = (queries.lock_organisation(found) for found in sorted((organisation_id, other_id)))
    organisation, other = (first, second) if first.id == organisation_id else (second, first)
    if organisation.group_id is not None and organisation.group_id == other.group_id:
        raise Conflict(f"{organisation.name} and {other.name} are in one group already.")
    group = organisation.group or other.group
    if group is None:
        group = ConnectedGroup(name=f"Connected with {organisation.name}")
        db.session.add(group)
        db.session.flush()
    elif other.group_id is not None and other.group_id != group.id:
        db.session.execute(
            update(Organisation).where(Organisation.group_id == other.group_id).values(group_id=group.id)
        )
    for found in (organisation, other):
        audit.record(
            actor,
            "organisation.connected",
            found.reference,
            at=now,
            before={"group": found.group_id},
            after={"group": group.id},
        )
        found.group_id = group.id
    db.session.flush()
    return group


def disconnect(*, organisation_id: int, actor: Actor, now: datetime) -> None:
    """Take an organisation out of its group."""
    actor.require(Permission.ADMIT_MEMBERS)
    organisation = queries.lock_organisation(organisation_id)
    if organisation.group_id is None:
        raise Conflict(f"{organisation.name} is in no group any more.")
    audit.record(
        actor, "organisation.disconnected", organisation.reference, at=now, before={"group": organisation.group_id}
    )
    organisation.group_id = None


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
