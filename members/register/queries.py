"""Reads of the registers, of what happened to a membership, and of who may be connected with whom."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import String, exists, func, literal, or_, select

from fund.kernel.access import Actor, Permission, Role
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.tasks import Task
from members import queries as members
from members.accounts.models import FundAppointment, Person
from members.accounts.rules import token_hash
from members.models import Appointment, Organisation
from members.register.models import (
    Appeal,
    Expulsion,
    MembershipEvent,
    OfficerAddress,
    OtherProperty,
    Share,
    Suspension,
)
from members.register.rules import Body, connection_reasons, earliest_expulsion, own_domains, postcode
from members.rules import MembershipStatus, Register

PAGE = 50
_MOST_TASKS = 20
OFFICES = (Role.BOARD, Role.SECRETARY)
"""Who is an officer of the society for its register: board members and the secretary."""


# --- what happened


def history(organisation_id: int) -> list[tuple[MembershipEvent, str | None]]:
    """Everything that happened to a membership and who did it, newest first."""
    rows = db.session.execute(
        select(MembershipEvent, Person.name)
        .outerjoin(Person, MembershipEvent.by_id == Person.id)
        .where(MembershipEvent.organisation_id == organisation_id)
        .order_by(MembershipEvent.id.desc())
        .limit(200)
    )
    return [(event, name) for event, name in rows]


def suspensions(organisation_id: int) -> list[Suspension]:
    """Every suspension of a member, the latest first."""
    return list(
        db.session.scalars(
            select(Suspension)
            .where(Suspension.organisation_id == organisation_id)
            .order_by(Suspension.from_on.desc(), Suspension.id.desc())
            .limit(100)
        )
    )


def open_suspension(organisation_id: int, day: date) -> Suspension | None:
    """The suspension that holds on `day`, or the next that will."""
    return next(
        (one for one in reversed(suspensions(organisation_id)) if one.lifted_on is None and one.until_on >= day), None
    )


def open_expulsion(organisation_id: int) -> Expulsion | None:
    """The expulsion that is on its way."""
    return db.session.scalar(
        select(Expulsion).where(Expulsion.organisation_id == organisation_id, Expulsion.closed_at.is_(None))
    )


def is_last_of_its_sector(organisation: Organisation, now: datetime) -> bool:
    """Whether no other member of its sector takes part: then no round can open and no ballot can pass."""
    return not any(
        member.sector is organisation.sector and member.id != organisation.id for member in members.members_at(now)
    )


# --- appeals


def appeal_by_token(token: str) -> Appeal:
    """The appeal that a link stands for.

    Raises:
        NotFound: when there is none.
    """
    found = db.session.scalar(select(Appeal).where(Appeal.token_hash == token_hash(token)))
    if found is None:
        raise NotFound("This link opens nothing. Look for the newest letter from us, and use the link in it.")
    return found


def appeal_of(organisation_id: int) -> Appeal | None:
    """The appeal of a refused applicant."""
    return db.session.scalar(select(Appeal).where(Appeal.organisation_id == organisation_id))


# --- the register of members


@dataclass(frozen=True)
class Entry:
    """A member as the register shows it. Shares and other property are left out of the copy for inspection."""

    organisation: Organisation
    shares: tuple[Share, ...] = ()
    holdings: tuple[OtherProperty, ...] = ()

    @property
    def paid_pence(self) -> int:
        return sum(share.paid_pence for share in self.shares if share.cancelled_on is None)


def entries(*, page: int = 1, size: int = PAGE) -> tuple[list[Entry], int]:
    """A page of the register, in order of reference, and how many entries there are: members and former members."""
    page = max(1, min(page, 1_000_000))
    on_register = Organisation.joined_on.is_not(None)
    total = db.session.scalar(select(func.count()).select_from(Organisation).where(on_register)) or 0
    found = db.session.scalars(
        select(Organisation).where(on_register).order_by(Organisation.reference).limit(size).offset((page - 1) * size)
    )
    return _with_holdings(list(found)), total


def entry(reference: str) -> Entry:
    """One member's or former member's entry.

    Raises:
        NotFound: when it never was a member.
    """
    organisation = members.organisation(reference)
    if organisation.joined_on is None:
        raise NotFound
    return _with_holdings([organisation])[0]


def _with_holdings(organisations: list[Organisation]) -> list[Entry]:
    ids = [organisation.id for organisation in organisations]
    shares = list(db.session.scalars(select(Share).where(Share.organisation_id.in_(ids)).order_by(Share.number)))
    held = list(
        db.session.scalars(
            select(OtherProperty).where(OtherProperty.organisation_id.in_(ids)).order_by(OtherProperty.id)
        )
    )
    return [
        Entry(
            organisation,
            tuple(share for share in shares if share.organisation_id == organisation.id),
            tuple(one for one in held if one.organisation_id == organisation.id),
        )
        for organisation in organisations
    ]


def whole_register() -> Iterator[Organisation]:
    """Every entry in order of reference, read some hundred at a time, without shares and property."""
    after = ""
    while found := list(
        db.session.scalars(
            select(Organisation)
            .where(Organisation.joined_on.is_not(None), Organisation.reference > after)
            .order_by(Organisation.reference)
            .limit(500)
        )
    ):
        yield from found
        after = found[-1].reference


# --- the register of officers


@dataclass(frozen=True)
class Officer:
    """Somebody who holds or held an office of the society. No address: the secretary has not entered one yet."""

    person_id: int
    name: str
    office: Role
    address: str | None
    taken_on: date
    left_on: date | None


def officers() -> list[Officer]:
    """Board members and secretaries, present first, then former, by name."""
    newest = (
        select(OfficerAddress.person_id, func.max(OfficerAddress.id).label("id"))
        .group_by(OfficerAddress.person_id)
        .subquery()
    )
    rows = db.session.execute(
        select(FundAppointment, Person.name, OfficerAddress.address)
        .join(Person, FundAppointment.person_id == Person.id)
        .outerjoin(newest, newest.c.person_id == Person.id)
        .outerjoin(OfficerAddress, OfficerAddress.id == newest.c.id)
        .where(FundAppointment.role.in_(OFFICES))
        .order_by(FundAppointment.ended_at.is_not(None), Person.name, FundAppointment.id)
        .limit(1000)
    )
    return [
        Officer(
            held.person_id,
            name,
            held.role,
            address,
            london_day(held.started_at),
            london_day(held.ended_at) if held.ended_at else None,
        )
        for held, name, address in rows
    ]


def officer(person_id: int) -> Officer:
    """An officer or former officer, with their present office where they have one.

    Raises:
        NotFound: for anybody else.
    """
    found = next((one for one in officers() if one.person_id == person_id), None)
    if found is None:
        raise NotFound
    return found


# --- connected bodies


@dataclass(frozen=True)
class Suggestion:
    """An organisation that may be connected, and why."""

    organisation: Organisation
    reasons: tuple[str, ...]


_STANDING = (MembershipStatus.APPLIED, MembershipStatus.MEMBER)
_LOOKED_AT = 200


def suggestions(organisation: Organisation) -> list[Suggestion]:
    """Who may be connected with an organisation and is not in its group, with the reasons; the most reasons first.

    The database finds those that may fit, and the rule says which do and why.
    """
    own = _bodies([organisation])[organisation.id]
    near = _near(organisation, own)
    bodies = _bodies(near)
    found = [
        Suggestion(other, reasons)
        for other in near
        if (reasons := tuple(connection_reasons(own, bodies[other.id])))
        and (organisation.group_id is None or other.group_id != organisation.group_id)
    ]
    return sorted(found, key=lambda one: (-len(one.reasons), one.organisation.reference))[:20]


def _near(organisation: Organisation, own: Body) -> list[Organisation]:
    key = organisation.name_key
    area = postcode(organisation.address)
    domains = sorted(own_domains(own.people))
    holders = (
        select(Appointment.organisation_id)
        .join(Person, Appointment.person_id == Person.id)
        .where(Appointment.ended_at.is_(None))
    )
    conditions = [
        func.lower(Organisation.address) == organisation.address.lower(),
        Organisation.name_key.contains(f"{key} ", autoescape=True),
        Organisation.name_key.endswith(f" {key}", autoescape=True),
        literal(key, String).startswith(Organisation.name_key + " "),
        literal(key, String).contains(" " + Organisation.name_key),
        Organisation.id.in_(holders.where(Person.email_key.in_(sorted(own.people)))),
        func.lower(Organisation.contact_email).in_(sorted(own.people)),
    ]
    if area:
        conditions.append(func.upper(Organisation.address).contains(area, autoescape=True))
        conditions.append(func.upper(Organisation.address).contains(area.replace(" ", ""), autoescape=True))
    for domain in domains:
        conditions.append(func.lower(Organisation.contact_email).endswith(f"@{domain}", autoescape=True))
        conditions.append(Organisation.id.in_(holders.where(Person.email_key.endswith(f"@{domain}", autoescape=True))))
    if organisation.register_number and organisation.register != Register.NONE:
        conditions.append(Organisation.register_number == organisation.register_number)
    return list(
        db.session.scalars(
            select(Organisation)
            .where(Organisation.status.in_(_STANDING), Organisation.id != organisation.id, or_(*conditions))
            .order_by(Organisation.id)
            .limit(_LOOKED_AT)
        )
    )


def _bodies(organisations: Iterable[Organisation]) -> dict[int, Body]:
    wanted = {organisation.id: organisation for organisation in organisations}
    people: dict[int, set[str]] = {
        key: {organisation.contact_email.strip().casefold()} for key, organisation in wanted.items()
    }
    rows = db.session.execute(
        select(Appointment.organisation_id, Person.email_key)
        .join(Person, Appointment.person_id == Person.id)
        .where(Appointment.organisation_id.in_(sorted(wanted)), Appointment.ended_at.is_(None))
        .order_by(Appointment.id)
    )
    for organisation_id, address in rows:
        people[organisation_id].add(address)
    return {
        key: Body(
            organisation.name,
            organisation.address,
            frozenset(people[key]),
            organisation.register,
            organisation.register_number,
        )
        for key, organisation in wanted.items()
    }


# --- tasks


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """Applications for stewards and the board; appeals, hearings and addresses for the secretary."""
    waiting: list[Task] = []
    if actor.may(Permission.ADMIT_MEMBERS):
        waiting += _to_check()
        waiting += _shares_to_record()
    if actor.may(Permission.DECIDE_MEMBERSHIP):
        waiting += _to_decide(actor)
        waiting += _to_expel(now)
    if actor.may(Permission.KEEP_REGISTERS):
        waiting += _appeals_to_record()
        waiting += _to_hear()
        waiting += _addresses_to_enter()
    return waiting


def _applications(*, checked: bool) -> list[Organisation]:
    condition = Organisation.checked_at.is_not(None) if checked else Organisation.checked_at.is_(None)
    return list(
        db.session.scalars(
            select(Organisation)
            .where(Organisation.status == MembershipStatus.APPLIED, condition)
            .order_by(Organisation.applied_at, Organisation.id)
            .limit(_MOST_TASKS)
        )
    )


def _to_check() -> list[Task]:
    return [
        Task(
            f"Check {applicant.name}'s application",
            "It asks to join. Check who it is, confirm its sector, and put it to the board.",
            f"/applications/{applicant.reference}",
        )
        for applicant in _applications(checked=False)
    ]


def _to_decide(actor: Actor) -> list[Task]:
    return [
        Task(
            f"Decide on {applicant.name}'s application",
            "A steward has checked it. Admit it, or say why not.",
            f"/applications/{applicant.reference}",
        )
        for applicant in _applications(checked=True)
        if applicant.checked_by_id != actor.person_id
    ]


def _shares_to_record() -> list[Task]:
    unpaid = db.session.scalar(
        select(func.count()).select_from(Share).where(Share.paid_on.is_(None), Share.cancelled_on.is_(None))
    )
    if not unpaid:
        return []
    return [
        Task(
            f"Record who has paid for {'a share' if unpaid == 1 else f'{unpaid:,} shares'}",
            "Each member pays for its share once. The money is not part of the pot.",
            "/registers/shares",
        )
    ]


def unpaid_shares(*, limit: int = 100) -> list[tuple[Share, Organisation]]:
    """Shares that nobody has paid for yet, the oldest first."""
    rows = db.session.execute(
        select(Share, Organisation)
        .join(Organisation, Share.organisation_id == Organisation.id)
        .where(Share.paid_on.is_(None), Share.cancelled_on.is_(None))
        .order_by(Share.number)
        .limit(limit)
    )
    return [(share, organisation) for share, organisation in rows]


def has_shares(organisation_id: int) -> bool:
    """Whether any share was ever entered for it."""
    return bool(db.session.scalar(select(exists().where(Share.organisation_id == organisation_id))))


def without_shares(*, limit: int = PAGE) -> tuple[list[Organisation], int]:
    """Members for whom no share is entered, because they joined before the register kept shares; and how many."""
    lacks = (
        Organisation.status == MembershipStatus.MEMBER,
        Organisation.joined_on.is_not(None),
        ~exists().where(Share.organisation_id == Organisation.id),
    )
    total = db.session.scalar(select(func.count()).select_from(Organisation).where(*lacks)) or 0
    found = db.session.scalars(select(Organisation).where(*lacks).order_by(Organisation.reference).limit(limit))
    return list(found), total


def _open_expulsions() -> list[tuple[Expulsion, Organisation]]:
    rows = db.session.execute(
        select(Expulsion, Organisation)
        .join(Organisation, Expulsion.organisation_id == Organisation.id)
        .where(Expulsion.closed_at.is_(None), Organisation.status == MembershipStatus.MEMBER)
        .order_by(Expulsion.id)
        .limit(_MOST_TASKS)
    )
    return [(expulsion, organisation) for expulsion, organisation in rows]


def _to_hear() -> list[Task]:
    return [
        Task(
            f"Write down what {organisation.name} said",
            "It has notice of an expulsion, and the right to be heard before the meeting decides.",
            f"/registers/members/{organisation.reference}/membership",
        )
        for expulsion, organisation in _open_expulsions()
        if expulsion.heard_at is None
    ]


def _to_expel(now: datetime) -> list[Task]:
    today = london_day(now)
    return [
        Task(
            f"Enter what the meeting decided on {organisation.name}",
            "The notice has run and the member was heard. Enter the special resolution, or drop the expulsion.",
            f"/registers/members/{organisation.reference}/membership",
        )
        for expulsion, organisation in _open_expulsions()
        if expulsion.heard_at is not None
        and max(expulsion.meeting_on, earliest_expulsion(expulsion.noticed_at)) <= today
    ]


def _appeals_to_record() -> list[Task]:
    rows = db.session.execute(
        select(Organisation.name, Organisation.reference, Appeal.made_at)
        .join(Appeal, Appeal.organisation_id == Organisation.id)
        .where(Appeal.made_at.is_not(None), Appeal.decided_at.is_(None))
        .order_by(Appeal.made_at)
        .limit(_MOST_TASKS)
    )
    return [
        Task(
            f"Put {name}'s appeal to a general meeting",
            "The board refused it, and it has appealed. Enter what the meeting decides.",
            f"/applications/{reference}",
        )
        for name, reference, _ in rows
    ]


def _addresses_to_enter() -> list[Task]:
    without = {one.name for one in officers() if one.address is None and one.left_on is None}
    if not without:
        return []
    return [
        Task(
            f"Enter {len(without)} {'address' if len(without) == 1 else 'addresses'} in the register of officers",
            "The law asks for the address of every board member and of the secretary.",
            "/registers/officers",
        )
    ]


def share(share_id: int) -> tuple[Share, Organisation]:
    """A share and whose it is.

    Raises:
        NotFound: when there is none.
    """
    row = (
        db.session.execute(
            select(Share, Organisation)
            .join(Organisation, Share.organisation_id == Organisation.id)
            .where(Share.id == share_id)
        ).one_or_none()
        if 0 < share_id <= members.LARGEST_ID
        else None
    )
    if row is None:
        raise NotFound
    return row[0], row[1]
