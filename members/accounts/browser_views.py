"""The browsers that a person is signed in from, and going on with a form that was kept."""

from typing import cast
from urllib.parse import urlencode, urlsplit

from flask import Response, current_app, redirect, request, url_for
from flask_login import current_user
from werkzeug.exceptions import HTTPException

from fund.kernel.access import SECOND_FACTOR, Permission, access, declared
from fund.kernel.errors import NotFound
from fund.kernel.forms import ActionForm
from fund.kernel.once import Done
from fund.kernel.pages import actor, now, page, submit
from members.accounts import held_service, queries, session_service
from members.accounts.blueprint import bp
from members.accounts.factors.queries import has_second_step
from members.queries import organisation_by_id

_GONE = (
    "What you typed isn't kept any more, or somebody else typed it. "
    "Open the page again from “What needs you”, and fill it in once more."
)


@bp.get("/account/browsers")
@access(Permission.SIGNED_IN)
def browsers() -> Response:
    found = queries.sessions_of(actor().person_id, now())
    return page(
        "accounts/browsers.html",
        sessions=found,
        present_id=current_user.session_id,
        forms_of={one.id: ActionForm(prefix=f"end-{one.id}", formdata=None) for one in found},
        everywhere_form=ActionForm(prefix="everywhere", formdata=None),
    )


@bp.post("/account/browsers/<int:session_id>/end")
@access(Permission.SIGNED_IN)
def end_browser(session_id: int) -> Response:
    form = ActionForm(prefix=f"end-{session_id}")

    def work() -> Done:
        ended = session_service.end_session(session_id=session_id, actor=actor(), now=now())
        return Done(f"{ended.device or 'That browser'} is signed out.", url_for("accounts.browsers"))

    return submit(form, work) or cast(Response, redirect(url_for("accounts.browsers"), code=303))


@bp.get("/carry-on/<token>")
@access(Permission.SIGNED_IN)
def carry_on(token: str) -> Response:
    """Lead to the page that a kept form came from, filled in again; nothing is sent by itself."""
    kept = held_service.held(token=token, person_id=actor().person_id, now=now())
    if kept is None:
        raise NotFound(_GONE)
    if kept.acting_for_id is not None and kept.acting_for_id != actor().organisation_id:
        if kept.acting_for_id not in {one.organisation_id for one in queries.appointments_of(actor().person_id)}:
            raise NotFound(_GONE)
        return page(
            "accounts/carry_on_for.html",
            organisation=organisation_by_id(kept.acting_for_id),
        )
    if _needs_step(kept.path) and not current_user.is_fresh:
        endpoint = "factors.show" if has_second_step(actor().person_id) else "factors.steps"
        return cast(Response, redirect(url_for(endpoint, next=request.path), code=303))
    if _endpoint(kept.path, "GET") == _endpoint(kept.path, "POST"):
        joint = "&" if "?" in kept.path else "?"
        return cast(Response, redirect(f"{kept.path}{joint}{urlencode({'held': token})}", code=303))
    return page(
        "accounts/carry_on.html",
        kept=kept,
        token_form=ActionForm(prefix=_prefix(kept.pairs), formdata=None),
        shown=[value for name, value in kept.pairs if not name.endswith("form_id") and value.strip()],
    )


def _endpoint(path: str, method: str) -> str | None:
    """The view that answers `method` at a path of this site."""
    try:
        found = current_app.url_map.bind("").match(urlsplit(path).path, method=method)
    except HTTPException:
        return None
    return str(found[0])


def _needs_step(path: str) -> bool:
    endpoint = _endpoint(path, "POST")
    return endpoint is not None and declared(current_app.view_functions[endpoint]) in SECOND_FACTOR


def _prefix(pairs: list[tuple[str, str]]) -> str:
    """The prefix of the form that was kept, so that the token against forgery has the name that is looked for."""
    named = next((name for name, _ in pairs if name.endswith("form_id")), "form_id")
    return named.removesuffix("form_id").removesuffix("-")
