"""Pages of saved Direct Debits: setting one up, seeing what it takes, ending it."""

import logging

from flask import Blueprint, Response, current_app, request, url_for

from fund.kernel.access import Permission, access
from fund.kernel.errors import Conflict, NotFound
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from fund.kernel.policy import policy_at
from members.contributions import queries as contributions
from members.contributions.cards.gateway import ProviderAway, provider
from members.contributions.cards.mandates import queries, service
from members.contributions.cards.mandates.rules import GROWING, MANDATE_NAMES, MandateState
from members.contributions.schedules import queries as schedule

bp = Blueprint("direct_debits", __name__)
log = logging.getLogger("fund.cards")


@bp.app_context_processor
def _names() -> dict[str, object]:
    return {"MANDATE_STATES": MANDATE_NAMES, "direct_debit_of": _of_pledge}


def _of_pledge(pledge_id: int) -> dict[str, object]:
    """For the pledge's page: the Direct Debit it is under, what that will take, and whether one is offered."""
    mandate = queries.of_pledge(pledge_id)
    in_force = mandate is not None and mandate.state is MandateState.ACTIVE
    coming = queries.coming_of_pledge(pledge_id, now()) if in_force else {}
    return {"mandate": mandate, "in_force": in_force, "coming": coming, "offered": provider() is not None}


@bp.route("/pledges/<reference>/direct-debit", methods=["GET", "POST"])
@access(Permission.KEEP_DIRECT_DEBITS)
def set_up(reference: str) -> Response:
    """What a Direct Debit would take, and the button that goes on to the provider's page."""
    found = contributions.pledge(reference, actor())
    if found.organisation_id != actor().organisation_id:
        raise NotFound
    if provider() is None:
        raise Conflict("The fund takes bank transfers only. The pledge's page says how to pay.")
    pledge_id, form = found.id, ActionForm()

    def work() -> Done:
        made = service.set_up(pledge_id=pledge_id, actor=actor(), now=now())
        in_force = made.state is MandateState.ACTIVE
        return Done(
            "It is taken by Direct Debit from now on." if in_force else "One step more: give your bank details.",
            url_for("direct_debits.mandate", reference=made.reference),
        )

    answer = submit(form, work)
    if answer is not None:
        _open(answer.location.rsplit("/", 1)[-1])
        return answer
    found = contributions.pledge(reference, actor())
    organisation_id = found.organisation_id
    held = next((one for one in queries.mandates_of(organisation_id) if one.state is MandateState.ACTIVE), None)
    return page(
        "direct_debits/set_up.html",
        form,
        pledge=found,
        instalments=schedule.of_pledge(found.id),
        held=held,
        policy=policy_at(now()),
    )


def _open(reference: str) -> None:
    """Ask the provider for the page where bank details are given, where there is none yet."""
    payments = provider()
    if payments is None:
        return
    found = queries.mandate(reference, actor())
    base_url = current_app.extensions["sicf_settings"].base_url
    try:
        service.open_page(mandate_id=found.id, payments=payments, base_url=base_url)
    except ProviderAway as away:
        log.warning("the payment provider could not open a page: %s", away)


@bp.get("/direct-debits/<reference>")
@access(Permission.SIGNED_IN)
def mandate(reference: str) -> Response:
    found = queries.mandate(reference, actor())
    own = found.organisation_id == actor().organisation_id
    return page(
        "direct_debits/mandate.html",
        mandate=found,
        pledges=queries.pledges_under(found.id),
        coming=queries.coming_of(found.id, now()) if found.state is MandateState.ACTIVE else [],
        taken=queries.taken_by(found.id),
        own=own,
        may_end=own and actor().may(Permission.KEEP_DIRECT_DEBITS) and found.state in (MandateState.ACTIVE, *GROWING),
        notice_days=policy_at(now()).direct_debit_notice_days,
    )


@bp.route("/direct-debits/<reference>/end", methods=["GET", "POST"])
@access(Permission.KEEP_DIRECT_DEBITS)
def end(reference: str) -> Response:
    """One press, and nothing more is taken."""
    found = queries.mandate(reference, actor())
    if found.organisation_id != actor().organisation_id:
        raise NotFound
    mandate_id, form = found.id, ActionForm()

    def work() -> Done:
        service.end(mandate_id=mandate_id, actor=actor(), now=now())
        return Done(
            "The Direct Debit has ended. What is to come is paid by bank transfer again.",
            url_for("direct_debits.mandate", reference=reference),
        )

    answer = submit(form, work)
    if answer is not None:
        return answer
    found = queries.mandate(reference, actor())
    if found.state not in (MandateState.ACTIVE, *GROWING):
        raise Conflict(f"{found.reference} has ended already. Nothing more is taken.")
    return page("direct_debits/end.html", form, mandate=found, coming=queries.coming_of(found.id, now()))


@bp.get("/direct-debits")
@access(Permission.READ_BOOKS)
def listed() -> Response:
    before = request.args.get("before", type=int)
    found = queries.mandates(before if before and 0 < before < 2**63 else None)
    return page("direct_debits/listed.html", mandates=found, more=len(found) == queries.PAGE)
