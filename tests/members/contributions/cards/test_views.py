"""Pages of paying online, as a browser meets them."""

import pytest
from flask import Flask
from sqlalchemy import select

import ledger.bank.queries
from fund.kernel.access import Actor
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from ledger import service as books
from members.accounts.models import Person
from members.contributions.cards import queries, service, sweeps
from members.contributions.cards.models import Payout
from members.rules import Sector
from tests.ledger.books import commit
from tests.members.contributions.cards.till import Till
from tests.members.paid import arrive
from tests.visitor import Visitor
from tests.world import member, officer


def browser(app: Flask, who: Actor) -> Visitor:
    return Visitor(app).sign_in(db.session.get_one(Person, who.person_id))


@pytest.fixture
def fay(app: Flask, till: Till, payer: Actor) -> Visitor:
    return browser(app, payer)


@pytest.fixture
def stella(app: Flask, till: Till, steward: Actor) -> Visitor:
    return browser(app, steward)


@pytest.fixture
def bea(app: Flask, till: Till, board: Actor) -> Visitor:
    return browser(app, board)


def test_pay_by_card_from_pledge_to_receipt(till: Till, fay: Visitor, payer: Actor) -> None:
    reference = till.pledge(25_000, payer).reference
    page = fay.get(f"/pledges/{reference}").send("Pay £250 by card")
    assert page.path == "/payments/CO-2026-00001"
    address = page.links()["Go on to the payment page"]
    assert address.startswith(till.server.base)
    till.simulator.pay(address.rsplit("/", 1)[-1])
    till.deliver()
    assert "Thank you" in fay.get(page.path).text
    assert "Pay online" not in fay.get(f"/pledges/{reference}").text


def test_without_a_provider_the_page_says_how_to_pay(till: Till, app: Flask, fay: Visitor, payer: Actor) -> None:
    reference = till.pledge(25_000, payer).reference
    app.extensions["sicf_payments"] = None
    page = fay.get(f"/pledges/{reference}")
    assert "takes bank transfers only" in page.text
    assert till.post(b"{}", "t=1,v1=2") == 404


def test_large_sums_are_pointed_to_a_bank_transfer(till: Till, fay: Visitor, payer: Actor) -> None:
    reference = till.pledge(2_000_001, payer).reference
    assert "Please pay by bank transfer" in fay.get(f"/pledges/{reference}").text
    reference = till.pledge(1_000_000, payer).reference
    text = fay.get(f"/pledges/{reference}").text
    assert "by Direct Debit" in text
    assert "by card" not in text.split("You give the details")[1]


def test_the_provider_away_and_asked_again(till: Till, fay: Visitor, payer: Actor) -> None:
    reference = till.pledge(25_000, payer).reference
    till.server.stop()
    page = fay.get(f"/pledges/{reference}").send("Pay £250 by card")
    assert "could not be opened" in page.text
    till.server = type(till.server)(till.simulator, "sk_test_only").start()
    app_payments = type(till.payments)("sk_test_only", "whsec_only_for_tests", till.server.base)
    till.app.extensions["sicf_payments"] = app_payments
    assert "Go on to the payment page" in fay.get(page.path).send("Ask again").links()


def test_strangers_find_nothing(till: Till, app: Flask, payer: Actor) -> None:
    checkout = till.open(till.pledge(25_000, payer).id, payer)
    reference = checkout.reference
    stranger = browser(app, officer(member("Birch", Sector.VCSE))[1])
    stranger.get(f"/payments/{reference}", status=404)
    stranger.get("/card-payments", status=403)
    stranger.get("/money-taken-back", status=403)
    stranger.get(f"/card-payments/{reference}/refund", status=403)


def test_a_refund_by_two_people(till: Till, stella: Visitor, bea: Visitor, payer: Actor, clock: MovableClock) -> None:
    reference = till.paid(25_000, payer).reference
    page = stella.get("/card-payments").follow(reference).follow("Ask for a refund")
    bad = page.send("Ask for the refund", amount="300", reason="")
    assert bad.errors() == ["Say why in a few words."]
    bad = bad.send("Ask for the refund", reason="Paid twice")
    assert bad.status == 422
    assert "£250" in bad.errors()[0]
    asked = bad.send("Ask for the refund", amount="50")
    assert "Another steward or a board member decides it." in asked.text
    assert any(title.startswith("Decide refund CR-2026-0001") for title in bea.get("/tasks").links())
    decided = bea.get(f"/card-payments/{reference}").send("Approve CR-2026-0001")
    assert "Approved" in decided.text
    sweeps.settle(clock.now())
    assert "Paid back" in stella.get(f"/card-payments/{reference}").text


def test_the_page_of_what_is_short(till: Till, stella: Visitor, payer: Actor) -> None:
    assert "Nothing is short" in stella.get("/money-taken-back").text
    assert "Nothing is short" in stella.get("/money-taken-back/make-good").text
    payment = str(till.paid(25_000, payer).payment)
    commit(20_000)
    till.simulator.dispute(payment, "bank_cannot_process")
    till.deliver()
    page = stella.get("/tasks").follow("Make good £200 that was taken back")
    assert "£200 is short" in page.text
    assert "no new agreement can be signed" in page.text
    assert "bank cannot process" in page.text
    with transaction():
        books.release(
            key="test:free", grant="grant:G-2026-003", pence=5_000, occurred_on=till.clock.now().date(),
            description="A test", actor=None, now=till.clock.now(),
        )  # fmt: skip
    form = stella.get("/money-taken-back").follow("Make it good")
    assert form.send("Make it good", amount="0").status == 422
    assert form.send("Make it good", amount="51").status == 422
    assert "£150 is short" in form.send("Make it good").text


def test_the_list_and_a_payout_matched_by_hand(
    till: Till, stella: Visitor, steward: Actor, payer: Actor, clock: MovableClock
) -> None:
    assert "Nobody has paid online yet" in stella.get("/card-payments").text
    till.paid(25_000, payer)
    service.collect_fees(payments=till.payments, now=clock.now())
    till.simulator.pay_out(24_605)
    till.deliver()
    sweeps.compare(clock.now())
    text = stella.get("/card-payments").text
    assert "£3.95" in text
    payout_id = db.session.scalars(select(Payout.id)).one()
    (line_id,) = arrive([(clock.now().date(), 24_605, "NO NAME")], steward, clock.now())
    page = stella.get(f"/payouts/{payout_id}")
    assert page.send("Match", line="").errors() == ["Give the number of the line."]
    assert page.send("Match", line="two").status == 422
    assert page.send("Match", line=str(line_id)).path == "/card-payments"
    stella.get("/payouts/999999", status=404)
    stella.get("/card-payments/CO-0", status=404)


def test_the_return_of_a_payout_matched_by_hand(
    till: Till, stella: Visitor, steward: Actor, payer: Actor, clock: MovableClock
) -> None:
    till.paid(25_000, payer)
    sent = till.simulator.pay_out(24_000)
    till.deliver()
    payout_id = db.session.scalars(select(Payout.id)).one()
    day = clock.now().date()
    (line_id,) = arrive([(day, 24_000, "NO NAME")], steward, clock.now())
    stella.get(f"/payouts/{payout_id}").send("Match", line=str(line_id))
    till.simulator.fail_payout(sent)
    till.deliver()
    arrive([(day, -24_000, "NO NAME")], steward, clock.now(), opening_pence=24_000)
    (leaving,) = ledger.bank.queries.open_lines_out()
    line_id = leaving.id
    page = stella.get("/card-payments").follow(f"Match its return, £240, arriving 1 June 2026, payout {payout_id}")
    assert "account closed" in page.text
    assert page.send("Match", line=str(line_id + 1000)).status == 404
    assert page.send("Match", line=str(line_id)).path == "/card-payments"
    assert "left the bank again" in stella.get("/card-payments").text
    assert "This payout is matched" in stella.get(f"/payouts/{payout_id}").text


def test_the_list_comes_in_pages(till: Till, payer: Actor) -> None:
    numbers = [till.open(till.pledge(100 + number, payer).id, payer).id for number in range(3)]
    assert [one.id for one in queries.checkouts(limit=2)] == [numbers[2], numbers[1]]
    assert [one.id for one in queries.checkouts(before=numbers[1])] == [numbers[0]]
