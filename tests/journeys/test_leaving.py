"""People and organisations leave: duties go to a colleague by name, a lost certifier is given back by two people, and a
member takes itself out of the fund."""

import pytest
from sqlalchemy import select

from fund.kernel.access import Role
from fund.kernel.db import db, transaction
from fund.kernel.outbox import OutboxMessage
from members.accounts.models import Person as Account
from members.accounts.rules import hash_passphrase
from members.models import Appointment
from members.rules import Sector
from tests.journeys.person import PASSPHRASE, Person, Site
from tests.scenes import laid_once
from tests.world import found_society, member, officer

pytestmark = pytest.mark.browser


@laid_once
def _scene() -> tuple[str, str, str]:
    """Alder with a certifier, a representative and a deputy: its reference, and the addresses of the first and last."""
    found_society()
    alder = member("Alder Trust", Sector.VCSE)
    member("Birch Trust", Sector.VCSE)
    cass, _ = officer(alder, name="Cass Certifier")
    officer(alder, Role.REPRESENTATIVE, Role.EDITOR, name="Rob Leaver")
    dee, _ = officer(alder, Role.DEPUTY, name="Dee Deputy")
    with transaction() as session:
        for one in (cass, dee):
            session.get_one(Account, one.id).password_hash = hash_passphrase(PASSPHRASE)
    return alder.reference, cass.email, dee.email


def _certifier(site: Site, width: int = 1280) -> tuple[Person, str]:
    with site.app.app_context():
        reference, cass, _ = _scene()
    return site.somebody(width=width).sign_in(cass, PASSPHRASE), reference


def test_who_leaves_hands_over_by_name_on_a_phone(site: Site) -> None:
    cass, reference = _certifier(site, width=360)
    cass.open(f"/members/{reference}/people").follow("Hand over from Rob Leaver")
    cass.press("End these roles and hand over").sees("There is a problem").picture("handover-problem")
    cass.choose("Who takes over as representative?", "Dee Deputy").choose("Who takes over as editor?", "Nobody for now")
    cass.press("End these roles and hand over").sees("Rob Leaver's roles are ended").does_not_see("Hand over from Rob")
    with site.app.app_context():
        held = db.session.scalars(select(Appointment).where(Appointment.ended_at.is_(None)))
        assert {(one.person.name, one.role) for one in held} == {
            ("Cass Certifier", Role.CERTIFIER),
            ("Dee Deputy", Role.REPRESENTATIVE),
        }
        told = select(OutboxMessage).where(OutboxMessage.subject == "You take over from Rob Leaver at Alder Trust")
        assert db.session.scalars(told).one().path == "/tasks"


def test_the_only_certifier_hands_over_before_going(site: Site) -> None:
    cass, reference = _certifier(site)
    cass.open(f"/members/{reference}/people").follow("Hand over from Cass Certifier")
    cass.choose("Who takes over as certifier?", "Nobody for now").press("End these roles and hand over")
    cass.sees("is the only certifier of Alder Trust").choose("Who takes over as certifier?", "Dee Deputy")
    cass.press("End these roles and hand over").sees("Cass Certifier's roles are ended").picture("handover-own")


def test_a_lost_certifier_is_given_back_by_two_people(site: Site) -> None:
    with site.app.app_context():
        reference, *_ = _scene()
    steward = site.officer("Amina Example", Role.STEWARD)
    board = site.officer("Denise Example", Role.BOARD)
    steward.open(f"/people/certifier/{reference}").press("Propose").sees("There is a problem")
    steward.type("Name", "Nell New").type("E-mail address", "nell@alder.example")
    steward.type("Reasons", "Cass has left the country and answers nobody.")
    steward.type("Evidence", "A letter of its trustees of 3 May.").press("Propose").sees("Nell New")
    steward.picture("certifier-proposed")
    board.open("/tasks").follows("Nell New").sees("answers nobody").press("Confirm").sees(
        "Confirmed: Nell New, certifier"
    )
    with site.app.app_context():
        sent = select(OutboxMessage.path).where(
            OutboxMessage.recipient == "nell@alder.example", OutboxMessage.path.like("/invitations/%")
        )
        path = db.session.scalars(sent).one() or ""
    nell = site.somebody(width=360)
    nell.credentials = ("nell@alder.example", PASSPHRASE)
    nell.open(path).sees("certifier", "Alder Trust").type("passphrase", PASSPHRASE).presses("accept")
    nell.sees("You have accepted").picture("certifier-accepted")


def test_a_member_leaves_and_may_ask_again(site: Site) -> None:
    cass, reference = _certifier(site, width=360)
    cass.open(f"/members/{reference}/leave").sees("What happens then").press("Leave the fund")
    cass.sees("There is a problem").picture("leave-problem")
    cass.page.get_by_role("checkbox").last.check()
    cass.press("Leave the fund").sees("leaves the fund on").picture("left")
    cass.open(f"/members/{reference}/leave").sees("Alder Trust le")
