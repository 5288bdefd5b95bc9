"""Requests close by themselves when there is nothing left to ask for.

Apart from the service, because what partners and leads do calls it: a confirmation, a sending, the clock.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from fund.kernel.outbox import mail
from proposals import queries as proposals
from proposals import rules as proposal_rules
from proposals.brokerage.models import PartnerReply, PartnerRequest
from proposals.brokerage.rules import CLOSED_WORDS, ClosedBecause, ReplyState, gaps
from proposals.evidence import queries as evidence
from proposals.models import Proposal


def settle(now: datetime) -> int:
    """Close every request that is over; how many that were. The scheduler's sweep."""
    ids = db.session.scalars(
        select(PartnerRequest.proposal_id)
        .where(PartnerRequest.closed_at.is_(None))
        .group_by(PartnerRequest.proposal_id)
        .order_by(PartnerRequest.proposal_id)
    ).all()
    return sum(settle_proposal(proposal_id, actor=None, now=now) for proposal_id in ids)


def settle_proposal(proposal_id: int, *, actor: Actor | None, now: datetime) -> int:
    """Close what is over of one proposal's requests: sent, out of time, or the sector has come. How many that were."""
    waiting = _open(proposal_id)
    if not waiting:
        return 0
    subject = proposals.proposal_by_id(proposal_id)
    why = _over(subject, now)
    lacking = gaps(evidence.partner_cases(proposal_id), subject.round.policy.g1_min_sectors)
    closed = 0
    for request in waiting:
        reason = why or (ClosedBecause.FILLED if request.sector not in lacking else None)
        if reason is not None:
            close(request, subject, reason, actor=actor, now=now)
            closed += 1
    return closed


def _over(subject: Proposal, now: datetime) -> ClosedBecause | None:
    if subject.state not in proposal_rules.EDITABLE:
        return ClosedBecause.SENT
    return ClosedBecause.TIME_RAN_OUT if now >= proposals.deadline(subject) else None


def _open(proposal_id: int) -> Collection[PartnerRequest]:
    return db.session.scalars(
        select(PartnerRequest)
        .where(PartnerRequest.proposal_id == proposal_id, PartnerRequest.closed_at.is_(None))
        .order_by(PartnerRequest.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def close(
    request: PartnerRequest, subject: Proposal, why: ClosedBecause, *, actor: Actor | None, now: datetime
) -> None:
    """End a locked request, and thank those whose answer was still waiting."""
    request.closed_at, request.closed_because = now, why
    db.session.flush()
    audit.record(actor, "partner_request.closed", request.reference, at=now, after={"because": why})
    unanswered = db.session.scalars(
        select(PartnerReply)
        .where(PartnerReply.request_id == request.id, PartnerReply.state == ReplyState.WAITING)
        .order_by(PartnerReply.id)
    ).all()
    for reply in unanswered:
        for address in proposals.addresses(reply.organisation_id, Permission.WRITE_PROPOSAL):
            mail(
                key=f"partner-reply:{reply.id}:closed:{address}",
                to=address,
                subject=f"The request “{request.title}” is closed",
                what=f"{subject.lead.name} looks for no partner here any more. {CLOSED_WORDS[why]} Thank you for "
                "your answer.",
                why=f"You write for {reply.organisation.name}, which answered request {request.reference}.",
                path="/requests",
                now=now,
            )
