"""Newcomers join on a phone, without a manual: a council officer up to paying by transfer, a café owner up to £250."""

import pytest
from sqlalchemy import select

from fund.kernel.access import Role
from fund.kernel.db import db, transaction
from fund.kernel.outbox import OutboxMessage
from ledger.bank import service as bank
from tests.journeys.person import PASSPHRASE, Person, Site
from tests.world import found_society, official

pytestmark = pytest.mark.browser


@pytest.fixture
def office(site: Site) -> dict[Role, Person]:
    """A fund with a bank account, a steward and a member of the board, both signed in."""
    with site.app.app_context():
        found_society()
        _, keeper = official("Kit Keeper", Role.STEWARD)
        with transaction():
            bank.set_bank_account(
                name="Irwell Collaboration Fund", sort_code="009901", account_number="10203040",
                actor=keeper, now=site.clock.now(),
            )  # fmt: skip
    return {role: site.officer(f"Sam {role}", role) for role in (Role.STEWARD, Role.BOARD)}


def _link(site: Site, address: str) -> str:
    """The newest link in somebody's mailbox."""
    with site.app.app_context():
        return (
            db.session.scalars(
                select(OutboxMessage.path).where(OutboxMessage.recipient == address).order_by(OutboxMessage.id.desc())
            ).first()
            or ""
        )


def _fill_in(phone: Person, name: str, kind: str, district: str, contact: str, address: str) -> None:
    phone.open("/").follow("Join")
    phone.type("Name of your organisation", name).choose("What kind of organisation are you?", kind)
    phone.choose("District where you mostly work", district).type("Postal address", "1 Example Street")
    phone.type("Name of the person we may write to", contact).type("Their e-mail address", address)
    phone.tick("We share the fund's aim")


def _admit(site: Site, office: dict[Role, Person], name: str) -> None:
    """A steward checks, and another person decides."""
    steward, board = office[Role.STEWARD], office[Role.BOARD]
    steward.open("/tasks").follow(f"Check {name}'s application").press("Put it to the board")
    steward.sees("There is a problem", "Say how you checked who it is")
    steward.type("How you checked who it is", "Rang the number on its website.")
    steward.type("Evidence for the sector", "Its entry on the register.")
    steward.type("Connected organisations", "None found.").press("Put it to the board").sees("is before the board")
    board.open("/tasks").follow(f"Decide on {name}'s application").sees("Rang the number on its website.")
    board.page.locator("form", has_text="Why it is admitted").get_by_label("Reasons").fill("It shares the aim.")
    board.press("Admit as a member").sees(f"{name} is a member")


def _accept(phone: Person, site: Site, address: str) -> None:
    phone.credentials = (address, PASSPHRASE)
    phone.open(_link(site, address)).type("New passphrase", PASSPHRASE).press("Accept and make my account")


def test_a_council_officer_joins_names_a_representative_and_pledges(site: Site, office: dict[Role, Person]) -> None:
    phone = site.somebody(width=360)
    _fill_in(phone, "Bridgefold Council", "Council or combined authority", "Bury", "Cora", "cora@bridgefold.example")
    assert not phone.page.get_by_label("We exist for a clear social purpose").is_visible(), (
        "asked only where it matters"
    )
    phone.type("Your number on a public register", "12").press("Check your answers")
    phone.sees("There is a problem", "3 letters, such as MAN")
    phone.type("Your number on a public register", "bgf").press("Check your answers")
    phone.sees("We would count you in the Public sector", "Councils and combined authorities are public bodies.")
    phone.picture("join-check").press("Send application").sees("We have your application", "GM-0001")

    _admit(site, office, "Bridgefold Council")

    _accept(phone, site, "cora@bridgefold.example")
    phone.open("/tasks").follow("Name the person who votes for Bridgefold Council").follow("Invite somebody")
    phone.type("Name", "Rob").type("E-mail address", "rob@bridgefold.example")
    phone.tick("Representative").press("Send invitation").sees("Rob has been sent an invitation")
    _accept(site.somebody(width=360), site, "rob@bridgefold.example")

    phone.open("/pledges/new").type("Amount", "50,000").press("Pledge").sees("How to pay", "£50,000", "00-99-01")
    office[Role.STEWARD].open("/registers/shares").follow("Record payment of share 1").press("Record the payment")
    office[Role.STEWARD].sees("Share 1 is paid for.")
    phone.open("/members").follow("Inspect the registers of members and officers").sees("Bridgefold Council")


def test_a_cafe_owner_joins_and_pledges_in_few_steps(site: Site, office: dict[Role, Person]) -> None:
    phone = site.somebody(width=360)
    _fill_in(phone, "Copper Café", "Sole trader or partnership", "Bolton", "Rosa", "rosa@copper.example")
    for question in ("Your number on a public register", "Public bodies own more than half of us"):
        assert not phone.page.get_by_label(question).is_visible(), question
    phone.press("Check your answers").sees("Private sector", "People who trade for themselves are private.")
    phone.press("Change my answers").press("Check your answers").press("Send application").sees("GM-0001")
    _admit(site, office, "Copper Café")
    _accept(phone, site, "rosa@copper.example")
    phone.open("/pledges/new").type("Amount", "250").press("Pledge").sees("How to pay", "£250")


def test_without_javascript_every_question_is_there(site: Site, office: dict[Role, Person]) -> None:
    phone = site.somebody(width=360, javascript=False)
    _fill_in(phone, "Copper Café", "Company (Ltd or PLC)", "Bolton", "Rosa", "rosa@copper.example")
    phone.tick("We exist for a clear social purpose").type("Your number on a public register", "1234567")
    phone.press("Check your answers").sees("Companies House").press("Send application").sees("GM-0001")
