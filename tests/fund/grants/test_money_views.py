"""Which money pays for a grant, as a steward reads it."""

from datetime import date

from flask import Flask
from sqlalchemy import select

from fund.grants.awards.frozen import frozen
from fund.grants.awards.queries import award_by_reference
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from members.restrictions.rules import Terms
from proposals.models import Proposal
from proposals.rules import ProposalState
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
    assert page.heading.startswith("Money for proposal")
    assert "is missing" not in page.text
    assert "is missing" not in steward.get(f"/grants/{grant.reference}/money").text
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
    proposal = frozen(award_by_reference(grant.reference).version_id).proposal_reference
    steward.get(f"/proposals/{proposal}/free/RF-999", status=404)
    lead.get(f"/proposals/{proposal}/free", status=403)
    steward.get("/proposals/P-2026-999/free", status=404)


def test_what_is_free_is_shown_before_anybody_offers_or_votes(app: Flask, clock: MovableClock) -> None:
    grant = lay(clock, pot_pence=9_000_00)
    fund = open_fund(grant, Terms(purpose="Warm food"))
    steward = Visitor(app).sign_in(grant.people["steward"])
    page = steward.get(f"/grants/offer/{grant.item_id}").follow("What is free to award for it")
    assert page.heading.startswith("Money for proposal")
    assert "asks for £10,000" in page.text
    assert "£1,000 is missing" in page.text
    page = page.follow(f"Say whether it serves {fund}").send("Write it down", serves="yes", reasons="It cooks.")
    assert "Enough" in page.text
    proposal = page.heading.removeprefix("Money for proposal ")
    auditor = Visitor(app).sign_in(grant.people["auditor"])
    seen = auditor.get(f"/proposals/{proposal}").follow("What is free to award for it")
    assert f"Say whether it serves {fund}" not in seen.links()


def test_a_draft_has_nothing_to_award(app: Flask, clock: MovableClock) -> None:
    grant = lay(clock)
    subject = db.session.scalars(select(Proposal)).one()
    with transaction() as session:
        draft = Proposal(
            reference="P-2026-777",
            round_id=subject.round_id,
            lead_id=subject.lead_id,
            title="Not sent",
            state=ProposalState.DRAFT,
            created_by_id=subject.created_by_id,
            created_at=clock.now(),
        )
        session.add(draft)
    Visitor(app).sign_in(grant.people["steward"]).get("/proposals/P-2026-777/free", status=404)


def test_a_steward_promises_other_money_where_time_has_passed(app: Flask, clock: MovableClock) -> None:
    grant = lay(clock, pot_pence=20_000_00)
    open_fund(grant, Terms(spend_by=date(2026, 6, 30)))
    grant.payable()
    auditor = Visitor(app).sign_in(grant.people["auditor"])
    assert "A steward can promise other money" in auditor.get(f"/grants/{grant.reference}/money").text
    page = Visitor(app).sign_in(grant.people["steward"]).get(f"/grants/{grant.reference}/money")
    assert "It had to be used by 30 June 2026" in page.text
    assert page.send("Promise other money").errors() == ["Say why, for the contributor and the auditor."]
    page = page.send("Promise other money", reason="Its time has passed.")
    assert "What may not pay for it any more" not in page.text
