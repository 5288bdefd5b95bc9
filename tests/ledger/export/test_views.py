"""The page that gives the journal, and the command."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from fund.cli import cli
from fund.kernel.access import Role
from ledger.export.rules import FILES, Format
from tests.ledger.books import commit, put_in
from tests.ledger.export import tools
from tests.visitor import Visitor
from tests.world import found_society, official


@pytest.fixture
def auditor(app: Flask, visitor: Visitor) -> Visitor:
    found_society()
    put_in(1_000_00)
    commit(250_00)
    return visitor.sign_in(official("Audrey Auditor", Role.AUDITOR)[0])


def test_the_books_lead_to_the_journal(auditor: Visitor, tmp_path: Path) -> None:
    form = auditor.get("/books").follow("Take the books with you")
    sent = form.send("Download the journal", format="beancount", first="2026-01-01")
    assert sent.response.headers["Content-Disposition"] == 'attachment; filename="books-2026-01-01.beancount"'
    file = tmp_path / "books.beancount"
    file.write_bytes(sent.response.get_data())
    assert tools.bean_check(file) == ""


@pytest.mark.parametrize("format", list(Format))
def test_every_format_is_sent_as_a_file(auditor: Visitor, format: Format) -> None:
    sent = auditor.get("/books/export").send("Download the journal", format=format.value)
    assert sent.response.content_type == FILES[format].content_type
    assert sent.response.headers["Content-Disposition"].endswith(f'.{FILES[format].ending}"')
    assert len(sent.response.get_data()) > 500


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ({"format": "csv", "first": "2026-06-02", "last": "2026-06-01"}, "The last day is before the first."),
        ({"format": "csv", "first": "yesterday"}, "Write the day as year-month-day, such as 2027-03-31."),
        ({"format": "csv", "last": "0001-01-01"}, "Choose a day between 1900 and 2999."),
        ({"format": "docx"}, "Not a valid choice."),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_field(auditor: Visitor, address: dict[str, str], fault: str) -> None:
    page = auditor.get("/books/export", query_string=address, status=422)
    assert [error for error in page.errors() if error.startswith(fault)]


def test_the_journal_is_for_the_office(app: Flask, visitor: Visitor) -> None:
    found_society()
    visitor.sign_in(official("Alex Assessor", Role.ASSESSOR)[0])
    assert visitor.status("/books/export?format=csv", "GET") == 403


@pytest.fixture
def at_home(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    found_society()
    put_in(1_000_00)
    monkeypatch.setenv("DATABASE_URL", app.config["SQLALCHEMY_DATABASE_URI"])


def test_the_command_writes_the_same(at_home: None, tmp_path: Path) -> None:
    file = tmp_path / "books.journal"
    done = CliRunner().invoke(cli, ["ledger", "export", "--format", "hledger", "--output", str(file)])
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    assert f"The journal is in {file}." in done.stderr
    assert tools.hledger_check(file) == ""
    assert [one.name for one in tmp_path.iterdir()] == ["books.journal"]
    shown = CliRunner().invoke(cli, ["ledger", "export", "--format", "hledger"])
    assert shown.stdout == file.read_text()
    assert "Writing the journal" in shown.stderr


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--from", "2026-06-02", "--to", "2026-06-01"], "The last day is before the first."),
        (["--output", "/nowhere/books.csv"], "can't be used"),
    ],
)
def test_the_command_says_what_is_wrong(at_home: None, more: list[str], sentence: str) -> None:
    done = CliRunner().invoke(cli, ["ledger", "export", "--format", "csv", *more])
    assert done.exit_code == 1
    assert sentence in done.stderr
