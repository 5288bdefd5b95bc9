"""How quick the books are, against the same work by hand and against their own size.

    python -m tests.benchmarks.ledger                         # posting and size, on SQLite and PostgreSQL
    python -m tests.benchmarks.ledger posting sqlite
    python -m tests.benchmarks.ledger size postgresql 200000  # another number of transfers

Every figure is a ratio of two things measured by turns in one run on the same disk. The floor is what any ledger must
do, in the driver's own words: a header with a unique key, two bounded balances moved, two entries with the balance
after them, one durable commit. PostgreSQL is a throwaway server that writes through to its disk.
"""

import multiprocessing
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Protocol

import click
import psycopg
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text

from fund.app import create_app
from fund.config import Settings
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from ledger import proof, queries, service
from ledger.rules import FIRST_SEAL, AccountKind, Leg, account_code, account_name, digest, said, seal_hash
from tests.postgres import ThrowawayPostgres

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
DAY = date(2026, 6, 1)
ROUNDS = 7
AT_ONCE = 200
PROCESSES = 4
OWNERS = 1000
_PATIENCE = 300  # seconds
_keys = count(1)

TABLES = """
CREATE TABLE header (id {id} PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, occurred_on TEXT NOT NULL,
    posted_at TEXT NOT NULL, description TEXT NOT NULL);
CREATE TABLE balance (id INTEGER PRIMARY KEY, pence BIGINT NOT NULL, entries BIGINT NOT NULL,
    may_go_below INTEGER NOT NULL, CHECK (may_go_below = 1 OR pence >= 0));
CREATE TABLE line (account_id INTEGER NOT NULL, sequence BIGINT NOT NULL, header_id BIGINT NOT NULL,
    amount BIGINT NOT NULL, pence BIGINT NOT NULL, PRIMARY KEY (account_id, sequence));
INSERT INTO balance VALUES (1, 0, 0, 1), (2, 0, 0, 1), (3, 0, 0, 1), (4, 0, 0, 1), (5, 0, 0, 1)
"""
HEADER = (
    "INSERT INTO header (key, kind, occurred_on, posted_at, description) VALUES (?, 'bank_line', '2026-06-01', "
    "'2026-06-01 09:00:00', 'A line of the bank') ON CONFLICT (key) DO NOTHING RETURNING id"
)
MOVE = (
    "UPDATE balance SET pence = pence + ?, entries = entries + 1 "
    "WHERE id = ? AND (may_go_below = 1 OR pence + ? >= 0) RETURNING entries, pence"
)
LINE = "INSERT INTO line (account_id, sequence, header_id, amount, pence) VALUES (?, ?, ?, ?, ?)"


class Books(Protocol):
    """Something that can post a transfer and commit it."""

    def post(self, times: int, *, other: int = 2) -> None: ...


class SqliteFloor:
    """The floor on SQLite, with the settings of the fund's own connections."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
            self.connection.execute(f"PRAGMA {pragma}")
        for statement in TABLES.format(id="INTEGER").split(";"):
            self.connection.execute(statement)

    def post(self, times: int, *, other: int = 2) -> None:
        run = self.connection.execute
        for _ in range(times):
            run("BEGIN IMMEDIATE")
            (header,) = run(HEADER, (f"floor:{next(_keys)}",)).fetchone()
            for account, pence in ((1, 100), (other, -100)):
                sequence, balance = run(MOVE, (pence, account, pence)).fetchone()
                run(LINE, (account, sequence, header, pence, balance))
            run("COMMIT")


class PostgresFloor:
    """The floor on PostgreSQL, a statement at a time."""

    def __init__(self, server: str, *, new: bool, name: str = "one") -> None:
        if new:
            with psycopg.connect(server, autocommit=True) as admin:
                admin.execute("DROP DATABASE IF EXISTS floor WITH (FORCE)")
                admin.execute("CREATE DATABASE floor")
        self.connection = psycopg.connect(server.replace("/postgres?", "/floor?"))
        self.name = name
        if new:
            self.connection.execute(TABLES.format(id="BIGINT GENERATED ALWAYS AS IDENTITY"))
            self.connection.commit()

    def post(self, times: int, *, other: int = 2) -> None:
        header_text, move, line = (statement.replace("?", "%s") for statement in (HEADER, MOVE, LINE))
        run = self.connection.execute
        for _ in range(times):
            header = _one(run(header_text, (f"floor:{self.name}:{next(_keys)}",)))[0]
            for account, pence in ((1, 100), (other, -100)):
                sequence, balance = _one(run(move, (pence, account, pence)))
                run(line, (account, sequence, header, pence, balance))
            self.connection.commit()


def _one(cursor: psycopg.Cursor[tuple[int, ...]]) -> tuple[int, ...]:
    row = cursor.fetchone()
    assert row is not None
    return row


class Ours:
    """The fund's own posting: key and content check, audit row, every guard."""

    def __init__(self, app: Flask, name: str = "one") -> None:
        self.app, self.name = app, name

    def post(self, times: int, *, other: int = 2, a_commit: int = 1) -> None:
        with self.app.app_context():
            for _ in range(times // a_commit):
                with transaction():
                    for _ in range(a_commit):
                        service.post(
                            key=f"ours:{self.name}:{next(_keys)}",
                            kind="bank_line",
                            legs=[Leg(AccountKind.SUSPENSE, 100), Leg(AccountKind.CONTRIBUTIONS, -100, f"org:{other}")],
                            occurred_on=DAY,
                            description="A line of the bank",
                            actor=None,
                            now=NOW,
                        )
            db.session.remove()


@dataclass(frozen=True)
class Figure:
    """A ratio and what it must be."""

    name: str
    ratio: float
    at_least: float | None = None
    at_most: float | None = None
    aim: float | None = None

    @property
    def holds(self) -> bool:
        return (self.at_least is None or self.ratio >= self.at_least) and (
            self.at_most is None or self.ratio <= self.at_most
        )

    def __str__(self) -> str:
        wanted = f"at least {self.at_least}" if self.at_least is not None else f"at most {self.at_most}"
        aim = f", aim {self.aim}" if self.aim else ""
        return f"{self.name:62}{self.ratio:8.2f}   {wanted}{aim}{'' if self.holds else '   <- does not hold'}"


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def by_turns(one: Callable[[], object], other: Callable[[], object], rounds: int = ROUNDS) -> float:
    """How long `one` takes for each second of `other`: the median of the rounds, after one that doesn't count."""
    one(), other()
    return statistics.median(timed(one) / timed(other) for _ in range(rounds))


# --- posting


def posting(kind: str, folder: Path, server: str) -> Iterable[Figure]:
    """One transfer at a time, four processes, many a commit, and after many."""
    app, later = _app(kind, folder, server, "posting"), _app(kind, folder, server, "later")
    ours = Ours(app)
    floor: Books = SqliteFloor(folder / "floor.db") if kind == "sqlite" else PostgresFloor(server, new=True)
    ratio = by_turns(lambda: floor.post(AT_ONCE), lambda: ours.post(AT_ONCE))
    least, aim = (0.35, 0.45) if kind == "sqlite" else (1.0, None)
    yield Figure(f"{kind}: posting against the floor", ratio, at_least=least, aim=aim)
    if kind == "postgresql":
        yield Figure(f"{kind}: {PROCESSES} processes against the floor at {PROCESSES}", _at_once(server), at_least=1.0)
    many = by_turns(lambda: ours.post(1000), lambda: ours.post(1000, a_commit=100), rounds=5)
    yield Figure(f"{kind}: 100 transfers a commit against one", many, at_least=5)
    fill(later, 100_000)
    full = Ours(later)
    yield Figure(
        f"{kind}: posting after 100,000 transfers against the first",
        by_turns(lambda: Ours(app, "again").post(AT_ONCE), lambda: full.post(AT_ONCE)),
        at_least=0.9,
    )
    _let_go(app), _let_go(later)


def _work(server: str, ours: bool, number: int, times: int, gate: "multiprocessing.synchronize.Barrier") -> None:
    name = f"process-{os.getpid()}"
    if ours:
        books: Books = Ours(_open(_address("postgresql", Path(), server, "posting")), name)
    else:
        books = PostgresFloor(server, new=False, name=name)
    books.post(5, other=number + 2)
    gate.wait(timeout=_PATIENCE)
    books.post(times, other=number + 2)
    gate.wait(timeout=_PATIENCE)


def _at_once(server: str, times: int = 400) -> float:
    """Rate of the fund against the floor's, with four processes that share one account and have one of their own."""
    spawn = multiprocessing.get_context("spawn")

    def took(ours: bool) -> float:
        gate = spawn.Barrier(PROCESSES + 1)
        workers = [spawn.Process(target=_work, args=(server, ours, n, times, gate)) for n in range(PROCESSES)]
        for worker in workers:
            worker.start()
        gate.wait(timeout=_PATIENCE)
        seconds = timed(lambda: gate.wait(timeout=_PATIENCE))
        for worker in workers:
            worker.join()
        return seconds

    return statistics.median(took(False) / took(True) for _ in range(3))


# --- size


def size(kind: str, folder: Path, server: str, transfers: int) -> Iterable[Figure]:
    """Reading and proving books of `transfers` transfers, against books of a hundredth."""
    small, large = _app(kind, folder, server, "small"), _app(kind, folder, server, "large")
    fill(small, max(1000, transfers // 100))
    fill(large, transfers)

    def on(app: Flask, work: Callable[[], object], times: int = 1) -> Callable[[], None]:
        def run() -> None:
            with app.app_context():
                for _ in range(times):
                    work()
                db.session.remove()

        return run

    def balance() -> object:
        return queries.balance(AccountKind.SUSPENSE)

    def newest() -> object:
        return queries.lines(1)

    def grouped() -> object:
        return db.session.execute(text("SELECT account_id, sum(amount_pence) FROM entry GROUP BY account_id")).all()

    def hashed() -> None:
        grouped()
        rows = db.session.execute(
            text("SELECT id, key, kind, description, digest FROM transfer ORDER BY id").execution_options(
                yield_per=5000
            )
        )
        for row in rows:
            sha256(repr(tuple(row)).encode()).hexdigest()

    def sound() -> None:
        assert proof.check() == []

    yield Figure(f"{kind}: one balance", by_turns(on(large, balance, 50), on(small, balance, 50)), at_most=1.5)
    yield Figure(f"{kind}: the newest 50 lines", by_turns(on(large, newest, 20), on(small, newest, 20)), at_most=2.5)
    trial = by_turns(on(large, queries.totals_by_kind), on(large, grouped))
    yield Figure(f"{kind}: trial balance against one GROUP BY", trial, at_most=1.5)
    proven = by_turns(on(large, sound), on(large, hashed), rounds=3)
    yield Figure(f"{kind}: sicf check against one GROUP BY and one hash pass", proven, at_most=5)
    _let_go(small), _let_go(large)


def fill(app: Flask, transfers: int) -> None:
    """Sound and sealed books of so many transfers, written past the guards: they would take an hour to let them in."""
    kinds = [(AccountKind.SUSPENSE, None)]
    kinds += [(AccountKind.CONTRIBUTIONS, f"org:{owner}") for owner in range(OWNERS)]
    balances, sequences = [0] * (len(kinds) + 1), [0] * (len(kinds) + 1)
    headers, lines, seals = [], [], []
    unsealed: list[tuple[int, str]] = []
    previous = FIRST_SEAL
    for number in range(1, transfers + 1):
        legs = ((1, 100), (2 + number % OWNERS, -100))
        says = said(
            key=f"fill:{number}", kind="contribution", occurred_on=DAY, posted_at=NOW, description="A contribution",
            actor_id=None, reverses_id=None, reason=None,
        )  # fmt: skip
        made = digest(says, legs)
        headers.append((number, f"fill:{number}", "contribution", DAY, NOW, "A contribution", 2, made))
        running = 0
        for leg, (account, pence) in enumerate(legs, 1):
            running += pence
            balances[account] += pence
            sequences[account] += 1
            lines.append((account, sequences[account], number, leg, pence, running, balances[account]))
        unsealed.append((number, made))
        if len(unsealed) == proof.SEALED_AT_ONCE or number == transfers:
            previous = seal_hash(previous, unsealed)
            seals.append((NOW, number, len(unsealed), previous))
            unsealed = []
    accounts = [
        (number, account_code(kind, owner), kind.value, owner, account_name(kind, owner), True, True, pence, entries)
        for number, ((kind, owner), pence, entries) in enumerate(
            zip(kinds, balances[1:], sequences[1:], strict=True), 1
        )
    ]
    columns = {
        "account": "id, code, kind, owner, name, may_go_below, may_go_above, balance_pence, entry_count",
        "transfer": "id, key, kind, occurred_on, posted_at, description, last_leg, digest",
        "entry": "account_id, sequence, transfer_id, leg, amount_pence, running_pence, balance_pence",
        "seal": "sealed_at, last_transfer_id, transfer_count, hash",
    }
    rows = {"account": accounts, "transfer": headers, "entry": lines, "seal": seals}
    with app.app_context():
        raw = db.engine.raw_connection()
        try:
            write = _fill_sqlite if db.engine.dialect.name == "sqlite" else _fill_postgres
            write(raw.dbapi_connection, columns, rows)
        finally:
            raw.close()


def _fill_sqlite(
    connection: sqlite3.Connection, columns: dict[str, str], rows: dict[str, Sequence[tuple[object, ...]]]
) -> None:
    triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("BEGIN")
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for table, names in columns.items():
        places = ", ".join("?" * (names.count(",") + 1))
        plain = (
            tuple(
                value.strftime("%Y-%m-%d %H:%M:%S.%f")
                if isinstance(value, datetime)
                else value.isoformat()
                if isinstance(value, date)
                else value
                for value in row
            )
            for row in rows[table]
        )
        connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", plain)
    for _, statement in triggers:
        connection.execute(statement)
    connection.execute("COMMIT")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("ANALYZE")


def _fill_postgres(
    connection: psycopg.Connection, columns: dict[str, str], rows: dict[str, Sequence[tuple[object, ...]]]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for table, names in columns.items():
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows[table]:
                    copy.write_row(row)
        for table in ("account", "transfer"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
        cursor.execute("SET session_replication_role = origin")
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE")
    connection.autocommit = False


# --- databases


def _address(kind: str, folder: Path, server: str, name: str) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder / f'{name}.db'}"
    return server.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")


def _open(address: str) -> Flask:
    return create_app(Settings(address, "for measuring only", "http://localhost"), clock=MovableClock(NOW))


def _app(kind: str, folder: Path, server: str, name: str) -> Flask:
    if kind == "postgresql":
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            admin.execute(f"CREATE DATABASE {name}")
    app = _open(_address(kind, folder, server, name))
    with app.app_context():
        upgrade()
    return app


def _let_go(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def main(parts: Sequence[str], kinds: Sequence[str], transfers: int) -> bool:
    """Measure and tell; whether all that must hold does."""
    holds = True
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds:
            throwaway = ThrowawayPostgres(durable=True) if kind == "postgresql" else None
            server = throwaway.start() if throwaway else ""
            try:
                for part in parts:
                    place = Path(folder)
                    found = posting(kind, place, server) if part == "posting" else size(kind, place, server, transfers)
                    for figure in found:
                        click.echo(figure)
                        holds &= figure.holds
            finally:
                if throwaway:
                    throwaway.stop()
    return holds


if __name__ == "__main__":
    words = sys.argv[1:]
    numbers = [int(word) for word in words if word.isdigit()]
    sys.exit(
        not main(
            [word for word in words if word in ("posting", "size")] or ["posting", "size"],
            [word for word in words if word in ("sqlite", "postgresql")] or ["sqlite", "postgresql"],
            numbers[0] if numbers else 1_000_000,
        )
    )
