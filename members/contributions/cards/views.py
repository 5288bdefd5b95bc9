"""Pages of paying online, and the provider's own way in."""

import logging

from flask import Blueprint, Response, current_app, request, url_for
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

import ledger.bank.queries
import ledger.queries
from fund.kernel.access import Permission, access
from fund.kernel.errors import Finding, NotFound, RuleBroken
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from ledger.money import format_pence
from ledger.rules import AccountKind
from members.contributions import queries as contributions
from members.contributions.cards import events, payouts, queries, service
from members.contributions.cards.forms import MakeGoodForm, PayoutForm, RefundForm
from members.contributions.cards.gateway import Forged, ProviderAway, provider
from members.contributions.cards.models import Payout
from members.contributions.cards.rules import (
    BACK_NAMES,
    CHECKOUT_NAMES,
    METHOD_NAMES,
    REFUND_NAMES,
    CheckoutState,
    Method,
    RefundState,
)
from members.contributions.rules import PledgeState

bp = Blueprint("cards", __name__)
log = logging.getLogger("fund.cards")

LARGEST_MESSAGE_BYTES = 256 * 1024


@bp.app_context_processor
def _names() -> dict[str, object]:
    return {
        "CHECKOUT_STATES": CHECKOUT_NAMES,
        "METHODS": METHOD_NAMES,
        "REFUND_STATES": REFUND_NAMES,
        "BACK_KINDS": BACK_NAMES,
        "pay_online": _ways_to_pay,
    }


def _ways_to_pay(pledge_state: PledgeState, due_pence: int) -> dict[str, object]:
    """For the pledge's page: the buttons there are, and what is said where there are none."""
    payable = pledge_state in (PledgeState.PLEDGED, PledgeState.PART_PAID)
    if not payable or provider() is None:
        return {"forms": {}, "offered": False, "too_much": False}
    fitting = [method for method, most in queries.most_pence(now()).items() if due_pence <= most]
    forms = {method: ActionForm(None, prefix=f"pay-{method}") for method in fitting}
    return {"forms": forms, "offered": True, "too_much": not fitting}


# --- the payer's pages


@bp.post("/pledges/<reference>/pay/<method>")
@access(Permission.CONTRIBUTE)
def pay(reference: str, method: str) -> Response:
    """Open a payment page at the provider for what is due."""
    pledge_id = contributions.pledge(reference, actor()).id
    if method not in set(Method):
        raise NotFound
    form = ActionForm(prefix=f"pay-{method}")

    def work() -> Done:
        if provider() is None:
            raise RuleBroken("The fund takes bank transfers only. The pledge's page says how to pay.")
        made = service.start(pledge_id=pledge_id, method=Method(method), actor=actor(), now=now())
        return Done("One step more: go on to the payment page.", url_for("cards.checkout", reference=made.reference))

    answer = submit(form, work)
    if answer is None:
        raise _faults(form)
    _open(answer.location.rsplit("/", 1)[-1])
    return answer


@bp.post("/payments/<reference>/again")
@access(Permission.CONTRIBUTE)
def again(reference: str) -> Response:
    """Ask the provider once more for a page that could not be opened."""
    path = url_for("cards.checkout", reference=queries.checkout(reference, actor()).reference)
    answer = submit(ActionForm(), lambda: Done("We have asked again.", path))
    if answer is None:
        raise RuleBroken("Reload the page, then send this again.")
    _open(reference)
    return answer


def _open(reference: str) -> None:
    payments = provider()
    if payments is None:
        return
    found = queries.checkout(reference, actor())
    try:
        service.open_page(
            checkout_id=found.id, payments=payments, base_url=current_app.extensions["sicf_settings"].base_url
        )
    except ProviderAway as away:
        log.warning("the payment provider could not open a page: %s", away)


def _faults(form: ActionForm) -> RuleBroken:
    return RuleBroken([Finding(str(message)) for messages in form.errors.values() for message in messages])


@bp.get("/payments/<reference>")
@access(Permission.SIGNED_IN)
def checkout(reference: str) -> Response:
    found = queries.checkout(reference, actor())
    own = found.pledge.organisation_id == actor().organisation_id and actor().may(Permission.CONTRIBUTE)
    return page("cards/checkout.html", checkout=found, mandate=found.mandate, again_form=ActionForm(None), own=own)


# --- the fund's own pages


@bp.get("/card-payments")
@access(Permission.READ_BOOKS)
def listed() -> Response:
    before = request.args.get("before", type=int)
    found = queries.checkouts(before if before and 0 < before < 2**63 else None)
    return page(
        "cards/listed.html",
        checkouts=found,
        more=len(found) == queries.PAGE,
        payouts=queries.payouts(),
        comparisons=queries.comparisons(),
        missed=queries.missed(),
        waiting=queries.waiting(now()),
        at_provider_pence=ledger.queries.balance(AccountKind.STRIPE),
        on_its_way_pence=queries.on_its_way_pence(),
        fees_pence=ledger.queries.balance(AccountKind.FEES),
        short_pence=queries.short_pence(),
        offered=provider() is not None,
    )


@bp.get("/card-payments/<reference>")
@access(Permission.READ_BOOKS)
def payment(reference: str) -> Response:
    found = queries.checkout(reference, actor())
    refunds = queries.refunds_of(found.id)
    may_decide = actor().may(Permission.APPROVE_PAYMENTS)
    return page(
        "cards/payment.html",
        checkout=found,
        refunds=refunds,
        back=queries.taken_back_of(found.id),
        left_pence=found.pence - service.gone_pence(found.id) if found.state is CheckoutState.PAID else 0,
        decide_forms={
            one.reference: ActionForm(None, prefix=one.reference)
            for one in refunds
            if may_decide and one.state is RefundState.ASKED and one.asked_by_id != actor().person_id
        },
    )


@bp.route("/card-payments/<reference>/refund", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def refund(reference: str) -> Response:
    found = queries.checkout(reference, actor())
    checkout_id, form = found.id, RefundForm()

    def work() -> Done:
        asked = service.ask_refund(
            checkout_id=checkout_id,
            pence=form.amount.data or 0,
            reason=form.reason.data or "",
            actor=actor(),
            now=now(),
        )
        return Done(
            f"Refund {asked.reference} is asked for. Another steward or a board member decides it.",
            url_for("cards.payment", reference=reference),
        )

    answer = submit(form, work)
    if answer is not None:
        return answer
    found = queries.checkout(reference, actor())
    return page("cards/refund.html", form, checkout=found, left_pence=found.pence - service.gone_pence(found.id))


@bp.post("/refunds/<reference>/<decision>")
@access(Permission.APPROVE_PAYMENTS)
def decide_refund(reference: str, decision: str) -> Response:
    if decision not in ("approve", "refuse"):
        raise NotFound
    found = queries.refund(reference)
    refund_id, of = found.id, found.checkout.reference

    def work() -> Done:
        decided = service.decide_refund(refund_id=refund_id, approve=decision == "approve", actor=actor(), now=now())
        said = "is approved, and the money leaves with the next run" if decision == "approve" else "is refused"
        return Done(f"Refund {decided.reference} {said}.", url_for("cards.payment", reference=of))

    form = ActionForm(prefix=reference)
    answer = submit(form, work)
    if answer is None:
        raise _faults(form)
    return answer


@bp.route("/payouts/<int:payout_id>", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def payout(payout_id: int) -> Response:
    """Match a payout that could not be matched by itself."""
    form = PayoutForm()
    match = payouts.match_return if _comes_back(queries.payout(payout_id)) else payouts.match_payout

    def work() -> Done:
        written = form.line.data or ""
        if not (written.isascii() and written.isdigit()):
            raise RuleBroken([Finding("Give the number of the line in digits, as in the table.", "line")])
        matched = match(payout_id=payout_id, line_id=int(written), actor=actor(), now=now())
        return Done(f"Payout of {format_pence(matched.pence)} is matched.", url_for("cards.listed"))

    answer = submit(form, work)
    if answer is not None:
        return answer
    found = queries.payout(payout_id)
    returns = _comes_back(found)
    lines = ledger.bank.queries.open_lines_of(-found.pence if returns else found.pence)
    settled = found.matched_at is not None and not returns
    return page("cards/payout.html", form, payout=found, lines=lines, returns=returns, settled=settled)


def _comes_back(payout: Payout) -> bool:
    """Whether a payout has come, failed, and its leaving is still to be found on a statement."""
    return payout.matched_at is not None and payout.failed_at is not None and payout.return_line_id is None


@bp.route("/money-taken-back", methods=["GET"])
@access(Permission.READ_BOOKS)
def taken_back() -> Response:
    """Short after money was taken back: what happened, which rule applies, what to do."""
    return page(
        "cards/taken_back.html",
        back=queries.taken_back(),
        short_pence=queries.short_pence(),
        free_pence=ledger.queries.balance_of(AccountKind.AVAILABLE),
        cash_pence=sum(ledger.queries.balance(kind) for kind in (AccountKind.BANK, AccountKind.STRIPE)),
    )


@bp.route("/money-taken-back/make-good", methods=["GET", "POST"])
@access(Permission.KEEP_BANK)
def make_good() -> Response:
    short, free = queries.short_pence(), ledger.queries.balance_of(AccountKind.AVAILABLE)
    form = MakeGoodForm(data={"amount": min(short, free) or None})

    def work() -> Done:
        service.make_good(pence=form.amount.data or 0, key=str(form.form_id.data), actor=actor(), now=now())
        return Done("Booked. What was short is less by so much.", url_for("cards.taken_back"))

    return submit(form, work) or page("cards/make_good.html", form, short_pence=short, free_pence=free)


# --- the provider's way in


@bp.post("/webhooks/stripe")
@access(Permission.ANYONE)
def webhook() -> Response:
    """A message of the provider's: proved by its signature over the raw bytes, stored, answered; then settled.

    A forged or broken one is answered 400, and nothing of it is kept. Settling that fails is tried again by the sweep,
    so the answer never depends on it.
    """
    payments = provider()
    if payments is None:
        raise NotFound
    request.max_content_length = LARGEST_MESSAGE_BYTES
    try:
        seen = payments.read_event(request.get_data(), request.headers.get("Stripe-Signature", ""), now())
    except RequestEntityTooLarge:
        return Response("too large\n", 413, mimetype="text/plain")
    except (Forged, HTTPException):
        return Response("not signed by the provider\n", 400, mimetype="text/plain")
    events.hear(seen, now())
    return Response("stored\n", 200, mimetype="text/plain")
