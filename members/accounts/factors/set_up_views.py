"""Pages where a person sets up, names and removes their second steps."""

import json
from datetime import datetime, timedelta

import segno
from flask import Response, flash, make_response, redirect, request, session, url_for
from flask_login import current_user
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from fund.kernel.access import Permission, access
from fund.kernel.db import transaction
from fund.kernel.errors import NotFound
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from fund.kernel.sealing import CannotOpen, seal, unseal
from fund.kernel.society import society
from members.accounts import queries as accounts
from members.accounts import session_service
from members.accounts.factors import passkey_service, proving, queries, rules, service
from members.accounts.factors.blueprint import bp
from members.accounts.factors.forms import AppForm, KeptForm, NewPasskeyForm
from members.accounts.factors.prove_views import empty_form, shown_first
from members.accounts.rules import safe_path

_SHOW_CODES = timedelta(minutes=15)
_PURPOSE = "new recovery codes"


def _hub() -> str:
    return url_for("factors.steps", next=safe_path(request.args.get("next")))


def _fund_name() -> str:
    found = society()
    return found.name if found else "Social Innovation Collaboration Fund"


@bp.get("/account/second-step")
@access(Permission.SIGNED_IN)
def steps() -> AnyResponse:
    return _steps(NewPasskeyForm(prefix="passkey", formdata=None))


def _steps(form: NewPasskeyForm) -> Response:
    found = queries.second_steps_of(actor().person_id)
    return page(
        "factors/steps.html",
        form,
        steps=found,
        next=safe_path(request.args.get("next")),
        begin_form=empty_form("begin"),
        remove_app_form=empty_form("app"),
        codes_form=empty_form("codes"),
        remove_forms={passkey.id: empty_form(f"key-{passkey.id}") for passkey in found.passkeys},
    )


# --- authenticator app


@bp.post("/account/second-step/app/begin")
@access(Permission.SIGNED_IN)
def begin_app() -> AnyResponse:
    if (elsewhere := shown_first(_hub())) is not None:
        return elsewhere
    if ActionForm(prefix="begin").validate_on_submit():
        with transaction():
            service.begin_app(person_id=actor().person_id, now=now())
        return redirect(url_for("factors.app", next=safe_path(request.args.get("next"))), code=303)
    return redirect(_hub(), code=303)


@bp.route("/account/second-step/app", methods=["GET", "POST"])
@access(Permission.SIGNED_IN)
def app() -> AnyResponse:
    """The new app's secret, as a picture and to type, and its first code."""
    if (elsewhere := shown_first(_hub())) is not None:
        return elsewhere
    waiting = queries.waiting_app(actor().person_id, now())
    if waiting is None:
        return redirect(_hub(), code=303)
    secret = service.secret_of(waiting)
    form = AppForm()
    codes, hashes = _codes_where_none_left() if form.validate_on_submit() else (None, None)
    done = []

    def work() -> Done:
        service.confirm_app(code=form.code.data or "", code_hashes=hashes, actor=actor(), now=now())
        session_service.gave_factor(token=current_user.token, now=now())
        done.append(True)
        return Done("Your authenticator app is set up.", _after_set_up(codes is not None))

    if (answer := submit(form, work)) is not None:
        if done and codes is not None:
            _show_codes(codes)
        return answer
    uri = rules.provisioning_uri(secret, account=accounts.email_of(actor().person_id), fund=_fund_name())
    picture = segno.make(uri, error="m").svg_inline(scale=4, border=4, dark="#000", light="#fff")
    return page("factors/app.html", form, picture=Markup(picture), secret=rules.in_fours(secret))


def _codes_where_none_left() -> tuple[list[str], list[str]] | tuple[None, None]:
    if queries.second_steps_of(actor().person_id).codes_left:
        return None, None
    return proving.new_codes()


def _after_set_up(has_codes: bool) -> str:
    if has_codes:
        return url_for("factors.codes", next=safe_path(request.args.get("next")))
    return safe_path(request.args.get("next")) or url_for("factors.steps")


@bp.post("/account/second-step/app/remove")
@access(Permission.SIGNED_IN)
def remove_app() -> AnyResponse:
    if (elsewhere := shown_first(url_for("factors.steps"))) is not None:
        return elsewhere

    def work() -> Done:
        service.end_app(actor=actor(), now=now())
        return Done("The authenticator app is removed.", url_for("factors.steps"))

    return submit(ActionForm(prefix="app"), work) or redirect(url_for("factors.steps"), code=303)


# --- passkeys


@bp.post("/account/passkeys/options")
@access(Permission.SIGNED_IN)
def new_passkey_options() -> AnyResponse:
    """What a browser needs to make a passkey. A script asks for it."""
    with transaction():
        options, challenge = passkey_service.new_passkey_options(
            site=proving.site(), actor=actor(), fund=_fund_name(), now=now()
        )
    proving.remember_challenge(challenge)
    return Response(options, mimetype="application/json")


@bp.post("/account/passkeys")
@access(Permission.SIGNED_IN)
def add_passkey() -> AnyResponse:
    if (elsewhere := shown_first(_hub())) is not None:
        return elsewhere
    form = NewPasskeyForm(prefix="passkey")
    codes, hashes = _codes_where_none_left() if form.validate_on_submit() else (None, None)
    challenge = proving.taken_challenge()
    done = []

    def work() -> Done:
        passkey = passkey_service.add_passkey(
            site=proving.site(),
            credential=form.credential.data or "",
            challenge=challenge,
            name=form.name.data or "",
            code_hashes=hashes,
            actor=actor(),
            now=now(),
        )
        session_service.gave_factor(token=current_user.token, now=now())
        done.append(True)
        return Done(f"The passkey “{passkey.name}” is added.", _after_set_up(codes is not None))

    if (answer := submit(form, work)) is not None:
        if done and codes is not None:
            _show_codes(codes)
        return answer
    return _steps(form)


@bp.post("/account/passkeys/<int:passkey_id>/remove")
@access(Permission.SIGNED_IN)
def remove_passkey(passkey_id: int) -> AnyResponse:
    if (elsewhere := shown_first(url_for("factors.steps"))) is not None:
        return elsewhere

    def work() -> Done:
        removed = passkey_service.remove_passkey(passkey_id=passkey_id, actor=actor(), now=now())
        return Done(f"The passkey “{removed.name}” is removed.", url_for("factors.steps"))

    return submit(ActionForm(prefix=f"key-{passkey_id}"), work) or redirect(url_for("factors.steps"), code=303)


# --- recovery codes


@bp.post("/account/second-step/codes/renew")
@access(Permission.SIGNED_IN)
def renew_codes() -> AnyResponse:
    if (elsewhere := shown_first(url_for("factors.steps"))) is not None:
        return elsewhere
    form = ActionForm(prefix="codes")
    made = proving.new_codes() if form.validate_on_submit() else None
    done = []

    def work() -> Done:
        service.renew_recovery_codes(code_hashes=made[1] if made else [], actor=actor(), now=now())
        done.append(True)
        return Done("Ten new codes are made. The old ones no longer work.", url_for("factors.codes"))

    answer = submit(form, work)
    if done and made is not None:
        _show_codes(made[0])
    if answer is None:
        for message in form.form_errors:
            flash(message, "done")
    return answer or redirect(url_for("factors.steps"), code=303)


def _show_codes(codes: list[str]) -> None:
    """Keep new codes, sealed, in this browser alone until they were kept: the database has only their hashes."""
    kept = {"person": actor().person_id, "until": (now() + _SHOW_CODES).isoformat(), "codes": codes}
    session["new_codes"] = seal(json.dumps(kept), _PURPOSE)


def _codes_to_show() -> list[str]:
    """The codes just made.

    Raises:
        NotFound: when they were shown and kept, or are too old to show.
    """
    try:
        kept = json.loads(unseal(session.get("new_codes", ""), _PURPOSE))
    except CannotOpen:
        kept = None
    if kept is None or kept["person"] != actor().person_id or datetime.fromisoformat(kept["until"]) <= now():
        raise NotFound(
            "Recovery codes are shown once, when they are made. Make new ones on the page of your second steps."
        )
    return [str(code) for code in kept["codes"]]


@bp.route("/account/second-step/codes", methods=["GET", "POST"])
@access(Permission.SIGNED_IN)
def codes() -> AnyResponse:
    shown = _codes_to_show()
    form = KeptForm()
    if form.validate_on_submit():
        session.pop("new_codes", None)
        return redirect(safe_path(request.args.get("next")) or url_for("factors.steps"), code=303)
    return page("factors/codes.html", form, codes=shown)


@bp.get("/account/second-step/codes.txt")
@access(Permission.SIGNED_IN)
def codes_file() -> Response:
    shown = _codes_to_show()
    lines = [
        f"Recovery codes of {accounts.email_of(actor().person_id)} for {_fund_name()}",
        "Each works once.",
        "",
        *shown,
    ]
    answer = make_response("\r\n".join(lines) + "\r\n")
    answer.mimetype = "text/plain"
    answer.headers["Content-Disposition"] = "attachment; filename=recovery-codes.txt"
    return answer
