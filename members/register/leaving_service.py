"""How a membership pauses and ends: leaving, suspension, expulsion, endings that the board finds (handbook §4.2)."""

from datetime import date, datetime

from sqlalchemy import select, update

from fund.kernel import audit
from fund.kernel.access import Actor, Permission, Role
from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, NotFound, RuleBroken, require
from fund.kernel.outbox import mail
from members import queries as members
from members.accounts.models import Invitation
from members.models import Appointment, Organisation
from members.register import queries
from members.register.models import Expulsion, Share, Suspension
from members.register.rules import (
    ENDINGS_BY_BOARD,
    EVENT_NAMES,
    EXPULSION_NOTICE_DAYS,
    EventKind,
    earliest_expulsion,
    expulsion_faults,
    resignation_faults,
    suspension_faults,
)
from members.register.service import note
from members.rules import VOTING_ROLES, MembershipStatus
from members.service import refuse_own


def _member(organisation_id: int) -> Organisation:
    """A member, locked."""
    organisation = members.lock_organisation(organisation_id)
    if organisation.status is not MembershipStatus.MEMBER:
        raise Conflict(f"{organisation.name} is not a member now, so there is nothing to change.")
    return organisation


def _tell(organisation: Organisation, *, key: str, subject: str, what: str, by_when: str, now: datetime) -> None:
    """Write to those who may bind the organisation, and to its contact."""
    certifiers = [person.email for person in members.people_with(organisation.id, {Role.CERTIFIER})]
    for address in dict.fromkeys([*certifiers, organisation.contact_email]):
        mail(
            key=f"{key}:{address}",
            to=address,
            subject=subject,
            what=what,
            why=f"You certify for {organisation.name} ({organisation.reference}), or are its contact.",
            by_when=by_when,
            path=f"/members/{organisation.reference}",
            now=now,
        )


# --- leaving


def resign(*, organisation_id: int, effective_on: date, reasons: str, actor: Actor, now: datetime) -> Organisation:
    """A certifier takes their own organisation out of the fund, from a day on.

    Raises:
        RuleBroken: a day in the past, or more than a year ahead.
        Conflict: when it is no member, or is leaving already.
    """
    if actor.organisation_id != organisation_id:
        raise NotFound
    actor.require(Permission.BIND_ORGANISATION)
    organisation = _member(organisation_id)
    if organisation.left_on is not None:
        raise Conflict(f"{organisation.name} is leaving already, on {in_words(organisation.left_on)}.")
    require(resignation_faults(effective_on, london_day(now)))
    _end(organisation, EventKind.RESIGNED, effective_on, reasons, actor, now)
    _tell(
        organisation,
        key=f"left:{organisation.reference}:{effective_on}",
        subject=f"{organisation.name} leaves the fund on {in_words(effective_on)}",
        what=f"{actor.name} has ended the membership of {organisation.name} from {in_words(effective_on)}.",
        by_when="Grants go on: please send the reports that are still due. You may ask to join again at any time.",
        now=now,
    )
    return organisation


def _end(
    organisation: Organisation,
    kind: EventKind,
    effective_on: date,
    reasons: str,
    actor: Actor,
    now: datetime,
    resolution: str | None = None,
) -> None:
    """Fix the day on which a membership ends; if that day has come, end it."""
    organisation.left_on = effective_on
    note(organisation, kind, reasons=reasons, actor=actor, now=now, effective_on=effective_on, resolution=resolution)
    if effective_on <= london_day(now):
        _take_off_register(organisation, actor, now)


def _take_off_register(organisation: Organisation, actor: Actor | None, now: datetime) -> None:
    """The day has come: cancel its shares and end its voters' roles.

    Those who certify, keep its money matters or write for it keep their roles, so that grants are finished properly.
    """
    organisation.status = MembershipStatus.LEFT
    db.session.execute(
        update(Share)
        .where(Share.organisation_id == organisation.id, Share.cancelled_on.is_(None))
        .values(cancelled_on=organisation.left_on)
    )
    voters = db.session.scalars(
        select(Appointment)
        .where(
            Appointment.organisation_id == organisation.id,
            Appointment.role.in_(sorted(VOTING_ROLES)),
            Appointment.ended_at.is_(None),
        )
        .order_by(Appointment.id)
        .with_for_update()
    ).all()
    for voter in voters:
        voter.ended_at = now
        audit.record(
            actor,
            "appointment.ended",
            organisation.reference,
            at=now,
            before={"person_id": voter.person_id, "role": voter.role},
        )
    db.session.execute(
        update(Invitation)
        .where(
            Invitation.organisation_id == organisation.id,
            Invitation.role.in_(sorted(VOTING_ROLES)),
            Invitation.accepted_at.is_(None),
            Invitation.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now)
    )
    audit.record(actor, "organisation.left", organisation.reference, at=now)
    db.session.flush()


def sweep(now: datetime) -> int:
    """End the memberships whose last day has passed; returns how many."""
    due = db.session.scalars(
        select(Organisation)
        .where(Organisation.status == MembershipStatus.MEMBER, Organisation.left_on <= london_day(now))
        .order_by(Organisation.id)
        .limit(200)
        .with_for_update(skip_locked=True)
    ).all()
    for organisation in due:
        _take_off_register(organisation, None, now)
    return len(due)


def end_by_board(*, organisation_id: int, kind: EventKind, reasons: str, actor: Actor, now: datetime) -> Organisation:
    """The board finds that a member was dissolved or can no longer be one; the membership ends today."""
    actor.require(Permission.DECIDE_MEMBERSHIP)
    if kind not in ENDINGS_BY_BOARD:
        raise RuleBroken([Finding("Choose why the membership ends.", "kind")])
    organisation = _member(organisation_id)
    refuse_own(organisation, actor)
    _end(organisation, kind, london_day(now), reasons, actor, now)
    _tell(
        organisation,
        key=f"ended:{organisation.reference}:{london_day(now)}",
        subject=f"{organisation.name} is no longer a member",
        what=f"{EVENT_NAMES[kind]}. The board's reasons: {reasons}",
        by_when="If this is wrong, write to the secretary, or ask to join again.",
        now=now,
    )
    return organisation


# --- suspension


def suspend(
    *, organisation_id: int, from_on: date, until_on: date, reasons: str, actor: Actor, now: datetime
) -> Suspension:
    """The board pauses a membership: the member is on no roll and can't propose, and its people still read."""
    actor.require(Permission.DECIDE_MEMBERSHIP)
    organisation = _member(organisation_id)
    refuse_own(organisation, actor)
    others = [one.pause for one in queries.suspensions(organisation.id)]
    require(suspension_faults(from_on, until_on, today=london_day(now), others=others))
    made = Suspension(
        organisation_id=organisation.id,
        from_on=from_on,
        until_on=until_on,
        reasons=reasons,
        decided_by_id=actor.person_id,
        decided_at=now,
    )
    db.session.add(made)
    db.session.flush()
    note(organisation, EventKind.SUSPENDED, reasons=reasons, actor=actor, now=now, effective_on=from_on)
    _tell(
        organisation,
        key=f"suspended:{made.id}",
        subject=f"{organisation.name} is suspended until {in_words(until_on)}",
        what=f"From {in_words(from_on)} it can't vote or propose. The board's reasons: {reasons}",
        by_when=f"It ends by itself after {in_words(until_on)}. To be heard before that, write to the secretary.",
        now=now,
    )
    return made


def lift_suspension(*, organisation_id: int, reasons: str, actor: Actor, now: datetime) -> Suspension:
    """The board ends a suspension early, from today on."""
    actor.require(Permission.DECIDE_MEMBERSHIP)
    organisation = _member(organisation_id)
    refuse_own(organisation, actor)
    today = london_day(now)
    found = queries.open_suspension(organisation.id, today)
    if found is None:
        raise Conflict(f"{organisation.name} is not suspended any more. Open its page again to see how it stands.")
    found.lifted_on, found.lifted_reasons, found.lifted_by_id = today, reasons, actor.person_id
    note(organisation, EventKind.SUSPENSION_LIFTED, reasons=reasons, actor=actor, now=now)
    _tell(
        organisation,
        key=f"lifted:{found.id}",
        subject=f"{organisation.name} is no longer suspended",
        what=f"It can vote and propose again from today. The board's reasons: {reasons}",
        by_when="Nothing is needed by a date.",
        now=now,
    )
    return found


# --- expulsion


def give_expulsion_notice(
    *, organisation_id: int, meeting_on: date, reasons: str, actor: Actor, now: datetime
) -> Expulsion:
    """The secretary tells a member that a general meeting will be asked to expel it, with reasons and the day.

    Raises:
        RuleBroken: a meeting before the notice has run, naming the earliest day.
        Conflict: when one is on its way.
    """
    actor.require(Permission.KEEP_REGISTERS)
    organisation = _member(organisation_id)
    refuse_own(organisation, actor)
    if queries.open_expulsion(organisation.id) is not None:
        raise Conflict(f"{organisation.name} has notice of an expulsion already. Open its page again to see it.")
    earliest = earliest_expulsion(now)
    if meeting_on < earliest:
        raise RuleBroken(
            [
                Finding(
                    f"The member must have {EXPULSION_NOTICE_DAYS} clear days' notice. "
                    f"Choose {in_words(earliest)} or later.",
                    "meeting_on",
                )
            ]
        )
    made = Expulsion(
        organisation_id=organisation.id,
        reasons=reasons,
        noticed_at=now,
        noticed_by_id=actor.person_id,
        meeting_on=meeting_on,
    )
    db.session.add(made)
    db.session.flush()
    note(organisation, EventKind.EXPULSION_NOTICED, reasons=reasons, actor=actor, now=now)
    _tell(
        organisation,
        key=f"expulsion:{made.id}",
        subject=f"A meeting will be asked to expel {organisation.name}",
        what=f"On {in_words(meeting_on)} a general meeting decides by special resolution. The reasons: {reasons}",
        by_when=f"You have the right to be heard, in writing or at the meeting, until {in_words(meeting_on)}. "
        "Write to the secretary.",
        now=now,
    )
    return made


def _open_expulsion(organisation: Organisation) -> Expulsion:
    found = queries.open_expulsion(organisation.id)
    if found is None:
        raise Conflict(f"No expulsion of {organisation.name} is on its way. Give notice of it first.")
    return found


def record_hearing(*, organisation_id: int, heard: str, actor: Actor, now: datetime) -> Expulsion:
    """The secretary writes down what the member said, or that it chose not to speak."""
    actor.require(Permission.KEEP_REGISTERS)
    organisation = _member(organisation_id)
    refuse_own(organisation, actor)
    found = _open_expulsion(organisation)
    found.heard, found.heard_at, found.heard_by_id = heard, now, actor.person_id
    note(organisation, EventKind.HEARD, reasons=heard, actor=actor, now=now)
    return found


def close_expulsion(
    *, organisation_id: int, carried: bool, resolution: str, decided_on: date, actor: Actor, now: datetime
) -> Organisation:
    """A board member enters what the meeting decided: expelled, or not. There is no appeal: the members have decided.

    Raises:
        RuleBroken: before the notice has run (naming the earliest day), or when the member was not heard.
        NotAllowed: for the person who gave the notice.
    """
    actor.require(Permission.DECIDE_MEMBERSHIP)
    organisation = _member(organisation_id)
    refuse_own(organisation, actor)
    found = _open_expulsion(organisation)
    if found.noticed_by_id == actor.person_id:
        raise NotAllowed("You gave the notice, so another person must enter what the meeting decided.")
    today = london_day(now)
    if carried:
        require(
            expulsion_faults(
                noticed_at=found.noticed_at, heard=found.heard_at is not None, decided_on=decided_on, today=today
            )
        )
    elif decided_on > today:
        raise RuleBroken([Finding("Enter the decision once the meeting has taken it.", "decided_on")])
    found.carried, found.resolution, found.decided_on = carried, resolution, decided_on
    found.closed_at, found.closed_by_id = now, actor.person_id
    if not carried:
        note(
            organisation, EventKind.EXPULSION_DROPPED, reasons=found.reasons, actor=actor, now=now,
            effective_on=decided_on, resolution=resolution,
        )  # fmt: skip
        return organisation
    _end(organisation, EventKind.EXPELLED, today, found.reasons, actor, now, resolution)
    _tell(
        organisation,
        key=f"expelled:{found.id}",
        subject=f"{organisation.name} is no longer a member",
        what=f"The members expelled it by special resolution {resolution}. The reasons: {found.reasons}",
        by_when="There is no appeal. Grants go on as agreed: please send the reports that are still due.",
        now=now,
    )
    return organisation
