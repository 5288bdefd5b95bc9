"""Ways to a report's pages, for the views of this folder."""

from flask import url_for

from fund.kernel.errors import NotFound
from fund.reporting import queries
from fund.reporting.models import Report


def report_path(of: Report, outcome_code: str | None = None) -> str:
    """The address of a report, at one of its outcomes."""
    return url_for(
        "reporting.report",
        reference=of.award_reference,
        number=of.number,
        _anchor=f"outcome-{outcome_code}" if outcome_code else None,
    )


def outcome_page(of: Report, code: str) -> queries.OutcomePage:
    """What a report holds for the outcome with this code. Raises NotFound."""
    for found in queries.evidence(of):
        if found.outcome.code == code:
            return found
    raise NotFound
