"""A database without room, or held by somebody else, for real: a plain page, nothing half done, well again after."""

import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from fund.kernel.access import Role
from fund.kernel.audit import AuditEntry
from fund.kernel.db import db, transaction
from fund.kernel.outbox import OutboxMessage
from ledger.service import check
from members.accounts.models import Person
from members.contributions import service
from members.contributions.models import Pledge
from members.models import Organisation
from members.rules import Sector
from tests.conftest import START
from tests.visitor import Page, Visitor
from tests.world import acting, appoint, found_society, member, person

TITLE = "The fund is busy"
PLAIN = "Nothing was changed and nothing is lost. Wait a minute, go back and try again."
MOST_PLEDGES = 300


@pytest.fixture
def payer(visitor: Visitor) -> Visitor:
    """Somebody who may pledge; a pledge writes to several tables at once."""
    found_society()
    firm = member("Example Ltd", Sector.PRIVATE)
    somebody = person("Fay")
    appoint(somebody, firm, Role.FINANCE)
    return visitor.sign_in(somebody, firm.id)


def written() -> dict[str, int]:
    """How many rows there are of everything that a pledge writes."""
    db.session.rollback()
    return {
        table.__tablename__: db.session.scalar(select(func.count()).select_from(table)) or 0
        for table in (Pledge, AuditEntry, OutboxMessage)
    }


def fill_and_pledge(payer: Visitor) -> tuple[Page, dict[str, int]]:
    """Pledge until there is no room; then the form that found none, and what was written before it was sent."""
    form = payer.get("/pledges/new")
    actor = acting(db.session.scalars(select(Person)).one(), db.session.scalars(select(Organisation)).one())
    with pytest.raises(OperationalError):
        for _ in range(MOST_PLEDGES):
            with transaction():
                service.pledge(
                    organisation_id=actor.organisation_id or 0, pence=250_00, po_number="x" * 40, actor=actor, now=START
                )
    before = written()
    assert_plain(form.send("Pledge", amount="£250", po_number="x" * 40))
    return form, before


def assert_plain(answer: Page) -> None:
    assert answer.status == 503
    assert answer.heading == TITLE
    assert PLAIN in answer.text
    assert "Traceback" not in answer.response.text


def assert_kept_once(form: Page, before: dict[str, int]) -> None:
    """The same form, sent twice more, now has its one effect."""
    for _ in range(2):
        assert form.send("Pledge", amount="£250").status == 200
    after = written()
    assert {name: after[name] - before[name] for name in after} == {"pledge": 1, "audit_entry": 1, "outbox_message": 1}
    assert check() == []


# --- SQLite


@contextmanager
def sqlite_connections(pragma: str) -> Iterator[None]:
    """New connections get this setting; the old ones are let go."""

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA {pragma}")

    engine = db.engine
    db.session.remove()
    engine.dispose()
    event.listen(engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(engine, "connect", limit)
        db.session.remove()
        engine.dispose()


@pytest.fixture
def file(app: Flask, database: str) -> Path:
    if database != "sqlite":
        pytest.skip("only SQLite keeps the fund in one file with one writer")
    return Path(make_url(app.config["SQLALCHEMY_DATABASE_URI"]).database or "")


def test_a_full_disk_is_told_plainly_and_changes_nothing(file: Path, payer: Visitor) -> None:
    with closing(sqlite3.connect(file)) as reader:
        (pages,) = reader.execute("PRAGMA page_count").fetchone()
    with sqlite_connections(f"max_page_count={pages + 2}"):
        form, before = fill_and_pledge(payer)
        assert written() == before
        assert payer.get("/pledges").status == 200
        assert check() == []
    assert_kept_once(form, before)


def test_a_held_lock_is_told_plainly_and_changes_nothing(file: Path, payer: Visitor) -> None:
    form, before = payer.get("/pledges/new"), written()
    with sqlite_connections("busy_timeout=50"), closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert_plain(form.send("Pledge", amount="£250"))
        assert written() == before
        assert payer.get("/pledges").status == 200, "reading goes on while somebody writes"
    assert_kept_once(form, before)


# --- PostgreSQL


@pytest.fixture
def small_disk(app: Flask, database: str) -> Iterator[Callable[[], None]]:
    """The tables of pledges and mails on a disk of 160 kilobytes. Calling it makes the disk larger."""
    if database != "postgresql":
        pytest.skip("SQLite has no tablespaces")
    place = Path(tempfile.mkdtemp(prefix="sicf-disk-"))  # the server's own user must reach it
    place.chmod(0o755)
    mount = ["mount", "-t", "tmpfs", "-o", "size=160k,mode=777", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        place.rmdir()
        pytest.skip("a disk of a known size can be made by root only, where mounting is allowed")
    space = place / "space"
    space.mkdir()
    db.session.remove()
    db.engine.dispose()
    with psycopg.connect(app.config["SQLALCHEMY_DATABASE_URI"].replace("+psycopg", ""), autocommit=True) as admin:
        try:
            data = admin.execute("SHOW data_directory").fetchone()
            assert data is not None
            shutil.chown(space, Path(data[0]).owner())
            admin.execute(f"CREATE TABLESPACE small LOCATION '{space}'")  # type: ignore[call-overload]
            for table in ("pledge", "outbox_message"):
                admin.execute(f"ALTER TABLE {table} SET TABLESPACE small")
            yield lambda: subprocess.run(["mount", "-o", "remount,size=8m", str(place)], check=True) and None
        finally:
            db.session.remove()  # an open read would hold the tables where they are
            db.engine.dispose()
            for table in ("pledge", "outbox_message"):
                admin.execute(f"ALTER TABLE {table} SET TABLESPACE pg_default")
            admin.execute("DROP TABLESPACE IF EXISTS small")
            subprocess.run(["umount", str(place)], check=True)
            place.rmdir()


def test_a_full_tablespace_is_told_plainly_and_changes_nothing(
    small_disk: Callable[[], None], payer: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    form, before = fill_and_pledge(payer)
    assert "No space left on device" in caplog.text
    assert written() == before
    assert payer.get("/pledges").status == 200
    small_disk()
    assert_kept_once(form, before)
