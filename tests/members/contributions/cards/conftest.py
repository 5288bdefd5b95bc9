"""Fixtures of tests that pay online."""

from collections.abc import Iterator

import pytest
from flask import Flask

from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from members.rules import Sector
from tests.members.contributions.cards.till import Till
from tests.world import found_society, member, officer, official


@pytest.fixture
def till(app: Flask, clock: MovableClock) -> Iterator[Till]:
    """A simulated provider, and the fund that uses it."""
    found_society()
    till = Till(app, clock)
    yield till
    till.close()


@pytest.fixture
def payer(app: Flask) -> Actor:
    """Looks after the money of a firm."""
    return officer(member("Alder Works", Sector.PRIVATE), Role.FINANCE, name="Fay")[1]


@pytest.fixture
def steward(app: Flask) -> Actor:
    return official("Stella Steward", Role.STEWARD)[1]


@pytest.fixture
def board(app: Flask) -> Actor:
    return official("Bea Board", Role.BOARD)[1]
