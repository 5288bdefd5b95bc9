"""Backups come back whole, and a broken one never looks like a good one."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from fund import backup
from fund.backup import BackupTrouble, back_up, postgres_program, put_back


def nothing(done: int, total: int) -> None:
    """A progress that nobody sees."""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A database of several pages in WAL mode, as the fund's is."""
    path = tmp_path / "source.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE page (text TEXT)")
        database.executemany("INSERT INTO page VALUES (?)", [("x" * 3000,)] * 4000)
        database.commit()
    return path


def rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        count: int = database.execute("SELECT count(*) FROM page").fetchone()[0]
        return count


def test_a_backup_is_one_whole_private_file_and_tells_how_far_it_is(source: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    target = tmp_path / "deep" / "backup.db"
    size = back_up(f"sqlite:///{source}", target, lambda done, total: told.append((done, total)))
    assert rows(target) == 4000
    assert size == target.stat().st_size
    assert os.listdir(target.parent) == ["backup.db"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert len(told) > 1
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]


def test_a_backup_taken_while_somebody_writes_is_sound(source: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(source, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM page")
        back_up(f"sqlite:///{source}", tmp_path / "b.db", nothing)
        writer.execute("ROLLBACK")
    assert rows(tmp_path / "b.db") == 4000


def test_nothing_is_overwritten(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.db"
    target.write_text("precious")
    with pytest.raises(BackupTrouble, match="is there already"):
        back_up(f"sqlite:///{source}", target, nothing)
    assert target.read_text() == "precious"


def test_a_backup_that_stops_half_way_leaves_nothing(source: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "backups"
    with pytest.raises(KeyboardInterrupt):
        back_up(f"sqlite:///{source}", folder / "b.db", stop)
    assert os.listdir(folder) == []


def test_there_must_be_something_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(BackupTrouble, match="There is no database"):
        back_up(f"sqlite:///{tmp_path / 'none.db'}", tmp_path / "b.db", nothing)
    assert os.listdir(tmp_path) == []


def test_a_place_that_cannot_be_written_is_told(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackupTrouble, match="Choose another place"):
        back_up(f"sqlite:///{source}", tmp_path / "file" / "b.db", nothing)


def test_what_comes_back_is_what_was_kept(source: Path, tmp_path: Path) -> None:
    back_up(f"sqlite:///{source}", tmp_path / "b.db", nothing)
    with closing(sqlite3.connect(source)) as database:
        database.execute("DELETE FROM page WHERE rowid > 10")
        database.commit()
    put_back(f"sqlite:///{source}", tmp_path / "b.db", nothing)
    assert rows(source) == 4000


def test_it_comes_back_under_a_process_that_has_it_open(source: Path, tmp_path: Path) -> None:
    back_up(f"sqlite:///{source}", tmp_path / "b.db", nothing)
    with closing(sqlite3.connect(source)) as open_one:
        open_one.execute("DELETE FROM page")
        open_one.commit()
        put_back(f"sqlite:///{source}", tmp_path / "b.db", nothing)
        assert open_one.execute("SELECT count(*) FROM page").fetchone()[0] == 4000


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7"])
def test_what_is_no_backup_is_refused(content: bytes, source: Path, tmp_path: Path) -> None:
    (tmp_path / "b.db").write_bytes(content)
    with pytest.raises(BackupTrouble, match="is no backup"):
        put_back(f"sqlite:///{source}", tmp_path / "b.db", nothing)
    assert rows(source) == 4000


def test_a_damaged_backup_is_refused(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.db"
    back_up(f"sqlite:///{source}", target, nothing)
    content = bytearray(target.read_bytes())
    content[4096 * 3 : 4096 * 40] = b"\xa5" * (4096 * 37)
    target.write_bytes(bytes(content))
    with pytest.raises(BackupTrouble, match="damaged"):
        put_back(f"sqlite:///{source}", target, nothing)
    assert rows(source) == 4000


def test_a_backup_of_the_other_kind_of_database_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupTrouble, match="backup of a sqlite database, and DATABASE_URL names a postgresql one"):
        put_back("postgresql+psycopg://somebody@127.0.0.1/fund", source, nothing)
    (tmp_path / "b.dump").write_bytes(b"PGDMP and so on")
    with pytest.raises(BackupTrouble, match="backup of a postgresql database"):
        put_back(f"sqlite:///{source}", tmp_path / "b.dump", nothing)


def test_a_backup_that_is_not_there_is_told(source: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupTrouble, match="There is no file"):
        put_back(f"sqlite:///{source}", tmp_path / "b.db", nothing)


def program(folder: Path, version: str) -> None:
    folder.mkdir(parents=True)
    path = folder / "pg_dump"
    path.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}'\n")
    path.chmod(0o755)


def test_the_program_must_be_there_and_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "PROGRAM_FOLDERS", tmp_path / "lib")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(BackupTrouble, match=r"pg_dump isn't on this machine. Install postgresql-client-17"):
        postgres_program("pg_dump", 17)
    program(tmp_path / "bin", "15.4 (Debian 15.4-1)")
    with pytest.raises(BackupTrouble, match=r"is version 15 and the server is version 17.*postgresql-client-17"):
        postgres_program("pg_dump", 17)
    program(tmp_path / "lib" / "18" / "bin", "18.1")
    assert postgres_program("pg_dump", 17) == tmp_path / "lib" / "18" / "bin" / "pg_dump"
    assert postgres_program("pg_dump", 15) == tmp_path / "lib" / "18" / "bin" / "pg_dump"


def test_a_server_that_is_away_is_told(tmp_path: Path) -> None:
    with pytest.raises(BackupTrouble, match=r"can't be reached.*Check DATABASE_URL"):
        back_up("postgresql+psycopg://somebody:secret@127.0.0.1:1/fund", tmp_path / "b.dump", nothing)
    assert os.listdir(tmp_path) == []
