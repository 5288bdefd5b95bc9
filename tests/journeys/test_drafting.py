"""Drafting in a real browser: what is typed saves itself, is counted as the server counts it, and is never lost."""

import pytest
from flask import Flask
from playwright.sync_api import expect

from fund.kernel.db import db, transaction
from members.accounts.models import Person as Account
from proposals import queries, service
from tests.conftest import START
from tests.journeys.person import Person, Site
from tests.proposals.scene import Scene, invited, make_scene, started, submitted
from tests.visitor import Visitor

pytestmark = pytest.mark.browser

IDEA = "/proposals/P-2026-001/section/idea"


def signed_in(site: Site, somebody: Account, organisation_id: int | None, *, javascript: bool = True) -> Person:
    """A browser with the session of `somebody`, made in the database."""
    visitor = Visitor(site.app).sign_in(somebody, organisation_id)
    cookie = visitor.client.get_cookie("session")
    assert cookie is not None
    person = site.somebody(javascript=javascript)
    person.page.context.add_cookies([{"name": "session", "value": cookie.value, "url": site.address}])
    return person


def answers() -> dict[str, str]:
    db.session.rollback()
    return queries.answers(1)


@pytest.fixture
def scene(app: Flask) -> Scene:
    made = make_scene()
    started(made)
    return made


def test_what_is_typed_saves_itself_and_is_counted(site: Site, scene: Scene) -> None:
    lead = signed_in(site, scene.lead_person, scene.charity.id).open(IDEA)
    box = lead.page.locator("[data-field='summary']")
    expect(box.locator(".count")).to_have_text("600 characters left")
    box.locator("textarea").fill("  Café 👩‍👩‍👧 \r\n")
    expect(box.locator(".count")).to_have_text(f"{600 - len('Café 👩‍👩‍👧')} characters left")
    expect(box.locator(".saved")).to_have_text("Saved at 10:00am")
    assert answers()["summary"] == "Café 👩‍👩‍👧"
    lead.page.get_by_label("There are solutions, but they fail", exact=True).check()
    expect(lead.page.locator("[data-field='situation'] .saved")).to_have_text("Saved at 10:00am")
    assert answers()["situation"] == "solutions_fail"
    lead.press("Save and go on").sees("“The idea” is saved.")
    assert answers()["summary"] == "Café 👩‍👩‍👧"


def test_a_stale_tab_is_told_and_keeps_its_words(site: Site, scene: Scene) -> None:
    lead = signed_in(site, scene.lead_person, scene.charity.id).open(IDEA)
    with transaction():
        service.save_answers(proposal_id=1, answers={"idea": "Their words"}, actor=scene.editor, now=START)
    box = lead.page.locator("[data-field='idea']")
    box.locator("textarea").fill("My words")
    expect(box.locator(".saved")).to_contain_text("somebody saved another answer")
    expect(box.locator(".saved")).to_contain_text("Their words")
    assert answers()["idea"] == "Their words"
    expect(box.locator("textarea")).to_have_value("My words")
    box.get_by_role("button", name="Keep mine").click()
    expect(box.locator(".saved")).to_have_text("Saved at 10:00am")
    assert answers()["idea"] == "My words"


def test_a_lost_connection_loses_no_word(site: Site, scene: Scene) -> None:
    lead = signed_in(site, scene.lead_person, scene.charity.id).open(IDEA)
    box = lead.page.locator("[data-field='idea']")
    lead.page.context.set_offline(True)
    box.locator("textarea").fill("Typed in a tunnel")
    expect(box.locator(".saved")).to_contain_text("no connection")
    lead.page.context.set_offline(False)
    expect(box.locator(".saved")).to_have_text("Saved at 10:00am", timeout=15_000)
    assert answers()["idea"] == "Typed in a tunnel"


def test_without_script_the_button_saves(site: Site, scene: Scene) -> None:
    page = signed_in(site, scene.lead_person, scene.charity.id, javascript=False).page
    page.goto(IDEA)
    page.get_by_label("What will you do together?").fill("Plain words")
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_text("“The idea” is saved.")).to_be_visible()
    assert answers()["idea"] == "Plain words"


def test_a_list_of_faults_takes_the_focus(site: Site, scene: Scene) -> None:
    lead = signed_in(site, scene.lead_person, scene.charity.id).open(IDEA)
    lead.page.get_by_label("How many months will the grant last?").fill("many")
    lead.press("Save and go on")
    expect(lead.page.locator(".errors")).to_be_focused()


@pytest.mark.parametrize("path", ["", "/section/change", "/budget", "/partners?q=o", "/submit"])
def test_pages_of_a_draft_are_accessible(site: Site, scene: Scene, path: str) -> None:
    signed_in(site, scene.lead_person, scene.charity.id).open(f"/proposals/P-2026-001{path}")


def test_pages_of_rounds_parts_and_what_was_sent_are_accessible(app: Flask, site: Site) -> None:
    scene = make_scene()
    submitted(scene)
    part = invited(scene, started(scene, "Second"), scene.firm)
    site.somebody().open("/rounds").follow("Homes that last").picture("round")
    lead = signed_in(site, scene.lead_person, scene.charity.id)
    for path in ("/proposals", "/proposals/P-2026-001/versions/1", f"/partners/{part.id}/terms"):
        lead.open(path)
    lead.open("/proposals/P-2026-002/section/idea").picture("section")
    lead.open("/proposals/P-2026-002").picture("proposal")
    lead.open("/proposals/P-2026-002/partners").picture("partners")
    signed_in(site, scene.firm_person, scene.firm.id).open(f"/partners/{part.id}/confirm").picture("confirm")
    steward = signed_in(site, scene.steward_person, None)
    for path in ("/rounds/new", "/rounds/R-2026-1/proposals", "/proposals/P-2026-001/eligibility"):
        steward.open(path)
