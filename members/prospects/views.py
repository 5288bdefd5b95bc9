"""Pages of organisations not yet members: office only. What an invited person opens needs no account."""

from flask import Blueprint, Response, flash, redirect, request, session, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from fund.kernel.access import Permission, access
from fund.kernel.errors import Finding, NotFound, RuleBroken
from fund.kernel.forms import ActionForm, BaseForm, clean
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from fund.kernel.places import DISTRICTS
from fund.kernel.policy import policy_at
from members.prospects import import_queries, queries, reading, service
from members.prospects.forms import (
    ContactForm,
    DetailsForm,
    InviteForm,
    InviteManyForm,
    LinkForm,
    ListForm,
    details_form,
)
from members.prospects.models import Prospect
from members.prospects.queries import Filters
from members.prospects.rules import (
    ANCHOR_NAMES,
    ANSWER_NAMES,
    COLUMNS,
    MOST_INVITED_AT_ONCE,
    WAY_NAMES,
    Anchor,
    Answer,
    Standing,
    Way,
)
from members.rules import Sector

SHOWN = 100
"""How many rows of each kind the page of a list tells one by one."""
_TYPES = {
    "csv": ("text/csv; charset=utf-8", reading.as_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", reading.as_xlsx),
}

bp = Blueprint("prospects", __name__)


@bp.app_context_processor
def _names() -> dict[str, object]:
    return {"ANCHOR_NAMES": ANCHOR_NAMES, "ANSWER_NAMES": ANSWER_NAMES, "WAY_NAMES": WAY_NAMES}


def _filters() -> Filters:
    """What stands in the address; anything unknown is as if it weren't there."""
    given = request.args
    district, sector = given.get("district", ""), given.get("sector", "")
    anchor, answer = given.get("anchor", ""), given.get("answer", "")
    return Filters(
        district=district if any(district == found.code for found in DISTRICTS) else None,
        sector=Sector(sector) if sector in set(Sector) else None,
        anchors=anchor == "any",
        anchor=Anchor(anchor) if anchor in set(Anchor) else None,
        answer=Answer(answer) if answer in set(Answer) else None,
        text=(clean(given.get("q", "")) or "")[:100],
    )


@bp.get("/prospects")
@access(Permission.ADMIT_MEMBERS)
def listed() -> Response:
    """Organisations to invite, by district; what is chosen stands in the address."""
    filters = _filters()
    after = (clean(request.args.get("after", "")) or "")[:40]
    return page(
        "prospects/listed.html",
        found=queries.prospects(filters, after=after),
        by_district=queries.anchors_by_district(),
        filters=filters,
        after=after,
        districts=DISTRICTS,
    )


@bp.get("/prospects/export.<kind>")
@access(Permission.ADMIT_MEMBERS)
def export(kind: str) -> Response:
    """The list as a file, with the filters of the page; `?status=member` gives members."""
    if kind not in _TYPES:
        raise NotFound
    members = request.args.get("status") == "member"
    return _file(
        kind, "members" if members else "organisations-to-invite", queries.exported(_filters(), members=members)
    )


@bp.get("/prospects/template.<kind>")
@access(Permission.ADMIT_MEMBERS)
def template(kind: str) -> Response:
    """An empty list with one example row."""
    if kind not in _TYPES:
        raise NotFound
    example = ["" if column.name in ("reference", "status", "sector") else column.example for column in COLUMNS]
    return _file(kind, "organisations-template", [example])


def _file(kind: str, name: str, rows: object) -> Response:
    content_type, written = _TYPES[kind]
    response = Response(written(rows), content_type=content_type)  # type: ignore[arg-type]
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    response.headers["Cache-Control"] = "no-store"
    return response


# --- lists


@bp.route("/prospects/import", methods=["GET", "POST"])
@access(Permission.ADMIT_MEMBERS)
def send_list() -> Response:
    form = ListForm()

    def work() -> Done:
        sent: FileStorage = form.file.data
        content = sent.stream.read(reading.LARGEST_FILE_BYTES + 1)
        taken = service.send_list(content=content, filename=sent.filename or "list", actor=actor(), now=now())
        return Done("We read your list. Nothing is changed yet.", url_for("prospects.sent_list", import_id=taken.id))

    return submit(form, work) or page(
        "prospects/import.html", form, columns=COLUMNS, districts=DISTRICTS, sent=import_queries.imports()
    )


@bp.get("/prospects/imports/<int:import_id>")
@access(Permission.ADMIT_MEMBERS)
def sent_list(import_id: int) -> Response:
    """What taking the list in would do now."""
    return _list_page(import_id, ActionForm())


def _list_page(import_id: int, form: BaseForm) -> Response:
    sent = import_queries.import_by_id(import_id)
    table = service.table_of(sent)
    found = import_queries.standing(table) if table else Standing((), (), (), (), (), (), ())
    return page(
        "prospects/sent_list.html",
        form,
        sent=sent,
        found=found,
        asked=import_queries.asked(found),
        ignored=table.ignored if table else (),
        gone=table is None,
        shown=SHOWN,
    )


@bp.post("/prospects/imports/<int:import_id>/take")
@access(Permission.ADMIT_MEMBERS)
def take_list(import_id: int) -> AnyResponse:
    form = ActionForm()

    def work() -> Done:
        taken = service.take_list(import_id=import_id, actor=actor(), now=now())
        return Done(
            f"The list is in: {taken.new_count:,} new, {taken.changed_count:,} changed.",
            url_for("prospects.listed"),
        )

    return submit(form, work) or _list_page(import_id, form)


# --- one organisation


@bp.route("/prospects/new", methods=["GET", "POST"])
@access(Permission.ADMIT_MEMBERS)
def add() -> Response:
    form = DetailsForm()

    def work() -> Done:
        added = service.add(details=form.details(), actor=actor(), now=now())
        return Done(f"{added.name} is on the list.", url_for("prospects.one", reference=added.reference))

    return submit(form, work) or page("prospects/details.html", form, prospect=None)


@bp.get("/prospects/<reference>")
@access(Permission.ADMIT_MEMBERS)
def one(reference: str) -> Response:
    return _page(queries.prospect(reference), InviteForm(None, prefix="invite"), ContactForm(None, prefix="contact"))


def _page(found: Prospect, invite: BaseForm, contact: BaseForm, sent: BaseForm | None = None) -> Response:
    return page(
        "prospects/one.html",
        sent,
        prospect=found,
        organisation=found.organisation,
        joined=queries.joined_as(found),
        log=queries.contacts(found.organisation_id),
        stopped=queries.stopped(found.organisation.contact_email),
        invite_form=invite,
        contact_form=contact,
    )


@bp.route("/prospects/<reference>/details", methods=["GET", "POST"])
@access(Permission.ADMIT_MEMBERS)
def details(reference: str) -> Response:
    found = queries.prospect(reference)
    form, key = details_form(found), found.organisation_id

    def work() -> Done:
        service.change(organisation_id=key, details=form.details(), actor=actor(), now=now())
        return Done("The details are saved.", url_for("prospects.one", reference=reference))

    return submit(form, work) or page("prospects/details.html", form, prospect=queries.prospect(reference))


@bp.post("/prospects/<reference>/invite")
@access(Permission.ADMIT_MEMBERS)
def invite(reference: str) -> Response:
    form, key = InviteForm(prefix="invite"), queries.prospect(reference).organisation_id

    def work() -> Done:
        service.invite(organisation_id=key, message=form.message.data or "", actor=actor(), now=now())
        return Done("The invitation is on its way.", url_for("prospects.one", reference=reference))

    return submit(form, work) or _page(queries.prospect(reference), form, ContactForm(None, prefix="contact"), form)


@bp.post("/prospects/<reference>/contact")
@access(Permission.ADMIT_MEMBERS)
def write_down(reference: str) -> Response:
    form, key = ContactForm(prefix="contact"), queries.prospect(reference).organisation_id

    def work() -> Done:
        day = form.day.data
        if day is None:
            raise RuleBroken([Finding("Give the day, such as 2027-03-31.", "day")])
        service.write_down(
            organisation_id=key,
            way=Way(form.way.data),
            day=day,
            note=form.note.data or "",
            answer=Answer(form.answer.data) if form.answer.data else None,
            ask_again_on=form.ask_again_on.data,
            next_step=form.next_step.data or "",
            next_step_on=form.next_step_on.data,
            actor=actor(),
            now=now(),
        )
        return Done("It is written down.", url_for("prospects.one", reference=reference))

    return submit(form, work) or _page(queries.prospect(reference), InviteForm(None, prefix="invite"), form, form)


@bp.route("/prospects/<reference>/joined", methods=["GET", "POST"])
@access(Permission.ADMIT_MEMBERS)
def link(reference: str) -> Response:
    found = queries.prospect(reference)
    form, key = LinkForm(), found.organisation_id

    def work() -> Done:
        other = service.link(organisation_id=key, member_reference=form.member.data or "", actor=actor(), now=now())
        return Done(f"It is linked with {other.name}.", url_for("prospects.one", reference=reference))

    return submit(form, work) or page("prospects/link.html", form, prospect=queries.prospect(reference))


# --- invitations to many


@bp.route("/prospects/invite", methods=["GET", "POST"])
@access(Permission.ADMIT_MEMBERS)
def invite_many() -> Response:
    """Write to all that the filters in the address choose, after a look at the words and the count."""
    filters, form, policy = _filters(), InviteManyForm(), policy_at(now())
    form.fewest = policy.invite_again_fewest_days

    def work() -> Done:
        count = service.invite_many(
            filters=filters,
            days=form.days.data or 0,
            message=form.message.data or "",
            actor=actor(),
            now=now(),
        )
        return Done(
            f"{count:,} {'invitation is' if count == 1 else 'invitations are'} on the way.",
            url_for("prospects.listed", **filters.arguments),  # type: ignore[arg-type]
        )

    answer = submit(form, work)
    if answer is not None:
        return answer
    given = request.args.get("days", default=policy.invite_again_days, type=int)
    days = form.days.data if form.is_submitted() and isinstance(form.days.data, int) else given
    days = max(policy.invite_again_fewest_days, min(days, 3650))
    if not form.is_submitted():
        form.days.data = days
    return page(
        "prospects/invite_many.html",
        form,
        filters=filters,
        counts=queries.invitable(filters, now(), days),
        days=days,
        fewest=policy.invite_again_fewest_days,
        most=MOST_INVITED_AT_ONCE,
    )


# --- for those who were invited


@bp.get("/invited/<token>")
@access(Permission.ANYONE)
def open_invitation(token: str) -> AnyResponse:
    """To the joining form, filled in with what is known; this browser remembers which invitation it came by."""
    if queries.invited_by(token) is None:
        raise NotFound
    if queries.known_by(token, now()) is None:
        session.pop("invited", None)
        flash("This link was used or is old. You may still ask to join.", "done")
    else:
        session["invited"] = token
    return redirect(url_for("members.join"), code=303)


@bp.route("/invited/<token>/stop", methods=["GET", "POST"])
@access(Permission.ANYONE)
def stop(token: str) -> AnyResponse:
    """No more invitations to this address, please."""
    found = queries.invited_by(token)
    if found is None:
        raise NotFound
    form = ActionForm()
    organisation = found[0].organisation.name

    def work() -> Done:
        service.stop(token=token, now=now())
        session.pop("invited", None)
        return Done("We won't invite you again.", url_for("public.front"))

    return submit(form, work) or page("prospects/stop.html", form, organisation_name=organisation)
