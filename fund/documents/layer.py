"""The PDF layer: blocks of words in, a tagged, font-embedded, reproducible PDF out.

Text is drawn as it was typed and never read as markup, so there is nothing to escape; it is cut at MOST_CHARACTERS and
wrapped line by line, so its length costs time in proportion only. The same paper gives the same bytes: nothing of the
machine or the moment goes in but `Paper.made_at`.

What holds and is tested: every mark on a page belongs to a tagged element or is furniture; headings, paragraphs, lists
and tables (with header cells) are tagged as such; the document has a title and a language; every typeface is embedded.
No conformance to PDF/UA is claimed.
"""

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from threading import Lock
from typing import Any
from xml.sax.saxutils import escape

from font_source_sans_pro import font_files_ttf
from reportlab.lib.utils import TimeStamp
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfdoc import PDFName, PDFStream
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from fund.documents.tags import Element, Tags

MOST_CHARACTERS = 60_000
"""Of one piece of text. What is longer is cut, and the document says so."""
MOST_PARAGRAPHS = 1_000
"""Of one piece of text. The rest runs on in the last one."""
MOST_ROWS = 2_000
LANGUAGE = "en-GB"

_REGULAR, _BOLD = "SourceSansPro", "SourceSansProSemibold"
_WIDTH, _HEIGHT = 595.28, 841.89  # A4, in points as every length here
_MARGIN, _TOP, _BOTTOM = 62.0, 64.0, 70.0
_INK, _QUIET, _LINE, _BAND = (0.10, 0.13, 0.17), (0.32, 0.36, 0.41), (0.72, 0.75, 0.79), (0.94, 0.95, 0.96)
_UNPRINTABLE = "☐"
_rendering = Lock()  # a reportlab typeface serves one document at a time


@dataclass(frozen=True)
class Heading:
    """A heading of level 2 or 3; the paper's title is the one of level 1."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """Paragraphs, parted by line ends."""

    text: str
    quiet: bool = False


@dataclass(frozen=True)
class Points:
    """A list with bullets."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Names and values: a table whose first column names the row."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """A table with a header row.

    Attributes:
        columns: heading and relative width of each.
        rows: as many cells as columns.
        figures: indexes of the columns that are set to the right.
        total: whether the last row is a total and stands out.
    """

    columns: tuple[tuple[str, int], ...]
    rows: tuple[tuple[str, ...], ...]
    figures: frozenset[int] = frozenset()
    total: bool = False


Block = Heading | Text | Points | Facts | Table


@dataclass(frozen=True)
class Paper:
    """One document.

    Attributes:
        title: what it is; the heading of its first page.
        reference: the human reference, repeated on every page.
        issuer: name of the society.
        issuer_address: where it can be written to.
        made_at: the instant it speaks of, aware; goes into the file as its date.
        blocks: what it says.
    """

    title: str
    reference: str
    issuer: str
    issuer_address: str
    made_at: datetime
    blocks: tuple[Block, ...]


def render(paper: Paper) -> bytes:
    """The PDF of `paper`."""
    with _rendering:
        return _Setter(paper).set()


@cache
def _typefaces() -> None:
    for name in (_REGULAR, _BOLD):
        pdfmetrics.registerFont(TTFont(name, font_files_ttf[name]))


@cache
def _printable() -> frozenset[int]:
    """Code points that both typefaces can show."""
    return frozenset.intersection(*(frozenset(_face(name).charToGlyph) for name in (_REGULAR, _BOLD)))


def _face(name: str) -> Any:
    font: Any = pdfmetrics.getFont(name)
    return font.face


def plain(text: str) -> str:
    """Text as it is drawn: composed, one kind of line end, nothing invisible (controls, direction marks, joiners)."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    "))
    return "".join(
        c for c in text if c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    )


def grouped(fingerprint: str) -> str:
    """A SHA-256 in four groups, for people who compare two of them."""
    return " ".join(fingerprint[i : i + 16] for i in range(0, len(fingerprint), 16))


def cut(text: str) -> str:
    """`text`, or as much of it as one piece may hold with a sentence that says how much is left out."""
    text = plain(text)
    if len(text) <= MOST_CHARACTERS:
        return text
    left_out = len(text) - MOST_CHARACTERS
    return f"{text[:MOST_CHARACTERS]}\n[{left_out:,} more characters are in the fund's records and not printed here.]"


def _shown(text: str) -> str:
    known = _printable()
    return "".join(c if ord(c) in known else _UNPRINTABLE for c in text)


def wrap(text: str, font: str, size: float, width: float) -> list[str]:
    """`text` of one paragraph as lines no wider than `width`; a word that is wider is broken."""
    lines: list[str] = []
    line, used = "", 0.0
    space = _measure(" ", font, size)
    for word in text.split():
        length = _measure(word, font, size)
        if line and used + space + length <= width:
            line, used = f"{line} {word}", used + space + length
            continue
        if line:
            lines.append(f"{line} ")  # the space parts the words for who copies or listens
        *whole, word = _broken(word, font, size, width) if length > width else [word]
        lines += whole
        line, used = word, _measure(word, font, size)
    return [*lines, line] if line or not lines else lines


def _measure(text: str, font: str, size: float) -> float:
    return float(pdfmetrics.stringWidth(_shown(text), font, size))


def _broken(word: str, font: str, size: float, width: float) -> list[str]:
    parts, part, used = [], "", 0.0
    for character in word:
        length = _measure(character, font, size)
        if part and used + length > width:
            parts.append(part)
            part, used = "", 0.0
        part, used = part + character, used + length
    return [*parts, part]


@dataclass(frozen=True)
class _Cell:
    lines: list[str]
    font: str
    right: bool = False
    colour: tuple[float, float, float] = _INK


class _Setter:
    """Sets one paper, from the top of the first page down."""

    def __init__(self, paper: Paper) -> None:
        _typefaces()
        self.paper = paper
        self.file = BytesIO()
        canvas: Any = Canvas  # reportlab's stubs take the name of a typeface for a number
        self.canvas = canvas(
            self.file,
            pagesize=(_WIDTH, _HEIGHT),
            invariant=1,
            pageCompression=1,
            pdfVersion=(1, 7),
            initialFontName=_REGULAR,
        )
        self.tags = Tags(self.canvas)
        self.width = _WIDTH - 2 * _MARGIN
        self.page = 0
        self.missed = False
        self.y = 0.0
        self._begin_page()

    def set(self) -> bytes:
        self._title()
        for block in self.paper.blocks:
            self._block(block)
        if self.missed:
            note = (
                f"{_UNPRINTABLE} stands for a letter or sign that this typeface can't show. The fund's records keep it."
            )
            self._block(Text(note, quiet=True))
        self._end_page()
        self._describe()
        self.canvas.save()
        return self.file.getvalue()

    # --- pages

    def _begin_page(self) -> None:
        self.page += 1
        self.y = _HEIGHT - _TOP

    def _end_page(self) -> None:
        with self.tags.furniture():
            self.canvas.setStrokeColorRGB(*_LINE)
            self.canvas.setLineWidth(0.5)
            self.canvas.line(_MARGIN, _BOTTOM - 18, _WIDTH - _MARGIN, _BOTTOM - 18)
            room = self.width - 120
            left = f"{self.paper.issuer}, {' '.join(self.paper.issuer_address.split())}"
            self._string(_MARGIN, _BOTTOM - 32, wrap(plain(left), _REGULAR, 8, room)[0], _REGULAR, 8, _QUIET)
            right = f"{plain(self.paper.reference)} · page {self.page}"
            at = _WIDTH - _MARGIN - _measure(right, _REGULAR, 8)
            self._string(at, _BOTTOM - 32, right, _REGULAR, 8, _QUIET)
        self.tags.end_page()

    def _room(self, height: float) -> None:
        """Start a new page unless `height` fits on this one."""
        if self.y - height < _BOTTOM:
            self._end_page()
            self._begin_page()

    # --- words

    def _string(
        self, x: float, y: float, text: str, font: str, size: float, colour: tuple[float, float, float] = _INK
    ) -> None:
        shown = _shown(text)
        self.canvas.setFont(font, size)
        self.canvas.setFillColorRGB(*colour)
        self.canvas.drawString(x, y, shown)

    def _line(
        self, x: float, y: float, text: str, font: str, size: float, colour: tuple[float, float, float] = _INK
    ) -> None:
        """A line inside a tagged element; what the typeface can't show is kept as the text it stands for."""
        if _shown(text) == text:
            self._string(x, y, text, font, size, colour)
            return
        self.missed = True
        with self.tags.reads_as(text):
            self._string(x, y, text, font, size, colour)

    def _lines(
        self,
        element: Element,
        lines: list[str],
        font: str,
        size: float,
        *,
        indent: float = 0,
        keep: int = 2,
        colour: tuple[float, float, float] = _INK,
    ) -> None:
        """Lines of one paragraph, over as many pages as they need; `keep` lines stay together at its start."""
        leading = size * 1.4
        while lines:
            self._room(leading * min(keep, len(lines)))
            fitting = max(1, int((self.y - _BOTTOM) // leading))
            with self.tags.draw(element):
                for line in lines[:fitting]:
                    self.y -= leading
                    self._line(_MARGIN + indent, self.y + size * 0.3, line, font, size, colour)
            lines = lines[fitting:]

    def _paragraphs(self, text: str) -> list[str]:
        paragraphs = [line for line in cut(text).split("\n") if line.strip()]
        if len(paragraphs) > MOST_PARAGRAPHS:
            paragraphs[MOST_PARAGRAPHS - 1 :] = [" ".join(paragraphs[MOST_PARAGRAPHS - 1 :])]
        return paragraphs

    # --- blocks

    def _title(self) -> None:
        with self.tags.furniture():
            self._string(_MARGIN, self.y, wrap(plain(self.paper.issuer), _BOLD, 10, self.width)[0], _BOLD, 10, _QUIET)
        self.y -= 14
        heading = self.tags.child(self.tags.document, "H1")
        self._lines(heading, wrap(plain(self.paper.title)[:600], _BOLD, 22, self.width), _BOLD, 22)
        self.y -= 10

    def _block(self, block: Block) -> None:
        if isinstance(block, Heading):
            self._heading(block)
        elif isinstance(block, Text):
            self._text(block)
        elif isinstance(block, Points):
            self._points(block)
        elif isinstance(block, Facts):
            self._facts(block)
        else:
            self._table(block)

    def _heading(self, block: Heading) -> None:
        size = 14 if block.level == 2 else 11.5
        self._room(size * 1.4 + (110 if block.level == 2 else 50))  # a heading stays with what it heads
        self.y -= 10
        element = self.tags.child(self.tags.document, f"H{block.level}")
        self._lines(element, wrap(plain(block.text)[:600], _BOLD, size, self.width), _BOLD, size)
        self.y -= 3

    def _text(self, block: Text) -> None:
        size, colour = (9.0, _QUIET) if block.quiet else (10.5, _INK)
        for paragraph in self._paragraphs(block.text):
            element = self.tags.child(self.tags.document, "P")
            self._lines(element, wrap(paragraph, _REGULAR, size, self.width), _REGULAR, size, colour=colour)
            self.y -= 6

    def _points(self, block: Points) -> None:
        the_list = self.tags.child(self.tags.document, "L")
        for item in block.items[:MOST_ROWS]:
            entry = self.tags.child(the_list, "LI")
            label, body = self.tags.child(entry, "Lbl"), self.tags.child(entry, "LBody")
            for number, paragraph in enumerate(self._paragraphs(item)):
                lines = wrap(paragraph, _REGULAR, 10.5, self.width - 16)
                self._room(10.5 * 1.4 * min(2, len(lines)))
                if number == 0:
                    with self.tags.draw(label):
                        self._string(_MARGIN + 4, self.y - 10.5 * 1.1, "•", _REGULAR, 10.5)
                self._lines(body, lines, _REGULAR, 10.5, indent=16)
            self.y -= 3
        self.y -= 4

    def _facts(self, block: Facts) -> None:
        table = self.tags.child(self.tags.document, "Table")
        widths = [self.width * 0.32, self.width * 0.68]
        for name, value in block.rows[:MOST_ROWS]:
            row = self.tags.child(table, "TR")
            cells = [
                self.tags.child(row, "TH", scope="Row"),
                self.tags.child(row, "TD"),
            ]
            self._row(cells, [self._cell(name, _BOLD, widths[0]), self._cell(value, _REGULAR, widths[1])], widths)
        self.y -= 8

    def _table(self, block: Table) -> None:
        table = self.tags.child(self.tags.document, "Table")
        total = sum(weight for _, weight in block.columns)
        widths = [self.width * weight / total for _, weight in block.columns]
        heads = [
            self._cell(title, _BOLD, widths[i], right=i in block.figures) for i, (title, _) in enumerate(block.columns)
        ]
        row = self.tags.child(table, "TR")
        self._row([self.tags.child(row, "TH", scope="Column") for _ in heads], heads, widths, banded=True)
        rows = block.rows[:MOST_ROWS]
        for number, values in enumerate(rows):
            last = block.total and number == len(rows) - 1
            cells = [
                self._cell(value, _BOLD if last else _REGULAR, widths[i], right=i in block.figures)
                for i, value in enumerate(values)
            ]
            row = self.tags.child(table, "TR")
            self._row([self.tags.child(row, "TD") for _ in cells], cells, widths, again=heads, banded=last)
        self.y -= 8
        if len(block.rows) > MOST_ROWS:
            left_out = len(block.rows) - MOST_ROWS
            self._block(Text(f"{left_out:,} more rows are in the fund's records and not printed here.", quiet=True))

    def _cell(self, text: str, font: str, width: float, *, right: bool = False) -> _Cell:
        lines = [line for paragraph in self._paragraphs(text) for line in wrap(paragraph, font, 10, width - 12)]
        return _Cell(lines or ["—"], font, right)

    def _row(
        self,
        elements: list[Element],
        cells: list[_Cell],
        widths: list[float],
        *,
        again: list[_Cell] | None = None,
        banded: bool = False,
    ) -> None:
        """A row of a table. One that is higher than what is left of the page goes on over the next; `again` is the
        header row, drawn anew as furniture at the top of each page that the table goes on over."""
        leading, padding = 13.5, 8.0
        left = [cell.lines for cell in cells]
        while any(left):
            height = max(len(lines) for lines in left) * leading + padding
            if self.y - min(height, 4 * leading + padding) < _BOTTOM:
                self._room(_HEIGHT)
                if again is not None:
                    self._draw_cells(again, [cell.lines for cell in again], widths, None, banded=True)
            fitting = max(1, int((self.y - _BOTTOM - padding) // leading))
            self._draw_cells(cells, [lines[:fitting] for lines in left], widths, elements, banded=banded)
            left = [lines[fitting:] for lines in left]

    def _draw_cells(
        self,
        cells: list[_Cell],
        lines: list[list[str]],
        widths: list[float],
        elements: list[Element] | None,
        *,
        banded: bool,
    ) -> None:
        """Lines of cells side by side, into their elements, or as furniture where there are none."""
        leading, padding, size = 13.5, 8.0, 10
        height = max(len(part) for part in lines) * leading + padding
        with self.tags.furniture():
            if banded:
                self.canvas.setFillColorRGB(*_BAND)
                self.canvas.rect(_MARGIN, self.y - height, self.width, height, stroke=0, fill=1)
            self.canvas.setStrokeColorRGB(*_LINE)
            self.canvas.setLineWidth(0.5)
            self.canvas.line(_MARGIN, self.y - height, _MARGIN + self.width, self.y - height)
        x = _MARGIN
        for index, (cell, part) in enumerate(zip(cells, lines, strict=True)):
            if part:
                with self.tags.draw(elements[index]) if elements else self.tags.furniture():
                    self._cell_lines(cell, part, x, widths[index], size, leading)
            x += widths[index]
        self.y -= height

    def _cell_lines(self, cell: _Cell, lines: list[str], x: float, width: float, size: float, leading: float) -> None:
        y = self.y - 4
        for line in lines:
            y -= leading
            at = x + width - 6 - _measure(line.rstrip(), cell.font, size) if cell.right else x + 6
            self._line(at, y + size * 0.3, line, cell.font, size, cell.colour)

    # --- what the file says of itself

    def _describe(self) -> None:
        canvas, paper = self.canvas, self.paper
        made_at = paper.made_at.astimezone(UTC).replace(microsecond=0)
        title = f"{plain(paper.title)} {plain(paper.reference)}"[:700]
        canvas.setTitle(title)
        canvas.setAuthor(plain(paper.issuer))
        canvas.setSubject(plain(paper.reference))
        canvas.setCreator("Social Innovation Collaboration Fund")
        canvas.setViewerPreference("DisplayDocTitle", "true")
        stamp = TimeStamp(1)
        stamp.t, stamp.lt, stamp.YMDhms = made_at.timestamp(), made_at.timetuple(), tuple(made_at.timetuple())[:6]
        document = canvas._doc
        document._timeStamp = stamp
        document.updateSignature(repr(paper).encode("utf-8", "replace"))
        self.tags.finish(LANGUAGE)
        metadata = PDFStream()
        metadata.dictionary["Type"] = PDFName("Metadata")
        metadata.dictionary["Subtype"] = PDFName("XML")
        metadata.content = _xmp(title, plain(paper.issuer), made_at)
        metadata.filters = []
        document.Catalog.Metadata = metadata


def _xmp(title: str, issuer: str, made_at: datetime) -> str:
    """The same facts as XMP, where newer readers look for them."""
    instant = made_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    text = (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">\n'
        f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title>\n'
        f"<dc:creator><rdf:Seq><rdf:li>{escape(issuer)}</rdf:li></rdf:Seq></dc:creator>\n"
        f"<dc:language><rdf:Bag><rdf:li>{LANGUAGE}</rdf:li></rdf:Bag></dc:language>\n"
        f"<xmp:CreateDate>{instant}</xmp:CreateDate><xmp:ModifyDate>{instant}</xmp:ModifyDate>\n"
        "</rdf:Description></rdf:RDF></x:xmpmeta>\n"
        '<?xpacket end="r"?>'
    )
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")
