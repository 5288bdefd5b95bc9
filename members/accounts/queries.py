"""Reads of people: who is signed in, and what they may do."""

from dataclasses import dataclass
from datetime import datetime

from flask_login import UserMixin
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from fund.kernel.access import Actor, Place, Role
from fund.kernel.db import db
from members.accounts import rules
from members.accounts.models import FundAppointment, Invitation, KnownDevice, PassphraseReset, Person, PersonSession
from members.accounts.rules import email_key
from members.accounts.rules import token_hash as token_hash
from members.models import Appointment, Organisation
from members.rules import MembershipStatus

MOST_ROLES = 200
"""In organisations, for one person: far more than anybody holds, so that the question has an end."""


@dataclass(frozen=True)
class SignedIn(UserMixin):
    """What Flask-Login keeps: the session's token and the person it stands for.

    Attributes:
        is_fresh: a second step was given in this session a short while ago.
        is_passphrase_fresh: the passphrase was.
        is_stale: it was not written down for a while that this browser was seen.
    """

    token: str
    actor: Actor
    session_id: int
    is_fresh: bool
    is_passphrase_fresh: bool
    is_remembered: bool
    is_stale: bool
    factor_at: datetime | None

    def get_id(self) -> str:
        return self.token


def signed_in(token: str, now: datetime) -> SignedIn | None:
    """The person of a live session, with the roles they hold at `now`; None when the session has ended."""
    session = session_by_token(token)
    if session is None or session.is_half or not is_live(session, now):
        return None
    seen = session.last_seen_at
    return SignedIn(
        token,
        actor_of(session.person_id, session.person.name, session.acting_for_id),
        session.id,
        bool(session.is_by_demo_door) or rules.is_fresh(session.factor_at, now),
        bool(session.is_by_demo_door) or rules.is_fresh(session.passphrase_at, now),
        _is_remembered(session),
        seen is None or now - seen >= rules.SEEN_EVERY,
        session.factor_at,
    )


def session_by_token(token: str) -> PersonSession | None:
    """The session that a cookie stands for, live or not."""
    return db.session.scalar(
        select(PersonSession)
        .options(joinedload(PersonSession.person))
        .where(PersonSession.token_hash == token_hash(token))
    )


def is_live(session: PersonSession, now: datetime) -> bool:
    """Whether a session, half or whole, still stands."""
    return (
        session.ended_at is None
        and session.person.disabled_at is None
        and rules.session_is_live(
            expires_at=session.expires_at,
            last_seen_at=session.last_seen_at,
            is_remembered=_is_remembered(session),
            now=now,
        )
    )


def _is_remembered(session: PersonSession) -> bool:
    return session.is_remembered is not False  # one from before there was a choice stays till its time is over


def sessions_of(person_id: int, now: datetime) -> list[PersonSession]:
    """The browsers that somebody is signed in from, last seen first, at most 50."""
    found = db.session.scalars(
        select(PersonSession)
        .options(joinedload(PersonSession.person))
        .where(PersonSession.person_id == person_id, PersonSession.ended_at.is_(None), PersonSession.expires_at > now)
        .order_by(PersonSession.last_seen_at.desc(), PersonSession.id.desc())
        .limit(50)
    )
    return [session for session in found if is_live(session, now) and not session.is_half]


def known_device(person_id: int, device_token: str | None, now: datetime) -> KnownDevice | None:
    """The browser, if this person signed in from it before and not too long ago."""
    if device_token is None:
        return None
    found = db.session.scalar(
        select(KnownDevice).where(
            KnownDevice.person_id == person_id, KnownDevice.token_hash == token_hash(device_token)
        )
    )
    return found if found is not None and now - found.last_seen_at < rules.DEVICE_LENGTH else None


def actor_of(person_id: int, name: str, organisation_id: int | None) -> Actor:
    """The person with their fund roles, and their roles in the organisation acted for, if they hold any there."""
    roles: set[Role] = set(
        db.session.scalars(
            select(FundAppointment.role).where(
                FundAppointment.person_id == person_id, FundAppointment.ended_at.is_(None)
            )
        )
    )
    held = db.session.execute(
        select(Appointment.role, Organisation.id, Organisation.reference, Organisation.name)
        .join(Organisation, Appointment.organisation_id == Organisation.id)
        .where(
            Appointment.person_id == person_id,
            Appointment.ended_at.is_(None),
        )
        .order_by(Appointment.id)
        .limit(MOST_ROLES)
    ).all()
    places = {row.id: Place(row.id, row.name) for row in held}
    chosen = next((row for row in held if organisation_id in (None, row.id)), None)
    if chosen is None:
        return Actor(person_id, name, frozenset(roles), others=tuple(places.values()))
    roles |= {row.role for row in held if row.id == chosen.id}
    others = tuple(place for place in places.values() if place.organisation_id != chosen.id)
    return Actor(person_id, name, frozenset(roles), chosen.id, chosen.reference, chosen.name, others)


def person_by_email(email: str) -> Person | None:
    """Who has this address."""
    return db.session.scalar(select(Person).where(Person.email_key == email_key(email)))


@dataclass(frozen=True)
class Held:
    """A role that a person holds in an organisation now."""

    organisation_id: int
    organisation_reference: str
    organisation_name: str
    role: Role


def email_of(person_id: int) -> str:
    """The address that somebody signs in with."""
    return db.session.get_one(Person, person_id).email


def appointments_of(person_id: int) -> list[Held]:
    """The roles a person holds in organisations, by organisation, at most 100."""
    rows = db.session.execute(
        select(Organisation.id, Organisation.reference, Organisation.name, Appointment.role)
        .join(Organisation, Appointment.organisation_id == Organisation.id)
        .where(Appointment.person_id == person_id, Appointment.ended_at.is_(None))
        .order_by(Organisation.name, Organisation.id, Appointment.role)
        .limit(100)
    )
    return [Held(*row) for row in rows]


def fund_roles_of(person_id: int) -> list[Role]:
    """The roles a person holds for the fund itself."""
    return list(
        db.session.scalars(
            select(FundAppointment.role)
            .where(FundAppointment.person_id == person_id, FundAppointment.ended_at.is_(None))
            .order_by(FundAppointment.role)
        )
    )


def fund_roles_held() -> list[Role]:
    """Each role for the fund that somebody with an open account holds, once for each holder; at most 400."""
    return list(
        db.session.scalars(
            select(FundAppointment.role)
            .join(Person, FundAppointment.person_id == Person.id)
            .where(FundAppointment.ended_at.is_(None), Person.disabled_at.is_(None))
            .limit(400)
        )
    )


def invitation_by_token(token: str) -> Invitation | None:
    """The invitation that a link stands for, whatever has become of it."""
    return db.session.scalar(select(Invitation).where(Invitation.token_hash == token_hash(token)))


def open_invitations(organisation_id: int, now: datetime) -> list[Invitation]:
    """Invitations of an organisation that wait to be accepted, oldest first, at most 100."""
    return list(
        db.session.scalars(
            select(Invitation)
            .where(
                Invitation.organisation_id == organisation_id,
                Invitation.accepted_at.is_(None),
                Invitation.withdrawn_at.is_(None),
                Invitation.expires_at > now,
            )
            .order_by(Invitation.id)
            .limit(100)
        )
    )


def reset_is_open(token: str, now: datetime) -> bool:
    """Whether a link for a new passphrase still works."""
    link = db.session.scalar(select(PassphraseReset).where(PassphraseReset.token_hash == token_hash(token)))
    return link is not None and link.used_at is None and link.expires_at > now


@dataclass(frozen=True)
class DemoPerson:
    """Somebody whom a visitor of a demonstration may become; `place` is an organisation or the fund itself."""

    person_id: int
    name: str
    place: str
    roles: tuple[Role, ...]


def demo_people() -> list[DemoPerson]:
    """Everybody with a role, the fund's own first, then by organisation; at most 400 roles."""
    fund = db.session.execute(
        select(Person.id, Person.name, FundAppointment.role)
        .join(FundAppointment, FundAppointment.person_id == Person.id)
        .where(FundAppointment.ended_at.is_(None), Person.disabled_at.is_(None))
        .order_by(Person.name, Person.id, FundAppointment.role)
        .limit(100)
    ).all()
    members = db.session.execute(
        select(Person.id, Person.name, Organisation.name, Appointment.role)
        .join(Appointment, Appointment.person_id == Person.id)
        .join(Organisation, Appointment.organisation_id == Organisation.id)
        .where(
            Appointment.ended_at.is_(None),
            Person.disabled_at.is_(None),
            Organisation.status == MembershipStatus.MEMBER,
        )
        .order_by(Organisation.name, Person.name, Person.id, Appointment.role)
        .limit(300)
    ).all()
    found: dict[tuple[int, str], DemoPerson] = {}
    for person_id, name, place, role in [*((i, n, "The fund", r) for i, n, r in fund), *members]:
        before = found.get((person_id, place))
        found[person_id, place] = DemoPerson(person_id, name, place, (*(before.roles if before else ()), role))
    return list(found.values())
