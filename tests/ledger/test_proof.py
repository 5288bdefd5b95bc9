"""A book that was altered behind the database's back is found out, and the first altered row is named."""

import pytest
from flask import Flask
from sqlalchemy import text

from fund.kernel.db import db, transaction
from ledger import proof, service
from ledger.models import Seal
from ledger.rules import FIRST_SEAL
from tests.ledger.books import NOW, commit, put_in


def drop_guards() -> None:
    """What somebody with the database's password can do."""
    with transaction() as session:
        if db.engine.dialect.name == "postgresql":
            tables = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
            for table in tables:
                session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        else:
            names = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all()
            for name in names:
                session.execute(text(f"DROP TRIGGER {name}"))


def alter(statement: str) -> None:
    drop_guards()
    if db.engine.dialect.name == "sqlite":  # foreign keys can be off for whoever opens the file
        db.session.rollback()
        with db.engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            assert raw is not None
            connection.rollback()
            raw.execute("PRAGMA foreign_keys=OFF")
            raw.execute(statement)
            raw.execute("PRAGMA foreign_keys=ON")
    else:
        with transaction() as session:
            session.execute(text(statement))


@pytest.fixture
def books(app: Flask) -> Flask:
    put_in(100_00)  # transfers 1 and 2
    for number in range(3):  # 3, 4, 5
        commit(10_00, key=f"test:commit:{number}")
    with transaction():
        service.seal(NOW)
    commit(5_00, key="test:unsealed")  # 6
    return app


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE transfer SET description = 'Something else' WHERE id = 4", "Transfer 4 (test:commit:1) was altered"),
        ("UPDATE transfer SET occurred_on = '2026-05-01' WHERE id = 3", "Transfer 3 (test:commit:0) was altered"),
        ("UPDATE transfer SET actor_id = 7 WHERE id = 6", "Transfer 6 (test:unsealed) was altered"),
        ("UPDATE entry SET amount_pence = amount_pence + 1 WHERE transfer_id = 4 AND leg = 1", "Transfer 4"),
        ("UPDATE entry SET balance_pence = balance_pence + 1 WHERE transfer_id = 4 AND leg = 1", "Transfer 4, leg 1"),
        ("UPDATE entry SET running_pence = 1 WHERE transfer_id = 5 AND leg = 2", "Transfer 5 (test:commit:2): leg 2"),
        ("DELETE FROM entry WHERE transfer_id = 5 AND leg = 2", "was booked with 2 legs and has 1"),
        ("DELETE FROM entry WHERE transfer_id = 5", "Transfer 5 (test:commit:2) has no legs"),
        ("DELETE FROM transfer WHERE id = 4", "Transfer 4 is missing"),
        ("UPDATE account SET balance_pence = 1 WHERE code = 'available'", "Account available says £0.01"),
        ("UPDATE account SET entry_count = 9 WHERE code = 'available'", "Account available says £65 after 9 entries"),
        ("UPDATE seal SET hash = 'x'", "Seal 1"),
    ],
)
def test_an_altered_row_is_found_and_named(books: Flask, statement: str, named: str) -> None:
    assert service.check() == []
    alter(statement)
    faults = service.check()
    assert named in faults[0] if "transfer" in statement.split()[1] else any(named in fault for fault in faults), faults


def test_a_forger_who_mends_the_fingerprint_is_caught_by_the_seal(books: Flask) -> None:
    alter("UPDATE transfer SET description = 'y', digest = 'z' WHERE id = 4")
    alter_to = proof.check()
    assert any("Seal 1" in fault and "changed, added or removed" in fault for fault in alter_to)


def test_a_transfer_slipped_in_below_a_seal_is_caught(books: Flask) -> None:
    alter(
        "INSERT INTO transfer (id, key, kind, occurred_on, posted_at, description, last_leg, digest) "
        "VALUES (-5, 'slipped', 'x', '2026-06-01', '2026-06-01 09:00:00', 'x', 2, 'x')"
    )
    faults = service.check()
    assert "Transfer -5 (slipped) has no legs." in faults
    assert any("Seal 1" in fault for fault in faults)


def test_seals_build_on_one_another_and_rest_when_there_is_nothing_new(books: Flask) -> None:
    with transaction():
        second = service.seal(NOW)
        assert second is not None
        assert (second.transfer_count, second.last_transfer_id) == (1, 6)
    with transaction():
        assert service.seal(NOW) is None
    seals = db.session.query(Seal).order_by(Seal.id).all()
    assert len({FIRST_SEAL, *(seal.hash for seal in seals)}) == 3
    assert service.check() == []


def test_a_long_backlog_is_sealed_in_steps(books: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "SEALED_AT_ONCE", 2)
    for _ in range(3):
        commit(1_00)
    counts = []
    while True:
        with transaction():
            made = service.seal(NOW)
            if made is None:
                break
            counts.append(made.transfer_count)
    assert counts == [2, 2]
    assert service.check() == []
