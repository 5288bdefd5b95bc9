"""Pages of commitments, reports, their evidence and their review, and the page on which a story is taken back."""

from flask import Response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from fund.kernel.access import Permission, access
from fund.kernel.calendar import london_day
from fund.kernel.errors import NotFound
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from fund.reporting import queries, service, story_views
from fund.reporting.blueprint import bp
from fund.reporting.forms import (
    AcceptForm,
    QueryForm,
    ReadingForm,
    SendForm,
    WhyNoneForm,
    measures_form,
)
from fund.reporting.models import Report
from fund.reporting.paths import outcome_page, report_path
from fund.reporting.rules import (
    REASON_LIMIT,
    WORDS_LIMIT,
    WRITABLE,
    Basis,
    EvidenceKind,
    MeasureKind,
    completeness,
    missing,
    show_figures,
)

__all__ = ("bp", "story_views")

# --- lists


@bp.get("/reports")
@access(Permission.SIGNED_IN)
def desk() -> Response:
    person = actor()
    reviews = person.may(Permission.REVIEW_REPORTS)
    own = person.organisation_id if person.may(Permission.SEE_OWN_ORGANISATION) else None
    waiting, still_open = (queries.waiting_for_review(), queries.open_reports()) if reviews else ([], [])
    mine = queries.reports_by(own) if own else []
    return page(
        "reporting/desk.html",
        reviews=reviews,
        waiting=waiting,
        still_open=still_open,
        mine=mine,
        plans=queries.plans_by(own) if own else [],
        organisations=queries.organisations({one.organisation_id for one in [*waiting, *still_open, *mine]}),
        today=london_day(now()),
    )


@bp.route("/reports/<reference>/measures", methods=["GET", "POST"])
@access(Permission.SIGNED_IN)
def commitments(reference: str) -> Response:
    plan = queries.plan(reference, actor())
    everything = queries.measures(plan.framework_id)
    offered = [one for one in everything if one.kind is not MeasureKind.STORY]
    held = queries.commitments(reference)
    decimals = {one.measure_id: one.measure.decimals for one in held}
    chosen = {
        one.measure_id: (
            "" if one.baseline_scaled is None else show_figures(one.baseline_scaled, decimals[one.measure_id]),
            "" if one.intention_scaled is None else show_figures(one.intention_scaled, decimals[one.measure_id]),
        )
        for one in held
    }
    form = measures_form(offered, chosen)

    def work() -> Done:
        ticked = [one.id for one in offered if form[f"chosen_{one.id}"].data]
        service.commit_measures(
            award_reference=reference,
            measure_ids=ticked,
            baselines={one: form[f"baseline_{one}"].data or "" for one in ticked},
            intentions={one: form[f"intention_{one}"].data or "" for one in ticked},
            actor=actor(),
            now=now(),
        )
        return Done(
            "Saved. These are what your reports will ask for.", url_for("reporting.commitments", reference=reference)
        )

    return submit(form, work) or page(
        "reporting/commitments.html",
        form,
        plan=plan,
        offered=offered,
        prompts={one.outcome_id: one for one in everything if one.kind is MeasureKind.STORY},
        held=held,
        may_choose=_writes(plan.organisation_id) and not queries.is_fixed(plan),
        reports=queries.reports_of(reference),
    )


def _writes(organisation_id: int) -> bool:
    return actor().organisation_id == organisation_id and actor().may(Permission.WRITE_REPORT)


# --- a report


@bp.get("/reports/<reference>/<int:number>")
@access(Permission.SIGNED_IN)
def report(reference: str, number: int) -> Response:
    return _report_page(queries.report(reference, number, actor()))


def _report_page(
    of: Report,
    send: SendForm | None = None,
    query: QueryForm | None = None,
    accept: AcceptForm | None = None,
) -> Response:
    outcomes = queries.evidence(of)
    facts = [outcome.evidence for outcome in outcomes]
    served = of.organisation_id in queries.served_by(actor().person_id)
    given, asked = completeness(facts)
    if send is None:
        send = SendForm(prefix="send", unwanted_change=of.unwanted_change)
    return page(
        "reporting/report.html",
        next((form for form in (send, query, accept) if form is not None and form.errors), None),
        report=of,
        lead=queries.organisations({of.organisation_id})[of.organisation_id],
        outcomes=outcomes,
        given=given,
        asked=asked,
        missing=missing(facts),
        reviews=queries.reviews(of.id),
        own=_writes(of.organisation_id),
        may_write=_writes(of.organisation_id) and of.state in WRITABLE,
        may_review=actor().may(Permission.REVIEW_REPORTS) and of.state == "submitted" and not served,
        conflicted=actor().may(Permission.REVIEW_REPORTS) and served,
        send=send,
        query=query or QueryForm(prefix="query"),
        accept=accept or AcceptForm(prefix="accept"),
        remove=lambda item_id: ActionForm(prefix=f"remove-{item_id}"),
        late=of.due_on < london_day(now()) and of.state in WRITABLE,
        kinds=EvidenceKind,
        words_limit=WORDS_LIMIT,
    )


@bp.post("/reports/<reference>/<int:number>/send")
@access(Permission.WRITE_REPORT)
def send(reference: str, number: int) -> Response:
    of = queries.report(reference, number, actor())
    form = SendForm(prefix="send")

    def work() -> Done:
        service.submit_report(
            award_reference=reference,
            number=number,
            unwanted_change=form.unwanted_change.data or "",
            actor=actor(),
            now=now(),
        )
        return Done("Thank you. Your report is sent, and a steward will answer it.", report_path(of))

    return submit(form, work) or _report_page(queries.report(reference, number, actor()), send=form)


@bp.post("/reports/<reference>/<int:number>/query")
@access(Permission.REVIEW_REPORTS)
def query(reference: str, number: int) -> Response:
    of = queries.report(reference, number, actor())
    form = QueryForm(prefix="query")

    def work() -> Done:
        service.query_report(
            award_reference=reference, number=number, words=form.words.data or "", actor=actor(), now=now()
        )
        return Done("Your question is on its way to the people who wrote the report.", url_for("reporting.desk"))

    return submit(form, work) or _report_page(of, query=form)


@bp.post("/reports/<reference>/<int:number>/accept")
@access(Permission.REVIEW_REPORTS)
def accept(reference: str, number: int) -> Response:
    of = queries.report(reference, number, actor())
    form = AcceptForm(prefix="accept")

    def work() -> Done:
        service.accept_report(
            award_reference=reference, number=number, feedback=form.words.data or "", actor=actor(), now=now()
        )
        return Done(
            "The report is accepted. Its numbers, and its stories with consent to it, are public now.",
            url_for("reporting.desk"),
        )

    return submit(form, work) or _report_page(of, accept=form)


# --- numbers, and reasons


@bp.route("/reports/<reference>/<int:number>/numbers/<measure_code>", methods=["GET", "POST"])
@access(Permission.WRITE_REPORT)
def reading(reference: str, number: int, measure_code: str) -> Response:
    of = queries.report(reference, number, actor())
    commitment = next((one for one in queries.commitments(reference) if one.measure.code == measure_code), None)
    if commitment is None:
        raise NotFound
    measure = commitment.measure
    held = queries.reading_of(of, measure.id)
    form = ReadingForm(
        data=held
        and {
            "value": show_figures(held.value_scaled, measure.decimals),
            "basis": held.basis.value,
            "attribution": str(held.attribution_percent),
            "district": held.district or "",
            "note": held.note,
        }
    )

    form.measure = measure

    def work() -> Done:
        service.add_reading(
            award_reference=reference,
            number=number,
            measure_id=measure.id,
            value=form.value.data or "",
            basis=Basis(form.basis.data),
            attribution_percent=int(form.attribution.data),
            note=form.note.data or "",
            district=form.district.data or None,
            actor=actor(),
            now=now(),
        )
        return Done("The number is in.", report_path(of, measure.outcome.code))

    return submit(form, work) or page("reporting/reading.html", form, report=of, commitment=commitment, held=held)


@bp.route("/reports/<reference>/<int:number>/why-none/<outcome_code>/<kind>", methods=["GET", "POST"])
@access(Permission.WRITE_REPORT)
def why_none(reference: str, number: int, outcome_code: str, kind: str) -> Response:
    of = queries.report(reference, number, actor())
    outcome = outcome_page(of, outcome_code)
    if kind not in list(EvidenceKind):
        raise NotFound
    wanted = EvidenceKind(kind)
    form = WhyNoneForm(reason=outcome.why_none.get(wanted))

    def work() -> Done:
        service.say_why_none(
            award_reference=reference,
            number=number,
            outcome_id=outcome.outcome.id,
            kind=wanted,
            reason=form.reason.data or "",
            actor=actor(),
            now=now(),
        )
        return Done("Saved.", report_path(of, outcome_code))

    return submit(form, work) or page(
        "reporting/why_none.html", form, report=of, outcome=outcome, kind=wanted, limit=REASON_LIMIT
    )


@bp.post("/reports/<reference>/<int:number>/evidence/<int:item_id>/remove")
@access(Permission.WRITE_REPORT)
def remove(reference: str, number: int, item_id: int) -> AnyResponse:
    of = queries.report(reference, number, actor())
    form = ActionForm(prefix=f"remove-{item_id}")

    def work() -> Done:
        service.remove_item(award_reference=reference, number=number, item_id=item_id, actor=actor(), now=now())
        return Done("It is taken out of the report.", report_path(of))

    return submit(form, work) or redirect(report_path(of), code=303)
