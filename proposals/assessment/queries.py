"""Reads of assessments: how far they are, what they come to, and whom a conflict shuts out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager, joinedload

from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import start_of_day
from fund.kernel.db import db
from fund.kernel.errors import Finding, NotFound
from fund.kernel.policy import Policy
from fund.kernel.tasks import Task
from members.models import Appointment, Organisation
from proposals.addresses import known_reference
from proposals.assessment.models import Assessment, Moderation
from proposals.assessment.rules import Outcome, Standing, conflict_of_interest, standing_of
from proposals.models import Partner, Proposal, ProposalVersion, Round
from proposals.rules import ProposalState

MOST_LISTED = 200
"""The longest list that the desk shows."""


def present_versions(proposal_ids: Sequence[int]) -> dict[int, ProposalVersion]:
    """The newest frozen version of each proposal that has one."""
    newest = (
        select(func.max(ProposalVersion.id))
        .where(ProposalVersion.proposal_id.in_(proposal_ids))
        .group_by(ProposalVersion.proposal_id)
    )
    versions = db.session.scalars(
        select(ProposalVersion)
        .options(joinedload(ProposalVersion.proposal))
        .where(ProposalVersion.id.in_(newest))
        .order_by(ProposalVersion.id)
    )
    return {version.proposal_id: version for version in versions}


def standings(proposal_ids: Sequence[int], policy: Policy) -> dict[int, Standing]:
    """How far the assessment of each proposal's present version has come. Three queries, whatever the number."""
    versions = present_versions(proposal_ids)
    by_version: dict[int, list[Assessment]] = {version.id: [] for version in versions.values()}
    submitted = db.session.scalars(
        select(Assessment)
        .where(Assessment.version_id.in_(by_version), Assessment.submitted_at.is_not(None), Assessment.conflict == "")
        .order_by(Assessment.id)
    )
    for assessment in submitted:
        by_version[assessment.version_id].append(assessment)
    let_stand = set(
        db.session.scalars(
            select(Moderation.version_id).where(
                Moderation.version_id.in_(by_version), Moderation.outcome == Outcome.STANDS
            )
        )
    )
    references = {version.proposal_id: version.proposal.reference for version in versions.values()}
    found = {}
    for proposal_id in proposal_ids:
        version = versions.get(proposal_id)
        scores = [one.scores for one in by_version[version.id]] if version else []
        found[proposal_id] = standing_of(
            scores,
            policy,
            talked_about=version is not None and version.id in let_stand,
            fix=f"/assessments/{references[proposal_id]}/moderation" if version else None,
        )
    return found


def standing(proposal_id: int, policy: Policy) -> Standing:
    """How far the assessment of the proposal's present version has come."""
    return standings([proposal_id], policy)[proposal_id]


def assessed(proposal_id: int, policy: Policy) -> bool:
    """Whether enough unconflicted assessors have scored it, lived experience among them, and the scores pass."""
    return standing(proposal_id, policy).complete


def not_ready(proposal_id: int, policy: Policy) -> list[Finding]:
    """Why its assessment keeps a proposal off the ballot; empty when it doesn't."""
    return list(standing(proposal_id, policy).findings)


def mean_score(proposal_id: int) -> Fraction | None:
    """Mean of the submitted scores of the present version over all gates, exact; None before the first."""
    return standing(proposal_id, Policy()).mean


# --- who may assess


def conflict(proposal_id: int, person_id: int) -> str | None:
    """Why the person may not assess the proposal, by the roles they hold now; None where nothing is against it."""
    organisations = db.session.execute(
        select(Organisation.id, Organisation.name, Organisation.group_id)
        .join(Appointment, Appointment.organisation_id == Organisation.id)
        .where(Appointment.person_id == person_id, Appointment.ended_at.is_(None))
        .order_by(Organisation.id)
        .distinct()
        .limit(100)
    ).all()
    partner_ids = _organisations_with_an_interest(proposal_id)
    partner_groups = set(
        db.session.scalars(
            select(Organisation.group_id).where(Organisation.id.in_(partner_ids), Organisation.group_id.is_not(None))
        )
    )
    return conflict_of_interest(
        {row.id: row.name for row in organisations},
        {row.group_id: row.name for row in organisations if row.group_id is not None},
        partner_ids,
        {group_id for group_id in partner_groups if group_id is not None},
    )


def _organisations_with_an_interest(proposal_id: int) -> set[int]:
    """The lead and everybody who is, was or is invited to be a partner: leaving does not lift a conflict."""
    return set(
        db.session.scalars(
            select(Partner.organisation_id).where(Partner.proposal_id == proposal_id).order_by(Partner.id).limit(1000)
        )
    )


# --- assessments


def own(version_id: int, person_id: int) -> Assessment | None:
    """The person's own assessment of a version, from the declaration on."""
    return db.session.scalar(
        select(Assessment).where(Assessment.version_id == version_id, Assessment.assessor_id == person_id)
    )


def submitted(version_id: int) -> Sequence[Assessment]:
    """Submitted assessments of a version with their assessors, the first to be submitted first."""
    return db.session.scalars(
        select(Assessment)
        .join(Assessment.assessor)
        .options(contains_eager(Assessment.assessor))
        .where(Assessment.version_id == version_id, Assessment.submitted_at.is_not(None))
        .order_by(Assessment.submitted_at, Assessment.id)
        .limit(MOST_LISTED)
    ).all()


def others(version_id: int, person_id: int) -> Sequence[Assessment] | None:
    """Others' submitted assessments, once the person's own is submitted; None until then."""
    mine = own(version_id, person_id)
    if mine is None or mine.submitted_at is None:
        return None
    return [one for one in submitted(version_id) if one.assessor_id != person_id]


def moderations(proposal_id: int) -> Sequence[Moderation]:
    """Talks about a proposal's scores, the latest first."""
    return db.session.scalars(
        select(Moderation)
        .options(joinedload(Moderation.recorded_by))
        .where(Moderation.proposal_id == proposal_id)
        .order_by(Moderation.id.desc())
        .limit(50)
    ).all()


def eligible(reference: str) -> tuple[Proposal, ProposalVersion]:
    """A proposal that is past drafting, and its present version. Raises NotFound."""
    found = db.session.scalar(
        select(Proposal)
        .join(Proposal.round)
        .options(contains_eager(Proposal.round), joinedload(Proposal.lead))
        .where(Proposal.reference == known_reference(reference))
    )
    version = present_versions([found.id]).get(found.id) if found else None
    if found is None or version is None or found.state in _NOT_YET:
        raise NotFound
    return found, version


_NOT_YET = (ProposalState.DRAFT, ProposalState.SUBMITTED, ProposalState.RETURNED, ProposalState.INELIGIBLE)


@dataclass(frozen=True)
class DeskRow:
    """A proposal on an assessor's desk. `shut_out`: why they can't assess it, if so."""

    proposal: Proposal
    own: Assessment | None
    shut_out: str | None

    @property
    def waits(self) -> bool:
        """Whether the assessor still has something to do."""
        return self.shut_out is None and (self.own is None or self.own.submitted_at is None)


def desk(person_id: int, limit: int = MOST_LISTED) -> list[DeskRow]:
    """Eligible proposals with the person's own assessment of each, those to be decided first on top."""
    waiting = db.session.scalars(
        select(Proposal)
        .join(Proposal.round)
        .options(contains_eager(Proposal.round), joinedload(Proposal.lead))
        .where(Proposal.state == ProposalState.ELIGIBLE)
        .order_by(Round.decide_by, Proposal.id)
        .limit(limit)
    ).all()
    versions = present_versions([one.id for one in waiting])
    mine = {
        one.version_id: one
        for one in db.session.scalars(
            select(Assessment).where(
                Assessment.assessor_id == person_id,
                Assessment.version_id.in_([version.id for version in versions.values()]),
            )
        )
    }
    shut_out = _shut_out([one.id for one in waiting], person_id)
    rows = []
    for one in waiting:
        version = versions.get(one.id)
        assessment = mine.get(version.id) if version else None
        declared = "You declared a link to this proposal." if assessment and assessment.conflict else None
        rows.append(DeskRow(one, assessment, declared or shut_out.get(one.id)))
    return rows


def _shut_out(proposal_ids: Sequence[int], person_id: int) -> dict[int, str]:
    """Proposal id → why the person may not assess it. Only people with a role somewhere cost a query a proposal."""
    holds_role = db.session.scalar(
        select(Appointment.id).where(Appointment.person_id == person_id, Appointment.ended_at.is_(None)).limit(1)
    )
    if holds_role is None:
        return {}
    found = {proposal_id: conflict(proposal_id, person_id) for proposal_id in proposal_ids}
    return {proposal_id: reason for proposal_id, reason in found.items() if reason}


def waiting_for_a_talk(limit: int = MOST_LISTED) -> list[Proposal]:
    """Eligible proposals with enough scores that don't pass, about which no talk was recorded."""
    rows = db.session.scalars(
        select(Proposal)
        .join(Proposal.round)
        .options(contains_eager(Proposal.round))
        .where(Proposal.state == ProposalState.ELIGIBLE)
        .order_by(Round.decide_by, Proposal.id)
        .limit(limit)
    ).all()
    by_round: dict[int, list[Proposal]] = {}
    for row in rows:
        by_round.setdefault(row.round_id, []).append(row)
    return [
        row
        for of_round in by_round.values()
        for found in [standings([row.id for row in of_round], of_round[0].round.policy)]
        for row in of_round
        if found[row.id].needs_moderation
    ]


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """What waits for the person here."""
    found = []
    if actor.may(Permission.ASSESS):
        found += [
            Task(
                title=f"Assess {row.proposal.reference}",
                why=f"“{row.proposal.title}” can go to the members only when assessors have scored it.",
                path=f"/assessments/{row.proposal.reference}",
                due=start_of_day(row.proposal.round.decide_by),
            )
            for row in desk(actor.person_id, limit=30)
            if row.waits
        ]
    if actor.may(Permission.RUN_ROUNDS):
        found += [
            Task(
                title=f"Hold a moderation talk about {row.reference}",
                why="Its scores don't pass. The assessors talk, and you write down what came of it.",
                path=f"/assessments/{row.reference}/moderation",
                due=start_of_day(row.round.decide_by),
            )
            for row in waiting_for_a_talk()
        ]
    return found
