"""The journal of a period from real books, as other programs read it."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Thread

import openpyxl
import pytest
from flask import Flask, current_app
from sqlalchemy import event

from fund.kernel.db import db, transaction
from fund.kernel.errors import RuleBroken
from ledger import service as books
from ledger.export import queries, service, tables
from ledger.export.rules import Format, Journal
from ledger.models import Account
from ledger.rules import AccountKind, Leg, account_code
from tests.ledger.books import DAY, NOW, ORG, commit, put_in, said
from tests.ledger.export import tools

K = AccountKind
NASTY = ['=cmd|"/c calc"', "two\nlines; a comment", 'said "yes" \\', "Ångström 😀 – “café”", "  ", "* ! | @"]
MIDDLE = DAY + timedelta(days=10)


@pytest.fixture
def rich(app: Flask) -> None:
    """Books with money in, commitments, payments, a reversal, a restricted fund and texts of every sort."""
    for number, text in enumerate(NASTY):
        put_in(1_000_01 + number, f"org:GM-00{number}", description=text)
    commit(500_00, key="grant:G-2026-003:commit")
    with transaction():
        books.pay_grant(grant="grant:G-2026-003", pence=123_45, **said(key="pay:1", occurred_on=MIDDLE))
        books.confirm_payment(pence=123_45, **said(key="pay:1:confirmed", occurred_on=MIDDLE + timedelta(days=2)))
        books.post(
            kind="contribution",
            legs=[Leg(K.BANK, 7_77), Leg(K.CONTRIBUTIONS, -7_77, ORG, "RF-001")],
            **said(occurred_on=MIDDLE, description="For Bury"),
        )
    with transaction():
        books.return_payment(
            key="returned",
            paid_key="pay:1",
            reason='The bank wrote: "closed; account"',
            occurred_on=MIDDLE + timedelta(days=9),
            actor=None,
            now=NOW,
        )


def written(format: Format, first: date | None = None, last: date | None = None) -> bytes:
    return b"".join(service.written(service.journal(first, last, now=NOW), format))


def held() -> dict[str, int]:
    """What our books say, by the name that each account has in plain-text accounting."""
    return {one.plain_name: one.closing_pence for one in service.journal(None, None, now=NOW).accounts}


PERIODS = [(None, None), (MIDDLE, None), (None, MIDDLE), (MIDDLE, MIDDLE), (date(2020, 1, 1), date(2020, 2, 1))]


@pytest.mark.parametrize(("first", "last"), PERIODS)
@pytest.mark.parametrize("batch", [1, 3, 500])
def test_the_tools_accept_every_period(
    rich: None, tmp_path: Path, first: date | None, last: date | None, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "BATCH", batch)
    bean, journal = tmp_path / "books.beancount", tmp_path / "books.journal"
    bean.write_bytes(written(Format.BEANCOUNT, first, last))
    journal.write_bytes(written(Format.HLEDGER, first, last))
    assert tools.bean_check(bean) == ""
    assert tools.hledger_check(journal) == ""


@pytest.mark.parametrize("first", [None, MIDDLE])
def test_every_account_holds_there_what_it_holds_here(rich: None, tmp_path: Path, first: date | None) -> None:
    bean, journal = tmp_path / "books.beancount", tmp_path / "books.journal"
    bean.write_bytes(written(Format.BEANCOUNT, first))
    journal.write_bytes(written(Format.HLEDGER, first))
    ours = held()
    assert sum(ours.values()) == 0
    assert len(ours) == db.session.query(Account).count()
    filled = {name: pence for name, pence in ours.items() if pence}
    assert {name: pence for name, pence in tools.beancount_holds(bean).items() if pence} == filled
    assert {name: pence for name, pence in tools.hledger_holds(journal).items() if pence} == filled


def test_an_empty_fund_has_a_journal_too(app: Flask, tmp_path: Path) -> None:
    for one in Format:
        file = tmp_path / one
        file.write_bytes(written(one))
        if one is Format.BEANCOUNT:
            assert tools.bean_check(file) == ""
        if one is Format.HLEDGER:
            assert tools.hledger_check(file) == ""


def test_what_a_transfer_says_goes_with_it(rich: None) -> None:
    text = written(Format.BEANCOUNT).decode()
    assert 'key: "returned:1"' in text
    assert 'kind: "reversal"' in text
    assert 'reason: "The bank wrote: \\"closed; account\\""' in text
    assert "reverses: " in text
    assert "; kind: reversal" in written(Format.HLEDGER).decode()


def _rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_csv_has_every_leg_and_the_balances_at_both_ends(rich: None) -> None:
    rows = _rows(written(Format.CSV, MIDDLE))
    assert tuple(rows[0]) == tables.COLUMNS
    by_sort = {sort: [row for row in rows if row["row"] == sort] for sort in {row["row"] for row in rows}}
    assert sorted(by_sort) == ["closing balance", "entry", "opening balance"]

    def total(sort: str) -> dict[str, Decimal]:
        found: dict[str, Decimal] = {}
        for row in by_sort[sort]:
            found[row["account"]] = found.get(row["account"], Decimal()) + Decimal(row["amount"])
        return found

    opening, moved, closing = (total(sort) for sort in ("opening balance", "entry", "closing balance"))
    assert closing == {code: pence + moved.get(code, 0) for code, pence in opening.items()}
    ours = {code: Decimal(pence) / 100 for code, pence in db.session.query(Account.code, Account.balance_pence)}
    assert closing == ours


def test_no_format_for_spreadsheets_holds_a_formula(rich: None) -> None:
    told = {row["description"] for row in _rows(written(Format.CSV))}
    assert '\'=cmd|"/c calc"' in told
    assert not [text for row in _rows(written(Format.CSV)) for text in row.values() if text.startswith(("=", "@", "+"))]
    book = openpyxl.load_workbook(io.BytesIO(written(Format.XLSX)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert '\'=cmd|"/c calc"' in {cell.value for cell in cells}


def test_a_workbook_has_numbers_that_add_up(rich: None) -> None:
    book = openpyxl.load_workbook(io.BytesIO(written(Format.XLSX, MIDDLE)))
    assert book.sheetnames == ["Balances", "Journal"]
    balances = {row[0]: row[3:] for row in book["Balances"].iter_rows(min_row=2, values_only=True)}
    for opening, moved, closing in balances.values():
        assert round(opening * 100) + round(moved * 100) == round(closing * 100)
    bank = db.session.query(Account.balance_pence).filter_by(code=account_code(K.BANK)).scalar()
    assert round(balances["bank"][2] * 100) == bank
    legs = list(book["Journal"].iter_rows(min_row=2, values_only=True))
    assert round(sum(leg[-1] for leg in legs) * 100) == 0
    assert legs[0][0].date() == MIDDLE


def test_a_long_journal_goes_on_in_a_further_sheet(rich: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROWS_PER_SHEET", 10)
    book = openpyxl.load_workbook(io.BytesIO(written(Format.XLSX)))
    assert book.sheetnames[:3] == ["Balances", "Journal", "Journal 2"]
    counts = [sheet.max_row - 1 for sheet in book.worksheets[1:]]
    assert set(counts[:-1]) == {10}
    assert sum(counts) == len([row for row in _rows(written(Format.CSV)) if row["row"] == "entry"])


def test_the_journal_is_read_in_batches(rich: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "BATCH", 4)
    progress: list[tuple[int, int]] = []
    found: Journal = service.journal(None, None, now=NOW, progress=lambda done, total: progress.append((done, total)))
    seen: list[str] = []

    def note(*args: object) -> None:
        seen.append(str(args[2]))

    event.listen(db.engine, "before_cursor_execute", note)
    transfers = list(found.transfers)
    event.remove(db.engine, "before_cursor_execute", note)
    assert len([statement for statement in seen if "FROM transfer" in statement]) == -(-len(transfers) // 4) + 1
    assert all("LIMIT" in statement for statement in seen if "FROM transfer" in statement)
    assert progress[-1] == (len(transfers), len(transfers))


def test_the_journal_stands_still_while_it_is_written(rich: None) -> None:
    """What is booked meanwhile, by another connection, is not in it: else its balances would not follow."""
    before = held()
    found = service.journal(None, None, now=NOW)
    pieces = service.written(found, Format.CSV)
    next(pieces)
    _book_elsewhere()
    rows = _rows(b"".join(pieces).replace(b"row,", b"\xef\xbb\xbfrow,", 1))
    entries = sum(
        round(Decimal(row["amount"]) * 100) for row in rows if row["row"] == "entry" and row["account"] == "bank"
    )
    assert entries == before["Assets:Bank:Unrestricted"]


def _book_elsewhere() -> None:
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def book() -> None:
        with app.app_context():
            put_in(99_00)
            db.session.remove()

    thread = Thread(target=book)
    thread.start()
    thread.join()


def test_days_that_are_no_period_are_refused(app: Flask) -> None:
    with pytest.raises(RuleBroken, match="before the first"):
        service.journal(MIDDLE, DAY, now=NOW)
