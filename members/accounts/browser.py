"""What the browser of a request holds: its session, and a token by which it is known again."""

from flask import Response, after_this_request, current_app, request, session
from flask_login import login_user, logout_user

from fund.kernel.errors import NotFound
from fund.kernel.pages import now
from members.accounts import queries, rules
from members.accounts.service import Browser

_DEVICE = "device"


def this_browser(*, is_remembered: bool) -> Browser:
    """The browser that sent the request, in plain words."""
    return Browser(
        rules.device_of(request.headers.get("User-Agent")), rules.coarse_network(request.remote_addr), is_remembered
    )


def network() -> str:
    """Where the request comes from, for counting tries."""
    return rules.network_of(request.remote_addr)


def device_token() -> str | None:
    """By what this browser is known from an earlier sign-in, if it is."""
    return request.cookies.get(_DEVICE)


def keep_device(token: str) -> None:
    """Let this browser be known again."""

    @after_this_request
    def keep(response: Response) -> Response:
        response.set_cookie(
            _DEVICE,
            token,
            max_age=rules.DEVICE_LENGTH,
            secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
            httponly=True,
            samesite="Lax",
        )
        return response


def become(token: str) -> None:
    """Carry the session's token in this browser's cookie. The cookie's token against forgery stays, so that a page left
    open in another tab can still be sent after signing in again."""
    found = queries.signed_in(token, now())
    if found is None:
        raise NotFound
    session.permanent = found.is_remembered
    login_user(found)


def forget() -> None:
    """Sign this browser out. It stays a known one."""
    logout_user()
    session.clear()
