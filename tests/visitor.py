"""A browser for tests that checks every page it gets.

Strict HTML, one h1 that the title begins with, unique ids, labels on fields, forms with an action and a token, nothing
inline.
"""

import contextvars
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from xml.etree.ElementTree import Element

from flask import Flask
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse

from fund.kernel.db import db, transaction
from members.accounts.models import Person, PersonSession
from members.accounts.queries import token_hash
from tests import html

_LABELLED = {"input", "select", "textarea"}


class Page:
    """One answer, read as a page."""

    def __init__(self, visitor: "Visitor", path: str, response: TestResponse) -> None:
        self.visitor, self.path, self.response = visitor, path, response
        self.status = response.status_code
        self.is_html = response.mimetype == "text/html"
        if self.is_html:
            self.tree: Element = html.read(response.get_data(as_text=True))
            self._check()

    @property
    def text(self) -> str:
        """The words of the page's main part, with white space folded."""
        main = self.tree.find(".//main")
        return " ".join("".join((main if main is not None else self.tree).itertext()).split())

    @property
    def heading(self) -> str:
        return " ".join("".join(self.tree.find(".//h1").itertext()).split())  # type: ignore[union-attr]

    def errors(self) -> list[str]:
        """The faults in the summary above the form."""
        return [
            " ".join("".join(item.itertext()).split())
            for box in self.tree.iter("div")
            if "errors" in box.get("class", "").split()
            for item in box.iter("li")
        ]

    def links(self) -> dict[str, str]:
        """Link text → address."""
        return {" ".join("".join(a.itertext()).split()): a.get("href", "") for a in self.tree.iter("a")}

    def follow(self, text: str) -> "Page":
        """Open the link with this text."""
        links = self.links()
        assert text in links, f"no link {text!r}; there are {sorted(links)}"
        return self.visitor.get(links[text])

    def send(self, button: str, **values: Any) -> "Page":
        """Fill the form that has this button, press it, and follow to the next page.

        A value may be text, a list of texts (check boxes), True/False (one check box) or a FileStorage. Fields not
        named keep what the page shows in them.
        """
        form, pressed = self._form_with(button)
        data: dict[str, list[Any]] = {}
        for field in form.iter():
            name, kind = field.get("name"), field.get("type", "text")
            if not name:
                continue
            if field.tag == "textarea":
                data.setdefault(name, []).append((field.text or "").removeprefix("\n"))
            elif field.tag == "select":
                options = list(field.iter("option"))
                chosen = [o for o in options if o.get("selected") is not None] or options[:1]
                data.setdefault(name, []).extend(o.get("value", o.text or "") for o in chosen)
            elif field.tag == "input" and kind in ("radio", "checkbox"):
                data.setdefault(name, [])
                if field.get("checked") is not None:
                    data[name].append(field.get("value", "on"))
            elif field.tag == "input" and kind != "file":
                data.setdefault(name, []).append(field.get("value", ""))
            elif field.tag == "input":
                data.setdefault(name, [])
        if pressed.get("name"):
            data[pressed.get("name", "")] = [pressed.get("value", "")]
        for name, value in values.items():
            assert name in data, f"the form has no field {name!r}; it has {sorted(data)}"
            if isinstance(value, bool):
                data[name] = ["y"] if value else []
            elif isinstance(value, list | tuple) and not isinstance(value, FileStorage):
                data[name] = [str(v) for v in value]
            else:
                data[name] = [value if isinstance(value, FileStorage) else str(value)]
        path = form.get("action") or self.path
        if form.get("method", "get").lower() == "get":
            return self.visitor.get(path, query_string=data)
        return self.visitor.post(path, data)

    def _form_with(self, button: str) -> tuple[Element, Element]:
        seen = []
        for form in self.tree.iter("form"):
            for candidate in form.iter("button"):
                label = " ".join("".join(candidate.itertext()).split())
                seen.append(label)
                if label == button:
                    return form, candidate
        raise AssertionError(f"no button {button!r}; there are {seen} on {self.heading!r}: {self.text[:400]}")

    def _check(self) -> None:
        where = f"{self.path} ({self.status})"
        headings = list(self.tree.iter("h1"))
        assert len(headings) == 1, f"{where}: {len(headings)} h1"
        title = " ".join((self.tree.findtext(".//title") or "").split())
        assert title.startswith(self.heading), f"{where}: title {title!r} does not begin with {self.heading!r}"
        ids = [element.get("id", "") for element in self.tree.iter() if element.get("id") is not None]
        doubled = {name for name in ids if ids.count(name) > 1}
        assert not doubled, f"{where}: ids twice: {doubled}"
        known = set(ids)
        labels = {label.get("for") for label in self.tree.iter("label")}
        for element in self.tree.iter():
            if not isinstance(element.tag, str):
                continue
            for name in element.keys():  # noqa: SIM118 (an Element is no dictionary)
                assert not name.startswith("on"), f"{where}: inline {name} on {element.tag}"
                assert name != "style", f"{where}: inline style on {element.tag}"
            for name in ("aria-describedby", "aria-labelledby"):
                for target in element.get(name, "").split():
                    assert target in known, f"{where}: {name} names {target!r}, which is not there"
            href = element.get("href", "")
            if element.tag == "a" and href.startswith("#"):
                assert href[1:] in known, f"{where}: link to {href!r}, which is not there"
            assert element.tag != "style", f"{where}: inline style"
            assert element.tag != "script" or element.get("src"), f"{where}: inline script"
            if element.tag in _LABELLED and element.get("type") not in ("hidden", "submit", "button"):
                assert element.get("id") in labels or element.get("aria-label"), (
                    f"{where}: {element.get('name')} has no label"
                )
            if element.tag == "img":
                assert element.get("alt") is not None, f"{where}: img without alt"
        for form in self.tree.iter("form"):
            assert form.get("action"), f"{where}: form without action"
            if form.get("method", "get").lower() == "post":
                names = [field.get("name", "") for field in form.iter("input")]
                assert any(name.endswith("csrf_token") for name in names), f"{where}: form without token"
        assert "script-src 'self'" in self.response.headers["Content-Security-Policy"], where


class Visitor:
    """Somebody with a browser."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client = app.test_client()

    def _run(self, call: Callable[[], TestResponse]) -> TestResponse:
        # A fresh context for each request, as on a server: else flask.g and Flask-Login's user leak to the next.
        db.session.rollback()
        return contextvars.Context().run(call)

    def get(self, path: str, *, status: int = 200, query_string: Any = None) -> Page:
        """Open a page, following redirects; `status` is what it must end with."""
        # Buffered: a file that is written while it is sent must be read where it is made.
        response = self._run(
            lambda: self.client.get(path, query_string=query_string, follow_redirects=True, buffered=True)
        )
        return self._page(path, response, status)

    def post(self, path: str, data: dict[str, Any], *, status: int | None = None) -> Page:
        """Send a form and follow to the next page."""
        response = self._run(lambda: self.client.post(path, data=data, follow_redirects=True))
        return self._page(path, response, status)

    def status(self, path: str, method: str) -> int:
        """Only the answer's status, without following it or reading the page."""
        return self._run(lambda: self.client.open(path, method=method)).status_code

    def _page(self, path: str, response: TestResponse, status: int | None) -> Page:
        page = Page(self, response.request.path, response)
        if status is not None and page.status != status:
            raise AssertionError(
                f"{path}: {page.status} instead of {status}: {page.text[:600] if page.is_html else ''}"
            )
        return page

    def sign_in(self, person: Person, acting_for_id: int | None = None, *, with_second_step: bool = True) -> "Visitor":
        """Become `person`, by a session made in the database (the sign-in page has tests of its own). Its second step
        was shown, and counts however long the test lasts, unless the test says otherwise."""
        token = secrets.token_urlsafe(16)
        now = self.app.extensions["sicf_clock"].now()
        person_id = person.id
        with transaction() as session:
            session.add(
                PersonSession(
                    token_hash=token_hash(token),
                    person_id=person_id,
                    acting_for_id=acting_for_id,
                    created_at=now,
                    expires_at=now + timedelta(days=900),
                    is_remembered=True,
                    last_seen_at=now,
                    factor_at=now + timedelta(days=900) if with_second_step else None,
                )
            )
        with self.client.session_transaction() as cookie:
            cookie["_user_id"] = token
            cookie["_fresh"] = True
        return self
