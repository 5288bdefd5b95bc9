"""Pages of ballots: what each person sees and can press, and what bad input gets."""

import pytest
from flask import Flask

from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from members.accounts.models import Person
from members.models import Organisation
from members.rules import Sector
from tests import world
from tests.visitor import Page, Visitor
from tests.voting.paper import (
    CLOSES,
    OPENS,
    Paper,
    ballot,
    everybody,
    finish,
    lay,
    make_partner,
    notice,
    opened,
    sweep,
)
from tests.voting.test_service import PASSES
from voting import queries, service
from voting.rules import BallotState


def as_(app: Flask, person: Person, organisation: Organisation | None = None) -> Visitor:
    """A browser signed in as somebody."""
    return Visitor(app).sign_in(person, organisation.id if organisation else None)


def voter_of(app: Flask, paper: Paper, number: int = 0) -> Visitor:
    member = paper.members[number]
    return as_(app, paper.people[member.name], member)


def test_the_list_begins_empty_with_a_way_on(app: Flask, visitor: Visitor) -> None:
    page = visitor.get("/ballots")
    assert "Members have not voted on anything yet" in page.text
    assert "See the rounds" in page.links()


def test_story_10_from_draft_to_declared(app: Flask, clock: MovableClock, visitor: Visitor) -> None:
    """Too-early opening refused with the earliest lawful date; the ballot opens; votes; result by sector."""
    world.found_society()
    paper = lay(asks=(10_000_00,))
    secretary = as_(app, paper.secretary_person)
    page = secretary.get("/ballots").send(f"Draft the ballot of {paper.round_reference}")
    assert page.heading == "Ballot B-2026-01"
    assert visitor.get("/ballots/B-2026-01", status=404)
    page = page.follow("Give notice")
    assert "10 June 2026 at midnight at the earliest" in page.text
    page = page.send("Give notice", opens_on="2026-06-09", closes_on="2026-06-20")
    assert page.status == 422
    assert "The ballot can't open before Wednesday 10 June 2026." in page.errors()[0]
    page = page.send("Give notice", opens_on="2026-06-10")
    assert "Notice is given" in page.text
    assert "10 June 2026 at 9:00am" in page.text
    clock.move_to(OPENS)
    sweep(clock)
    for number in range(len(paper.members)):
        page = voter_of(app, paper, number).get("/tasks").follow("Vote in ballot B-2026-01")
        assert page.heading == "Conflicts of interest in ballot B-2026-01"
        page = page.send("Save and go to the paper", answer="none")
        item = ballot("B-2026-01").items[0].proposal_reference
        page = page.send(f"For {item}")
        assert f"Saved and counted: For on {item}. Receipt" in page.text
        assert "You have voted on everything" in page.text
    clock.move_to(CLOSES)
    sweep(clock)
    assert "10 for" not in secretary.get("/ballots/B-2026-01").text
    page = secretary.get("/ballots/B-2026-01").send("Declare the result")
    assert page.heading == "Result of ballot B-2026-01"
    public = visitor.get("/ballots").follow("See what was decided in B-2026-01")
    assert "It passed: 10 for and 0 against over all" in public.text
    assert "1funded, £10,000 of £50,000" in public.text
    assert "3 of 3" in public.text


def test_story_11_the_deputy_votes_and_the_organisation_has_one_vote(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    deputy, _ = world.officer(paper.members[0], Role.DEPUTY, name="Dee Deputy")
    item = ballot(reference).items[0].proposal_reference
    page = voter_of(app, paper).get(f"/ballots/{reference}/vote").send("Save and go to the paper", answer="none")
    page = page.send(f"For {item}", **{_field(reference, "reason"): "It fits"})
    second = as_(app, deputy, paper.members[0])
    page = second.get(f"/ballots/{reference}/vote").send("Save and go to the paper", answer="none")
    assert "Your vote: For. Saved 10 June 2026 at 9:00am by Rep of Private 1, and counted." in page.text
    page = page.send(f"Against {item}")
    assert "Your vote: Against." in page.text
    finish(reference, paper, clock)
    assert _sectors(reference)["private"] == {"for": 0, "against": 1, "abstain": 0, "absent": 2, "recused": 0}


def _field(reference: str, name: str) -> str:
    return f"item-{ballot(reference).items[0].id}-{name}"


def _sectors(reference: str) -> dict[str, dict[str, int]]:
    found = queries.results(ballot(reference).id)[0].outcome["sectors"]
    assert isinstance(found, dict)
    return found


def test_a_conflicted_members_buttons_are_off_and_say_why(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    make_partner(paper.proposal_ids[0], paper.members[0], invited_by=paper.secretary)
    reference = opened(paper, clock)
    browser = voter_of(app, paper)
    page = browser.get(f"/ballots/{reference}/vote")
    assert "Private 1 is a partner in this proposal" in page.text
    page = page.send("Save and go to the paper", answer="none")
    assert "You can't vote on this one. Private 1 is a partner in this proposal" in page.text
    off = [b for b in page.tree.iter("button") if b.get("disabled") is not None]
    assert len(off) == 3
    for button in off:
        why = button.get("aria-describedby")
        assert any(element.get("id") == why for element in page.tree.iter())
    item = ballot(reference).items[0]
    answered = browser.post(f"/ballots/{reference}/vote/{item.id}", _stolen(page, item.id, "for"))
    assert answered.status == 403
    assert "takes no part in this decision" in answered.text


def _stolen(page: Page, item_id: int, choice: str) -> dict[str, str]:
    """A vote made by hand, with a token from the page's other forms or its own session."""
    token = _token(page)
    return {f"item-{item_id}-choice": choice, f"item-{item_id}-csrf_token": token, f"item-{item_id}-form_id": "x"}


def _token(page: Page) -> str:
    conflicts = page.visitor.get(page.path.replace("/vote", "/conflicts"))
    return next(f.get("value", "") for f in conflicts.tree.iter("input") if f.get("name") == "csrf_token")


def test_each_press_counts_and_back_and_forth_is_meant(app: Flask, clock: MovableClock) -> None:
    """A page kept in the browser can be pressed again: another choice is a change, not a repeat."""
    paper = lay()
    reference = opened(paper, clock)
    item = ballot(reference).items[0].proposal_reference
    page = voter_of(app, paper).get(f"/ballots/{reference}/vote").send("Save and go to the paper", answer="none")
    receipts = []
    for name in ("For", "For", "Against", "For"):
        shown = page.send(f"{name} {item}")
        assert f"Your vote: {name}." in shown.text
        receipts.append(shown.text.split("Receipt ")[1].split(".")[0])
    assert len(set(receipts)) == 3


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({}, "Say whether there is a conflict of interest."),
        ({"answer": "some"}, "Tick each decision"),
        ({"answer": "none", "items": "first"}, "You said “none” but ticked a decision."),
    ],
)
def test_a_muddled_answer_about_conflicts(app: Flask, clock: MovableClock, values: dict[str, str], fault: str) -> None:
    paper = lay()
    reference = opened(paper, clock)
    sent: dict[str, object] = dict(values)
    if "items" in sent:
        sent["items"] = [ballot(reference).items[0].id]
    page = voter_of(app, paper).get(f"/ballots/{reference}/conflicts").send("Save and go to the paper", **sent)
    assert page.status == 422
    assert any(fault in error for error in page.errors())


def test_every_fault_of_a_conflict_is_shown_at_once_and_then_recorded(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    browser = voter_of(app, paper)
    page = browser.get(f"/ballots/{reference}/conflicts").send(
        "Save and go to the paper", answer="some", note="x" * 1001
    )
    assert len(page.errors()) == 2
    assert "x" * 1001 in page.response.get_data(as_text=True)
    page = page.send(
        "Save and go to the paper", answer="some", items=[ballot(reference).items[0].id], note="My sister works there"
    )
    assert "A conflict of interest was declared for Private 1" in page.text
    assert "My sister works there" in as_(app, paper.secretary_person).get(f"/ballots/{reference}").text
    assert "My sister works there" not in voter_of(app, paper, 1).get(f"/ballots/{reference}").text


@pytest.mark.parametrize("choice", ["", "perhaps"])
def test_a_vote_that_says_nothing_is_shown_again_with_what_was_typed(
    app: Flask, clock: MovableClock, choice: str
) -> None:
    paper = lay()
    reference = opened(paper, clock)
    browser = voter_of(app, paper)
    page = browser.get(f"/ballots/{reference}/vote").send("Save and go to the paper", answer="none")
    item_id = ballot(reference).items[0].id
    sent = _stolen(page, item_id, choice) | {f"item-{item_id}-reason": "Because of warmth"}
    page = browser.post(f"/ballots/{reference}/vote/{item_id}", sent)
    assert page.status == 422
    assert page.errors()
    assert "Because of warmth" in page.response.get_data(as_text=True)


def test_too_long_a_reason_is_refused_beside_its_field(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    page = voter_of(app, paper).get(f"/ballots/{reference}/vote").send("Save and go to the paper", answer="none")
    item = ballot(reference).items[0].proposal_reference
    page = page.send(f"For {item}", **{_field(reference, "reason"): "y" * 1001})
    assert page.status == 422
    assert page.errors() == ["Shorten this by 1 characters; 1,000 fit."]


def test_a_vote_after_the_close_is_answered_with_what_happened(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    page = voter_of(app, paper).get(f"/ballots/{reference}/vote").send("Save and go to the paper", answer="none")
    clock.move_to(CLOSES)
    answered = page.send(f"For {ballot(reference).items[0].proposal_reference}")
    assert answered.status == 409
    assert "This ballot is closed, so nothing was saved." in answered.text


def test_bad_dates_of_a_notice_are_shown_all_at_once(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    with transaction():
        reference = service.draft_ballot(round_id=paper.round_id, actor=paper.secretary, now=clock.now()).reference
    secretary = as_(app, paper.secretary_person)
    page = secretary.get(f"/ballots/{reference}/notice").send("Give notice", opens_on="soon", closes_on="")
    assert page.status == 422
    assert page.errors() == [
        "Write the day as year-month-day, such as 2027-03-31.",
        "Give the day on which voting closes.",
    ]
    page = page.send("Give notice", opens_on="2026-06-02", closes_on="2026-06-03")
    assert len(page.errors()) == 2
    assert ballot(reference).state is BallotState.DRAFT


def test_notice_twice_is_told_who_was_first(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    with transaction():
        reference = service.draft_ballot(round_id=paper.round_id, actor=paper.secretary, now=clock.now()).reference
    secretary = as_(app, paper.secretary_person)
    form = secretary.get(f"/ballots/{reference}/notice")
    stale = secretary.get(f"/ballots/{reference}/notice")
    first = form.send("Give notice")
    assert first.heading == f"Ballot {reference}"
    assert form.send("Give notice").heading == f"Ballot {reference}"  # the same form again: the same answer
    second = stale.send("Give notice")
    assert second.status == 409
    assert "is notice given now" in second.text
    assert secretary.get(f"/ballots/{reference}/notice").heading == f"Ballot {reference}"


def test_members_read_the_paper_and_the_public_does_not_until_it_is_declared(
    app: Flask, clock: MovableClock, visitor: Visitor
) -> None:
    paper = lay()
    reference = notice(paper, clock)
    page = visitor.get(f"/ballots/{reference}")
    assert "Proposal 1" not in page.text
    assert "1 proposal is on the paper" in page.text
    assert ballot(reference).roll_hash in page.text  # type: ignore[operator]
    member = voter_of(app, paper).get(f"/ballots/{reference}")
    assert "In short, proposal 1." in member.text
    assert "You can vote from 10 June 2026 at 9:00am" in member.text
    assert "GM-" in member.follow("See the roll").text


def test_how_each_member_voted_is_for_members_and_only_after_the_declaration(
    app: Flask, clock: MovableClock, visitor: Visitor
) -> None:
    paper = lay()
    reference = opened(paper, clock)
    everybody(reference, paper, clock, PASSES, ballot(reference).items[0].id)
    member, path = voter_of(app, paper), f"/ballots/{reference}/votes/1"
    member.get(path, status=404)
    clock.move_to(CLOSES)
    sweep(clock)
    member.get(path, status=404)
    assert member.get(f"/ballots/{reference}/result").heading == f"Ballot {reference}"
    with transaction():
        service.declare(reference=reference, actor=paper.secretary, now=clock.now())
    page = member.get(path)
    assert "Private 1Private For" in page.text
    assert "Private 3Private Did not vote" in page.text
    assert visitor.get(path).heading != page.heading
    stranger = world.person("Nobody In Particular")
    as_(app, stranger).get(path, status=404)
    assert "See how each member voted" not in visitor.get(f"/ballots/{reference}/result").text


def test_a_thin_sector_and_exclusions_stand_on_the_result(app: Flask, clock: MovableClock, visitor: Visitor) -> None:
    paper = lay(private=2)
    make_partner(paper.proposal_ids[0], paper.members[0], invited_by=paper.secretary)
    reference = opened(paper, clock)
    votes = {Sector.PRIVATE: "", Sector.PUBLIC: "fff", Sector.VCSE: "ffff"}
    item_id = ballot(reference).items[0].id
    everybody(reference, paper, clock, votes, item_id)
    everybody(
        reference,
        Paper(paper.secretary_person, paper.secretary, paper.members[1:2], paper.voters),
        clock,
        {Sector.PRIVATE: "f"},
        item_id,
    )
    finish(reference, paper, clock)
    page = visitor.get(f"/ballots/{reference}/result")
    assert "left fewer voters in the Private sector" in page.text
    assert "Took no part because of a conflict of interest: Private 1 (Private)." in page.text
    assert "It passed" in page.text


def test_a_lapsed_vote_and_a_reserve_list_say_so(app: Flask, clock: MovableClock, visitor: Visitor) -> None:
    paper = lay(asks=(40_000_00, 20_000_00, 1_00))
    reference = opened(paper, clock)
    first, second, _ = ballot(reference).items
    everybody(reference, paper, clock, PASSES, first.id)
    everybody(reference, paper, clock, PASSES, second.id)
    finish(reference, paper, clock)
    text = visitor.get(f"/ballots/{reference}/result").text
    assert "1on the reserve list until 20 December 2026" in text
    assert "Lapsed: too few took part" in text
    assert "It is not a refusal" in text


def test_a_ballot_is_voided_by_two_people_on_the_pages(app: Flask, clock: MovableClock, visitor: Visitor) -> None:
    paper = lay()
    reference = opened(paper, clock)
    secretary = as_(app, paper.secretary_person)
    form = secretary.get(f"/ballots/{reference}").follow("Something went wrong: ask to void this ballot")
    assert form.send("Ask the board to agree").errors() == ["Give the reasons. Members will read them."]
    page = form.send("Ask the board to agree", reasons="The wrong paper was attached.")
    assert "A member of the board must agree" in page.text
    board = world.person("Bea Board", Role.BOARD)
    page = as_(app, board).get(f"/ballots/{reference}").send("Agree that this ballot is void")
    assert f"Ballot {reference} is void" in page.text
    assert "The wrong paper was attached." in visitor.get(f"/ballots/{reference}").text


def test_roles_are_kept_apart(app: Flask, clock: MovableClock, visitor: Visitor) -> None:
    paper = lay()
    reference = opened(paper, clock)
    voter, secretary = voter_of(app, paper), as_(app, paper.secretary_person)
    for path in ("notice", "void"):
        assert voter.get(f"/ballots/{reference}/{path}", status=403)
    for path in ("vote", "conflicts"):
        assert secretary.get(f"/ballots/{reference}/{path}", status=403)
        assert visitor.get(f"/ballots/{reference}/{path}").path == "/sign-in"
    for path in (f"/ballots/{reference}/declare", "/ballots/draft/R-2026-1", f"/ballots/{reference}/void/agree"):
        page = voter.get(f"/ballots/{reference}/conflicts")
        token = next(f.get("value", "") for f in page.tree.iter("input") if f.get("name") == "csrf_token")
        assert voter.post(path, {"csrf_token": token}).status == 403


def test_unknown_addresses_are_not_found(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    voter, secretary = voter_of(app, paper), as_(app, paper.secretary_person)
    for browser, path in (
        (voter, "/ballots/B-2026-99"),
        (voter, "/ballots/B-2026-99/vote"),
        (voter, "/ballots/B-2026-99/conflicts"),
        (voter, f"/ballots/{reference}/votes/{10**30}"),
        (secretary, "/ballots/B-2026-99/notice"),
        (secretary, "/ballots/B-2026-99/void"),
        (secretary, "/ballots/B-2026-99/result"),
        (secretary, "/ballots/B-2026-99/roll"),
    ):
        browser.get(path, status=404)
    page = voter.get(f"/ballots/{reference}/vote").send("Save and go to the paper", answer="none")
    sent = _stolen(page, 10**30, "for")
    assert voter.post(f"/ballots/{reference}/vote/{10**30}", sent).status == 404


def test_an_organisation_that_joined_late_is_told_so(app: Flask, clock: MovableClock) -> None:
    paper = lay()
    reference = opened(paper, clock)
    late = world.member("Late Joiner", Sector.PRIVATE)
    person, _ = world.officer(late, Role.REPRESENTATIVE)
    page = as_(app, person, late).get(f"/ballots/{reference}/vote", status=403)
    assert "Late Joiner is not on the roll of this ballot." in page.text
    db.session.rollback()
