"""Signing in and out, invitations, and a person's own account."""

from flask import Response, current_app, flash, redirect, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from fund.kernel.access import Permission, access
from fund.kernel.db import transaction
from fund.kernel.errors import NotFound, RuleBroken
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, actor_or_none, now, page, submit
from fund.kernel.society import society
from members.accounts import (
    browser,
    browser_views,
    email_views,
    passphrase_service,
    queries,
    rules,
    service,
    session_service,
)
from members.accounts.blueprint import bp
from members.accounts.factors import queries as factors
from members.accounts.forms import (
    ChangePassphraseForm,
    EnterAsForm,
    ForgottenForm,
    NewPassphraseForm,
    PasskeyForm,
    SignInForm,
)
from members.queries import organisation_by_id
from members.rules import ROLE_MEANINGS, ROLE_NAMES

__all__ = ["bp", "browser_views", "email_views"]


@bp.app_context_processor
def _names() -> dict[str, object]:
    return {"ROLE_NAMES": ROLE_NAMES, "ROLE_MEANINGS": ROLE_MEANINGS, "switch_form": _switch_form}


def _switch_form(organisation_id: int) -> ActionForm:
    return ActionForm(None, prefix=f"for-{organisation_id}")


@bp.route("/sign-in", methods=["GET", "POST"])
@access(Permission.ANYONE)
def sign_in() -> AnyResponse:
    form = SignInForm()
    if request.method == "GET":
        form.next.data = rules.safe_path(request.args.get("next"))
    if form.validate_on_submit() and (opened := _try(form)):
        token, needs_factor = opened
        path = rules.safe_path(form.next.data)
        if needs_factor:
            session["half"] = token
            return redirect(url_for("factors.second_step", next=path), code=303)
        browser.become(token)
        return redirect(path or url_for("tasks.what_needs_you"), code=303)
    form.passphrase.data = None
    passkey = {"passkey_form": PasskeyForm(prefix="passkey", formdata=None, next=form.next.data)}
    found = society()
    if found is None or not found.is_demo:
        return page("accounts/sign_in.html", form, **passkey)
    places: dict[str, list[queries.DemoPerson]] = {}
    for person in queries.demo_people():
        places.setdefault(person.place, []).append(person)
    return page(
        "accounts/sign_in.html",
        form,
        demo_form=EnterAsForm(prefix="as", formdata=None),
        demo_places=places,
        **passkey,
    )


def _try(form: SignInForm) -> tuple[str, bool] | None:
    """A session's token and whether a second step is still to come, or None with the reason in the form."""
    device = browser.device_token()
    with transaction():
        attempt = service.claim_attempt(
            email=form.email.data or "", network=browser.network(), device_token=device, now=now()
        )
    if attempt.wait_until is not None:
        wait = rules.waiting_words(attempt.wait_until - now())
        form.form_errors.append(
            f"There were too many tries from here. Wait {wait}, then try again, or ask for a new passphrase."
        )
        return None
    # Outside the transaction: the check takes its time on purpose, and writers must not wait for it.
    if not rules.passphrase_matches(attempt.stored_hash, form.passphrase.data or ""):
        form.form_errors.append(
            "The e-mail address or the passphrase is wrong. Try again, or ask for a new passphrase."
        )
        return None
    here = browser.this_browser(is_remembered=bool(form.remember.data))
    with transaction():
        needs_factor = attempt.person_id is not None and factors.has_second_step(attempt.person_id)
        token = service.sign_in(attempt=attempt, browser=here, needs_factor=needs_factor, now=now())
        if attempt.person_id is not None and not needs_factor:
            browser.keep_device(
                session_service.greet_device(person_id=attempt.person_id, device_token=device, browser=here, now=now())
            )
    return token, needs_factor


@bp.post("/enter-as")
@access(Permission.DEMO)
def enter_as() -> AnyResponse:
    form = EnterAsForm(prefix="as")
    if not form.validate_on_submit():
        raise RuleBroken("Choose one of the people on the sign-in page.")
    with transaction():
        token = service.enter_as(person_id=form.person.data or 0, now=now())
    browser.forget()
    browser.become(token)
    return redirect(url_for("tasks.what_needs_you"), code=303)


@bp.post("/sign-out")
@access(Permission.SIGNED_IN)
def sign_out() -> AnyResponse:
    if ActionForm().validate_on_submit():
        with transaction():
            service.sign_out(token=current_user.token, now=now())
        browser.forget()
        flash("You are signed out.", "done")
    return redirect(url_for("public.front"), code=303)


@bp.post("/sign-out-everywhere")
@access(Permission.SIGNED_IN)
def sign_out_everywhere() -> AnyResponse:
    if ActionForm(prefix="everywhere").validate_on_submit():
        with transaction():
            service.sign_out_everywhere(person_id=actor().person_id, now=now())
        browser.forget()
        flash("You are signed out of every browser.", "done")
    return redirect(url_for("public.front"), code=303)


@bp.route("/account", methods=["GET", "POST"])
@access(Permission.SIGNED_IN)
def account() -> AnyResponse:
    """What the person may do and for whom; the form changes the passphrase."""
    form = ChangePassphraseForm()
    if form.validate_on_submit():
        try:
            with transaction():
                token = passphrase_service.change_password(
                    present=form.present.data or "",
                    passphrase=form.passphrase.data or "",
                    browser=browser.this_browser(is_remembered=current_user.is_remembered),
                    factor_at=current_user.factor_at,
                    actor=actor(),
                    now=now(),
                )
        except RuleBroken as broken:
            form.add_findings(broken.findings)
        else:
            browser.become(token)
            flash("Your passphrase is changed, and every other browser is signed out.", "done")
            return redirect(url_for("accounts.account"), code=303)
    held = queries.appointments_of(actor().person_id)
    organisations = {role.organisation_id: role for role in held}
    return page(
        "accounts/account.html",
        form,
        held=held,
        fund_roles=queries.fund_roles_of(actor().person_id),
        organisations=list(organisations.values()),
        switches={key: ActionForm(prefix=f"for-{key}", formdata=None) for key in organisations},
        sign_out_form=ActionForm(formdata=None),
        everywhere_form=ActionForm(prefix="everywhere", formdata=None),
        second_steps=factors.second_steps_of(actor().person_id),
        email=queries.email_of(actor().person_id),
    )


@bp.post("/account/act-for/<int:organisation_id>")
@access(Permission.SIGNED_IN)
def act_for(organisation_id: int) -> AnyResponse:
    form = ActionForm(prefix=f"for-{organisation_id}")

    def work() -> Done:
        service.act_for(token=current_user.token, organisation_id=organisation_id, actor=actor(), now=now())
        path = rules.safe_path(request.args.get("next")) or url_for("tasks.what_needs_you")
        return Done(f"You now act for {organisation_by_id(organisation_id).name}.", path)

    return submit(form, work) or redirect(url_for("accounts.account"), code=303)


@bp.route("/forgotten", methods=["GET", "POST"])
@access(Permission.ANYONE)
def forgotten() -> Response:
    form = ForgottenForm()

    def work() -> Done:
        passphrase_service.ask_reset(email=form.email.data or "", now=now())
        return Done(
            "If somebody signs in with this address, a link is on its way to it. It works once, for two hours.",
            url_for("accounts.sign_in"),
        )

    return submit(form, work) or page("accounts/forgotten.html", form)


@bp.route("/reset/<token>", methods=["GET", "POST"])
@access(Permission.ANYONE)
def reset(token: str) -> Response:
    """Opening the link shows a form; only sending it uses the link up, because mail scanners open links."""
    if request.method == "GET" and not queries.reset_is_open(token, now()):
        raise NotFound("This link has been used or is too old. Ask for a new one on the sign-in page.")
    form = NewPassphraseForm()

    def work() -> Done:
        passphrase_service.reset(token=token, passphrase=form.passphrase.data or "", now=now())
        return Done("Your new passphrase is set. Sign in with it.", url_for("accounts.sign_in"))

    return submit(form, work) or page("accounts/reset.html", form)


@bp.route("/invitations/<token>", methods=["GET", "POST"])
@access(Permission.ANYONE)
def invitation(token: str) -> AnyResponse:
    """Opening the link shows what is offered; only sending the form accepts it."""
    found = queries.invitation_by_token(token)
    if found is None or found.accepted_at or found.withdrawn_at or found.expires_at <= now():
        raise NotFound("This invitation has been used or withdrawn, or is too old. Ask who invited you for a new one.")
    person = queries.person_by_email(found.email)
    is_new = person is None or person.password_hash is None
    signed_in = actor_or_none()
    form = NewPassphraseForm() if is_new else ActionForm()
    if form.validate_on_submit():
        phrase = str(form.passphrase.data) if isinstance(form, NewPassphraseForm) else None
        try:
            with transaction():
                accepted = service.accept_invitation(token=token, passphrase=phrase, actor=signed_in, now=now())
                here = browser.this_browser(is_remembered=signed_in is not None and current_user.is_remembered)
                opened = service.open_session(
                    person_id=accepted.id,
                    acting_for_id=found.organisation_id,
                    browser=here,
                    gave_passphrase=is_new,
                    gave_factor_at=current_user.factor_at if signed_in is not None else None,
                    now=now(),
                )
                browser.keep_device(
                    session_service.greet_device(
                        person_id=accepted.id, device_token=browser.device_token(), browser=here, now=now()
                    )
                )
        except RuleBroken as broken:
            form.add_findings(broken.findings)
        else:
            browser.become(opened)
            flash("You have accepted. This page shows what needs you.", "done")
            return redirect(url_for("tasks.what_needs_you"), code=303)
    return page(
        "accounts/invitation.html",
        form,
        invitation=found,
        place=organisation_by_id(found.organisation_id).name if found.organisation_id else _fund_name(),
        is_new=is_new,
        is_me=signed_in is not None and person is not None and signed_in.person_id == person.id,
        somebody_else=signed_in is not None and (person is None or signed_in.person_id != person.id),
        token=token,
        sign_out_form=ActionForm(formdata=None),
    )


def _fund_name() -> str:
    found = society()
    return found.name if found else str(current_app.name)
