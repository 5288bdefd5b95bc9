"""Reads of requests about data."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload

from fund.grants.models import Approval, Instalment
from fund.kernel.access import Actor, Permission, Role
from fund.kernel.calendar import london_day, start_of_day
from fund.kernel.db import Base, db
from fund.kernel.errors import NotFound
from fund.kernel.tasks import Task
from fund.privacy.models import PrivacyRequest, Wish
from fund.privacy.registry import HOLDINGS, Fate, Holding
from fund.privacy.rules import OFFICES, Duties, answer_by
from members.accounts.models import FundAppointment, Person
from members.models import Appointment
from members.queries import organisation_by_id, people_with
from members.rules import MembershipStatus
from proposals.assessment.models import Assessment
from proposals.models import Proposal, ProposalVersion

SHOWN = 100
LARGEST_ID = 2**63 - 1
WISH_NAMES = {
    Wish.COPY: "A copy of their data",
    Wish.CORRECTION: "Something to correct",
    Wish.ERASURE: "To be erased",
}
OWN_WISH_NAMES = {
    Wish.COPY: "A copy of your data",
    Wish.CORRECTION: "Something to correct",
    Wish.ERASURE: "To be erased",
}


@dataclass(frozen=True)
class Desk:
    """What waits at the office, and what is done."""

    to_answer: list[PrivacyRequest]
    to_confirm: list[PrivacyRequest]
    done: list[PrivacyRequest]


def request(request_id: int) -> PrivacyRequest:
    """One request.

    Raises:
        NotFound: when there is none.
    """
    found = db.session.get(PrivacyRequest, request_id) if 0 < request_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    return found


def requests_of(person_id: int) -> list[PrivacyRequest]:
    """What a person asked, newest first, at most 100."""
    return list(
        db.session.scalars(
            select(PrivacyRequest)
            .where(PrivacyRequest.person_id == person_id)
            .order_by(PrivacyRequest.id.desc())
            .limit(SHOWN)
        )
    )


def desk() -> Desk:
    """Every open request, oldest first, and the newest 100 that are done."""
    waiting = db.session.scalars(
        select(PrivacyRequest)
        .options(joinedload(PrivacyRequest.person))
        .where(PrivacyRequest.done_at.is_(None))
        .order_by(PrivacyRequest.id)
        .limit(SHOWN)
    ).all()
    done = db.session.scalars(
        select(PrivacyRequest)
        .options(joinedload(PrivacyRequest.person))
        .where(PrivacyRequest.done_at.is_not(None))
        .order_by(PrivacyRequest.done_at.desc(), PrivacyRequest.id.desc())
        .limit(SHOWN)
    ).all()
    return Desk(
        to_answer=[one for one in waiting if one.decided_at is None],
        to_confirm=[one for one in waiting if one.decided_at is not None],
        done=list(done),
    )


def due(found: PrivacyRequest) -> datetime:
    """The end of the last day for an answer."""
    return start_of_day(answer_by(london_day(found.asked_at)))


def tasks(person: Actor, now: datetime) -> list[Task]:
    """Requests that wait for the secretary, and erasures that wait for a second person of the board."""
    if not person.may(Permission.SEE_PRIVACY_REQUESTS):
        return []
    waiting = desk()
    found = []
    if person.may(Permission.ANSWER_PRIVACY_REQUESTS):
        found += [
            Task(
                f"Answer request {one.id} about personal data",
                f"{WISH_NAMES[one.wish]}. The law gives one month.",
                f"/privacy/requests/{one.id}",
                due(one),
            )
            for one in waiting.to_answer
            if one.person_id != person.person_id
        ]
    if person.may(Permission.CONFIRM_ERASURE):
        found += [
            Task(
                f"Confirm the erasure of request {one.id}",
                "The secretary agreed; it takes a second person, because it can't be undone.",
                f"/privacy/requests/{one.id}",
                due(one),
            )
            for one in waiting.to_confirm
            if person.person_id not in (one.person_id, one.decided_by_id)
        ]
    return found


def certifies_for(person_id: int) -> list[int]:
    """The organisations that a person may bind, in the order in which they are locked."""
    return list(
        db.session.scalars(
            select(Appointment.organisation_id)
            .where(
                Appointment.person_id == person_id,
                Appointment.role == Role.CERTIFIER,
                Appointment.ended_at.is_(None),
            )
            .order_by(Appointment.organisation_id)
        )
    )


def duties_of(person_id: int) -> Duties:
    """What rests on this person alone."""
    organisations = [organisation_by_id(organisation_id) for organisation_id in certifies_for(person_id)]
    offices = db.session.scalars(
        select(FundAppointment.role).where(
            FundAppointment.person_id == person_id,
            FundAppointment.role.in_(OFFICES),
            FundAppointment.ended_at.is_(None),
        )
    ).all()
    shared = db.session.scalars(
        select(FundAppointment.role)
        .join(Person, FundAppointment.person_id == Person.id)
        .where(
            FundAppointment.person_id != person_id,
            FundAppointment.role.in_(OFFICES),
            FundAppointment.ended_at.is_(None),
            Person.disabled_at.is_(None),
        )
        .distinct()
    ).all()
    return Duties(
        only_certifier_of=tuple(
            (one.reference, one.name)
            for one in organisations
            if one.status is MembershipStatus.MEMBER and len(people_with(one.id, {Role.CERTIFIER})) < 2
        ),
        only_holder_of=tuple(role for role in OFFICES if role in offices and role not in shared),
        open_assessments=_count(
            select(func.count())
            .select_from(Assessment)
            .join(ProposalVersion, Assessment.version_id == ProposalVersion.id)
            .join(Proposal, ProposalVersion.proposal_id == Proposal.id)
            .where(
                Assessment.assessor_id == person_id,
                Assessment.conflict == "",
                Assessment.submitted_at.is_(None),
                Proposal.decided_at.is_(None),
            )
        ),
        waiting_payments=_count(
            select(func.count())
            .select_from(Approval)
            .join(Instalment, Approval.instalment_id == Instalment.id)
            .where(
                Approval.person_id == person_id,
                Approval.sha256 == Instalment.prepared_sha256,
                Instalment.ordered_at.is_(None),
            )
        ),
    )


def _count(statement: Select[int]) -> int:
    return int(db.session.execute(statement).scalar_one())


def stays(person_id: int) -> list[Holding]:
    """The tables that keep rows of this person after erasing, under "Former person 41"."""
    found = []
    for holding in HOLDINGS:
        if holding.fate is Fate.DELETE or not holding.mine:
            continue
        table = Base.metadata.tables[holding.table]
        if db.session.execute(
            select(func.count()).select_from(table).where(or_(*(table.c[name] == person_id for name in holding.mine)))
        ).scalar_one():
            found.append(holding)
    return found
