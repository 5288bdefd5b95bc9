"""Reads of the framework, of what awards measure, and of reports with their evidence."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload, with_polymorphic

import members.queries
from fund.kernel.access import MATRIX, Actor, Permission
from fund.kernel.calendar import london_day, start_of_day
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.tasks import Task
from fund.reporting.models import (
    Commitment,
    EvidenceItem,
    Measure,
    MeasurementPlan,
    Outcome,
    Reading,
    Report,
    ReportReview,
    Story,
    WhyNone,
)
from fund.reporting.plan_queries import (
    MOST_ITEMS,
    commitments,
    current_framework,
    framework_by_version,
    has_commitments,
    is_fixed,
    may_read,
    measures,
    plan,
    story_prompts,
    with_commitments,
)
from fund.reporting.rules import (
    WRITABLE,
    EvidenceKind,
    EvidenceState,
    OutcomeEvidence,
    ReportState,
    Valued,
    normal_code,
)
from members.accounts.models import Person
from members.models import Appointment, Organisation

__all__ = (
    "commitments",
    "current_framework",
    "framework_by_version",
    "has_commitments",
    "is_fixed",
    "measures",
    "plan",
    "story_prompts",
    "with_commitments",
)

LARGEST_NUMBER = 10_000
MOST_TASKS = 50

# --- reports


def report(award_reference: str, number: int, actor: Actor) -> Report:
    """One report. Raises NotFound unless the actor is of the lead or reviews reports."""
    found = None
    if 0 < number <= LARGEST_NUMBER:
        found = db.session.scalar(
            select(Report).where(Report.award_reference == award_reference, Report.number == number)
        )
    if found is None or not may_read(actor, found.organisation_id):
        raise NotFound
    return found


def reports_of(award_reference: str) -> Sequence[Report]:
    """The reports of an award, by number."""
    return db.session.scalars(
        select(Report).where(Report.award_reference == award_reference).order_by(Report.number).limit(LARGEST_NUMBER)
    ).all()


def report_state(award_reference: str, number: int) -> ReportState | None:
    """Where a report stands, for the conditions of an instalment; None where there is no such report."""
    return db.session.scalar(
        select(Report.state).where(Report.award_reference == award_reference, Report.number == number)
    )


def waiting_for_review(limit: int = MOST_TASKS) -> Sequence[Report]:
    """Reports sent in and not yet answered, oldest first."""
    return db.session.scalars(
        select(Report)
        .where(Report.state == ReportState.SUBMITTED)
        .order_by(Report.submitted_at, Report.id)
        .limit(limit)
    ).all()


def open_reports(limit: int = MOST_TASKS) -> Sequence[Report]:
    """Reports still with their grantees, soonest due first."""
    return db.session.scalars(
        select(Report).where(Report.state.in_(WRITABLE)).order_by(Report.due_on, Report.id).limit(limit)
    ).all()


def reports_by(organisation_id: int, limit: int = 200) -> Sequence[Report]:
    """The reports that an organisation leads, soonest due first."""
    return db.session.scalars(
        select(Report).where(Report.organisation_id == organisation_id).order_by(Report.due_on, Report.id).limit(limit)
    ).all()


def plans_by(organisation_id: int, limit: int = 200) -> Sequence[MeasurementPlan]:
    """The awards that an organisation leads, newest first."""
    return db.session.scalars(
        select(MeasurementPlan)
        .where(MeasurementPlan.organisation_id == organisation_id)
        .order_by(MeasurementPlan.id.desc())
        .limit(limit)
    ).all()


def reviews(report_id: int) -> Sequence[ReportReview]:
    """What reviewers wrote on a report, oldest first."""
    return db.session.scalars(
        select(ReportReview).where(ReportReview.report_id == report_id).order_by(ReportReview.id).limit(200)
    ).all()


def organisations(ids: Collection[int]) -> dict[int, Organisation]:
    """Organisation id → organisation, for a list of reports."""
    rows = db.session.scalars(select(Organisation).where(Organisation.id.in_(ids)).order_by(Organisation.id))
    return {row.id: row for row in rows}


# --- evidence


@dataclass
class OutcomePage:
    """What a report holds for one outcome: the commitments, and the evidence of both kinds."""

    outcome: Outcome
    prompt: Measure | None
    commitments: list[Commitment] = field(default_factory=list)
    readings: dict[int, Reading] = field(default_factory=dict)
    stories: list[Story] = field(default_factory=list)
    why_none: dict[EvidenceKind, str] = field(default_factory=dict)

    @property
    def evidence(self) -> OutcomeEvidence:
        """As the equal-evidence rule sees it."""
        return OutcomeEvidence(
            code=self.outcome.code,
            title=self.outcome.title,
            readings=len(self.readings),
            stories=len(self.stories),
            why_no_reading=self.why_none.get(EvidenceKind.READING),
            why_no_story=self.why_none.get(EvidenceKind.STORY),
        )


def evidence(of: Report) -> list[OutcomePage]:
    """Everything in a report, by outcome in the framework's order. Five queries, however long it is."""
    committed = commitments(of.award_reference)
    prompts = story_prompts({one.measure.outcome_id for one in committed})
    pages: dict[int, OutcomePage] = {}
    for one in committed:
        outcome = one.measure.outcome
        pages.setdefault(outcome.id, OutcomePage(outcome, prompts.get(outcome.id))).commitments.append(one)
    for item in _items([of.id]):
        page = pages[item.outcome_id]
        if isinstance(item, Reading) and item.measure_id is not None:
            page.readings[item.measure_id] = item
        elif isinstance(item, Story):
            page.stories.append(item)
    for why in db.session.scalars(select(WhyNone).where(WhyNone.report_id == of.id).order_by(WhyNone.id)):
        pages[why.outcome_id].why_none[why.kind] = why.reason
    return list(pages.values())


def _items(report_ids: Collection[int]) -> Sequence[EvidenceItem]:
    either = with_polymorphic(EvidenceItem, [Reading, Story])
    return db.session.scalars(
        select(either).where(either.report_id.in_(report_ids)).order_by(either.id).limit(MOST_ITEMS)
    ).all()


def item(item_id: int, of: Report) -> EvidenceItem:
    """A piece of evidence of this report. Raises NotFound for one of another report."""
    found = db.session.get(EvidenceItem, item_id) if 0 < item_id < 2**63 else None
    if found is None or found.report_id != of.id:
        raise NotFound
    return found


def reading_of(of: Report, measure_id: int) -> Reading | None:
    """The number that a report holds for a measure."""
    return db.session.scalar(select(Reading).where(Reading.report_id == of.id, Reading.measure_id == measure_id))


def code_hash(typed: str) -> str:
    """What is kept of a withdraw code."""
    return sha256(normal_code(typed).encode()).hexdigest()


def story_by_code(typed: str) -> Story:
    """The story that a withdraw code was given for. Raises NotFound."""
    found = db.session.scalar(select(Story).where(Story.code_hash == code_hash(typed)))
    if found is None:
        raise NotFound("We don't know that code. Check each letter and figure on the card and try again.")
    return found


# --- what anyone may read: accepted readings and published stories


def published_stories(
    *,
    award_references: Collection[str] | None = None,
    outcome_code: str | None = None,
    for_members: bool = False,
    limit: int = 100,
) -> Sequence[Story]:
    """Stories of accepted reports whose people agreed to the public website, newest first.

    With `for_members` also those agreed for members alone; such a list is for signed-in members.
    """
    audience = or_(Story.use_public, Story.use_members) if for_members else Story.use_public
    query = (
        select(Story)
        .join(Report, Story.report_id == Report.id)
        .options(joinedload(Story.report), joinedload(Story.outcome).joinedload(Outcome.theme))
        .where(
            Story.state.in_((EvidenceState.PUBLISHED, EvidenceState.ACCEPTED)),
            Story.withdrawn_at.is_(None),
            Report.state == ReportState.ACCEPTED,
            audience,
        )
        .order_by(Report.accepted_at.desc(), Story.id.desc())
        .limit(limit)
    )
    if award_references is not None:
        query = query.where(Report.award_reference.in_(award_references))
    if outcome_code is not None:
        query = query.join(Outcome, Story.outcome_id == Outcome.id).where(Outcome.code == outcome_code)
    return db.session.scalars(query).all()


def accepted_readings(*, award_references: Collection[str] | None = None, limit: int = MOST_ITEMS) -> Sequence[Reading]:
    """Readings of accepted reports, newest report first, with measure, outcome and report."""
    query = (
        select(Reading)
        .join(Report, Reading.report_id == Report.id)
        .join(Measure, Reading.measure_id == Measure.id)
        .options(
            joinedload(Reading.report),
            joinedload(Reading.measure),
            joinedload(Reading.outcome).joinedload(Outcome.theme),
        )
        .where(Report.state == ReportState.ACCEPTED)
        .order_by(Report.accepted_at.desc(), Report.id.desc(), Measure.position)
        .limit(limit)
    )
    if award_references is not None:
        query = query.where(Report.award_reference.in_(award_references))
    return db.session.scalars(query).all()


def valued(readings: Sequence[Reading]) -> list[Valued]:
    """Readings as adding up needs them."""
    return [
        Valued(
            reading.measure.framework_id,
            reading.measure.code,
            reading.report.award_reference,
            reading.report.number,
            reading.value_scaled,
        )
        for reading in readings
        if reading.measure is not None
    ]


def stories_told(award_references: Collection[str] | None = None) -> int:
    """How many stories accepted reports hold, withdrawn ones too: withdrawing takes the words, not the count."""
    query = (
        select(func.count())
        .select_from(Story)
        .join(Report, Story.report_id == Report.id)
        .where(Report.state == ReportState.ACCEPTED)
    )
    if award_references is not None:
        query = query.where(Report.award_reference.in_(award_references))
    return db.session.scalar(query) or 0


def accepted_reports(award_references: Collection[str]) -> Sequence[Report]:
    """Accepted reports of these awards, in order."""
    return db.session.scalars(
        select(Report)
        .where(Report.award_reference.in_(award_references), Report.state == ReportState.ACCEPTED)
        .order_by(Report.award_reference, Report.number)
        .limit(MOST_ITEMS)
    ).all()


# --- people


def writers(organisation_id: int) -> Sequence[Person]:
    """The people who may write an organisation's reports, for mails to them."""
    return members.queries.people_with(organisation_id, MATRIX[Permission.WRITE_REPORT])


def served_by(person_id: int) -> frozenset[int]:
    """Ids of the organisations in which a person holds a role, and of those under common control with them."""
    own = (
        select(Appointment.organisation_id)
        .where(Appointment.person_id == person_id, Appointment.ended_at.is_(None))
        .scalar_subquery()
    )
    groups = select(Organisation.group_id).where(Organisation.id.in_(own), Organisation.group_id.is_not(None))
    near = or_(Organisation.id.in_(own), Organisation.group_id.in_(groups.scalar_subquery()))
    return frozenset(db.session.scalars(select(Organisation.id).where(near).order_by(Organisation.id)))


# --- what needs a person


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """Measures to choose and reports to write, for the lead's people; reports to accept, for stewards."""
    found: list[Task] = []
    if actor.organisation_id is not None and actor.may(Permission.WRITE_REPORT):
        found += _measures_to_choose(actor.organisation_id)
        found += _reports_to_write(actor.organisation_id, now)
    if actor.may(Permission.REVIEW_REPORTS):
        own = served_by(actor.person_id)
        found += [_review_task(one) for one in waiting_for_review() if one.organisation_id not in own]
    return found


def _measures_to_choose(organisation_id: int) -> list[Task]:
    rows = db.session.scalars(
        select(MeasurementPlan)
        .where(
            MeasurementPlan.organisation_id == organisation_id,
            ~select(Commitment.id).where(Commitment.award_reference == MeasurementPlan.award_reference).exists(),
        )
        .order_by(MeasurementPlan.id)
        .limit(MOST_TASKS)
    )
    return [
        Task(
            f"Choose what {row.award_reference} will measure",
            "The agreement can go live once you have chosen.",
            f"/reports/{row.award_reference}/measures",
        )
        for row in rows
    ]


def _reports_to_write(organisation_id: int, now: datetime) -> list[Task]:
    soon = london_day(now) + timedelta(days=31)
    rows = db.session.scalars(
        select(Report)
        .where(Report.organisation_id == organisation_id, Report.state.in_(WRITABLE), Report.due_on <= soon)
        .order_by(Report.due_on, Report.id)
        .limit(MOST_TASKS)
    )
    return [_write_task(row, london_day(now)) for row in rows]


def end_of(day: date) -> datetime:
    """The last moment of a day: what is due on it is late only afterwards."""
    return start_of_day(day + timedelta(days=1)) - timedelta(minutes=1)


def _write_task(row: Report, today: date) -> Task:
    if row.state is ReportState.QUERIED:
        title, why = f"Answer the question on report {row.number} of {row.award_reference}", "A steward asked about it."
    elif row.due_on < today:
        title = f"Send the late report {row.number} of {row.award_reference}"
        why = "Payments that depend on it wait. An estimate and one short story are enough."
    else:
        title, why = f"Write report {row.number} of {row.award_reference}", "Numbers and stories count the same."
    return Task(title, why, f"/reports/{row.award_reference}/{row.number}", end_of(row.due_on))


def _review_task(row: Report) -> Task:
    return Task(
        f"Read report {row.number} of {row.award_reference}",
        "Accept it with feedback, or ask a question.",
        f"/reports/{row.award_reference}/{row.number}",
    )
