"""Reads of organisations and their people."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    cast,
    column,
    exists,
    func,
    or_,
    select,
    table,
    tuple_,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import contains_eager

from fund.kernel.access import Actor, Permission, Role
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.tasks import Task
from members.accounts.models import Invitation, Person
from members.accounts.rules import email_key
from members.models import Appointment, GroupDecision, Organisation, OrganisationWord, SectorDecision
from members.profile.models import ProfileInterest
from members.register.models import Suspension
from members.rules import (
    VOTING_ROLES,
    MembershipStatus,
    Register,
    Seat,
    Sector,
    name_words,
    names_alike,
    normal_number,
    split_org_id,
    words_from,
)

LARGEST_ID = 2**63 - 1
DIRECTORY_PAGE = 50
COUNTED_TO = 1000
"""A list is counted so far, and what words found no farther than a page; beyond it the page says "more than"."""
MOST_LOOKED_UP = 800
"""How many that share a word are looked up by key before a list is read in its own order instead."""
MOST_WORDS = 5
MOST_COMPARED = 100
PUBLIC_STATUSES = (MembershipStatus.MEMBER, MembershipStatus.LEFT)
"""Who asked to join and who was refused is nobody's business but the fund's."""


@dataclass(frozen=True)
class Member:
    """A member as rolls and counts see it."""

    id: int
    reference: str
    name: str
    sector: Sector
    group_id: int | None


def organisation(reference: str) -> Organisation:
    """The organisation with this reference, whatever its status.

    Raises:
        NotFound: when there is none.
    """
    found = db.session.scalar(select(Organisation).where(Organisation.reference == reference))
    if found is None:
        raise NotFound
    return found


def public_organisation(reference: str, actor: Actor | None) -> Organisation:
    """An organisation that the reader may know of: members and former members; all for its people and the office.

    Raises:
        NotFound: for all others.
    """
    found = organisation(reference)
    if found.status in PUBLIC_STATUSES:
        return found
    if actor is not None and (actor.may(Permission.SEE_APPLICATIONS) or actor.organisation_id == found.id):
        return found
    raise NotFound


def own_organisation(reference: str, actor: Actor) -> Organisation:
    """The organisation that `actor` acts for, if it has this reference; for anybody else there is nothing here."""
    if actor.organisation_reference != reference:
        raise NotFound
    return organisation(reference)


def organisation_by_id(organisation_id: int) -> Organisation:
    """The organisation with this key.

    Raises:
        NotFound: when there is none.
    """
    found = db.session.get(Organisation, organisation_id) if 0 < organisation_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    return found


def lock_organisation(organisation_id: int) -> Organisation:
    """The same, locked until the transaction ends, with fresh values."""
    found = db.session.execute(
        select(Organisation)
        .where(Organisation.id == organisation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def organisations_by_id(ids: Iterable[int]) -> dict[int, Organisation]:
    """Organisations by key."""
    wanted = sorted(set(ids))
    return {found.id: found for found in db.session.scalars(select(Organisation).where(Organisation.id.in_(wanted)))}


def organisations_by_reference(references: Iterable[str]) -> dict[str, Organisation]:
    """Organisations by reference."""
    wanted = sorted(set(references))
    rows = db.session.scalars(select(Organisation).where(Organisation.reference.in_(wanted)))
    return {found.reference: found for found in rows}


def taking_part_on(day: date) -> tuple[ColumnElement[bool], ...]:
    """Conditions on Organisation: a member on `day` that is not suspended (`members.register.rules.takes_part`)."""
    suspended = exists().where(
        Suspension.organisation_id == Organisation.id,
        Suspension.from_on <= day,
        Suspension.until_on >= day,
        or_(Suspension.lifted_on.is_(None), Suspension.lifted_on > day),
    )
    return (
        Organisation.status.in_(PUBLIC_STATUSES),
        Organisation.sector.is_not(None),
        Organisation.joined_on <= day,
        or_(
            and_(Organisation.left_on.is_(None), Organisation.status == MembershipStatus.MEMBER),
            Organisation.left_on > day,
        ),
        ~suspended,
    )


def members_at(now: datetime) -> list[Member]:
    """Every member on the day of `now` that is not suspended then, in the order of references."""
    rows = db.session.execute(
        select(Organisation.id, Organisation.reference, Organisation.name, Organisation.sector, Organisation.group_id)
        .where(*taking_part_on(london_day(now)))
        .order_by(Organisation.reference)
    )
    return [Member(key, reference, name, sector, group) for key, reference, name, sector, group in rows if sector]


def takes_part(organisation_id: int | None, now: datetime) -> bool:
    """Whether an organisation is a member on the day of `now` and is not suspended: it may vote and propose."""
    if organisation_id is None:
        return False
    statement = select(Organisation.id).where(Organisation.id == organisation_id, *taking_part_on(london_day(now)))
    return db.session.scalar(statement) is not None


def find_members(text: str, *, without: Collection[int] = (), limit: int = 20) -> list[Organisation]:
    """Members whose name, reference or register number fits `text`, by name: for choosing a partner."""
    statement = select(Organisation).where(
        Organisation.id.not_in(sorted(without)), found_by(text, MembershipStatus.MEMBER)
    )
    return list(db.session.scalars(statement.order_by(Organisation.name, Organisation.id).limit(limit)))


def found_by(text: str, status: MembershipStatus) -> ColumnElement[bool]:
    """The condition that an organisation of `status` has this reference, this register number, or these words.

    Each word may be the beginning of a word of the name. Where few have all the words they are looked up by key;
    otherwise a page in the order of the list soon fills. Either way about as many organisations are read.
    """
    written = "".join(text.split()).upper()
    named = split_org_id(written)
    number = named[1] if named else written
    exact = list(
        db.session.scalars(
            select(Organisation.id)
            .where(
                or_(
                    Organisation.reference == written,
                    Organisation.register_number.in_(sorted({number, number.zfill(8)})),
                )
            )
            .limit(MOST_LOOKED_UP)  # in no order: one by id would read the table instead of the two indexes
        )
    )
    # A function of the column keeps SQLite from reading all of one status when a few keys are named.
    few = func.coalesce(Organisation.status, "") == status
    words = name_words(text)[:MOST_WORDS]
    if not words:
        return and_(few, Organisation.id.in_(sorted(exact)))
    having, by_name = _with_words(words)
    some = list(db.session.scalars(having.limit(MOST_LOOKED_UP + 1)))
    if len(some) <= MOST_LOOKED_UP:
        return and_(few, Organisation.id.in_(sorted({*exact, *some})))
    return and_(Organisation.status == status, or_(Organisation.id.in_(sorted(exact)), by_name) if exact else by_name)


def _begins(word: str) -> ColumnElement[bool]:
    first, end = words_from(word)
    return and_(OrganisationWord.word >= first, OrganisationWord.word < end) if end else OrganisationWord.word >= first


_NAMES = table("organisation_search", column("rowid", Integer), column("organisation_search", Text))


def _with_words(words: Sequence[str]) -> tuple[Select[int], ColumnElement[bool]]:
    """Who has a word that begins with each of `words`, as a query of keys and as a condition on Organisation.

    Both ask the index of all names (`fund.migrations.finding`), in the words of its database.
    """
    if db.session.get_bind().dialect.name == "postgresql":
        asked = cast(" & ".join(f"{word}:*" for word in words), TSQUERY)
        fits = func.organisation_words(Organisation.name_key).op("@@", return_type=Boolean())(asked)
        return select(Organisation.id).where(fits), fits
    fits = _NAMES.c.organisation_search.op("MATCH", return_type=Boolean())(" ".join(f"{word}*" for word in words))
    having = select(_NAMES.c.rowid).where(fits)
    return having, (Organisation.id + 0).in_(having)  # as a sum, or SQLite fetches all of them and sorts


@dataclass(frozen=True)
class DirectoryPage:
    """A page of the directory. `total` counts as far as is quick; `after` is where a next page begins."""

    organisations: list[Organisation]
    total: int
    more_than_counted: bool
    after: str | None


def directory(
    *,
    sector: Sector | None = None,
    district: str | None = None,
    interest: str | None = None,
    text: str = "",
    after: str = "",
) -> DirectoryPage:
    """Members by sector, then name, from the one after the member with the reference `after`."""
    member = MembershipStatus.MEMBER
    conditions = [found_by(text, member) if text else Organisation.status == member]
    if sector:
        conditions.append(Organisation.sector == sector)
    if district:
        conditions.append(Organisation.district == district)
    if interest:
        sharing = select(ProfileInterest.organisation_id).where(ProfileInterest.code == interest)
        conditions.append(Organisation.id.in_(sharing))
    counted = select(Organisation.id).where(*conditions).limit(COUNTED_TO + 1).subquery()
    total = 0 if text else db.session.scalar(select(func.count()).select_from(counted)) or 0
    order = (Organisation.sector, Organisation.name, Organisation.id)
    if after:
        start = db.session.execute(
            select(*order).where(Organisation.reference == after, Organisation.status == member)
        ).first()
        if start is not None:
            conditions.append(tuple_(*order) > tuple(start))
    found = list(db.session.scalars(select(Organisation).where(*conditions).order_by(*order).limit(DIRECTORY_PAGE + 1)))
    more = len(found) > DIRECTORY_PAGE
    page = found[:DIRECTORY_PAGE]
    next_after = page[-1].reference if more else None
    if text:
        return DirectoryPage(page, DIRECTORY_PAGE if after else len(page), more or bool(after), next_after)
    return DirectoryPage(page, min(total, COUNTED_TO), total > COUNTED_TO, next_after)


def members_by_sector() -> dict[Sector, int]:
    """How many members each sector has."""
    rows = db.session.execute(
        select(Organisation.sector, func.count())
        .where(Organisation.status == MembershipStatus.MEMBER)
        .group_by(Organisation.sector)
    )
    counted = {sector: count for sector, count in rows if sector is not None}
    return {sector: counted.get(sector, 0) for sector in Sector}


def members_counted() -> dict[Sector, int]:
    """How many members each sector has, counted to one more than a thousand: quick however many there are."""
    some = {
        sector: select(Organisation.id)
        .where(Organisation.status == MembershipStatus.MEMBER, Organisation.sector == sector)
        .limit(COUNTED_TO + 1)
        .subquery()
        for sector in Sector
    }
    counts = [select(func.count()).select_from(found).scalar_subquery() for found in some.values()]
    return dict(zip(some, db.session.execute(select(*counts)).one(), strict=True))


def applications(*, limit: int = 100) -> list[Organisation]:
    """Those who wait to be admitted, longest first."""
    return list(
        db.session.scalars(
            select(Organisation)
            .where(Organisation.status == MembershipStatus.APPLIED)
            .order_by(Organisation.applied_at, Organisation.id)
            .limit(limit)
        )
    )


def applications_decided(*, limit: int = 20) -> list[Organisation]:
    """The latest decisions, newest first."""
    return list(
        db.session.scalars(
            select(Organisation)
            .where(Organisation.decided_at.is_not(None))
            .order_by(Organisation.decided_at.desc(), Organisation.id.desc())
            .limit(limit)
        )
    )


def same_number(candidate: Organisation) -> list[Organisation]:
    """Other organisations with the same number on the same register."""
    if candidate.org_id is None:
        return []
    return list(
        db.session.scalars(
            select(Organisation)
            .where(
                Organisation.register == candidate.register,
                Organisation.register_number == candidate.register_number,
                Organisation.id != candidate.id,
            )
            .order_by(Organisation.id)
            .limit(20)
        )
    )


def alike(candidate: Organisation) -> list[Organisation]:
    """Other organisations with a very similar name: those that share the beginning of a rare word are compared."""
    ids: set[int] = set()
    for word in candidate.name_key.split()[:MOST_WORDS]:
        some = db.session.scalars(
            select(OrganisationWord.organisation_id)
            .where(_begins(word[:4]))
            .order_by(OrganisationWord.word, OrganisationWord.organisation_id)
            .limit(MOST_COMPARED)
        )
        ids.update(some)
    same = select(Organisation.id).where(Organisation.name_key == candidate.name_key).order_by(Organisation.id)
    ids.update(db.session.scalars(same.limit(MOST_COMPARED)))
    near = organisations_by_id(ids - {candidate.id})
    return [near[key] for key in sorted(near) if names_alike(candidate.name, near[key].name)][:20]


def members_like(name: str, register: Register, number: str) -> list[Organisation]:
    """Members with this number or a very similar name, for an applicant to look at before sending."""
    asked = Organisation(id=0, name=name, register=register, register_number=normal_number(register, number) or None)
    found = {other.id: other for other in [*same_number(asked), *alike(asked)]}
    return [other for other in found.values() if other.status is MembershipStatus.MEMBER]


def sector_history(organisation_id: int) -> list[tuple[SectorDecision, str]]:
    """Every decision on an organisation's sector with the name of who decided, newest first."""
    rows = db.session.execute(
        select(SectorDecision, Person.name)
        .join(Person, SectorDecision.decided_by_id == Person.id)
        .where(SectorDecision.organisation_id == organisation_id)
        .order_by(SectorDecision.id.desc())
        .limit(50)
    )
    return [(decision, name) for decision, name in rows]


def group_history(organisation_id: int) -> list[tuple[GroupDecision, str]]:
    """Every decision on whom an organisation is connected with, and the name of who decided, newest first."""
    rows = db.session.execute(
        select(GroupDecision, Person.name)
        .join(Person, GroupDecision.decided_by_id == Person.id)
        .where(GroupDecision.organisation_id == organisation_id)
        .order_by(GroupDecision.id.desc())
        .limit(50)
    )
    return [(decision, name) for decision, name in rows]


def connected_with(organisation: Organisation) -> list[Organisation]:
    """The other organisations of its connected group, by name."""
    if organisation.group_id is None:
        return []
    return list(
        db.session.scalars(
            select(Organisation)
            .where(Organisation.group_id == organisation.group_id, Organisation.id != organisation.id)
            .order_by(Organisation.name, Organisation.id)
            .limit(100)
        )
    )


# --- people


def appointments(organisation_id: int) -> list[Appointment]:
    """Who holds which role in an organisation now, by name."""
    return list(
        db.session.scalars(
            select(Appointment)
            .join(Appointment.person)
            .options(contains_eager(Appointment.person))
            .where(Appointment.organisation_id == organisation_id, Appointment.ended_at.is_(None))
            .order_by(Person.name, Appointment.id)
            .limit(200)
        )
    )


def people_with(organisation_id: int, roles: Collection[Role]) -> list[Person]:
    """The people who hold one of these roles in an organisation now, each once."""
    held = select(Appointment.person_id).where(
        Appointment.organisation_id == organisation_id,
        Appointment.role.in_(sorted(roles)),
        Appointment.ended_at.is_(None),
    )
    return list(
        db.session.scalars(
            select(Person).where(Person.id.in_(held), Person.disabled_at.is_(None)).order_by(Person.id).limit(100)
        )
    )


def people_of(organisation_ids: Collection[int], roles: Collection[Role]) -> dict[int, list[Person]]:
    """The same for many organisations, by their keys."""
    found: dict[int, dict[int, Person]] = {one: {} for one in organisation_ids}
    rows = db.session.execute(
        select(Appointment.organisation_id, Person)
        .join(Person, Appointment.person_id == Person.id)
        .where(
            Appointment.organisation_id.in_(sorted(found)),
            Appointment.role.in_(sorted(roles)),
            Appointment.ended_at.is_(None),
            Person.disabled_at.is_(None),
        )
        .order_by(Person.id)
    )
    for organisation_id, somebody in rows:
        found[organisation_id][somebody.id] = somebody
    return {one: list(people.values()) for one, people in found.items()}


def seats(organisation_id: int, now: datetime, *, without_invitation: int | None = None) -> list[Seat]:
    """What is held and what is offered in an organisation now."""
    held = db.session.execute(
        select(Appointment.role, Person.name, Person.email_key)
        .join(Person, Appointment.person_id == Person.id)
        .where(Appointment.organisation_id == organisation_id, Appointment.ended_at.is_(None))
        .order_by(Appointment.id)
    ).all()
    offered = db.session.execute(
        select(Invitation.role, Invitation.name, Invitation.email)
        .where(
            Invitation.organisation_id == organisation_id,
            Invitation.accepted_at.is_(None),
            Invitation.withdrawn_at.is_(None),
            Invitation.expires_at > now,
            Invitation.id != (without_invitation or 0),
        )
        .order_by(Invitation.id)
    ).all()
    return [
        *(Seat(role, name, key) for role, name, key in held),
        *(Seat(role, name, email_key(email), offered=True) for role, name, email in offered),
    ]


def represents_elsewhere(person_id: int, organisation_id: int) -> bool:
    """Whether a person votes for another member than this."""
    return (
        db.session.scalar(
            select(Appointment.id)
            .where(
                Appointment.person_id == person_id,
                Appointment.organisation_id != organisation_id,
                Appointment.role.in_(sorted(VOTING_ROLES)),
                Appointment.ended_at.is_(None),
            )
            .limit(1)
        )
        is not None
    )


# --- tasks


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """For a certifier, a representative to name."""
    waiting: list[Task] = []
    if actor.may(Permission.MANAGE_OWN_ORGANISATION) and actor.organisation_id is not None:
        waiting += _representative_task(actor.organisation_id, actor, now)
    return waiting


def _representative_task(organisation_id: int, actor: Actor, now: datetime) -> list[Task]:
    if any(seat.role is Role.REPRESENTATIVE for seat in seats(organisation_id, now)):
        return []
    return [
        Task(
            f"Name the person who votes for {actor.organisation_name}",
            "A member votes through its representative. Without one your organisation has no voice in ballots.",
            f"/members/{actor.organisation_reference}/people",
        )
    ]
