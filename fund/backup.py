"""Backups and their return: SQLite by its online backup, PostgreSQL by its own pg_dump and pg_restore.

Both copy a fund that is in use. A backup is written beside its place and moved there when it is whole, so a broken one
never stands under the name of a good one.
"""

import os
import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

Progress = Callable[[int, int], None]
"""Called with the parts done and all parts."""

PROGRAM_FOLDERS = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs of each version of PostgreSQL."""
_PAGES_AT_ONCE = 500


class BackupTrouble(Exception):
    """Why it can't be done, as a sentence that says what to do next. Nothing was changed."""


def is_sqlite(database_url: str) -> bool:
    return make_url(database_url).get_backend_name() == "sqlite"


def back_up(database_url: str, target: Path, progress: Progress) -> int:
    """Copy the fund of `database_url` to `target`, which must not be there.

    Returns:
        The size of the backup in bytes.

    Raises:
        BackupTrouble: the target is there or can't be written, the database is away, or pg_dump is missing or too old.
    """
    if target.exists():
        raise BackupTrouble(f"{target} is there already. Choose another name, or move it away first.")
    url = make_url(database_url)
    with _whole_or_nothing(target) as unfinished:
        if is_sqlite(database_url):
            _copy_sqlite(_sqlite_file(url), unfinished, progress)
            _make_one_file(unfinished)
            _check_sqlite(unfinished)
        else:
            _run_postgres_program(url, "pg_dump", "--format=custom", "--no-owner", f"--file={unfinished}")
            progress(1, 1)
    return target.stat().st_size


def examine(database_url: str, source: Path) -> None:
    """Raise BackupTrouble unless `source` is a whole backup for a database of this kind. Changes nothing."""
    if not source.is_file():
        raise BackupTrouble(f"There is no file {source}. Check the name.")
    with source.open("rb") as file:
        start = file.read(16)
    kinds = {b"SQLite format 3\0": "sqlite", b"PGDMP": "postgresql"}
    found = next((name for mark, name in kinds.items() if start.startswith(mark)), None)
    wanted = "sqlite" if is_sqlite(database_url) else "postgresql"
    if found is None:
        raise BackupTrouble(f"{source} is no backup that `sicf backup` made.")
    if found != wanted:
        raise BackupTrouble(
            f"{source} is a backup of a {found} database, and DATABASE_URL names a {wanted} one. "
            "Set DATABASE_URL to a database of the same kind."
        )
    if found == "sqlite":
        _check_sqlite(source)


def put_back(database_url: str, source: Path, progress: Progress) -> None:
    """Lay the backup `source` over the database, whatever is in it; all of it or nothing.

    Raises:
        BackupTrouble: see `examine`; or it can't be laid down.
    """
    examine(database_url, source)
    url = make_url(database_url)
    if is_sqlite(database_url):
        target = _sqlite_file(url)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _copy_sqlite(source, target, progress)
        return
    _run_postgres_program(
        url,
        "pg_restore",
        "--clean",
        "--if-exists",
        "--no-owner",
        "--single-transaction",
        "--exit-on-error",
        f"--dbname={_postgres_name(url)}",
        str(source),
    )
    progress(1, 1)


@contextmanager
def _whole_or_nothing(target: Path) -> Iterator[Path]:
    """A path to write to, which becomes `target` when all went well and is gone when not."""
    unfinished = target.with_name(f".{target.name}.unfinished-{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield unfinished
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        os.link(unfinished, target)  # fails, unlike a rename, where somebody made the target meanwhile
    except OSError as error:
        raise BackupTrouble(f"{target} can't be written: {error.strerror or error}. Choose another place.") from error
    finally:
        for path in unfinished.parent.glob(f"{unfinished.name}*"):
            path.unlink(missing_ok=True)


# --- SQLite


def _sqlite_file(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise BackupTrouble("This database is in memory only. Set DATABASE_URL to a database in a file.")
    return Path(url.database)


def _copy_sqlite(source: Path, target: Path, progress: Progress) -> None:
    if not source.is_file():
        raise BackupTrouble(
            f"There is no database at {source} yet. Make a fund with `sicf init`, or check DATABASE_URL."
        )
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as there,
            closing(sqlite3.connect(target, timeout=30)) as here,
        ):
            there.backup(
                here, pages=_PAGES_AT_ONCE, progress=lambda _, left, all_: progress(all_ - left, all_), sleep=0.01
            )
    except sqlite3.Error as error:
        raise BackupTrouble(
            f"The copy stopped: {error}. Check that there is room on the disk, then try again."
        ) from error


def _make_one_file(file: Path) -> None:
    """A copy keeps its journal beside it by default, and a file that is carried away alone must be whole."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode=DELETE")


def _check_sqlite(file: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            answer = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        answer = str(error)
    if answer != "ok":
        raise BackupTrouble(f"{file} is damaged ({answer}). Use another backup.")


# --- PostgreSQL


def _postgres_name(url: URL) -> str:
    return url.database or "postgres"


def _run_postgres_program(url: URL, name: str, *arguments: str) -> None:
    """Run a program of PostgreSQL that is at least as new as the server; the password goes by the environment."""
    program = postgres_program(name, _server_version(url))
    environment = dict(os.environ)
    values = {
        "PGHOST": url.host,
        "PGPORT": url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": _postgres_name(url),
        "PGSSLMODE": url.query.get("sslmode"),
        "PGCONNECT_TIMEOUT": "10",
    }
    environment.update({key: str(value) for key, value in values.items() if value is not None})
    done = subprocess.run([str(program), *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = " ".join(done.stderr.split())[-400:]
        raise BackupTrouble(f"{name} stopped and nothing was changed. It said: {said}")


def _server_version(url: URL) -> int:
    try:
        with psycopg.connect(
            url.set(drivername="postgresql").render_as_string(hide_password=False), connect_timeout=10
        ) as it:
            return it.info.server_version // 10_000
    except psycopg.OperationalError as error:
        raise BackupTrouble(
            f"The database can't be reached: {' '.join(str(error).split())} "
            "Check DATABASE_URL and that the server runs."
        ) from error


def postgres_program(name: str, at_least: int) -> Path:
    """The newest `name` on this machine, if it is new enough for a server of major version `at_least`.

    Raises:
        BackupTrouble: with the package to install.
    """
    candidates = [Path(path) for path in (shutil.which(name),) if path]
    candidates += sorted(PROGRAM_FOLDERS.glob(f"*/bin/{name}"))
    versions = {path: _program_version(path) for path in candidates}
    newest = max(versions, key=lambda path: versions[path], default=None)
    package = f"postgresql-client-{at_least} (on Debian: apt-get install postgresql-client-{at_least})"
    if newest is None:
        raise BackupTrouble(f"{name} isn't on this machine. Install {package}, then try again.")
    if versions[newest] < at_least:
        raise BackupTrouble(
            f"{name} here is version {versions[newest]} and the server is version {at_least}, which it can't read. "
            f"Install {package}, then try again."
        )
    return newest


def _program_version(path: Path) -> int:
    said = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"\) (\d+)", said)
    return int(match[1]) if match else 0


def stamp() -> str:
    """The local time as it stands in the name of a backup."""
    return time.strftime("%Y-%m-%d-%H%M%S")
