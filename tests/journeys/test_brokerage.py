"""Handbook §12, story 6: gate 1 lacks a private partner; the lead asks, a firm answers, the gate turns green."""

import pytest
from flask import Flask

from fund.kernel.db import transaction
from members.profile import service as profiles
from members.profile.rules import Description
from proposals import service
from tests.conftest import START
from tests.journeys.person import Site
from tests.journeys.test_drafting import signed_in
from tests.proposals.scene import (
    LEAD_TERMS,
    LINES,
    PARTNER_TERMS,
    PUBLIC_TERMS,
    Scene,
    confirm,
    invited,
    lead_part,
    make_scene,
    started,
)

pytestmark = pytest.mark.browser

HOME = "/proposals/P-2026-001"


@pytest.fixture
def scene(app: Flask) -> Scene:
    """A draft whose lead and council have confirmed; what it lacks is a firm."""
    made = make_scene()
    proposal = started(made)
    with transaction():
        service.set_budget(proposal_id=proposal.id, lines=LINES, actor=made.lead, now=START)
        service.set_partner_terms(partner_id=lead_part(proposal).id, terms=LEAD_TERMS, actor=made.lead, now=START)
        profiles.save_profile(
            organisation_id=made.firm.id,
            said=Description(interests=frozenset({"space"}), wants_requests=True),
            seen=0,
            actor=made.firm_certifier,
            now=START,
        )
    confirm(lead_part(proposal), made.lead)
    confirm(invited(made, proposal, made.council, PUBLIC_TERMS), made.council_certifier)
    return made


def test_story_6_a_firm_answers_and_gate_1_turns_green(site: Site, scene: Scene) -> None:
    lead = signed_in(site, scene.lead_person, scene.charity.id)
    lead.open(HOME).sees("Invite a Private partner and ask it to confirm.")
    gate = lead.page.locator("section[aria-labelledby='g1']")
    assert "Met" not in gate.locator(".status").inner_text()
    lead.follow("Ask members for a Private partner").sees("nothing else of your draft").picture("ask")
    lead.type("What you look for", "A firm with rooms that stand empty at night.").tick("Space")
    lead.press("Post the request").sees("Your request is open", "No answer yet").picture("request-lead")

    firm = signed_in(site, scene.firm_person, scene.firm.id)
    firm.open("/tasks").follow("Partner requests").picture("requests")
    firm.follow("Warm rooms").sees("A firm with rooms", "you keep your vote").picture("request")
    firm.type("Your message", "We have three rooms above the bakery.")
    firm.type("Your contact, to be exchanged for theirs", "Fay, 0161 496 0001")
    firm.press("Send our answer").sees("Nobody else can read it")

    lead.open("/tasks").follow("Answer a member about “Warm rooms”").follow("Mosslight Bakery")
    lead.sees("We have three rooms").does_not_see("0161 496 0001").picture("reply")
    lead.type("Your contact", "Lena, 0161 496 0002").press("Exchange contacts").sees("0161 496 0001")
    lead.press("Invite Mosslight Bakery as a partner").sees("is invited")
    terms = PARTNER_TERMS
    assert terms.role is not None
    assert terms.contribution_kind is not None
    lead.pick("Role", terms.role).pick("What does it give?", terms.contribution_kind)
    lead.type("Describe what it gives", terms.contribution_description)
    lead.type("What is that worth?", f"{(terms.contribution_pence or 0) / 100:.2f}")
    lead.type("How was the value worked out?", terms.valuation_basis)
    lead.type("Its share of the grant", f"{(terms.grant_share_pence or 0) / 100:.2f}")
    lead.press("Save this part")

    firm.open("/replies/1").follow("Read and confirm your part").sees("Warm rooms")
    firm.tick("We accept these principles of co-production").press("Confirm for Mosslight Bakery")

    lead.open(HOME)
    assert gate.locator(".status").inner_text() == "Met"
    lead.does_not_see("Ask members for")
    firm.open("/requests/PR-2026-001").sees("A partner of this sector has confirmed.")


def test_pages_of_profiles_and_accreditations_are_accessible(site: Site, scene: Scene) -> None:
    firm = signed_in(site, scene.firm_person, scene.firm.id)
    home = f"/members/{scene.firm.reference}"
    firm.open(f"{home}/profile").picture("profile")
    firm.open(f"{home}/accreditations/new").picture("accreditation")
    firm.press("Save").sees("There is a problem")
    firm.choose("Accreditation", "Living Wage employer").type("Who gave it", "A foundation")
    firm.type("Its number", "LW-1").press("Save").picture("accreditations")
    firm.open(home).sees("Living Wage employer").picture("organisation")
    site.somebody().open(f"{home}/money")
    firm.open("/members?interest=space").sees("1 member fits").picture("directory")
