"""Pages about personal data: the public notice, one's own page, and the office's desk."""

from flask import Blueprint, Response, make_response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from fund.kernel.access import Permission, access
from fund.kernel.calendar import london_day
from fund.kernel.db import transaction
from fund.kernel.errors import RuleBroken
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from fund.kernel.policy import policy_at
from fund.privacy import queries, service
from fund.privacy.forms import AnswerForm, CorrectionForm, ErasureForm, NameForm, WriteDownForm
from fund.privacy.models import Wish
from fund.privacy.registry import HOLDINGS
from fund.privacy.rules import answer_by, blockers

bp = Blueprint("privacy", __name__)


@bp.get("/privacy")
@access(Permission.ANYONE)
def notice() -> Response:
    """What we hold about people, why and how long, and their rights, in plain words (UK GDPR art. 12 to 14)."""
    return page("privacy/notice.html", holdings=HOLDINGS, policy=policy_at(now()))


# --- one's own page


@bp.route("/account/data", methods=["GET", "POST"])
@access(Permission.SIGNED_IN)
def own() -> Response:
    """One's own data; the form mends one's name."""
    form = NameForm(data={"name": actor().name})

    def work() -> Done:
        service.correct_name(name=form.name.data or "", actor=actor(), now=now())
        return Done("Your name is changed. What you signed before stays as you signed it.", url_for("privacy.own"))

    asked = queries.requests_of(actor().person_id)
    return submit(form, work) or page(
        "privacy/own.html",
        form,
        asked=queries.requests_of(actor().person_id),
        wish_names=queries.OWN_WISH_NAMES,
        copy_form=ActionForm(formdata=None, prefix="copy"),
        withdraw_forms={
            one.id: ActionForm(formdata=None, prefix=f"withdraw-{one.id}") for one in asked if one.done_at is None
        },
    )


@bp.post("/account/data/copy")
@access(Permission.SIGNED_IN)
def copy() -> AnyResponse:
    if not ActionForm(prefix="copy").validate_on_submit():
        return redirect(url_for("privacy.own"), code=303)
    with transaction():
        content = service.copy_of_own(actor=actor(), now=now())
    return _download(content, "your-data.zip")


def _download(content: bytes, filename: str) -> Response:
    answer = make_response(content)
    answer.mimetype = "application/zip"
    answer.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return answer


@bp.route("/account/data/correction", methods=["GET", "POST"])
@access(Permission.SIGNED_IN)
def ask_correction() -> Response:
    form = CorrectionForm()

    def work() -> Done:
        service.ask(wish=Wish.CORRECTION, words=form.words.data or "", actor=actor(), now=now())
        return Done("We have your request. The secretary answers within a month.", url_for("privacy.own"))

    return submit(form, work) or page("privacy/correction.html", form)


@bp.route("/account/data/erasure", methods=["GET", "POST"])
@access(Permission.SIGNED_IN)
def ask_erasure() -> Response:
    form = ErasureForm()

    def work() -> Done:
        service.ask(wish=Wish.ERASURE, words=form.words.data or "", actor=actor(), now=now())
        return Done("We have your request. The secretary answers within a month.", url_for("privacy.own"))

    answer = submit(form, work)
    if answer is not None:
        return answer
    return page(
        "privacy/erasure.html",
        form,
        first=list(blockers(queries.duties_of(actor().person_id))),
        stays=queries.stays(actor().person_id),
        policy=policy_at(now()),
        answer_by=answer_by(london_day(now())),
    )


@bp.post("/account/data/requests/<int:request_id>/withdraw")
@access(Permission.SIGNED_IN)
def withdraw(request_id: int) -> AnyResponse:
    form = ActionForm(prefix=f"withdraw-{request_id}")

    def work() -> Done:
        service.withdraw(request_id=request_id, actor=actor(), now=now())
        return Done("Your request is taken back. Nothing was changed.", url_for("privacy.own"))

    return submit(form, work) or redirect(url_for("privacy.own"), code=303)


# --- the office


@bp.get("/privacy/requests")
@access(Permission.SEE_PRIVACY_REQUESTS)
def requests() -> Response:
    return page("privacy/requests.html", desk=queries.desk(), wish_names=queries.WISH_NAMES, due=queries.due)


@bp.route("/privacy/requests/new", methods=["GET", "POST"])
@access(Permission.ANSWER_PRIVACY_REQUESTS)
def write_down() -> Response:
    form = WriteDownForm()

    def work() -> Done:
        made = service.ask_for(
            email=form.email.data or "",
            wish=Wish(form.wish.data),
            words=form.words.data or "",
            actor=actor(),
            now=now(),
        )
        return Done(
            "The request is written down, and they have been told.", url_for("privacy.request_page", request_id=made.id)
        )

    return submit(form, work) or page("privacy/write_down.html", form)


@bp.get("/privacy/requests/<int:request_id>")
@access(Permission.SEE_PRIVACY_REQUESTS)
def request_page(request_id: int) -> Response:
    return _request_page(request_id, AnswerForm(formdata=None), ActionForm(formdata=None, prefix="confirm"), None)


def _request_page(
    request_id: int, answer_form: AnswerForm, confirm_form: ActionForm, sent: AnswerForm | ActionForm | None
) -> Response:
    found = queries.request(request_id)
    erasing = found.wish is Wish.ERASURE and found.done_at is None
    return page(
        "privacy/request.html",
        sent,
        found=found,
        answer_form=answer_form,
        confirm_form=confirm_form,
        copy_form=ActionForm(formdata=None, prefix="copy"),
        wish_names=queries.WISH_NAMES,
        due=queries.due(found),
        first=list(blockers(queries.duties_of(found.person_id))) if erasing else [],
        stays=queries.stays(found.person_id) if erasing else [],
        policy=policy_at(now()),
    )


@bp.post("/privacy/requests/<int:request_id>/answer")
@access(Permission.ANSWER_PRIVACY_REQUESTS)
def answer(request_id: int) -> Response:
    queries.request(request_id)
    form = AnswerForm()

    def work() -> Done:
        found = service.answer(
            request_id=request_id,
            agreed=form.agreed.data == "yes",
            reasons=form.reasons.data or "",
            actor=actor(),
            now=now(),
        )
        told = "They have been told." if found.done_at else "A member of the board now confirms it."
        return Done(f"Your answer is kept. {told}", url_for("privacy.requests"))

    return submit(form, work) or _request_page(request_id, form, ActionForm(formdata=None, prefix="confirm"), form)


@bp.post("/privacy/requests/<int:request_id>/confirm")
@access(Permission.CONFIRM_ERASURE)
def confirm(request_id: int) -> Response:
    queries.request(request_id)
    form = ActionForm(prefix="confirm")

    def work() -> Done:
        service.confirm(request_id=request_id, actor=actor(), now=now())
        return Done("The person is erased, and gets a last message that says what stays.", url_for("privacy.requests"))

    return submit(form, work) or _request_page(request_id, AnswerForm(formdata=None), form, form)


@bp.post("/privacy/requests/<int:request_id>/copy")
@access(Permission.ANSWER_PRIVACY_REQUESTS)
def copy_for(request_id: int) -> Response:
    queries.request(request_id)
    if not ActionForm(prefix="copy").validate_on_submit():
        raise RuleBroken("Reload the request's page and press the button again.")
    with transaction():
        content = service.copy_for(request_id=request_id, actor=actor(), now=now())
    return _download(content, f"request-{request_id}.zip")
