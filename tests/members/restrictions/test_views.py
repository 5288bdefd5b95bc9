"""Pages of restricted funds, as a browser meets them."""

import pytest
from flask import Flask
from sqlalchemy import select

from fund.kernel.access import Role
from fund.kernel.db import db
from fund.kernel.places import DISTRICTS
from members.contributions.models import Pledge
from members.restrictions.models import RestrictedFund
from members.rules import Sector
from tests.visitor import Visitor
from tests.world import found_society, member, officer, official

BURY = DISTRICTS[1]


@pytest.fixture(autouse=True)
def _society(app: Flask) -> None:
    found_society()


@pytest.fixture
def finance(app: Flask) -> Visitor:
    return Visitor(app).sign_in(officer(member("Alder Works", Sector.PRIVATE), Role.FINANCE, name="Fay")[0])


@pytest.fixture
def steward(app: Flask) -> Visitor:
    return Visitor(app).sign_in(official("Stella Steward", Role.STEWARD)[0])


@pytest.fixture
def board(app: Flask) -> Visitor:
    return Visitor(app).sign_in(official("Bola Board", Role.BOARD)[0])


def _pledge() -> str:
    return db.session.scalars(select(Pledge.reference).order_by(Pledge.id.desc())).first() or ""


def test_from_a_wish_to_terms_that_a_second_person_accepts(finance: Visitor, steward: Visitor, board: Visitor) -> None:
    assert "No money is kept apart" in board.get("/restricted-funds").text
    finance.get("/pledges/new").send("Pledge", amount="500", wish="Please feed people in Bury.")
    kept = db.session.scalars(select(RestrictedFund.reference)).one()
    page = steward.get(f"/restricted-funds/{kept}")
    assert "Please feed people in Bury." in page.text
    page = steward.get(f"/restricted-funds/new?pledge={_pledge()}").send(
        "Write down", title="Warm food", purpose="Warm food", districts=[BURY.code]
    )
    assert page.path == f"/restricted-funds/{kept}"
    assert "A board member who did not write these terms down" in page.text
    page = board.get(f"/restricted-funds/{kept}")
    assert BURY.name in page.text
    assert "The terms are accepted" in page.send("Accept these terms").text
    assert "Warm food" in steward.get("/restricted-funds").text


def test_a_pledge_without_a_wish_is_free_for_anything(finance: Visitor) -> None:
    finance.get("/pledges/new").send("Pledge", amount="500", wish="  ")
    assert db.session.scalars(select(RestrictedFund)).all() == []


def test_every_fault_of_the_terms_is_shown_beside_its_field(finance: Visitor, steward: Visitor) -> None:
    finance.get("/pledges/new").send("Pledge", amount="500")
    page = steward.get("/restricted-funds/new").send("Write down", pledge="", title="", from_on="soon")
    assert page.status == 422
    assert "Give the pledge's reference." in page.text.replace("&#39;", "'").replace("’", "'")
    assert "Give it a short name." in page.text
    page = steward.get("/restricted-funds/new").send(
        "Write down", pledge=_pledge(), title="Food", from_on="2026-07-02", spend_by="2026-07-01"
    )
    assert page.status == 422
    assert "The last day must not be before the first." in page.text


def test_only_the_board_accepts(finance: Visitor, steward: Visitor, board: Visitor) -> None:
    finance.get("/pledges/new").send("Pledge", amount="500", wish="Food")
    kept = db.session.scalars(select(RestrictedFund.reference)).one()
    steward.get("/restricted-funds/new").send("Write down", pledge=_pledge(), title="Food", purpose="Food")
    shown = board.get(f"/restricted-funds/{kept}")
    assert "Accept these terms" in shown.text
    assert "Accept these terms" not in steward.get(f"/restricted-funds/{kept}").text


def test_unknown_funds_are_not_found_and_others_keep_out(finance: Visitor, steward: Visitor) -> None:
    steward.get("/restricted-funds/RF-999", status=404)
    for path in ("/restricted-funds", "/restricted-funds/new", "/restricted-funds/RF-001"):
        finance.get(path, status=403)
