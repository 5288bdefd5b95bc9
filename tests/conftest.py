"""Fixtures: a fresh migrated database for every test, on SQLite and on PostgreSQL, and a visitor who checks each page.

Every test that asks for `app` runs once on each database (`--databases` chooses). The database of a test is a copy of
one that was migrated once, so commits are real commits.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask_migrate import upgrade
from psycopg import sql
from sqlalchemy import event

import members.accounts.rules
from fund.app import create_app
from fund.config import Settings
from fund.kernel.clock import MovableClock
from fund.kernel.db import db
from tests.postgres import ThrowawayPostgres
from tests.scenes import Kept
from tests.visitor import Visitor

START = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
"""When every test begins: Monday 1 June 2026, 10am in England."""

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--databases", default="sqlite,postgresql", help="which databases to test on, or none")


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or "postgresql" not in config.getoption("--databases"):
        return
    if not os.environ.get("SICF_TEST_POSTGRES"):
        server = ThrowawayPostgres()
        config.add_cleanup(server.stop)
        os.environ["SICF_TEST_POSTGRES"] = server.start()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames:
        metafunc.parametrize("database", metafunc.config.getoption("--databases").split(","), scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker ends with it while the others idle. Without a database, leave
    out what needs one instead of skipping it a thousand times."""
    items.sort(key=lambda item: not (item.get_closest_marker("browser") or item.get_closest_marker("slow")))
    if config.getoption("--databases") == "none":
        needing = [item for item in items if "database" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=needing)
        items[:] = [item for item in items if item not in needing]


def _settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, secret_key="only for tests", base_url="http://localhost")


_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_SHAPE = """
SELECT (SELECT string_agg(tgname::text || tgenabled::text, ',' ORDER BY tgname, oid) FROM pg_trigger
        WHERE NOT tgisinternal),
       (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_attribute)
"""
_LET_GO = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_COUNTERS = "SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"
_FILLED = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0 ORDER BY relname
"""
_RESTART = "SELECT setval(seqrelid::regclass, 1, false) FROM pg_sequence"


def _empty(connection: psycopg.Connection[Any]) -> None:
    """Empty every table past its triggers. Deleting and vacuuming leaves files as small as TRUNCATE does, which makes
    each table and index that refers to one of them anew: a second for a handful of rows."""
    filled = [sql.Identifier(name) for (name,) in connection.execute(_FILLED).fetchall()]
    connection.execute("SET session_replication_role = replica")
    for table in filled:
        connection.execute(sql.SQL("DELETE FROM {}").format(table))
    if filled:
        connection.execute(sql.SQL("VACUUM {}").format(sql.SQL(", ").join(filled)))
    connection.execute(_RESTART)


class Bench:
    """One application on one database whose content is laid anew for each test."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.name = f"sicf_{os.getpid()}"
        self.file, self.template = folder / "fund.db", folder / "template.db"
        self.admin_url = os.environ.get("SICF_TEST_POSTGRES", "")
        if kind == "sqlite":
            self.url = f"sqlite:///{self.file}"
        else:
            self.url = self.admin_url.replace("postgresql://", "postgresql+psycopg://").replace(
                "/postgres?", f"/{self.name}?"
            )
            self._admin(f"CREATE DATABASE {self.name}")
        self.app = create_app(_settings(self.url), clock=MovableClock(START))
        self.scenes = self.app.extensions["sicf_scenes"] = Kept(self)
        with self.app.app_context():
            event.listen(db.engine, "commit", self._note_commit)
            upgrade()
            db.engine.dispose()
        if kind == "sqlite":
            shutil.copy(self.file, self.template)
        else:
            with psycopg.connect(self._own_url()) as connection:
                self.shape = connection.execute(_SHAPE).fetchone()
            self._admin(f"ALTER DATABASE {self.name} RENAME TO {self.name}_template")

    def _note_commit(self, _connection: object) -> None:
        self.scenes.commits += 1

    def _own_url(self) -> str:
        return self.admin_url.replace("/postgres?", f"/{self.name}?")

    def _admin(self, statement: str) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement)

    def lay(self, *, patched: bool = True) -> None:
        """Put the empty migrated database in place; scenes are laid from copies unless the product is `patched`."""
        self.app.extensions["sicf_clock"] = MovableClock(START)
        if self.kind == "sqlite":
            self._lay_file(self.template.read_bytes())
        elif not self._emptied():
            self._admin(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
            self._admin(f"CREATE DATABASE {self.name} TEMPLATE {self.name}_template")
        self.scenes.begin(patched=patched)

    def _lay_file(self, content: bytes) -> None:
        for suffix in ("-wal", "-shm"):
            Path(f"{self.file}{suffix}").unlink(missing_ok=True)
        self.file.write_bytes(content)

    def content(self) -> bytes | list[tuple[sql.Composable, bytes]]:
        """What the database holds: the file, or for PostgreSQL what lays each table and counter of an empty one."""
        if self.kind == "sqlite":
            db.engine.dispose()  # the last connection to close writes its log into the file
            return self.file.read_bytes()
        found: list[tuple[sql.Composable, bytes]] = []
        with psycopg.connect(self._own_url()) as connection:
            for table in db.metadata.sorted_tables:
                name = sql.Identifier(table.name)
                with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(name)) as rows:
                    if content := b"".join(rows):
                        found.append((sql.SQL("COPY {} FROM STDIN").format(name), content))
            for counter, last in connection.execute(_COUNTERS).fetchall():
                found.append((sql.SQL("SELECT setval({}, {})").format(f'"{counter}"', last), b""))
        return found

    def put(self, content: bytes | list[tuple[sql.Composable, bytes]]) -> None:
        """Lay what `content` gave in the place of what is there: part of it, or nothing."""
        db.session.rollback()
        if isinstance(content, bytes):
            db.engine.dispose()
            self._lay_file(content)
            return
        with psycopg.connect(self._own_url(), autocommit=True) as connection:
            _empty(connection)  # and leaves triggers off for this connection
            for statement, rows in content:
                if rows:
                    with connection.cursor().copy(statement) as copy:
                        copy.write(rows)
                else:
                    connection.execute(statement)

    def _emptied(self) -> bool:
        """Empty the tables of the last test's database: much quicker than a new copy. False where the test before
        changed its shape, or there was none."""
        try:
            with psycopg.connect(self._own_url(), autocommit=True) as connection:
                if connection.execute(_SHAPE).fetchone() == self.shape:
                    connection.execute(_LET_GO)
                    _empty(connection)
                    return True
        except psycopg.OperationalError:
            pass
        return False

    def remove(self) -> None:
        """Leave nothing on the server: a worker that comes back to PostgreSQL after SQLite lays its bench anew."""
        if self.kind == "postgresql":
            for name in (self.name, f"{self.name}_template"):
                self._admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def clear(self) -> None:
        """Let go of every connection."""
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture(scope="session")
def bench(database: str) -> Iterator[Bench]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        bench = Bench(database, Path(folder))
        yield bench
        bench.remove()


@pytest.fixture
def app(bench: Bench, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """The application on a fresh database, with its context pushed. Passphrases are hashed as in life, but for how
    often: what that costs is tested as a rule."""
    bench.lay(patched="monkeypatch" in request.fixturenames)
    with pytest.MonkeyPatch.context() as patch, bench.app.app_context():
        patch.setattr(members.accounts.rules, "_hasher", _CHEAP)
        yield bench.app
        db.session.remove()
    bench.clear()


@pytest.fixture
def clock(app: Flask) -> MovableClock:
    """The application's clock, standing at START until moved."""
    found = app.extensions["sicf_clock"]
    assert isinstance(found, MovableClock)
    return found


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """A browser without an account; every page it gets is checked against the standards."""
    return Visitor(app)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real ballots, statements and schemas that may not be redistributed; always there in CI."""
    if not SHARED_DATA.is_dir():
        assert not os.environ.get("CI"), f"{SHARED_DATA} must be there in CI"
        pytest.skip("the shared data folder is not beside this checkout")
    return SHARED_DATA
