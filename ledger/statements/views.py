"""The page of a year: what came in and went out, what we hold, and the trial balance behind both."""

from flask import Blueprint, Response, request

from fund.kernel.access import Permission, access
from fund.kernel.calendar import london_day
from fund.kernel.errors import NotFound
from fund.kernel.pages import now, page
from fund.kernel.society import society
from ledger.rules import CHART, AccountKind
from ledger.statements import queries, rules

bp = Blueprint("statements", __name__)

_EARLIEST, _LATEST = 1900, 9998


@bp.get("/books/statement")
@access(Permission.READ_BOOKS)
def year() -> Response:
    ours = society()
    if ours is None:
        raise NotFound
    month, day = ours.year_end_month, ours.year_end_day
    present = rules.year_of(london_day(now()), month, day)
    written = request.args.get("year", str(present.number))
    if not (written.isascii() and written.isdigit() and len(written) == 4 and _EARLIEST <= int(written) <= _LATEST):
        raise NotFound
    this = rules.year_ending(int(written), month, day)
    totals = queries.totals(rules.year_ending(this.number - 1, month, day), this)
    held = {kind: sum(total.closing_pence for total in totals if total.kind is kind) for kind in AccountKind}
    return page(
        "statements/year.html",
        year=this,
        present=present,
        activities=rules.activities(totals),
        sheets=rules.balance_sheets(totals),
        trial=[(CHART[kind], pence) for kind, pence in held.items() if pence],
    )
