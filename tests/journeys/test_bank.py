"""The bank, in a real browser: proposals confirmed, a payment shared out, a wrong match undone."""

import pytest

from fund.kernel.access import Role
from fund.kernel.db import db
from members.rules import Sector
from tests.journeys.person import Site
from tests.ledger.bank.files import camt
from tests.members.contributions.matching.test_service import pledged
from tests.world import found_society, member

pytestmark = pytest.mark.browser


def test_from_the_statement_to_a_match_and_back(site: Site) -> None:
    with site.app.app_context():
        found_society()
        alder = pledged(member("Alder Works", Sector.PRIVATE), site.clock).reference
        birch = pledged(member("Birch House", Sector.VCSE), site.clock, 900_00).reference
        db.session.remove()
    steward = site.officer("Stella Steward", Role.STEWARD)
    lines = [
        ("2026-05-28", 200_00, "ALDER WORKS", f"for {alder}"),
        ("2026-05-28", 300_00, "ALDER WORKS", "subs"),
        ("2026-05-28", 20_00, "BIRCH HOUSE", "subs"),
        ("2026-05-29", 700_00, "Mr T Treasurer", "for both of us"),
    ]
    steward.open("/bank/import").attach("Statement file", "may.xml", camt(lines)).press("Import the statement")
    steward.sees("0 of 4 lines are matched.").picture("bank-statement")
    site.wait(minutes=2)
    steward.open("/bank/statements/1").sees("1 of 4 lines are matched.")

    steward.open("/money-in").sees("matched by itself").picture("money-in").follow("Confirm several at once")
    steward.sees("Same payer, another amount.").picture("money-in-proposals")
    steward.tick(f"£300 on 28/05/2026 from ALDER WORKS, for {alder}").press("Confirm what is ticked")
    steward.sees("1 confirmed: £300 is in the pot.")

    steward.open("/money-in/4/share").picture("money-in-share")
    steward.type("Pledge 1: its reference", alder).type("Amount for pledge 1", "500").press("Share it out")
    steward.sees("£200 is missing").picture("money-in-share-faults")
    steward.type("Pledge 2: its reference", birch).type("Amount for pledge 2", "200").press("Share it out")
    steward.sees("Shared out to 2 pledges.")

    steward.open("/money-in/4/matched").sees("Chosen by a person.").picture("money-in-matched")
    steward.type("Why the match was wrong", "Both were of Birch House").press("Undo this match")
    steward.sees("Undone: £700 waits to be matched again.")
    steward.type("Reference of the pledge", birch).press("Match").sees("£700 from Birch House is in the pot.")
    steward.open("/money-in/payers").sees("Mr T Treasurer").picture("money-in-payers")
    steward.press("Forget Mr T Treasurer").sees("Forgotten.")
