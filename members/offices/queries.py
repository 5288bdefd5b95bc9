"""Reads of who holds which role for the fund, and of the changes that wait for a second person."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from fund.kernel.access import Actor, Permission, Role
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.tasks import Task
from members.accounts.models import FundAppointment, Invitation, Person
from members.accounts.rules import email_key
from members.offices.models import RoleChange
from members.offices.rules import KEEPERS, ChangeKind, ChangeState
from members.queries import LARGEST_ID
from members.rules import ROLE_NAMES

MOST_ROWS = 200


def held_now() -> list[FundAppointment]:
    """Every role held for the fund, by role, then name."""
    return list(
        db.session.scalars(
            select(FundAppointment)
            .join(FundAppointment.person)
            .options(joinedload(FundAppointment.person), joinedload(FundAppointment.appointed_by))
            .where(FundAppointment.ended_at.is_(None))
            .order_by(FundAppointment.role, Person.name, FundAppointment.id)
            .limit(MOST_ROWS)
        )
    )


def ended(*, limit: int = 30) -> list[FundAppointment]:
    """Roles that ended, latest first."""
    return list(
        db.session.scalars(
            select(FundAppointment)
            .options(joinedload(FundAppointment.person))
            .where(FundAppointment.ended_at.is_not(None))
            .order_by(FundAppointment.ended_at.desc(), FundAppointment.id.desc())
            .limit(limit)
        )
    )


def appointment(appointment_id: int) -> FundAppointment:
    """A role that is held now.

    Raises:
        NotFound: when there is none.
    """
    found = db.session.get(FundAppointment, appointment_id) if 0 < appointment_id <= LARGEST_ID else None
    if found is None or found.ended_at is not None:
        raise NotFound
    return found


def offered(now: datetime) -> list[Invitation]:
    """Invitations to roles for the fund that wait to be accepted, oldest first."""
    return list(
        db.session.scalars(
            select(Invitation)
            .where(
                Invitation.organisation_id.is_(None),
                Invitation.accepted_at.is_(None),
                Invitation.withdrawn_at.is_(None),
                Invitation.expires_at > now,
            )
            .order_by(Invitation.id)
            .limit(MOST_ROWS)
        )
    )


def roles_of_address(email: str, now: datetime) -> set[Role]:
    """What somebody holds, is offered, or is proposed for, for the fund."""
    key = email_key(email)
    held = db.session.scalars(
        select(FundAppointment.role)
        .join(FundAppointment.person)
        .where(Person.email_key == key, FundAppointment.ended_at.is_(None))
    )
    waiting = db.session.scalars(
        select(RoleChange.role).where(
            RoleChange.email_key == key,
            RoleChange.organisation_id.is_(None),
            RoleChange.state == ChangeState.PROPOSED,
            RoleChange.kind == ChangeKind.GIVE,
        )
    )
    return {*held, *waiting, *(one.role for one in offered(now) if email_key(one.email) == key)}


def keepers() -> int:
    """How many people can change roles of the fund now."""
    return (
        db.session.scalar(
            select(func.count(func.distinct(FundAppointment.person_id)))
            .join(FundAppointment.person)
            .where(
                FundAppointment.role.in_(sorted(KEEPERS)),
                FundAppointment.ended_at.is_(None),
                Person.disabled_at.is_(None),
            )
        )
        or 0
    )


def holders(role: Role) -> list[Person]:
    """Who holds a role of the fund and can act, by number."""
    held = select(FundAppointment.person_id).where(FundAppointment.role == role, FundAppointment.ended_at.is_(None))
    return list(
        db.session.scalars(
            select(Person).where(Person.id.in_(held), Person.disabled_at.is_(None)).order_by(Person.id).limit(MOST_ROWS)
        )
    )


def changes(*, waiting: bool, limit: int = 100) -> list[RoleChange]:
    """Changes that wait (oldest first), or were decided (latest first)."""
    statement = select(RoleChange).options(
        joinedload(RoleChange.organisation), joinedload(RoleChange.proposed_by), joinedload(RoleChange.decided_by)
    )
    if waiting:
        statement = statement.where(RoleChange.state == ChangeState.PROPOSED).order_by(RoleChange.id)
    else:
        statement = statement.where(RoleChange.state != ChangeState.PROPOSED).order_by(RoleChange.id.desc())
    return list(db.session.scalars(statement.limit(limit)))


def change(change_id: int) -> RoleChange:
    """A change.

    Raises:
        NotFound: when there is none.
    """
    found = db.session.get(RoleChange, change_id) if 0 < change_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    return found


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """Changes that wait for a second person, who may be this one."""
    if not (actor.may(Permission.MANAGE_OFFICES) or actor.may(Permission.RESTORE_CERTIFIER)):
        return []
    return [
        Task(
            f"Confirm or decline: {one.name}, {ROLE_NAMES[one.role].lower()}",
            f"{one.proposed_by.name if one.proposed_by else 'The server'} proposed a change that takes two people.",
            f"/people/changes/{one.id}",
        )
        for one in changes(waiting=True, limit=20)
        if one.proposed_by_id != actor.person_id and _may_decide(one, actor)
    ]


def _may_decide(one: RoleChange, actor: Actor) -> bool:
    return actor.may(Permission.MANAGE_OFFICES if one.organisation_id is None else Permission.RESTORE_CERTIFIER)
