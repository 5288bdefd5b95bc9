"""Pages: what people see, what is refused, and what an applicant never learns."""

import re

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from fund.kernel.access import Role
from fund.kernel.db import db, transaction
from fund.kernel.errors import NotFound
from members.rules import Sector
from proposals.evidence import attestation_queries
from proposals.evidence import codes as card_codes
from proposals.evidence.models import (
    Attestation,
    AttestationCode,
    CodeBatch,
    EngagementActivity,
    Lever,
    SafeguardingConcern,
)
from proposals.evidence.words import Changed, Decisions, Offered, TookPart, Verdict, WhoAnswers
from proposals.rules import ProposalState
from tests import world
from tests.conftest import START
from tests.proposals.evidence.scene import SECRET, Scene, lay
from tests.visitor import Page, Visitor

HOME = "/proposals/P-2026-001"
TAPS = {"took_part": "meetings", "changed": "yes", "decisions": "see", "offered": "no", "verdict": "agree"}


@pytest.fixture
def scene(app: Flask) -> Scene:
    world.found_society()
    return lay()


@pytest.fixture
def writer(app: Flask, scene: Scene) -> Visitor:
    return Visitor(app).sign_in(scene.writer_person, scene.lead.id)


@pytest.fixture
def steward(app: Flask, scene: Scene) -> Visitor:
    return Visitor(app).sign_in(scene.steward_person)


def printed(page: Page) -> list[str]:
    return re.findall(r"Your code: (\w{4} \w{4})", page.text)


def make_cards(steward: Visitor, number: int = 4) -> list[str]:
    page = steward.get(f"{HOME}/codes").send("Make cards", cards=number, help_phone="0161 496 0000")
    made = printed(page)
    assert len(made) == number
    return made


def attest(visitor: Visitor, code: str, **answers: object) -> Page:
    page = visitor.get("/attest").send("Go on", code=code)
    return page.send("Send my answers", **{**TAPS, **answers})


# --- the lead's pages


def test_an_activity_is_added_changed_and_removed(writer: Visitor) -> None:
    page = writer.get(f"{HOME}/engagement").follow("Add an activity")
    page = page.send("Save the activity", on="2026-03-01", method="Talk", place="Centre", people="3", staff="1")
    assert "1 March 2026" in page.text
    page = writer.get(page.path).follow("Change the activity of 1 March 2026")
    page = page.send("Save the activity", people="1,200")
    assert "1200" in page.text
    page = page.send("Remove")
    assert page.path == f"{HOME}/engagement"
    assert "No activity yet" in page.text


def test_every_fault_of_an_activity_stands_beside_its_field_and_words_are_kept(writer: Visitor) -> None:
    page = writer.get(f"{HOME}/engagement/new").send(
        "Save the activity", on="soon", method="", place="P" * 201, people="-1", carers="two"
    )
    assert page.status == 422
    assert len(page.errors()) == 5
    assert "P" * 201 in page.response.get_data(as_text=True)
    page = writer.get(f"{HOME}/engagement/new").send(
        "Save the activity", on="2030-01-01", method="Talk", place="Centre"
    )
    assert [error.split(".")[0] for error in page.errors()] == [
        "That day is still to come",
        "Say how many people spoke; all three numbers are 0",
    ]


def test_a_stale_page_is_told_that_somebody_was_first(app: Flask, scene: Scene, writer: Visitor) -> None:
    page = writer.get(f"{HOME}/engagement/heard/new").send("Save", heard="One", changed="Two")
    stale = page.follow("Change what you heard, number 1")
    writer.get(stale.path).send("Save", heard="Three")
    answer = stale.send("Save", heard="Four")
    assert answer.status == 409
    assert "Three" in writer.get(f"{HOME}/engagement").text


def test_the_same_form_sent_twice_adds_one(scene: Scene, writer: Visitor) -> None:
    form = writer.get(f"{HOME}/engagement/new")
    for _ in range(3):
        form.send("Save the activity", on="2026-03-01", method="Talk", place="Centre", people="3")
    assert len(db.session.scalars(select(EngagementActivity)).all()) == 1


def test_levels_are_claimed_and_a_wrong_one_is_refused(writer: Visitor) -> None:
    page = writer.get(f"{HOME}/coproduction").send(
        "Save the levels", **{"design-level": "4", "design-evidence": "They wrote it"}
    )
    assert page.status == 200
    assert "They wrote it" in page.response.get_data(as_text=True)
    assert writer.get(f"{HOME}/coproduction").send("Save the levels", **{"design-level": "7"}).status == 422
    page = writer.get(f"{HOME}/coproduction").send("Save the levels", **{"review-evidence": "Words"})
    assert page.errors() == ["Choose a level, because you wrote what shows it."]


def test_cards_are_asked_for_once(writer: Visitor) -> None:
    page = writer.get(f"{HOME}/coproduction").send("Ask for cards", **{"cards-cards": "0", "cards-where": ""})
    assert len(page.errors()) == 1
    page = writer.get(f"{HOME}/coproduction").send("Ask for cards", **{"cards-cards": "0", "cards-where": "Here"})
    assert page.errors() == ["Give a number from 1 to 60."]
    page = page.send("Ask for cards", **{"cards-cards": "6"})
    assert "You asked for 6 cards" in page.text


def test_a_lever_is_named_confirmed_and_voided(app: Flask, scene: Scene, writer: Visitor) -> None:
    page = writer.get(f"{HOME}/change").follow("Add a lever")
    assert len(page.send("Save the lever", kind="", today="", after="").errors()) == 3
    owner = str(scene.partner_ids["council"])
    page = page.send("Save the lever", kind="rules", today="By date", after="By need", owner=owner)
    assert "Waiting for Irkdale Council" in page.text
    lever_id = db.session.scalars(select(Lever.id)).one()
    council = Visitor(app).sign_in(scene.council_person, scene.council.id)
    stale = council.get(f"/levers/{lever_id}/confirm")
    stale.send("We will make this change")
    assert "Confirmed" in writer.get(f"{HOME}/change").text
    page = writer.get(f"{HOME}/change").follow("Change lever 1").send("Save the lever", today="By luck")
    assert "Confirmation void" in page.text
    assert "we have told them" in page.text
    assert "You confirmed other words before" in council.get(f"/levers/{lever_id}/confirm").text
    assert page.send("Remove").path == f"{HOME}/change"


def test_an_owner_from_elsewhere_is_refused(app: Flask, scene: Scene, writer: Visitor) -> None:
    page = writer.get(f"{HOME}/change/new").send("Save the lever", kind="rules", today="a", after="b", owner="999999")
    assert page.errors() == ["Choose one of the answers shown."]


def test_after_sending_pages_can_be_read_and_not_written(scene: Scene, writer: Visitor) -> None:
    scene.set_state(ProposalState.SUBMITTED)
    for path in ("engagement", "coproduction", "change"):
        page = writer.get(f"{HOME}/{path}")
        assert "This can't be changed now" in page.text
        assert "Save" not in page.text
    for path in ("engagement/new", "engagement/heard/new", "change/new"):
        assert "was sent" in writer.get(f"{HOME}/{path}", status=409).text


LEADS_PAGES = ("engagement", "engagement/new", "engagement/heard/new", "coproduction", "change", "change/new")


def test_pages_are_for_the_lead_and_foreign_ones_are_not_found(app: Flask, scene: Scene, writer: Visitor) -> None:
    partner = Visitor(app).sign_in(scene.firm_person, scene.firm.id)
    elsewhere = world.member("Elsewhere", Sector.PUBLIC)
    stranger = Visitor(app).sign_in(world.officer(elsewhere)[0], elsewhere.id)
    nobody = Visitor(app)
    for path in LEADS_PAGES:
        partner.get(f"{HOME}/{path}", status=403)
        stranger.get(f"{HOME}/{path}", status=404)
        writer.get(f"/proposals/P-2026-999/{path}", status=404)
        assert nobody.get(f"{HOME}/{path}").path == "/sign-in"
    for number in (77, 2**63, 10**30):
        writer.get(f"{HOME}/engagement/{number}", status=404)
        writer.get(f"{HOME}/engagement/heard/{number}", status=404)
        writer.get(f"{HOME}/change/{number}", status=404)
        writer.get(f"/levers/{number}/confirm", status=404)
    writer.get(f"{HOME}/codes", status=403)
    writer.get("/safeguarding", status=403)


# --- cards and answers


def test_a_card_is_used_on_an_old_phone_from_beginning_to_end(app: Flask, scene: Scene, steward: Visitor) -> None:
    code = make_cards(steward)[0]
    phone = Visitor(app)
    page = phone.get("/attest").send("Go on", code=code.lower().replace(" ", "-"))
    assert page.heading == "Your word to the fund"
    assert "0161 496 0000" in page.text
    page = page.send("Send my answers", **TAPS, told="It was good")
    assert page.path == "/attest/thanks"
    again = phone.get("/attest").send("Go on", code=code)
    assert "You have answered with this card" in again.text
    assert "It was good" in again.response.get_data(as_text=True)
    assert again.send("Change my answers", verdict="disagree").path == "/attest/thanks"
    assert "Disagrees" in steward.get(f"{HOME}/codes").text
    page = phone.get(again.path).send("Take my answers back")
    assert page.path == "/attest/thanks"
    assert "You took your answers back" in phone.get(again.path).text


def test_the_five_taps_are_all_asked_at_once(steward: Visitor, visitor: Visitor) -> None:
    code = make_cards(steward)[0]
    page = visitor.get("/attest").send("Go on", code=code).send("Send my answers", told="x" * 2001)
    assert page.status == 422
    assert len(page.errors()) == 6
    assert "x" * 2001 in page.response.get_data(as_text=True)


def test_wrong_codes_are_told_kindly_and_counted(app: Flask, scene: Scene, visitor: Visitor) -> None:
    for wrong in ("", "hello", "ABCD EFGH", "0" * 41):
        assert visitor.get("/attest").send("Go on", code=wrong).status == 422
    visitor.get("/attest/ABCDEFGH", status=404)
    for _ in range(card_codes.WRONG_CODES_ALLOWED):
        visitor.get("/attest/ABCDEFGH", status=404)
    page = visitor.get("/attest").send("Go on", code="ABCDEFGJ")
    assert "Too many wrong codes" in page.errors()[0]


def test_the_notice_ends_answering_but_not_taking_words_back(app: Flask, scene: Scene, steward: Visitor) -> None:
    code = make_cards(steward)[0]
    phone = Visitor(app)
    attest(phone, code, told="Private thoughts")
    scene.set_state(ProposalState.ON_BALLOT)
    page = phone.get(f"/attest/{code.replace(' ', '')}")
    assert "The vote has been called" in page.text
    page.send("Take my words back")
    assert db.session.scalars(select(Attestation.told)).one() == ""
    assert db.session.scalars(select(Attestation.withdrawn_at)).one() is None


def test_what_codes_lead_to_is_kept_without_the_code(app: Flask, steward: Visitor) -> None:
    from sqlalchemy import inspect, text

    code = make_cards(steward)[0]
    attest(Visitor(app), code)
    for table in inspect(db.engine).get_table_names():
        for row in db.session.execute(text(f'SELECT * FROM "{table}"')):
            assert not any(code.replace(" ", "") in str(value) for value in row), table


def test_cards_are_shown_once(scene: Scene, steward: Visitor) -> None:
    form = steward.get(f"{HOME}/codes")
    first = form.send("Make cards", cards=3, help_phone="0161 496 0000")
    assert len(printed(first)) == 3
    second = form.send("Make cards", cards=3, help_phone="0161 496 0000")
    assert printed(second) == []
    assert "shown once" in second.response.get_data(as_text=True)
    assert len(db.session.scalars(select(AttestationCode)).all()) == 3
    page = second.send("Cancel unused cards", **{f"batch-{db.session.scalars(select(CodeBatch.id)).one()}-note": ""})
    assert page.errors() == ["Write what was done, and why."]
    page = page.send("Cancel unused cards", **{f"batch-{db.session.scalars(select(CodeBatch.id)).one()}-note": "Lost"})
    assert "Cancelled" in page.text


def test_bad_numbers_of_cards_and_phones_are_refused(steward: Visitor) -> None:
    page = steward.get(f"{HOME}/codes").send("Make cards", cards="many", help_phone="ring us")
    assert page.status == 422
    assert len(page.errors()) == 2
    page = steward.get(f"{HOME}/codes").send("Make cards", cards="61", help_phone="0161 496 0000")
    assert page.errors() == ["Give a number from 1 to 60."]


def test_a_steward_looks_into_a_disagreement(app: Flask, steward: Visitor) -> None:
    attest(Visitor(app), make_cards(steward)[0], verdict="disagree", told="Nobody asked us")
    page = steward.get(f"{HOME}/codes")
    assert "Nobody asked us" in page.text
    row_id = db.session.scalars(select(Attestation.id)).one()
    assert page.send("Looked into", **{f"answer-{row_id}-note": ""}).status == 422
    page = page.send("Looked into", **{f"answer-{row_id}-note": "Rang them"})
    assert "Rang them" in page.text


def test_a_steward_with_a_role_in_a_partner_sees_no_answers(app: Flask, scene: Scene, steward: Visitor) -> None:
    world.appoint(scene.steward_person, scene.firm, Role.DEPUTY)
    steward.get(f"{HOME}/codes", status=403)


def test_a_concern_is_seen_by_the_safeguarding_lead_alone(app: Flask, scene: Scene, steward: Visitor) -> None:
    lead_person, _ = world.official("Lee Lead", Role.SAFEGUARDING_LEAD)
    lead = Visitor(app).sign_in(lead_person)
    assert "There are no concerns" in lead.get("/safeguarding").text
    code = make_cards(steward)[0]
    attest(Visitor(app), code, told="Somebody hits her", concern=True, reach_me="0161 496 0001")
    assert "hits" not in steward.get(f"{HOME}/codes").response.get_data(as_text=True)
    steward.get("/safeguarding", status=403)
    page = lead.get("/safeguarding")
    assert "Somebody hits her" in page.text
    concern_id = db.session.scalars(select(SafeguardingConcern.id)).one()
    assert page.send("Write down and close", **{f"concern-{concern_id}-note": ""}).status == 422
    page = page.send("Write down and close", **{f"concern-{concern_id}-note": "Told the council"})
    assert "Told the council" in page.text
    with pytest.raises(NotFound):
        attestation_queries.concern(2**63)


# --- what an applicant never learns


answers_given = st.lists(
    st.tuples(
        st.sampled_from(list(WhoAnswers)),
        st.sampled_from([TookPart.MEETINGS, TookPart.NO]),
        st.sampled_from(list(Verdict)),
        st.booleans(),
    ),
    max_size=6,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=answers_given)
def test_no_applicant_page_tells_a_text_or_a_count_below_three(
    scene: Scene, writer: Visitor, given: list[tuple[WhoAnswers, TookPart, Verdict, bool]]
) -> None:
    """Whatever was answered, below three counted answers the page is letter for letter the one of no answers."""

    def lay_answers(listed: list[tuple[WhoAnswers, TookPart, Verdict, bool]]) -> None:
        with transaction() as session:
            for table in (Attestation, AttestationCode, CodeBatch):
                session.execute(delete(table))
            batch = CodeBatch(
                proposal_id=scene.proposal_id,
                cards=6,
                help_phone="0161 496 0000",
                issued_at=START,
                issued_by_id=scene.steward.person_id,
            )
            session.add(batch)
            session.flush()
            for number, (who, took_part, verdict, withdrawn) in enumerate(listed):
                code = AttestationCode(batch_id=batch.id, digest=card_codes.digest(str(number), SECRET))
                session.add(code)
                session.flush()
                session.add(
                    Attestation(
                        code_id=code.id,
                        proposal_id=scene.proposal_id,
                        who=who,
                        took_part=took_part,
                        changed=Changed.YES,
                        decisions=Decisions.SEE,
                        offered=Offered.NO,
                        verdict=verdict,
                        told="Quetzal",
                        revision=1,
                        answered_at=START,
                        withdrawn_at=START if withdrawn else None,
                    )
                )

    def pages() -> list[str]:
        return [writer.get(path).text for path in (f"{HOME}/coproduction", HOME)]

    lay_answers([])
    of_nobody = pages()
    lay_answers(given)
    seen = pages()
    staff = {WhoAnswers.STAFF, WhoAnswers.HELPER_PARTNER_STAFF}
    counted = sum(who not in staff and part is not TookPart.NO and not withdrawn for who, part, _, withdrawn in given)
    assert all("Quetzal" not in text for text in seen)
    if counted < 3:
        assert seen == of_nobody
    else:
        assert f"{counted} answers so far" in seen[0]
