"""What every request meets: headers, hosts, error pages, access."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import OperationalError as SqliteError

import pytest
from flask import Flask, Response, request
from sqlalchemy.exc import OperationalError

from fund.app import create_app
from fund.config import Settings, settings_from_environment
from fund.kernel.access import Permission, access
from fund.kernel.errors import Conflict, RuleBroken
from fund.web import cells_named, paragraphs, show_day, show_instant, time_until
from tests.visitor import Visitor
from tests.world import found_society, official

NOON = datetime(2026, 6, 1, 11, tzinfo=UTC)


@pytest.fixture
def trouble(app: Flask) -> Iterator[dict[str, Exception]]:
    """Makes /words raise what a test puts in."""
    found_society()
    raised: dict[str, Exception] = {}
    view = app.view_functions["public.words"]

    @access(Permission.ANYONE)
    def troubled() -> Response:
        raise raised["error"]

    app.view_functions["public.words"] = troubled
    yield raised
    app.view_functions["public.words"] = view


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (Conflict("Ada approved this already. Open it again."), 409, "Ada approved this already"),
        (RuleBroken("Give a reason."), 422, "Give a reason."),
        (OperationalError("UPDATE", {}, SqliteError("database is locked")), 503, "Nothing was changed"),
        (OperationalError("UPDATE", {}, SqliteError("database or disk is full")), 503, "nothing is lost"),
        (ZeroDivisionError(), 500, "Reference:"),
    ],
)
def test_an_error_is_a_plain_page(
    visitor: Visitor, trouble: dict[str, Exception], error: Exception, status: int, words: str
) -> None:
    trouble["error"] = error
    page = visitor.get("/words", status=status)
    assert words in page.text
    assert "Traceback" not in page.response.text


@pytest.mark.parametrize("path", ["/nothing", "/members/GM-0000", "/ballots/B-1999-99", "/proposals/P-1999-001"])
def test_an_unknown_address_is_404(visitor: Visitor, path: str) -> None:
    found_society()
    somebody, _ = official("Ada")
    visitor.sign_in(somebody)
    assert "can't find" in visitor.get(path, status=404).text


def test_a_page_that_needs_signing_in_leads_to_it_and_back(visitor: Visitor) -> None:
    found_society()
    response = visitor.client.get("/tasks")
    assert response.status_code == 303
    assert response.headers["Location"] == "/sign-in?next=/tasks"


def test_a_form_without_its_token_does_nothing(visitor: Visitor) -> None:
    found_society()
    page = visitor.post("/join", {"name": "X"}, status=400)
    assert "Nothing was saved" in page.text


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "[", "a@b:80"])
def test_a_forged_host_is_refused(visitor: Visitor, host: str) -> None:
    found_society()
    assert visitor.client.get("/", headers={"Host": host}).status_code == 400


def test_pages_of_signed_in_people_are_not_kept_by_caches(visitor: Visitor) -> None:
    found_society()
    somebody, _ = official("Ada")
    assert visitor.get("/").response.headers["Cache-Control"] == "no-cache"
    assert visitor.sign_in(somebody).get("/tasks").response.headers["Cache-Control"] == "no-store"


def test_instants_are_shown_in_english_time() -> None:
    assert show_instant(datetime(2026, 6, 1, 11, 0, tzinfo=UTC)) == "1 June 2026 at midday"
    assert show_instant(datetime(2026, 5, 31, 23, 0, tzinfo=UTC)) == "1 June 2026 at midnight"
    assert show_instant(datetime(2026, 1, 4, 14, 5, tzinfo=UTC)) == "4 January 2026 at 2:05pm"
    assert show_day(datetime(2026, 6, 30, 23, 30, tzinfo=UTC)) == "1 July 2026"
    assert show_day(None) == "—"


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(days=3, hours=2), "in 3 days"),
        (timedelta(hours=5, minutes=10), "in 5 hours"),
        (timedelta(minutes=1), "in 1 minute"),
        (timedelta(seconds=20), "now"),
        (-timedelta(days=2), "2 days ago"),
        (-timedelta(hours=30), "30 hours ago"),
    ],
)
def test_time_left_is_told_roughly(away: timedelta, words: str) -> None:
    assert time_until(NOON + away, NOON) == words


def test_what_people_type_is_escaped() -> None:
    assert paragraphs("a <b>\nc\n\nd") == "<p>a &lt;b&gt;<br>c</p><p>d</p>"


def test_settings_are_safe_by_default(tmp_path: object) -> None:
    settings = settings_from_environment({"SICF_HOME": str(tmp_path)})
    again = settings_from_environment({"SICF_HOME": str(tmp_path)})
    assert settings.secret_key == again.secret_key
    assert len(settings.secret_key) > 40
    assert settings.database_url == f"sqlite:///{tmp_path}/fund.db"
    assert Settings(database_url="", secret_key="", base_url="https://fund.example").secure_cookies
    url = settings_from_environment({"SICF_HOME": str(tmp_path), "DATABASE_URL": "postgresql://h/d"}).database_url
    assert url == "postgresql+psycopg://h/d"


def test_cells_carry_their_columns_heading() -> None:
    rows = '<tr class="total"><th scope="row">All</th><td></td></tr>\n<tr><th>&lt;td&gt;</th><td>2</td><td>3</td></tr>'
    assert cells_named(rows, ["What", 'Paid "in"']) == (
        '<tr class="total"><th data-head="What" scope="row">All</th><td data-head="Paid &#34;in&#34;"></td></tr>\n'
        '<tr><th data-head="What">&lt;td&gt;</th><td data-head="Paid &#34;in&#34;">2</td><td data-head="">3</td></tr>'
    )


@pytest.mark.parametrize("wrong", ["many", "-1", "1.5", "10"])
def test_the_number_of_proxies_is_a_small_whole_number(tmp_path: object, wrong: str) -> None:
    assert settings_from_environment({"SICF_HOME": str(tmp_path)}).trusted_proxies == 0
    assert settings_from_environment({"SICF_HOME": str(tmp_path), "TRUSTED_PROXIES": "2"}).trusted_proxies == 2
    with pytest.raises(ValueError, match="TRUSTED_PROXIES"):
        settings_from_environment({"SICF_HOME": str(tmp_path), "TRUSTED_PROXIES": wrong})


@pytest.mark.parametrize(("hops", "address"), [(0, "127.0.0.1"), (1, "203.0.113.9"), (2, "192.0.2.1")])
def test_only_trusted_proxies_say_whom_they_speak_for(tmp_path: Path, hops: int, address: str) -> None:
    settings = Settings(f"sqlite:///{tmp_path / 'fund.db'}", "only for tests", "http://localhost", trusted_proxies=hops)
    app = create_app(settings)
    seen = []
    app.before_request_funcs[None] = [lambda: seen.append(request.remote_addr)]
    app.test_client().get("/static/fund.css", headers={"X-Forwarded-For": "192.0.2.1, 203.0.113.9"}).close()
    assert seen == [address]
