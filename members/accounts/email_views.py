"""Changing the address that a person signs in with."""

from flask import Response, url_for
from werkzeug.wrappers import Response as AnyResponse

from fund.kernel.access import Permission, access
from fund.kernel.db import db
from fund.kernel.errors import Finding
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from members.accounts import email_service, queries, rules
from members.accounts.blueprint import bp
from members.accounts.forms import EmailForm
from members.accounts.models import Person


@bp.route("/account/email", methods=["GET", "POST"])
@access(Permission.SIGNED_IN)
def change_email() -> Response:
    form = EmailForm()
    if form.validate_on_submit():
        person = db.session.get_one(Person, actor().person_id)
        # Outside the transaction, as in signing in.
        if not rules.passphrase_matches(person.password_hash, form.present.data or ""):
            wrong = "That isn't your passphrase. Type it again, or use the link for a forgotten one."
            form.add_findings((Finding(wrong, "present"),))
            return page("accounts/email.html", form, email=queries.email_of(actor().person_id))

    def work() -> Done:
        email_service.ask(email=form.email.data or "", actor=actor(), now=now())
        return Done(
            f"A link is on its way to {form.email.data}. Your address changes when you confirm it there.",
            url_for("accounts.account"),
        )

    return submit(form, work) or page("accounts/email.html", form, email=queries.email_of(actor().person_id))


@bp.route("/email/confirm/<token>", methods=["GET", "POST"])
@access(Permission.ANYONE)
def confirm_email(token: str) -> AnyResponse:
    """Opening the link shows a button; only pressing it changes anything, because mail scanners open links."""
    form = ActionForm()

    def work() -> Done:
        person = email_service.confirm(token=token, now=now())
        return Done(f"You sign in with {person.email} from now on.", url_for("tasks.what_needs_you"))

    if (answer := submit(form, work)) is not None:
        return answer
    return page("accounts/confirm_email.html", form, change=email_service.change_by(confirm=token, now=now()))


@bp.route("/email/undo/<token>", methods=["GET", "POST"])
@access(Permission.ANYONE)
def undo_email(token: str) -> AnyResponse:
    form = ActionForm()

    def work() -> Done:
        person = email_service.undo(token=token, now=now())
        return Done(
            f"You sign in with {person.email}, as before. Every browser is signed out. Choose a new passphrase now.",
            url_for("accounts.forgotten"),
        )

    if (answer := submit(form, work)) is not None:
        return answer
    return page("accounts/undo_email.html", form, change=email_service.change_by(undo=token, now=now()))
