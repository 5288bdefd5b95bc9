"""The PDF layer, by what a reader, a screen reader and a printer get from it."""

import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject

from fund.documents.layer import (
    MOST_CHARACTERS,
    MOST_ROWS,
    Block,
    Facts,
    Heading,
    Paper,
    Points,
    Table,
    Text,
    plain,
    render,
    wrap,
)

MADE_AT = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


def paper(*blocks: Block, title: str = "Receipt", made_at: datetime = MADE_AT) -> Paper:
    return Paper(title, "RC-2026-001", "Irwell Collaboration Fund", "1 Example Street\nManchester", made_at, blocks)


EVERYTHING = paper(
    Facts((("Received from", "Öresund & Łódź"), ("Amount", "£12,500"))),
    Heading("What it is for"),
    Text("First paragraph.\nSecond paragraph."),
    Heading("Smaller", 3),
    Points(("one", "two")),
    Table((("Line", 3), ("Amount", 1)), (("Room", "£1"), ("In all", "£1")), frozenset({1}), True),
)


def read(content: bytes) -> PdfReader:
    return PdfReader(BytesIO(content), strict=True)


def words(content: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in read(content).pages).split())


def elements(reader: PdfReader) -> list[tuple[str, DictionaryObject]]:
    """(role, element) in reading order."""
    found: list[tuple[str, DictionaryObject]] = []

    def walk(node: Any) -> None:
        node = node.get_object()
        if "/S" in node:
            found.append((node["/S"], node))
        kids = node.get("/K")
        for kid in kids if isinstance(kids, ArrayObject) else [kids]:
            if isinstance(kid.get_object(), DictionaryObject) and kid.get_object().get("/Type") != "/MCR":
                walk(kid)

    walk(reader.trailer["/Root"]["/StructTreeRoot"])
    return found


def test_the_same_paper_gives_the_same_bytes() -> None:
    assert render(EVERYTHING) == render(EVERYTHING)


def test_another_process_gives_the_same_bytes() -> None:
    code = (
        "import sys; from fund.documents.layer import render; from tests.fund.documents.test_layer import EVERYTHING; "
        "sys.stdout.buffer.write(render(EVERYTHING))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[3],
        env={"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "PATH": "/usr/bin:/bin"},
    )
    assert elsewhere.stdout == render(EVERYTHING)


def test_another_time_or_word_gives_other_bytes_and_another_file_id() -> None:
    later = paper(*EVERYTHING.blocks, made_at=datetime(2026, 6, 1, 9, 1, tzinfo=UTC))
    other = paper(*EVERYTHING.blocks, title="Receipts")
    contents = [render(EVERYTHING), render(later), render(other)]
    assert len(set(contents)) == 3
    assert len({str(read(content).trailer["/ID"]) for content in contents}) == 3


def test_the_text_can_be_read_in_order() -> None:
    text = words(render(EVERYTHING))
    wanted = [
        "Receipt",
        "Received from",
        "Öresund & Łódź",
        "£12,500",
        "First paragraph.",
        "Second",
        "one",
        "Room",
        "In all",
    ]
    places = [text.index(part) for part in wanted]
    assert places == sorted(places)


def test_it_says_what_it_is() -> None:
    reader = read(render(EVERYTHING))
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "en-GB"
    assert root["/MarkInfo"]["/Marked"].value is True
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value is True
    assert reader.metadata is not None
    assert reader.metadata.title == "Receipt RC-2026-001"
    assert reader.metadata.author == "Irwell Collaboration Fund"
    assert reader.metadata.creation_date == MADE_AT
    xmp = reader.xmp_metadata
    assert xmp is not None
    assert xmp.dc_title == {"x-default": "Receipt RC-2026-001"}
    assert xmp.dc_language == ["en-GB"]


def test_every_typeface_is_embedded() -> None:
    fonts: dict[str, DictionaryObject] = {}
    for page in read(render(EVERYTHING)).pages:
        for font in page["/Resources"]["/Font"].values():
            fonts[font.get_object()["/BaseFont"]] = font.get_object()
    assert {name.split("+")[1] for name in fonts} == {"SourceSansPro-Regular", "SourceSansPro-Semibold"}
    for font in fonts.values():
        assert "/FontFile2" in font["/FontDescriptor"]
        assert "/ToUnicode" in font


def test_the_structure_says_what_each_part_is() -> None:
    found = elements(read(render(EVERYTHING)))
    roles = [role.removeprefix("/") for role, _ in found]
    assert roles[:8] == ["Document", "H1", "Table", "TR", "TH", "TD", "TR", "TH"]
    assert roles[9:] == [
        "H2", "P", "P", "H3", "L", "LI", "Lbl", "LBody", "LI", "Lbl", "LBody",
        "Table", "TR", "TH", "TH", "TR", "TD", "TD", "TR", "TD", "TD",
    ]  # fmt: skip
    scopes = [element["/A"]["/Scope"] for role, element in found if role == "/TH"]
    assert scopes == ["/Row", "/Row", "/Column", "/Column"]


@pytest.mark.parametrize("content", [render(EVERYTHING), render(paper(Text("word " * 3000)))], ids=["short", "long"])
def test_every_mark_on_a_page_is_tagged_or_furniture(content: bytes) -> None:
    """Nothing that draws stands outside marked content, and the tree and the pages agree on every mark."""
    reader = read(content)
    numbers = reader.trailer["/Root"]["/StructTreeRoot"]["/ParentTree"]["/Nums"]
    by_page = {numbers[i]: numbers[i + 1].get_object() for i in range(0, len(numbers), 2)}
    for page in reader.pages:
        depth, seen = 0, []
        for operands, operator in page.get_contents().operations:  # type: ignore[union-attr]
            if operator in (b"BDC", b"BMC"):
                depth += 1
                if operator == b"BDC" and "/MCID" in operands[1]:
                    seen.append((operands[1]["/MCID"], operands[0]))
            elif operator == b"EMC":
                depth -= 1
            elif operator in (b"Tj", b"TJ", b"S", b"f", b"f*", b"B", b"Do"):
                assert depth > 0, f"{operator!r} is neither tagged nor furniture"
        assert depth == 0
        parents = by_page[page["/StructParents"]]
        assert [mcid for mcid, _ in seen] == list(range(len(parents)))
        for mcid, role in seen:
            assert parents[mcid].get_object()["/S"] == role


def test_markup_is_shown_as_it_was_typed() -> None:
    hostile = '<img src="/etc/passwd"> <b>bold &amp; <unclosed (\\ %PDF endobj) Tj'
    text = words(render(paper(Text(hostile), Facts(((hostile, hostile),)), title=hostile)))
    assert text.count(hostile) == 4
    assert "root:" not in text


def test_what_the_typeface_lacks_is_marked_and_kept() -> None:
    content = render(paper(Text("شكرا جزيلا and 🎉 thanks"), title="谢谢"))
    text = words(content)
    assert "☐☐☐☐ ☐☐☐☐☐ and ☐ thanks" in text
    assert "stands for a letter or sign that this typeface can't show" in text
    kept = "شكرا جزيلا and 🎉 thanks ".strip().encode("utf-16-be").hex().encode()
    assert any(kept in page.get_contents().get_data() for page in read(content).pages)  # type: ignore[union-attr]


def test_nothing_invisible_gets_in() -> None:
    assert plain("a\u202eb\u200bc\x00d\x07e\r\nf\u2066g\u00adh") == "abcde\nfgh"
    assert plain("e\u0301") == "é"


@pytest.mark.parametrize("unit", ["word ", "x", "🎉", "\n", "a\n", "<b>", "é ", "‮"])
def test_two_hundred_thousand_characters_take_seconds_and_are_cut(unit: str) -> None:
    long = unit * (200_000 // len(unit))
    started = time.monotonic()
    content = render(paper(Text(long), Facts((("Name", long),))))
    assert time.monotonic() - started < 20
    text = words(content)
    if len(plain(long)) > MOST_CHARACTERS:
        left_out = len(plain(long)) - MOST_CHARACTERS
        assert text.count(f"[{left_out:,} more characters are in the fund's records and not printed here.]") == 2


def test_a_long_table_says_what_it_leaves_out_and_heads_every_page() -> None:
    rows = tuple((f"Line {number}", "£1") for number in range(MOST_ROWS + 5))
    content = render(paper(Table((("What for", 3), ("How much", 1)), rows)))
    pages = [page.extract_text() for page in read(content).pages]
    assert all("How much" in page for page in pages[:-1])
    assert "5 more rows are in the fund's records" in " ".join(pages[-1].split())
    assert f"Line {MOST_ROWS - 1}" in " ".join(pages)


def test_a_row_higher_than_a_page_goes_on_over_the_next() -> None:
    content = render(paper(Table((("A", 1), ("B", 1)), (("tall " * 2000, "short"),))))
    assert words(content).count("tall") == 2000
    assert len(read(content).pages) > 2


def test_lines_fit_and_lose_nothing() -> None:
    render(EVERYTHING)  # registers the typefaces
    text = "a bb ccc " * 30 + "W" * 500
    lines = wrap(text, "SourceSansPro", 10, 120)
    from reportlab.pdfbase.pdfmetrics import stringWidth

    assert all(stringWidth(line.rstrip(), "SourceSansPro", 10) <= 120 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_an_empty_paper_is_still_a_page() -> None:
    assert len(read(render(paper(Text(""), Points(()), Facts(()), title=""))).pages) == 1


@pytest.mark.skipif(shutil.which("pdffonts") is None, reason="poppler-utils is not installed")
def test_poppler_reads_it_as_tagged_and_embedded(tmp_path: Path) -> None:
    file = tmp_path / "paper.pdf"
    file.write_bytes(render(EVERYTHING))
    fonts = subprocess.run(["pdffonts", str(file)], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    assert fonts
    assert all(line.split()[-5] == "yes" for line in fonts), fonts
    about = subprocess.run(["pdfinfo", str(file)], capture_output=True, text=True, check=True).stdout
    assert "Tagged:          yes" in about
