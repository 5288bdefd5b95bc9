"""What closed days held is proved again: whatever was slipped in is found, and what was opened again is let be."""

from datetime import date

import pytest
from flask import Flask

from fund.kernel.access import Actor, Role
from fund.kernel.db import transaction
from ledger import service as ledger
from ledger.years import service
from tests.ledger.books import NOW, ORG, commit, said
from tests.ledger.test_proof import drop_guards
from tests.world import official

MARCH, APRIL, MAY = date(2026, 3, 31), date(2026, 4, 1), date(2026, 5, 1)


@pytest.fixture
def close(app: Flask) -> "Close":
    return Close(official("Stella Steward", Role.STEWARD)[1], official("Bola Board", Role.BOARD)[1])


class Close:
    """Two people who close days, or open them again."""

    def __init__(self, steward: Actor, board: Actor) -> None:
        self.steward, self.board = steward, board

    def __call__(self, open_from: date) -> None:
        with transaction():
            asked = service.prepare(open_from=open_from, reason="The accounts.", actor=self.steward, now=NOW).id
        with transaction():
            service.confirm(closing_id=asked, actor=self.board, now=NOW)


def give(pence: int, day: date) -> None:
    """A contribution of which line and match are of the same day."""
    with transaction():
        ledger.book_bank_line(pence=pence, **said(occurred_on=day))
        ledger.receive_contribution(contributor=ORG, pence=pence, **said(occurred_on=day))


def test_closed_days_hold_what_they_held(close: Close) -> None:
    give(500, MARCH)
    close(APRIL)
    give(300, date(2026, 4, 15))
    close(MAY)
    commit(200, occurred_on=date(2026, 5, 2))
    assert ledger.check() == []


def test_what_is_slipped_into_closed_days_is_found_in_every_period_that_holds_it(close: Close) -> None:
    give(500, MARCH)
    close(APRIL)
    close(MAY)
    drop_guards()
    commit(200, occurred_on=date(2026, 4, 15))
    assert [fault[:54] for fault in ledger.check()] == ["The days before 1 May 2026, closed on 1 June 2026, no "]
    commit(100, occurred_on=MARCH)
    first, second = ledger.check()
    assert first.startswith("The days before 1 April 2026")
    assert second.startswith("The days before 1 May 2026")


def test_what_was_opened_again_may_differ(close: Close) -> None:
    give(500, MARCH)
    close(MAY)
    close(APRIL)  # opens April again
    commit(200, occurred_on=date(2026, 4, 15))
    assert ledger.check() == []
    close(MAY)
    assert ledger.check() == []
