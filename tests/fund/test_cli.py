"""The `sicf` command, as somebody at a terminal meets it."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

import fund.demo.fill
import fund.kernel.db
from fund.app import create_app
from fund.cli import cli
from fund.config import Settings
from fund.documents.models import Document
from fund.documents.rules import Kind
from fund.founding import parse_year_end
from fund.kernel.access import Role
from fund.kernel.db import db, transaction
from fund.kernel.references import next_reference
from fund.kernel.society import Society
from members.accounts.models import Invitation
from members.accounts.queries import token_hash
from tests.world import found_society

ANSWERS = "Irwell Fund\n\n\nSam Lee <sam@example.org>\n1 Long Street, Salford\n"
OPTIONS = (
    "--name", "Irwell Fund", "--society-type", "co_operative", "--year-end", "5 April", "--steward",
    "Sam Lee <sam@example.org>", "--address", "1 Long Street, Salford",
)  # fmt: skip
Sicf = Callable[..., Result]


@pytest.fixture
def url(database: str, tmp_path: Path) -> Iterator[str]:
    """A database with nothing in it."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path / 'home' / 'fund.db'}"
        return
    admin = os.environ["SICF_TEST_POSTGRES"]
    name = f"sicf_cli_{os.getpid()}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
        yield admin.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sicf(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sicf:
    """Run a command against the empty database."""
    monkeypatch.chdir(tmp_path)
    for name in ("BASE_URL", "PORT", "SMTP_URL", "MAIL_FROM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SICF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", url)

    def run(*arguments: str, answers: str = "", code: int = 0) -> Result:
        result = CliRunner().invoke(cli, list(arguments), input=answers)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


class Inside:
    """The database of the command, looked at from outside of it."""

    def __init__(self, url: str) -> None:
        self.app = create_app(Settings(url, "only for tests", "http://localhost"))
        self.context = self.app.app_context()

    def __enter__(self) -> None:
        self.context.push()

    def __exit__(self, *_: object) -> None:
        db.session.remove()
        db.engine.dispose()
        self.context.pop()


def execute(url: str, *statements: str) -> None:
    """As somebody who has the database's password."""
    with Inside(url), transaction() as session:
        for statement in statements:
            session.connection().exec_driver_sql(statement)


# --- init


def test_init_asks_five_questions_and_says_what_to_do_next(sicf: Sicf, url: str) -> None:
    output = sicf("init", answers=ANSWERS).output
    assert [line for line in range(1, 6) if f"{line} of 5." in output] == [1, 2, 3, 4, 5]
    assert "sicf run" in output
    token = re.search(r"http://127\.0\.0\.1:8000/invitations/(\S+)", output)
    assert token is not None
    with Inside(url):
        found = db.session.get_one(Society, 1)
        assert (found.name, found.society_type, found.is_demo) == ("Irwell Fund", "community_benefit", False)
        assert (found.year_end_month, found.year_end_day) == (3, 31)
        invitation = db.session.query(Invitation).one()
        assert (invitation.token_hash, invitation.email) == (token_hash(token[1]), "sam@example.org")
        assert (invitation.role, invitation.organisation_id) == ("steward", None)
        from fund.reporting.models import Framework

        assert db.session.query(Framework).count() == 1
    assert "Everything adds up." in sicf("check").output


def test_init_takes_options_and_then_asks_nothing(sicf: Sicf, url: str) -> None:
    output = sicf("init", *OPTIONS).output
    assert "of 5" not in output
    with Inside(url):
        found = db.session.get_one(Society, 1)
        assert (found.society_type, found.year_end_month, found.year_end_day) == ("co_operative", 4, 5)


def test_init_asks_again_until_it_understands(sicf: Sicf, url: str) -> None:
    answers = (
        "\nIrwell Fund\nclub\nco-operative\n31 Movember\n29 February\n31/3\n"
        "Sam\nSam <sam>\nSam Lee <sam@example.org>\nx\n1 Street\n"
    )
    output = sicf("init", answers=answers).output
    for sentence in (
        "Choose one of: co_operative",
        "Write the last day of your year of account as a day and a month",
        "Write the name and then the e-mail address",
        "That e-mail address can't be right",
        "Give the postal address",
    ):
        assert sentence in output
    with Inside(url):
        assert db.session.get_one(Society, 1).address == "1 Street"


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--name", " ", "Give the fund's name"),
        ("--name", "x" * 121, "Give the fund's name"),
        ("--society-type", "club", "Choose one of"),
        ("--year-end", "30 February", "such as 31 March"),
        ("--steward", "sam@example.org", "such as: Sam Lee"),
        ("--steward", "Sam <sam@>", "can't be right"),
        ("--address", "", "postal address"),
    ],
)
def test_init_names_the_option_that_is_wrong(option: str, value: str, sentence: str, sicf: Sicf) -> None:
    options = list(OPTIONS)
    options[options.index(option) + 1] = value
    output = sicf("init", *options, code=2).output
    assert sentence in output
    assert option in output


def test_init_refuses_where_a_fund_is_before_it_asks(sicf: Sicf) -> None:
    sicf("init", *OPTIONS)
    output = sicf("init", code=1).output
    assert "holds a fund already: Irwell Fund. Nothing was changed." in output
    assert "of 5" not in output


def test_init_without_answers_makes_nothing(sicf: Sicf) -> None:
    sicf("init", answers="Irwell Fund\n", code=1)
    assert "There is no fund here yet" in sicf("check", code=1).output


@pytest.mark.parametrize("text", ["31 March", "31 mar", "31/3", "31-03", "31.3"])
def test_year_ends_are_read(text: str) -> None:
    assert parse_year_end(text) == (3, 31)


@pytest.mark.parametrize(
    "text", ["", "March", "31", "31 March 2026", "0/3", "31/13", "29 February", "31 ma", "３１/3x"]
)
def test_other_year_ends_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 31 March"):
        parse_year_end(text)


# --- before there is a fund


@pytest.mark.parametrize("command", ["run", "scheduler", "run-due", "check", "backup"])
def test_without_a_fund_every_command_says_how_to_make_one(command: str, sicf: Sicf) -> None:
    assert "Make one with `sicf init`, or a demonstration with `sicf demo`." in sicf(command, code=1).output


def test_a_database_of_something_else_is_left_alone(sicf: Sicf, url: str) -> None:
    execute(url, "CREATE TABLE recipes (id INTEGER)")
    for command in (("init", *OPTIONS), ("demo",), ("migrate",), ("check",)):
        assert "tables of something else" in sicf(*command, code=1).output


def test_a_database_of_a_later_version_is_left_alone(sicf: Sicf, url: str) -> None:
    sicf("init", *OPTIONS)
    execute(url, "UPDATE alembic_version SET version_num = '9999_the_future'")
    for command in ("check", "run", "migrate", "demo", "backup"):
        assert "later version of this program" in sicf(command, code=1).output


def test_migrate_lays_out_an_empty_database_and_leaves_a_present_one(sicf: Sicf) -> None:
    assert "Done." in sicf("migrate").output
    assert "up to date" in sicf("migrate").output


@pytest.mark.parametrize("address", ["postgresql://sicf@127.0.0.1:1/fund", "sqlite:////dev/null/fund.db"])
def test_a_database_that_is_away_is_told_in_a_sentence(
    address: str, sicf: Sicf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", address)
    for command in ("check", "migrate"):
        output = sicf(command, code=1).output
        assert re.search(r"Check that DATABASE_URL is right|Set SICF_HOME or DATABASE_URL", output), output


@pytest.mark.parametrize("address", ["nonsense", "mysql://x/y", "postgresql+psycopg://x:abc/y"])
def test_a_setting_that_cannot_be_read_is_told(address: str, sicf: Sicf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", address)
    assert "DATABASE_URL" in sicf("check", code=1).output


@pytest.mark.parametrize(
    "command", [[], *([name] for name in sorted(cli.commands))], ids=lambda words: " ".join(words) or "sicf"
)
def test_every_command_explains_itself(command: list[str]) -> None:
    output = CliRunner().invoke(cli, [*command, "--help"]).output
    assert "Usage:" in output
    assert len(output) > 200


# --- demo


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A demonstration of one row; the real one has tests of its own."""
    told: list[str] = []

    def fill(now: object, tell: Callable[[str], None]) -> None:
        told.append("filled")
        found_society()
        with transaction() as session:
            session.get_one(Society, 1).is_demo = True
            assert next_reference("X") == "X-001"  # nothing of an earlier filling is left
        tell("A chapter …")

    monkeypatch.setattr(fund.demo.fill, "fill", fill)
    return told


def test_demo_fills_an_empty_database_once(sicf: Sicf, story: list[str]) -> None:
    output = sicf("demo").output
    assert "A chapter …" in output
    assert "Start it with: sicf run" in output
    assert "already" in sicf("demo").output
    assert "already" in sicf("demo", "--if-empty").output
    assert story == ["filled"]


def test_demo_starts_over_on_demand(sicf: Sicf, story: list[str]) -> None:
    sicf("demo")
    assert "Removing the demonstration" in sicf("demo", "--start-over").output
    assert story == ["filled", "filled"]
    assert "Everything adds up." in sicf("check").output


def test_demo_never_touches_a_real_fund(sicf: Sicf, story: list[str], url: str) -> None:
    sicf("init", *OPTIONS)
    for options in ([], ["--start-over"]):
        assert "holds a real fund, Irwell Fund" in sicf("demo", *options, code=1).output
    for options in (["--if-empty"], ["--if-empty", "--start-over"]):
        assert "kept as it is" in sicf("demo", *options).output
    assert story == []
    with Inside(url):
        assert db.session.get_one(Society, 1).is_demo is False


def test_a_demo_that_stops_half_way_leaves_nothing(
    sicf: Sicf, story: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fund.demo.fill.fill

    def stop(now: object, tell: Callable[[str], None]) -> None:
        whole(now, tell)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(fund.demo.fill, "fill", stop)
        CliRunner().invoke(cli, ["demo"])
    assert "There is no fund here yet" in sicf("check", code=1).output
    sicf("demo")


# --- proof


def forge_a_receipt(url: str) -> None:
    """A receipt whose content isn't what its fingerprint says."""
    with Inside(url), transaction() as session:
        session.add(
            Document(
                kind=Kind.RECEIPT, reference="RC-9", edition="1", sha256="0" * 64, content=b"a million",
                issued_at=datetime(2026, 6, 1, tzinfo=UTC),
            )
        )  # fmt: skip


def test_those_who_run_the_fund_are_asked_one_by_one(sicf: Sicf, url: str) -> None:
    sicf("init", *OPTIONS)
    asked = sicf("invite", "Kit Wren <kit@example.org>", "--role", "secretary")
    assert "Kit Wren is asked to be secretary of Irwell Fund" in asked.output
    app = create_app(Settings(database_url=url, secret_key="only for tests"))
    with app.app_context():
        token = asked.output.rsplit("/", 1)[1].strip()
        invitation = db.session.scalars(select(Invitation).where(Invitation.token_hash == token_hash(token))).one()
        assert (invitation.role, invitation.organisation_id) == (Role.SECRETARY, None)
        db.session.remove()
        db.engine.dispose()
    assert "Write the name" in sicf("invite", "Kit", "--role", "secretary", code=2).output
    assert "representative" in sicf("invite", "Kit Wren <kit@example.org>", "--role", "representative", code=2).output


def test_run_due_says_what_was_done(sicf: Sicf) -> None:
    sicf("init", *OPTIONS)
    output = sicf("run-due").output
    assert "rounds: 0 done" in output
    assert "mail: 0 done" in output


def test_run_due_fails_when_a_sweep_does(sicf: Sicf, url: str) -> None:
    sicf("init", *OPTIONS)
    execute(url, "ALTER TABLE seal RENAME TO lost_seal")
    output = sicf("run-due", code=1).output
    assert "These failed and will be tried again: books." in output
    assert "mail: 0 done" in output


def test_check_names_what_was_altered(sicf: Sicf, url: str) -> None:
    sicf("init", *OPTIONS)
    forge_a_receipt(url)
    output = sicf("check", code=1).output
    assert "the books: every transfer, balance and seal … sound" in output
    assert "the documents: every issued paper against its fingerprint … NOT SOUND" in output
    assert "First: The receipt RC-9 that was issued is no longer as it was" in output
    assert "Everything adds up" not in output


# --- keeping it safe


def test_backup_and_restore_bring_the_fund_back(sicf: Sicf, url: str, tmp_path: Path) -> None:
    sicf("init", *OPTIONS)
    output = sicf("backup", "kept").output
    assert f"The backup is in {tmp_path / 'kept'}" in output
    execute(url, "UPDATE society SET name = 'Spoilt'")
    refused = sicf("restore", "kept", code=1).output
    assert "Nothing was changed." in refused
    assert "--replace" in refused
    with Inside(url):
        assert db.session.get_one(Society, 1).name == "Spoilt"
    output = sicf("restore", "kept", "--replace").output
    assert "Irwell Fund is back as it was" in output
    with Inside(url):
        assert db.session.get_one(Society, 1).name == "Irwell Fund"
    aside = re.search(r"The fund as it was is in (\S+)\.\n", output)
    assert aside is not None
    assert Path(aside[1]).stat().st_size > 1000
    sicf("restore", aside[1], "--replace")
    with Inside(url):
        assert db.session.get_one(Society, 1).name == "Spoilt"


def test_restore_into_an_empty_place_needs_no_flag(sicf: Sicf, url: str, tmp_path: Path) -> None:
    sicf("init", *OPTIONS)
    sicf("backup", "kept")
    if url.startswith("sqlite"):
        (tmp_path / "home" / "fund.db").unlink()
    else:
        execute(url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    assert "Irwell Fund is back" in sicf("restore", "kept").output
    assert "Everything adds up." in sicf("check").output


def test_backup_without_a_name_is_dated(sicf: Sicf, tmp_path: Path, database: str) -> None:
    sicf("init", *OPTIONS)
    sicf("backup")
    (found,) = tmp_path.glob("fund-????-??-??-??????.*")
    assert found.suffix == (".db" if database == "sqlite" else ".dump")


def test_trouble_with_a_backup_is_told(sicf: Sicf, tmp_path: Path) -> None:
    sicf("init", *OPTIONS)
    (tmp_path / "kept").write_text("hello")
    assert "is there already" in sicf("backup", "kept", code=1).output
    assert "is no backup that `sicf backup` made" in sicf("restore", "kept", "--replace", code=1).output
    assert "There is no file" in sicf("restore", "gone", "--replace", code=1).output
    assert "Everything adds up." in sicf("check").output


def test_restore_tells_when_what_came_back_is_not_sound(sicf: Sicf, url: str) -> None:
    sicf("init", *OPTIONS)
    forge_a_receipt(url)
    sicf("backup", "altered")
    assert "First: The receipt RC-9" in sicf("restore", "altered", "--replace", code=1).output


def test_a_busy_database_is_told(sicf: Sicf, url: str, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if database != "sqlite":
        pytest.skip("PostgreSQL locks rows, not the database")
    sicf("migrate")
    prepare = fund.kernel.db._prepare_sqlite_connection

    def impatient(connection: sqlite3.Connection, record: object) -> None:
        prepare(connection, record)
        connection.execute("PRAGMA busy_timeout=10")

    monkeypatch.setattr(fund.kernel.db, "_prepare_sqlite_connection", impatient)
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "The database is busy with something else. Nothing was changed." in sicf("init", *OPTIONS, code=1).output
    sicf("init", *OPTIONS)


# --- running


@pytest.fixture
def started(sicf: Sicf, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `python -m fund …` in a process of its own, which is stopped afterwards."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "fund", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=120)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """What the process says up to `words`."""
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"it ended without saying {words!r}: {said}")


def fetch(port: int, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    with closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_run_serves_pages_and_stops_when_told(
    sicf: Sicf, started: Callable[..., subprocess.Popen[str]], url: str
) -> None:
    sicf("init", *OPTIONS)
    port = free_port()
    process = started("run", "--port", str(port))
    said = read_until(process, "Ctrl-C")
    assert f"Irwell Fund is open at http://127.0.0.1:{port}" in said
    status, body = fetch(port, "/")
    assert status == 200
    assert "Irwell Fund" in body
    assert fetch(port, "/static/fund.css")[0] == 200
    deadline = time.monotonic() + 60
    with Inside(url):
        while time.monotonic() < deadline:
            db.session.rollback()
            if db.session.connection().exec_driver_sql("SELECT count(*) FROM sweep_turn").scalar_one() >= 6:
                break
            time.sleep(0.1)
        else:
            raise AssertionError("the scheduler in the same process never ran")
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "Traceback" not in output


def test_run_on_a_taken_port_says_so_and_how_to_go_on(sicf: Sicf) -> None:
    sicf("init", *OPTIONS)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        output = sicf("run", "--port", str(port), code=1).output
    assert f"Port {port}" in output
    assert "taken" in output
    assert "Choose another: sicf run --port" in output


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none_is_refused(port: str, sicf: Sicf) -> None:
    assert "--port" in sicf("run", "--port", port, code=2).output


def test_the_scheduler_runs_alone_and_stops_when_told(
    sicf: Sicf, started: Callable[..., subprocess.Popen[str]]
) -> None:
    sicf("init", *OPTIONS)
    process = started("scheduler")
    read_until(process, "The scheduler of Irwell Fund is running")
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "Traceback" not in output
