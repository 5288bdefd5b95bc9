"""Pages: the steward's desk and the page of an award. Every part of grants adds its own pages to the blueprint."""

from flask import Response, url_for

from fund.grants import progress, queries
from fund.grants.agreements import queries as agreement_reads
from fund.grants.agreements import service as agreements
from fund.grants.agreements import views as _agreement_pages
from fund.grants.awards import money_views as _money_pages
from fund.grants.awards import queries as awards
from fund.grants.awards import views as _award_pages
from fund.grants.awards.rules import PAY_BASIS_NAMES, AwardState
from fund.grants.blueprint import bp
from fund.grants.checks import queries as checks
from fund.grants.checks import views as _check_pages
from fund.grants.checks.rules import ROUTE_NAMES
from fund.grants.payments import queries as payments
from fund.grants.payments import views as _payment_pages
from fund.grants.payments.rules import STAGE_WORDS, Stage
from fund.grants.runs import views as _run_pages
from fund.kernel.access import Permission, access
from fund.kernel.calendar import london_day
from fund.kernel.errors import NotFound
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit

__all__ = ["bp"]

_PAGES = (_agreement_pages, _award_pages, _money_pages, _check_pages, _payment_pages, _run_pages)
"""Imported for the routes that they add."""


@bp.get("/grants", endpoint="awards")
@access(Permission.READ_BOOKS)
def desk() -> Response:
    standing = awards.awards_in((AwardState.OFFERED, AwardState.ACCEPTED))
    current = agreement_reads.by_award([award.id for award in standing])
    live = [award for award in standing if award.id in current and current[award.id].live_at is not None]
    waiting = progress.standings([award for award in standing if award not in live], now())
    due = payments.open_payments(now())
    return page(
        "grants/desk.html",
        to_make=queries.funded_without_award(),
        waiting=[(one, [step for step in progress.steps(one) if step.state == "now"]) for one in waiting],
        live=live,
        due=[one for one in due if one.stage is not Stage.SCHEDULED],
        at_bank=payments.ordered_payments(now()),
        seconds=checks.waiting_for_second(),
        words=STAGE_WORDS,
        today=london_day(now()),
    )


def _award_page(reference: str, live_form: ActionForm | None = None) -> Response:
    found = awards.award(reference, actor())
    standing = progress.standing(found, now())
    may_put_live = standing.can_go_live and actor().may(Permission.PREPARE_GRANTS)
    return page(
        "grants/award.html",
        live_form,
        award=found,
        standing=standing,
        steps=progress.steps(standing),
        next_step=None if may_put_live else progress.next_for(standing, actor()),
        may_put_live=may_put_live,
        live_form=live_form or ActionForm(prefix="live"),
        office=awards.is_office(actor()),
        may_revise=_may_revise(standing),
        basis=PAY_BASIS_NAMES[found.basis],
        books=queries.books_of(found.reference),
        words=STAGE_WORDS,
        routes=ROUTE_NAMES,
    )


def _may_revise(standing: progress.Standing) -> bool:
    unsigned = standing.agreement is None or bool(standing.unsigned)
    open_award = standing.award.state in (AwardState.OFFERED, AwardState.ACCEPTED)
    return unsigned and open_award and actor().may(Permission.PREPARE_GRANTS)


@bp.get("/grants/<reference>")
@access(Permission.SIGNED_IN)
def award(reference: str) -> Response:
    return _award_page(reference)


@bp.post("/grants/<reference>/live")
@access(Permission.PREPARE_GRANTS)
def go_live(reference: str) -> Response:
    form = ActionForm(prefix="live")

    def work() -> Done:
        agreements.go_live(reference=reference, actor=actor(), now=now())
        return Done(
            f"Grant {reference} is live and its money is reserved.", url_for("grants.award", reference=reference)
        )

    return submit(form, work) or _award_page(reference, form)


@bp.get("/grants/mine")
@access(Permission.SEE_OWN_ORGANISATION)
def own() -> Response:
    organisation_id = actor().organisation_id
    if organisation_id is None:
        raise NotFound
    return page("grants/own.html", awards=awards.awards_of(organisation_id))
