"""Paying online in a browser: by card on a phone, and by a saved Direct Debit that is set up, used and ended."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from fund.demo.stripe.server import SimulatorServer, post_to
from fund.demo.stripe.simulator import Simulator
from fund.kernel.access import Role
from fund.kernel.db import transaction
from fund.payments import StripePayments
from members.accounts.models import Person as Account
from members.accounts.rules import hash_passphrase
from members.rules import Sector
from tests import world
from tests.journeys.person import PASSPHRASE, Person, Site
from tests.members.contributions.cards.till import KEY, SECRET

pytestmark = pytest.mark.browser


@pytest.fixture
def provider(site: Site) -> Iterator[Simulator]:
    """A simulated provider that sends its messages to the site, and payers back to it."""
    with site.app.app_context():
        world.found_society()
    settings, kept = site.app.extensions["sicf_settings"], site.app.extensions["sicf_payments"]
    simulator = Simulator(SECRET, lambda: site.clock.now())
    server = SimulatorServer(simulator, KEY, post_to(f"{site.address}/webhooks/stripe")).start()
    site.app.extensions["sicf_settings"] = replace(settings, base_url=site.address)
    site.app.extensions["sicf_payments"] = StripePayments(KEY, SECRET, server.base)
    yield simulator
    site.app.extensions["sicf_settings"], site.app.extensions["sicf_payments"] = settings, kept
    server.stop()


def finance_person(site: Site, organisation: str, sector: Sector, width: int) -> Person:
    """Somebody who looks after the money of a member, signed in."""
    with site.app.app_context():
        account, _ = world.officer(world.member(organisation, sector), Role.FINANCE, name="Fay Finance")
        email, person_id = account.email, account.id
        with transaction() as session:
            session.get_one(Account, person_id).password_hash = hash_passphrase(PASSPHRASE)
    return site.somebody(width=width).sign_in(email, PASSPHRASE)


def test_a_cafe_owner_pays_by_card_on_a_phone(site: Site, provider: Simulator) -> None:
    fay = finance_person(site, "Towpath Café", Sector.PRIVATE, 360)
    fay.open("/pledges/new").type("Amount", "250").press("Pledge")
    fay.sees("Pay online").picture("card-pledge-360").press("Pay £250 by card")
    fay.sees("We never see them").picture("card-go-on-360").follow("Go on to the payment page")
    assert fay.page.locator("h1").inner_text() == "Pay £250.00"
    fay.picture("card-till-360").press("Go back without paying").sees("Not paid yet")
    fay.follow("Go on to the payment page").press("Pay")
    fay.sees("Thank you", "receipt RC-2026-0001").picture("card-paid-360")
    fay.open("/pledges").sees("has paid in £250")


def test_a_direct_debit_is_set_up_used_and_ended(site: Site, provider: Simulator) -> None:
    fay = finance_person(site, "Alder Works", Sector.PRIVATE, 1280)
    fay.open("/pledges/new").type("Amount", "300").tick("In instalments")
    fay.type("How many instalments, or years", "3").type("When the first payment is due", "2026-07-01")
    fay.press("Pledge").picture("debit-pledge").follow("Pay by Direct Debit whenever it is due")
    fay.sees("10 working days before").picture("debit-set-up").press("Go on to bank details")
    fay.sees("Bank details not given yet").picture("debit-open").follow("Go on to bank details")
    fay.picture("debit-till").press("Set up the Direct Debit")
    fay.sees("In force", "To be announced").picture("debit-in-force")
    fay.follows("^PL-").sees("You need do nothing: we take £100").picture("debit-pledge-in-force")
    site.wait(minutes=2)
    site.wait(days=16)
    path = "/direct-debits/DD-2026-0001"
    fay.open(path).sees("Announced")
    site.wait(days=14)
    fay.open(path).sees("On its way").picture("debit-on-its-way")
    site.wait(days=5)
    provider.tick()
    post_to(f"{site.address}/webhooks/stripe")(provider)
    fay.open(path).sees("Paid").picture("debit-paid")
    fay.follow("End this Direct Debit").sees("You pay these by bank transfer").picture("debit-end")
    fay.press("End this Direct Debit").sees("Ended on").picture("debit-ended")
    site.wait(minutes=2)
    assert [one["status"] for one in provider.mandates.values()] == ["inactive"]
    steward = site.officer("Stella Steward", Role.STEWARD)
    steward.open("/direct-debits").sees("Alder Works", "Ended").picture("debits-listed")
    steward.open("/card-payments").sees("Direct Debit").picture("cards-listed")
    steward.open("/card-payments/CO-2026-00001").sees("Nothing went back").picture("card-payment")
