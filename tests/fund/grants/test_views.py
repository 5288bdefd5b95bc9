"""The pages, walked as people walk them."""

from datetime import UTC, datetime

import pytest
from flask import Flask

from fund.grants import queries
from fund.grants.checks.rules import Route
from fund.kernel.clock import MovableClock
from fund.kernel.db import transaction
from fund.kernel.errors import NotFound
from members.profile import service as profiles
from members.profile.rules import Details
from tests.fund.grants import awarding
from tests.fund.grants.awarding import Grant
from tests.visitor import Page, Visitor


def _as(app: Flask, grant: Grant, name: str) -> Visitor:
    return Visitor(app).sign_in(grant.people[name])


def _done(page: Page) -> Page:
    assert page.status == 200, page.text[:800]
    assert page.errors() == []
    return page


def test_from_offer_to_approved_payment_in_the_browser(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    steward, second = _as(app, grant, "steward"), _as(app, grant, "second steward")
    lead, firm = _as(app, grant, "lead"), _as(app, grant, "firm")

    offer = steward.get("/tasks").follow(f"Offer the grant for {_proposal(grant)}")
    award = _done(offer.send("Send the offer"))
    assert award.heading.startswith("Grant G-2026-")
    reference = grant.reference = award.heading.removeprefix("Grant ")

    answer = lead.get("/tasks").follow(f"Answer the offer of grant {reference}")
    _done(answer.send("Send your answer", answer="accept"))
    _done(lead.get("/tasks").follow(f"Sign the agreement of grant {reference}").send("Sign", bind=True))
    unread = firm.get(f"/grants/{reference}/agreement").send("Sign")
    assert unread.status == 422
    assert unread.errors() == ["Tick the box to say that you have read it and may bind your organisation."]
    _done(unread.send("Sign", bind=True))
    _done(firm.get("/tasks").follow("Give the bank details that you are paid to"))

    for name in ("Irwell Kitchens", "Bee Bikes"):
        form = steward.get("/tasks").follow(f"Do due diligence on {name}")
        results = {key: "met" for key in _fields(form) if key.endswith("_result")}
        _done(form.send("Record due diligence", outcome="clear", **results))
    route = steward.get("/tasks").follow("Record the subsidy route of Irwell Kitchens")
    _done(route.send("Record the route", route="not_a_subsidy", reasons="No market."))
    route = steward.get("/tasks").follow("Record the subsidy route of Bee Bikes")
    _done(route.send("Record the route", route="mfa", reasons="Small, and it trades."))
    mfa = firm.get("/tasks").follow(f"Answer the subsidy notification of grant {reference}")
    broken = mfa.send("Send your answer", answer="confirmed", prior="some time; £1; X")
    assert broken.status == 422
    assert "Line 1: write the day" in broken.errors()[0]
    _done(broken.send("Send your answer", answer="confirmed", prior="31/3/2024; £12,000; Examplebury Council"))
    grant.measure()

    live = steward.get("/tasks").follow(f"Put grant {reference} live")
    page = _done(live.send("Put this grant live"))
    assert "£10,000 reserved and not yet paid" in page.text
    letter = steward.get("/tasks").follow("Send the MFA confirmation to Bee Bikes")
    _done(letter.send("Send the MFA confirmation"))

    _done(
        firm.get("/bank/details").send(
            "Keep these details",
            account_name="Bee Bikes",
            sort_code="00-99-01",
            account_number="12345678",
            sort_code_again="00-99-01",
            account_number_again="12345678",
        )
    )
    held = steward.get(f"/grants/{reference}")
    assert "Scheduled" in held.text
    clock.move_to(datetime(2026, 6, 29, 9, tzinfo=UTC))
    desk = steward.get("/grants")
    assert "have not been checked by a call back. Who can cure it: A steward." in desk.text
    grant.bank_details(grant.firm, "firm")
    clock.move_to(datetime(2026, 7, 3, 9, tzinfo=UTC))

    new = steward.get("/tasks").follow("Prepare a payment run of 1 payment")
    assert f"£4,000 to Bee Bikes: payment 2 of {reference}" in new.text
    run = _done(new.send("Prepare this run"))
    assert run.heading == "Payment run PR-2026-001"
    assert "Approve payment run" not in steward.get("/tasks").text
    assert "Approve payment run" not in second.get("/tasks").text, "checked the bank details"
    for name in ("board", "second board"):
        visitor = _as(app, grant, name)
        shown = visitor.get("/tasks").follow("Approve payment run PR-2026-001")
        assert "12345678" in shown.text
        _done(shown.send("Approve exactly this run"))
    assert "Approved" in steward.get(f"/grants/{reference}/payments/2").text


def _proposal(grant: Grant) -> str:
    return queries.funded_without_award()[0].proposal_reference


def _fields(page: Page) -> set[str]:
    return {element.get("name", "") for element in page.tree.iter("select")}


def test_the_offer_page_keeps_what_was_typed_and_names_every_fault(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    page = _as(app, grant, "steward").get(f"/grants/offer/{grant.item_id}")
    bad = page.send(
        "Send the offer", start_on="", end_on="soon", line1_amount="1e5", line2_due="", special_conditions="Insure it."
    )
    assert bad.status == 422
    assert len(bad.errors()) == 3
    assert "Insure it." in bad.text
    worse = page.send("Send the offer", line1_amount="1", line2_due="2020-01-01")
    assert worse.status == 422
    assert any("Add £5,999" in fault for fault in worse.errors())
    assert any("Payment 2 is due before the work starts" in fault for fault in worse.errors())
    half = page.send("Send the offer", line3_amount="5")
    assert half.errors() == ["Payment 3: give the day on which it is due."]


def test_the_offer_can_be_laid_out_in_parts_and_through_the_lead(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock, pence=20_000_00)
    steward = _as(app, grant, "steward")
    page = steward.get(f"/grants/offer/{grant.item_id}").send("Lay them out", parts="3", basis="through_lead")
    award = _done(page.send("Send the offer"))
    assert award.text.count("Irwell Kitchens") >= 3
    assert "£6,666.67" in award.text


@pytest.mark.parametrize("odd", ["parts=0", "parts=99999999999999999999", "parts=x&basis=y", "parts=²"])
def test_an_odd_layout_falls_back_to_the_usual_one(app: Flask, clock: MovableClock, odd: str) -> None:
    grant = awarding.lay(clock)
    page = _as(app, grant, "steward").get(f"/grants/offer/{grant.item_id}?{odd}")
    assert "To each partner, its own share." in page.text


def test_sending_the_offer_twice_makes_one_award(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    page = _as(app, grant, "steward").get(f"/grants/offer/{grant.item_id}")
    first, second = page.send("Send the offer"), page.send("Send the offer")
    assert first.heading == second.heading
    late = _as(app, grant, "second steward")
    stale = late.post(f"/grants/offer/{grant.item_id}", {})
    assert stale.status in (400, 422)


def test_changing_the_terms_asks_for_new_signatures(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    grant.accept()
    grant.sign("lead")
    steward, lead, firm = (_as(app, grant, name) for name in ("steward", "lead", "firm"))
    seen = firm.get(f"/grants/{grant.reference}/agreement")
    terms = steward.get(f"/grants/{grant.reference}/terms")
    assert "Signatures under the old one no longer count" in terms.text
    _done(terms.send("Save the terms", special_conditions="Insure the van."))
    stale = seen.send("Sign", bind=True)
    assert stale.status == 409
    assert "Open the agreement again and read the new text." in stale.text
    assert "Insure the van." in lead.get(f"/grants/{grant.reference}/agreement").text
    old = lead.get(f"/grants/{grant.reference}/agreement/1")
    assert "This text was replaced" in old.text
    _done(lead.get(f"/grants/{grant.reference}/agreement").send("Sign", bind=True))


def test_declining_needs_a_reason(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    lead = _as(app, grant, "lead")
    page = lead.get(f"/grants/{grant.reference}/answer")
    assert page.send("Send your answer").errors() == ["Choose whether you accept or decline."]
    assert page.send("Send your answer", answer="decline").errors() == [
        "Say why you decline, so that the fund can learn from it."
    ]
    ended = _done(page.send("Send your answer", answer="decline", reason="We merged."))
    assert "We merged." in ended.text


def test_going_live_with_a_short_pot_shows_the_figures(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock, pot_pence=9_999_99)
    grant.ready_to_live()
    refused = _as(app, grant, "steward").get(f"/grants/{grant.reference}").send("Put this grant live")
    assert refused.status == 422
    assert "£9,999.99" in refused.errors()[0]
    assert "£10,000" in refused.errors()[0]


def test_a_stale_approval_page_is_a_conflict(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    grant.prepare()
    page = _as(app, grant, "board").get("/payment-runs/PR-2026-001")
    grant.bank_details(grant.lead, "lead", "11112222")
    stale = page.send("Approve exactly this run")
    assert stale.status == 409
    assert "earlier approvals no longer count" in stale.text
    assert "Cancel it, and prepare its payments again." in _as(app, grant, "board").get(page.path).text


def test_a_due_diligence_form_with_gaps_names_them_beside_the_checks(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock, pence=200_000_00)
    grant.offer()
    page = _as(app, grant, "steward").get(f"/grants/{grant.reference}/due-diligence/{grant.lead.reference}")
    gaps = page.send("Record due diligence", outcome="clear", identity_result="met", identity_note="On the register.")
    assert gaps.status == 422
    assert len(gaps.errors()) == 12
    assert "On the register." in gaps.text
    results = {key: "met" for key in _fields(gaps) if key.endswith("_result")}
    _done(gaps.send("Record due diligence", outcome="clear", **results))
    review = _as(app, grant, "second steward").get("/tasks").follow("Review due diligence on Irwell Kitchens")
    assert review.send("Record your review", agrees="yes").errors() == [
        "Write what you looked at and why you agree or not."
    ]
    _done(review.send("Record your review", agrees="yes", note="Read the accounts."))
    assert "Read the accounts." in _as(app, grant, "steward").get(page.path).text


def test_a_partner_sees_the_payment_but_never_whole_bank_details_of_it(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    page = _as(app, grant, "firm").get(f"/grants/{grant.reference}/payments/1")
    assert "12345678" not in page.text
    assert "12345678" in _as(app, grant, "board").get(f"/grants/{grant.reference}/payments/1").text


PAGES = ("", "/agreement", "/agreement/1", "/payments/1")


@pytest.mark.parametrize("path", PAGES)
def test_strangers_find_no_award(app: Flask, clock: MovableClock, path: str) -> None:
    grant = awarding.lay(clock)
    grant.ready_to_live()
    for name in ("lead", "lead editor", "firm", "steward", "board", "auditor"):
        _as(app, grant, name).get(f"/grants/{grant.reference}{path}")
    stranger = _as(app, grant, "council")  # a partner that is not paid is no party
    assert (
        stranger.get(f"/grants/{grant.reference}{path}", status=404).text
        == stranger.get(f"/grants/G-2026-999{path}", status=404).text
    )


@pytest.mark.parametrize(
    "path",
    [
        "/grants/{0}/answer",
        "/grants/{0}/mfa/{1}",
        "/grants/{0}/agreement/99",
        "/grants/{0}/agreement/99999999999999999999999",
        "/grants/{0}/payments/99999999999999999999999",
        "/grants/{0}/payments/0",
    ],
)
def test_what_is_not_there_is_not_found(app: Flask, clock: MovableClock, path: str) -> None:
    grant = awarding.lay(clock)
    grant.ready_to_live()
    _as(app, grant, "firm").get(path.format(grant.reference, grant.lead.reference), status=404)


@pytest.mark.parametrize(
    "path",
    [
        "/grants/offer/99999999999999999999999",
        "/grants/offer/0",
        "/grants/second-reviews/99999999999999999999999",
        "/grants/{0}/due-diligence/GM-0",
        "/grants/{0}/subsidy/GM-0",
        "/grants/nothing/terms",
    ],
)
def test_what_is_not_there_is_not_found_by_stewards_either(app: Flask, clock: MovableClock, path: str) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    _as(app, grant, "steward").get(path.format(grant.reference), status=404)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("lead", "/grants"),
        ("lead", "/grants/offer/1"),
        ("board", "/grants/{0}/terms"),
        ("auditor", "/grants/{0}/subsidy/{1}"),
        ("board", "/grants/{0}/due-diligence/{1}"),
        ("lead editor", "/grants/{0}/answer"),
    ],
)
def test_pages_are_only_for_those_who_may(app: Flask, clock: MovableClock, name: str, path: str) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    _as(app, grant, name).get(path.format(grant.reference, grant.lead.reference), status=403)


def test_empty_desk_and_empty_list_say_what_comes(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    assert "You have no grants." in _as(app, grant, "lead").get("/grants/mine").text
    assert "No payment is due." in _as(app, grant, "auditor").get("/grants").text
    grant.offer()
    assert "Offered" in _as(app, grant, "lead").get("/grants/mine").text
    assert "It lapses on" in _as(app, grant, "board").get("/grants").text


def test_tasks_are_only_for_those_who_can_do_them(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    now = clock.now()
    for name in ("board", "auditor", "council", "lead editor"):
        assert queries.tasks(grant.actors[name], now) == [], name
    titles = [task.title for task in queries.tasks(grant.actors["steward"], now)]
    assert titles == ["Prepare a payment run of 2 payments"]
    grant.prepare()
    assert [task.title for task in queries.tasks(grant.actors["board"], now)] == ["Approve payment run PR-2026-001"]


def test_public_queries_know_nothing_of_offers(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    with pytest.raises(NotFound):
        queries.payments_public(grant.reference, clock.now())
    grant.accept()
    assert [(one.payee, one.pence, one.stage) for one in queries.payments_public(grant.reference, clock.now())] == [
        ("Irwell Kitchens", 6_000_00, "Scheduled"),
        ("Bee Bikes", 4_000_00, "Scheduled"),
    ]
    _, agreement, signatures = queries.agreement_document(grant.reference)
    assert (agreement.number, list(signatures)) == (1, [])


def test_the_subsidy_page_shows_the_facts_and_leaves_the_decision(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    steward = _as(app, grant, "steward")
    page = steward.get(f"/grants/{grant.reference}/subsidy/{grant.firm.reference}")
    assert "since 1 April 2024" in page.text
    assert "£315,000" in page.text
    assert len(page.send("Record the route").errors()) == 2
    grant.route(grant.firm, Route.MFA)
    assert "The recipient has not answered yet." in steward.get(page.path).text


def test_due_diligence_shows_accreditations_without_asking_again(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    with transaction():
        profiles.record_accreditation(
            organisation_id=grant.lead.id,
            said=Details("Living Wage employer", "A foundation", number="LW-1"),
            actor=grant.actors["lead"],
            now=grant.now,
        )
    steward = _as(app, grant, "steward")
    page = steward.get(f"/grants/{grant.reference}/due-diligence/{grant.lead.reference}")
    assert "Living Wage employer, given by A foundation" in page.text
    assert "Number LW-1" in page.follow("Numbers, links and evidence").text
