"""Pages of writing off."""

from flask import Blueprint, Response, url_for

from fund.kernel.access import Permission, access
from fund.kernel.errors import NotAllowed, NotFound
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from ledger.money import format_pence
from members.contributions.queries import pledge
from members.contributions.schedules import queries as schedule
from members.contributions.writeoffs import queries, service
from members.contributions.writeoffs.forms import ProposeForm

bp = Blueprint("writeoffs", __name__)


@bp.get("/write-offs")
@access(Permission.READ_BOOKS)
def write_offs() -> Response:
    waiting = queries.write_offs(waiting=True)
    may_decide = actor().may(Permission.WRITE_OFF_PLEDGES)
    return page(
        "contributions/write_offs.html",
        waiting=waiting,
        decided=queries.write_offs(waiting=False),
        forms_of={
            shown.write_off.id: (_form(shown.write_off.id, "confirm"), _form(shown.write_off.id, "refuse"))
            for shown in waiting
            if may_decide and shown.write_off.proposed_by_id != actor().person_id
        },
    )


def _form(write_off_id: int, answer: str) -> ActionForm:
    return ActionForm(None, prefix=f"{answer}-{write_off_id}")


@bp.route("/pledges/<reference>/write-off/<instalment>", methods=["GET", "POST"])
@access(Permission.WRITE_OFF_PLEDGES)
def propose(reference: str, instalment: str) -> Response:
    """The first of two people says why."""
    found = pledge(reference, actor())
    one = schedule.instalment(instalment)
    if one.pledge_id != found.id:
        raise NotFound
    form = ProposeForm()
    instalment_id = one.id

    def work() -> Done:
        made = service.propose(instalment_id=instalment_id, reason=form.reason.data or "", actor=actor(), now=now())
        return Done(
            f"Proposed. {format_pence(made.pence)} is written off once another person confirms it.",
            url_for("writeoffs.write_offs"),
        )

    return submit(form, work) or page("contributions/write_off.html", form, pledge=found, instalment=one)


@bp.post("/write-offs/<int:write_off_id>/confirm")
@access(Permission.WRITE_OFF_PLEDGES)
def confirm(write_off_id: int) -> Response:
    """The second of two people agrees."""
    return _decide(write_off_id, confirmed=True)


@bp.post("/write-offs/<int:write_off_id>/refuse")
@access(Permission.WRITE_OFF_PLEDGES)
def refuse(write_off_id: int) -> Response:
    """The second of two people doesn't; the instalment stays due."""
    return _decide(write_off_id, confirmed=False)


def _decide(write_off_id: int, *, confirmed: bool) -> Response:
    def work() -> Done:
        found = service.decide(write_off_id=write_off_id, confirmed=confirmed, actor=actor(), now=now())
        sentence = "is written off" if confirmed else "stays due"
        return Done(
            f"{format_pence(found.pence)} of {found.instalment.reference} {sentence}.",
            url_for("writeoffs.write_offs"),
        )

    answer = submit(ActionForm(prefix=f"{'confirm' if confirmed else 'refuse'}-{write_off_id}"), work)
    if answer is None:
        raise NotAllowed("Go back to the write-offs, reload the page and press the button again.")
    return answer
