"""The quick reader of pages takes nothing that html5lib refuses, and gives the very same tree."""

import random
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from flask import Flask
from html5lib.html5parser import ParseError

from tests import html
from tests.proposals.scene import make_scene, submitted
from tests.visitor import Visitor

PAGE = """<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<title>A page &amp; more</title>
<script src="/x.js" defer></script>
</head>
<body>
<main id="main" class="wide" tabindex="-1"><h1>A page</h1> words
<p>One <a href="?a=1&amp;b=2">link</a> and <em>more <b>of</b></em> it.<br>Second line&nbsp;here</p>
<table><caption>All</caption><thead><tr><th>Sum</th></tr></thead>
<tbody><tr><td>£5</td>
<td><form action="/x" method="post"><input type="hidden" name="csrf_token" value="&#34;"></form></td>
</tr></tbody></table>
<dl><div><dt>What</dt><dd><ul><li>one<ul><li>two</li></ul></li></ul></dd></div></dl>
<form action="/y"><fieldset><legend>Which</legend>
<label for="a">A</label><select id="a" name="a"><optgroup label="g"><option value="1" selected>one</option></optgroup>
</select>
<textarea id="b" name="b">\r\nwords &lt;b&gt;</textarea><button>Send</button></fieldset></form>
</main>
</body>
</html>
"""
FAULTS = {
    "a paragraph around a block": ("<p>One ", "<p><div>x</div>One "),
    "an element left open": ("</em>", ""),
    "an end too many": ("</main>", "</main></div>"),
    "ends in the wrong order": ("of</b></em>", "of</em></b>"),
    "a link within a link": ("link</a>", '<a href="/">x</a>link</a>'),
    "a form within a form": ("<fieldset>", '<fieldset><form action="/z"></form>'),
    "a button within a button": ("<button>Send", "<button><button>x</button>Send"),
    "a heading within a heading": ("<h1>A page", "<h1><h2>x</h2>A page"),
    "a block straight in a table": ("<tbody>", "<div>x</div><tbody>"),
    "a row straight in a list": ("<ul><li>one", "<ul><tr><td>x</td></tr><li>one"),
    "an attribute twice": ('id="main"', 'id="main" id="main"'),
    "no doctype": ("<!doctype html>", ""),
    "an unknown reference": ("&nbsp;", "&nosuch;"),
    "a bare ampersand reference": ("&amp;b=2", "&copyb=2"),
    "a control character": (" words", " \x01words"),
    "words after the page": ("</html>", "</html>words"),
    "a block in the head": ("<title>", "<p>x</p><title>"),
    "an input in a choice": ('<option value="1"', '<input name="x"><option value="1"'),
    "a closed void": ("<br>", "<br></br>"),
    "a self-closed block": ("<em>", "<div/><em>"),
    "two bodies": ("<main", "<body><main"),
    "a comment that never ends": ("Second", "<!-- Second"),
    "an attribute without a space": ('" class="wide"', '"class="wide"'),
}


def strictly(text: str) -> Element:
    tree: Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)
    return tree


def whole(element: Element) -> tuple[Any, ...]:
    children = [whole(child) for child in element]
    return element.tag, dict(element.attrib), element.text or "", element.tail or "", children


def test_a_good_page_is_read_at_once_and_alike() -> None:
    tree = html.read_at_once(PAGE)
    assert tree is not None
    assert whole(tree) == whole(strictly(PAGE))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_left_to_html5lib_which_refuses_the_page(fault: str) -> None:
    before, after = FAULTS[fault]
    assert before in PAGE
    broken = PAGE.replace(before, after, 1)
    assert html.read_at_once(broken) is None
    with pytest.raises(ParseError):
        html.read(broken)


_NAMES = (
    "p", "div", "b", "a", "li", "ul", "ol", "tr", "td", "th", "table", "thead", "tbody", "caption", "option",
    "optgroup", "select", "h1", "h2", "dt", "dd", "dl", "form", "button", "textarea", "title", "span", "label",
    "hr", "br", "input", "fieldset", "legend", "details", "summary", "svg", "script", "body", "head", "col",
    "em", "section", "datalist",
)  # fmt: skip
_ENDLESS = ("hr", "br", "input", "col")
_SCRAPS = (
    "",
    "words",
    " ",
    "\n",
    "&amp;",
    "&",
    "<",
    ">",
    '"',
    "\r",
    "<!-- x -->",
    "<p>",
    "</p>",
    "</div>",
    "<li>",
    "<b/>",
)


def _altered(text: str, rng: random.Random) -> str:
    """The page with one element in another somewhere, and now and then a scrap of something."""
    for _ in range(rng.randint(1, 2)):
        inner = rng.choice(("", "words", " "))
        for name in rng.choices(_NAMES, k=rng.randint(1, 3)):
            inner = f"<{name}>{inner}" if name in _ENDLESS else f"<{name}>{inner}</{name}>"
        place = rng.choice([at for at, letter in enumerate(text) if letter in "<>"])
        place += text[place] == ">"
        text = text[:place] + inner + text[place:]
    if rng.random() < 0.2:
        place = rng.randrange(len(text))
        text = text[:place] + rng.choice(_SCRAPS) + text[place + rng.randint(0, 2) :]
    return text


def test_what_is_read_at_once_is_what_html5lib_reads() -> None:
    """Pages altered at random: never taken where html5lib refuses, never another tree."""
    rng, taken = random.Random(7), 0
    for _ in range(1_500):
        text = _altered(PAGE, rng)
        tree = html.read_at_once(text)
        if tree is not None:
            taken += 1
            assert whole(tree) == whole(strictly(text)), text
    assert taken > 100


def test_real_pages_are_read_alike(app: Flask, visitor: Visitor) -> None:
    scene = make_scene()
    submitted(scene)
    visitor.sign_in(scene.lead_person, scene.charity.id)
    at_once = 0
    for path in ("/", "/money", "/rounds", "/tasks", "/account", "/members", "/words", "/proposals"):
        text = visitor.client.get(path, follow_redirects=True).get_data(as_text=True)
        tree = html.read_at_once(text)
        if tree is not None:
            at_once += 1
            assert whole(tree) == whole(strictly(text)), path
    assert at_once > 4
