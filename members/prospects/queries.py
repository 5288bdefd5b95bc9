"""Reads of organisations not yet members, and of what an import would do."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, tuple_
from sqlalchemy.orm import aliased, contains_eager

from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day, start_of_day
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.places import DISTRICT_NAMES
from fund.kernel.tasks import Task
from members.accounts.models import Person
from members.accounts.rules import email_key, token_hash
from members.models import Organisation
from members.prospects.models import InvitationStop, Prospect, ProspectContact
from members.prospects.rules import (
    ANCHOR_NAMES,
    COLUMN_NAMES,
    LINK_DAYS,
    Anchor,
    Answer,
    Details,
)
from members.queries import COUNTED_TO, found_by
from members.rules import LEGAL_FORM_NAMES, MembershipStatus, Register, Sector

PAGE = 50


# --- one of them


def prospect(reference: str) -> Prospect:
    """The organisation with this reference, if it is no member and never asked to be one.

    Raises:
        NotFound: for all others.
    """
    found = db.session.scalar(_all().where(Organisation.reference == reference))
    if found is None:
        raise NotFound
    return found


def _all() -> Select[Prospect]:
    return (
        select(Prospect)
        .join(Prospect.organisation)
        .options(contains_eager(Prospect.organisation))
        .where(Organisation.status == MembershipStatus.PROSPECT)
    )


def lock_prospect(organisation_id: int) -> Prospect:
    """A prospect, locked until the transaction ends, with fresh values."""
    found = db.session.scalar(
        select(Prospect)
        .where(Prospect.organisation_id == organisation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    return found


def held(found: Prospect) -> Details:
    """What the fund holds of a prospect."""
    return details_of(found.organisation, found.anchor)


def details_of(organisation: Organisation, anchor: Anchor | None) -> Details:
    return Details(
        name=organisation.name,
        legal_form=organisation.legal_form,
        register=Register(organisation.register) if organisation.register else None,
        register_number=organisation.register_number,
        district=organisation.district,
        address=organisation.address,
        contact_name=organisation.contact_name,
        contact_email=organisation.contact_email,
        anchor=anchor,
    )


@dataclass(frozen=True)
class Contact:
    """One line of the log, with who wrote it."""

    contact: ProspectContact
    by: str


def contacts(organisation_id: int) -> list[Contact]:
    """How the fund and an organisation spoke, newest first."""
    rows = db.session.execute(
        select(ProspectContact, Person.name)
        .join(Person, ProspectContact.by_id == Person.id)
        .where(ProspectContact.organisation_id == organisation_id)
        .order_by(ProspectContact.happened_on.desc(), ProspectContact.id.desc())
        .limit(100)
    )
    return [Contact(contact, name) for contact, name in rows]


def joined_as(found: Prospect) -> Organisation | None:
    """The member that a prospect has become: by its invitation's link, by a steward's word, or by the same number."""
    conditions = [Organisation.id == found.application_id]
    if found.organisation.org_id is not None:
        conditions.append(
            and_(
                Organisation.register == found.organisation.register,
                Organisation.register_number == found.organisation.register_number,
            )
        )
    return db.session.scalar(
        select(Organisation)
        .where(Organisation.status == MembershipStatus.MEMBER, or_(*conditions))
        .order_by(Organisation.id)
        .limit(1)
    )


def not_joined() -> ColumnElement[bool]:
    """That no member stands for a prospect: found anew each time, so a member that leaves may be invited again."""
    other = aliased(Organisation)
    return ~(
        select(other.id)
        .where(
            other.status == MembershipStatus.MEMBER,
            other.register == Organisation.register,
            other.register_number == Organisation.register_number,
        )
        .exists()
    ) & ~(select(other.id).where(other.status == MembershipStatus.MEMBER, other.id == Prospect.application_id).exists())


def stopped(email: str) -> bool:
    """Whether the owner of an address asked not to be invited."""
    return bool(email) and db.session.get(InvitationStop, email_key(email)) is not None


def stopped_among(emails: Iterable[str]) -> set[str]:
    """The keys of those addresses whose owners asked not to be invited."""
    keys = sorted({email_key(email) for email in emails})
    return set(db.session.scalars(select(InvitationStop.email_key).where(InvitationStop.email_key.in_(keys))))


def invited_by(token: str) -> tuple[Prospect, ProspectContact] | None:
    """The organisation that a link's mail went to, and the mail."""
    contact = db.session.scalar(select(ProspectContact).where(ProspectContact.token_hash == token_hash(token)))
    found = db.session.get(Prospect, contact.organisation_id) if contact else None
    return (found, contact) if found and contact else None


def known_by(token: str, now: datetime) -> Organisation | None:
    """What the joining form may be filled in with: nothing once the link is old or the organisation has moved on."""
    found = invited_by(token)
    if found is None:
        return None
    prospect, contact = found
    fresh = contact.recorded_at > now - timedelta(days=LINK_DAYS)
    open_still = prospect.organisation.status is MembershipStatus.PROSPECT and prospect.application_id is None
    return prospect.organisation if fresh and open_still else None


# --- the list


@dataclass(frozen=True)
class Filters:
    """What a list was narrowed to; all of it stands in the address."""

    district: str | None = None
    sector: Sector | None = None
    anchors: bool = False
    anchor: Anchor | None = None
    answer: Answer | None = None
    text: str = ""

    @property
    def arguments(self) -> dict[str, str]:
        """For the address of the same list."""
        kind = self.anchor.value if self.anchor else "any" if self.anchors else ""
        given = {
            "district": self.district or "",
            "sector": self.sector.value if self.sector else "",
            "anchor": kind,
            "answer": self.answer.value if self.answer else "",
            "q": self.text,
        }
        return {name: value for name, value in given.items() if value}


def _chosen(filters: Filters) -> list[ColumnElement[bool]]:
    conditions = [not_joined()]
    if filters.district:
        conditions.append(Organisation.district == filters.district)
    if filters.sector:
        conditions.append(Organisation.proposed_sector == filters.sector)
    if filters.anchor:
        conditions.append(Prospect.anchor == filters.anchor)
    elif filters.anchors:
        conditions.append(Prospect.anchor.is_not(None))
    if filters.answer:
        conditions.append(Prospect.answer == filters.answer)
    if filters.text:
        conditions.append(found_by(filters.text, MembershipStatus.PROSPECT))
    return conditions


@dataclass(frozen=True)
class ProspectPage:
    """A page of the list; `total` counts so far as is quick."""

    prospects: list[Prospect]
    total: int
    more_than_counted: bool
    after: str | None


def prospects(filters: Filters, *, after: str = "") -> ProspectPage:
    """Those not yet members by district, then name, from the one after the reference `after`."""
    conditions = _chosen(filters)
    total = _count(conditions)
    start = db.session.scalar(_all().where(Organisation.reference == after)) if after else None
    order = (Organisation.district, Organisation.name, Organisation.id)
    if start is not None:
        from_here = start.organisation
        conditions.append(tuple_(*order) > (from_here.district, from_here.name, from_here.id))
    found = list(db.session.scalars(_all().where(*conditions).order_by(*order).limit(PAGE + 1)))
    more = len(found) > PAGE
    return ProspectPage(
        found[:PAGE],
        min(total, COUNTED_TO),
        total > COUNTED_TO,
        found[PAGE - 1].organisation.reference if more else None,
    )


def _count(conditions: Sequence[ColumnElement[bool]]) -> int:
    some = _all().where(*conditions).with_only_columns(Prospect.organisation_id).limit(COUNTED_TO + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0


@dataclass(frozen=True)
class AnchorCount:
    """How a district's anchors that are no members stand."""

    district: str
    anchors: int
    invited: int
    interested: int


def anchors_by_district() -> list[AnchorCount]:
    """Anchors not yet members, by district (R34); those of no known district last."""
    rows = db.session.execute(
        select(
            Organisation.district,
            func.count(),
            func.count(Prospect.invited_at),
            func.sum(case((Prospect.answer == Answer.INTERESTED, 1), else_=0)),
        )
        .select_from(Prospect)
        .join(Prospect.organisation)
        .where(Organisation.status == MembershipStatus.PROSPECT, Prospect.anchor.is_not(None), not_joined())
        .group_by(Organisation.district)
        .order_by(Organisation.district)
    )
    counted = [AnchorCount(district, anchors, invited, interested) for district, anchors, invited, interested in rows]
    return sorted(counted, key=lambda found: (not found.district, found.district))


# --- invitations to many


@dataclass(frozen=True)
class Invitable:
    """Who would be invited, and who is left out and why."""

    total: int
    invitable: int
    without_email: int
    said_no: int
    invited_lately: int
    stopped: int


def _stopped() -> ColumnElement[bool]:
    return (
        select(InvitationStop.email_key)
        .where(InvitationStop.email_key == func.lower(Organisation.contact_email))
        .exists()
    )


def may_be_invited(now: datetime, days: int) -> list[ColumnElement[bool]]:
    """That a prospect may be written to: it has an address, didn't refuse, has neither applied nor been invited within
    `days`, and nobody there asked to be left alone. Each is true or false, never unknown."""
    today = london_day(now)
    asked_again = and_(Prospect.ask_again_on.is_not(None), Prospect.ask_again_on <= today)
    return [
        Organisation.contact_email != "",
        or_(
            Prospect.answer.is_(None),
            Prospect.answer == Answer.INTERESTED,
            and_(Prospect.answer == Answer.NOT_NOW, Prospect.ask_again_on.is_(None)),
            asked_again,
        ),
        and_(
            Prospect.application_id.is_(None),
            or_(Prospect.invited_at.is_(None), Prospect.invited_at <= now - timedelta(days=days)),
        ),
        ~_stopped(),
    ]


def invitable(filters: Filters, now: datetime, days: int) -> Invitable:
    """How many of those chosen may be invited by mail, and why the others are left out (the first reason counts)."""
    email, answer, not_lately, unstopped = may_be_invited(now, days)
    reason = case((~email, "email"), (~answer, "no"), (~not_lately, "lately"), (~unstopped, "stopped"), else_="")
    chosen = _all().where(*_chosen(filters)).with_only_columns(reason.label("reason")).subquery()
    counted: dict[str, int] = dict(
        db.session.execute(select(chosen.c.reason, func.count()).group_by(chosen.c.reason)).all()
    )
    return Invitable(
        sum(counted.values()),
        counted.get("", 0),
        counted.get("email", 0),
        counted.get("no", 0),
        counted.get("lately", 0),
        counted.get("stopped", 0),
    )


def lock_invitable(filters: Filters, now: datetime, days: int, limit: int) -> list[Prospect]:
    """The first of those who may be invited, locked: a mail that another steward sends meanwhile takes them out."""
    return list(
        db.session.scalars(
            _all()
            .where(*_chosen(filters), *may_be_invited(now, days))
            .order_by(Prospect.organisation_id)
            .limit(limit)
            .with_for_update(of=Prospect)
            .execution_options(populate_existing=True)
        )
    )


# --- lists in and out


def exported(filters: Filters, *, members: bool = False) -> Iterator[list[str]]:
    """The cells of a list in the order of its columns, read a thousand at a time; members, or those not yet members."""
    last = 0
    while True:
        statement = select(Organisation, Prospect.anchor).outerjoin(
            Prospect, Prospect.organisation_id == Organisation.id
        )
        conditions = _member_conditions(filters) if members else _chosen(filters)
        wanted = MembershipStatus.MEMBER if members else MembershipStatus.PROSPECT
        rows = db.session.execute(
            statement.where(Organisation.status == wanted, *conditions, Organisation.id > last)
            .order_by(Organisation.id)
            .limit(1000)
        ).all()
        for organisation, anchor in rows:
            yield _as_cells(organisation, anchor)
        if len(rows) < 1000:
            return
        last = rows[-1][0].id


def _member_conditions(filters: Filters) -> list[ColumnElement[bool]]:
    conditions = []
    if filters.district:
        conditions.append(Organisation.district == filters.district)
    if filters.sector:
        conditions.append(Organisation.sector == filters.sector)
    if filters.text:
        conditions.append(found_by(filters.text, MembershipStatus.MEMBER))
    return conditions


def _as_cells(organisation: Organisation, anchor: Anchor | None) -> list[str]:
    sector = organisation.sector or organisation.proposed_sector
    cells = {
        "reference": organisation.reference,
        "org_id": organisation.org_id or "",
        "name": organisation.name,
        "kind": LEGAL_FORM_NAMES[organisation.legal_form],
        "district": DISTRICT_NAMES.get(organisation.district, ""),
        "address": " ".join(organisation.address.split()),
        "contact_name": organisation.contact_name,
        "contact_email": organisation.contact_email,
        "anchor": ANCHOR_NAMES[anchor] if anchor else "",
        "status": organisation.status.value,
        "sector": sector.value if sector else "",
    }
    return [cells[name] for name in COLUMN_NAMES]


# --- tasks


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """Next steps with organisations to win that fall due within a week."""
    if not actor.may(Permission.ADMIT_MEMBERS):
        return []
    due = db.session.scalars(
        _all()
        .where(Prospect.next_step_on <= london_day(now) + timedelta(days=7), not_joined())
        .order_by(Prospect.next_step_on, Prospect.organisation_id)
        .limit(20)
    )
    return [
        Task(
            f"{one.next_step or 'Next step'}: {one.organisation.name}",
            "You planned this as the next step towards its joining. Write down how it went.",
            f"/prospects/{one.organisation.reference}",
            start_of_day(one.next_step_on) if one.next_step_on else None,
        )
        for one in due
    ]
