"""Which money pays for a grant, as a steward reads it."""

from flask import Flask

from fund.kernel.clock import MovableClock
from members.restrictions.rules import Terms
from tests.fund.grants.awarding import lay
from tests.members.restrictions.test_service import BURY, committed, open_fund
from tests.visitor import Visitor


def test_which_money_is_free_is_shown_line_by_line_and_a_steward_says_what_serves(
    app: Flask, clock: MovableClock
) -> None:
    grant = lay(clock, pot_pence=9_000_00)
    fits = open_fund(grant, Terms(purpose="Warm food"))
    elsewhere = open_fund(grant, Terms(districts=frozenset({BURY})))
    grant.ready_to_live()
    steward = Visitor(app).sign_in(grant.people["steward"])
    page = steward.get(f"/grants/{grant.reference}").follow("Which money pays for it")
    assert "£1,000 is missing" in page.text
    assert "Nobody has said yet" in page.text
    assert elsewhere in page.text
    asked = page.follow(f"Say whether it serves {fits}")
    assert asked.send("Write it down", reasons="").status == 422
    page = asked.send("Write it down", serves="yes", reasons="It cooks warm food.")
    assert "is missing" not in page.text
    grant.go_live()
    assert committed(grant) == {fits: 5_000_00, None: 5_000_00}
    page = steward.get(f"/grants/{grant.reference}/money")
    assert "What is reserved for it" in page.text
    assert page.text.count("£5,000") >= 2


def test_only_the_office_reads_it_and_only_of_what_is_there(app: Flask, clock: MovableClock) -> None:
    grant = lay(clock)
    grant.ready_to_live()
    lead = Visitor(app).sign_in(grant.people["lead"])
    lead.get(f"/grants/{grant.reference}/money", status=403)
    steward = Visitor(app).sign_in(grant.people["steward"])
    steward.get("/grants/G-2026-999/money", status=404)
    steward.get(f"/grants/{grant.reference}/money/RF-999", status=404)
