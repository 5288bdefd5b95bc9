"""Pages of an award's terms and of the lead's answer."""

from datetime import date, timedelta

from flask import Response, request, url_for

from fund.grants.awards import queries, service
from fund.grants.awards.forms import AnswerForm, TermsForm, terms_form
from fund.grants.awards.frozen import Frozen
from fund.grants.awards.rules import (
    MOST_LINES,
    PAY_BASIS_NAMES,
    AwardState,
    Line,
    PayBasis,
    Share,
    Terms,
    default_lines,
    default_parts,
    report_dates,
)
from fund.grants.blueprint import bp
from fund.grants.models import Award
from fund.kernel.access import Permission, access
from fund.kernel.calendar import add_months, in_words, london_day
from fund.kernel.errors import Finding, NotFound, require
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from fund.kernel.policy import policy_at

SPARE_LINES = 2
DAYS_BEFORE_START = 28


@bp.route("/grants/offer/<int:item_id>", methods=["GET", "POST"])
@access(Permission.PREPARE_GRANTS)
def offer(item_id: int) -> Response:
    if item_id >= 2**63:
        raise NotFound
    item, version = service.funded(item_id)
    start_on = london_day(now()) + timedelta(days=DAYS_BEFORE_START)
    basis, parts, reports = _plan(version.requested_pence, start_on, version.months)
    terms = Terms(
        start_on=start_on,
        end_on=reports[-1],
        basis=basis,
        lines=default_lines(version.shares(), version.lead_id, basis, parts, start_on, reports),
    )
    form = terms_form(terms, _payees(version), spare_lines=SPARE_LINES)

    def work() -> Done:
        require(form.half_filled())
        made = service.offer(ballot_item_id=item_id, terms=form.terms(), actor=actor(), now=now())
        return Done(
            f"Grant {made.reference} is offered. The lead was written to and can answer until "
            f"{in_words(london_day(made.offer_lapses_at - timedelta(seconds=1)))}.",
            url_for("grants.award", reference=made.reference),
        )

    return submit(form, work) or page(
        "grants/offer.html",
        form,
        item=item,
        version=version,
        reports=reports,
        plan=_choices(reports, parts, basis),
    )


def _plan(pence: int, start_on: date, months: int) -> tuple[PayBasis, int, tuple[date, ...]]:
    """Basis, number of parts and report days that the address asks for, or the defaults."""
    reports = report_dates(pence, start_on, add_months(start_on, months) - timedelta(days=1), policy_at(now()))
    asked = request.args.get("parts", "")
    most = min(len(reports) + 1, MOST_LINES)
    parts = int(asked) if asked.isdecimal() and 1 <= int(asked[:4]) <= most else default_parts(reports)
    basis = request.args.get("basis", "")
    return PayBasis(basis) if basis in set(PayBasis) else PayBasis.EACH_PARTNER, parts, reports


def _choices(reports: tuple[date, ...], parts: int, basis: PayBasis) -> dict[str, object]:
    return {
        "parts": parts,
        "most": min(len(reports) + 1, MOST_LINES),
        "basis": basis,
        "bases": PAY_BASIS_NAMES,
    }


def _payees(version: Frozen) -> list[tuple[int, str]]:
    return [
        (partner.organisation_id, partner.name)
        for partner in version.partners
        if partner.share_pence or partner.is_lead
    ]


@bp.route("/grants/<reference>/terms", methods=["GET", "POST"])
@access(Permission.PREPARE_GRANTS)
def terms(reference: str) -> Response:
    found = queries.award(reference, actor())
    basis = request.args.get("basis", "")
    chosen = PayBasis(basis) if basis in set(PayBasis) else found.basis
    shown = _present_terms(found, chosen)
    form = terms_form(shown, [(party.id, party.name) for party in queries.parties(found)], spare_lines=SPARE_LINES)

    def work() -> Done:
        require(form.half_filled())
        service.revise(reference=reference, terms=form.terms(), actor=actor(), now=now())
        accepted = found.state is AwardState.ACCEPTED
        return Done(
            "The terms are changed." + (" Everybody is asked to sign the new text." if accepted else ""),
            url_for("grants.award", reference=reference),
        )

    return submit(form, work) or _terms_page(form, found, chosen)


def _present_terms(found: Award, basis: PayBasis) -> Terms:
    """The terms as they stand; with the lines laid anew where the basis changes."""
    reports = queries.reports_of(found, policy_at(now()))
    if basis is found.basis:
        lines = tuple(
            Line(row.organisation_id, row.pence, row.due_on, row.after_report_number)
            for row in queries.instalments(found.id)
        )
    else:
        lines = default_lines(
            queries.shares(found), found.lead_id, basis, default_parts(reports), found.start_on, reports
        )
    return Terms(found.start_on, found.end_on, basis, lines, found.special_conditions)


def _terms_page(form: TermsForm, found: Award, basis: PayBasis) -> Response:
    reports = queries.reports_of(found, policy_at(now()))
    shares: list[Share] = queries.shares(found)
    return page(
        "grants/terms.html", form, award=found, shares=shares, reports=reports, basis=basis, bases=PAY_BASIS_NAMES
    )


@bp.route("/grants/<reference>/answer", methods=["GET", "POST"])
@access(Permission.BIND_ORGANISATION)
def respond(reference: str) -> Response:
    found = queries.award(reference, actor())
    if found.lead_id != actor().organisation_id:
        raise NotFound
    form = AnswerForm()

    def work() -> Done:
        path = url_for("grants.award", reference=reference)
        if form.answer.data == "accept":
            service.accept(reference=reference, actor=actor(), now=now())
            return Done("Thank you. The grant is accepted and the agreement is ready to sign.", path)
        if form.missing_reason():
            require([Finding("Say why you decline, so that the fund can learn from it.", "reason")])
        service.decline(reference=reference, reason=form.reason.data or "", actor=actor(), now=now())
        return Done("The grant is declined. The steward sees your reason.", path)

    return submit(form, work) or page(
        "grants/answer.html",
        form,
        award=found,
        is_open=found.state is AwardState.OFFERED and now() < found.offer_lapses_at,
        last_day=london_day(found.offer_lapses_at - timedelta(seconds=1)),
        instalments=queries.instalments(found.id),
        reports=queries.reports_of(found, policy_at(now())),
        basis=PAY_BASIS_NAMES[found.basis],
    )
