"""The structure tree of a PDF, which reportlab doesn't make: what a screen reader follows instead of the page.

A `Tags` belongs to one canvas. Elements are opened and closed around what is drawn; each piece of drawing is marked
with a number (MCID) that the tree refers back to, page by page (ISO 32000-1 §14.7 and §14.8).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from reportlab.pdfbase.pdfdoc import (
    PDFArray,
    PDFDictionary,
    PDFName,
    PDFObjectReference,
    PDFString,
)
from reportlab.pdfgen.canvas import Canvas


@dataclass
class Element:
    """One node of the tree. Its children are elements and marked pieces (page number from 1, MCID)."""

    role: str
    parent: "Element | None" = None
    scope: str | None = None
    children: list["Element | tuple[int, int]"] = field(default_factory=list)


class Tags:
    """Marks what is drawn on a canvas and writes the tree when all is drawn."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas: Any = canvas
        self.document = Element("Document")
        self._open = self.document
        self._pages: list[list[Element]] = [[]]

    def child(self, parent: Element, role: str, *, scope: str | None = None) -> Element:
        """A new element under `parent`. It may be drawn into many times, on many pages."""
        element = Element(role, parent, scope)
        parent.children.append(element)
        return element

    @contextmanager
    def draw(self, element: Element) -> Iterator[None]:
        """What is drawn inside belongs to `element`."""
        marked = self._pages[-1]
        mcid = len(marked)
        marked.append(element)
        element.children.append((len(self._pages), mcid))
        self._canvas._code.append(f"/{element.role} <</MCID {mcid}>> BDC")
        yield
        self._canvas._code.append("EMC")

    @contextmanager
    def furniture(self) -> Iterator[None]:
        """What is drawn inside is decoration: rules, page numbers, repeated headings."""
        self._canvas._code.append("/Artifact BMC")
        yield
        self._canvas._code.append("EMC")

    @contextmanager
    def reads_as(self, text: str) -> Iterator[None]:
        """What is drawn inside stands for `text`, which the typeface can't show. Inside `draw` only."""
        hexadecimal = (b"\xfe\xff" + text.encode("utf-16-be")).hex()
        self._canvas._code.append(f"/Span <</ActualText <{hexadecimal}>>> BDC")
        yield
        self._canvas._code.append("EMC")

    def end_page(self) -> None:
        """Close the page and number its marks for the tree."""
        self._canvas.showPage()
        page = self._canvas._doc.idToObject[f"Page{len(self._pages)}"]
        page.__NoDefault__ = [*page.__NoDefault__, "StructParents", "Tabs"]
        page.StructParents = len(self._pages) - 1
        page.Tabs = PDFName("S")
        self._pages.append([])

    def finish(self, language: str) -> None:
        """Write the tree into the document's catalogue. Call once, after the last page."""
        document = self._canvas._doc
        root_name = "StructTreeRoot"
        names: dict[int, str] = {}
        for number, element in enumerate(_walk(self.document)):
            names[id(element)] = f"StructElem{number}"
        root = PDFObjectReference(root_name)
        for element in _walk(self.document):
            parent = PDFObjectReference(names[id(element.parent)]) if element.parent else root
            document.Reference(_entry(element, parent, names), names[id(element)])
        numbers: list[Any] = []
        for index, marked in enumerate(self._pages[:-1]):
            numbers += [index, PDFArray([PDFObjectReference(names[id(element)]) for element in marked])]
        tree = {
            "Type": PDFName("StructTreeRoot"),
            "K": PDFObjectReference(names[id(self.document)]),
            "ParentTree": PDFDictionary({"Nums": PDFArray(numbers)}),
            "ParentTreeNextKey": len(self._pages) - 1,
        }
        document.Reference(PDFDictionary(tree), root_name)
        catalogue = document.Catalog
        catalogue.__Refs__ = [name for name in catalogue.__Refs__ if name not in ("StructTreeRoot", "MarkInfo")]
        catalogue.StructTreeRoot = root
        catalogue.MarkInfo = PDFDictionary({"Marked": "true"})
        catalogue.Lang = PDFString(language)


def _walk(element: Element) -> Iterator[Element]:
    waiting = [element]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(child for child in reversed(current.children) if isinstance(child, Element))


def _entry(element: Element, parent: PDFObjectReference, names: dict[int, str]) -> PDFDictionary:
    children: list[Any] = []
    for child in element.children:
        if isinstance(child, Element):
            children.append(PDFObjectReference(names[id(child)]))
        else:
            page, mcid = child
            children.append(
                PDFDictionary({"Type": PDFName("MCR"), "Pg": PDFObjectReference(f"Page{page}"), "MCID": mcid})
            )
    entry: dict[str, Any] = {
        "Type": PDFName("StructElem"),
        "S": PDFName(element.role),
        "P": parent,
        "K": PDFArray(children),
    }
    if element.scope:
        entry["A"] = PDFDictionary({"O": PDFName("Table"), "Scope": PDFName(element.scope)})
    return PDFDictionary(entry)
