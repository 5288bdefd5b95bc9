"""Pages of matching: bad input on every form, and what each says next."""

import pytest
from flask import Flask

from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db
from ledger.bank import queries as bank
from members.contributions.matching import queries
from members.rules import Sector
from tests.members.contributions.matching.test_service import arrive, pledged, settled
from tests.visitor import Page, Visitor
from tests.world import acting, found_society, member, official, person


def said(page: Page) -> str:
    """What stands on the page, with the flash above it."""
    return " ".join("".join(page.tree.itertext()).split())


@pytest.fixture
def desk(app: Flask) -> tuple[Visitor, Actor]:
    """A steward at the page, and as actor."""
    found_society()
    somebody = person("Stella Steward", Role.STEWARD)
    return Visitor(app).sign_in(somebody), acting(somebody)


def test_proposals_are_ticked_and_confirmed_together(desk: tuple[Visitor, Actor], clock: MovableClock) -> None:
    visitor, steward = desk
    assert "No waiting payment has a proposal now." in said(visitor.get("/money-in/proposals"))
    alder, birch = member("Alder Works", Sector.PRIVATE), member("Birch House", Sector.VCSE)
    made = pledged(alder, clock).reference
    pledged(birch, clock)
    first, second = arrive(steward, clock, (500_00, "ALDER WORKS", ""), (200_00, "BIRCH HOUSE", "subs"))
    assert "Confirm several at once" in said(visitor.get("/money-in"))
    page = visitor.get("/money-in/proposals")
    assert "Same amount and payer, but no reference." in said(page)
    nothing = page.send("Confirm what is ticked")
    assert "Tick the payments that you confirm." in said(nothing)
    done = page.send("Confirm what is ticked", proposals=[f"{first}:{made}", "x:y", f"{second}:{made}"])
    assert "1 confirmed: £500 is in the pot." in said(done)
    assert "1 had changed since you saw them" in said(done)
    assert settled(first) == "contribution:RC-2026-0001"
    assert settled(second) is None


def test_a_payment_is_shared_out(desk: tuple[Visitor, Actor], clock: MovableClock) -> None:
    visitor, steward = desk
    alder, birch = member("Alder Works", Sector.PRIVATE), member("Birch House", Sector.VCSE)
    one, other = pledged(alder, clock).reference, pledged(birch, clock).reference
    (line_id,) = arrive(steward, clock, (700_00, "GROUP LTD", "for both"))
    page = visitor.get(f"/money-in/{line_id}/share")
    assert "Give at least one pledge and its amount." in said(page.send("Share it out"))
    halves = page.send("Share it out", pledge_1=one, amount_2="5", pledge_3="PL-1", amount_3="x")
    assert "Give the amount that goes to this pledge." in said(halves)
    assert "Give the pledge that this amount is for, or empty the row." in said(halves)
    unknown = page.send("Share it out", pledge_1="PL-2026-9999-X", amount_1="700")
    assert "No pledge has this reference." in said(unknown)
    short = page.send("Share it out", pledge_1=one, amount_1="500", pledge_4=other, amount_4="100")
    assert "The parts come to £600, but the payment is £700" in said(short)
    done = page.send("Share it out", pledge_1=one, amount_1="500", pledge_4=other, amount_4="200")
    assert "Shared out to 2 pledges." in said(done)
    assert settled(line_id) == "contribution:RC-2026-0001, RC-2026-0002"
    assert "matched this line first" in said(visitor.get(f"/money-in/{line_id}/share", status=409))


def test_a_wrong_match_is_undone_on_its_page(desk: tuple[Visitor, Actor], clock: MovableClock) -> None:
    visitor, steward = desk
    made = pledged(member("Alder Works", Sector.PRIVATE), clock).reference
    (line_id,) = arrive(steward, clock, (500_00, "Mr T Treasurer", ""))
    assert "It was never matched to a pledge." in said(visitor.get(f"/money-in/{line_id}/matched"))
    visitor.get(f"/money-in/{line_id}").send("Match", pledge=made)
    statement = bank.statements(1)[0].id
    db.session.rollback()
    assert "1 of 1 lines are matched." in said(visitor.get(f"/bank/statements/{statement}"))
    page = visitor.get(f"/money-in/{line_id}/matched")
    assert "Chosen by a person." in said(page)
    assert "Write why the match was wrong." in said(page.send("Undo this match"))
    done = page.send("Undo this match", reason="Another member paid it")
    assert "Undone: £500 waits to be matched again." in said(done)
    assert "Another member paid it" in said(visitor.get(f"/money-in/{line_id}/matched"))
    assert "Withdrawn: matched by mistake" in said(visitor.get(f"/pledges/{made}"))


def test_remembered_names_are_shown_and_forgotten(desk: tuple[Visitor, Actor], clock: MovableClock) -> None:
    visitor, steward = desk
    assert "No name is remembered yet." in said(visitor.get("/money-in/payers"))
    made = pledged(member("Alder Works", Sector.PRIVATE), clock).reference
    (line_id,) = arrive(steward, clock, (500_00, "Mr T Treasurer", ""))
    visitor.get(f"/money-in/{line_id}").send("Match", pledge=made)
    page = visitor.get("/money-in/payers")
    assert "Mr T Treasurer" in said(page)
    assert "Forgotten." in said(page.send("Forget Mr T Treasurer"))
    assert queries.payer_names() == []


def test_unknown_lines_are_not_found_and_others_may_not(
    app: Flask, desk: tuple[Visitor, Actor], clock: MovableClock
) -> None:
    visitor, steward = desk
    (out,) = arrive(steward, clock, (-5_00, "Shop", ""))
    for line_id in (out, 999, 10**30):
        for what in ("share", "matched"):
            visitor.get(f"/money-in/{line_id}/{what}", status=404)
    secretary = Visitor(app).sign_in(official("Ada Secretary", Role.SECRETARY)[0])
    for path in ("/money-in/proposals", "/money-in/payers", f"/money-in/{out}/share", f"/money-in/{out}/matched"):
        secretary.get(path, status=403)
