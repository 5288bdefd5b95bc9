"""Story 11: the representative is ill, so a deputy votes from a phone, once; and somebody who acts for two members
changes whom they act for in two clicks."""

import pytest
from sqlalchemy import select

from fund.kernel.access import Role
from fund.kernel.db import db, transaction
from fund.kernel.outbox import OutboxMessage
from members.accounts.models import Person as Account
from members.accounts.rules import hash_passphrase
from members.rules import Sector
from tests.journeys.person import PASSPHRASE, Site
from tests.voting import paper
from tests.world import appoint, found_society, member, officer, person
from voting.methods.resolution import Choice
from voting.models import Vote

pytestmark = pytest.mark.browser


def _passphrase(somebody: Account) -> str:
    email, person_id = somebody.email, somebody.id
    with transaction() as session:
        session.get_one(Account, person_id).password_hash = hash_passphrase(PASSPHRASE)
    return email


def test_a_deputy_votes_on_a_phone_when_the_representative_is_ill(site: Site) -> None:
    with site.app.app_context():
        found_society()
        world = paper.lay(private=2, public=2, vcse=2)
        charity = world.of(Sector.VCSE)[0]
        name, reference = charity.name, charity.reference
        representative = world.voters[name]
        certifier = _passphrase(officer(charity, name="Cass Certifier")[0])
        ballot = paper.opened(world, site.clock)
        item_id = paper.ballot(ballot).items[0].id
        paper.answer(ballot, representative, site.clock)
        paper.say(ballot, representative, item_id, Choice.AGAINST, site.clock)  # before falling ill

    cass = site.somebody().sign_in(certifier, PASSPHRASE)
    cass.open(f"/members/{reference}/people").follow("Invite somebody")
    cass.type("Name", "Dee Deputy").type("E-mail address", "dee@charity.example").tick("Deputy")
    cass.press("Send invitation").sees("Dee Deputy has been sent an invitation")

    with site.app.app_context():
        path = db.session.scalars(
            select(OutboxMessage.path).where(OutboxMessage.recipient == "dee@charity.example")
        ).one()
    dee = site.somebody(width=360)
    dee.open(path).sees("Deputy", name).type("passphrase", PASSPHRASE)
    dee.presses("accept").sees("You have accepted")
    dee.open(f"/ballots/{ballot}/vote").tick("No, none").press("Save and go to the paper")
    dee.presses("^For P-").sees("Your vote: ", "and counted").picture("deputy-voted")

    with site.app.app_context():
        (vote,) = db.session.scalars(select(Vote)).all()
        assert (vote.choice, vote.sequence) == (Choice.FOR, 2)
    stranger = site.somebody()
    stranger.open(path).sees("has been used or withdrawn")


def test_a_person_of_two_organisations_switches_in_two_clicks(site: Site) -> None:
    with site.app.app_context():
        found_society()
        somebody = person("Dora Double")
        for name, sector in (("Alder Works", Sector.PRIVATE), ("Birch Trust", Sector.VCSE)):
            appoint(somebody, member(name, sector), Role.CERTIFIER)
        email = _passphrase(somebody)
    for width in (1280, 360):
        dora = site.somebody(width=width).sign_in(email, PASSPHRASE)
        dora.open("/money")
        dora.page.locator("summary", has_text="Act for another organisation").click()
        dora.look().press("Act for Birch Trust").sees("You now act for Birch Trust.", "Name the person who votes")
        assert "for Birch Trust" in dora.page.locator("header").first.inner_text()
        dora.picture(f"switch-{width}")


def test_a_steward_is_chosen_by_two_and_accepts_alone(site: Site) -> None:
    with site.app.app_context():
        found_society()
    secretary = site.officer("Grace Example", Role.SECRETARY)
    board = site.officer("Denise Example", Role.BOARD)
    secretary.open("/tasks").follow("People of the fund").follow("Ask somebody to work for the fund")
    secretary.press("Propose").sees("There is a problem", "Choose a role.")
    secretary.type("Name", "Sunil Example").type("E-mail address", "sunil@fund.example").tick("Steward")
    secretary.type("Reasons", "Chosen at the members' meeting, item 4.").press("Propose")
    secretary.sees("It waits for a second person").follow("Give: Sunil Example, steward")
    secretary.sees("You proposed this, so another person must confirm it.").picture("role-proposed")
    with site.app.app_context():
        sent = select(OutboxMessage.path).where(OutboxMessage.recipient == "sunil@fund.example")
        assert db.session.scalars(sent).all() == []

    board.open("/tasks").follows("Sunil Example").sees("Chosen at the members' meeting, item 4.").picture(
        "role-confirm"
    )
    board.press("Confirm").sees("Confirmed: Sunil Example, steward.")
    with site.app.app_context():
        path = db.session.scalars(sent).one() or ""
    sunil = site.somebody(width=360)
    sunil.credentials = ("sunil@fund.example", PASSPHRASE)
    sunil.open(path).type("New passphrase", PASSPHRASE).press("Accept and make my account")
    sunil.open("/tasks").follow("Organisations to invite").sees("The list is empty")
    board.open("/people").sees("Steward Sunil Example").picture("role-held")
