"""Pages of pledging and of matching, as a browser meets them."""

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import func, select

import ledger.queries
from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from members.accounts.models import Person
from members.contributions import service
from members.contributions.models import Pledge, Receipt
from members.models import Organisation
from members.rules import Sector
from tests.members.paid import arrive
from tests.visitor import Visitor
from tests.world import found_society, member, officer, official

DAY = date(2026, 5, 29)


@pytest.fixture(autouse=True)
def _society(app: Flask) -> None:
    found_society()


@pytest.fixture
def alder(app: Flask) -> Organisation:
    return member("Alder Works", Sector.PRIVATE)


@pytest.fixture
def finance(app: Flask, alder: Organisation) -> Visitor:
    return Visitor(app).sign_in(officer(alder, Role.FINANCE, name="Fay")[0])


@pytest.fixture
def stella(app: Flask) -> Actor:
    return official("Stella Steward", Role.STEWARD)[1]


@pytest.fixture
def steward(app: Flask, stella: Actor) -> Visitor:
    return Visitor(app).sign_in(db.session.get_one(Person, stella.person_id))


def reference() -> str:
    return db.session.scalars(select(Pledge.reference).order_by(Pledge.id.desc())).first() or ""


def test_pledge_then_how_to_pay_then_paid(
    finance: Visitor, steward: Visitor, stella: Actor, clock: MovableClock
) -> None:
    assert "No pledge yet" in finance.get("/pledges").text
    page = finance.get("/pledges/new").send("Pledge", amount="£1,250.50", po_number="PO-77")
    made = reference()
    assert page.path == f"/pledges/{made}"
    for word in (made, "£1,250.50", "PO-77", "isn't on this page yet"):
        assert word in page.text
    assert f"Pay your pledge {made}" in finance.get("/tasks").text

    arrive([(DAY, 1_000_00, f"alder {made.lower()}")], stella, clock.now())
    waiting = steward.get("/money-in")
    assert "The reference was quoted." in waiting.text
    done = waiting.send(f"Confirm £1,000 for {made}")
    assert done.path == "/money-in"
    assert "£250.50 of the pledge is still to come" in done.text
    assert "Everything that came in is matched" in done.text

    page = finance.get(f"/pledges/{made.lower()}")
    for word in ("Part paid", "20-00-00", "12345678", "RC-2026-0001", "£250.50"):
        assert word in page.text
    assert "£1,000 paid into the pot" in finance.get(f"/members/{_own()}").text
    assert "has paid in £1,000" in finance.get("/pledges").text


def _own() -> str:
    return db.session.scalars(select(Organisation.reference)).one()


@pytest.mark.parametrize("amount", ["", "0", "0.99", "NaN", "1e5", "-5", "12.345", "9" * 15, "ten"])
def test_amounts_that_cannot_be(finance: Visitor, amount: str) -> None:
    page = finance.get("/pledges/new").send("Pledge", amount=amount, po_number="PO-77")
    assert page.status == 422
    assert len(page.errors()) == 1
    body = page.response.get_data(as_text=True)
    assert 'value="PO-77"' in body
    assert f'value="{amount}"' in body
    assert db.session.scalar(select(func.count()).select_from(Pledge)) == 0


def test_pledged_twice_by_one_form_is_one_pledge(finance: Visitor) -> None:
    form = finance.get("/pledges/new")
    assert form.send("Pledge", amount="5").path == form.send("Pledge", amount="5").path
    assert db.session.scalar(select(func.count()).select_from(Pledge)) == 1


def test_taking_a_pledge_back(finance: Visitor, steward: Visitor, stella: Actor, clock: MovableClock) -> None:
    page = finance.get("/pledges/new").send("Pledge", amount="5")
    assert page.send("Cancel this pledge").errors() == ["Say why in a few words."]
    done = page.send("Cancel this pledge", reason="Budget cut")
    assert done.path == "/pledges"
    assert "Cancelled" in done.text
    assert "Budget cut" in finance.get(f"/pledges/{reference()}").text
    (line_id,) = arrive([(DAY, 500, reference())], stella, clock.now())
    refused = steward.get(f"/money-in/{line_id}").send("Match", pledge=reference())
    assert refused.status == 422
    assert "was cancelled" in refused.errors()[0]


def test_confirming_twice_and_another_steward_too_late(
    app: Flask, finance: Visitor, steward: Visitor, stella: Actor, clock: MovableClock
) -> None:
    finance.get("/pledges/new").send("Pledge", amount="500")
    made = reference()
    arrive([(DAY, 500_00, made)], stella, clock.now())
    other = Visitor(app).sign_in(official("Sam Steward", Role.STEWARD)[0])
    mine, theirs = steward.get("/money-in"), other.get("/money-in")
    button = f"Confirm £500 for {made}"
    first, again = mine.send(button), mine.send(button)
    assert (first.status, again.status) == (200, 200)
    late = theirs.send(button)
    assert late.status == 409
    assert "matched this line first" in late.text
    assert db.session.scalar(select(func.count()).select_from(Receipt)) == 1
    assert ledger.queries.pot().contributed_pence == 500_00


def test_choosing_another_pledge(finance: Visitor, steward: Visitor, stella: Actor, clock: MovableClock) -> None:
    finance.get("/pledges/new").send("Pledge", amount="500")
    made = reference()
    (line_id,) = arrive([(DAY, 700_00, "no idea")], stella, clock.now())
    page = steward.get("/money-in")
    assert "No pledge fits" in page.text
    page = steward.get(f"/money-in/{line_id}")
    for wrong in ("", "PL-2026-9999-X", "x" * 41):
        refused = page.send("Match", pledge=wrong)
        assert refused.status == 422
        assert len(refused.errors()) == 1
    done = page.send("Match", pledge=made.replace("-", " ").lower())
    assert "£200 more than was pledged" in done.text
    assert steward.get(f"/money-in/{line_id}", status=409).status == 409
    assert steward.get("/money-in/999999", status=404).status == 404
    assert steward.get(f"/money-in/{2**70}", status=404).status == 404


def test_overpaid_is_said_on_the_pledges_own_page(
    finance: Visitor, steward: Visitor, stella: Actor, clock: MovableClock
) -> None:
    finance.get("/pledges/new").send("Pledge", amount="1")
    (line_id,) = arrive([(DAY, 300, "x")], stella, clock.now())
    pledge_id = db.session.scalars(select(Pledge.id)).one()
    with transaction():
        service.match(line_id=line_id, pledge_id=pledge_id, actor=stella, now=clock.now())
    assert "£2 more was paid than pledged" in finance.get(f"/pledges/{reference()}").text
