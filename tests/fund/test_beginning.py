"""The first steps of a new fund: what is missing is named, and the list goes once a round has opened."""

from datetime import timedelta

import pytest
from flask import Flask

from fund import beginning
from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.places import DISTRICTS
from members.rules import Sector
from tests.proposals.scene import make_scene
from tests.visitor import Visitor
from tests.world import found_society, member, official

S, C, B, A, L = Role.STEWARD, Role.SECRETARY, Role.BOARD, Role.ASSESSOR, Role.LIVED_EXPERIENCE_ASSESSOR


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        ([S], 4),
        ([S, C], 3),
        ([S, C, B, B], 2),
        ([S, S, S, C, A, A], 1),
        ([S, C, B, B, A, L], 0),
        ([S, C, B, B, L, L], 0),
        ([S, C, B, A, L], 1),
    ],
)
def test_who_is_missing_is_named(held: list[Role], missing: int) -> None:
    assert len(beginning.missing_people(held)) == missing


def test_only_stewards_have_first_steps_and_each_is_ticked_off(app: Flask) -> None:
    found_society()
    _, steward = official("Ada", Role.STEWARD)
    _, secretary = official("Bo", Role.SECRETARY)
    assert beginning.steps(secretary) == []
    assert [step.is_done for step in beginning.steps(steward)] == [False] * 5
    for sector in Sector:
        member(f"A {sector} member", sector)
    assert [step.title for step in beginning.steps(steward) if step.is_done] == ["Admit the first members"]


def test_a_fund_whose_round_has_opened_is_new_no_more(app: Flask) -> None:
    scene = make_scene()
    assert beginning.steps(scene.steward) == []


def test_districts_and_rules_in_force_are_readable_by_anybody(visitor: Visitor, clock: MovableClock) -> None:
    found_society()
    clock.move(timedelta(days=1))
    page = visitor.get("/how-it-works")
    assert all(one.name in page.text for one in DISTRICTS)
    assert "at least 7 clear days" in page.text
