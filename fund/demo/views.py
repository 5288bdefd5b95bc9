"""What only a demonstration fund has: moving its clock, and reading its mail."""

from datetime import timedelta

from flask import Blueprint, Response, current_app, request, url_for
from wtforms import IntegerField
from wtforms.validators import AnyOf

from fund.demo import queries, service
from fund.kernel.access import Permission, access
from fund.kernel.db import db
from fund.kernel.errors import NotFound, RuleBroken
from fund.kernel.forms import BaseForm
from fund.kernel.once import Done
from fund.kernel.pages import page, submit
from fund.kernel.topics import topic_of
from fund.scheduler import run_due
from members.contact import queries as contact

bp = Blueprint("demo", __name__)

MOVES = {1: "1 hour", 24: "1 day", 168: "1 week", 720: "30 days"}


class MoveClockForm(BaseForm):
    """How many hours to move on."""

    hours = IntegerField(validators=[AnyOf(list(MOVES))])


@bp.app_context_processor
def _moves() -> dict[str, object]:
    return {"demo_moves": MOVES}


@bp.post("/demo/clock")
@access(Permission.DEMO)
def move_clock() -> Response:
    """Move on, then let everything that fell due meanwhile happen, as the scheduler would have."""
    form = MoveClockForm()

    def work() -> Done:
        service.move_clock(db.session(), timedelta(hours=form.hours.data or 0))
        return Done("The clock has moved on.", url_for("demo.moved"))

    answer = submit(form, work)
    if answer is None:
        raise RuleBroken("Choose one of the steps in the bar at the top of the page.")
    run_due(current_app._get_current_object())  # type: ignore[attr-defined]
    return answer


@bp.get("/demo/moved")
@access(Permission.DEMO)
def moved() -> Response:
    return page("demo/moved.html")


@bp.get("/demo/mail")
@access(Permission.DEMO)
def mail() -> Response:
    before = request.args.get("before", type=int)
    messages = queries.mail_sent(before if before and 0 < before < 2**63 else None)
    return page(
        "demo/mail.html", messages=messages, count=queries.mail_count(), more=len(messages) == queries.PAGE_LENGTH
    )


@bp.get("/demo/mail/<int:message_id>")
@access(Permission.DEMO)
def message(message_id: int) -> Response:
    found = queries.message(message_id)
    if found is None:
        raise NotFound
    return page(
        "demo/message.html",
        message=found,
        gathered=queries.gathered(found.id),
        fewer=contact.token_for(found.id, str(current_app.secret_key))
        if contact.topics_of(found.id, topic_of(found.topic))
        else None,
    )
