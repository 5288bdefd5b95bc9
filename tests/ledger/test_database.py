"""The database refuses what would falsify the books, whoever writes to it."""

from collections.abc import Sequence

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from fund.kernel.db import db, transaction
from ledger import service
from tests.ledger.books import NOW, commit, put_in

HEADER = (
    "INSERT INTO transfer (id, key, kind, occurred_on, posted_at, description, last_leg, digest) "
    "VALUES (900, 'forged', 'x', '2026-06-01', '2026-06-01 09:00:00', 'x', {last}, '')"
)
MOVE = (
    "UPDATE account SET balance_pence = balance_pence + ({pence}), entry_count = entry_count + 1 WHERE code = '{code}'"
)
ENTRY = (
    "INSERT INTO entry (account_id, sequence, transfer_id, leg, amount_pence, running_pence, balance_pence) "
    "SELECT id, entry_count, {transfer}, {leg}, {pence}, {running}, balance_pence FROM account WHERE code = '{code}'"
)


def leg(number: int, code: str, pence: int, running: int, transfer: int = 900) -> list[str]:
    """What a careful forger writes for one leg."""
    return [
        MOVE.format(code=code, pence=pence),
        ENTRY.format(code=code, pence=pence, leg=number, running=running, transfer=transfer),
    ]


GOOD = [HEADER.format(last=2), *leg(1, "available", -5, -5), *leg(2, "bank", 5, 0)]
FORGERIES = {
    "a header without legs": [HEADER.format(last=2)],
    "a header that promises one leg": [HEADER.format(last=1), *leg(1, "available", 5, 0)],
    "one leg too few": [HEADER.format(last=3), *leg(1, "available", -5, -5), *leg(2, "bank", 5, 0)],
    "legs that don't balance": [HEADER.format(last=2), *leg(1, "available", -5, -5), *leg(2, "bank", 6, 1)],
    "legs said to balance that don't": [HEADER.format(last=2), *leg(1, "available", -5, -5), *leg(2, "bank", 6, 0)],
    "a last leg alone": [HEADER.format(last=2), *leg(2, "bank", 5, 0)],
    "a leg beyond the last": [*GOOD, *leg(3, "bank", 5, 5)],
    "a leg for a transfer of before": leg(5, "bank", 5, 5, transfer=2),
    "a leg of no transfer": leg(1, "bank", 5, 5, transfer=901),
    "an entry that the account doesn't show": [
        HEADER.format(last=2),
        "UPDATE account SET balance_pence = balance_pence + 5, entry_count = entry_count + 1 WHERE code = 'bank'",
        ENTRY.format(code="bank", pence=7, leg=1, running=7, transfer=900),
    ],
    "a balance without an entry": ["UPDATE account SET balance_pence = 1 WHERE code = 'bank'"],
    "a balance with a promised entry": [MOVE.format(code="bank", pence=5)],
    "an account that starts with money": [
        "INSERT INTO account (code, kind, name, may_go_below, may_go_above, balance_pence, entry_count) "
        "VALUES ('x', 'bank', 'x', {true}, {true}, 5, 0)"
    ],
    "an account that starts with entries": [
        "INSERT INTO account (code, kind, name, may_go_below, may_go_above, balance_pence, entry_count) "
        "VALUES ('x', 'bank', 'x', {true}, {true}, 5, 1)"
    ],
    "a limit lifted": ["UPDATE account SET may_go_below = {true} WHERE code = 'available'"],
    "a limit lifted while moving": [
        "UPDATE account SET may_go_below = {true}, entry_count = entry_count + 1 WHERE code = 'available'"
    ],
    "an account renamed to another": ["UPDATE account SET code = 'y' WHERE code = 'bank'"],
    "an account given to another fund": [
        "UPDATE account SET restriction = 'RF-001', entry_count = entry_count + 1 WHERE code = 'bank'"
    ],
    "an account deleted": ["DELETE FROM account WHERE code = 'bank'"],
    "a pot overdrawn": [HEADER.format(last=2), *leg(1, "available", -10001, -10001), *leg(2, "bank", 10001, 0)],
    "a transfer changed": ["UPDATE transfer SET description = 'y' WHERE id = 1"],
    "a transfer deleted": ["DELETE FROM transfer WHERE id = 1"],
    "an entry changed": ["UPDATE entry SET amount_pence = 1 WHERE transfer_id = 1"],
    "an entry deleted": ["DELETE FROM entry WHERE transfer_id = 1"],
    "a seal changed": ["UPDATE seal SET hash = 'y'"],
    "a seal deleted": ["DELETE FROM seal"],
}


def attack(app: Flask, statements: Sequence[str]) -> None:
    """Write past the service, in one transaction of its own."""
    true = "TRUE" if db.engine.dialect.name == "postgresql" else "1"
    with transaction() as session:
        for statement in statements:
            session.execute(text(statement.replace("{true}", true)))


@pytest.fixture
def books(app: Flask) -> Flask:
    put_in(100_00)
    commit(10_00)
    with transaction():
        service.seal(NOW)
    return app


def test_the_forger_can_write_a_true_transfer(books: Flask) -> None:
    """Else the forgeries below would be refused for the wrong reason."""
    attack(books, GOOD)
    assert [fault for fault in service.check() if "fingerprint" not in fault] == []


@pytest.mark.parametrize("name", FORGERIES)
def test_the_database_refuses(books: Flask, name: str) -> None:
    with pytest.raises(DBAPIError):
        attack(books, FORGERIES[name])
    assert service.check() == []


@pytest.mark.parametrize("table", ["transfer", "entry", "seal"])
def test_sqlite_does_not_replace_rows(books: Flask, table: str) -> None:
    if db.engine.dialect.name != "sqlite":
        pytest.skip("INSERT OR REPLACE is SQLite's")
    with pytest.raises(DBAPIError, match=r"append-only|next"):
        attack(books, [f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"])


@pytest.mark.parametrize("table", ["transfer", "entry", "seal", "account"])
def test_postgresql_does_not_truncate(books: Flask, table: str) -> None:
    if db.engine.dialect.name != "postgresql":
        pytest.skip("TRUNCATE is PostgreSQL's")
    with pytest.raises(DBAPIError):
        attack(books, [f"TRUNCATE {table} CASCADE"])
