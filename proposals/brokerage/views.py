"""Pages of requests for partners: the list, one request, one answer."""

from collections.abc import Callable

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from fund.kernel.access import Permission, access
from fund.kernel.errors import Finding, NotFound, RuleBroken
from fund.kernel.forms import ActionForm, BaseForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from fund.kernel.places import DISTRICT_NAMES, DISTRICTS
from members.profile import queries as profiles
from members.profile.rules import INTERESTS
from members.rules import SECTOR_NAMES, Sector
from proposals import queries as proposals
from proposals.blueprint import judged_now
from proposals.brokerage import queries, rules, service
from proposals.brokerage.forms import ContactForm, DeclineForm, ReplyForm, request_form
from proposals.questions import PLACES, chosen

bp = Blueprint("brokerage", __name__)


@bp.app_context_processor
def _names() -> dict[str, object]:
    return {"REPLY_WORDS": rules.REPLY_WORDS, "CLOSED_WORDS": rules.CLOSED_WORDS}


@bp.get("/requests")
@access(Permission.SEE_OWN_ORGANISATION)
def requests() -> Response:
    """Open requests; what is chosen stands in the address, so that a list can be sent to a colleague."""
    own = queries.own_member(actor())
    sector, district, interest = (request.args.get(name, "") for name in ("sector", "district", "interest"))
    chosen_sector = Sector(sector) if sector in set(Sector) else None
    chosen_district = district if district in DISTRICT_NAMES else None
    chosen_interest = interest if interest in INTERESTS else None
    return page(
        "brokerage/requests.html",
        found=queries.open_requests(
            now(),
            sector=chosen_sector,
            district=chosen_district,
            interest=chosen_interest,
            page=request.args.get("page", default=1, type=int),
        ),
        sector=chosen_sector,
        district=chosen_district,
        interest=chosen_interest,
        districts=DISTRICTS,
        own=own,
        own_requests=queries.own_requests(own.id),
        own_replies=queries.own_replies(own.id),
    )


# --- asking


@bp.route("/proposals/<reference>/requests/<sector>", methods=["GET", "POST"])
@access(Permission.WRITE_PROPOSAL)
def post(reference: str, sector: str) -> Response:
    subject = proposals.proposal(reference, actor())
    if sector not in set(Sector) or not proposals.is_lead(subject, actor()):
        raise NotFound
    wanted = Sector(sector)
    places = chosen(proposals.answers_to(PLACES, [subject.id]).get(subject.id, ""))
    form = request_form(rules.suggested(subject.title, wanted, places))
    proposal_id = subject.id

    def work() -> Done:
        made = service.post(proposal_id=proposal_id, sector=wanted, words=form.words(), actor=actor(), now=judged_now())
        return Done(
            "Your request is open. Members can read it now, and you get a mail for each answer.",
            url_for("brokerage.request_page", reference=made.reference),
        )

    if done := submit(form, work):
        return done
    subject = proposals.proposal(reference, actor())
    return page(
        "brokerage/post.html",
        form,
        subject=subject,
        sector=wanted,
        sector_name=SECTOR_NAMES[wanted],
        until=proposals.deadline(subject),
    )


@bp.post("/requests/<reference>/close")
@access(Permission.WRITE_PROPOSAL)
def close(reference: str) -> AnyResponse:
    def work() -> Done:
        service.close_request(reference=reference, actor=actor(), now=now())
        return Done("The request is closed. Whoever waited for an answer has been thanked.", back)

    back = url_for("brokerage.request_page", reference=reference)
    return _act(ActionForm(prefix="close"), work, back)


def _act(form: BaseForm, work: Callable[[], Done], back: str) -> AnyResponse:
    """A button's form has nothing to mend, so what the rules refuse is told on a page of its own."""
    if done := submit(form, work):
        return done
    if form.form_errors:
        raise RuleBroken([Finding(str(message)) for message in form.form_errors])
    return redirect(back, code=303)


# --- one request


@bp.get("/requests/<reference>", endpoint="request_page")
@access(Permission.SEE_OWN_ORGANISATION)
def one_request(reference: str) -> Response:
    return _request_page(reference, ReplyForm(None))


@bp.post("/requests/<reference>/reply")
@access(Permission.WRITE_PROPOSAL)
def reply(reference: str) -> Response:
    form = ReplyForm()

    def work() -> Done:
        made = service.reply(
            reference=reference,
            message=form.message.data or "",
            contact=form.contact.data or "",
            actor=actor(),
            now=judged_now(),
        )
        return Done(
            "Your answer is with the lead. Nobody else can read it.", url_for("brokerage.reply_page", reply_id=made.id)
        )

    return submit(form, work) or _request_page(reference, form)


def _request_page(reference: str, form: ReplyForm) -> Response:
    found = queries.request(reference, actor())
    leads = queries.is_leads(found, actor())
    own = queries.own_member(actor())
    return page(
        "brokerage/request.html",
        form,
        found=found,
        request_row=found.request,
        is_open=queries.is_open(found, now()),
        leads=leads,
        replies=queries.replies(found.request.id) if leads else [],
        own_reply=None if leads else queries.own_reply(found.request.id, own.id),
        fits=own.sector is found.request.sector,
        own=own,
        close_form=ActionForm(None, prefix="close"),
    )


# --- one answer


@bp.get("/replies/<int:reply_id>", endpoint="reply_page")
@access(Permission.SEE_OWN_ORGANISATION)
def one_reply(reply_id: int) -> Response:
    return _reply_page(reply_id)


def _reply_page(
    reply_id: int, *, contact_form: ContactForm | None = None, decline_form: DeclineForm | None = None
) -> Response:
    found = queries.reply(reply_id, actor())
    leads = actor().organisation_id == found.request.proposal.lead_id
    sent = contact_form or decline_form
    return page(
        "brokerage/reply.html",
        sent,
        reply=found,
        request_row=found.request,
        lead=found.request.proposal.lead,
        leads=leads,
        part=queries.part_of(found.request.proposal_id, found.organisation_id),
        accreditations=profiles.accreditations(found.organisation_id, now()) if leads else [],
        invite_form=ActionForm(None, prefix="invite"),
        contact_form=contact_form or ContactForm(None, prefix="contact"),
        decline_form=decline_form or DeclineForm(None, prefix="decline"),
        take_back_form=ActionForm(None, prefix="back"),
    )


@bp.post("/replies/<int:reply_id>/invite")
@access(Permission.WRITE_PROPOSAL)
def invite(reply_id: int) -> AnyResponse:
    back = url_for("brokerage.reply_page", reply_id=reply_id)

    def work() -> Done:
        made = service.invite(reply_id=reply_id, actor=actor(), now=judged_now())
        return Done(
            f"{made.organisation.name} is invited. Now say what it does, gives and gets.",
            url_for("proposals.partner_terms", partner_id=made.id),
        )

    return _act(ActionForm(prefix="invite"), work, back)


@bp.post("/replies/<int:reply_id>/exchange")
@access(Permission.WRITE_PROPOSAL)
def exchange(reply_id: int) -> Response:
    form = ContactForm(prefix="contact")

    def work() -> Done:
        service.exchange_contacts(reply_id=reply_id, contact=form.contact.data or "", actor=actor(), now=now())
        return Done("Each of you sees how to reach the other now.", url_for("brokerage.reply_page", reply_id=reply_id))

    return submit(form, work) or _reply_page(reply_id, contact_form=form)


@bp.post("/replies/<int:reply_id>/decline")
@access(Permission.WRITE_PROPOSAL)
def decline(reply_id: int) -> Response:
    form = DeclineForm(prefix="decline")

    def work() -> Done:
        found = service.decline(reply_id=reply_id, note=form.note.data or "", actor=actor(), now=now())
        return Done(
            f"{found.organisation.name} has been thanked and told.",
            url_for("brokerage.request_page", reference=found.request.reference),
        )

    return submit(form, work) or _reply_page(reply_id, decline_form=form)


@bp.post("/replies/<int:reply_id>/take-back")
@access(Permission.WRITE_PROPOSAL)
def take_back(reply_id: int) -> AnyResponse:

    def work() -> Done:
        service.take_back(reply_id=reply_id, actor=actor(), now=now())
        return Done("Your answer is taken back; its words are wiped.", url_for("brokerage.requests"))

    return _act(ActionForm(prefix="back"), work, url_for("brokerage.reply_page", reply_id=reply_id))
