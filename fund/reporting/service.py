"""What people and the scheduler do with the framework, commitments, reports and reviews.

Every verb takes `actor` (None is the scheduler) and `now`, raises errors of `fund.kernel.errors`, and never commits.
What is written inside a report (readings, stories, reasons, withdrawal) is in `fund.reporting.evidence` and is offered
here too, so that callers need one name.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import and_, delete, or_, select

from fund.kernel import audit, outbox
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, NotFound, RuleBroken, require
from fund.kernel.topics import Topic
from fund.reporting import queries
from fund.reporting.checks import locked_plan, locked_report, name_of, require_writable, require_writer
from fund.reporting.evidence import (
    Told,
    add_reading,
    add_story,
    remove_item,
    renew_code,
    revise_story,
    say_why_none,
    withdraw_story,
)
from fund.reporting.frameworks import load_starter_framework, publish_framework
from fund.reporting.models import (
    Commitment,
    EvidenceItem,
    Measure,
    MeasurementPlan,
    Report,
    ReportReview,
    Story,
)
from fund.reporting.rules import (
    REMIND_DAYS_FROM_DUE,
    WRITABLE,
    EvidenceKind,
    EvidenceState,
    MeasureKind,
    Reminder,
    ReportState,
    ReviewDecision,
    missing,
    parse_value,
    reminder_due,
)

__all__ = (
    "Told",
    "accept_report",
    "add_reading",
    "add_story",
    "commit_measures",
    "fix_measures",
    "load_starter_framework",
    "open_plan",
    "publish_framework",
    "query_report",
    "remove_item",
    "renew_code",
    "revise_story",
    "say_why_none",
    "schedule_reports",
    "submit_report",
    "sweep",
    "withdraw_story",
)

REMINDERS_PER_SWEEP = 200

# --- what an award measures


def open_plan(*, award_reference: str, organisation_id: int, actor: Actor | None, now: datetime) -> MeasurementPlan:
    """Let the lead of an award choose what to measure, under the framework now in force. Again changes nothing.

    Called by grants, which has checked who may do so. Raises RuleBroken while no framework is published.
    """
    found = db.session.scalar(select(MeasurementPlan).where(MeasurementPlan.award_reference == award_reference))
    if found is not None:
        return found
    framework = queries.current_framework()
    if framework is None:
        raise RuleBroken("No measurement framework is published yet. Publish one, then try again.")
    opened = MeasurementPlan(
        award_reference=award_reference,
        organisation_id=organisation_id,
        framework_id=framework.id,
        opened_at=now,
    )
    db.session.add(opened)
    db.session.flush()
    audit.record(actor, "measures.opened", award_reference, at=now, after={"framework": framework.version})
    return opened


def commit_measures(
    *,
    award_reference: str,
    measure_ids: Sequence[int],
    baselines: Mapping[int, str] | None = None,
    intentions: Mapping[int, str] | None = None,
    actor: Actor,
    now: datetime,
) -> list[Commitment]:
    """The lead chooses its measures, all at once; choosing again replaces the choice until the agreement goes live.

    Args:
        measure_ids: measures of the award's framework that are not stories; stories are asked for every outcome chosen.
        baselines: measure id → how things stand today, as people write numbers; may be left out.
        intentions: measure id → what is hoped for.
    """
    plan = locked_plan(award_reference)
    require_writer(actor, plan.organisation_id)
    if queries.is_fixed(plan):
        raise Conflict("What this award measures is agreed and can't change now. Ask a steward if it no longer fits.")
    known = {one.id: one for one in queries.measures(plan.framework_id) if one.kind is not MeasureKind.STORY}
    chosen = [known[one] for one in dict.fromkeys(measure_ids) if one in known]
    if len(chosen) != len(set(measure_ids)):
        raise NotFound
    findings: list[Finding] = []
    if not chosen:
        findings.append(Finding("Choose at least one measure: the one that tells most about your work."))
    rows = [
        Commitment(
            award_reference=award_reference,
            measure_id=measure.id,
            baseline_scaled=_value((baselines or {}).get(measure.id), measure, "baseline", findings),
            intention_scaled=_value((intentions or {}).get(measure.id), measure, "intention", findings),
            committed_at=now,
            committed_by_id=actor.person_id,
        )
        for measure in chosen
    ]
    require(findings)
    db.session.execute(delete(Commitment).where(Commitment.award_reference == award_reference))
    db.session.add_all(rows)
    db.session.flush()
    codes = ", ".join(measure.code for measure in chosen)
    audit.record(actor, "measures.chosen", award_reference, at=now, after={"measures": codes})
    return rows


def _value(text: str | None, measure: Measure, what: str, findings: list[Finding]) -> int | None:
    if not text:
        return None
    try:
        return parse_value(text, measure.kind, measure.decimals)
    except ValueError as fault:
        findings.append(Finding(str(fault), field=f"{what}_{measure.id}"))
        return None


def fix_measures(*, award_reference: str, actor: Actor | None, now: datetime) -> None:
    """The agreement goes live: its measures are agreed and no longer change. Raises RuleBroken when none is chosen."""
    plan = locked_plan(award_reference)
    if not queries.has_commitments(award_reference):
        raise RuleBroken("The lead has not chosen what to measure yet. Ask them to choose, then try again.")
    if plan.fixed_at is None:
        plan.fixed_at = now
        audit.record(actor, "measures.agreed", award_reference, at=now)


def schedule_reports(
    *, award_reference: str, organisation_id: int, due_dates: Sequence[date], actor: Actor | None, now: datetime
) -> list[Report]:
    """Make the reports of an award, numbered from 1 by date. The same dates again change nothing.

    Called by grants. Raises Conflict when reports with other dates are there.
    """
    open_plan(award_reference=award_reference, organisation_id=organisation_id, actor=actor, now=now)
    locked_plan(award_reference)
    wanted = sorted(due_dates)
    there = list(queries.reports_of(award_reference))
    if there:
        if [one.due_on for one in there] != wanted:
            raise Conflict("The reports of this award have dates already.")
        return there
    made = [
        Report(
            award_reference=award_reference,
            organisation_id=organisation_id,
            number=number,
            due_on=due_on,
            state=ReportState.DUE,
        )
        for number, due_on in enumerate(wanted, start=1)
    ]
    db.session.add_all(made)
    db.session.flush()
    dates = ", ".join(day.isoformat() for day in wanted)
    audit.record(actor, "reports.scheduled", award_reference, at=now, after={"due": dates})
    return made


# --- the grantee sends, the steward answers


def submit_report(*, award_reference: str, number: int, unwanted_change: str, actor: Actor, now: datetime) -> Report:
    """The lead sends a report in. Refused, with every gap named, until the equal-evidence rule holds (§10.2)."""
    report = locked_report(award_reference, number)
    require_writer(actor, report.organisation_id)
    require_writable(report)
    require(missing([page.evidence for page in queries.evidence(report)]))
    before = report.state
    report.unwanted_change = unwanted_change
    report.state = ReportState.SUBMITTED
    report.submitted_at = now
    report.submitted_by_id = actor.person_id
    for item in _living_items(report):
        item.state = EvidenceState.SUBMITTED
    audit.record(
        actor,
        "report.submitted",
        name_of(report),
        at=now,
        before={"state": before.value},
        after={"state": report.state.value},
    )
    return report


def query_report(*, award_reference: str, number: int, words: str, actor: Actor, now: datetime) -> Report:
    """A steward asks the lead a question; the report goes back to them."""
    report = _report_to_review(award_reference, number, actor)
    report.state = ReportState.QUERIED
    for item in _living_items(report):
        item.state = EvidenceState.QUERIED
    _review(report, ReviewDecision.QUERIED, words, actor, now)
    _tell_writers(
        report,
        key=f"query:{_reviews_so_far(report)}",
        subject=f"A question about report {report.number} of {report.award_reference}",
        what=f"A steward asks: {words}",
        why="You write the reports of this award. Answer in the report, then send it again.",
        topic=Topic.ANSWER,
        now=now,
    )
    return report


def accept_report(*, award_reference: str, number: int, feedback: str, actor: Actor, now: datetime) -> Report:
    """A steward accepts a report, with feedback. Its numbers, and its stories with consent to it, become public."""
    report = _report_to_review(award_reference, number, actor)
    report.state = ReportState.ACCEPTED
    report.accepted_at = now
    for item in _living_items(report):
        public = item.kind is EvidenceKind.READING or (isinstance(item, Story) and item.use_public)
        item.state = EvidenceState.PUBLISHED if public else EvidenceState.ACCEPTED
        item.published_at = now if public else None
    _review(report, ReviewDecision.ACCEPTED, feedback, actor, now)
    _tell_writers(
        report,
        key="accepted",
        subject=f"Report {report.number} of {report.award_reference} is accepted",
        what=f"Your report is accepted. The steward writes: {feedback}",
        why="You write the reports of this award.",
        topic=Topic.PROGRESS,
        now=now,
    )
    return report


def _report_to_review(award_reference: str, number: int, actor: Actor) -> Report:
    actor.require(Permission.REVIEW_REPORTS)
    report = locked_report(award_reference, number)
    if report.organisation_id in queries.served_by(actor.person_id):
        raise NotAllowed("You serve the organisation that wrote this report. Ask another steward to answer it.")
    if report.state is not ReportState.SUBMITTED:
        raise Conflict(
            f"This report is {report.state.value} now: somebody else answered it, or it is back with its writers. "
            "Reload the page to see what was said."
        )
    return report


def _review(report: Report, decision: ReviewDecision, words: str, actor: Actor, now: datetime) -> None:
    if not words.strip():
        raise RuleBroken(
            [Finding("Write a sentence or two to the people who sent this: they get it by mail.", "words")]
        )
    db.session.add(
        ReportReview(report_id=report.id, decision=decision, words=words, at=now, reviewer_id=actor.person_id)
    )
    db.session.flush()
    audit.record(
        actor,
        f"report.{decision.value}",
        name_of(report),
        at=now,
        before={"state": ReportState.SUBMITTED.value},
        after={"state": report.state.value},
    )


def _reviews_so_far(report: Report) -> int:
    return len(queries.reviews(report.id))


def _living_items(report: Report) -> list[EvidenceItem]:
    rows = db.session.scalars(
        select(EvidenceItem)
        .where(EvidenceItem.report_id == report.id, EvidenceItem.state != EvidenceState.WITHDRAWN)
        .order_by(EvidenceItem.id)
    )
    return list(rows)


# --- reminders


def sweep(now: datetime) -> int:
    """Remind of reports before, on and after the day they are due. Gives the number of reports dealt with.

    Each reminder goes out once, whoever sweeps and however often; after an outage only the latest one is sent.
    """
    today = london_day(now)
    due = or_(
        *(
            and_(Report.reminded < place, Report.due_on <= today - timedelta(days=days))
            for place, days in enumerate(REMIND_DAYS_FROM_DUE.values(), start=1)
        )
    )
    reports = db.session.scalars(
        select(Report)
        .where(Report.state.in_(WRITABLE), due)
        .order_by(Report.id)
        .limit(REMINDERS_PER_SWEEP)
        .with_for_update(skip_locked=True)
    ).all()
    for report in reports:
        stage = reminder_due(report.due_on, today)
        if stage is not None:
            _remind(report, stage, now)
            report.reminded = list(Reminder).index(stage) + 1
    db.session.flush()
    return len(reports)


def _remind(report: Report, stage: Reminder, now: datetime) -> None:
    openings = {
        Reminder.BEFORE: "is due soon",
        Reminder.ON_THE_DAY: "is due",
        Reminder.AFTER: "is late",
    }
    day = f"{report.due_on.day} {report.due_on:%B %Y}"
    _tell_writers(
        report,
        key=f"reminder:{stage.value}",
        subject=f"Report {report.number} of {report.award_reference} {openings[stage]}",
        what=(
            f"Report {report.number} of {report.award_reference} is not sent yet. It needs a number and a story for "
            "each outcome you chose, or a sentence on why there is none."
        ),
        why="You write the reports of this award. Payments that wait for this report can go on once it is accepted.",
        by_when=f"It was due on {day}." if stage is Reminder.AFTER else f"It is due on {day}.",
        topic=Topic.REMINDER,
        now=now,
    )


def _tell_writers(
    report: Report,
    *,
    key: str,
    subject: str,
    what: str,
    why: str,
    now: datetime,
    by_when: str = "Nothing is needed by a date.",
    topic: Topic = Topic.NOTICE,
) -> None:
    for person in queries.writers(report.organisation_id):
        outbox.mail(
            key=f"report:{report.award_reference}:{report.number}:{key}:{person.id}",
            to=person.email,
            subject=subject,
            what=what,
            why=why,
            by_when=by_when,
            path=f"/reports/{report.award_reference}/{report.number}",
            now=now,
            topic=topic,
        )
