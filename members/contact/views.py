"""Pages of choosing how to hear from the fund."""

from flask import Blueprint, Response, current_app, make_response, request, url_for

from fund.kernel.access import Permission, access
from fund.kernel.db import db, transaction
from fund.kernel.errors import NotFound
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from fund.kernel.policy import policy_at
from fund.kernel.topics import CHOICES, KINDS, Mode
from members.accounts.models import Person
from members.contact import queries, service
from members.contact.forms import ByLinkForm, choices_form
from members.contact.queries import Linked
from members.contact.rules import MODE_BUTTONS, MODE_NAMES, modes_now

bp = Blueprint("contact", __name__)

_ONE_CLICK = ("List-Unsubscribe", "One-Click")  # what RFC 8058 has a mailbox send


@bp.route("/account/messages", methods=["GET", "POST"])
@access(Permission.SIGNED_IN)
def messages() -> Response:
    """How the person has each kind of message."""
    email = db.session.get_one(Person, actor().person_id).email
    present = modes_now(queries.choices_of(queries.reader_of(email)))
    form = choices_form(present)

    def work() -> Done:
        changed = service.choose(modes=form.modes(), actor=actor(), now=now())
        sentence = "Your choice is kept. It counts from the next message on." if changed else "You changed nothing."
        return Done(sentence, url_for("contact.messages"))

    return submit(form, work) or page(
        "contact/messages.html",
        form,
        topics=CHOICES,
        kinds=KINDS,
        hour=policy_at(now()).digest_hour,
        withheld=queries.withheld(email),
        email=email,
    )


@bp.route("/messages/<token>", methods=["GET", "POST"])
@access(Permission.ANYONE)
def by_link(token: str) -> Response:
    """The link in a message: opening it changes nothing, because mail scanners open links; a button does.

    A mailbox's own button sends one field instead of our form (RFC 8058). It has no cookie and so no token against
    forgery; the signature in the address stands for both (see `fund.web.prepare`).
    """
    if (found := queries.linked(token, str(current_app.secret_key))) is None:
        raise NotFound(
            "This link is too old, or was cut short on its way. Open the whole link from a newer message, or sign in "
            "and choose under “Your account”."
        )
    if request.method == "POST" and request.form.get(_ONE_CLICK[0]) == _ONE_CLICK[1]:
        with transaction():
            service.choose_by_link(found=found, mode=Mode.OFF, now=now())
        answer = make_response("You get no more of these.\n")
        answer.mimetype = "text/plain"
        return answer
    current_app.extensions["csrf"].protect()  # our own buttons send our token, like every other form
    form = ByLinkForm()

    def work() -> Done:
        mode = Mode(form.mode.data or "")
        topics = service.choose_by_link(found=found, mode=mode, now=now())
        names = " and ".join(f"“{KINDS[topic].name}”" for topic in topics) or "Nothing"
        return Done(
            f"{names}: {MODE_NAMES[mode].lower()} from now on. You can undo this below.",
            url_for("contact.by_link", token=token),
        )

    return submit(form, work) or _link_page(found, form, token)


def _link_page(found: Linked, form: ByLinkForm, token: str) -> Response:
    modes = modes_now(queries.choices_of(found.reader))
    offered = [
        mode
        for mode in (Mode.OFF, Mode.DIGEST, Mode.AT_ONCE)
        if any(mode in KINDS[topic].modes and modes[topic] is not mode for topic in found.topics)
    ]
    return page(
        "contact/by_link.html",
        form,
        found=found,
        kinds=KINDS,
        modes=modes,
        mode_names=MODE_NAMES,
        offered=offered,
        buttons=MODE_BUTTONS,
        token=token,
        hour=policy_at(now()).digest_hour,
    )
