"""The page of a year: what came in and went out, what we hold, and the trial balance behind both."""

from flask import Blueprint, Response, request

from fund.kernel.access import Permission, access
from fund.kernel.pages import actor, now, page
from ledger.statements import queries

bp = Blueprint("statements", __name__)


@bp.get("/books/statement")
@access(Permission.READ_STATEMENTS)
def year() -> Response:
    return page(
        "statements/year.html",
        statement=queries.of_year(request.args.get("year"), now()),
        reads_books=actor().may(Permission.READ_BOOKS),
    )
