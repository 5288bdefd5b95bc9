"""Asking for an invoice, and undoing one."""

from flask import Blueprint, Response, url_for

from fund.kernel.access import Permission, access
from fund.kernel.errors import NotAllowed, NotFound
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from ledger.money import format_pence
from members.contributions.invoices import queries, service
from members.contributions.invoices.forms import CreditForm
from members.contributions.queries import pledge
from members.contributions.schedules import queries as schedule

bp = Blueprint("invoices", __name__)


@bp.post("/pledges/<reference>/invoices/<instalment>")
@access(Permission.SIGNED_IN)
def issue(reference: str, instalment: str) -> Response:
    """One press, one invoice."""
    found = pledge(reference, actor())
    asked = schedule.instalment(instalment)
    if asked.pledge_id != found.id:
        raise NotFound
    instalment_id, path = asked.id, url_for("contributions.pledge", reference=found.reference)

    def work() -> Done:
        made = service.issue(instalment_id=instalment_id, actor=actor(), now=now())
        return Done(f"Invoice {made.reference} for {format_pence(made.pence)} is made, and mailed as well.", path)

    answer = submit(ActionForm(prefix=asked.reference), work)
    if answer is None:
        raise NotAllowed("Go back to the pledge, reload the page and press the button again.")
    return answer


@bp.route("/invoices/<reference>", methods=["GET", "POST"])
@access(Permission.SIGNED_IN)
def invoice(reference: str) -> Response:
    """What was asked, and the form that undoes it."""
    found = queries.invoice(reference[:40])
    if not queries.may_see(found, actor()):
        raise NotFound
    invoice_id, path = found.id, url_for("contributions.pledge", reference=found.instalment.pledge.reference)
    form = CreditForm()

    def work() -> Done:
        made = service.credit(invoice_id=invoice_id, reason=form.reason.data or "", actor=actor(), now=now())
        return Done(f"Credit note {made.reference} is made, and mailed as well.", path)

    if (answer := submit(form, work)) is not None:
        return answer
    found = queries.invoice(reference[:40])
    stands = found.instalment.invoice_reference == found.reference
    to_pay = stands and found.instalment.invoiced_pence > 0
    return page(
        "contributions/invoice.html",
        form,
        invoice=found,
        credit_reference=queries.credit_reference(found.id),
        stands=stands,
        may_credit=to_pay and queries.may_invoice(found.organisation_id, actor()),
    )
