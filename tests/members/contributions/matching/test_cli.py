"""`sicf bank import FILE`: the same as the page, with its progress."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db
from fund.trouble import plainly
from ledger.bank import queries as bank
from ledger.bank.questions.queries import waiting
from members.accounts.models import Person
from members.contributions.matching import cli
from members.rules import Sector
from tests.ledger.bank.files import camt
from tests.members.contributions.matching.test_service import pledged
from tests.world import member, official

Opened = Callable[[], AbstractContextManager[Flask]]


@pytest.fixture
def steward(app: Flask) -> Person:
    return official("Stella Steward", Role.STEWARD)[0]


@pytest.fixture
def run(app: Flask) -> Callable[..., Result]:
    @contextmanager
    def opened() -> Iterator[Flask]:
        db.session.rollback()
        yield app

    def _run(*arguments: Any) -> Result:
        return CliRunner().invoke(cli.commands(opened=opened, plainly=plainly), ["import", *map(str, arguments)])

    return _run


def test_a_file_is_imported_and_what_quotes_a_reference_matched(
    run: Callable[..., Result], steward: Person, clock: MovableClock, tmp_path: Path
) -> None:
    made = pledged(member("Alder Works", Sector.PRIVATE), clock)
    file = tmp_path / "june.xml"
    file.write_bytes(camt([("2026-05-29", 500_00, "ALDER", made.reference), ("2026-05-29", 5_00, "Somebody", "")]))
    result = run(file, "--as", steward.email)
    assert result.exit_code == 0, result.output
    assert "2 new lines booked." in result.output
    assert "1 matched by their references; 1 wait for a person" in result.output
    assert bank.open_line_counts() == (1, 0)
    assert "0 new lines" not in run(file, "--as", steward.email).output


def test_only_who_keeps_the_bank_imports(run: Callable[..., Result], app: Flask, tmp_path: Path) -> None:
    secretary = official("Ada Secretary", Role.SECRETARY)[0]
    file = tmp_path / "june.xml"
    file.write_bytes(camt([("2026-05-29", 5_00, "ALDER", "")]))
    assert run(file, "--as", secretary.email).exit_code == 1
    nobody = run(file, "--as", "nobody@example.org")
    assert (nobody.exit_code, "Nobody signs in as nobody@example.org" in nobody.output) == (1, True)
    assert bank.own_account() is None


def test_a_file_that_leaves_something_open_is_kept(
    run: Callable[..., Result], steward: Person, tmp_path: Path, shared_data: Path
) -> None:
    file = tmp_path / "june.xml"
    file.write_bytes(camt([("2026-05-29", 5_00, "ALDER", "")]))
    run(file, "--as", steward.email)
    result = run(shared_data / "bank" / "authored" / "qif" / "two_digit_year_apostrophe.qif", "--as", steward.email)
    assert "The file leaves something open. It is kept" in result.output
    assert len(waiting()) == 1
