"""What the grantee writes in a report, and how the person in a story takes it back.

Every verb takes `actor` and `now`, and never commits. Words of a story never
go into the audit trail: they must be gone when they are withdrawn.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from fund.kernel import audit
from fund.kernel.access import Actor
from fund.kernel.calendar import add_months, london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotFound, RuleBroken, require
from fund.kernel.places import DISTRICT_NAMES
from fund.kernel.policy import policy_at
from fund.reporting import queries
from fund.reporting.checks import locked_report, name_of, require_writable, require_writer
from fund.reporting.models import Measure, Reading, Report, Story, WhyNone
from fund.reporting.rules import (
    CODE_LENGTH,
    CODE_LETTERS,
    REASON_LIMIT,
    Basis,
    Consent,
    EvidenceKind,
    EvidenceState,
    ReportState,
    Voice,
    consent_missing,
    parse_value,
    relation_missing,
)


@dataclass(frozen=True)
class Told:
    """The words of a story. `relation` says who tells it, where it is told by another."""

    title: str
    before: str
    changed: str
    matters: str
    voice: Voice
    relation: str = ""
    district: str | None = None


def _open_report(award_reference: str, number: int, actor: Actor) -> Report:
    report = locked_report(award_reference, number)
    require_writer(actor, report.organisation_id)
    require_writable(report)
    if report.state is ReportState.DUE:
        report.state = ReportState.DRAFT
    return report


def _committed_measure(report: Report, measure_id: int) -> Measure:
    for commitment in queries.commitments(report.award_reference):
        if commitment.measure_id == measure_id:
            return commitment.measure
    raise NotFound


def _check_outcome(report: Report, outcome_id: int) -> None:
    if outcome_id not in {one.measure.outcome_id for one in queries.commitments(report.award_reference)}:
        raise NotFound


def _check_district(code: str | None) -> None:
    if code is not None and code not in DISTRICT_NAMES:
        raise NotFound


def add_reading(
    *,
    award_reference: str,
    number: int,
    measure_id: int,
    value: str,
    basis: Basis,
    attribution_percent: int,
    note: str,
    actor: Actor,
    now: datetime,
    district: str | None = None,
) -> Reading:
    """Give the number for a measure of the award; giving it again replaces it.

    Args:
        value: as people write it; the measure says how many figures may stand after the point.
        attribution_percent: how much of the change is down to this work, 0 to 100.
        district: code of the district it is about; None is Greater Manchester.
    """
    report = _open_report(award_reference, number, actor)
    measure = _committed_measure(report, measure_id)
    _check_district(district)
    findings: list[Finding] = []
    scaled = 0
    try:
        scaled = parse_value(value, measure.kind, measure.decimals)
    except ValueError as fault:
        findings.append(Finding(str(fault), field="value"))
    if not 0 <= attribution_percent <= 100:
        findings.append(Finding("Give a share from 0 to 100.", field="attribution"))
    require(findings)
    reading = db.session.scalar(select(Reading).where(Reading.report_id == report.id, Reading.measure_id == measure_id))
    if reading is None:
        reading = Reading(
            report_id=report.id,
            outcome_id=measure.outcome_id,
            measure_id=measure_id,
            state=EvidenceState.DRAFT,
            made_at=now,
            made_by_id=actor.person_id,
        )
        db.session.add(reading)
    before = reading.value_scaled
    reading.value_scaled = scaled
    reading.basis = basis
    reading.attribution_percent = attribution_percent
    reading.note = note
    reading.district = district
    db.session.flush()
    audit.record(
        actor,
        "reading.given",
        name_of(report),
        at=now,
        before={"measure": measure.code, "value": before},
        after={"measure": measure.code, "value": scaled, "basis": basis.value},
    )
    return reading


def add_story(
    *, award_reference: str, number: int, outcome_id: int, told: Told, consent: Consent, actor: Actor, now: datetime
) -> tuple[Story, str]:
    """Add a story with the consent it stands on.

    Returns:
        The story, and the withdraw code: shown once, to hand to the person in the story. Only its hash is kept.
    """
    report = _open_report(award_reference, number, actor)
    _check_outcome(report, outcome_id)
    code = _new_code()
    story = Story(
        report_id=report.id,
        outcome_id=outcome_id,
        state=EvidenceState.DRAFT,
        made_at=now,
        made_by_id=actor.person_id,
        code_hash=queries.code_hash(code),
    )
    _write(story, told, consent, now)
    db.session.add(story)
    db.session.flush()
    audit.record(actor, "story.added", name_of(report), at=now, after=_uses(story))
    return story, code


def revise_story(
    *, award_reference: str, number: int, item_id: int, told: Told, consent: Consent, actor: Actor, now: datetime
) -> Story:
    """Change the words or the consent of a story before the report is sent. Its withdraw code stays good."""
    report = _open_report(award_reference, number, actor)
    story = _living_story(report, item_id)
    before = _uses(story)
    _write(story, told, consent, now)
    db.session.flush()
    audit.record(actor, "story.revised", name_of(report), at=now, before=before, after=_uses(story))
    return story


def _write(story: Story, told: Told, consent: Consent, now: datetime) -> None:
    _check_district(told.district)
    require([*relation_missing(told.voice, told.relation), *consent_missing(consent)])
    story.title, story.before, story.changed, story.matters = told.title, told.before, told.changed, told.matters
    story.voice, story.district = told.voice, told.district
    story.relation = told.relation if told.voice is Voice.TOLD_BY_ANOTHER else ""
    story.consent_by = consent.by if consent.given else ""  # private evidence keeps no identity
    story.consent_how = consent.how if consent.given else None
    story.use_fund, story.use_members = consent.fund, consent.members
    story.use_public, story.use_press = consent.public, consent.press
    story.named, story.shown_name = consent.named, consent.shown_name
    months = policy_at(now).consent_review_months
    default = add_months(london_day(now), months) if consent.given else None
    story.review_on = consent.review_on or default


def _uses(story: Story) -> dict[str, str | bool]:
    return {
        "outcome": str(story.outcome_id),
        "fund": story.use_fund,
        "members": story.use_members,
        "public": story.use_public,
        "press": story.use_press,
        "named": story.named,
    }


def _new_code() -> str:
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def renew_code(*, award_reference: str, number: int, item_id: int, actor: Actor, now: datetime) -> str:
    """A new withdraw code, where the first was lost; the old one stops working. Allowed at any time."""
    report = locked_report(award_reference, number)
    require_writer(actor, report.organisation_id)
    story = _living_story(report, item_id)
    code = _new_code()
    story.code_hash = queries.code_hash(code)
    audit.record(actor, "story.code_renewed", name_of(report), at=now, after={"story": story.id})
    return code


def _living_story(report: Report, item_id: int) -> Story:
    story = queries.item(item_id, report)
    if not isinstance(story, Story):
        raise NotFound
    if story.withdrawn_at is not None:
        raise Conflict("The person withdrew this story, so its words are gone. You need do nothing: it still counts.")
    return story


def remove_item(*, award_reference: str, number: int, item_id: int, actor: Actor, now: datetime) -> None:
    """Take a number or a story out of a report that is not sent."""
    report = _open_report(award_reference, number, actor)
    item = queries.item(item_id, report)
    if isinstance(item, Story):
        item = _living_story(report, item_id)
    kind = item.kind.value
    db.session.delete(item)
    db.session.flush()
    audit.record(actor, "evidence.removed", name_of(report), at=now, before={"kind": kind, "item": item_id})


def say_why_none(
    *,
    award_reference: str,
    number: int,
    outcome_id: int,
    kind: EvidenceKind,
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Say why there is no number, or no story, for an outcome. An empty reason takes it back."""
    report = _open_report(award_reference, number, actor)
    _check_outcome(report, outcome_id)
    if len(reason) > REASON_LIMIT:
        raise RuleBroken([Finding(f"Shorten this to {REASON_LIMIT} characters.", field="reason")])
    db.session.execute(
        delete(WhyNone).where(WhyNone.report_id == report.id, WhyNone.outcome_id == outcome_id, WhyNone.kind == kind)
    )
    if reason:
        db.session.add(WhyNone(report_id=report.id, outcome_id=outcome_id, kind=kind, reason=reason))
    db.session.flush()
    audit.record(
        actor,
        "evidence.why_none" if reason else "evidence.why_none_taken_back",
        name_of(report),
        at=now,
        after={"outcome": outcome_id, "kind": kind.value},
    )


def withdraw_story(*, code: str, now: datetime) -> None:
    """The person in a story takes it back, by code and without an account.

    At once, in whatever state the report is: the words and every name are erased, and with them whatever page would
    show them. The row stays, so that the count does. Again changes nothing.
    """
    found = queries.story_by_code(code)
    report = db.session.get_one(Report, found.report_id)
    locked_report(report.award_reference, report.number)
    story = db.session.get_one(Story, found.id, populate_existing=True)
    if story.withdrawn_at is not None:
        return
    before = _uses(story)
    for words in ("title", "before", "changed", "matters", "relation", "consent_by", "shown_name"):
        setattr(story, words, "")
    story.use_fund = story.use_members = story.use_public = story.use_press = story.named = False
    story.consent_how = story.review_on = story.district = None
    story.state = EvidenceState.WITHDRAWN
    story.withdrawn_at = now
    story.published_at = None
    db.session.flush()
    audit.record(None, "story.withdrawn", name_of(report), at=now, before=before)
