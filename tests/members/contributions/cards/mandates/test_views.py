"""Pages of saved Direct Debits, as a browser meets them."""

from datetime import date

import pytest
from flask import Flask

from fund.kernel.access import Actor, Role
from fund.kernel.db import db
from members.accounts.models import Person
from members.contributions.cards.mandates import collecting
from members.rules import Sector
from tests.members.contributions.cards.mandates.test_service import announced
from tests.members.contributions.cards.till import KEY, Till
from tests.visitor import Visitor
from tests.world import acting, appoint, member, officer, person


def browser(app: Flask, who: Actor, **more: bool) -> Visitor:
    return Visitor(app).sign_in(db.session.get_one(Person, who.person_id), **more)


@pytest.fixture
def fay(app: Flask, till: Till, payer: Actor) -> Visitor:
    return browser(app, payer)


def set_up(till: Till, fay: Visitor, reference: str) -> str:
    """From the pledge's page to a Direct Debit in force; its path."""
    page = fay.get(f"/pledges/{reference}").follow("Pay by Direct Debit whenever it is due")
    assert "10 working days before" in page.text
    page = page.send("Go on to bank details")
    assert "Bank details not given yet" in page.text
    till.simulator.pay(page.links()["Go on to bank details"].rsplit("/", 1)[-1])
    till.deliver()
    return page.path


def test_from_the_pledge_to_a_direct_debit_and_its_end(till: Till, fay: Visitor, payer: Actor) -> None:
    reference = till.instalments(30_000, payer, first_on=date(2026, 7, 1)).reference
    path = set_up(till, fay, reference)
    page = fay.get(path)
    assert "In force" in page.text
    assert page.text.count("To be announced") == 3
    pledge = fay.get(f"/pledges/{reference}")
    assert "You need do nothing: we take £100" in pledge.text
    assert "on 1 July 2026, and tell you before" in pledge.text
    assert "Pay online" not in pledge.text
    assert "Reference to quote" not in pledge.text
    assert "In force" in fay.get("/pledges").text
    announced(till)
    assert "Announced" in fay.get(path).text
    collecting.sweep(till.clock.now(), till.payments)
    assert "On its way" in fay.get(path).text
    assert "is on its way from your bank account" in fay.get(f"/pledges/{reference}").text
    page = fay.get(path).follow("End this Direct Debit")
    assert "Your bank was asked already for £100" in page.text
    assert page.text.count("£100 for PI-") == 2
    page = page.send("End this Direct Debit")
    assert "has ended" in page.text
    assert "Ended on" in page.text
    fay.get(f"{path}/end", status=409)
    pledge = fay.get(f"/pledges/{reference}")
    assert "Reference to quote" in pledge.text


def test_each_state_of_a_collection_has_its_page(till: Till, fay: Visitor, payer: Actor) -> None:
    till.debit(till.instalments(30_000, payer, first_on=date(2026, 7, 1)).id, payer)
    announced(till)
    assert "It is taken on" in fay.get("/payments/CO-2026-00001").text
    till.server.stop()
    collecting.sweep(till.clock.now(), till.payments)
    assert "We have asked for it" in fay.get("/payments/CO-2026-00001").text
    till.server = type(till.server)(till.simulator, KEY).start()
    till.payments = type(till.payments)(KEY, "whsec_only_for_tests", till.server.base)
    fay.get("/direct-debits/DD-2026-0001/end").send("End this Direct Debit")
    till.clock.move(collecting.rules.ASK_AGAIN)
    collecting.sweep(till.clock.now(), till.payments)
    assert "announced and not taken" in fay.get("/payments/CO-2026-00001").text


def test_a_second_pledge_needs_no_bank_details(till: Till, fay: Visitor, payer: Actor) -> None:
    till.debit(till.instalments(30_000, payer).id, payer)
    reference = till.instalments(6_000, payer).reference
    page = fay.get(f"/pledges/{reference}/direct-debit").send("Take this pledge by DD-2026-0001")
    assert reference in page.text
    assert fay.get(f"/pledges/{reference}/direct-debit").send("Take this pledge by DD-2026-0001").status == 409


def test_a_page_that_could_not_be_opened_is_tried_again(till: Till, fay: Visitor, payer: Actor) -> None:
    reference = till.instalments(30_000, payer).reference
    till.server.stop()
    page = fay.get(f"/pledges/{reference}/direct-debit").send("Go on to bank details")
    assert "could not be opened" in page.text
    till.server = type(till.server)(till.simulator, KEY).start()
    till.app.extensions["sicf_payments"] = type(till.payments)(KEY, "whsec_only_for_tests", till.server.base)
    page = page.follow(f"Pledge {reference}").follow("Pay by Direct Debit whenever it is due")
    page = page.send("Go on to bank details")
    assert page.path == "/direct-debits/DD-2026-0001"
    assert page.links()["Go on to bank details"].startswith(till.server.base)
    assert "bank details are still to be given" in fay.get(f"/pledges/{reference}").text
    fay.get(f"{page.path}/end").send("End this Direct Debit")


def test_too_much_for_a_direct_debit_says_so(till: Till, fay: Visitor, payer: Actor) -> None:
    reference = till.instalments(6_000_003, payer).reference
    page = fay.get(f"/pledges/{reference}/direct-debit")
    assert "more than one Direct Debit can carry" in page.text
    page = page.send("Go on to bank details")
    assert page.status == 422
    assert page.errors() == [
        "No instalment of this pledge can be taken by Direct Debit. Please pay it by bank transfer."
    ]


def test_setting_up_and_ending_take_a_second_step(till: Till, app: Flask, payer: Actor) -> None:
    reference = till.instalments(30_000, payer).reference
    thief = browser(app, payer, with_second_step=False)
    page = thief.get(f"/pledges/{reference}/direct-debit").send("Go on to bank details")
    assert not page.path.startswith("/direct-debits/")
    assert till.simulator.sessions == {}
    number = till.debit(till.instalments(30_000, payer).id, payer).reference
    page = thief.get(f"/direct-debits/{number}/end").send("End this Direct Debit")
    assert "In force" in thief.get(f"/direct-debits/{number}").text


def test_others_see_nothing_of_it(till: Till, app: Flask, payer: Actor, steward: Actor, fay: Visitor) -> None:
    assert "No member has saved" in browser(app, steward).get("/direct-debits").text
    pledge = till.instalments(30_000, payer)
    pledge_id, reference, organisation = pledge.id, pledge.reference, pledge.organisation
    stranger = browser(app, officer(member("Birch", Sector.VCSE), Role.FINANCE)[1])
    editor = person("Ed")
    appoint(editor, organisation, Role.EDITOR)
    number = till.debit(pledge_id, payer).reference
    for path in (f"/pledges/{reference}/direct-debit", f"/direct-debits/{number}", f"/direct-debits/{number}/end"):
        stranger.get(path, status=404)
    stranger.get("/direct-debits/DD-0", status=404)
    stranger.get("/direct-debits", status=403)
    ed = browser(app, acting(editor))
    ed.get(f"/pledges/{reference}/direct-debit", status=403)
    ed.get(f"/direct-debits/{number}/end", status=403)
    assert "End this Direct Debit" not in ed.get(f"/direct-debits/{number}").links()
    stella = browser(app, steward)
    page = stella.get("/card-payments").follow("Members who pay by saved Direct Debit").follow(number)
    assert "End this Direct Debit" not in page.links()
    stella.get(f"/direct-debits/{number}/end", status=403)


def test_without_a_provider_none_is_offered(till: Till, app: Flask, fay: Visitor, payer: Actor) -> None:
    reference = till.instalments(30_000, payer).reference
    app.extensions["sicf_payments"] = None
    assert "Pay by Direct Debit whenever it is due" not in fay.get(f"/pledges/{reference}").links()
    fay.get(f"/pledges/{reference}/direct-debit", status=409)
