"""Signing in with a phone, a passkey, a recovery code; and a form that is still filled in after the session ended."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import expect

from fund.kernel.access import Role
from fund.kernel.db import db, transaction
from members.accounts.factors.models import Passkey
from members.accounts.rules import hash_passphrase
from members.rules import Sector
from tests.journeys.person import Person, Site
from tests.world import appoint, found_society, member, person

pytestmark = pytest.mark.browser

PASSPHRASE = "a bridge of many hands"


@pytest.fixture
def address(app: Flask) -> str:
    """The e-mail address of somebody who certifies for Alder."""
    found_society()
    somebody = person("Ada Alder")
    email = somebody.email
    appoint(somebody, member("Alder", Sector.PRIVATE), Role.CERTIFIER)
    with transaction() as session:
        session.merge(somebody).password_hash = hash_passphrase(PASSPHRASE)
    return email


def with_authenticator(somebody: Person) -> Person:
    """A browser with a device that holds passkeys and knows its owner's finger."""
    client = somebody.page.context.new_cdp_session(somebody.page)
    client.send("WebAuthn.enable")
    client.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return somebody


def test_a_passkey_is_added_and_signs_in_alone(site: Site, address: str) -> None:
    ada = with_authenticator(site.somebody()).sign_in(address, PASSPHRASE)
    ada.open("/account").follow("Your second step").picture("second-step")
    ada.type("What is this passkey on?", "My phone")
    ada.page.get_by_role("button", name="Add a passkey").click()
    ada.page.wait_for_url("**/codes*")
    ada.look().sees("Keep your recovery codes").picture("recovery-codes")
    ada.tick("I have printed, saved or written down these codes").press("Carry on").sees("My phone", "10 of 10 left")
    ada.open("/account").press("Sign out")
    ada.credentials = None
    ada.open("/sign-in").picture("sign-in")
    ada.page.get_by_role("button", name="Sign in with a passkey").click()
    ada.page.wait_for_url("**/tasks")
    expect(ada.page.locator(".who")).to_contain_text("Ada Alder")
    with site.app.app_context():
        count = db.session.query(Passkey.sign_count).scalar()
        assert count > 0
    # A second step already: the passphrase alone no longer opens the account, the passkey does.
    ada.open("/account").press("Sign out")
    ada.page.goto("/sign-in")
    ada.type("E-mail address", address).type("Passphrase", PASSPHRASE)
    ada.page.get_by_role("button", name="Sign in", exact=True).click()
    ada.look().sees("Your second step")
    ada.page.get_by_role("button", name="Use a passkey").click()
    ada.page.wait_for_url("**/tasks")


def test_an_app_is_set_up_and_a_recovery_code_used(site: Site, address: str) -> None:
    ada = site.somebody(width=360).sign_in(address, PASSPHRASE)
    ada.open("/account").follow("Your second step").press("Set up an app").picture("app")
    ada.app_key = ada.page.locator(".app-key").inner_text().replace(" ", "")
    ada.type("The six figures that the app shows", "12").press("Set up the app").sees("isn't the code")
    ada.type("The six figures that the app shows", ada.code()).press("Set up the app").picture("codes")
    code = ada.page.locator(".codes code").nth(4).inner_text()
    ada.tick("I have printed, saved or written down these codes").press("Carry on").sees("10 of 10 left")
    ada.open("/account").follow("Where you are signed in").sees("This browser").picture("browsers")
    ada.open("/account").follow("Change your e-mail address")
    ada.open("/account").press("Sign out")
    ada.page.goto("/sign-in")
    ada.type("E-mail address", address).type("Passphrase", PASSPHRASE)
    ada.page.get_by_role("button", name="Sign in", exact=True).click()
    ada.look().picture("second-step-asked")
    ada.type("Code from your app", code)
    ada.page.get_by_role("button", name="Show that it's me").click()
    ada.page.wait_for_url("**/tasks")
    ada.open("/account/second-step").sees("9 of 10 left")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_half_filled_form_survives_an_ended_session(site: Site, address: str, javascript: bool) -> None:
    ada = site.somebody(javascript=javascript)
    ada.page.goto("/sign-in")
    ada.type("E-mail address", address).type("Passphrase", PASSPHRASE)
    ada.page.get_by_role("button", name="Sign in", exact=True).click()
    ada.page.get_by_role("link", name="Your account").click()
    ada.page.locator("main").get_by_role("link", name="Alder").click()
    ada.page.goto(f"{ada.page.url}/people")
    ada.page.get_by_role("link", name="Invite somebody").click()
    ada.type("Name", "Vera Voter").type("E-mail address", "vera@alder.example")
    ada.page.get_by_label("Representative").check()
    site.clock.move(timedelta(hours=2))
    ada.page.get_by_role("button", name="Send invitation").click()
    expect(ada.page.locator("h1")).to_have_text("Sign in")
    ada.credentials = (address, PASSPHRASE)
    ada._give_credentials()
    expect(ada.page.locator("h1")).to_have_text("Your second step")
    ada.set_up_app()
    expect(ada.page.get_by_label("E-mail address")).to_have_value("vera@alder.example")
    expect(ada.page.get_by_label(re.compile("^Name"))).to_have_value("Vera Voter")
    expect(ada.page.get_by_label("Representative")).to_be_checked()
    if javascript:
        ada.look().picture("kept-form")
    ada.page.get_by_role("button", name="Send invitation").click()
    expect(ada.page.locator("main")).to_contain_text("Vera Voter")


def test_pages_about_a_lost_phone_are_accessible(site: Site, address: str) -> None:
    site.somebody().open("/lost-second-step").picture("lost")
