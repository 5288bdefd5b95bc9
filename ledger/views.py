"""Pages of the books: the chart of accounts and one transfer. Other parts add theirs to the blueprint."""

from flask import Response, request

from fund.kernel.access import Permission, access
from fund.kernel.errors import NotFound
from fund.kernel.pages import page
from ledger import queries
from ledger.blueprint import bp
from ledger.export import views as _export_pages
from ledger.rules import CHART, AccountKind
from ledger.statement import views as _statement_pages

__all__ = ["bp"]

_PAGES = (_export_pages, _statement_pages)


@bp.get("/books")
@access(Permission.READ_BOOKS)
def accounts() -> Response:
    totals = queries.totals_by_kind()
    chart = [(kind, CHART[kind], *totals.get(kind, (0, 0))) for kind in AccountKind]
    return page("ledger/accounts.html", pot=queries.pot(), chart=chart)


@bp.get("/books/of/<kind>")
@access(Permission.READ_BOOKS)
def accounts_of(kind: str) -> Response:
    if kind not in set(AccountKind) or not CHART[AccountKind(kind)].owned:
        raise NotFound
    of_kind = AccountKind(kind)
    found = queries.accounts(of_kind, after=request.args.get("after", ""), limit=queries.PAGE + 1)
    return page(
        "ledger/accounts_of.html",
        kind=kind,
        what=CHART[of_kind],
        total_pence=queries.totals_by_kind().get(of_kind, (0, 0))[1],
        accounts=found[: queries.PAGE],
        more_after=found[queries.PAGE - 1].code if len(found) > queries.PAGE else None,
    )


@bp.get("/books/transfers/<int:transfer_id>")
@access(Permission.READ_BOOKS)
def transfer(transfer_id: int) -> Response:
    found = queries.transfer(transfer_id)
    return page(
        "ledger/transfer.html",
        transfer=found,
        legs=queries.legs(found.id),
        reverses=queries.transfer(found.reverses_id) if found.reverses_id else None,
        undone_by=queries.undone_by(found.id),
    )
