"""Pages of restricted funds: all of them, one, and its terms."""

from flask import Blueprint, Response, request, url_for

from fund.kernel.access import Permission, access
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from fund.kernel.places import DISTRICT_NAMES
from members.restrictions import queries, service
from members.restrictions.forms import TermsForm
from members.restrictions.rules import STATE_NAMES, FundState

bp = Blueprint("restrictions", __name__)


@bp.get("/restricted-funds")
@access(Permission.READ_BOOKS)
def funds() -> Response:
    return page("restrictions/funds.html", funds=queries.balances(), states=STATE_NAMES)


@bp.route("/restricted-funds/new", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def terms() -> Response:
    """A steward writes down what a pledge was given for."""
    form = TermsForm(data={"pledge": request.args.get("pledge", "")})

    def work() -> Done:
        made = service.propose(
            pledge_reference=form.pledge.data or "",
            title=form.title.data or "",
            terms=form.terms(),
            actor=actor(),
            now=now(),
        )
        return Done(
            f"{made.reference} is written down. A board member accepts it next.",
            url_for("restrictions.fund", reference=made.reference),
        )

    return submit(form, work) or page("restrictions/terms.html", form)


@bp.get("/restricted-funds/<reference>")
@access(Permission.READ_BOOKS)
def fund(reference: str) -> Response:
    return _fund_page(reference)


@bp.post("/restricted-funds/<reference>/accept")
@access(Permission.ACCEPT_RESTRICTIONS)
def accept(reference: str) -> Response:
    """A board member agrees to the terms."""
    form = ActionForm()

    def work() -> Done:
        service.accept(reference=reference, actor=actor(), now=now())
        return Done(
            "The terms are accepted. The money may be used for what fits.",
            url_for("restrictions.fund", reference=reference),
        )

    return submit(form, work) or _fund_page(reference, form)


def _fund_page(reference: str, form: ActionForm | None = None) -> Response:
    balances = queries.balances_of(reference)
    found = balances.fund
    may_accept = (
        found.state is FundState.OFFERED
        and actor().may(Permission.ACCEPT_RESTRICTIONS)
        and found.proposed_by_id != actor().person_id
    )
    return page(
        "restrictions/fund.html",
        form or ActionForm(),
        balances=balances,
        fund=found,
        states=STATE_NAMES,
        districts=", ".join(DISTRICT_NAMES[code] for code in found.districts.split()),
        may_accept=may_accept,
    )
