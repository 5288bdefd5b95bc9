"""The pages of payment runs, walked as people walk them."""

from datetime import UTC, datetime

import pytest
from flask import Flask

from fund.grants.payments.queries import late_without_order
from fund.grants.runs import queries
from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from ledger.bank.rules import begin_of
from tests import world
from tests.fund.grants import awarding
from tests.fund.grants.awarding import Grant
from tests.visitor import Page, Visitor

RUN = "/payment-runs/PR-2026-001"


def _as(app: Flask, grant: Grant, name: str) -> Visitor:
    return Visitor(app).sign_in(grant.people[name])


def _lay(clock: MovableClock) -> Grant:
    grant = awarding.lay(clock)
    grant.payable()
    return grant


def _prepared(app: Flask, grant: Grant) -> Page:
    return _as(app, grant, "steward").get("/payment-runs/new").send("Prepare this run")


def test_a_run_through_every_hand(app: Flask, clock: MovableClock) -> None:
    grant = _lay(clock)
    assert "No payment run has been prepared" in _as(app, grant, "auditor").get("/payment-runs").text
    page = _prepared(app, grant)
    assert "£10,000 in 2 payments, to be paid on 1 July 2026." in page.text
    shown = begin_of(queries.run_row("PR-2026-001").sha256)
    assert f"with fingerprint {shown}" in page.text
    assert "You prepared this payment, so two other people" in page.text
    for name, told in (("board", "1 of 2"), ("second board", "A steward makes its file")):
        theirs = _as(app, grant, name).get(RUN)
        assert shown in theirs.text
        assert "87654321" in theirs.text
        assert told in theirs.send("Approve exactly this run").text
    steward = _as(app, grant, "steward")
    bank = steward.get(RUN).follow("Make its payment file")
    assert f"PR-2026-001: 2 payments, £10,000, fingerprint {shown}" in bank.text
    made = bank.send("Make the payment file")
    assert "File PF-2026-001 is made: £10,000 in 2 payments." in made.text
    assert shown in made.text
    assert f"File PF-2026-001 asks for exactly this: 2 payments, £10,000, fingerprint {shown}." in steward.get(RUN).text
    assert "PR-2026-001" in steward.get("/payment-runs").text


def test_a_run_is_sent_back_and_prepared_again(app: Flask, clock: MovableClock) -> None:
    grant = _lay(clock)
    _prepared(app, grant)
    board = _as(app, grant, "board")
    faulty = board.get(RUN).send("Send it back")
    assert (faulty.status, faulty.errors()) == (422, ["Write why, so that the others know what to do."])
    assert "The steward is told why" in board.get(RUN).send("Send it back", **{"back-reason": "Wrong day."}).text
    steward = _as(app, grant, "steward")
    assert "Wrong day." in steward.get(RUN).text
    again = steward.get(RUN).follow("Prepare a payment run").send("Prepare this run")
    assert again.heading == "Payment run PR-2026-002"


def test_the_preparer_takes_a_payment_out_and_another_steward_cancels(app: Flask, clock: MovableClock) -> None:
    grant = _lay(clock)
    page = _prepared(app, grant)
    out = page.send(f"Take out {grant.reference}-2")
    assert "Taken out. The run's fingerprint is" in out.text
    assert f"Taken out: {grant.reference}-2 (£4,000)." in out.text
    second = _as(app, grant, "second steward").get(RUN)
    assert second.send("Cancel this run").errors() == ["Write why, so that the others know what to do."]
    assert "Cancelled. Its payments can be put" in second.send("Cancel this run", **{"cancel-reason": "Late."}).text
    assert second.send("Cancel this run", **{"cancel-reason": "Again."}).status in (200, 409)
    late = _as(app, grant, "board").post(f"{RUN}/approve", {})
    assert late.status in (400, 409, 422)


def test_every_fault_of_a_new_run_is_named_at_once(app: Flask, clock: MovableClock) -> None:
    grant = _lay(clock)
    new = _as(app, grant, "steward").get("/payment-runs/new")
    bad = new.send("Prepare this run", day="soon")
    assert bad.errors() == ["Write the day as year-month-day, such as 2027-03-31."]
    assert new.send("Prepare this run", payments=[]).errors() == ["Choose at least one payment for the run."]
    assert "Banks don't work on 4 July 2026" in new.send("Prepare this run", day="2026-07-04").errors()[0]
    assert new.send("Prepare this run", payments=[str(10**30)]).status == 422


def test_what_is_held_and_what_is_for_others_is_shown_with_the_reason(app: Flask, clock: MovableClock) -> None:
    grant = _lay(clock)
    world.appoint(grant.people["steward"], grant.lead, Role.EDITOR)
    grant.bank_details(grant.firm, "firm", "11112222")
    page = _as(app, grant, "steward").get("/payment-runs/new")
    assert "You act for the payee of these" in page.text
    assert "were checked only now" in page.text
    assert "No payment is ready for you" in page.text


@pytest.mark.parametrize("reference", ["PR-2026-999", "x", "PR-2026-001%00"])
def test_a_run_that_is_not_there(app: Flask, clock: MovableClock, reference: str) -> None:
    grant = _lay(clock)
    _as(app, grant, "steward").get(f"/payment-runs/{reference}", status=404)


def test_runs_are_for_the_office(app: Flask, clock: MovableClock) -> None:
    grant = _lay(clock)
    _prepared(app, grant)
    for path in ("/payment-runs", "/payment-runs/new", RUN):
        _as(app, grant, "lead").get(path, status=403)
    _as(app, grant, "board").get("/payment-runs/new", status=403)


def test_a_run_of_one_from_the_payments_own_page(app: Flask, clock: MovableClock) -> None:
    grant = _lay(clock)
    path = f"/grants/{grant.reference}/payments/1"
    steward = _as(app, grant, "steward")
    made = steward.get(path).send("Prepare a run of this payment")
    assert made.heading == "Payment run PR-2026-001"
    assert "0 of 2 approvals are there." in steward.get(path).text
    assert "It is in payment run PR-2026-001" in " ".join(steward.get(path).text.split())


def test_how_long_payments_wait(app: Flask, clock: MovableClock) -> None:
    grant = _lay(clock)
    steward = _as(app, grant, "steward")
    page = steward.get("/payment-runs").follow("How long payments wait")
    assert page.heading == "How long payments wait"
    assert "Late" not in page.text
    assert late_without_order(grant.now, 30) == 0
    clock.move_to(datetime(2026, 8, 1, 9, tzinfo=UTC))
    late = steward.get("/payment-runs/ageing")
    assert late.text.count("Late") == 2
    assert "31" in late.text
    assert late_without_order(grant.now, 30) == 2
    assert "2 more are late and not paid yet, and are counted." in Visitor(app).get("/money").text
    grant.ordered(1)
    assert late_without_order(grant.now, 30) == 1
    assert "2 more are late" in Visitor(app).get("/money").text, "an order is not a payment"
    _as(app, grant, "lead").get("/payment-runs/ageing", status=403)
