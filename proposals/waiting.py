"""What waits for a person here: drafts to finish, parts to confirm, rounds to open, proposals to look at."""

from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import contains_eager, joinedload

from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import start_of_day
from fund.kernel.db import db
from fund.kernel.tasks import Task
from proposals import round_queries, rules
from proposals.models import Partner, Proposal, Round
from proposals.rules import ProposalState, RoundState

_MOST = 20


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """Everything of rounds and proposals that waits for `actor`, as one who acts for one organisation or the fund."""
    found: list[Task] = []
    if actor.organisation_id is not None and actor.may(Permission.WRITE_PROPOSAL):
        found += _to_write(actor.organisation_id, now)
        found += _voided(actor.organisation_id, now)
    if actor.organisation_id is not None and actor.may(Permission.BIND_ORGANISATION):
        found += _to_confirm(actor.organisation_id, now)
    if actor.may(Permission.RUN_ROUNDS):
        found += _to_open(now)
        found += _to_look_at()
    return found


def _until(subject: Proposal) -> datetime:
    return subject.fix_by if subject.state is ProposalState.RETURNED and subject.fix_by else subject.round.closes_at


def _to_write(organisation_id: int, now: datetime) -> list[Task]:
    drafts = db.session.scalars(
        select(Proposal)
        .join(Proposal.round)
        .options(contains_eager(Proposal.round))
        .where(Proposal.lead_id == organisation_id, Proposal.state.in_(sorted(rules.EDITABLE)))
        .where((Proposal.state == ProposalState.RETURNED) | (Round.closes_at > now))
        .order_by(Proposal.id)
        .limit(_MOST)
    ).all()
    return [
        Task(
            f"Continue “{draft.title}”"
            if draft.state is ProposalState.DRAFT
            else f"Fix “{draft.title}” and send it again",
            f"It is a draft in {draft.round.title}."
            if draft.state is ProposalState.DRAFT
            else "A steward returned it once and said what to fix.",
            f"/proposals/{draft.reference}",
            _until(draft),
        )
        for draft in drafts
        if _until(draft) > now
    ]


def _open_parts(now: datetime) -> list[ColumnElement[bool]]:
    return [
        Partner.withdrawn_at.is_(None),
        Partner.confirmed_at.is_(None),
        Proposal.state.in_(sorted(rules.EDITABLE)),
        ((Proposal.state == ProposalState.RETURNED) & (Proposal.fix_by > now))
        | ((Proposal.state == ProposalState.DRAFT) & (Round.closes_at > now)),
    ]


def _voided(organisation_id: int, now: datetime) -> list[Task]:
    parts = db.session.scalars(
        select(Partner)
        .join(Partner.proposal)
        .join(Proposal.round)
        .options(contains_eager(Partner.proposal).contains_eager(Proposal.round), joinedload(Partner.organisation))
        .where(Proposal.lead_id == organisation_id, Partner.voided_at.is_not(None), *_open_parts(now))
        .order_by(Partner.id)
        .limit(_MOST)
    ).all()
    return [
        Task(
            f"Ask {part.organisation.name} to confirm again",
            f"In “{part.proposal.title}” {part.void_reason}, so its confirmation no longer counts.",
            f"/proposals/{part.proposal.reference}/partners",
            _until(part.proposal),
        )
        for part in parts
    ]


def _to_confirm(organisation_id: int, now: datetime) -> list[Task]:
    parts = db.session.scalars(
        select(Partner)
        .join(Partner.proposal)
        .join(Proposal.round)
        .options(contains_eager(Partner.proposal).contains_eager(Proposal.round))
        .where(Partner.organisation_id == organisation_id, *_open_parts(now))
        .order_by(Partner.id)
        .limit(_MOST)
    ).all()
    return [
        Task(
            f"Confirm your organisation's part in “{part.proposal.title}”",
            f"After you confirmed, {part.void_reason}."
            if part.void_reason
            else "Only somebody who certifies for your organisation can do it.",
            f"/partners/{part.id}/confirm",
            _until(part.proposal),
        )
        for part in parts
        if not rules.missing_terms(part.terms)
    ]


def _to_open(now: datetime) -> list[Task]:
    found = []
    for subject in round_queries.waiting_to_open(now):
        blocked = round_queries.in_the_way_of_opening(subject, now)
        found.append(
            Task(
                f"Get round {subject.reference} open" if blocked else f"Open round {subject.reference}",
                " ".join(finding.message for finding in blocked)
                or "Its time has come and all three sectors have paid in.",
                f"/rounds/{subject.reference}",
                subject.opens_at,
            )
        )
    return found


def _to_look_at() -> list[Task]:
    rounds = db.session.execute(
        select(Round.reference, Round.title, Round.decide_by)
        .join(Proposal, Proposal.round_id == Round.id)
        .where(
            Proposal.state == ProposalState.SUBMITTED,
            Round.state.in_([RoundState.OPEN, RoundState.CLOSED, RoundState.DECIDING]),
        )
        .group_by(Round.id, Round.reference, Round.title, Round.decide_by)
        .order_by(Round.id)
        .limit(_MOST)
    )
    return [
        Task(
            f"Say which proposals of {reference} are eligible",
            f"Proposals to {title} were sent and wait for your look.",
            f"/rounds/{reference}/proposals",
            start_of_day(decide_by),
        )
        for reference, title, decide_by in rounds
    ]
