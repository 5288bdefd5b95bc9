"""What every act here checks first: that the thing exists, is held, is the actor's own, and is still open."""

from sqlalchemy import select

from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from fund.kernel.errors import Conflict, NotFound
from fund.reporting import queries
from fund.reporting.models import MeasurementPlan, Report
from fund.reporting.rules import WRITABLE


def name_of(report: Report) -> str:
    """How audit names a report."""
    return f"{report.award_reference} report {report.number}"


def locked_report(award_reference: str, number: int) -> Report:
    """A report, held until the transaction ends. Raises NotFound."""
    report = None
    if 0 < number <= queries.LARGEST_NUMBER:
        report = db.session.scalar(
            select(Report)
            .where(Report.award_reference == award_reference, Report.number == number)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    if report is None:
        raise NotFound
    return report


def locked_plan(award_reference: str) -> MeasurementPlan:
    plan = db.session.scalar(
        select(MeasurementPlan)
        .where(MeasurementPlan.award_reference == award_reference)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if plan is None:
        raise NotFound
    return plan


def require_writer(actor: Actor, organisation_id: int) -> None:
    """Only the lead's own people write. To others the report does not exist."""
    if actor.organisation_id != organisation_id:
        raise NotFound
    actor.require(Permission.WRITE_REPORT)


def require_writable(report: Report) -> None:
    """Writing is for the time before sending and after a question."""
    if report.state not in WRITABLE:
        raise Conflict(
            f"This report is {report.state.value}, so it can't be changed now. "
            "Reload the page; if something is wrong in it, tell a steward."
        )
