"""Reads of the framework, and of what awards measure under it. Offered through `fund.reporting.queries`."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.reporting.models import Commitment, Framework, Measure, MeasurementPlan, Outcome, Report
from fund.reporting.rules import FrameworkStatus, MeasureKind, ReportState

MOST_ITEMS = 2_000


def current_framework() -> Framework | None:
    """The published framework that new awards are made under: the one published last."""
    return db.session.scalar(
        select(Framework)
        .where(Framework.status == FrameworkStatus.PUBLISHED)
        .order_by(Framework.published_at.desc(), Framework.id.desc())
        .limit(1)
    )


def framework_by_version(code: str, version: str) -> Framework | None:
    """A framework by its code and version."""
    return db.session.scalar(select(Framework).where(Framework.code == code, Framework.version == version))


def measures(framework_id: int) -> Sequence[Measure]:
    """Every measure of a framework, prompts for stories too, in the framework's order, with outcome and theme."""
    return db.session.scalars(
        select(Measure)
        .options(joinedload(Measure.outcome).joinedload(Outcome.theme))
        .where(Measure.framework_id == framework_id)
        .order_by(Measure.position)
        .limit(MOST_ITEMS)
    ).all()


def story_prompts(outcome_ids: Collection[int]) -> dict[int, Measure]:
    """Outcome id → its prompt for stories."""
    rows = db.session.scalars(
        select(Measure)
        .where(Measure.outcome_id.in_(outcome_ids), Measure.kind == MeasureKind.STORY)
        .order_by(Measure.position.desc())
    )
    return {measure.outcome_id: measure for measure in rows}


# --- plans and commitments


def may_read(actor: Actor, organisation_id: int) -> bool:
    """Whether the actor is of the lead, or reviews reports."""
    own = actor.organisation_id == organisation_id and actor.may(Permission.SEE_OWN_ORGANISATION)
    return own or actor.may(Permission.REVIEW_REPORTS)


def plan(award_reference: str, actor: Actor) -> MeasurementPlan:
    """What an award measures. Raises NotFound unless the actor is of the lead or reviews reports."""
    found = db.session.scalar(select(MeasurementPlan).where(MeasurementPlan.award_reference == award_reference))
    if found is None or not may_read(actor, found.organisation_id):
        raise NotFound
    return found


def commitments(award_reference: str) -> Sequence[Commitment]:
    """The measures that an award committed to, in the framework's order, with outcome and theme."""
    return db.session.scalars(
        select(Commitment)
        .join(Measure, Commitment.measure_id == Measure.id)
        .options(joinedload(Commitment.measure).joinedload(Measure.outcome).joinedload(Outcome.theme))
        .where(Commitment.award_reference == award_reference)
        .order_by(Measure.position)
        .limit(MOST_ITEMS)
    ).all()


def has_commitments(award_reference: str) -> bool:
    """Whether the lead has chosen what to measure; an agreement goes live only then."""
    return (
        db.session.scalar(select(Commitment.id).where(Commitment.award_reference == award_reference).limit(1))
        is not None
    )


def with_commitments(award_references: Collection[str]) -> set[str]:
    """Those of the awards whose lead has chosen what to measure."""
    rows = db.session.scalars(
        select(Commitment.award_reference).where(Commitment.award_reference.in_(award_references)).distinct()
    )
    return set(rows)


def is_fixed(found: MeasurementPlan) -> bool:
    """Whether the choice of measures can no longer change: agreed, or reporting has begun."""
    if found.fixed_at is not None:
        return True
    begun = select(Report.id).where(Report.award_reference == found.award_reference, Report.state != ReportState.DUE)
    return db.session.scalar(begun.limit(1)) is not None
