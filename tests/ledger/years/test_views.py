"""The pages of closing and of the trial balance."""

from datetime import timedelta

import pytest
from flask import Flask

from fund.kernel.access import Role
from fund.kernel.calendar import in_words, london_day
from fund.kernel.clock import MovableClock
from fund.kernel.db import transaction
from ledger import service as ledger
from ledger.years import queries
from tests.ledger.books import put_in, said
from tests.visitor import Visitor
from tests.world import found_society, official


@pytest.fixture
def steward(app: Flask, visitor: Visitor) -> Visitor:
    found_society()
    somebody, _ = official("Stella Steward", Role.STEWARD)
    return visitor.sign_in(somebody)


def test_one_prepares_and_another_confirms(app: Flask, clock: MovableClock, steward: Visitor) -> None:
    today = london_day(clock.now())
    form = steward.get("/books").follow("Closed periods").follow("Prepare a closing")
    wrong = form.send("Prepare this", open_from="soon")
    assert wrong.errors() == [
        "Write the day as year-month-day, such as 2027-03-31.",
        "Say why, for whoever confirms it.",
    ]
    later = form.send("Prepare this", open_from=str(today + timedelta(days=1)), reason="Signed.")
    assert "Today must stay open" in " ".join(later.errors())
    done = form.send("Prepare this", open_from=str(today), reason="Signed.")
    assert "Another person confirms it" in done.text
    member, _ = official("Bola Board", Role.BOARD)
    board = Visitor(app).sign_in(member)
    assert "Decide whether the books open" in board.get("/tasks").text
    shown = board.get("/books/closing")
    button = f"Open the books from {in_words(today)}"
    after = shown.send(button)
    assert "Confirmed. The books are open from" in after.text
    assert queries.first_open_day() == today


def test_money_that_waits_stops_the_closing_with_a_sentence(app: Flask, clock: MovableClock, steward: Visitor) -> None:
    today = london_day(clock.now())
    with transaction():
        ledger.book_bank_line(pence=70_00, **said(occurred_on=today - timedelta(days=3)))
    steward.get("/books/closing/prepare").send("Prepare this", open_from=str(today), reason="Signed.")
    member, _ = official("Bola Board", Role.BOARD)
    board = Visitor(app).sign_in(member)
    waiting = queries.waiting()
    assert waiting is not None
    shown = board.get("/books/closing")
    button = f"Open the books from {in_words(today)}"
    assert "still waits to be matched" in shown.send(button).text
    assert queries.first_open_day() is None


def test_only_the_right_roles_change_anything(app: Flask, steward: Visitor) -> None:
    auditor, _ = official("Audrey Auditor", Role.AUDITOR)
    reader = Visitor(app).sign_in(auditor)
    assert "Prepare a closing" not in reader.get("/books/closing").links()
    reader.get("/books/closing/prepare", status=403)
    steward.get("/books/closing/prepare")


def test_the_trial_balance_of_any_day_sums_to_nought(steward: Visitor) -> None:
    put_in(70_00)
    said_then = steward.get("/books/trial-balance?on=2026-06-01").text
    assert "All accounts together£140£140" in said_then
    assert "Nothing was booked" in steward.get("/books/trial-balance?on=2026-05-31").text
    assert "Trial balance on" in steward.get("/books/trial-balance").heading
    for wrong in ("soon", "2026-13-01", "", "9" * 400):
        steward.get("/books/trial-balance", query_string={"on": wrong}, status=404)
