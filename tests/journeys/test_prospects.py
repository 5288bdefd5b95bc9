"""Organisations to win, in a real browser: a list with a wrong row, mended; an anchor invited; it joins by its link."""

import pytest
from sqlalchemy import select

from fund.kernel.access import Role
from fund.kernel.db import db
from fund.kernel.outbox import OutboxMessage
from tests.journeys.person import Site
from tests.world import found_society

pytestmark = pytest.mark.browser

HEAD = "name,org_id,district,anchor,contact_name,contact_email\n"
RIGHT = "Irwellside Rovers,360G-irwell-7,Salford,Football or sports club,Robin Tate,robin@rovers.example\n"
WRONG = "Weaver Health,360G-irwell-8,Leeds,Health body,,\n"


def test_from_a_list_to_an_application(site: Site) -> None:
    with site.app.app_context():
        found_society()
    steward = site.officer("Stella Ward", Role.STEWARD)
    steward.open("/tasks").follow("Organisations to invite").sees("The list is empty").follow("Import a list")
    steward.picture("prospects-import")
    steward.attach("Your list", "anchors.csv", (HEAD + RIGHT + WRONG).encode()).press("Read the list")
    steward.sees("Nothing can be taken in yet", "“Leeds” is no district that we know").picture("prospects-faults")
    steward.follow("Send another file")
    steward.attach("Your list", "anchors.csv", (HEAD + RIGHT + WRONG.replace("Leeds", "Wigan")).encode())
    steward.press("Read the list").sees("All rows can be read").picture("prospects-ready")
    steward.press("Take the list in").sees("2 new, 0 changed", "Anchors that are not members yet")
    steward.picture("prospects-listed")
    steward.follow("Irwellside Rovers").sees("Nobody has spoken to it yet").picture("prospects-one")
    steward.press("Send the invitation").sees("The invitation is on its way.")
    steward.follow("Organisations to invite").follow("Invite those shown").picture("prospects-many")
    steward.sees("Without an e-mail address")

    with site.app.app_context():
        sent = select(OutboxMessage.path).where(OutboxMessage.path.startswith("/invited/"))
        path = db.session.scalars(sent).one() or ""
    invited = site.somebody(javascript=False, width=360).open(path).sees("You were invited")
    assert invited.page.get_by_label("Name of your organisation").input_value() == "Irwellside Rovers"
    invited.choose("What kind of organisation are you?", "Sole trader or partnership")
    invited.type("Postal address", "2 Example Street, Salford").tick("We share the fund's aim")
    invited.picture("prospects-invited").press("Check your answers").press("Send application").sees("GM-0003")
    steward.open("/prospects").follow("Irwellside Rovers").sees("It has asked to join.").picture("prospects-applied")

    invited.open(f"{path}/stop").press("Don't write again").sees("We won't invite you again.")
