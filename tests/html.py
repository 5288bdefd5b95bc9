"""Reads a page strictly. What is plainly right is read at once; everything else html5lib judges, an order slower.

The quick reader takes only HTML that leaves the standard's parser nothing to repair: every element closed by its own
end tag, nested where it may stand, attributes in double quotes. It never finds a fault: it gives up, and html5lib
decides. That both give the same tree, and that the quick one takes nothing that html5lib refuses, is tested.
"""

import re
from html import unescape
from xml.etree.ElementTree import Element

import html5lib

_VOID = {"base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"}
_IN_HEAD = {"base", "link", "meta", "script", "title"}
_PHRASES = {
    "a", "abbr", "b", "bdi", "br", "button", "cite", "code", "data", "datalist", "em", "i", "img", "input",
    "kbd", "label", "mark", "output", "progress", "q", "s", "samp", "select", "small", "span", "strong", "sub",
    "sup", "textarea", "time", "u", "var", "wbr",
}  # fmt: skip
_BLOCKS = {
    "address", "article", "aside", "blockquote", "details", "div", "dl", "fieldset", "figcaption", "figure",
    "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "legend", "main", "nav", "ol", "p",
    "section", "summary", "table", "ul",
}  # fmt: skip
_ONLY_UNDER = {
    "caption": {"table"},
    "colgroup": {"table"},
    "col": {"colgroup"},
    "thead": {"table"},
    "tbody": {"table"},
    "tfoot": {"table"},
    "tr": {"thead", "tbody", "tfoot"},
    "td": {"tr"},
    "th": {"tr"},
    "li": {"ul", "ol"},
    "dt": {"dl"},
    "dd": {"dl"},
    "optgroup": {"select"},
    "option": {"select", "optgroup", "datalist"},
}
_ONLY_HOLD = {
    "table": {"caption", "colgroup", "thead", "tbody", "tfoot"},
    "colgroup": {"col"},
    "thead": {"tr"},
    "tbody": {"tr"},
    "tfoot": {"tr"},
    "tr": {"td", "th"},
    "select": {"optgroup", "option"},
    "optgroup": {"option"},
    "option": set(),
    "html": {"head", "body"},
    "head": _IN_HEAD,
}
_NO_WORDS = {"table", "colgroup", "thead", "tbody", "tfoot", "tr", "html", "head"}
_NEVER_WITHIN_ITSELF = {"a", "button", "form", "select"}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}

_STRANGE = re.compile(r"[^\n\t\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd]")
_REFERENCE = r"&(?:amp|lt|gt|quot|nbsp|#3[49]|#x27);"
_TOKEN = re.compile(
    rf'<(?P<tag>[a-z][a-z0-9]*)(?P<attributes>(?:\s+[a-z][a-z0-9-]*(?:="(?:[^"&]++|{_REFERENCE})*")?)*)\s*>'
    rf"|</(?P<end>[a-z][a-z0-9]*)>|(?P<words>(?:[^<&]++|{_REFERENCE})+)"
)
_ATTRIBUTE = re.compile(r'\s+([a-z][a-z0-9-]*)(?:="([^"]*)")?')
_RAW = {
    "script": re.compile(r"(?P<words>[^<]*)</script>"),
    "title": re.compile(rf"(?P<words>(?:[^<&]++|{_REFERENCE})*)</title>"),
    "textarea": re.compile(rf"(?P<words>(?:[^<&]++|{_REFERENCE})*)</textarea>"),
}


def read(text: str) -> Element:
    """The page as html5lib's strict parser gives it.

    Raises:
        html5lib.html5parser.ParseError: where the page breaks the standard.
    """
    tree = read_at_once(text)
    if tree is None:
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        tree = parser.parse(text)
    return tree


def read_at_once(text: str) -> Element | None:
    """The tree of a page that is plainly right; None where html5lib has to say."""
    text = text.replace("\r\n", "\n")
    start = re.match(r"\s*<!doctype html>\s*(?=<html)", text)
    if start is None or _STRANGE.search(text):
        return None
    place, size = start.end(), len(text)
    root: Element | None = None
    path: list[Element] = []
    names: list[str] = []
    last: Element | None = None  # the child after which words stand; None at an element's beginning
    while place < size:
        found = _TOKEN.match(text, place)
        if found is None:
            return None
        place = found.end()
        if (name := found["tag"]) is not None:
            element = _element(name, found["attributes"])
            if element is None:
                return None
            if root is None:
                if name != "html":
                    return None
                root = element
            elif not path or not _may_stand(name, names, path[-1]):
                return None
            else:
                path[-1].append(element)
            if name in _VOID:
                last = element
            elif (raw := _RAW.get(name)) is not None:
                inner = raw.match(text, place)
                if inner is None:
                    return None
                words = inner["words"].removeprefix("\n") if name == "textarea" else inner["words"]
                element.text = (words if name == "script" else unescape(words)) or None
                place, last = inner.end(), element
            else:
                path.append(element)
                names.append(name)
                last = None
        elif (name := found["end"]) is not None:
            if not names or names[-1] != name:
                return None
            if name == "body":
                return root if _ends_well(text, place, path[-1], last) else None
            last = path.pop()
            names.pop()
        elif not path or not _add_words(unescape(found["words"]), path[-1], last, names[-1]):
            return None
    return None


def _element(name: str, written: str) -> Element | None:
    attributes: dict[str, str] = {}
    if written:
        for attribute, value in _ATTRIBUTE.findall(written):
            if attribute in attributes:
                return None
            attributes[attribute] = unescape(value) if "&" in value else value
    return Element(name, attributes)


def _may_stand(name: str, names: list[str], parent: Element) -> bool:
    """Whether the standard's parser would put the element just here, and find no fault."""
    above = names[-1]
    if (wanted := _ONLY_HOLD.get(above)) is not None:
        if name not in wanted:
            return False
        return above != "html" or [child.tag for child in parent] == ([] if name == "head" else ["head"])
    if (under := _ONLY_UNDER.get(name)) is not None:
        return above in under or (under == {"dl"} and names[-2:] == ["dl", "div"])
    if name in _NEVER_WITHIN_ITSELF and name in names:
        return False
    if name in _PHRASES:
        return True
    return name in _BLOCKS and "p" not in names and not (name in _HEADINGS and above in _HEADINGS)


def _add_words(words: str, parent: Element, last: Element | None, name: str) -> bool:
    if name in _NO_WORDS and not words.isspace():
        return False
    if name == "html" and last is None:
        return True  # space before the head is no part of the tree
    if last is None:
        parent.text = words
    else:
        last.tail = words
    return True


_END = re.compile(r"(\s*)</html>(\s*)\Z")


def _ends_well(text: str, place: int, body: Element, last: Element | None) -> bool:
    """Only space after the body, which the standard puts at the body's end."""
    found = _END.match(text, place)
    if found is None:
        return False
    space = found[1] + found[2]
    if space and last is None:
        body.text = (body.text or "") + space
    elif space and last is not None:
        last.tail = (last.tail or "") + space
    return True
