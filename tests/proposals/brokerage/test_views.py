"""Pages of requests for partners, as a browser meets them."""

import pytest
from flask import Flask
from sqlalchemy import event

from fund.kernel.access import Role
from fund.kernel.db import db
from members.rules import MembershipStatus, Sector
from proposals.models import Proposal
from tests.proposals.scene import Scene, make_scene, started
from tests.visitor import Page, Visitor
from tests.world import member, officer


@pytest.fixture
def scene(app: Flask) -> Scene:
    return make_scene()


@pytest.fixture
def draft(scene: Scene) -> Proposal:
    return started(scene)


@pytest.fixture
def lead(app: Flask, scene: Scene) -> Visitor:
    return Visitor(app).sign_in(scene.lead_person)


@pytest.fixture
def firm(app: Flask, scene: Scene) -> Visitor:
    return Visitor(app).sign_in(scene.firm_person)


def ask(lead: Visitor, draft: Proposal, **more: object) -> Page:
    """From the gate to an open request."""
    form = lead.get(f"/proposals/{draft.reference}").follow("Ask members for a Private partner")
    return form.send("Post the request", **more)


def answer(firm: Visitor, **more: object) -> Page:
    return firm.get("/requests/PR-2026-001").send("Send our answer", **({"message": "We have rooms."} | more))


def test_from_the_gate_a_request_is_one_click_and_prefilled(lead: Visitor, draft: Proposal) -> None:
    page = ask(lead, draft)
    assert page.path == "/requests/PR-2026-001"
    assert page.heading == "Warm rooms"
    assert "We look for a partner from the Private sector." in page.text
    gate = lead.get(f"/proposals/{draft.reference}")
    assert "See your request for a Private partner" in gate.links()
    assert "Ask members for a Public partner" in gate.links()


def test_only_the_agreed_words_are_shown(lead: Visitor, firm: Visitor, draft: Proposal) -> None:
    ask(lead, draft, title="A quiet title", need="A firm with rooms.")
    found = firm.get("/requests/PR-2026-001")
    assert "A quiet title" in found.text
    assert "Warm rooms" not in found.response.text
    assert draft.reference not in found.response.text
    firm.get(f"/proposals/{draft.reference}", status=404)


def test_every_fault_at_once(lead: Visitor, firm: Visitor, draft: Proposal) -> None:
    wrong = ask(lead, draft, title="", need="x" * 1001)
    assert wrong.status == 422
    assert len(wrong.errors()) == 2
    wrong.send("Post the request", title="Rooms", need="A firm.")
    wrong = answer(firm, message="", contact="c" * 201)
    assert wrong.status == 422
    assert len(wrong.errors()) == 2
    page = wrong.send("Send our answer", message="We have rooms.", contact="")
    assert page.path == "/replies/1"
    assert "You gave no contact" in page.text
    wrong = lead.get("/replies/1").send("Thank them and say no", **{"decline-note": "x" * 1001})
    assert wrong.status == 422
    assert len(wrong.errors()) == 1


def test_a_sent_form_has_one_effect(lead: Visitor, firm: Visitor, draft: Proposal) -> None:
    form = lead.get(f"/proposals/{draft.reference}/requests/private")
    assert form.send("Post the request").path == form.send("Post the request").path == "/requests/PR-2026-001"
    shown = firm.get("/requests/PR-2026-001")
    first = shown.send("Send our answer", message="We have rooms.")
    assert shown.send("Send our answer", message="We have rooms.").path == first.path


def test_contacts_only_after_both_agreed(lead: Visitor, firm: Visitor, draft: Proposal) -> None:
    ask(lead, draft)
    answer(firm, contact="Fay, 0161 496 0001")
    before = lead.get("/replies/1")
    assert "0161 496 0001" not in before.response.text
    wrong = before.send("Exchange contacts")
    assert wrong.status == 422
    after = wrong.send("Exchange contacts", **{"contact-contact": "Lena, 0161 496 0002"})
    assert "0161 496 0001" in after.text
    assert "0161 496 0002" in firm.get("/replies/1").text


def test_an_answer_leads_to_an_invitation(lead: Visitor, firm: Visitor, draft: Proposal) -> None:
    ask(lead, draft)
    answer(firm)
    task = lead.get("/tasks").follow("Answer a member about “Warm rooms”")
    terms = task.follow("Mosslight Bakery").send("Invite Mosslight Bakery as a partner")
    assert terms.path == "/partners/2/terms"
    assert "You are invited" in firm.get("/replies/1").text


def test_no_thank_you_and_taking_back(lead: Visitor, firm: Visitor, draft: Proposal) -> None:
    ask(lead, draft)
    answer(firm).send("Take our answer back")
    lead.get("/replies/1", status=404)
    answer(firm)
    page = lead.get("/replies/2").send("Thank them and say no", **{"decline-note": "Next time."})
    assert "Not this time" in page.text
    assert "Next time." in firm.get("/replies/2").text
    closed = lead.get("/requests/PR-2026-001").send("Close this request")
    assert "This request is closed." in closed.text
    assert "This request is closed." in firm.get("/requests/PR-2026-001").text


def test_strangers_find_nothing(app: Flask, scene: Scene, lead: Visitor, firm: Visitor, draft: Proposal) -> None:
    ask(lead, draft)
    answer(firm)
    council = Visitor(app).sign_in(scene.council_person)
    council.get("/replies/1", status=404)
    council.get(f"/proposals/{draft.reference}/requests/public", status=404)
    for number in ("999999", "99999999999999999999999"):
        council.get(f"/replies/{number}", status=404)
    council.get("/requests/none-such", status=404)
    lead.get(f"/proposals/{draft.reference}/requests/third", status=404)
    for path in ("/requests", "/requests/PR-2026-001", "/replies/1"):
        Visitor(app).get(path)  # is led to sign in
        Visitor(app).sign_in(scene.steward_person).get(path, status=403)
    assert "We have rooms" not in council.get("/requests/PR-2026-001").response.text
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        for act in ("invite", "exchange", "decline", "take-back"):
            form = {"form_id": "x", f"{act}-form_id": "x", "contact-form_id": "x", "contact-contact": "x"}
            form |= {"back-form_id": "x"}
            assert council.post(f"/replies/1/{act}", form).status == 404
        assert council.post("/requests/PR-2026-001/close", {"close-form_id": "x"}).status == 404
    finally:
        app.config["WTF_CSRF_ENABLED"] = True


def test_those_of_no_member_see_no_requests(app: Flask, scene: Scene, draft: Proposal, lead: Visitor) -> None:
    ask(lead, draft)
    left = member("Left Ltd", Sector.PRIVATE)
    left.status = MembershipStatus.LEFT
    db.session.commit()
    gone = Visitor(app).sign_in(officer(left)[0])
    for path in ("/requests", "/requests/PR-2026-001"):
        assert "Warm rooms" not in gone.get(path, status=403).response.text


def test_the_list_by_sector_district_and_need(lead: Visitor, firm: Visitor, draft: Proposal) -> None:
    assert "Nobody looks for a partner now" in firm.get("/requests").text
    ask(lead, draft, districts=["E08000003"], interests=["space"])
    page = firm.get("/tasks").follow("Partner requests")
    assert "1 open request" in page.text
    page = page.send("Show", sector="private", district="E08000003", interest="space")
    assert "Warm rooms" in page.text
    assert "district=E08000003" in page.response.request.query_string.decode()
    assert "No open request fits" in page.send("Show", interest="health").text
    assert "Warm rooms" in firm.get("/requests?sector=oops&district=oops&interest=oops&page=oops").text
    assert "No open request fits" in firm.get("/requests?page=99").text


def test_roles_that_read_only(app: Flask, scene: Scene, lead: Visitor, draft: Proposal) -> None:
    ask(lead, draft)
    finance = Visitor(app).sign_in(officer(scene.firm, Role.FINANCE)[0])
    assert "Tell them." in finance.get("/requests/PR-2026-001").text
    council = Visitor(app).sign_in(scene.council_person)
    assert "another sector than yours" in council.get("/requests/PR-2026-001").text


def test_the_list_takes_as_many_queries_for_many_as_for_one(
    app: Flask, scene: Scene, lead: Visitor, firm: Visitor
) -> None:
    def queries() -> int:
        seen: list[str] = []

        def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
            seen.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            firm.get("/requests")
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    ask(lead, started(scene, "First"))
    one = queries()
    for number in range(4):
        ask(lead, started(scene, f"Another {number}"))
    assert queries() == one
