"""Pages that ask for a second step: while signing in, and before an act that needs one."""

from collections.abc import Callable

from flask import Response, flash, redirect, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from fund.kernel.access import Permission, access
from fund.kernel.db import db, transaction
from fund.kernel.errors import Finding, RuleBroken
from fund.kernel.forms import ActionForm, BaseForm
from fund.kernel.pages import actor, actor_or_none, now, page
from members.accounts import browser, queries, service, session_service
from members.accounts.factors import passkey_service, proving
from members.accounts.factors import queries as factors
from members.accounts.factors.blueprint import bp
from members.accounts.factors.forms import CodeForm, PassphraseForm
from members.accounts.forms import PasskeyForm
from members.accounts.models import Person, PersonSession
from members.accounts.rules import HALF_LENGTH, passphrase_matches, safe_path


def _next(otherwise: str) -> str:
    return safe_path(request.args.get("next")) or url_for(otherwise)


# --- signing in


def _half() -> tuple[str, PersonSession] | None:
    """The session whose passphrase was right and whose second step is still to come, with its token."""
    token = session.get("half")
    found = queries.session_by_token(str(token)) if token else None
    if found is None or not found.is_half or not queries.is_live(found, now()):
        return None
    return (str(token), found) if now() - found.created_at < HALF_LENGTH else None


@bp.route("/sign-in/second-step", methods=["GET", "POST"])
@access(Permission.ANYONE)
def second_step() -> AnyResponse:
    if (half := _half()) is None:
        flash("Give your address and passphrase first; the second step has to follow within ten minutes.", "done")
        return redirect(url_for("accounts.sign_in", next=safe_path(request.args.get("next"))), code=303)
    token, found = half
    person_id = found.person_id
    here = service.Browser(found.device or "", found.network or "", bool(found.is_remembered))

    def on_right() -> None:
        session_service.gave_factor(token=token, now=now())
        service.record_sign_in(db.session.get_one(Person, person_id), now())
        browser.keep_device(
            session_service.greet_device(
                person_id=person_id, device_token=browser.device_token(), browser=here, now=now()
            )
        )

    code_form, passkey_form = CodeForm(), PasskeyForm(prefix="passkey")
    if _prove(person_id, code_form, passkey_form, on_right):
        session.pop("half", None)
        browser.become(token)
        return redirect(_next("tasks.what_needs_you"), code=303)
    return _ask("factors/second_step.html", person_id, code_form, passkey_form)


def _prove(person_id: int, code_form: CodeForm, passkey_form: PasskeyForm, on_right: Callable[[], None]) -> bool:
    """Whether the request brought the right code or passkey; what is wrong stands in the form that was sent."""
    by_passkey = passkey_form.credential.name in request.form
    form: BaseForm = passkey_form if by_passkey else code_form
    if not form.validate_on_submit():
        return False
    try:
        if by_passkey:
            proving.prove_by_passkey(
                person_id=person_id,
                credential=passkey_form.credential.data or "",
                on_right=on_right,
            )
        else:
            proving.prove_by_code(
                person_id=person_id,
                typed=code_form.code.data or "",
                on_right=on_right,
            )
    except RuleBroken as broken:
        form.add_findings(broken.findings)
        return False
    return True


def _ask(template: str, person_id: int, code_form: CodeForm, passkey_form: PasskeyForm) -> Response:
    steps = factors.second_steps_of(person_id)
    if passkey_form.errors:
        code_form.form_errors.extend(str(message) for found in passkey_form.errors.values() for message in found)
    if not code_form.errors:
        code_form.code.data = None
    return page(
        template,
        code_form,
        steps=steps,
        passkey_form=PasskeyForm(prefix="passkey", formdata=None),
        next=safe_path(request.args.get("next")),
    )


@bp.post("/sign-in/passkey")
@access(Permission.ANYONE)
def sign_in_with_passkey() -> AnyResponse:
    """A passkey alone: it is both steps in one."""
    form = PasskeyForm(prefix="passkey")
    if not form.validate_on_submit():
        raise RuleBroken("The passkey gave no answer. Go back and try again, or sign in with your passphrase.")
    here = browser.this_browser(is_remembered=False)
    with transaction():
        person = passkey_service.use_passkey(
            site=proving.site(),
            credential=form.credential.data or "",
            challenge=proving.taken_challenge(),
            person_id=None,
            now=now(),
        )
        service.record_sign_in(person, now())
        token = service.open_session(
            person_id=person.id, acting_for_id=None, browser=here, gave_factor_at=now(), now=now()
        )
        browser.keep_device(
            session_service.greet_device(
                person_id=person.id, device_token=browser.device_token(), browser=here, now=now()
            )
        )
    session.pop("half", None)
    browser.become(token)
    return redirect(safe_path(form.next.data) or url_for("tasks.what_needs_you"), code=303)


@bp.post("/passkeys/options")
@access(Permission.ANYONE)
def passkey_options() -> AnyResponse:
    """What a browser needs to use a passkey. A script asks for it."""
    person = actor_or_none()
    half = _half()
    person_id = person.person_id if person is not None else half[1].person_id if half is not None else None
    with transaction():
        options, challenge = passkey_service.use_options(site=proving.site(), person_id=person_id, now=now())
    proving.remember_challenge(challenge)
    return Response(options, mimetype="application/json")


@bp.get("/lost-second-step")
@access(Permission.ANYONE)
def lost() -> Response:
    return page("factors/lost.html")


# --- before an act that needs it


@bp.route("/show-its-you", methods=["GET", "POST"])
@access(Permission.SIGNED_IN)
def show() -> AnyResponse:
    """The second step once more; for somebody who has none yet, the passphrase."""
    token = current_user.token
    if not factors.has_second_step(actor().person_id):
        return _show_by_passphrase(token)
    code_form, passkey_form = CodeForm(), PasskeyForm(prefix="passkey")

    def on_right() -> None:
        session_service.gave_factor(token=token, now=now())

    if _prove(actor().person_id, code_form, passkey_form, on_right):
        return redirect(_next("accounts.account"), code=303)
    return _ask("factors/show.html", actor().person_id, code_form, passkey_form)


def _show_by_passphrase(token: str) -> AnyResponse:
    form = PassphraseForm()
    if form.validate_on_submit():
        stored = db.session.get_one(Person, actor().person_id).password_hash
        db.session.rollback()
        if passphrase_matches(stored, form.present.data or ""):
            with transaction():
                session_service.gave_passphrase(token=token, now=now())
            return redirect(_next("accounts.account"), code=303)
        wrong = "That isn't your passphrase. Type it again, or use the link for a forgotten one."
        form.add_findings((Finding(wrong, "present"),))
    return page("factors/show_passphrase.html", form)


def shown_first(next_path: str) -> AnyResponse | None:
    """Lead a person who wants to change their second steps to show first that it's them; None when they have."""
    has_step = factors.has_second_step(actor().person_id)
    if current_user.is_fresh if has_step else current_user.is_passphrase_fresh:
        return None
    return redirect(url_for("factors.show", next=next_path), code=303)


def empty_form(prefix: str) -> ActionForm:
    """A button's form among others on one page."""
    return ActionForm(prefix=prefix, formdata=None)
