"""The assessor's desk and the moderation page."""

import pytest
from flask import Flask
from sqlalchemy import select

from fund.kernel.access import Role
from fund.kernel.db import db, transaction
from members.profile import service as profiles
from members.profile.rules import Details
from proposals.assessment.rules import GATE_CODES
from proposals.models import Proposal
from proposals.rules import ProposalState
from tests import world
from tests.conftest import START
from tests.proposals.evidence.scene import Scene, lay, sent
from tests.visitor import Page, Visitor

PATH = "/assessments/P-2026-001"


@pytest.fixture
def scene(app: Flask) -> Scene:
    world.found_society()
    scene = lay()
    sent(scene)
    return scene


def assessor(app: Flask, name: str, role: Role = Role.ASSESSOR) -> Visitor:
    return Visitor(app).sign_in(world.person(name, role))


@pytest.fixture
def ann(app: Flask, scene: Scene) -> Visitor:
    return assessor(app, "Ann Assessor")


@pytest.fixture
def bo(app: Flask, scene: Scene) -> Visitor:
    return assessor(app, "Bo Lived", Role.LIVED_EXPERIENCE_ASSESSOR)


def begin(visitor: Visitor) -> Page:
    return visitor.get(PATH).send("Go on", link="none")


def scores(value: int, reason: str = "Because of the lever") -> dict[str, str]:
    given = {f"{code}_score": str(value) for code in GATE_CODES}
    return given | {f"{code}_reasons": reason for code in GATE_CODES} | {"found_level": "4"}


def test_an_assessor_declares_saves_submits_and_then_sees_the_others(ann: Visitor, bo: Visitor) -> None:
    assert "Evening Kitchen" in ann.get("/assessments").text
    page = begin(bo)
    page.send("Submit my scores", **scores(3, "Bo thinks so"))
    page = begin(ann)
    assert "Bo thinks so" not in page.response.get_data(as_text=True)
    page = page.send("Save draft", g1_score="2", g2_reasons="Half a thought")
    assert "Half a thought" in page.response.get_data(as_text=True)
    assert "Bo thinks so" not in page.response.get_data(as_text=True)
    page = page.send("Submit my scores")
    assert page.status == 422
    assert len(page.errors()) == 7
    assert "Half a thought" in page.response.get_data(as_text=True)
    page = page.send("Submit my scores", **scores(2))
    assert page.heading == "Your scores for P-2026-001 are in"
    assert "Bo thinks so" in page.text
    assert "Bo Lived" not in page.text
    assert "Scored" in ann.get("/assessments").text


def test_a_declared_link_shuts_out_with_a_reason(ann: Visitor, bo: Visitor) -> None:
    begin(bo).send("Submit my scores", **scores(3, "Bo thinks so"))
    page = ann.get(PATH)
    assert page.send("Go on").errors() == ["Say whether you have a link. “None” is an answer."]
    assert page.send("Go on", link="some").errors() == ["Say in a few words what the link is."]
    page = page.send("Go on", link="some", what="My sister works there")
    assert page.heading == "Somebody else assesses P-2026-001"
    assert "Bo thinks so" not in page.text
    assert "You declared a link" in ann.get("/assessments").text


def test_an_officer_of_a_partner_is_shut_out(app: Flask, scene: Scene) -> None:
    person = world.person("Cy Assessor", Role.ASSESSOR)
    world.appoint(person, scene.firm, Role.DEPUTY)
    page = Visitor(app).sign_in(person).get(PATH)
    assert page.heading == "Somebody else assesses P-2026-001"
    assert "Loom Works Ltd" in page.text


def test_an_empty_desk_says_so(app: Flask, scene: Scene, ann: Visitor) -> None:
    scene.set_state(ProposalState.SUBMITTED)
    assert "No proposal waits" in ann.get("/assessments").text
    ann.get(PATH, status=404)


def test_a_page_open_since_before_the_ballot_is_told_so(scene: Scene, ann: Visitor) -> None:
    page = begin(ann)
    scene.set_state(ProposalState.ON_BALLOT)
    assert page.send("Submit my scores", **scores(3)).status == 409


def test_invented_scores_are_refused(ann: Visitor) -> None:
    page = begin(ann).send("Save draft", g1_score="5", found_level="9")
    assert page.status == 422
    assert len(page.errors()) == 2


def test_a_steward_records_the_talk(app: Flask, scene: Scene, ann: Visitor, bo: Visitor) -> None:
    begin(ann).send("Submit my scores", **scores(3))
    steward = Visitor(app).sign_in(scene.steward_person)
    assert "Record the talk" not in steward.get(f"{PATH}/moderation").text
    begin(bo).send("Submit my scores", **(scores(3) | {"g1_score": "0"}))
    page = steward.get(f"{PATH}/moderation")
    assert "scored 0" in page.text
    assert len(page.send("Record the talk").errors()) == 4
    page = page.send(
        "Record the talk", held_on="2026-05-31", took_part="Ann, Bo", notes="Read it again", outcome="score_again"
    )
    assert "The assessors score again" in page.text
    page = bo.get(PATH)
    assert page.heading == "Assess P-2026-001"
    page.send("Submit my scores", g1_score="2")
    assert bo.get(PATH).heading == "Your scores for P-2026-001 are in"


def test_doors(app: Flask, scene: Scene, ann: Visitor) -> None:
    writer = Visitor(app).sign_in(scene.writer_person, scene.lead.id)
    for path in ("/assessments", PATH, f"{PATH}/moderation"):
        writer.get(path, status=403)
    ann.get(f"{PATH}/moderation", status=403)
    both = Visitor(app).sign_in(world.person("Dee Both", Role.STEWARD, Role.ASSESSOR))
    both.get(f"{PATH}/moderation", status=403)
    for wrong in ("P-2026-999", "%00", "P-" + "9" * 40):
        ann.get(f"/assessments/{wrong}", status=404)


def test_assessors_see_what_others_certified_of_the_partners(ann: Visitor, scene: Scene) -> None:
    lead = db.session.scalars(select(Proposal)).one().lead
    lead_id, (_, certifier) = lead.id, world.officer(lead)
    with transaction():
        profiles.record_accreditation(
            organisation_id=lead_id,
            said=Details("Trusted Charity", "A council of charities", number="TC-1"),
            actor=certifier,
            now=START,
        )
    assert "Trusted Charity, given by A council of charities" in begin(ann).text
