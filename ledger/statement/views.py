"""The page of one account. It hangs on the blueprint of `ledger`."""

from flask import Response, request

from fund.kernel.access import Permission, access
from fund.kernel.pages import page
from ledger import queries
from ledger.blueprint import bp
from ledger.rules import CHART
from ledger.statement import queries as statement
from ledger.statement.forms import SieveForm
from ledger.statement.rules import Sieve


@bp.get("/books/<code>")
@access(Permission.READ_BOOKS)
def account(code: str) -> Response:
    """Its entries, newest first; the address says which."""
    found = queries.account(code)
    form = SieveForm(request.args)
    chosen = form.kind.data or ""
    known = sorted({*statement.kinds(found.id), *([chosen] if chosen else [])})
    form.kind.choices = {"": "Everything"} | {kind: kind.replace("_", " ").capitalize() for kind in known}
    sieve = form.sieve if form.validate() else Sieve()
    before = _before()
    # One more than is shown tells whether there are older ones.
    lines = statement.lines(found.id, sieve, before=before, limit=queries.PAGE + 1)
    shown = lines[: queries.PAGE]
    return page(
        "ledger/account.html",
        form,
        account=found,
        what=CHART[found.kind],
        sieve=sieve,
        sums=None if sieve.is_open else statement.sums(found.id, sieve),
        lines=shown,
        older=shown[-1].sequence if len(lines) > queries.PAGE else None,
        is_newest=before is None or before > found.entry_count,
        asked={name: value for name, value in request.args.items() if name in form and value},
    )


def _before() -> int | None:
    """The sequence to page back from, where the address holds one."""
    written = request.args.get("before", "")
    return (
        min(int(written), queries.LARGEST_ID) if written.isascii() and written.isdigit() and len(written) < 20 else None
    )
