"""From a form to its effect and the next page: what every view does, in one place."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from flask import Response, current_app, flash, g, make_response, redirect, render_template
from wtforms import Form

from fund.kernel.access import Actor
from fund.kernel.clock import Clock
from fund.kernel.db import transaction
from fund.kernel.errors import NotAllowed, RuleBroken
from fund.kernel.forms import BaseForm
from fund.kernel.once import Done, once


def clock() -> Clock:
    """The application's clock."""
    return cast(Clock, current_app.extensions["sicf_clock"])


def now() -> datetime:
    """The instant of this request: one for the whole request, so that a page agrees with itself."""
    if "now" not in g:
        g.now = clock().now()
    return cast(datetime, g.now)


def actor_or_none() -> Actor | None:
    """The signed-in person, if there is one. Set for each request by `fund.web`."""
    return cast("Actor | None", g.get("actor"))


def actor() -> Actor:
    """The signed-in person of a view that needs one."""
    if (person := actor_or_none()) is None:
        raise NotAllowed("Sign in to do this.")
    return person


def own_organisation_id() -> int:
    """The organisation that the signed-in person acts for; views that need one declare such a permission."""
    if (organisation_id := actor().organisation_id) is None:
        raise NotAllowed("Choose the organisation you act for, then try again.")
    return organisation_id


def submit(form: BaseForm, work: Callable[[], Done]) -> Response | None:
    """Act on a form that was sent: check it, do `work` once in one transaction, go to the next page.

    Returns:
        A redirect when the work is done. None when the form is to be shown (again): it was not sent, or has faults,
        which then stand beside their fields.
    """
    if not form.validate_on_submit():
        return None
    person = actor_or_none()
    try:
        with transaction():
            done = once(str(form.form_id.data), person_id=person.person_id if person else None, now=now(), work=work)
    except RuleBroken as broken:
        form.add_findings(broken.findings)
        return None
    flash(done.message, "done")
    return cast(Response, redirect(done.path, code=303))


def page(template: str, form: Form | None = None, **context: Any) -> Response:
    """Render a page; with 422 when its form has faults."""
    faults = form is not None and bool(form.errors)
    return make_response(render_template(template, form=form, **context), 422 if faults else 200)
