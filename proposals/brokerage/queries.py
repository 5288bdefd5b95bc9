"""Reads of requests for partners. Members see the words that a lead agreed to show; an answer is seen by its two sides.

Somebody who acts for no member finds nothing here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from fund.kernel.access import MATRIX, Actor, Permission
from fund.kernel.db import db
from fund.kernel.errors import NotAllowed, NotFound
from fund.kernel.places import DISTRICT_NAMES
from fund.kernel.tasks import Task
from members.accounts.models import Person
from members.models import Appointment, Organisation
from members.profile.rules import INTERESTS
from members.rules import MembershipStatus, Sector
from proposals import queries as proposals
from proposals.addresses import known_id, known_reference
from proposals.brokerage.models import PartnerReply, PartnerRequest, RequestMark
from proposals.brokerage.rules import MOST_REPLIES, ReplyState, gaps
from proposals.evidence import queries as evidence
from proposals.models import Partner, Proposal, Round
from proposals.rules import EDITABLE, ProposalState

PAGE = 30


def own_member(actor: Actor) -> Organisation:
    """The member organisation that `actor` acts for.

    Raises:
        NotAllowed: when they act for none, or for one that is no member now.
    """
    own = db.session.get(Organisation, actor.organisation_id) if actor.organisation_id is not None else None
    if own is None or own.status is not MembershipStatus.MEMBER:
        raise NotAllowed("Requests for partners are for member organisations. Ask to join the fund first.")
    return own


# --- requests


@dataclass(frozen=True)
class Shown:
    """A request as members see it, with its districts and interests as codes."""

    request: PartnerRequest
    lead: Organisation
    until: datetime

    @property
    def districts(self) -> list[str]:
        return [mark.code for mark in self.request.marks if mark.code in DISTRICT_NAMES]

    @property
    def interests(self) -> list[str]:
        held = {mark.code for mark in self.request.marks}
        return [code for code in INTERESTS if code in held]


@dataclass(frozen=True)
class RequestPage:
    """A page of open requests."""

    requests: list[Shown]
    total: int
    page: int

    @property
    def more(self) -> bool:
        return self.page * PAGE < self.total


def _shown(row: PartnerRequest) -> Shown:
    return Shown(row, row.proposal.lead, proposals.deadline(row.proposal))


def open_requests(
    now: datetime,
    *,
    sector: Sector | None = None,
    district: str | None = None,
    interest: str | None = None,
    page: int = 1,
) -> RequestPage:
    """Requests that can be answered now, the newest first. One without districts is for all of them."""
    conditions = _open(now)
    if sector is not None:
        conditions.append(PartnerRequest.sector == sector)
    if district is not None:
        somewhere = select(RequestMark.request_id).where(RequestMark.code.in_(sorted(DISTRICT_NAMES)))
        here = select(RequestMark.request_id).where(RequestMark.code == district)
        conditions.append(PartnerRequest.id.in_(here) | PartnerRequest.id.not_in(somewhere))
    if interest is not None:
        conditions.append(PartnerRequest.id.in_(select(RequestMark.request_id).where(RequestMark.code == interest)))
    page = max(1, min(page, 1_000_000))
    joined = select(PartnerRequest).join(PartnerRequest.proposal).join(Proposal.round).where(*conditions)
    total = db.session.scalar(select(func.count()).select_from(joined.subquery())) or 0
    rows = db.session.scalars(
        joined.join(Proposal.lead)
        .options(
            contains_eager(PartnerRequest.proposal).contains_eager(Proposal.round),
            contains_eager(PartnerRequest.proposal).contains_eager(Proposal.lead),
            selectinload(PartnerRequest.marks),
        )
        .order_by(PartnerRequest.posted_at.desc(), PartnerRequest.id.desc())
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    return RequestPage([_shown(row) for row in rows], total, page)


def _open(now: datetime) -> list[ColumnElement[bool]]:
    """Not closed, and its proposal can still be changed: true at once, before the sweep has closed it."""
    return [
        PartnerRequest.closed_at.is_(None),
        ((Proposal.state == ProposalState.RETURNED) & (Proposal.fix_by > now))
        | ((Proposal.state == ProposalState.DRAFT) & (Round.closes_at > now)),
    ]


def request(reference: str, actor: Actor) -> Shown:
    """A request, for the people of members. Raises NotFound where there is none, NotAllowed for others."""
    own_member(actor)
    row = db.session.scalar(
        select(PartnerRequest)
        .options(
            joinedload(PartnerRequest.proposal).joinedload(Proposal.lead),
            joinedload(PartnerRequest.proposal).joinedload(Proposal.round),
            selectinload(PartnerRequest.marks),
        )
        .where(PartnerRequest.reference == known_reference(reference))
    )
    if row is None:
        raise NotFound
    return _shown(row)


def is_open(found: Shown, now: datetime) -> bool:
    """Whether it can be answered now."""
    return found.request.closed_at is None and found.request.proposal.state in EDITABLE and now < found.until


def is_leads(found: Shown, actor: Actor) -> bool:
    """Whether `actor` acts for the lead that asks."""
    return actor.organisation_id == found.lead.id


def requests_of(proposal_id: int, limit: int = 50) -> Sequence[PartnerRequest]:
    """The requests of a proposal, the newest first."""
    return db.session.scalars(
        select(PartnerRequest)
        .where(PartnerRequest.proposal_id == proposal_id)
        .order_by(PartnerRequest.id.desc())
        .limit(limit)
    ).all()


@dataclass(frozen=True)
class Ask:
    """A sector that a proposal lacks, and the open request for it, if one was posted."""

    sector: Sector
    request: PartnerRequest | None


def asks(subject: Proposal) -> list[Ask]:
    """What a lead may ask members for, in the order of the sectors."""
    lacking = gaps(evidence.partner_cases(subject.id), subject.round.policy.g1_min_sectors)
    if not lacking:
        return []
    posted = {row.sector: row for row in requests_of(subject.id) if row.closed_at is None}
    return [Ask(sector, posted.get(sector)) for sector in lacking]


# --- answers


def replies(request_id: int) -> Sequence[PartnerReply]:
    """Answers to a request, oldest first, without those taken back. For the lead's people."""
    return db.session.scalars(
        select(PartnerReply)
        .join(PartnerReply.organisation)
        .options(contains_eager(PartnerReply.organisation))
        .where(PartnerReply.request_id == request_id, PartnerReply.state != ReplyState.TAKEN_BACK)
        .order_by(PartnerReply.id)
        .limit(MOST_REPLIES)
    ).all()


def own_reply(request_id: int, organisation_id: int | None) -> PartnerReply | None:
    """What an organisation answered, unless it took it back."""
    return db.session.scalar(
        select(PartnerReply).where(
            PartnerReply.request_id == request_id,
            PartnerReply.organisation_id == organisation_id,
            PartnerReply.state != ReplyState.TAKEN_BACK,
        )
    )


def reply(reply_id: int, actor: Actor) -> PartnerReply:
    """An answer, for the people of its two sides alone: who gave it and the lead. Raises NotFound for all others."""
    found = db.session.scalar(
        select(PartnerReply)
        .options(
            joinedload(PartnerReply.organisation),
            joinedload(PartnerReply.request).joinedload(PartnerRequest.proposal).joinedload(Proposal.lead),
        )
        .where(PartnerReply.id == known_id(reply_id), PartnerReply.state != ReplyState.TAKEN_BACK)
    )
    if found is None or actor.organisation_id not in (found.organisation_id, found.request.proposal.lead_id):
        raise NotFound
    return found


def replied_since(organisation_id: int, since: datetime) -> int:
    """How many requests an organisation has answered since then, taken back or not."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(PartnerReply)
            .where(PartnerReply.organisation_id == organisation_id, PartnerReply.replied_at > since)
        )
        or 0
    )


def own_replies(organisation_id: int, limit: int = 20) -> Sequence[PartnerReply]:
    """What an organisation answered, the newest first."""
    return db.session.scalars(
        select(PartnerReply)
        .join(PartnerReply.request)
        .options(contains_eager(PartnerReply.request))
        .where(PartnerReply.organisation_id == organisation_id, PartnerReply.state != ReplyState.TAKEN_BACK)
        .order_by(PartnerReply.id.desc())
        .limit(limit)
    ).all()


def own_requests(organisation_id: int, limit: int = 20) -> Sequence[PartnerRequest]:
    """What an organisation asks members for now, the newest first."""
    return db.session.scalars(
        select(PartnerRequest)
        .join(PartnerRequest.proposal)
        .where(Proposal.lead_id == organisation_id, PartnerRequest.closed_at.is_(None))
        .order_by(PartnerRequest.id.desc())
        .limit(limit)
    ).all()


def part_of(proposal_id: int, organisation_id: int) -> Partner | None:
    """The part that an organisation has in a proposal now."""
    return db.session.scalar(
        select(Partner).where(
            Partner.proposal_id == proposal_id,
            Partner.organisation_id == organisation_id,
            Partner.withdrawn_at.is_(None),
        )
    )


def writers(organisation_ids: Collection[int]) -> list[tuple[str, str]]:
    """(name of the organisation, e-mail address) of everybody who writes proposals for these, in one query."""
    rows = db.session.execute(
        select(Organisation.id, Organisation.name, Person.email)
        .join(Appointment, Appointment.organisation_id == Organisation.id)
        .join(Person, Appointment.person_id == Person.id)
        .where(
            Organisation.id.in_(sorted(set(organisation_ids))),
            Appointment.role.in_(sorted(MATRIX[Permission.WRITE_PROPOSAL])),
            Appointment.ended_at.is_(None),
            Person.disabled_at.is_(None),
        )
        .distinct()
        .order_by(Organisation.id, Person.email)
    )
    return [(name, email) for _, name, email in rows]


# --- what waits


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """For a lead's writers: answers to their requests that nobody has answered yet."""
    if actor.organisation_id is None or not actor.may(Permission.WRITE_PROPOSAL):
        return []
    rows = db.session.execute(
        select(PartnerRequest, func.count(PartnerReply.id))
        .join(PartnerReply, PartnerReply.request_id == PartnerRequest.id)
        .join(PartnerRequest.proposal)
        .join(Proposal.round)
        .options(contains_eager(PartnerRequest.proposal).contains_eager(Proposal.round))
        .where(*_open(now), Proposal.lead_id == actor.organisation_id, PartnerReply.state == ReplyState.WAITING)
        .group_by(PartnerRequest.id, Proposal.id, Round.id)
        .order_by(PartnerRequest.id)
        .limit(20)
    )
    return [
        Task(
            f"Answer {'a member' if count == 1 else f'{count} members'} about “{row.title}”",
            "They may be interested in being your partner. Invite them, or say kindly that it is not this time.",
            f"/requests/{row.reference}",
            proposals.deadline(row.proposal),
        )
        for row, count in rows
    ]
