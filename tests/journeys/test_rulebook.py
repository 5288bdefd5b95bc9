"""A policy is changed in a real browser: entered, confirmed by a second officer, in force on its day and not before."""

import pytest

from fund.kernel.access import Role
from tests.journeys.person import Site
from tests.world import found_society

pytestmark = pytest.mark.browser


def test_a_policy_is_entered_confirmed_and_holds_from_its_day(site: Site) -> None:
    with site.app.app_context():
        found_society()
    secretary = site.officer("Grace Example", Role.SECRETARY)
    board = site.officer("Denise Example", Role.BOARD)
    secretary.open("/tasks").follow("Rules and policies").picture("rulebook")
    secretary.follow("A ballot stays open at least").follow("Enter a change")
    secretary.type("New value", "99").press("Enter the change").sees("There is a problem").picture("rulebook-faults")
    secretary.type("New value", "14").type("First day on which it holds", "2026-06-10")
    secretary.type("Why it is changed", "Boards that meet monthly need longer.")
    secretary.type("Reference of the ordinary resolution", "Members' meeting, item 3").press("Enter the change")
    secretary.sees("Another officer takes the next step", "Waits for a second person")
    board.open("/tasks").follow("Confirm the change of “A ballot stays open at least”")
    board.press("Confirm the change").sees("Confirmed").picture("rulebook-change")
    reader = site.somebody(width=360)
    reader.open("/rules-and-policies").sees("10 days", "From 10 June 2026: 14 days").picture("rulebook-phone")
    site.wait(days=10)
    reader.open("/rules-and-policies/settings/ballot_open_days").sees("14 days").picture("rulebook-setting")
    reader.open("/rules-and-policies/checklist").sees("no clause named yet").picture("rulebook-checklist")
