"""A fund of an earlier release is brought up to date with everything that it holds."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text

from fund.app import create_app
from fund.config import Settings
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from ledger import queries, service
from ledger.rules import AccountKind, Leg
from members import queries as members
from members.contributions.models import Pledge, PledgeInstalment, Receipt, ReceiptShare
from tests.conftest import START, Bench
from tests.ledger.books import said

OLD = "0002_members_and_people"
ROWS = (
    "INSERT INTO organisation (id, reference, name, name_key, legal_form, register, district, address, claims, "
    "proposed_reason, status, applied_at, contact_name, contact_email) VALUES (1, 'GM-0001', 'Alder Works', "
    "'alder works', 'company', 'companies_house', 'E08000001', '1 Example Street', '[]', '', 'member', "
    "'2026-01-01 09:00:00', 'Ada', 'ada@alder.example')",
    "INSERT INTO bank_account (id, name, account_number, opened_at) VALUES (1, 'Fund', '10203040', '2026-01-01')",
    "INSERT INTO statement (id, bank_account_id, filename, form, sha256, line_count, known_count, left_out_count, "
    "remarks, imported_at) VALUES (1, 1, 'a.csv', 'csv', 'x', 1, 0, 0, '[]', '2026-01-01')",
    "INSERT INTO statement_line (id, statement_id, bank_account_id, position, identity, form, booked_on, amount_pence, "
    "counterparty, remittance, bank_reference, end_to_end, details) VALUES (1, 1, 1, 1, 'one', 'csv', '2026-01-20', "
    "4000, '', '', '', '', '[]')",
    "INSERT INTO pledge (id, reference, reference_key, organisation_id, pence, paid_pence, state, pledged_at) VALUES "
    "(1, 'PL-2026-0001-X', 'PL20260001X', 1, 10000, 4000, 'part_paid', '2026-01-10 09:00:00')",
    "INSERT INTO receipt (id, reference, organisation_id, pledge_id, pence, received_on, statement_line_id, "
    "transfer_id, issued_at) VALUES (1, 'RC-2026-0001', 1, 1, 4000, '2026-01-20', 1, 1, '2026-01-20 09:00:00')",
    "INSERT INTO account (code, kind, name, may_go_below, may_go_above, balance_pence, entry_count) VALUES "
    "('authority', 'authority', 'Authority to spend', {true}, {false}, 0, 0)",
)


@pytest.fixture
def old(bench: Bench) -> Iterator[Flask]:
    """A fund of the release before, with a pledge that was paid in part."""
    url = f"{bench.url}.old" if bench.kind == "sqlite" else bench.url.replace(bench.name, f"{bench.name}_old")
    if bench.kind == "postgresql":
        with psycopg.connect(bench.admin_url, autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {bench.name}_old")
    app = create_app(Settings(url, "only for tests", "http://localhost"), clock=MovableClock(START))
    true, false = ("TRUE", "FALSE") if bench.kind == "postgresql" else ("1", "0")
    with app.app_context():
        upgrade(revision=OLD)
        with transaction() as session:
            for row in ROWS:
                session.execute(text(row.replace("{true}", true).replace("{false}", false).replace(":", "\\:")))
        yield app
        db.session.remove()
        db.engine.dispose()
    if bench.kind == "postgresql":
        with psycopg.connect(bench.admin_url, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {bench.name}_old WITH (FORCE)")
    else:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{bench.file}.old{suffix}").unlink(missing_ok=True)


def test_what_a_fund_holds_survives_the_way_up(old: Flask) -> None:
    upgrade()
    pledge, receipt = db.session.get_one(Pledge, 1), db.session.get_one(Receipt, 1)
    assert (pledge.pence, pledge.paid_pence, pledge.written_off_pence, pledge.state) == (10_000, 4_000, 0, "part_paid")
    assert (receipt.pence, receipt.statement_line_id, receipt.source) == (4_000, 1, None)
    instalment = db.session.get_one(PledgeInstalment, 1)
    assert (instalment.reference, instalment.pence, instalment.paid_pence) == ("PL-2026-0001-X", 10_000, 4_000)
    assert (instalment.state, str(instalment.due_on)) == ("open", "2026-02-09")
    assert db.session.scalars(db.select(ReceiptShare.pence)).all() == [4_000]
    assert [found.reference for found in members.find_members("wor alder")] == ["GM-0001"]


def test_the_books_of_before_take_the_kinds_of_now(old: Flask) -> None:
    upgrade()
    with transaction():
        service.post(
            kind="test", legs=[Leg(AccountKind.STRIPE, 100), Leg(AccountKind.INTEREST, -100)], **said(key="new kinds")
        )
    with transaction():
        service.post(
            kind="test",
            legs=[Leg(AccountKind.AUTHORITY, 100), Leg(AccountKind.SHORTFALL, -100)],
            **said(key="authority above nought"),
        )
    assert queries.balance(AccountKind.AUTHORITY) == 100
    assert service.check() == []
