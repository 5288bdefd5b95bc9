"""Statement files with known contents: every verdict, figure and entry of the shared index."""

import csv
import re
from collections import defaultdict
from datetime import date
from decimal import Decimal
from functools import cache
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.bank.files import read
from ledger.bank.reading import ReadStatement, Unreadable, joined, statement_faults
from ledger.bank.rules import identify

_COMMENTED = tuple(f"real/ofx/libofx__ofx_{name}_stmtrs_example" for name in ("spec160", "spec201"))
"""A comment follows their balance of 200.29, over which the index's reader stumbled."""
Rows = dict[str, list[dict[str, str]]]


def rows_by_file(path: Path) -> Rows:
    found: Rows = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["file"]].append(row)
    return found


@pytest.fixture(scope="module")
def index(shared_data: Path) -> Rows:
    found = rows_by_file(shared_data / "bank" / "index.csv")
    assert len(found) > 230
    return found


@pytest.fixture(scope="module")
def listed_entries(shared_data: Path) -> Rows:
    return rows_by_file(shared_data / "bank" / "entries.csv")


def judged(content: bytes) -> tuple[list[ReadStatement], list[str]]:
    """The statements, if they could be read, and every reason to refuse them."""
    try:
        statements = read(content)
    except Unreadable as unreadable:
        return [], list(unreadable.reasons)
    reasons = [reason for statement in statements for reason in statement_faults(statement)]
    return statements, reasons


@cache
def judged_file(path: Path) -> tuple[list[ReadStatement], list[str]]:
    return judged(path.read_bytes())


def verdict(statements: list[ReadStatement], reasons: list[str]) -> str:
    return "refuse" if reasons else "ask" if any(one.questions for one in statements) else "accept"


def sentences(statements: list[ReadStatement], reasons: list[str]) -> list[str]:
    return reasons + [question.sentence for one in statements for question in one.questions]


def pence(written: str) -> Decimal | None:
    return Decimal(written) if written else None


def test_every_verdict(index: Rows, shared_data: Path) -> None:
    wrong = []
    for name, rows in index.items():
        statements, reasons = judged_file(shared_data / "bank" / name)
        found = verdict(statements, reasons)
        if {found} != {row["verdict"] for row in rows}:
            wrong.append((name, found, rows[0]["verdict"], sentences(statements, reasons)))
    assert wrong == []


def test_every_figure(index: Rows, shared_data: Path) -> None:
    compared = 0
    for name, rows in index.items():
        statements, _ = judged_file(shared_data / "bank" / name)
        if not statements or not rows[0]["entries_booked"]:
            continue
        assert len(statements) == len(rows), name
        for statement, row in zip(statements, rows, strict=True):
            amounts = [entry.amount_pence for entry in statement.entries]
            assert len(amounts) == int(row["entries_booked"]), name
            assert statement.left_out == int(row["entries_not_booked"]), name
            assert sum(amount for amount in amounts if amount > 0) == pence(row["credits_minor"]), name
            assert -sum(amount for amount in amounts if amount < 0) == pence(row["debits_minor"]), name
            assert statement.opening_pence == pence(row["opening_minor"]), name
            closing = Decimal(20029) if name.startswith(_COMMENTED) else pence(row["closing_minor"])
            assert statement.closing_pence == closing, name
            if row["currency"] in ("GBP", "EUR"):
                assert (statement.currency or "GBP") == row["currency"], name
            if row["account"]:
                assert statement.account.fits(identify(row["account"])), name
            compared += 1
    assert compared >= 150


def day_as_listed(written: str) -> date:
    """QIF's days stand in the listing as they stand in the file, day first."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", written):
        return date.fromisoformat(written)
    day, month, year = map(int, re.split(r"[/']", written))
    return date(year if year > 99 else 2000 + year, month, day)


def test_every_entry(listed_entries: Rows, shared_data: Path) -> None:
    compared = 0
    for name, listed_rows in listed_entries.items():
        statements, _ = judged_file(shared_data / "bank" / name)
        read_rows = [(number, entry) for number, statement in enumerate(statements, 1) for entry in statement.entries]
        assert len(read_rows) == len(listed_rows), name
        is_qif = name.endswith(".qif")
        rows = listed_rows
        if is_qif and day_as_listed(rows[0]["booking_date"]) > day_as_listed(rows[-1]["booking_date"]):
            rows = rows[::-1]
        for (number, entry), row in zip(read_rows, rows, strict=True):
            assert number == int(row["statement"]), name
            assert entry.booked_on == day_as_listed(row["booking_date"]), name
            assert entry.amount_pence == int(row["amount_minor"]), name
            assert entry.bank_reference == row["bank_reference"], name
            listed = row["text"].lstrip("'")  # the listing is cut at 300 characters
            said = entry.remittance[:300] if len(listed) == 300 else entry.remittance
            assert " ".join(said.split()) == " ".join(listed.split()), name
            if row["value_date"]:
                assert entry.valued_on == date.fromisoformat(row["value_date"]), name
            if name.endswith((".xml", ".ofx")) or is_qif:
                assert entry.counterparty == re.sub(r"\s+, [0-9.]+$", "", unescape(row["name"])), name
            if name.endswith(".xml"):
                assert entry.is_reversal is (row["reversal"] == "true"), name
                assert len(entry.details) == int(row["details"]), name
            compared += 1
    assert compared == sum(map(len, listed_entries.values()))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("camt053/amount_comma.xml", ["Entry 1: 2.500,00 is not a number"]),
        ("camt053/amount_negative.xml", ["Entry 1", "negative", "CdtDbtInd"]),
        ("camt053/amount_three_decimals.xml", ["Entry 1", "two decimals, found 2500.005"]),
        ("camt053/entry_missing_sum_short.xml", ["£125 apart"]),
        ("camt053/euro_account.xml", ["in EUR"]),
        ("camt053/huge_amount_17_digits.xml", ["£999,999,999,999,999.99"]),
        ("camt053/impossible_date.xml", ["Entry 1: 2026-02-30 is not a date"]),
        ("camt053/no_booking_date.xml", ["Entry 1 has no booking date"]),
        ("camt053/no_closing_balance.xml", ["closing balance is missing"]),
        ("camt053/page_2_of_2.xml", ["opening balance is missing"]),
        ("camt053/one_euro_entry_in_gbp_account.xml", ["Entry 2 is in EUR"]),
        ("camt053/wrong_closing_balance.xml", ["£9 apart"]),
        ("ofx/amount_with_currency_sign.ofx", ["Entry 2: £"]),
        ("ofx/bad_date.ofx", ["Entry 3: 20263103 is not a date"]),
        ("ofx/balance_date_later.ofx", ["after the last entry"]),
        ("ofx/entity_expansion_bomb.ofx", ["document type declaration"]),
        ("ofx/no_ledger_balance.ofx", ["What was the balance after"]),
        ("ofx/same_fitid_two_entries.ofx", ["2 entries share", "Are they all real?"]),
        ("ofx/thousands_comma.ofx", ["Entry 1: 2,500.00 is no amount"]),
        ("ofx/truncated.ofx", ["cut off"]),
        ("mt940/amount_with_point.sta", ["has a point"]),
        ("mt940/euro_account.sta", ["in EUR"]),
        ("mt940/february_30.sta", ["Entry 1: 2602300302 is not a day"]),
        ("mt940/interim_mt942.sta", ["interim report (MT942)"]),
        ("mt940/no_closing_balance.sta", ["closing balance is missing"]),
        ("mt940/page_2_missing.sta", ["next page is missing"]),
        ("mt940/truncated_in_line.sta", ["Entry 9: '2603120312' is cut off"]),
        ("mt940/wrong_closing_balance.sta", ["£1 apart"]),
        ("csv/lloyds_balance_chain_broken.csv", ["running balance breaks", "£10"]),
        ("csv/lloyds_both_in_and_out.csv", ["Row 6 has both"]),
        ("csv/lloyds_nul_byte.csv", ["NUL"]),
        ("csv/lloyds_short_row.csv", ["Row 5 has too few columns"]),
        ("csv/lloyds_unclosed_quote.csv", ["quotation mark is never closed"]),
        ("csv/lloyds_us_dates.csv", ["Row 2: 03/30/2026 is not a day"]),
        ("csv/monzo_currency_usd_row.csv", ["in USD"]),
        ("csv/european_decimals.csv", ["in EUR"]),
        ("csv/barclays_month.csv", ["What was the balance after"]),
        ("csv/hsbc_month.csv", ["which account"]),
        ("csv/pending_rows.csv", ["don't know this bank's layout"]),
        ("qif/ambiguous_dates.qif", ["day-month or as month-day", "02/03/2026"]),
        ("qif/credit_card_type.qif", ["credit card file"]),
        ("qif/invest_type.qif", ["investment file"]),
        ("qif/month_13.qif", ["Record 1: 02/13/2026", "mixed date orders"]),
        ("qif/month_uk_dates.qif", ["What was the balance after"]),
        ("qif/month_uk_dates.qif", ["which account"]),
        ("qif/no_final_caret.qif", ["cut off", "Is its last entry whole?"]),
        ("../real/qif/isaacharrisholt__test_oth_a.qif", ["asset account"]),
        ("../real/qif/isaacharrisholt__test.qif", ["several accounts or kinds"]),
        ("../real/csv/sebastienrousseau__csv_garbled_amount.csv", ["Row 3: 12..34 is not an amount"]),
        ("../real/csv/oca__meta_data_separated_credit_debit.csv", ["in EUR"]),
        ("../real/csv/bank2ynab__2019-03-02_11-50-46_bunq-statement.csv", ["abroad"]),
        ("hostile/deep_nesting.xml", ["not a bank statement"]),
        ("hostile/empty.xml", ["empty"]),
        ("hostile/entity_expansion_bomb.xml", ["document type declaration"]),
        ("hostile/external_entity.xml", ["document type declaration"]),
        ("hostile/login_page_saved_as.xml", ["web page"]),
        ("hostile/only_spaces.csv", ["no rows"]),
        ("hostile/statement.pdf.csv", ["PDF"]),
        ("hostile/truncated.xml", ["cut off"]),
        ("hostile/unknown_version.xml", ["version 99 is not known"]),
        ("hostile/utf8_declared_latin1_bytes.xml", ["byte 0xA3"]),
        ("hostile/wrong_message_pain001.xml", ["payment file (pain.001)"]),
        ("hostile/zip_bomb.zip", ["Archives are not taken"]),
    ],
)
def test_reasons_say_what_is_wrong(shared_data: Path, name: str, words: list[str]) -> None:
    told = sentences(*judged_file(shared_data / "bank" / "authored" / name))
    assert any(all(word in sentence for word in words) for sentence in told), told


def test_several_faults_are_told_together(shared_data: Path) -> None:
    _, reasons = judged_file(shared_data / "bank/authored/csv/lloyds_us_dates.csv")
    assert len(reasons) > 5


def test_statements_of_one_file_are_put_in_order_of_time_and_counted_once(shared_data: Path) -> None:
    folder = shared_data / "bank/authored/camt053"
    whole, remarks = joined(read((folder / "two_statements_out_of_order.xml").read_bytes()))
    assert (whole.opening_pence, whole.closing_pence, len(whole.entries), remarks) == (1843217, 2185762, 16, [])
    assert [entry.booked_on for entry in whole.entries] == sorted(entry.booked_on for entry in whole.entries)
    twice, _ = joined(read((folder / "same_statement_twice.xml").read_bytes()))
    assert len(twice.entries) == 16


# --- without the shared files

_LLOYDS = (
    "Transaction Date,Transaction Type,Sort Code,Account Number,Transaction Description,"
    "Debit Amount,Credit Amount,Balance,\n"
)


def test_a_csv_of_one_day_newest_first_is_turned_by_its_balances() -> None:
    rows = (
        "02/03/2026,FPO,'00-99-01,10203040,SECOND,20.00,,80.00,\n"
        "02/03/2026,FPI,'00-99-01,10203040,FIRST,,50.00,100.00,\n"
    )
    (statement,) = read((_LLOYDS + rows).encode())
    assert [entry.remittance for entry in statement.entries] == ["FIRST", "SECOND"]
    assert (statement.opening_pence, statement.closing_pence) == (50_00, 80_00)
    assert statement.account.shown == "00-99-01 10203040"


_MT940 = ":20:X\n:25:009901/10203040\n:28C:3/1\n:60F:C260301GBP10,00\n{entry}\n:62F:{closing}\n-\n"


@pytest.mark.parametrize(
    ("mark", "pence", "is_reversal"),
    [("C", 250, False), ("D", -250, False), ("RC", -250, True), ("RD", 250, True), ("CR", 250, False)],
)
def test_mt940_marks_say_which_way_money_went(mark: str, pence: int, is_reversal: bool) -> None:
    """RC is a reversed credit, so money out; a letter after C or D is the third of the currency, not a reversal."""
    entry = f":61:2603020302{mark}2,5NTRFNONREF//B1\n:86:FPI A PAYER CLO\nSED"
    closing = f"C260331GBP{(1000 + pence) // 100},{(1000 + pence) % 100:02d}"
    (statement,) = read(_MT940.format(entry=entry, closing=closing).encode())
    (found,) = statement.entries
    assert (found.amount_pence, found.is_reversal, found.remittance) == (pence, is_reversal, "FPI A PAYER CLOSED")
    assert (found.bank_reference, found.end_to_end, statement.account.shown) == ("B1", "", "00-99-01 10203040")
    assert list(statement_faults(statement)) == []


def test_mt940_overdrawn_and_without_a_booking_day() -> None:
    entry = ":61:260302D12,00NTRFREF-7\nSUPPLEMENTARY"
    (statement,) = read(_MT940.format(entry=entry, closing="D260331GBP2,").encode())
    assert (statement.opening_pence, statement.closing_pence) == (10_00, -2_00)
    assert (statement.entries[0].booked_on, statement.entries[0].end_to_end) == (date(2026, 3, 2), "REF-7")
    assert statement.entries[0].remittance == "SUPPLEMENTARY"


_OFX = (
    "OFXHEADER:100\n\n<OFX><STMTRS><CURDEF>GBP<BANKACCTFROM><BANKID>00-99-01<ACCTID>10203040</BANKACCTFROM>"
    "<BANKTRANLIST><DTSTART>20260301<DTEND>20260331{entries}</BANKTRANLIST>"
    "<LEDGERBAL><BALAMT>-1.5<DTASOF>20260331</LEDGERBAL></STMTRS></OFX>"
)


def test_ofx_newest_first_is_turned_and_keeps_the_day_as_written() -> None:
    entries = (
        "<STMTTRN><DTPOSTED>20260330233000[+1:BST]<TRNAMT>-2.5<FITID>B<NAME>Mums & Dads<MEMO>TWO</STMTTRN>"
        "<STMTTRN><DTPOSTED>20260302<TRNAMT>+1<FITID>A<NAME>Alder &amp; Co<MEMO>ONE</STMTTRN>"
    )
    (statement,) = read(_OFX.format(entries=entries).encode())
    assert [(one.booked_on.day, one.amount_pence, one.counterparty) for one in statement.entries] == [
        (2, 100, "Alder & Co"),
        (30, -250, "Mums & Dads"),
    ]
    assert (statement.opening_pence, statement.closing_pence) == (None, -150)
    assert statement.account.shown == "00-99-01 10203040"
    assert list(statement_faults(statement)) == []


@pytest.mark.parametrize("amount", ["", "1e3", "NaN", "1.234", "--1", "1,000", "£1", "1.0.0"])
def test_an_ofx_amount_that_is_none(amount: str) -> None:
    with pytest.raises(Unreadable, match="Entry 1"):
        read(_OFX.format(entries=f"<STMTTRN><DTPOSTED>20260302<TRNAMT>{amount}</STMTTRN>").encode())


def test_a_month_is_the_same_in_camt_and_in_ofx(shared_data: Path) -> None:
    folder = shared_data / "bank/authored"
    (camt,) = read((folder / "camt053/month_v08.xml").read_bytes())
    for name in ("month_v1", "month_v2", "timezone", "timezone_bst_midnight", "windows1252_pound"):
        (found,) = read((folder / f"ofx/{name}.ofx").read_bytes())
        assert found.closing_pence == camt.closing_pence, name
        assert [(one.booked_on, one.amount_pence) for one in found.entries] == [
            (one.booked_on, one.amount_pence) for one in camt.entries
        ], name


def test_a_month_is_the_same_in_camt_and_in_mt940(shared_data: Path) -> None:
    folder = shared_data / "bank/authored"
    (camt,) = read((folder / "camt053/month_v08.xml").read_bytes())
    for name in ("month", "swift_envelope", "two_pages", "month_lf_no_trailer"):
        (mt940,) = read((folder / f"mt940/{name}.sta").read_bytes())
        assert (mt940.opening_pence, mt940.closing_pence) == (camt.opening_pence, camt.closing_pence), name
        assert [(one.booked_on, one.amount_pence) for one in mt940.entries] == [
            (one.booked_on, one.amount_pence) for one in camt.entries
        ], name


@pytest.mark.parametrize("amount", ["1e3", "--5.00", "5.001", "NaN", "1,00.00", "£", "5,00"])
def test_a_csv_amount_that_is_none(amount: str) -> None:
    content = f'{_LLOYDS}02/03/2026,FPI,\'00-99-01,10203040,X,,"{amount}",50.00,\n'.encode()
    with pytest.raises(Unreadable, match="Row 2"):
        read(content)


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"x", b"<", b"<a/>", b"\xff\xfe", b"\xff\xfe<", b"\x00", b",,,\n,,", b"Date:\nAccount:"]
)
def test_junk_is_refused_with_a_sentence(content: bytes) -> None:
    statements, reasons = judged(content)
    assert reasons or not any(statement.entries for statement in statements)
    assert all(reason.endswith((".", "?")) for reason in reasons)


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("GB30ZZZZ00990110203040", "00990110203040"),
        ("GB30 ZZZZ 0099 0110 2030 40", "00990110203040"),
        ("00-99-01 10203040", "00990110203040"),
        ("XXXX XXXX XXXX 3040", "3040"),
        ("DE89370400440532013000", ""),
        ("", ""),
    ],
)
def test_accounts_are_told_apart_by_what_is_known_of_them(written: str, digits: str) -> None:
    assert identify(written).digits == digits
    assert identify(written).fits(identify("00990110203040"))
    assert identify(written).fits(identify("00990199999999")) is (digits == "")


_PIECES = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.sampled_from(
            [
                _LLOYDS.encode(),
                b"02/03/2026,FPI,'00-99-01,10203040,X,,50.00,50.00,\n",
                b'"',
                b"Date: 02/03/2026\nAccount: X\nAmount: 1.00 GBP\n",
                b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>',
                b"<Ntry><Sts>BOOK</Sts><Amt>1</Amt><CdtDbtInd>CRDT</CdtDbtInd><BookgDt><Dt>2026-03-02</Dt></BookgDt></Ntry>",
                b"</Stmt></BkToCstmrStmt></Document>",
                b"\xff\xfe",
                b"!Type:Bank\n",
                b"D02/03/2026\nT1.00\nPX\n^\n",
                b"Day;Words;Sum\n02/03/2026;X;1,00\n",
                b":20:X\n:25:009901/10203040\n:60F:C260301GBP1,\n",
                b":61:2603020302C2,NTRFNONREF//B\n:86:X\n",
                b":62F:C260331GBP3,\n-\n",
                b":60M:",
                b"OFXHEADER:100\n<OFX><STMTRS><CURDEF>GBP<BANKTRANLIST>",
                b"<STMTTRN><DTPOSTED>20260302<TRNAMT>1.00</STMTTRN>",
                b"</BANKTRANLIST><LEDGERBAL><BALAMT>1.00</LEDGERBAL></STMTRS></OFX>",
            ]
        ),
    ),
    max_size=6,
)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(_PIECES)
def test_whatever_the_bytes_a_file_is_read_or_refused(pieces: list[bytes]) -> None:
    statements, reasons = judged(b"".join(pieces))
    assert statements or reasons
