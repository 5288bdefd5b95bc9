"""The page of closed periods: what is closed, what was prepared, and the trial balance of any day."""

from datetime import date

from flask import Blueprint, Response, request, url_for

from fund.kernel.access import Permission, access
from fund.kernel.calendar import in_words, london_day
from fund.kernel.errors import NotFound
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from ledger.years import queries, service
from ledger.years.forms import ClosingForm

bp = Blueprint("years", __name__)


@bp.get("/books/closing")
@access(Permission.READ_BOOKS)
def closing() -> Response:
    return _closing(ActionForm(None, prefix="confirm"))


def _closing(form: ActionForm) -> Response:
    waiting = queries.waiting()
    return page(
        "years/closing.html",
        form,
        open_from=queries.first_open_day(),
        waiting=waiting,
        may_confirm=waiting is not None
        and actor().may(Permission.CONFIRM_CLOSING)
        and waiting.prepared_by_id != actor().person_id,
        periods=queries.closed_periods(),
    )


@bp.route("/books/closing/prepare", methods=["GET", "POST"])
@access(Permission.PREPARE_CLOSING)
def prepare() -> Response:
    """The first of two people says from which day on the books stay open."""
    form = ClosingForm()

    def work() -> Done:
        made = service.prepare(
            open_from=form.open_from.data or date.min, reason=form.reason.data or "", actor=actor(), now=now()
        )
        return Done(
            f"Prepared. The books open on {in_words(made.open_from)} once a member of the board confirms it.",
            url_for("years.closing"),
        )

    return submit(form, work) or page("years/prepare.html", form, open_from=queries.first_open_day())


@bp.post("/books/closing/<int:closing_id>/confirm")
@access(Permission.CONFIRM_CLOSING)
def confirm(closing_id: int) -> Response:
    """The second of two people agrees."""
    form = ActionForm(prefix="confirm")

    def work() -> Done:
        made = service.confirm(closing_id=closing_id, actor=actor(), now=now())
        return Done(f"Confirmed. The books are open from {in_words(made.open_from)} on.", url_for("years.closing"))

    return submit(form, work) or _closing(form)


@bp.get("/books/trial-balance")
@access(Permission.READ_BOOKS)
def trial_balance() -> Response:
    written = request.args.get("on", london_day(now()).isoformat())
    try:
        on = date.fromisoformat(written)
    except ValueError:
        raise NotFound from None
    return page("years/trial_balance.html", on=on, held=queries.trial_balance(on))
