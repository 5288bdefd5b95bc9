"""What banks really write in each form, beyond the shared files; and the sets of those that belong together."""

from pathlib import Path

import pytest

from ledger.bank.files import read
from ledger.bank.reading import Answers, Unreadable, answered, joined, statement_faults
from ledger.bank.rules import SeenLine, new_lines
from tests.ledger.bank.files import camt

MONTHS = (
    *(f"mt940/{name}.sta" for name in ("month", "swift_envelope", "two_pages")),
    *(f"ofx/month_v{version}.ofx" for version in (1, 2)),
    *(f"csv/{bank}_month.csv" for bank in ("barclays", "coop", "hsbc", "lloyds", "monzo")),
    *(f"csv/{bank}_month.csv" for bank in ("nationwide", "natwest", "starling")),
    "csv/santander_txt_month.txt",
    "qif/month_uk_dates.qif",
)


@pytest.mark.parametrize("name", MONTHS)
def test_the_same_month_in_every_form_gives_the_same_entries(shared_data: Path, name: str) -> None:
    folder = shared_data / "bank/authored"
    (month,) = read((folder / "camt053/month_v08.xml").read_bytes())
    whole, _ = joined(read((folder / name).read_bytes()))
    found = answered(whole, Answers(is_ours=True, closing_pence=month.closing_pence, is_whole=True))
    assert found.questions == ()
    assert found.closing_pence == month.closing_pence
    assert found.opening_pence in (month.opening_pence, None)
    assert sorted((one.booked_on, one.amount_pence) for one in found.entries) == sorted(
        (one.booked_on, one.amount_pence) for one in month.entries
    )
    seen = [
        [SeenLine(one.booked_on, one.amount_pence, one.bank_reference, one.text, of.form) for one in of.entries]
        for of in (month, found)
    ]
    assert new_lines(seen[0], seen[1]) == []


@pytest.mark.parametrize("version", [f"{number:02d}" for number in range(1, 14)])
def test_every_version_of_camt053(version: str) -> None:
    (statement,) = read(camt([("2026-06-01", 5_00, "Ann", "x")]).replace(b"053.001.08", f"053.001.{version}".encode()))
    assert (statement.closing_pence, len(statement.entries)) == (5_00, 1)


@pytest.mark.parametrize(("message", "words"), [(b"camt.052", "within the day"), (b"camt.054", "single bookings")])
def test_the_relatives_of_camt053_are_refused_with_a_sentence(message: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read(camt([("2026-06-01", 5_00, "Ann", "x")]).replace(b"camt.053", message))


_MT940 = ":20:X\n:25:{account}\n:28C:3/1\n:60F:C260301GBP10,00\n{entry}\n:62F:C260331GBP12,50\n-\n"


@pytest.mark.parametrize("account", ["009901/10203040", "GB30ZZZZ00990110203040", "00990110203040", "009901-10203040"])
@pytest.mark.parametrize(
    "entry",
    [
        ":61:2603020302C2,50NMSCNONREF//B1\n:86:/ORDP//NAME/A PAYER LTD/REMI/GM-0011/ISDT/2026-03-02",
        ":61:2603020302C2,50FTRFREF-7//B1\nSUPPLEMENT\n:86:BANK GIRO CREDIT REF A PAYER, GM-0011\nBGC",
        ":61:260302C2,5S103NONREF\n:86:FASTER PAYMENTS RECEIPT REF.GM-0011\n FROM A PAYER",
        ":61:2603020302CP2,50NCHK000123\r\n:86:CHEQUE PAID IN",
    ],
)
def test_mt940_as_uk_banks_write_it(account: str, entry: str) -> None:
    (statement,) = read(_MT940.format(account=account, entry=entry).encode())
    assert list(statement_faults(statement)) == []
    assert [one.amount_pence for one in statement.entries] == [2_50]
    assert statement.account.shown == "00-99-01 10203040"
    assert statement.entries[0].remittance


_OFX = (
    "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\n\r\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>GBP"
    "<BANKACCTFROM><BANKID>009901<ACCTID>10203040<ACCTTYPE>CHECKING</BANKACCTFROM><BANKTRANLIST>"
    "<DTSTART>20260301<DTEND>20260331{entry}</BANKTRANLIST><LEDGERBAL><BALAMT>12.50<DTASOF>20260331</LEDGERBAL>"
    "</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
)


@pytest.mark.parametrize(
    "entry",
    [
        "<STMTTRN>\r\n<DTPOSTED>20260302\r\n<TRNAMT>2.50\r\n<FITID>1\r\n<NAME>A PAYER\r\n<MEMO>\r\n</STMTTRN>",
        "<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260302120000.000[0:GMT]<TRNAMT>+2.5<FITID>1<NAME>A PAYER</STMTTRN>",
        "<STMTTRN><DTPOSTED>20260302</DTPOSTED><TRNAMT>2.50</TRNAMT><NAME>A PAYER</NAME><MEMO></MEMO></STMTTRN>",
        "<STMTTRN><DTPOSTED>20260302<TRNAMT>2.50<FITID>1<NAME>A PAYER<STMTTRN><DTPOSTED>20260303<TRNAMT>0.00<FITID>2",
    ],
)
def test_ofx_as_banks_write_it(entry: str) -> None:
    (statement,) = read(_OFX.format(entry=entry).encode())
    assert list(statement_faults(statement)) == []
    assert statement.questions == ()
    first = statement.entries[0]
    assert (first.booked_on.day, first.amount_pence, first.counterparty, first.remittance) == (2, 2_50, "A PAYER", "")


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv_with_marks_line_ends_quotes_and_footers(ends: str, mark: str) -> None:
    lines = (
        '"Date","Description","Money In","Money Out","Balance"',
        '"2026-03-31","HALL, ""THE OLD"" ONE","","1,020.00","80.00"',
        '"2026-03-30","PAYER","100.00","","1,100.00"',
        "",
        '"Total","","100.00","1,020.00",""',
    )
    (statement,) = read((mark + ends.join(lines) + ends).encode())
    assert [entry.amount_pence for entry in statement.entries] == [100_00, -1020_00]
    assert (statement.opening_pence, statement.closing_pence) == (1000_00, 80_00)
    assert statement.entries[1].remittance == 'HALL, "THE OLD" ONE'
