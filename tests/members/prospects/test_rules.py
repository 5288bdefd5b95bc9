"""Rows, cells and files of lists."""

import io
import time
import zipfile
from contextlib import suppress

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from members.prospects import reading
from members.prospects.reading import Unreadable, as_csv, as_xlsx, read
from members.prospects.rules import (
    COLUMN_NAMES,
    MOST_ROWS,
    Anchor,
    Details,
    column_of,
    escaped,
    likely_form,
    read_row,
    unescaped,
)
from members.rules import LegalForm, Register, split_org_id, words_from

HEAD = "name,org_id,district\n"


def sheet(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("org_id", "parts"),
    [
        ("GB-COH-1234567", (Register.COMPANIES_HOUSE, "01234567")),
        ("gb-chc-1234567", (Register.CHARITY_COMMISSION, "1234567")),
        ("GB-MPR-IP12345R", (Register.MUTUALS, "IP12345R")),
        ("GB-SHPE-L1234", (Register.HOUSING, "L1234")),
        ("GB-NHS-R0A", (Register.NHS, "R0A")),
        ("GB-UKPRN-10000346", (Register.LEARNING_PROVIDERS, "10000346")),
        ("GB-EDU-125554", (Register.SCHOOLS, "125554")),
        ("GB-GOR-D1198", (Register.GOVERNMENT, "D1198")),
        ("GB-GOV-9", (Register.DEPARTMENTS, "9")),
        ("GB-LAE-MAN", (Register.COUNCILS, "MAN")),
        ("GB-NIC-100019", (Register.CHARITIES_NI, "100019")),
        ("GB-SC-SC000587", (Register.CHARITIES_SCOTLAND, "SC000587")),
        ("360G-irwell-Org:aB3", (Register.PUBLISHER, "irwell-Org:aB3")),
        ("GB-SCOTEDU-8212627", None),
        ("US-EIN-11-1111111", None),
        ("none-", None),
        ("1234567", None),
    ],
)
def test_org_ids(org_id: str, parts: tuple[Register, str] | None) -> None:
    assert split_org_id(org_id) == parts


@given(st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=1), st.text("0123456789abcdefghijklmnopqrstuvwxyz"))
def test_words_from_holds_what_begins_so_and_nothing_else(word: str, beginning: str) -> None:
    if beginning:
        first, end = words_from(beginning)
        assert (first <= word and (end is None or word < end)) == word.startswith(beginning) or set(beginning) == {"z"}
        assert first <= beginning + word
        assert end is None or beginning + word < end


@given(st.text())
def test_an_escaped_cell_is_no_formula_and_comes_back(text: str) -> None:
    assert escaped(text)[:1] not in ("=", "+", "-", "@", "\t", "\r") or escaped(text) == ""
    assert unescaped(escaped(text)) == text


@pytest.mark.parametrize("writer", [as_csv, as_xlsx])
@settings(deadline=None, max_examples=40)
@given(names=st.lists(st.text("abcé =+-@',;\"0", min_size=1).filter(str.strip), min_size=1, max_size=5))
def test_written_lists_read_back(writer: object, names: list[str]) -> None:
    rows = [["", "", name, *[""] * 8] for name in names]
    table = read(writer(rows))  # type: ignore[operator]
    assert [cells["name"] for _, cells in table.rows] == [" ".join(name.split()) for name in names]


@pytest.mark.parametrize(
    ("heading", "column"),
    [("Name", "name"), ("ORG ID", "org_id"), ("Contact e-mail", "contact_email"), ("Colour", None)],
)
def test_headings(heading: str, column: str | None) -> None:
    assert column_of(heading) == column


def test_every_column_is_its_own_heading() -> None:
    assert [column_of(name) for name in COLUMN_NAMES] == list(COLUMN_NAMES)


def test_a_row_tells_all_its_faults_at_once() -> None:
    _, faults = read_row(
        7, {"org_id": "GB-COH-12", "kind": "firm", "district": "Leeds", "anchor": "ship", "contact_email": "at home"}
    )
    assert [fault.column for fault in faults] == ["kind", "district", "anchor", "contact_email"]
    _, faults = read_row(8, {"name": "x" * 501, "org_id": "GB-CHC-12"})
    assert [fault.column for fault in faults] == ["name", "org_id"]
    _, faults = read_row(9, {"district": "Bury"})
    assert [fault.column for fault in faults] == ["name"]


def test_a_row_is_read() -> None:
    row, faults = read_row(
        3, {"name": " Alder  Trust ", "org_id": "gb-chc-123 4567", "district": "bury", "anchor": "Health body"}
    )
    assert faults == []
    assert row.details == Details(
        name="Alder Trust",
        register=Register.CHARITY_COMMISSION,
        register_number="1234567",
        district="E08000002",
        anchor=Anchor.HEALTH,
    )


def test_empty_cells_change_nothing() -> None:
    held = Details(name="Alder", legal_form=LegalForm.CHARITY, district="E08000002", contact_email="a@alder.example")
    assert Details(name="Alder").differs_from(held) == {}
    assert Details(name="Alders", district="E08000001").differs_from(held) == {
        "name": "Alders",
        "district": "E08000001",
    }


def test_the_kind_is_guessed_from_the_register() -> None:
    assert likely_form(Register.CHARITIES_SCOTLAND) is LegalForm.CHARITY
    assert likely_form(Register.NHS) is LegalForm.OTHER_PUBLIC_AUTHORITY
    assert likely_form(None) is LegalForm.OTHER


@pytest.mark.parametrize(
    "content",
    [
        (HEAD + "Alder Café,GB-CHC-1234567,Bury\n").encode(),
        (HEAD + "Alder Café,GB-CHC-1234567,Bury\n").encode("utf-8-sig"),
        (HEAD + "Alder Café,GB-CHC-1234567,Bury\n").encode("utf-16"),
        (HEAD + "Alder Café,GB-CHC-1234567,Bury\n").replace(",", ";").encode(),
        (HEAD + "Alder Café,GB-CHC-1234567,Bury\n").replace(",", "\t").encode(),
        ("\n\n" + HEAD + '\n"Alder Café",GB-CHC-1234567,Bury\r\n').encode(),
        sheet(["name", "org_id", "district"], ["Alder Café", "GB-CHC-1234567", "Bury"]),
        sheet([None], ["name", None, "org_id", "District"], [], ["Alder Café", None, "GB-CHC-1234567", "Bury"]),
    ],
    ids=["utf-8", "bom", "utf-16", "semicolon", "tab", "blank lines", "xlsx", "xlsx with gaps"],
)
def test_files_of_every_sort(content: bytes) -> None:
    ((_, cells),) = read(content).rows
    assert cells == {"name": "Alder Café", "org_id": "GB-CHC-1234567", "district": "Bury"}


def test_row_numbers_are_those_of_the_spreadsheet() -> None:
    assert [number for number, _ in read((HEAD + "A,,\n\nB,,\n").encode()).rows] == [2, 4]


def test_numbers_in_a_spreadsheet_are_numbers_of_a_register() -> None:
    table = read(sheet(["name", "contact name"], [1234567.0, 7]))
    assert table.rows[0][1] == {"name": "1234567", "contact_name": "7"}


def test_unknown_columns_are_told() -> None:
    assert read((HEAD.strip() + ",colour\nA,,,red\n").encode()).ignored == ("colour",)


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * (reading.LARGEST_UNPACKED_BYTES + 1))
    return out.getvalue()


def far_down() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["name"])
    book.active.cell(1_048_576, 1, "Alder")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"\xff\xfe", "empty"),
        (b"x" * (reading.LARGEST_FILE_BYTES + 1), "larger than 10 MB"),
        (b"%PDF-1.7", "no CSV or XLSX"),
        (b"\xd0\xcf\x11\xe0old excel", "no CSV or XLSX"),
        (b"PK\x03\x04nonsense", "damaged"),
        (bomb(), "unpacks to too much"),
        (far_down(), "goes on too far down"),
        ((HEAD + "Caf\xe9,,\n").encode("latin-1"), "aren't UTF-8"),
        ((HEAD + "A\x00,,\n").encode(), "damaged on the way"),
        (b"colour,shape\nred,round\n", "none of the headings"),
        (HEAD.encode(), "no rows"),
        ((HEAD + '"Alder,,\n').encode(), "quotation mark"),
        ((HEAD + "Alder, Birch and Co,,Bury,\n").encode(), "more cells than there are headings"),
        ((HEAD + "=1+1,,\n").encode(), "holds a formula"),
        (("name," * 101 + "\nA\n").encode(), "more than 100 columns"),
        ((HEAD + "A,,\n" * (MOST_ROWS + 1)).encode(), "more than 50,000 rows"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hostile_files_are_refused_kindly(content: bytes, why: str) -> None:
    began = time.monotonic()
    with pytest.raises(Unreadable, match=why):
        read(content)
    assert time.monotonic() - began < 30


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for start in (b"", b"name,org_id\n", b"PK\x03\x04", b"\xff\xfe"):
        with suppress(Unreadable):
            assert read(start + content).rows


def test_formulas_of_a_spreadsheet_are_not_run() -> None:
    with pytest.raises(Unreadable, match="no rows"):
        read(sheet(["name"], ['=HYPERLINK("https://example.org","Alder")']))
