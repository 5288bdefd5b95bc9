"""Pages of a profile and of accreditations, as a browser meets them."""

import pytest
from flask import Flask

from fund.kernel.access import Role
from fund.kernel.db import db
from members.models import Organisation
from members.profile import queries
from members.rules import Sector
from tests.visitor import Visitor
from tests.world import found_society, member, officer, official

WAGE = {"known": "Living Wage employer", "issued_by": "A foundation", "number": "LW-1", "valid_until": "2027-01-31"}


@pytest.fixture
def bakery(app: Flask) -> Organisation:
    found_society()
    return member("Mosslight Bakery", Sector.PRIVATE)


@pytest.fixture
def baker(app: Flask, bakery: Organisation) -> Visitor:
    return Visitor(app).sign_in(officer(bakery, name="Bea Baker")[0])


def test_what_a_member_says_of_itself(baker: Visitor, bakery: Organisation) -> None:
    form = baker.get(f"/members/{bakery.reference}/profile")
    wrong = form.send("Save", offers="x" * 601, website="http://bakery.example", causes=["homes"])
    assert wrong.status == 422
    assert any("Shorten this by 1" in message for message in wrong.errors())
    wrong = wrong.send("Save", offers="A hall")
    assert any("https://" in message for message in wrong.errors())
    assert "A hall</textarea>" in wrong.response.text
    done = wrong.send("Save", website="https://bakery.example", offers_kinds=["space"], wants_requests=True)
    assert done.path == f"/members/{bakery.reference}"
    db.session.rollback()
    assert queries.interests(bakery.id) == ["homes", "space"]
    again = baker.get(f"/members/{bakery.reference}/profile")
    assert 'value="https://bakery.example"' in again.response.text


def test_an_accreditation_from_recording_to_taking_off(app: Flask, baker: Visitor, bakery: Organisation) -> None:
    home = f"/members/{bakery.reference}/accreditations"
    form = baker.get(home).follow("Record an accreditation")
    wrong = form.send("Save", valid_until="tomorrow")
    assert wrong.status == 422
    assert wrong.errors() == [
        "Say who gave it to you.",
        "Write the day as year-month-day, such as 2027-03-31.",
    ]
    wrong = wrong.send("Save", issued_by="A foundation", valid_until="")
    assert len(wrong.errors()) == 2
    page = wrong.send("Save", **WAGE)
    assert "until 31 January 2027" in page.text
    assert "no steward has looked" in page.text
    assert "Change" not in Visitor(app).get(home).text

    steward = Visitor(app).sign_in(official("Stella Steward", Role.STEWARD)[0])
    seen = steward.get(home).send("I have seen the evidence of Living Wage employer")
    assert "A steward looked at the evidence on 1 June 2026" in seen.text

    form = baker.get(home).follow("Change Living Wage employer")
    assert "somebody must look again" in form.text
    changed = form.send("Save", known="", other="A mark of our own town", link="https://marks.example/1")
    assert "A mark of our own town" in changed.text
    assert 'rel="noopener noreferrer nofollow"' in changed.response.text
    gone = changed.follow("Change A mark of our own town").send("Take it off the list")
    assert "None is recorded" in gone.text


@pytest.mark.parametrize("path", ["profile", "accreditations/new", "accreditations/1"])
def test_others_find_nothing_to_edit(app: Flask, baker: Visitor, bakery: Organisation, path: str) -> None:
    baker.get(f"/members/{bakery.reference}/accreditations/new").send("Save", **WAGE)
    other = member("Harbour Hands", Sector.VCSE)
    stranger = Visitor(app).sign_in(officer(other)[0])
    stranger.get(f"/members/{bakery.reference}/{path}", status=404)
    finance = Visitor(app).sign_in(officer(bakery, Role.FINANCE)[0])
    finance.get(f"/members/{bakery.reference}/{path}", status=403)
    # another organisation's number under one's own address
    if path.endswith("1"):
        stranger.get(f"/members/{other.reference}/{path}", status=404)


def test_a_stale_look_is_refused(app: Flask, baker: Visitor, bakery: Organisation) -> None:
    home = f"/members/{bakery.reference}/accreditations"
    baker.get(f"{home}/new").send("Save", **WAGE)
    steward = Visitor(app).sign_in(official("Stella Steward", Role.STEWARD)[0])
    shown = steward.get(home)
    baker.get(f"{home}/1").send("Save", number="LW-2")
    assert shown.send("I have seen the evidence of Living Wage employer").status == 409
