"""Pages of matching: proposals confirmed together, a payment shared out, a wrong match undone, names remembered."""

from flask import Blueprint, Response, redirect, request, url_for

import ledger.bank.queries
from fund.kernel.access import Permission, access
from fund.kernel.errors import Conflict, Finding, NotFound, RuleBroken, require
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from ledger.bank.models import StatementLine
from ledger.money import format_pence
from members.contributions.matching import queries, service
from members.contributions.matching.forms import ROWS, ProposalsForm, ShareForm, UndoForm, share_form
from members.contributions.matching.rules import Part
from members.contributions.matching.undoing import undo
from members.contributions.queries import pledge_by_reference

bp = Blueprint("matching", __name__)

LINES_LOOKED_AT = 100


@bp.route("/money-in/proposals", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def proposals() -> Response:
    """The best proposal of each waiting payment, to be confirmed together."""
    form = ProposalsForm()

    def work() -> Done:
        chosen = form.chosen()
        done = service.confirm(proposals=chosen, actor=actor(), now=now())
        pence = sum(receipt.pence for receipt in done.receipts)
        told = f"{len(done.receipts):,} confirmed: {format_pence(pence)} is in the pot."
        if done.changed:
            told += f" {done.changed:,} had changed since you saw them, and wait below as they are now."
        return Done(told, url_for("matching.proposals"))

    answer = submit(form, work)
    if answer is not None:
        return answer
    form.offer(queries.suggestions(ledger.bank.queries.open_lines_in(LINES_LOOKED_AT)))
    return page("matching/proposals.html", form, looked_at=LINES_LOOKED_AT)


@bp.route("/money-in/<int:line_id>/share", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def share(line_id: int) -> Response:
    """One payment for several pledges or instalments."""
    form = share_form()
    answer = submit(form, lambda: _share(line_id, form))
    if answer is not None:
        return answer
    line = _line_in(line_id)
    if line.settled_at is not None:
        raise Conflict("Somebody matched this line first. Go back to money in: what still waits is there.")
    return page("matching/share.html", form, line=line, rows=range(1, ROWS + 1))


def _share(line_id: int, form: ShareForm) -> Done:
    found = [(number, reference, pence, pledge_by_reference(reference)) for number, reference, pence in form.rows()]
    require(
        Finding("No pledge has this reference. Check it against the pledge's mail or page.", f"pledge_{number}")
        for number, _, _, pledge in found
        if pledge is None
    )
    numbers = [number for number, _, _, _ in found]
    parts = [Part(pledge.id, pence, reference) for _, reference, pence, pledge in found if pledge is not None]
    try:
        receipts = service.share_out(line_id=line_id, parts=parts, actor=actor(), now=now())
    except RuleBroken as broken:
        raise RuleBroken([_in_its_row(finding, numbers) for finding in broken.findings]) from broken
    return Done(
        f"Shared out to {len(receipts)} {'pledge' if len(receipts) == 1 else 'pledges'}. "
        f"Receipts {', '.join(receipt.reference for receipt in receipts)} are on their way.",
        url_for("contributions.money_in"),
    )


def _in_its_row(finding: Finding, numbers: list[int]) -> Finding:
    """A finding about the second part, beside the row that the second part was written in."""
    name, _, place = (finding.field or "").partition("_")
    if not place.isdigit() or int(place) > len(numbers):
        return finding
    return Finding(finding.message, f"{name}_{numbers[int(place) - 1]}", finding.fix)


@bp.route("/money-in/<int:line_id>/matched", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def matched(line_id: int) -> Response:
    """What a payment was matched to, and why; the form undoes it."""
    form = UndoForm()

    def work() -> Done:
        undone = undo(line_id=line_id, reason=form.reason.data or "", actor=actor(), now=now())
        pence = sum(one.pence for one in undone)
        short = sum(one.short_pence or 0 for one in undone)
        told = f"Undone: {format_pence(pence)} waits to be matched again."
        if short:
            told += f" {format_pence(short)} of it had been awarded, and the fund is short of that until then."
        return Done(told, url_for("contributions.match_line", line_id=line_id))

    answer = submit(form, work)
    if answer is not None:
        return answer
    line, matches = _line_in(line_id), queries.matches_of(line_id)
    stands = line.settled_at is not None and (line.settled_as or "").startswith("contribution:")
    return page("matching/matched.html", form, line=line, matches=matches, stands=stands)


def _line_in(line_id: int) -> StatementLine:
    line = ledger.bank.queries.line(line_id)
    if line.amount_pence <= 0:
        raise NotFound
    return line


@bp.get("/money-in/payers")
@access(Permission.KEEP_BANK)
def payers() -> Response:
    """Names at the bank that are remembered."""
    before = request.args.get("before", "")
    names = queries.payer_names(after=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else 0)
    return page(
        "matching/payers.html",
        names=names,
        forget_forms={one.id: ActionForm(None, prefix=f"forget{one.id}") for one in names},
        more_before=names[-1].id if len(names) == queries.MOST_LISTED else None,
    )


@bp.post("/money-in/payers/<int:name_id>/forget")
@access(Permission.KEEP_BANK)
def forget(name_id: int) -> Response:
    def work() -> Done:
        service.forget(name_id=name_id, actor=actor(), now=now())
        return Done("Forgotten. It is remembered again when it is confirmed again.", url_for("matching.payers"))

    back = url_for("matching.payers")
    return submit(ActionForm(prefix=f"forget{name_id}"), work) or redirect(back, code=303)  # type: ignore[return-value]
