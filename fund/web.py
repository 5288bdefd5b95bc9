"""What every request meets: sign-in, access, headers, template filters, error pages."""

import logging
import re
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

import psycopg
from flask import Flask, Response, abort, g, render_template, request
from flask_login import LoginManager
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from markupsafe import Markup, escape
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from fund.admission import admit
from fund.config import Settings
from fund.kernel.access import Permission, access
from fund.kernel.calendar import london_day
from fund.kernel.clock import LONDON
from fund.kernel.db import db
from fund.kernel.errors import FundError, NotFound
from fund.kernel.forms import new_form_id
from fund.kernel.pages import actor_or_none, now
from fund.kernel.places import CITY_REGION, DISTRICT_NAMES
from fund.kernel.society import Society, society
from ledger.money import format_pence
from members.accounts import queries as accounts
from members.accounts.models import Person
from members.rules import SECTOR_NAMES, Sector

log = logging.getLogger("fund")

_NAVIGATION = (
    ("public.money", "The pot"),
    ("proposals.rounds", "Rounds"),
    ("voting.ballots", "Decisions"),
    ("public.awards", "Awards"),
    ("public.stories", "Stories"),
    ("members.directory", "Members"),
    ("members.join", "Join"),
)

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def prepare(app: Flask, settings: Settings) -> None:
    """Attach everything that is the same for every page."""
    # A mailbox's own "unsubscribe" button can't know our token; the signed address guards that one view instead.
    # The payment provider signs its messages, over every byte of them.
    csrf = CSRFProtect(app)
    csrf.exempt(app.view_functions["contact.by_link"])
    csrf.exempt(app.view_functions["cards.webhook"])
    login = LoginManager(app)
    login.user_loader(lambda token: accounts.signed_in(token, now()))
    access(Permission.ANYONE)(app.view_functions["static"])
    _add_filters(app)
    app.before_request(_refuse_foreign_hosts(settings))
    app.before_request(admit)
    app.after_request(_add_headers)
    app.context_processor(_context)
    app.register_error_handler(FundError, _fund_error)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(Exception, _bug)


def _refuse_foreign_hosts(settings: Settings) -> Callable[[], None]:
    expected = urlsplit(settings.base_url).hostname
    known = {expected, "127.0.0.1", "localhost", "::1"} if not settings.secure_cookies else {expected}

    def check() -> None:
        try:
            host = urlsplit(f"//{request.host}").hostname
        except ValueError:
            host = None
        if host not in known:
            abort(400)

    return check


def _add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static" and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store" if g.get("actor") else "no-cache"
    return response


def _context() -> dict[str, object]:
    return {
        "actor": actor_or_none(),
        "may": lambda name: (person := actor_or_none()) is not None and person.may(Permission(name)),
        "now": now(),
        "fund_society": _society(),
        "Sector": Sector,
        "navigation": _NAVIGATION,
        "new_form_id": new_form_id,
        "kept_form": g.get("kept_form"),
        "kept_form_had_files": g.get("kept_form_had_files", False),
        "person_name": _person_name,
    }


def _person_name(person_id: int | None) -> str:
    """Who did something, for pages of folders that know people by number only."""
    if person_id is None:
        return "the system"
    person = db.session.get(Person, person_id)
    return person.name if person else "somebody we no longer know"


def _society() -> Society | None:
    if "society" not in g:
        g.society = society()
    found: Society | None = g.society
    return found


# --- template filters


def show_day(value: date | datetime | None) -> str:
    """4 March 2026."""
    if value is None:
        return "—"
    day = london_day(value) if isinstance(value, datetime) else value
    return f"{day.day} {day:%B %Y}"


def show_instant(value: datetime | None) -> str:
    """4 March 2026 at 2:30pm, in England; noon and midnight by name."""
    if value is None:
        return "—"
    local = value.astimezone(LONDON)
    if (local.hour, local.minute) in ((0, 0), (12, 0)):
        clock = "midnight" if local.hour == 0 else "midday"
    else:
        clock = f"{local.hour % 12 or 12}:{local:%M}{'am' if local.hour < 12 else 'pm'}"
    return f"{show_day(local)} at {clock}"


def time_until(value: datetime, instant: datetime) -> str:
    """ "in 3 days", "in 5 hours", "2 days ago": rough, for people."""
    left = value - instant
    ago = left < timedelta(0)
    minutes = int(abs(left).total_seconds() // 60)
    if minutes < 1:
        return "now"
    count, unit = (minutes // 1440, "day") if minutes >= 2880 else (minutes // 60, "hour")
    if minutes < 120:
        count, unit = minutes, "minute"
    words = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{words} ago" if ago else f"in {words}"


def show_hour(hour: int) -> str:
    """8am, midday, 5pm."""
    return {0: "midnight", 12: "midday"}.get(hour, f"{hour % 12 or 12}{'am' if hour < 12 else 'pm'}")


def paragraphs(text: str | None) -> Markup:
    """What somebody typed, as escaped paragraphs."""
    blocks = [block for block in (text or "").split("\n\n") if block.strip()]
    return Markup("").join(
        Markup("<p>{}</p>").format(Markup("<br>").join(escape(line) for line in block.split("\n"))) for block in blocks
    )


_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_CELL = re.compile(r"<t[dh]\b")


def cells_named(rows: str, heads: Sequence[str]) -> Markup:
    """Rows of a table in which each cell carries its column's heading, for a phone to show beside it."""

    def name_cells(row: re.Match[str]) -> str:
        names = iter(heads)
        return _CELL.sub(lambda cell: f'{cell[0]} data-head="{escape(Markup(next(names, "")).striptags())}"', row[0])

    return Markup(_ROW.sub(name_cells, rows))


def _add_filters(app: Flask) -> None:
    app.add_template_filter(format_pence, "money")
    app.add_template_filter(show_day, "day")
    app.add_template_filter(show_instant, "instant")
    app.add_template_filter(lambda value: time_until(value, now()), "time_until")
    app.add_template_filter(paragraphs, "paragraphs")
    app.add_template_filter(cells_named, "cells_named")
    app.add_template_filter(show_hour, "hour")
    app.add_template_filter(lambda text: text[:1].lower() + text[1:], "lower_first")
    app.add_template_filter(lambda sector: SECTOR_NAMES[Sector(sector)] if sector else "not yet confirmed", "sector")
    app.add_template_filter(lambda code: DISTRICT_NAMES.get(code, CITY_REGION), "district")
    app.add_template_filter(lambda value: str(value).replace("_", " "), "words")


# --- errors


def _error_page(status: int, title: str, message: str, **more: object) -> tuple[str, int]:
    return render_template("error.html", title=title, message=message, **more), status


def _fund_error(error: FundError) -> tuple[str, int]:
    db.session.rollback()
    titles = {403: "Not yours to open", 404: "Not found", 409: "Somebody was first", 422: "The rules say no"}
    return _error_page(error.status, titles.get(error.status, "Something went wrong"), error.message)


def _stale_form(error: CSRFError) -> tuple[str, int]:
    return _error_page(
        400,
        "This form was open too long",
        "Nothing was saved or sent. Go back, copy what you typed if it is long, reload the page and send it again.",
    )


def _http_error(error: HTTPException) -> AnyResponse | tuple[str, int]:
    if error.code is not None and 300 <= error.code < 400:
        return error.get_response()
    if error.code == 404:
        return _fund_error(NotFound())
    sentences = {
        400: ("We couldn't read that", "Go back, reload the page and try again."),
        405: ("That page can't be used like this", "Start again from the front page."),
        413: ("That is too large", "A file may be up to 10 MB. Send a smaller one."),
    }
    title, message = sentences.get(error.code or 500, ("Something went wrong", "Go back and try again."))
    return _error_page(error.code or 500, title, message)


def _database_away(error: OperationalError) -> tuple[str, int]:
    """Locked, full or away: the transaction was rolled back, so the person can safely try again."""
    db.session.rollback()
    log.error("database unavailable: %s", error.orig)
    cause = error.orig
    if isinstance(cause, sqlite3.OperationalError | psycopg.OperationalError):
        return _error_page(
            503,
            "The fund is busy",
            "Nothing was changed and nothing is lost. Wait a minute, go back and try again.",
        )
    return _bug(error)


def _bug(error: Exception) -> tuple[str, int]:
    db.session.rollback()
    reference = secrets.token_hex(4)
    log.exception("reference %s", reference)
    return _error_page(
        500,
        "Something went wrong on our side",
        "Nothing was half done. Try again, and if it happens twice tell us this reference.",
        reference=reference,
    )
