"""Pages of rounds, drafts and partners: what people see, what bad input meets, and what is kept from strangers."""

import json
from datetime import timedelta
from hashlib import sha256

import pytest
from flask import Flask

from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from members.models import ConnectedGroup
from members.rules import Sector
from proposals import queries, service
from proposals.models import Partner, Round
from proposals.questions import QUESTIONS
from proposals.rules import ProposalState, RoundState
from tests.conftest import START
from tests.proposals.scene import (
    CLOSES,
    LINES,
    Scene,
    complete,
    confirm,
    invited,
    make_scene,
    published_round,
    started,
    submitted,
)
from tests.visitor import Visitor
from tests.world import found_society, member, officer, official

ROUND = {
    "title": "Homes that last",
    "purpose": "Safe homes.",
    "written_case": "Nothing works now.",
    "senior_officer": "Rosa Quill",
    "budget": "100,000",
    "smallest": "1,000",
    "largest": "50,000",
    "opens_day": "2026-06-01",
    "opens_time": "10:00",
    "closes_day": "2026-06-29",
    "closes_time": "17:30",
    "decide_by": "2026-09-30",
}


def lead_of(app: Flask, scene: Scene) -> Visitor:
    return Visitor(app).sign_in(scene.lead_person, scene.charity.id)


def steward_of(app: Flask, scene: Scene) -> Visitor:
    return Visitor(app).sign_in(scene.steward_person)


# --- rounds


def test_a_steward_plans_publishes_and_opens_a_round(app: Flask, visitor: Visitor) -> None:
    found_society()
    somebody, _ = official("Sue", Role.STEWARD)
    steward = Visitor(app).sign_in(somebody)
    page = steward.get("/rounds").follow("Plan a round").send("Save the draft", **ROUND)
    assert page.heading == "Homes that last"
    assert visitor.get("/rounds/R-2026-1", status=404)
    page = page.follow("Change the plan").send("Save the draft", senior_officer="Bo Reed")
    assert "Bo Reed" in page.text
    page = page.send("Publish this round")
    assert "The Private sector has paid £0" in page.text
    refused = page.send("Open this round")
    assert refused.status == 422
    assert [message[:28] for message in refused.errors()] == [
        "The Private sector has paid ",
        "The Public sector has paid £",
        "The VCSE sector has paid £0 ",
    ]
    found = queries.round_by_reference("R-2026-1")
    assert found.state is RoundState.PUBLISHED
    assert found.closes_at.isoformat() == "2026-06-29T16:30:00+00:00"  # 5:30pm in England in summer
    assert steward.get("/rounds/R-2026-1/edit").send("Save the draft", title="Other").status == 409


def test_a_plan_with_faults_is_shown_again_with_all_of_them(app: Flask) -> None:
    found_society()
    somebody, _ = official("Sue", Role.STEWARD)
    page = Visitor(app).sign_in(somebody).get("/rounds/new")
    empty = page.send("Save the draft", **dict.fromkeys(ROUND, ""))
    assert empty.status == 422
    assert len(empty.errors()) == len(ROUND)
    bad = page.send("Save the draft", **{**ROUND, "budget": "1e5", "opens_day": "tomorrow", "closes_time": "25:00"})
    assert len(bad.errors()) == 3
    assert "Nothing works now." in bad.response.get_data(as_text=True)
    order = page.send("Save the draft", **{**ROUND, "closes_day": "2026-05-01", "smallest": "60,000"})
    assert len(order.errors()) == 2
    assert db.session.query(Round).count() == 0


def test_the_public_reads_every_question_and_setting_without_an_account(app: Flask, visitor: Visitor) -> None:
    make_scene()
    page = visitor.get("/rounds").follow("Homes that last")
    for question in QUESTIONS.values():
        assert question.label in page.text
        assert question.why in page.text
        assert question.decides in page.text
    for words in ("£100,000", "29 June 2026 at 10:00am", "30 September 2026", "at least 5 of the people", "Rosa Quill"):
        assert words in page.text
    file = visitor.get(page.links()["Download the questions as text"])
    assert file.response.mimetype == "text/plain"
    assert all(question.label in file.response.get_data(as_text=True) for question in QUESTIONS.values())


def test_rounds_that_are_none_and_drafts_are_not_found(app: Flask, visitor: Visitor) -> None:
    make_scene()
    for path in ("/rounds/R-2026-9", "/rounds/none", "/rounds/R-2026-1%00", "/rounds/R-2026-9/questions.txt"):
        visitor.get(path, status=404)
    assert "No round has been published" not in visitor.get("/rounds").text


def test_an_empty_list_of_rounds_says_what_to_do(app: Flask, visitor: Visitor) -> None:
    found_society()
    assert "No round has been published yet" in visitor.get("/rounds").text


def test_a_steward_closes_a_round_when_its_time_has_come(app: Flask, clock: MovableClock) -> None:
    scene = make_scene()
    steward = steward_of(app, scene)
    assert "Close this round" not in steward.get("/rounds/R-2026-1").text
    clock.move_to(CLOSES)
    page = steward.get("/rounds/R-2026-1").send("Close this round")
    assert page.heading == "Proposals of round R-2026-1"
    assert db.session.get_one(Round, scene.round.id).state is RoundState.CLOSED


# --- drafts


def test_a_proposal_is_begun_once_however_often_the_button_is_pressed(app: Flask) -> None:
    scene = make_scene()
    lead = lead_of(app, scene)
    page = lead.get("/rounds/R-2026-1").follow("Start a proposal")
    assert page.send("Start", title="").errors() == ["Give the proposal a name. You can change it later."]
    first, second = page.send("Start", title="Warm rooms"), page.send("Start", title="Warm rooms")
    assert first.path == second.path == "/proposals/P-2026-001"
    assert [found.reference for found in queries.of_organisation(scene.charity.id)] == ["P-2026-001"]
    assert "Warm rooms" in lead.get("/proposals").text


def test_a_round_that_is_not_open_takes_no_proposals(app: Flask, clock: MovableClock) -> None:
    scene = make_scene()
    lead = lead_of(app, scene)
    page = lead.get("/rounds/R-2026-1/propose")
    clock.move_to(CLOSES)
    assert page.send("Start", title="Too late").status == 409
    assert "takes no new proposals now" in lead.get("/rounds/R-2026-1/propose").text


def test_a_section_is_saved_and_leads_to_the_next(app: Flask) -> None:
    scene = make_scene()
    started(scene)
    lead = lead_of(app, scene)
    page = lead.get("/proposals/P-2026-001/section/idea")
    page = page.send("Save and go on", idea="  We begin\r\nhere  ", situation="solutions_fail", months="12")
    assert page.heading == "People and places"
    answers = queries.answers(1)
    assert (answers["idea"], answers["situation"], answers["months"]) == ("We begin\nhere", "solutions_fail", "12")
    page = page.send("Save and go on", places=["E08000003", "E08000001"])
    assert queries.answers(1)["places"] == "E08000001 E08000003"
    page = lead.get("/proposals/P-2026-001/section/change")
    assert page.send("Save and go on", ends_with_money="no").heading == "Budget"


def test_bad_answers_are_named_beside_their_question_and_what_was_typed_stays(app: Flask) -> None:
    scene = make_scene()
    started(scene)
    page = lead_of(app, scene).get("/proposals/P-2026-001/section/idea")
    page = page.send("Save and go on", months="a year", idea="Keep these words")
    assert page.status == 422
    assert page.errors() == ["Write a whole number from 1 to 60, such as 25."]
    assert "Keep these words" in page.response.get_data(as_text=True)
    forged = {"situation": "nonsense"}
    token = page.tree.find(".//input[@name='csrf_token']").get("value")  # type: ignore[union-attr]
    answer = page.visitor.post("/proposals/P-2026-001/section/idea", {**forged, "csrf_token": token, "form_id": "f"})
    assert (answer.status, answer.errors()) == (422, ["Choose from the answers shown."])


def test_two_tabs_never_lose_a_word(app: Flask) -> None:
    scene = make_scene()
    started(scene)
    mine, theirs = lead_of(app, scene), Visitor(app).sign_in(scene.editor_person, scene.charity.id)
    my_page = mine.get("/proposals/P-2026-001/section/idea")
    theirs.get("/proposals/P-2026-001/section/idea").send("Save and go on", idea="Their words")
    stale = my_page.send("Save and go on", idea="My words")
    assert stale.status == 409
    shown = stale.response.get_data(as_text=True)
    assert "My words" in shown
    assert "Their words" in shown
    assert queries.answers(1)["idea"] == "Their words"
    stale.send("Save and go on")
    assert queries.answers(1)["idea"] == "My words"


def _autosave(visitor: Visitor, question: str, *values: str, revision: int = 0) -> tuple[int, str, str | None]:
    token = visitor.get("/proposals/P-2026-001/section/idea").tree.find(".//input[@name='csrf_token']")
    assert token is not None
    data = {"csrf_token": token.get("value"), "question": question, "revision": str(revision), "value": list(values)}
    answer = visitor.post("/proposals/P-2026-001/autosave", data).response
    return answer.status_code, answer.get_data(as_text=True), answer.headers.get("X-Revision")


def test_autosave_keeps_one_answer_at_a_time_and_tells_of_a_stale_one(app: Flask) -> None:
    scene = make_scene()
    started(scene)
    lead = lead_of(app, scene)
    assert _autosave(lead, "idea", "First") == (200, "Saved at 10:00am", "1")
    assert _autosave(lead, "places", "E08000003", "E08000001") == (200, "Saved at 10:00am", "1")
    assert _autosave(lead, "idea", "Second", revision=1)[2] == "2"
    status, words, revision = _autosave(lead, "idea", "Stale", revision=1)
    assert (status, revision) == (409, "2")
    assert "Second" in words
    assert queries.answers(1)["idea"] == "Second"
    status, words, revision = _autosave(lead, "months", "many")
    assert (status, words, revision) == (422, "Not saved: Write a whole number from 1 to 60, such as 25.", None)
    assert _autosave(lead, "no such question", "x")[0] == 404


def test_autosave_after_the_time_says_so(app: Flask, clock: MovableClock) -> None:
    scene = make_scene()
    started(scene)
    lead = lead_of(app, scene)
    page = lead.get("/proposals/P-2026-001/section/idea")
    token = page.tree.find(".//input[@name='csrf_token']").get("value")  # type: ignore[union-attr]
    clock.move_to(CLOSES + timedelta(minutes=15))
    data = {"csrf_token": token, "question": "idea", "revision": "0", "value": "late"}
    answer = lead.post("/proposals/P-2026-001/autosave", data).response
    assert answer.status_code == 409
    assert answer.get_data(as_text=True).startswith("Not saved: The time for P-2026-001 ran out")


def test_autosave_is_for_the_leads_writers(app: Flask) -> None:
    scene = make_scene()
    made = started(scene)
    invited(scene, made, scene.firm)
    firm = Visitor(app).sign_in(scene.firm_person, scene.firm.id)
    council = Visitor(app).sign_in(scene.council_person, scene.council.id)
    for somebody, status in ((firm, 403), (council, 404)):
        token = somebody.get("/rounds/R-2026-1/propose").tree.find(".//input[@name='csrf_token']")
        assert token is not None
        data = {"csrf_token": token.get("value"), "question": "idea", "value": "x"}
        assert somebody.post("/proposals/P-2026-001/autosave", data).status == status


def test_the_budget_page_holds_lines_and_names_faults_by_row(app: Flask) -> None:
    scene = make_scene()
    started(scene)
    lead = lead_of(app, scene)
    page, stale = lead.get("/proposals/P-2026-001/budget"), lead.get("/proposals/P-2026-001/budget")
    wrong = page.send("Save the budget", heading_1="Rent", amount_1="100", heading_3="No cost", amount_2="-5")
    assert wrong.status == 422
    assert wrong.errors() == ["Write the amount in pounds, such as 12,500 or 12500.50."]
    wrong = page.send("Save the budget", heading_1="Rent", amount_1="100", grant_1="101", heading_3="No cost")
    assert wrong.errors() == [
        "The fund can't pay more than the whole cost. Lower one of the two.",
        "Give the cost, more than £0.",
    ]
    assert "No cost" in wrong.response.get_data(as_text=True)
    assert wrong.tree.find(".//div[@data-field='amount_3']").get("class") == "field has-error"  # type: ignore[union-attr]
    more = page.send(
        "Save and add more lines", heading_1="Rent", amount_1="100", heading_3="Pay", amount_3="50", for_3=True
    )
    assert more.heading == "Budget"
    assert [
        (line.heading, line.amount_pence, line.grant_pence, line.for_coproducers) for line in queries.cost_lines(1)
    ] == [
        ("Rent", 10000, 10000, False),
        ("Pay", 5000, 5000, True),
    ]
    assert "They don't agree yet" in more.text
    assert more.send("Save the budget", heading_1="", amount_1="", grant_1="").heading == "Partners"
    assert len(queries.cost_lines(1)) == 1
    assert stale.send("Save the budget", heading_1="Stale", amount_1="1").status == 409


# --- partners


def test_a_lead_finds_invites_and_describes_a_partner_who_confirms(app: Flask) -> None:
    scene = make_scene()
    started(scene)
    lead = lead_of(app, scene)
    page = lead.get("/proposals/P-2026-001/partners").send("Search", q="moss")
    page = page.send("Invite Mosslight Bakery")
    assert page.heading == "Part of Mosslight Bakery"
    firm = Visitor(app).sign_in(scene.firm_person, scene.firm.id)
    part = queries.partners(1)[1]
    assert "nothing to confirm" in firm.get(f"/partners/{part.id}/confirm").text
    page = page.send(
        "Save this part",
        role="host",
        contribution_kind="space",
        contribution_description="A room",
        contribution="1,000",
        valuation_basis="Hire price",
        grant_share="0",
    )
    assert page.heading == "Partners"
    confirming = firm.get("/tasks").follow("Confirm your organisation's part in “Warm rooms”")
    for words in ("Hosts people or the work", "A room", "£1,000", "Hire price", "£0, so it is not paid", "version 1.0"):
        assert words in confirming.text
    refused = confirming.send("Confirm for Mosslight Bakery")
    assert refused.errors() == ["Tick that your organisation accepts the principles."]
    confirming.send("Confirm for Mosslight Bakery", accepts_principles=True)
    assert db.session.get_one(Partner, part.id).is_confirmed
    page = lead.get(f"/partners/{part.id}/terms")
    assert "has confirmed this part" in page.text
    page = page.send("Save this part", grant_share="5")
    assert "must confirm again" in page.text
    assert "the share of the grant changed" in firm.get(f"/partners/{part.id}/confirm").text


def test_a_page_of_terms_that_changed_meanwhile_confirms_nothing(app: Flask) -> None:
    scene = make_scene()
    part = invited(scene, started(scene), scene.firm)
    firm = Visitor(app).sign_in(scene.firm_person, scene.firm.id)
    page = firm.get(f"/partners/{part.id}/confirm")
    lead_of(app, scene).get(f"/partners/{part.id}/terms").send("Save this part", grant_share="7")
    stale = page.send("Confirm for Mosslight Bakery", accepts_principles=True)
    assert stale.status == 409
    assert "changed these terms" in stale.text
    assert not db.session.get_one(Partner, part.id).is_confirmed


def test_two_tabs_do_not_overwrite_each_others_terms(app: Flask) -> None:
    scene = make_scene()
    part = invited(scene, started(scene), scene.firm)
    lead = lead_of(app, scene)
    page = lead.get(f"/partners/{part.id}/terms")
    lead.get(f"/partners/{part.id}/terms").send("Save this part", grant_share="7")
    assert page.send("Save this part", grant_share="8").status == 409


def test_bad_terms_stand_beside_their_field(app: Flask) -> None:
    scene = make_scene()
    part = invited(scene, started(scene), scene.firm)
    page = lead_of(app, scene).get(f"/partners/{part.id}/terms")
    wrong = page.send("Save this part", contribution="lots", contribution_description="x" * 1001)
    assert len(wrong.errors()) == 2
    token = page.tree.find(".//input[@name='csrf_token']").get("value")  # type: ignore[union-attr]
    data = {"csrf_token": token, "form_id": "f", "role": "lead", "contribution_kind": "gold"}
    assert page.visitor.post(f"/partners/{part.id}/terms", data).status == 422
    assert db.session.get_one(Partner, part.id).grant_share_pence == 100_000


def test_a_search_tells_of_connected_bodies_and_of_nothing_found(app: Flask) -> None:
    scene = make_scene()
    with transaction() as session:
        group = ConnectedGroup(name="Harbour")
        session.add(group)
        session.flush()
        session.get_one(type(scene.charity), scene.charity.id).group_id = group.id
    member("Harbour Trading", Sector.PRIVATE, group_id=group.id)
    started(scene)
    lead = lead_of(app, scene)
    page = lead.get("/proposals/P-2026-001/partners").send("Search", q="harbour tr")
    assert "It has the same owner as a partner you already have" in page.text
    page = page.send("Search", q="nobody of this name")
    assert "No member organisation with this name" in page.text


def test_a_partner_says_no_with_a_reason(app: Flask) -> None:
    scene = make_scene()
    part = invited(scene, started(scene), scene.firm)
    firm = Visitor(app).sign_in(scene.firm_person, scene.firm.id)
    page = firm.get(f"/partners/{part.id}/confirm")
    refused = page.send("Say no")
    assert (refused.status, refused.errors()) == (422, ["Give a reason in a sentence."])
    assert page.send("Say no", **{"leave-reason": "No time"}).path == "/tasks"
    assert "No time" in lead_of(app, scene).get("/proposals/P-2026-001/partners").text
    firm.get(f"/partners/{part.id}/confirm", status=404)


def test_a_lead_takes_back_an_invitation_with_a_reason(app: Flask) -> None:
    scene = make_scene()
    part = invited(scene, started(scene), scene.firm)
    page = lead_of(app, scene).get(f"/partners/{part.id}/terms")
    refused = page.send("Remove this partner")
    assert (refused.status, refused.errors()) == (422, ["Give a reason in a sentence."])
    page = page.send("Remove this partner", **{"leave-reason": "Wrong bakery"})
    assert "Wrong bakery" in page.text


def test_a_confirmation_page_is_for_that_partners_certifiers(app: Flask) -> None:
    scene = make_scene()
    part = invited(scene, started(scene), scene.firm)
    lead_of(app, scene).get(f"/partners/{part.id}/confirm", status=404)
    Visitor(app).sign_in(scene.council_person, scene.council.id).get(f"/partners/{part.id}/confirm", status=404)
    editor, _ = officer(scene.firm, Role.EDITOR)
    Visitor(app).sign_in(editor, scene.firm.id).get(f"/partners/{part.id}/confirm", status=403)


# --- sending


def test_gaps_are_one_list_with_links_that_mend_them(app: Flask) -> None:
    scene = make_scene()
    made = started(scene)
    page = lead_of(app, scene).get("/proposals/P-2026-001").follow("See what is missing")
    missing = service.missing(made, START)
    assert page.errors() == [finding.message for finding in missing]
    for finding in missing:
        assert finding.fix
        page.visitor.get(finding.fix.partition("#")[0])
    refused = page.send("Send the proposal")
    assert (refused.status, len(refused.errors())) == (422, len(missing))


def test_what_was_sent_can_be_downloaded_and_checked(app: Flask) -> None:
    scene = make_scene()
    complete(scene)
    lead = lead_of(app, scene)
    page = lead.get("/proposals/P-2026-001").follow("Send the proposal").send("Send the proposal")
    assert page.path == "/proposals/P-2026-001/versions/1"
    assert page.heading == "Warm rooms, version 1"
    assert "sha256sum P-2026-001-v1.json" in page.text
    content = page.follow("Download P-2026-001-v1.json").response.get_data()
    assert sha256(content).hexdigest() in page.text
    assert json.loads(content)["reference"] == "P-2026-001"
    assert lead.get("/proposals/P-2026-001/submit").text.count("It was sent already") == 1
    assert "It will be decided by 30 September 2026" in lead.get("/proposals/P-2026-001").text


def test_an_editor_sees_what_is_missing_but_does_not_send(app: Flask) -> None:
    scene = make_scene()
    complete(scene)
    page = Visitor(app).sign_in(scene.editor_person, scene.charity.id).get("/proposals/P-2026-001/submit")
    assert "Only somebody who certifies for Harbour Hands can send it" in page.text


def test_the_overview_shows_the_gates_and_one_next_step(app: Flask) -> None:
    scene = make_scene()
    made = started(scene)
    part = invited(scene, made, scene.firm)
    lead, firm = lead_of(app, scene), Visitor(app).sign_in(scene.firm_person, scene.firm.id)
    page = lead.get("/proposals/P-2026-001")
    assert all(gate in page.text for gate in ("Cross-sector", "Direct engagement", "co-production", "Systemic change"))
    assert firm.get("/proposals/P-2026-001").links()["Read and confirm your part"] == f"/partners/{part.id}/confirm"
    assert "Mend this" not in firm.get("/proposals/P-2026-001").text


def test_a_steward_returns_a_proposal_and_finds_it_eligible(app: Flask) -> None:
    scene = make_scene()
    made = submitted(scene)
    steward, lead = steward_of(app, scene), lead_of(app, scene)
    assert "Say which proposals of R-2026-1 are eligible" in steward.get("/tasks").text
    page = steward.get("/rounds/R-2026-1/proposals").follow("Look at P-2026-001")
    button = "Record this and tell the lead"
    assert len(page.send(button).errors()) == 2
    assert page.send(button, outcome="returned", reasons="Say more", fix_by="").errors() == [
        "Give the day by which it must be sent again."
    ]
    assert page.send(button, outcome="returned", reasons="Say more", fix_by="2020-01-01").status == 422
    page.send(button, outcome="returned", reasons="Say more", fix_by="2026-07-20")
    assert "Say more" in lead.get("/proposals/P-2026-001").text
    lead.get("/proposals/P-2026-001/submit").send("Send the proposal")
    page = steward.get("/proposals/P-2026-001/eligibility")
    again = page.send(button, outcome="returned", reasons="More", fix_by="2026-07-20")
    assert (again.status, len(again.errors())) == (422, 1)
    page.send(button, outcome="eligible", reasons="Fine")
    assert queries.proposal_by_id(made.id).state is ProposalState.ELIGIBLE


def test_members_read_the_frozen_version_from_the_ballots_notice_on(app: Flask, visitor: Visitor) -> None:
    scene = make_scene()
    made = submitted(scene)
    somebody, _ = officer(member("Bystander", Sector.PRIVATE), Role.REPRESENTATIVE)
    voter = Visitor(app).sign_in(somebody)
    path = "/proposals/P-2026-001/versions/1"
    voter.get(path, status=404)
    with transaction():
        service.mark_eligible(proposal_id=made.id, reasons="Fine", actor=scene.steward, now=START)
    with transaction():
        service.sweep(CLOSES)
    with transaction():
        service.put_on_ballot(proposal_ids=[made.id], actor=None, now=START)
    assert voter.get(path).text.index("Our answer to summary.") < voter.get(path).text.index("Our answer to idea.")
    assert "Warm rooms" not in visitor.get("/rounds/R-2026-1").text
    with transaction():
        service.decide(proposal_id=made.id, decision="approved", reasons="For: 9", actor=None, now=START)
    page = visitor.get("/rounds/R-2026-1")
    for words in ("Warm rooms", "Harbour Hands", "£10,000", "Approved"):
        assert words in page.text
    assert visitor.get(path).heading == "Sign in"


@pytest.mark.parametrize(
    "path",
    [
        "/proposals/P-2026-001",
        "/proposals/P-2026-001/section/idea",
        "/proposals/P-2026-001/budget",
        "/proposals/P-2026-001/partners",
        "/proposals/P-2026-001/submit",
        "/proposals/P-2026-001/versions/1",
        "/proposals/P-2026-001/versions/1.json",
        "/proposals/P-2026-999",
        "/partners/1/terms",
        "/partners/1/confirm",
        "/partners/99999999999999999999999999999999/terms",
        "/partners/0/terms",
    ],
)
def test_strangers_find_nothing(app: Flask, path: str) -> None:
    scene = make_scene()
    submitted(scene)
    somebody, _ = officer(member("Stranger", Sector.PUBLIC))
    Visitor(app).sign_in(somebody).get(path, status=404)


def test_a_section_or_version_that_is_none_is_not_found(app: Flask) -> None:
    scene = make_scene()
    submitted(scene)
    lead = lead_of(app, scene)
    for path in ("section/none", "versions/2", "versions/0", f"versions/{10**30}", "versions/2.json"):
        lead.get(f"/proposals/P-2026-001/{path}", status=404)


def test_pages_are_for_those_with_the_role(app: Flask) -> None:
    scene = make_scene()
    submitted(scene)
    published_round(scene.steward)
    lead = lead_of(app, scene)
    for path in ("/rounds/new", "/rounds/R-2026-1/proposals", "/proposals/P-2026-001/eligibility"):
        lead.get(path, status=403)
    steward_of(app, scene).get("/rounds/R-2026-1/propose", status=403)


def test_forms_can_not_be_sent_without_their_token(app: Flask) -> None:
    scene = make_scene()
    part = invited(scene, started(scene), scene.firm)
    lead = lead_of(app, scene)
    for path in (
        "/rounds/R-2026-1/propose",
        "/proposals/P-2026-001/autosave",
        "/proposals/P-2026-001/budget",
        f"/partners/{part.id}/terms",
        f"/partners/{part.id}/withdraw",
        "/proposals/P-2026-001/submit",
        f"/proposals/P-2026-001/partners/invite/{scene.council.id}",
    ):
        assert lead.post(path, {}).status == 400


def test_the_lead_confirms_its_own_part_too(app: Flask) -> None:
    scene = make_scene()
    made = complete(scene)
    part = queries.partners(made.id)[0]
    lead = lead_of(app, scene)
    lead.get(f"/partners/{part.id}/terms").send("Save this part", contribution_description="Another worker")
    page = lead.get("/tasks").follow("Confirm your organisation's part in “Warm rooms”")
    assert "Leave the proposal" not in page.text
    page.send("Confirm for Harbour Hands", accepts_principles=True)
    assert service.missing(made, START) == []
    confirm(queries.partners(made.id)[0], scene.lead)


def test_the_budget_and_the_parts_are_compared(app: Flask) -> None:
    scene = make_scene()
    complete(scene)
    page = lead_of(app, scene).get("/proposals/P-2026-001/budget")
    assert "They agree" in page.text
    assert sum(line.amount_pence for line in LINES) == 1_350_000
