"""The page that gives the journal as a file. It hangs on the blueprint of `ledger`."""

from collections.abc import Iterator
from datetime import date, datetime

from flask import Flask, Response, current_app, request

from fund.kernel.access import Permission, access
from fund.kernel.pages import now, page
from ledger.blueprint import bp
from ledger.export import service
from ledger.export.forms import ExportForm
from ledger.export.rules import FILES, Format


@bp.get("/books/export")
@access(Permission.READ_BOOKS)
def export() -> Response:
    """The form; with its answers in the address, the file."""
    form = ExportForm(request.args)
    if "format" not in request.args or not form.validate():
        return page("ledger/export.html", form, files=FILES)
    kind, period = FILES[form.chosen], (form.first.data, form.last.data)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    response = Response(_pieces(app, form.chosen, *period, now()), content_type=kind.content_type)
    name = "-".join(["books", *(day.isoformat() for day in period if day)])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{kind.ending}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _pieces(app: Flask, format: Format, first: date | None, last: date | None, at: datetime) -> Iterator[bytes]:
    """The file, written while it is sent: with a session of its own, for the request's ends before."""
    with app.app_context():
        yield from service.written(service.journal(first, last, now=at), format)
