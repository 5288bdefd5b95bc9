"""Reads of rounds and proposals. Who may read what is decided here, so that a foreign reference is simply not found."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from fund.kernel.access import MATRIX, Actor, Permission
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.tasks import Task
from members import queries as members
from members.models import Organisation
from members.rules import MembershipStatus
from proposals import questions, rules, waiting
from proposals.addresses import is_office as is_office
from proposals.addresses import known_id as known_id
from proposals.addresses import known_reference
from proposals.assessment import queries as assessment
from proposals.models import Answer, BudgetLine, Partner, Proposal, ProposalVersion
from proposals.round_queries import public_rounds as public_rounds
from proposals.round_queries import round_by_reference as round_by_reference
from proposals.rules import CostLine, ProposalState


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """What waits for the person here."""
    return waiting.tasks(actor, now)


# --- proposals


def proposal_by_id(proposal_id: int) -> Proposal:
    """A proposal, for services of other folders. Raises NotFound."""
    found = db.session.get(Proposal, known_id(proposal_id))
    if found is None:
        raise NotFound
    return found


def proposal(reference: str, actor: Actor) -> Proposal:
    """A proposal that `actor` may open: its lead's and partners' people, the office, and assessors once it was sent.

    Raises:
        NotFound: for everybody else, and where there is none.
    """
    found = db.session.scalar(
        select(Proposal)
        .options(joinedload(Proposal.round), joinedload(Proposal.lead))
        .where(Proposal.reference == known_reference(reference))
    )
    if found is None or not may_open(found, actor):
        raise NotFound
    return found


def may_open(subject: Proposal, actor: Actor) -> bool:
    """Whether `actor` may see the proposal itself, drafts included where it is theirs."""
    if is_office(actor) or is_lead(subject, actor):
        return True
    if actor.may(Permission.ASSESS) and subject.state not in rules.EDITABLE:
        return True
    return actor.organisation_id is not None and any(
        partner.organisation_id == actor.organisation_id for partner in partners(subject.id)
    )


def is_lead(subject: Proposal, actor: Actor) -> bool:
    """Whether `actor` acts for the lead."""
    return actor.organisation_id == subject.lead_id


def may_write(subject: Proposal, actor: Actor, now: datetime) -> bool:
    """Whether `actor` may change it now: the lead's writers, while it is a draft and its time has not run out."""
    return (
        is_lead(subject, actor)
        and actor.may(Permission.WRITE_PROPOSAL)
        and subject.state in rules.EDITABLE
        and now < deadline(subject)
    )


def deadline(subject: Proposal) -> datetime:
    """Until when it can be changed and sent: the round's closing with the grace, or the date given for fixes."""
    if subject.state is ProposalState.RETURNED and subject.fix_by is not None:
        return subject.fix_by
    grace = subject.round.policy.deadline_grace_minutes
    return rules.last_moment(subject.round.closes_at, subject.created_at, grace)


def of_round(round_id: int, limit: int = 500) -> Sequence[Proposal]:
    """Every proposal of a round, by reference."""
    return db.session.scalars(
        select(Proposal)
        .join(Proposal.lead)
        .options(contains_eager(Proposal.lead))
        .where(Proposal.round_id == round_id)
        .order_by(Proposal.id)
        .limit(limit)
    ).all()


def decided_in(round_id: int, limit: int = 500) -> Sequence[Proposal]:
    """Proposals of a round that a ballot decided: all that the public sees, with title, lead and amount."""
    return db.session.scalars(
        select(Proposal)
        .join(Proposal.lead)
        .options(contains_eager(Proposal.lead))
        .where(Proposal.round_id == round_id, Proposal.state.in_(sorted(rules.DECIDED)))
        .order_by(Proposal.id)
        .limit(limit)
    ).all()


def of_organisation(organisation_id: int, limit: int = 100) -> Sequence[Proposal]:
    """Proposals that an organisation leads or is a partner in, the latest first."""
    return db.session.scalars(
        select(Proposal)
        .join(Partner, Partner.proposal_id == Proposal.id)
        .options(joinedload(Proposal.lead))
        .where(Partner.organisation_id == organisation_id, Partner.withdrawn_at.is_(None))
        .order_by(Proposal.id.desc())
        .limit(limit)
    ).all()


def answer_rows(proposal_id: int) -> dict[str, Answer]:
    """Question code → its present answer with revision."""
    rows = db.session.scalars(select(Answer).where(Answer.proposal_id == proposal_id).order_by(Answer.id).limit(500))
    return {row.question: row for row in rows}


def answers(proposal_id: int) -> dict[str, str]:
    """Question code → present answer (see `proposals.questions` for how each kind is kept)."""
    return {code: row.value for code, row in answer_rows(proposal_id).items()}


def answers_to(question: str, proposal_ids: Collection[int]) -> dict[int, str]:
    """Proposal id → its answer to one question, for those that answered it."""
    rows = db.session.execute(
        select(Answer.proposal_id, Answer.value).where(
            Answer.question == question, Answer.proposal_id.in_(proposal_ids)
        )
    )
    return {row[0]: row[1] for row in rows}


def budget_lines(proposal_id: int) -> Sequence[BudgetLine]:
    """The budget, in order."""
    return db.session.scalars(
        select(BudgetLine)
        .where(BudgetLine.proposal_id == proposal_id)
        .order_by(BudgetLine.position)
        .limit(rules.MOST_LINES)
    ).all()


def cost_lines(proposal_id: int) -> list[CostLine]:
    """The budget as plain values."""
    return [
        CostLine(line.heading, line.amount_pence, line.grant_pence, line.for_coproducers)
        for line in budget_lines(proposal_id)
    ]


def requested_pence(proposal_id: int) -> int:
    """What the present budget asks of the fund. (Of a frozen version: `ProposalVersion.requested_pence`.)"""
    total = select(func.coalesce(func.sum(BudgetLine.grant_pence), 0)).where(BudgetLine.proposal_id == proposal_id)
    return int(db.session.execute(total).scalar_one())


def requested_by_proposal(proposal_ids: Sequence[int]) -> dict[int, int]:
    """Proposal id → what its present budget asks of the fund."""
    rows = db.session.execute(
        select(BudgetLine.proposal_id, func.sum(BudgetLine.grant_pence))
        .where(BudgetLine.proposal_id.in_(proposal_ids))
        .group_by(BudgetLine.proposal_id)
    )
    return {proposal_id: int(pence) for proposal_id, pence in rows}


# --- partners


def partners(proposal_id: int, limit: int = 100) -> Sequence[Partner]:
    """Partners that have not left, the lead first, then as invited."""
    return db.session.scalars(
        select(Partner)
        .join(Partner.organisation)
        .options(contains_eager(Partner.organisation))
        .where(Partner.proposal_id == proposal_id, Partner.withdrawn_at.is_(None))
        .order_by(Partner.is_lead.desc(), Partner.id)
        .limit(limit)
    ).all()


def left_partners(proposal_id: int, limit: int = 100) -> Sequence[Partner]:
    """Partners that left or said no."""
    return db.session.scalars(
        select(Partner)
        .join(Partner.organisation)
        .options(contains_eager(Partner.organisation))
        .where(Partner.proposal_id == proposal_id, Partner.withdrawn_at.is_not(None))
        .order_by(Partner.id)
        .limit(limit)
    ).all()


def partner(partner_id: int, actor: Actor) -> Partner:
    """A partner that has not left, for those who may open the proposal. Raises NotFound."""
    found = db.session.get(Partner, known_id(partner_id))
    if found is None or found.withdrawn_at is not None or not may_open(found.proposal, actor):
        raise NotFound
    return found


def partner_organisation_ids(proposal_id: int) -> set[int]:
    """Organisations with an interest: the lead, every partner, and those that confirmed and then left.

    Leaving does not lift a conflict (handbook §5.5).
    """
    return set(
        db.session.scalars(
            select(Partner.organisation_id)
            .where(
                Partner.proposal_id == proposal_id,
                or_(Partner.withdrawn_at.is_(None), Partner.confirmed_at.is_not(None), Partner.voided_at.is_not(None)),
            )
            .order_by(Partner.id)
            .limit(1000)
        )
    )


def addresses(organisation_id: int, permission: Permission) -> list[str]:
    """E-mail addresses of an organisation's people whose role gives `permission`."""
    return [person.email for person in members.people_with(organisation_id, MATRIX[permission])]


# --- frozen versions


def current_version(proposal_id: int) -> ProposalVersion | None:
    """The version sent last, if any was."""
    return db.session.scalar(
        select(ProposalVersion)
        .where(ProposalVersion.proposal_id == proposal_id)
        .order_by(ProposalVersion.number.desc())
        .limit(1)
    )


def versions(proposal_id: int, limit: int = 20) -> Sequence[ProposalVersion]:
    """Every version, in order."""
    return db.session.scalars(
        select(ProposalVersion)
        .where(ProposalVersion.proposal_id == proposal_id)
        .order_by(ProposalVersion.number)
        .limit(limit)
    ).all()


def version(reference: str, number: int, actor: Actor) -> ProposalVersion:
    """A frozen version, for those who may open the proposal and, once it is on a ballot, for every member's people.

    Raises:
        NotFound: for everybody else, and where there is none.
    """
    found = db.session.scalar(
        select(ProposalVersion)
        .join(ProposalVersion.proposal)
        .options(contains_eager(ProposalVersion.proposal))
        .where(Proposal.reference == known_reference(reference), ProposalVersion.number == known_id(number))
    )
    if found is None or not (may_open(found.proposal, actor) or _may_read_as_member(found.proposal, actor)):
        raise NotFound
    return found


def _may_read_as_member(subject: Proposal, actor: Actor) -> bool:
    if subject.state not in rules.OPEN_TO_MEMBERS or actor.organisation_id is None:
        return False
    own = db.session.get(Organisation, actor.organisation_id)
    return own is not None and own.status is MembershipStatus.MEMBER


def ready_for_ballot(round_id: int, limit: int = 500) -> list[Proposal]:
    """Eligible proposals of a round that have been assessed enough, the one first sent first."""
    first_sent = (
        select(ProposalVersion.proposal_id, func.min(ProposalVersion.submitted_at).label("at"))
        .group_by(ProposalVersion.proposal_id)
        .subquery()
    )
    eligible = db.session.scalars(
        select(Proposal)
        .join(first_sent, first_sent.c.proposal_id == Proposal.id)
        .options(joinedload(Proposal.lead), joinedload(Proposal.round))
        .where(Proposal.round_id == round_id, Proposal.state == ProposalState.ELIGIBLE)
        .order_by(first_sent.c.at, Proposal.id)
        .limit(limit)
    ).all()
    if not eligible:
        return []
    standings = assessment.standings([candidate.id for candidate in eligible], eligible[0].round.policy)
    return [candidate for candidate in eligible if standings[candidate.id].complete]


def summary_of(sent: ProposalVersion) -> str:
    """The summary for members in a frozen version."""
    return str(frozen_answers(sent).get(questions.SUMMARY, ""))


def frozen_answers(sent: ProposalVersion) -> dict[str, str]:
    """Question code → answer in a frozen version."""
    return {
        answer["code"]: answer["value"]
        for section in json.loads(sent.content)["sections"]
        for answer in section["answers"]
    }
