"""The pages of reports, walked as the people who use them."""

import pytest
from flask import Flask

from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db
from fund.reporting import queries
from fund.reporting.rules import ReportState
from members.rules import Sector
from tests import world
from tests.fund.reporting.reports import REFERENCE, Reporting, a_reporting_award, story
from tests.visitor import Page, Visitor

REPORT = f"/reports/{REFERENCE}/1"
STORY = {
    "title": "The kettle",
    "before": "Seven addresses in a year.",
    "changed": "A key of my own, and a kettle that stays.",
    "matters": "I sleep now.",
    "voice": "own_words",
    "use_fund": True,
    "use_public": True,
    "consent_by": "Joanna Brookfield",
    "consent_how": "signed_form",
    "named": True,
    "shown_name": "Jo B.",
}


@pytest.fixture
def made(app: Flask, clock: MovableClock) -> Reporting:
    return a_reporting_award(clock.now())


@pytest.fixture
def writer(app: Flask, made: Reporting) -> Visitor:
    return Visitor(app).sign_in(made.writer_person)


@pytest.fixture
def steward(app: Flask, made: Reporting) -> Visitor:
    return Visitor(app).sign_in(made.steward_person)


def give_number(writer: Visitor, value: str = "12") -> Page:
    return (
        writer.get(REPORT)
        .follow("Give the number for People supported")
        .send("Save the number", value=value, basis="counted")
    )


def tell(writer: Visitor, **changes: object) -> Page:
    page = writer.get(REPORT).follow("Add a story about Life is better")
    return page.send("Save the story", **{**STORY, **changes})


def code_on(page: Page) -> str:
    return next("".join(one.itertext()) for one in page.tree.iter("code"))


def test_a_report_from_choosing_measures_to_feedback(app: Flask, clock: MovableClock) -> None:
    made = a_reporting_award(clock.now(), committed=())
    writer, steward = Visitor(app).sign_in(made.writer_person), Visitor(app).sign_in(made.steward_person)
    measure_id = made.measure("C1.1").id
    page = writer.get("/tasks").follow(f"Choose what {REFERENCE} will measure")
    assert "Count each person who took part" in page.text  # how to count
    assert "A register or booking list" in page.text  # example evidence
    page = page.send("Save what we measure")
    assert page.status == 422
    assert page.errors() == ["Choose at least one measure: the one that tells most about your work."]
    page = page.send("Save what we measure", **{f"chosen_{measure_id}": True, f"baseline_{measure_id}": "lots"})
    assert page.status == 422
    assert page.errors() == ["Write a number in figures, such as 12 or 1,250."]
    page = page.send("Save what we measure", **{f"baseline_{measure_id}": "0", f"intention_{measure_id}": "40"})
    assert page.status == 200

    page = give_number(writer)
    assert "12 people" in page.text
    page = page.send("Send the report")
    assert page.status == 422
    assert len(page.errors()) == 1
    assert page.errors()[0].startswith("Thank you for the number. A story counts just as much as a number.")
    page = tell(writer)
    assert page.heading == "A card for the person"
    page = page.follow("Go on with the report").send(
        "Send the report", **{"send-unwanted_change": "Two people left early, and told us why."}
    )
    assert "Thank you. Your report is sent" in page.text

    page = steward.get("/reports").follow(f"Report 1 of {REFERENCE}")
    assert "A key of my own" in page.text
    assert "Two people left early" in page.text
    page = page.send("Send the question", **{"query-words": "How did you count?"})
    page = writer.get(REPORT)
    assert "How did you count?" in page.text
    page.send("Send the report")
    page = steward.get(REPORT).send("Accept the report")
    assert page.status == 422
    assert page.errors() == ["Write a sentence or two: what you learned, and what happens next."]
    page.send("Accept the report", **{"accept-words": "The kettle says it all. Payment follows."})
    assert "The kettle says it all" in writer.get(REPORT).text
    db.session.rollback()
    assert queries.report_state(REFERENCE, 1) is ReportState.ACCEPTED


def test_a_story_tells_everything_that_is_missing_at_once_and_keeps_what_was_typed(writer: Visitor) -> None:
    page = writer.get(f"{REPORT}/stories/new/C1").send("Save the story", before="Seven addresses.", use_public=True)
    assert page.status == 422
    assert page.errors() == [
        "Give the story a title of a few words.",
        "Say what changed.",
        "Say why it matters to the person.",
        "Say whose words these are.",
        "Say who agreed: the person in the story, or who may agree for them.",
        "Say how they agreed.",
    ]
    assert "Seven addresses." in page.text
    page = page.send("Save the story", **{**STORY, "consent_by": "", "consent_how": "", "shown_name": ""})
    assert page.errors() == [
        "Say who agreed: the person in the story, or who may agree for them.",
        "Say how they agreed.",
        "Write the name as the person wants it shown, or untick this.",
    ]
    page = page.send("Save the story", **{**STORY, "voice": "told_by_another"})
    assert page.errors() == ["Say who tells it, such as a support worker or a neighbour."]
    page = page.send("Save the story", **{**STORY, "review_on": "next year"})
    assert page.errors() == ["Write the day as year-month-day, such as 2027-03-31."]
    page = page.send("Save the story", **{**STORY, "review_on": "", "title": "x" * 121})
    assert page.errors() == ["Shorten this by 1 characters; 120 fit."]


def test_a_number_says_how_to_write_it(writer: Visitor) -> None:
    page = writer.get(f"{REPORT}/numbers/C1.1").send("Save the number")
    assert page.errors() == ["Write the number. Nought is a good answer.", "Choose how you know."]
    page = page.send("Save the number", value="1.5")
    assert page.errors() == ["Write a whole number.", "Choose how you know."]
    page = page.send("Save the number", value="0", basis="estimated")
    assert page.status == 200
    assert writer.get(f"{REPORT}/numbers/C1.1").send("Save the number", value="3").status == 200


def test_a_reason_has_the_same_limit_either_way(writer: Visitor) -> None:
    give_number(writer)
    for kind, link in (("story", "Say why there is no story for Life is better"), ("reading", "")):
        page = writer.get(f"{REPORT}/why-none/C1/{kind}").send("Save the reason", reason="x" * 601)
        assert page.errors() == ["Shorten this by 1 characters; 600 fit."]
        if link:
            page = writer.get(REPORT).follow(link).send("Save the reason", reason="Nobody wished to be written about.")
            assert "Nobody wished to be written about." in page.text
    page = writer.get(REPORT).send("Send the report")
    assert page.status == 200


def test_the_withdraw_code_is_shown_once_and_takes_the_story_back(app: Flask, made: Reporting, writer: Visitor) -> None:
    page = tell(writer)
    code = code_on(page)
    assert len(code) == 14
    again = writer.get(page.path)
    assert code not in again.text
    page = again.send("Make a new code")
    new = code_on(page)
    assert new != code
    story_id = int(page.path.split("/")[-2])

    visitor = Visitor(app)
    page = visitor.get("/stories/withdraw").send("Go on", code=code)
    assert page.status == 404
    page = visitor.get("/stories/withdraw").send("Go on")
    assert page.errors() == ["Type the code from your card."]
    page = visitor.get("/stories/withdraw").send("Go on", code=new.lower().replace("-", " "))
    assert page.heading == "Take your story back"
    assert story(story_id).withdrawn_at is None  # a mail scanner that opens the link changes nothing
    page = page.send("Take my story back")
    assert page.heading == "Your story is taken back"
    assert story(story_id).withdrawn_at is not None
    assert "kettle" not in writer.get(REPORT).text
    assert "it still counts" in writer.get(REPORT).text
    writer.get(page.path)
    writer.get(f"{REPORT}/stories/{story_id}", status=404)


def test_a_story_may_be_changed_and_taken_out_before_sending(writer: Visitor) -> None:
    tell(writer)
    page = writer.get(REPORT).follow("Change the story “The kettle”")
    page = page.send("Save the story", title="The kettle that stays", consent_how="recorded_voice")
    assert "The kettle that stays" in page.text
    assert "recorded voice" in page.text
    page = page.send("Take out this story")
    assert "The kettle" not in page.text


def test_sending_twice_has_one_effect(writer: Visitor, steward: Visitor, made: Reporting) -> None:
    page = writer.get(f"{REPORT}/stories/new/C1")
    page.send("Save the story", **STORY)
    page.send("Save the story", **STORY)
    outcomes = queries.evidence(queries.report(REFERENCE, 1, made.writer))
    assert len(outcomes[0].stories) == 1


def test_a_stale_page_says_what_changed(writer: Visitor, steward: Visitor, app: Flask) -> None:
    give_number(writer)
    tell(writer)
    stale_writer = writer.get(REPORT)
    stale_number = writer.get(f"{REPORT}/numbers/C1.1")
    writer.get(REPORT).send("Send the report")
    assert stale_writer.send("Send the report").status == 409
    assert stale_number.send("Save the number", value="13").status == 409
    first, late = steward.get(REPORT), steward.get(REPORT)
    first.send("Accept the report", **{"accept-words": "Thank you."})
    page = late.send("Accept the report", **{"accept-words": "Thank you too."})
    assert page.status == 409
    assert "accepted now" in page.text


def test_others_find_nothing(app: Flask, made: Reporting, visitor: Visitor) -> None:
    other = world.member("Canal Press", Sector.PRIVATE)
    stranger_person, _ = world.officer(other, Role.CERTIFIER)
    stranger = Visitor(app).sign_in(stranger_person)
    paths = (
        REPORT,
        f"/reports/{REFERENCE}/measures",
        f"{REPORT}/numbers/C1.1",
        f"{REPORT}/stories/new/C1",
        f"{REPORT}/why-none/C1/story",
        f"{REPORT}/stories/1",
        f"{REPORT}/stories/1/card",
    )
    for path in paths:
        stranger.get(path, status=404)
        assert visitor.get(path).heading != "What needs you"
        assert visitor.get(path).path == "/sign-in"
    assert "Harbour Trust" not in stranger.get("/reports").text


@pytest.mark.parametrize(
    "path",
    [
        "/reports/G-0000-999/1",
        f"/reports/{REFERENCE}/99",
        f"/reports/{REFERENCE}/{10**30}",
        "/reports/G-0000-999/measures",
        f"{REPORT}/numbers/F1.1",
        f"{REPORT}/numbers/nonsense",
        f"{REPORT}/stories/new/F1",
        f"{REPORT}/stories/{10**30}",
        f"{REPORT}/why-none/C1/poem",
        f"{REPORT}/why-none/F1/story",
        "/stories/NOSUCHCODE/withdraw",
    ],
)
def test_what_is_not_there_is_not_found(writer: Visitor, path: str) -> None:
    writer.get(path, status=404)


def test_a_reader_without_the_role_cannot_write(app: Flask, made: Reporting) -> None:
    reader_person, _ = world.officer(made.lead, Role.DEPUTY)
    reader = Visitor(app).sign_in(reader_person)
    page = reader.get(REPORT)
    assert "Give the number for People supported" not in page.links()
    reader.get(f"{REPORT}/numbers/C1.1", status=403)
    reader.get(f"{REPORT}/stories/new/C1", status=403)


def test_the_desk_without_anything_invites(app: Flask, made: Reporting) -> None:
    _, _ = world.official("Ann Auditor", Role.AUDITOR)
    nobody = Visitor(app).sign_in(world.person("Nora Newcomer"))
    assert nobody.get("/reports").heading == "Reports"
    assert "No report waits for an answer" in Visitor(app).sign_in(made.steward_person).get("/reports").text
