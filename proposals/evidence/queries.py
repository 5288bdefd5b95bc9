"""Reads of evidence: the case that the gates look at, and what stewards, owners and the safeguarding lead must do."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager, joinedload

from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Finding, NotFound
from fund.kernel.policy import Policy
from fund.kernel.tasks import Task
from proposals import queries as proposals
from proposals.evidence import coproduction, rules
from proposals.evidence.case import (
    ActivityCase,
    AnswerCounts,
    Case,
    GateReport,
    LevelClaim,
    LeverCase,
    PartnerCase,
)
from proposals.evidence.models import (
    Attestation,
    CardRequest,
    EngagementActivity,
    HeardChange,
    Lever,
    PhaseLevel,
    SafeguardingConcern,
)
from proposals.evidence.rules import Said
from proposals.evidence.words import Phase, Verdict
from proposals.models import Partner, Proposal, Round
from proposals.rules import EDITABLE

Row = TypeVar("Row", EngagementActivity, HeardChange, Lever, Attestation)

MOST_ACTIVITIES = 500
MOST_PAIRS = 200
MOST_LEVERS = 50
MOST_CARDS = 500
"""How many a proposal may hold; the services refuse more, so that reads can be whole and bounded."""


# --- what the lead wrote


def activities(proposal_id: int) -> Sequence[EngagementActivity]:
    """Engagement activities, the latest first."""
    return db.session.scalars(
        select(EngagementActivity)
        .where(EngagementActivity.proposal_id == proposal_id)
        .order_by(EngagementActivity.on.desc(), EngagementActivity.id)
        .limit(MOST_ACTIVITIES)
    ).all()


def pairs(proposal_id: int) -> Sequence[HeardChange]:
    """What was heard and what was changed, in the order written."""
    return db.session.scalars(
        select(HeardChange).where(HeardChange.proposal_id == proposal_id).order_by(HeardChange.id).limit(MOST_PAIRS)
    ).all()


def levels(proposal_id: int) -> dict[Phase, PhaseLevel]:
    """The levels claimed, by phase."""
    rows = db.session.scalars(select(PhaseLevel).where(PhaseLevel.proposal_id == proposal_id).order_by(PhaseLevel.id))
    return {row.phase: row for row in rows}


def levers(proposal_id: int) -> Sequence[Lever]:
    """The levers with their owners, in the order written."""
    return db.session.scalars(
        select(Lever)
        .options(joinedload(Lever.owner_partner).joinedload(Partner.organisation))
        .where(Lever.proposal_id == proposal_id)
        .order_by(Lever.id)
        .limit(MOST_LEVERS)
    ).all()


def levers_owned(organisation_id: int, proposal_ids: Collection[int]) -> Sequence[Lever]:
    """What an organisation said that it will change, in these proposals: levers that it owns and has confirmed."""
    rows = db.session.scalars(
        select(Lever)
        .join(Lever.owner_partner)
        .options(contains_eager(Lever.owner_partner))
        .where(Partner.organisation_id == organisation_id, Lever.proposal_id.in_(proposal_ids))
        .order_by(Lever.proposal_id.desc(), Lever.id)
        .limit(MOST_LEVERS * max(1, len(proposal_ids)))
    ).all()
    return [row for row in rows if row.is_confirmed]


def activity(activity_id: int, proposal_id: int) -> EngagementActivity:
    """One activity of a proposal. Raises NotFound."""
    return _of_proposal(EngagementActivity, activity_id, proposal_id)


def pair(pair_id: int, proposal_id: int) -> HeardChange:
    """One pair of a proposal. Raises NotFound."""
    return _of_proposal(HeardChange, pair_id, proposal_id)


def lever_of(lever_id: int, proposal_id: int) -> Lever:
    """One lever of a proposal. Raises NotFound."""
    return _of_proposal(Lever, lever_id, proposal_id)


def _of_proposal(model: type[Row], row_id: int, proposal_id: int) -> Row:
    found = db.session.get(model, proposals.known_id(row_id))
    if found is None or found.proposal_id != proposal_id:
        raise NotFound
    return found


def lever(lever_id: int, actor: Actor) -> Lever:
    """A lever, for the people of its owner's organisation. Raises NotFound."""
    found = db.session.get(Lever, proposals.known_id(lever_id))
    owner = found.owner_partner if found else None
    if found is None or owner is None or owner.withdrawn_at or owner.organisation_id != actor.organisation_id:
        raise NotFound
    return found


# --- the case and the gates


def case(proposal_id: int, now: datetime) -> Case:
    """Everything the gates look at, as it is now, in a fixed number of queries."""
    subject = proposals.proposal_by_id(proposal_id)
    lines = proposals.budget_lines(proposal_id)
    return Case(
        reference=subject.reference,
        budget_pence=sum(line.amount_pence for line in lines),
        requested_pence=sum(line.grant_pence for line in lines),
        coproducer_pence=sum(line.amount_pence for line in lines if line.for_coproducers),
        partners=partner_cases(proposal_id),
        answers=proposals.answers(proposal_id),
        activities=tuple(
            ActivityCase(row.on, row.method, row.place, row.people, row.carers, row.staff)
            for row in activities(proposal_id)
        ),
        heard_changed=tuple((row.heard, row.changed) for row in pairs(proposal_id)),
        levels={phase: LevelClaim(row.level, row.evidence) for phase, row in levels(proposal_id).items()},
        levers=tuple(
            LeverCase(row.kind, row.today, row.after, row.owner_partner_id, row.is_confirmed)
            for row in levers(proposal_id)
        ),
        attestations=answer_counts(proposal_id),
    )


def partner_cases(proposal_id: int) -> tuple[PartnerCase, ...]:
    """The partners that have not left, as gate 1 looks at them."""
    return tuple(_partner_case(partner) for partner in proposals.partners(proposal_id, limit=1000))


def _partner_case(partner: Partner) -> PartnerCase:
    return PartnerCase(
        id=partner.id,
        organisation_id=partner.organisation_id,
        name=partner.organisation.name,
        sector=partner.organisation.sector,
        group_id=partner.organisation.group_id,
        is_lead=partner.is_lead,
        confirmed=partner.is_confirmed,
        role=partner.role,
        contribution_kind=partner.contribution_kind,
        contribution_description=partner.contribution_description,
        contribution_pence=partner.contribution_pence,
        valuation_basis=partner.valuation_basis,
        grant_share_pence=partner.grant_share_pence,
        principles_version=partner.principles_version,
    )


def policy_of(proposal_id: int) -> Policy:
    """The settings that the proposal's round keeps."""
    return proposals.proposal_by_id(proposal_id).round.policy


def gates(proposal_id: int, now: datetime) -> list[GateReport]:
    """How the four gates stand at `now`, by the round's own settings."""
    return rules.evaluate(case(proposal_id, now), policy_of(proposal_id), london_day(now))


def missing(proposal_id: int, now: datetime) -> list[Finding]:
    """What keeps the gates shut at `now`, each with the page that mends it. Empty when all four are met."""
    return rules.missing(gates(proposal_id, now))


def frozen(proposal_id: int) -> dict[str, object]:
    """The evidence for a frozen version, as JSON values. Of attestations only what an applicant may be told."""
    counts = answer_counts(proposal_id)
    return {
        "activities": [
            {
                "on": row.on.isoformat(),
                "method": row.method,
                "place": row.place,
                "people": row.people,
                "carers": row.carers,
                "staff": row.staff,
            }
            for row in activities(proposal_id)
        ],
        "heard_changed": [{"heard": row.heard, "changed": row.changed} for row in pairs(proposal_id)],
        "levels": {
            phase.value: {"level": row.level, "evidence": row.evidence} for phase, row in levels(proposal_id).items()
        },
        "levers": [
            {
                "kind": row.kind.value,
                "today": row.today,
                "after": row.after,
                "owner": row.owner_partner.organisation.name if row.owner_partner else None,
                "owner_reference": row.owner_partner.organisation.reference if row.owner_partner else None,
                "confirmed_by_owner": row.is_confirmed,
            }
            for row in levers(proposal_id)
        ],
        "attestations": {"answers": coproduction.shown_count(counts), "words": coproduction.shown_words(counts)},
    }


# --- attestations, counted


def answer_counts(proposal_id: int) -> AnswerCounts:
    """Co-producers' answers, counted. For stewards and assessors; applicants see `coproduction.shown_words`."""
    rows = db.session.execute(
        select(
            Attestation.who,
            Attestation.took_part,
            Attestation.verdict,
            Attestation.withdrawn_at,
            Attestation.looked_into_at,
        )
        .where(Attestation.proposal_id == proposal_id)
        .limit(MOST_CARDS)
    )
    return rules.count(
        Said(who, took_part, verdict, withdrawn is not None, looked_into is not None)
        for who, took_part, verdict, withdrawn, looked_into in rows
    )


# --- what waits


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """What waits for the person here."""
    found = []
    if actor.may(Permission.BIND_ORGANISATION) and actor.organisation_id is not None:
        found += _levers_to_confirm(actor.organisation_id)
    if actor.may(Permission.RUN_ROUNDS):
        found += _cards_to_bring() + _disagreements()
    if actor.may(Permission.HEAR_SAFEGUARDING):
        found += _open_concerns()
    return found


def _levers_to_confirm(organisation_id: int) -> list[Task]:
    rows = db.session.scalars(
        select(Lever)
        .join(Lever.owner_partner)
        .join(Lever.proposal)
        .join(Proposal.round)
        .options(
            contains_eager(Lever.owner_partner),
            contains_eager(Lever.proposal).contains_eager(Proposal.round),
        )
        .where(
            Partner.organisation_id == organisation_id,
            Partner.withdrawn_at.is_(None),
            Proposal.state.in_(sorted(EDITABLE)),
        )
        .order_by(Round.closes_at, Lever.id)
        .limit(50)
    )
    return [
        Task(
            title=f"Confirm what you will change for {row.proposal.reference}",
            why=f"“{row.proposal.title}” says that your organisation is able to make this change. "
            "It counts only when you say so yourselves.",
            path=f"/levers/{row.id}/confirm",
            due=proposals.deadline(row.proposal),
        )
        for row in rows
        if not row.is_confirmed
    ]


def _cards_to_bring() -> list[Task]:
    rows = db.session.execute(
        select(CardRequest.cards, CardRequest.where, Proposal.reference, Round.closes_at)
        .join(Proposal, Proposal.id == CardRequest.proposal_id)
        .join(Round, Round.id == Proposal.round_id)
        .where(CardRequest.met_at.is_(None))
        .order_by(CardRequest.id)
        .limit(50)
    )
    return [
        Task(
            title=f"Bring {cards} cards to people who worked on {reference}",
            why=f"Their proposal needs their own word before it can be sent. Where: {where[:200]}",
            path=f"/proposals/{reference}/codes",
            due=closes_at,
        )
        for cards, where, reference, closes_at in rows
    ]


def _disagreements() -> list[Task]:
    rows = db.session.execute(
        select(Proposal.reference, func.count(Attestation.id))
        .join(Attestation, Attestation.proposal_id == Proposal.id)
        .where(
            Attestation.verdict == Verdict.DISAGREE,
            Attestation.withdrawn_at.is_(None),
            Attestation.looked_into_at.is_(None),
        )
        .group_by(Proposal.id, Proposal.reference)
        .order_by(Proposal.id)
        .limit(50)
    )
    return [
        Task(
            title=f"Look into a disagreement about {reference}",
            why=f"Answers that disagree with what the partners say: {number}. Gate 3 stays shut until you have.",
            path=f"/proposals/{reference}/codes",
        )
        for reference, number in rows
    ]


def _open_concerns() -> list[Task]:
    number = db.session.execute(
        select(func.count(SafeguardingConcern.id)).where(SafeguardingConcern.closed_at.is_(None))
    ).scalar_one()
    if not number:
        return []
    return [
        Task(
            title="Act on a safeguarding concern",
            why=f"Somebody told the fund that a person may be at risk. Concerns that are open: {number}.",
            path="/safeguarding",
        )
    ]
