"""Who is let through to a page, and what happens to a form whose sender has to show first who they are.

The matrix in `fund.kernel.access` decides who may. A form sent after the session ended, or that needs a second step
first, is kept for its sender alone and shown to them again, filled in, once they have signed in or given the step.
"""

from urllib.parse import urlencode

from flask import current_app, g, redirect, request, session, url_for
from flask_login import current_user
from sqlalchemy.exc import OperationalError
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from fund.kernel.access import SECOND_FACTOR, Actor, Permission, declared
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound
from fund.kernel.forms import opened_for
from fund.kernel.pages import now
from fund.kernel.society import society
from members.accounts import held_service, session_service
from members.accounts.factors.queries import has_second_step

_SAFE = ("GET", "HEAD")
_OF_NO_ORGANISATION = {"accounts", "factors", "contact", "demo"}
"""Blueprints whose forms are the person's own, whomever they act for."""


def admit() -> Response | None:
    """Let the request through (None), or answer it."""
    if request.endpoint == "static":
        return None
    actor: Actor | None = current_user.actor if current_user.is_authenticated else None
    g.actor = actor
    if request.endpoint is None:
        return None  # unknown address: answered as 404 by the router
    if any(isinstance(part, str) and not part.isprintable() for part in (request.view_args or {}).values()):
        raise NotFound  # no reference holds a control character, and PostgreSQL refuses NUL
    permission = declared(current_app.view_functions[request.endpoint])
    if actor is not None:
        _refuse_forms_of_another_organisation(actor)
        _note_that_seen()
    if permission is Permission.ANYONE:
        return None
    if permission is Permission.DEMO:
        found = society()
        if found is None or not found.is_demo:
            raise NotFound
        return None
    if actor is None:
        return _sign_in_first()
    if permission is None or not actor.may(permission):
        raise NotAllowed(
            f"{actor.name} doesn't have the role that this page needs. "
            "Ask a steward, or choose another organisation to act for."
        )
    if request.method not in _SAFE and permission in SECOND_FACTOR and not current_user.is_fresh:
        return _show_first_that_it_is_you(actor)
    if request.method == "GET" and "held" in request.args:
        _fill_in_again(actor)
    return None


def _refuse_forms_of_another_organisation(actor: Actor) -> None:
    """A form opened while acting for one organisation is never acted on for another: in a second tab the person may
    have changed whom they act for. A person's own account belongs to no organisation."""
    if request.method != "POST" or request.blueprint in _OF_NO_ORGANISATION:
        return
    opened = {opened_for(value) for name, value in request.form.items() if name.endswith("form_id")} - {None}
    if not opened or opened == {actor.organisation_id}:
        return
    known = {place.organisation_id: place.name for place in actor.others}
    before = next((known[found] for found in opened if found in known), "another organisation")
    raise Conflict(
        f"You opened this form for {before}, and act for {actor.organisation_name or 'no organisation'} now. Nothing "
        f"was done. Choose {before} at the top of the page, then go back and send the form again."
    )


def _note_that_seen() -> None:
    if not current_user.is_stale:
        return
    try:
        with transaction():
            session_service.seen(token=current_user.token, now=now())
    except OperationalError:
        # Reading goes on when the database takes no writes; the browser is noted at the next page.
        db.session.rollback()


def _sign_in_first() -> Response:
    if request.method in _SAFE:
        return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")), code=303)
    owner = held_service.owner_of(str(session.get("_user_id", "")))
    path = _keep(*owner) if owner is not None and _is_from_a_page() else None
    if path is None:
        raise NotAllowed("You were signed out. Sign in again in another tab, then come back here and send this again.")
    return redirect(url_for("accounts.sign_in", next=path), code=303)


def _show_first_that_it_is_you(actor: Actor) -> Response:
    path = _keep(actor.person_id, actor.organisation_id) if _is_from_a_page() else None
    if path is None:
        raise NotAllowed("Show first that it's you, under “Your account”, then come back here and send this again.")
    endpoint = "factors.show" if has_second_step(actor.person_id) else "factors.steps"
    return redirect(url_for(endpoint, next=path), code=303)


def _is_from_a_page() -> bool:
    """Whether a form was sent, and not a script's request, which can't be shown again."""
    return request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"


def _keep(person_id: int, organisation_id: int | None) -> str | None:
    """Keep what was sent; the path where it is found again."""
    arguments = [(name, value) for name, value in request.args.items(multi=True) if name != "held"]
    with transaction():
        token = held_service.hold(
            person_id=person_id,
            acting_for_id=organisation_id,
            path=request.path + (f"?{urlencode(arguments)}" if arguments else ""),
            pairs=list(request.form.items(multi=True)),
            had_files=any(file.filename for file in request.files.values()),
            now=now(),
        )
    return url_for("accounts.carry_on", token=token) if token is not None else None


def _fill_in_again(actor: Actor) -> None:
    kept = held_service.held(token=request.args["held"], person_id=actor.person_id, now=now())
    if kept is None or kept.path.split("?")[0] != request.path:
        return
    if kept.acting_for_id in (None, actor.organisation_id):
        g.kept_form, g.kept_form_had_files = MultiDict(kept.pairs), kept.had_files
