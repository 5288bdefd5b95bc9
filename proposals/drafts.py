"""What every act on a draft needs: the row locked, and the right, the state and the time to change it."""

from datetime import datetime

from sqlalchemy import select

from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from fund.kernel.errors import Conflict, NotAllowed, NotFound
from proposals import queries, rules
from proposals.models import Partner, Proposal
from proposals.rules import PartnerRole, in_england


def locked(proposal_id: int) -> Proposal:
    """The proposal as it is now, held until the end of the transaction. Raises NotFound."""
    subject = db.session.scalar(
        select(Proposal)
        .where(Proposal.id == queries.known_id(proposal_id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if subject is None:
        raise NotFound
    return subject


def editable(proposal_id: int, actor: Actor, now: datetime) -> Proposal:
    """The proposal, locked, if `actor` may change it now.

    Raises:
        NotFound: for somebody who may not open it.
        NotAllowed: for somebody who may read but not change it.
        Conflict: when it was sent, or its time has run out.
    """
    subject = locked(proposal_id)
    if not queries.may_open(subject, actor):
        raise NotFound
    if not queries.is_lead(subject, actor) or not actor.may(Permission.WRITE_PROPOSAL):
        raise NotAllowed(f"Only people who write for {subject.lead.name} can change this. Ask one of them.")
    check_time(subject, now)
    return subject


def check_time(subject: Proposal, now: datetime) -> None:
    """Raise Conflict unless the proposal is a draft, or returned for fixes, and its time has not run out."""
    if subject.state not in rules.EDITABLE:
        raise Conflict(f"Proposal {subject.reference} was sent, so it can't be changed. Open it to read what was sent.")
    until = queries.deadline(subject)
    if now >= until:
        raise Conflict(
            f"The time for {subject.reference} ran out on {in_england(until)}, so it can't be changed or sent."
        )


def new_partner(
    subject: Proposal, organisation_id: int, *, role: PartnerRole | None, actor: Actor, now: datetime
) -> Partner:
    """A partner without terms as yet; the role of lead makes it the lead."""
    partner = Partner(
        proposal_id=subject.id,
        organisation_id=organisation_id,
        is_lead=role is PartnerRole.LEAD,
        role=role,
        contribution_description="",
        valuation_basis="",
        invited_at=now,
        invited_by_id=actor.person_id,
    )
    db.session.add(partner)
    db.session.flush()
    return partner
