"""Pages of pledging, and the steward's page where money that came in is matched."""

from flask import Blueprint, Response, url_for

import ledger.bank.queries
from fund.kernel.access import Permission, access
from fund.kernel.calendar import london_day
from fund.kernel.errors import Conflict, Finding, NotFound, RuleBroken
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, own_organisation_id, page, submit
from fund.kernel.policy import policy_at
from ledger.bank.models import StatementLine
from ledger.money import format_pence
from members.contributions import queries, service
from members.contributions.cards.mandates.queries import mandates_of
from members.contributions.forms import CancelForm, ConfirmForm, MatchForm, PledgeForm, schedule_form
from members.contributions.invoices import queries as invoices
from members.contributions.matching import queries as matching
from members.contributions.rules import STATE_NAMES, PledgeState, payment_sentence
from members.contributions.schedules import queries as schedule
from members.contributions.schedules.rules import InstalmentState, PledgeKind, instalment_standing, schedule_in_words
from members.contributions.schedules.service import may_move

bp = Blueprint("contributions", __name__)

LINES_SHOWN = 100


@bp.app_context_processor
def _names() -> dict[str, object]:
    return {"PLEDGE_STATES": STATE_NAMES, "instalment_standing": instalment_standing}


@bp.get("/pledges")
@access(Permission.SEE_OWN_ORGANISATION)
def own() -> Response:
    organisation_id = own_organisation_id()
    receipts = queries.receipts_of(organisation_id)
    return page(
        "contributions/own.html",
        pledges=queries.pledges_of(organisation_id),
        receipts=receipts,
        withdrawn=queries.withdrawn(one.id for one in receipts),
        direct_debits=mandates_of(organisation_id),
        paid_pence=queries.paid_in(organisation_id),
        may_pledge=actor().may(Permission.CONTRIBUTE),
    )


@bp.route("/pledges/new", methods=["GET", "POST"])
@access(Permission.CONTRIBUTE)
def new_pledge() -> Response:
    form = PledgeForm()

    def work() -> Done:
        made = service.pledge(
            organisation_id=own_organisation_id(),
            pence=form.amount.data or 0,
            po_number=form.po_number.data,
            actor=actor(),
            now=now(),
            kind=PledgeKind(form.kind.data),
            first_on=form.first_on.data,
            count=form.payments,
            months=int(form.months.data),
            wish=form.wish.data or None,
        )
        return Done(
            "Thank you. This page says how to pay; we have mailed it as well.",
            url_for("contributions.pledge", reference=made.reference),
        )

    return submit(form, work) or page(
        "contributions/new_pledge.html", form, terms_days=policy_at(now()).invoice_terms_days
    )


@bp.route("/pledges/<reference>", methods=["GET", "POST"])
@access(Permission.SIGNED_IN)
def pledge(reference: str) -> Response:
    """How to pay, and what was paid. The form takes the pledge back."""
    found = queries.pledge(reference, actor())
    pledge_id = found.id
    mine = found.organisation_id == actor().organisation_id and actor().may(Permission.CONTRIBUTE)
    form = CancelForm()

    def work() -> Done:
        service.cancel(pledge_id=pledge_id, reason=form.reason.data or "", actor=actor(), now=now())
        return Done("The pledge is cancelled.", url_for("contributions.own"))

    answer = submit(form, work)
    if answer is not None:
        return answer
    found = queries.pledge(reference, actor())
    instalments = schedule.of_pledge(found.id)
    receipts = queries.receipts_for(found.id)
    return page(
        "contributions/pledge.html",
        form,
        pledge=found,
        instalments=instalments,
        today=london_day(now()),
        invoices=invoices.of_pledge(found.id),
        may_write_off=actor().may(Permission.WRITE_OFF_PLEDGES),
        invoice_forms={
            one.id: ActionForm(None, prefix=one.reference)
            for one in instalments
            if one.state is InstalmentState.OPEN and one.invoice_reference is None
        }
        if invoices.may_invoice(found.organisation_id, actor())
        else {},
        schedule=schedule_in_words([one.due_on for one in instalments]),
        may_move=mine and len(instalments) > 1 and any(may_move(one) for one in instalments),
        receipts=receipts,
        withdrawn=queries.withdrawn(one.id for one in receipts),
        account=queries.account_to_pay(),
        may_cancel=mine and found.state is PledgeState.PLEDGED,
        own=found.organisation_id == actor().organisation_id,
    )


@bp.route("/pledges/<reference>/schedule", methods=["GET", "POST"])
@access(Permission.CONTRIBUTE)
def reschedule(reference: str) -> Response:
    """Other days and amounts for what was neither paid nor invoiced."""
    found = queries.pledge(reference, actor())
    if found.organisation_id != actor().organisation_id:
        raise NotFound
    moving = [one for one in schedule.of_pledge(found.id) if may_move(one)]
    if not moving:
        raise Conflict("Every instalment is paid or invoiced, so none can move. The pledge's page shows each of them.")
    pledge_id, path = found.id, url_for("contributions.pledge", reference=found.reference)
    form = schedule_form(moving)

    def work() -> Done:
        service.reschedule(pledge_id=pledge_id, parts=form.parts(len(moving)), actor=actor(), now=now())
        return Done("The schedule is changed.", path)

    return submit(form, work) or page("contributions/schedule.html", form, pledge=found, moving=moving)


# --- matching


def _prefix(line_id: int) -> str:
    return f"match-{line_id}"


@bp.get("/money-in")
@access(Permission.KEEP_BANK)
def money_in() -> Response:
    waiting = matching.suggestions(ledger.bank.queries.open_lines_in(LINES_SHOWN))
    forms = {
        one.line.id: ConfirmForm(
            None, prefix=_prefix(one.line.id), data={"pledge": one.suggestions[0].pledge.reference}
        )
        for one in waiting
        if one.suggestions
    }
    return page("contributions/money_in.html", waiting=waiting, confirm_forms=forms, shown=LINES_SHOWN)


@bp.post("/money-in/<int:line_id>/confirm")
@access(Permission.KEEP_BANK)
def confirm(line_id: int) -> Response:
    """One press on what was suggested."""
    form = ConfirmForm(prefix=_prefix(line_id))
    answer = submit(form, lambda: _match(line_id, form.pledge.data or ""))
    if answer is None:
        raise RuleBroken([Finding(str(message)) for messages in form.errors.values() for message in messages])
    return answer


@bp.route("/money-in/<int:line_id>", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def match_line(line_id: int) -> Response:
    """Any other pledge, by its reference."""
    form = MatchForm()
    answer = submit(form, lambda: _match(line_id, form.pledge.data or ""))
    if answer is not None:
        return answer
    (waiting,) = matching.suggestions([_open_line(line_id)])
    return page("contributions/match.html", form, line=waiting.line, suggestions=waiting.suggestions)


def _open_line(line_id: int) -> StatementLine:
    line = ledger.bank.queries.line(line_id)
    if line.amount_pence <= 0:
        raise NotFound
    if line.settled_at is not None:
        raise Conflict("Somebody matched this line first. Go back to money in: what still waits is there.")
    return line


def _match(line_id: int, reference: str) -> Done:
    found = queries.pledge_by_reference(reference)
    if found is None:
        raise RuleBroken(
            [Finding("No pledge has this reference. Check it against the pledge's mail or page.", "pledge")]
        )
    receipt = service.match(line_id=line_id, pledge_id=found.id, actor=actor(), now=now(), quoted=reference)
    return Done(
        f"{format_pence(receipt.pence)} from {receipt.organisation.name} is in the pot. "
        f"{payment_sentence(receipt.pledge.pence, receipt.pledge.paid_pence)} "
        f"Receipt {receipt.reference} is on its way.",
        url_for("contributions.money_in"),
    )
