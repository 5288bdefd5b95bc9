"""Pages of who holds which role for the fund, and of changes that take two people."""

from flask import Blueprint, Response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from fund.kernel.access import Permission, access
from fund.kernel.errors import Finding, RuleBroken
from fund.kernel.forms import ActionForm, BaseForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from members import queries as members
from members.offices import queries, service
from members.offices.forms import CertifierForm, GiveForm, ReasonsForm
from members.offices.models import RoleChange
from members.offices.rules import KEPT_APART, TAKES_TWO, ChangeState
from members.rules import ROLE_NAMES

bp = Blueprint("offices", __name__, url_prefix="/people")


@bp.get("")
@access(Permission.SEE_OFFICES)
def offices() -> Response:
    """Who holds what, since when, given by whom."""
    offered = queries.offered(now())
    return page(
        "offices/offices.html",
        held=queries.held_now(),
        offered=offered,
        withdraw_forms={one.id: ActionForm(None, prefix=f"withdraw-{one.id}") for one in offered},
        waiting=queries.changes(waiting=True),
        decided=queries.changes(waiting=False, limit=20),
        ended=queries.ended(),
        kept_apart=KEPT_APART,
        takes_two=sorted(TAKES_TWO),
    )


def _outcome(change: RoleChange) -> str:
    if change.state is ChangeState.CONFIRMED:
        return "It is done, and the people concerned are told."
    return "It waits for a second person, who has been told."


@bp.route("/give", methods=["GET", "POST"])
@access(Permission.MANAGE_OFFICES)
def give() -> Response:
    form = GiveForm()

    def work() -> Done:
        proposed = service.propose_giving(
            name=form.name.data or "",
            email=form.email.data or "",
            role=form.chosen_role(),
            reasons=form.reasons.data or "",
            actor=actor(),
            now=now(),
        )
        if proposed.token is not None:
            return Done(f"{form.name.data} has been sent an invitation.", url_for("offices.offices"))
        return Done(_outcome(proposed.change), url_for("offices.offices"))

    return submit(form, work) or page("offices/give.html", form, kept_apart=KEPT_APART, takes_two=sorted(TAKES_TWO))


@bp.route("/held/<int:appointment_id>/end", methods=["GET", "POST"])
@access(Permission.MANAGE_OFFICES)
def end(appointment_id: int) -> Response:
    queries.appointment(appointment_id)
    form = ReasonsForm()

    def work() -> Done:
        change = service.propose_ending(
            appointment_id=appointment_id, reasons=form.reasons.data or "", actor=actor(), now=now()
        )
        return Done(_outcome(change), url_for("offices.offices"))

    return submit(form, work) or page(
        "offices/end.html", form, held=queries.appointment(appointment_id), takes_two=TAKES_TWO
    )


@bp.post("/invitations/<int:invitation_id>/withdraw")
@access(Permission.MANAGE_OFFICES)
def withdraw_invitation(invitation_id: int) -> AnyResponse:
    def work() -> Done:
        service.withdraw_invitation(invitation_id=invitation_id, actor=actor(), now=now())
        return Done("The invitation is withdrawn. Its link no longer works.", url_for("offices.offices"))

    form = ActionForm(prefix=f"withdraw-{invitation_id}")
    return submit(form, work) or redirect(url_for("offices.offices"), code=303)


def _change_page(change_id: int, decline: BaseForm, sent: BaseForm | None) -> Response:
    change = queries.change(change_id)
    return page(
        "offices/change.html",
        sent,
        change=change,
        confirm_form=ActionForm(None, prefix="confirm"),
        decline_form=decline,
        mine=change.proposed_by_id == actor().person_id,
        may_decide=actor().may(
            Permission.MANAGE_OFFICES if change.organisation_id is None else Permission.RESTORE_CERTIFIER
        ),
    )


@bp.get("/changes/<int:change_id>")
@access(Permission.SEE_OFFICES)
def change(change_id: int) -> Response:
    return _change_page(change_id, ReasonsForm(None, prefix="decline"), None)


@bp.post("/changes/<int:change_id>/confirm")
@access(Permission.DECIDE_ROLE_CHANGE)
def confirm(change_id: int) -> AnyResponse:
    back = url_for("offices.change", change_id=change_id)
    form = ActionForm(prefix="confirm")

    def work() -> Done:
        found = service.confirm(change_id=change_id, actor=actor(), now=now())
        return Done(f"Confirmed: {found.name}, {ROLE_NAMES[found.role].lower()}. The people concerned are told.", back)

    answer = submit(form, work)
    if answer is None and form.form_errors:
        raise RuleBroken([Finding(str(message)) for message in form.form_errors])
    return answer or redirect(back, code=303)


@bp.post("/changes/<int:change_id>/decline")
@access(Permission.DECIDE_ROLE_CHANGE)
def decline(change_id: int) -> Response:
    form = ReasonsForm(prefix="decline")

    def work() -> Done:
        found = service.decline(change_id=change_id, reasons=form.reasons.data or "", actor=actor(), now=now())
        return Done(f"Declined: {found.name}.", url_for("offices.change", change_id=change_id))

    return submit(form, work) or _change_page(change_id, form, form)


@bp.route("/certifier/<reference>", methods=["GET", "POST"])
@access(Permission.RESTORE_CERTIFIER)
def certifier(reference: str) -> Response:
    """For an organisation whose only certifier is gone."""
    found_id = members.organisation(reference).id
    form = CertifierForm()

    def work() -> Done:
        proposed = service.propose_certifier(
            organisation_id=found_id,
            name=form.name.data or "",
            email=form.email.data or "",
            reasons=form.reasons.data or "",
            evidence=form.evidence.data or "",
            actor=actor(),
            now=now(),
        )
        return Done(_outcome(proposed), url_for("offices.change", change_id=proposed.id))

    return submit(form, work) or page(
        "offices/certifier.html",
        form,
        organisation=members.organisation(reference),
        certifiers=[one for one in members.appointments(found_id) if one.role == "certifier"],
    )
