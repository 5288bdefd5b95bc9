"""Pages of due diligence, second reviews, subsidy routes and a recipient's MFA answer."""

from flask import Response, url_for

from fund.grants.awards import queries as awards
from fund.grants.blueprint import bp
from fund.grants.checks import queries, service
from fund.grants.checks.forms import DueDiligenceForm, MfaAnswerForm, RouteForm, SecondReviewForm, due_diligence_form
from fund.grants.checks.rules import (
    CHECKS,
    ROUTE_NAMES,
    Answer,
    Outcome,
    Route,
    checks_of,
    mfa_total_pence,
    mfa_window_start,
    needs_second,
)
from fund.grants.models import Award
from fund.kernel.access import Permission, access
from fund.kernel.calendar import london_day
from fund.kernel.errors import NotFound, require
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from fund.kernel.policy import policy_at
from members.profile import queries as profiles

_LABELS = {check.code: check.label for check in CHECKS}


def _payee(award: Award, organisation_reference: str) -> queries.Payee:
    for payee in queries.payees(award, now()):
        if payee.organisation.reference == organisation_reference:
            return payee
    raise NotFound


def _standing(award: Award, organisation_reference: str) -> queries.SubsidyStanding:
    for standing in queries.subsidies(award):
        if standing.organisation.reference == organisation_reference:
            return standing
    raise NotFound


@bp.route("/grants/<reference>/due-diligence/<organisation_reference>", methods=["GET", "POST"])
@access(Permission.PREPARE_GRANTS)
def due_diligence(reference: str, organisation_reference: str) -> Response:
    award = awards.award(reference, actor())
    payee = _payee(award, organisation_reference)
    form: DueDiligenceForm = due_diligence_form(checks_of(payee.band))

    def work() -> Done:
        found = service.record_due_diligence(
            reference=reference,
            organisation_id=payee.organisation.id,
            results=form.results(),
            outcome=Outcome(form.outcome.data),
            conditions=form.conditions.data or "",
            reasons=form.reasons.data or "",
            actor=actor(),
            now=now(),
        )
        waits = found.outcome is Outcome.WAITING
        return Done(
            "Recorded. Another steward reviews it now." if waits else "Due diligence is recorded.",
            url_for("grants.award", reference=reference),
        )

    return submit(form, work) or page(
        "grants/due_diligence.html",
        form,
        award=award,
        payee=payee,
        labels=_LABELS,
        second=needs_second(payee.band),
        accreditations=profiles.accreditations(payee.organisation.id, now()),
    )


@bp.route("/grants/second-reviews/<int:due_diligence_id>", methods=["GET", "POST"])
@access(Permission.PREPARE_GRANTS)
def second_review(due_diligence_id: int) -> Response:
    found = queries.due_diligence(due_diligence_id)
    form = SecondReviewForm()

    def work() -> Done:
        service.review_due_diligence(
            due_diligence_id=due_diligence_id,
            agrees=form.agrees.data == "yes",
            note=form.note.data or "",
            actor=actor(),
            now=now(),
        )
        return Done("Your review is recorded.", url_for("grants.awards"))

    return submit(form, work) or page(
        "grants/second_review.html",
        form,
        found=found,
        labels=_LABELS,
        may_review=found.outcome is Outcome.WAITING and found.checked_by_id != actor().person_id,
    )


@bp.route("/grants/<reference>/subsidy/<organisation_reference>", methods=["GET", "POST"])
@access(Permission.PREPARE_GRANTS)
def subsidy(reference: str, organisation_reference: str) -> Response:
    award = awards.award(reference, actor())
    standing = _standing(award, organisation_reference)
    form = RouteForm()

    def work() -> Done:
        route = Route(form.route.data)
        service.record_route(
            reference=reference,
            organisation_id=standing.organisation.id,
            route=route,
            reasons=form.reasons.data or "",
            actor=actor(),
            now=now(),
        )
        sent = " The MFA notification was sent; the partner answers it here." if route is Route.MFA else ""
        return Done(f"The route is recorded.{sent}", url_for("grants.award", reference=reference))

    return submit(form, work) or _subsidy_page(award, standing, form, ActionForm(prefix="confirm"))


@bp.post("/grants/<reference>/subsidy/<organisation_reference>/confirmation")
@access(Permission.PREPARE_GRANTS)
def mfa_confirmation(reference: str, organisation_reference: str) -> Response:
    award = awards.award(reference, actor())
    standing = _standing(award, organisation_reference)
    form = ActionForm(prefix="confirm")

    def work() -> Done:
        service.send_mfa_confirmation(
            reference=reference, organisation_id=standing.organisation.id, actor=actor(), now=now()
        )
        return Done("The MFA confirmation was sent.", url_for("grants.award", reference=reference))

    return submit(form, work) or _subsidy_page(award, standing, RouteForm(formdata=None), form)


def _subsidy_page(
    award: Award, standing: queries.SubsidyStanding, form: RouteForm, confirm_form: ActionForm
) -> Response:
    today = london_day(now())
    own = queries.given_by_this_fund(standing.organisation, today)
    told = queries.declared(standing.record) if standing.record else []
    return page(
        "grants/subsidy.html",
        form if form.errors else confirm_form,
        award=award,
        standing=standing,
        route_form=form,
        confirm_form=confirm_form,
        routes=ROUTE_NAMES,
        own=own,
        told=told,
        window_start=mfa_window_start(today),
        total_pence=mfa_total_pence([*own, *told], today, standing.pence)
        if not (standing.record and standing.record.given_on)
        else None,
        limit_pence=policy_at(now()).mfa_limit_pence,
        is_mfa=standing.record is not None and standing.record.route is Route.MFA,
    )


@bp.route("/grants/<reference>/mfa/<organisation_reference>", methods=["GET", "POST"])
@access(Permission.BIND_ORGANISATION)
def mfa_answer(reference: str, organisation_reference: str) -> Response:
    award = awards.award(reference, actor())
    standing = _standing(award, organisation_reference)
    record = standing.record
    if standing.organisation.id != actor().organisation_id or record is None or record.notified_at is None:
        raise NotFound
    form = MfaAnswerForm()

    def work() -> Done:
        prior, faults = form.listed()
        require(faults)
        service.answer_notification(
            reference=reference,
            organisation_id=standing.organisation.id,
            answer=Answer(form.answer.data),
            prior=prior,
            note=form.note.data or "",
            actor=actor(),
            now=now(),
        )
        return Done("Thank you. Your answer is kept with the award.", url_for("grants.award", reference=reference))

    today = london_day(now())
    return submit(form, work) or page(
        "grants/mfa_answer.html",
        form,
        award=award,
        standing=standing,
        record=record,
        own=queries.given_by_this_fund(standing.organisation, today),
        window_start=mfa_window_start(today),
        limit_pence=policy_at(now()).mfa_limit_pence,
    )
