"""Pages about personal data."""

import io
import zipfile

import pytest
from flask import Flask
from sqlalchemy import select

from fund.kernel.access import Role
from fund.kernel.db import db
from fund.privacy.models import PrivacyRequest, Wish
from members.accounts.models import Person
from members.rules import Sector
from tests.visitor import Visitor
from tests.world import found_society, member, officer, official, person


@pytest.fixture(autouse=True)
def society(app: Flask) -> None:
    found_society()


def only() -> PrivacyRequest:
    db.session.rollback()
    return db.session.scalars(select(PrivacyRequest)).one()


def test_anybody_can_read_how_data_is_used(visitor: Visitor) -> None:
    page = visitor.get("/").follow("How we use your data")
    assert page.heading == "How we use your data"
    for words in (
        "Information Commissioner",
        "Votes you cast for organisations",
        "within one month",
        "1 Example Street",
    ):
        assert words in page.text


def test_mending_ones_name(visitor: Visitor) -> None:
    sam = person("Sam Exmaple")
    page = visitor.sign_in(sam).get("/account").follow("Your data")
    page = page.send("Change name", name="Sam Example")
    assert "Your name is changed" in page.text
    assert "Sam Example" in visitor.get("/account").text
    assert "your name already" in page.send("Change name", name="Sam Example").errors()[0]
    assert visitor.get("/account/data").send("Change name", name=" ").errors() == ["Write your name."]
    assert "Shorten this" in visitor.get("/account/data").send("Change name", name="x" * 201).errors()[0]


def test_downloading_ones_data(visitor: Visitor) -> None:
    page = visitor.sign_in(person("Sam Example")).get("/account/data")
    answer = page.send("Download your data").response
    assert answer.mimetype == "application/zip"
    assert answer.headers["Cache-Control"] == "no-store"
    assert zipfile.ZipFile(io.BytesIO(answer.data)).testzip() is None


def test_asking_for_a_correction_and_taking_it_back(visitor: Visitor) -> None:
    page = visitor.sign_in(person("Sam Example")).get("/account/data/correction")
    assert page.send("Send to the secretary").errors() == ["Say what to correct."]
    page = page.send("Send to the secretary", words="My role began in May.")
    assert "Waits for the secretary" in page.text
    page = page.send(f"Take back request {only().id}")
    assert "Taken back by the person who asked" in page.text
    page = visitor.get("/account/data/correction").send("Send to the secretary", words="x" * 2001)
    assert "Shorten this" in page.errors()[0]


def test_erasure_from_asking_to_the_end(app: Flask, visitor: Visitor) -> None:
    sam, _ = officer(member("Bee Bikes", Sector.PRIVATE), Role.EDITOR, name="Sam Example")
    page = visitor.sign_in(sam).get("/account/data").follow("Read what goes and what stays, and ask")
    assert f"Former person {sam.id}" in page.text
    assert "Your roles in organisations" in page.text
    page.send("Ask to be erased")
    secretary = Visitor(app).sign_in(official("The Secretary", Role.SECRETARY)[0])
    page = secretary.get("/tasks").follow(f"Answer request {only().id} about personal data")
    assert len(page.send("Answer").errors()) == 2
    page = secretary.get(f"/privacy/requests/{only().id}")
    page = page.send("Answer", agreed="yes", reasons="You have no open duties.")
    assert "A member of the board now confirms it" in page.text
    board = Visitor(app).sign_in(official("The Board", Role.BOARD)[0])
    page = board.get("/tasks").follow(f"Confirm the erasure of request {only().id}").send("Erase this person")
    assert "The person is erased" in page.text
    assert f"Former person {sam.id}" in page.text
    assert visitor.get("/account").heading == "Sign in"
    db.session.expire_all()
    assert db.session.get_one(Person, sam.id).name == f"Former person {sam.id}"


def test_the_page_says_what_has_to_be_done_first(visitor: Visitor) -> None:
    sam, _ = officer(member("Bee Bikes", Sector.PRIVATE), name="Sam Example")
    page = visitor.sign_in(sam).get("/account/data/erasure")
    assert "Only this person can bind Bee Bikes" in page.text
    page = page.send("Ask to be erased", words="x" * 2001)
    assert "Shorten this" in page.errors()[0]


def test_writing_down_what_somebody_asked(app: Flask, visitor: Visitor) -> None:
    sam = person("Sam Example")
    email = sam.email
    page = visitor.sign_in(official("The Secretary", Role.SECRETARY)[0]).get("/privacy/requests")
    page = page.follow("Write down a request")
    assert len(page.send("Write down").errors()) == 3
    assert (
        "Nobody has an account" in page.send("Write down", email="no@example.org", wish="copy", words="w").errors()[0]
    )
    assert page.send("Write down", email=email, wish="fly", words="w").errors()
    page = page.send("Write down", email=email, wish="copy", words="By letter; knows the last receipt.")
    refused = page.send("Download the copy", **{"copy-form_id": ""})
    assert (refused.status, "Reload the request's page" in refused.text) == (422, True)
    answer = page.send("Download the copy").response
    assert b"your-data.json" in answer.data
    assert only().wish is Wish.COPY


@pytest.mark.parametrize("role", [Role.STEWARD, Role.BOARD, Role.AUDITOR])
def test_only_the_secretary_answers(app: Flask, visitor: Visitor, role: Role) -> None:
    sam = Visitor(app).sign_in(person("Sam Example"))
    sam.get("/account/data/correction").send("Send to the secretary", words="It is wrong.")
    request_id = only().id
    visitor.sign_in(official("Somebody", role)[0])
    token = sam.get("/account/data")
    assert token.status == 200
    visitor.get(f"/privacy/requests/{request_id}", status=200 if role is Role.BOARD else 403)
    for path in (f"/privacy/requests/{request_id}/answer", f"/privacy/requests/{request_id}/copy"):
        app.config["WTF_CSRF_ENABLED"] = False
        try:
            visitor.post(path, {"agreed": "yes", "reasons": "x", "form_id": "x"}, status=403)
        finally:
            app.config["WTF_CSRF_ENABLED"] = True
    visitor.get("/privacy/requests/new", status=403)
    assert only().decided_at is None


@pytest.mark.parametrize("path", ["/privacy/requests/999999", f"/privacy/requests/{2**70}"])
def test_a_request_that_is_not_there(visitor: Visitor, path: str) -> None:
    visitor.sign_in(official("The Secretary", Role.SECRETARY)[0]).get(path, status=404)
