"""Putting a framework in force. Offered through `fund.reporting.service`."""

from datetime import datetime

from fund.kernel import audit
from fund.kernel.access import Actor
from fund.kernel.db import db
from fund.kernel.errors import Conflict, NotFound
from fund.reporting import plan_queries, starter
from fund.reporting.models import Framework, Measure, Outcome, Theme
from fund.reporting.rules import FrameworkStatus


def load_starter_framework(now: datetime) -> Framework:
    """The starter framework of handbook §10.4, published; loaded once, given back as it is after that."""
    rows = starter.rows()
    if (found := plan_queries.framework_by_version(rows[0].framework_code, rows[0].version)) is not None:
        return found
    framework = Framework(
        code=rows[0].framework_code,
        version=rows[0].version,
        title=starter.TITLE,
        owner=starter.OWNER,
        licence=starter.LICENCE,
        source=starter.SOURCE,
        status=FrameworkStatus.DRAFT,
    )
    db.session.add(framework)
    db.session.flush()
    themes: dict[str, Theme] = {}
    outcomes: dict[str, Outcome] = {}
    for position, row in enumerate(rows, start=1):
        if row.theme_code not in themes:
            themes[row.theme_code] = Theme(
                framework_id=framework.id, code=row.theme_code, title=row.theme, position=position
            )
            db.session.add(themes[row.theme_code])
            db.session.flush()
        if row.outcome_code not in outcomes:
            outcomes[row.outcome_code] = Outcome(
                framework_id=framework.id,
                theme_id=themes[row.theme_code].id,
                code=row.outcome_code,
                title=row.outcome,
                position=position,
            )
            db.session.add(outcomes[row.outcome_code])
            db.session.flush()
        db.session.add(_measure(row, framework.id, outcomes[row.outcome_code].id, position))
    db.session.flush()
    publish_framework(framework_id=framework.id, actor=None, now=now)
    return framework


def _measure(row: starter.Row, framework_id: int, outcome_id: int, position: int) -> Measure:
    return Measure(
        framework_id=framework_id,
        outcome_id=outcome_id,
        code=row.measure_code,
        title=row.measure,
        position=position,
        kind=row.kind,
        unit=row.unit,
        decimals=row.decimals,
        direction=row.direction,
        aggregation=row.aggregation,
        guidance=row.guidance,
        evidence_hint=row.evidence_hint,
    )


def publish_framework(*, framework_id: int, actor: Actor | None, now: datetime) -> Framework:
    """Put a draft framework in force. From here on the database refuses every edit of it (R16)."""
    framework = db.session.get(Framework, framework_id, with_for_update=True)
    if framework is None:
        raise NotFound
    if framework.status is not FrameworkStatus.DRAFT:
        raise Conflict("This framework is published already. To change it, make a new version.")
    framework.status = FrameworkStatus.PUBLISHED
    framework.published_at = now
    db.session.flush()
    audit.record(actor, "framework.published", f"{framework.code} {framework.version}", at=now)
    return framework
