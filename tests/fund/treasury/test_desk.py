"""The treasurer's desk over a fund that pledges, pays and is short of money."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

import ledger.bank.service
import ledger.service
from fund.grants import service as grants
from fund.grants.agreements.rules import AgreementState
from fund.grants.awards.rules import AwardState
from fund.grants.models import Agreement, Award
from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.treasury import queries
from fund.treasury.rules import Held
from ledger.bank import queries as bank
from ledger.rules import AccountKind, Leg
from members.contributions import queries as pledges
from members.contributions import service as contributions
from members.contributions.schedules.rules import PledgeKind
from members.rules import Sector
from tests.fund.grants import awarding
from tests.fund.grants.awarding import Grant
from tests.ledger.books import put_in, said
from tests.members.paid import arrive
from tests.visitor import Visitor
from tests.world import found_society, member, officer, official

K = AccountKind


def _auditor(visitor: Visitor) -> Visitor:
    return visitor.sign_in(official("Audrey Auditor", Role.AUDITOR)[0])


def _pledge(name: str, pence: int, now: datetime, **parts: Any) -> str:
    own = member(name, Sector.PRIVATE)
    _, finance = officer(own, Role.FINANCE)
    own_id = own.id
    with transaction():
        return contributions.pledge(
            organisation_id=own_id, pence=pence, po_number=None, actor=finance, now=now, **parts
        ).reference


@pytest.fixture
def grant(clock: MovableClock) -> Grant:
    """£10,000 to pay: £6,000 to the lead and £4,000 to the firm on 1 July 2026; £12,000 in the pot."""
    found = awarding.lay(clock, pence=10_000_00, pot_pence=12_000_00)
    found.ready_to_live()
    return found


def _months(now: datetime) -> list[tuple[int, int, int]]:
    held = queries.balances()
    found = queries.forecast_at(now, queries.cash(held).spendable_pence)
    return [(month.in_pence, month.out_pence, month.closing_pence) for month in found.months]


def test_instalments_go_out_on_their_days_whether_live_or_only_accepted(grant: Grant, clock: MovableClock) -> None:
    planned = [(0, 0, 12_000_00), (0, 10_000_00, 2_000_00), *[(0, 0, 2_000_00)] * 10]
    assert _months(clock.now()) == planned
    grant.go_live()
    assert _months(clock.now()) == planned


def test_what_is_only_offered_or_ended_is_not_planned(grant: Grant, clock: MovableClock) -> None:
    with transaction() as session:
        session.query(Award).one().state = AwardState.OFFERED
    assert _months(clock.now())[-1] == (0, 0, 12_000_00)
    with transaction() as session:
        session.query(Award).one().state = AwardState.ACCEPTED
    assert _months(clock.now())[-1] == (0, 0, 2_000_00)
    with transaction() as session:
        session.query(Agreement).one().state = AgreementState.ENDED
    assert _months(clock.now())[-1] == (0, 0, 12_000_00)


def test_a_pledge_that_was_taken_back_is_not_expected(app: Flask, clock: MovableClock) -> None:
    found_society()
    own = member("Alder Works", Sector.PRIVATE)
    _, finance = officer(own, Role.FINANCE)
    own_id = own.id
    with transaction():
        pledge_id = contributions.pledge(
            organisation_id=own_id, pence=500_00, po_number=None, actor=finance, now=clock.now()
        ).id
    assert _months(clock.now())[-1] == (0, 0, 500_00)
    with transaction():
        contributions.cancel(pledge_id=pledge_id, reason="Changed our mind", actor=finance, now=clock.now())
    assert _months(clock.now())[-1] == (0, 0, 0)


def test_a_payment_counts_until_it_has_left_and_only_once(grant: Grant, clock: MovableClock) -> None:
    grant.go_live()
    grant.bank_details(grant.lead, "lead")
    grant.bank_details(grant.firm, "firm", "87654321")
    clock.move_to(datetime(2026, 8, 5, 9, tzinfo=UTC))
    late = [(0, 10_000_00, 2_000_00), *[(0, 0, 2_000_00)] * 11]
    assert _months(clock.now()) == late
    with transaction():
        grants.sweep(clock.now())
    grant.ordered()
    assert _months(clock.now()) == late
    order = bank.order_by_key(f"grant:{grant.reference}:instalment:1")
    assert order is not None
    order_id = order.id
    with transaction():
        ledger.bank.service.make_payment_file(order_ids=[order_id], actor=grant.actors["steward"], now=clock.now())
    assert _months(clock.now()) == [(0, 4_000_00, 2_000_00), *[(0, 0, 2_000_00)] * 11]


def test_a_pledge_in_instalments_is_expected_on_their_days(app: Flask, clock: MovableClock) -> None:
    found_society()
    _pledge(
        "Alder Works",
        400_00,
        clock.now(),
        kind=PledgeKind.INSTALMENTS,
        first_on=date(2026, 8, 1),
        count=4,
        months=3,
    )
    assert [month[0] for month in _months(clock.now())] == [0, 0, *[100_00, 0, 0] * 3, 100_00]


def test_a_pledge_without_days_is_expected_by_the_terms_of_payment(app: Flask, clock: MovableClock) -> None:
    found_society()
    _pledge("Alder Works", 500_00, clock.now())  # 1 June, so 1 July
    _pledge("Beech Foods", 70_00, clock.now() - timedelta(days=1))  # 31 May, so 30 June
    assert [month[0] for month in _months(clock.now())] == [70_00, 500_00, *[0] * 10]
    clock.move_to(datetime(2026, 9, 15, 9, tzinfo=UTC))
    assert [month[0] for month in _months(clock.now())] == [570_00, *[0] * 11]


def test_only_what_is_still_due_of_a_pledge_is_expected(app: Flask, clock: MovableClock) -> None:
    found_society()
    _, steward = official("Stella Steward", Role.STEWARD)
    reference = _pledge("Alder Works", 500_00, clock.now())
    pledge = pledges.pledge_by_reference(reference)
    assert pledge is not None
    pledge_id = pledge.id
    (line_id,) = arrive([(date(2026, 6, 1), 200_00, reference)], steward, clock.now())
    with transaction():
        contributions.match(line_id=line_id, pledge_id=pledge_id, actor=steward, now=clock.now())
    assert _months(clock.now())[:2] == [(0, 0, 200_00), (300_00, 0, 500_00)]


def test_shares_and_payments_on_their_way_are_no_cash_to_pay_with(app: Flask) -> None:
    put_in(100_00)
    with transaction():
        ledger.service.post(kind="share", legs=[Leg(K.BANK, 5_00), Leg(K.SHARES, -5_00, "org:GM-0012")], **said())
        ledger.service.post(
            kind="card", legs=[Leg(K.STRIPE, 9_00), Leg(K.CONTRIBUTIONS, -9_00, "org:GM-0012")], **said()
        )
        ledger.service.commit(grant="grant:G-1", pence=30_00, **said())
        ledger.service.pay_grant(grant="grant:G-1", pence=20_00, **said())
    cash = queries.cash(queries.balances())
    assert (cash.bank_pence, cash.stripe_pence, cash.in_transit_pence, cash.shares_pence) == (105_00, 9_00, 20_00, 5_00)
    assert cash.spendable_pence == 89_00


def test_restricted_money_stands_apart(app: Flask, visitor: Visitor) -> None:
    found_society()
    put_in(100_00)
    with transaction():
        ledger.service.post(
            kind="contribution",
            legs=[
                Leg(K.BANK, 40_00),
                Leg(K.CONTRIBUTIONS, -40_00, "org:GM-0012", "RF-001"),
                Leg(K.AVAILABLE, 40_00, None, "RF-001"),
                Leg(K.AUTHORITY, -40_00, None, "RF-001"),
            ],
            **said(),
        )
    assert queries.by_restriction(queries.balances()) == [
        Held(None, 100_00, 100_00, 0, 0, 0),
        Held("RF-001", 40_00, 40_00, 0, 0, 0),
    ]
    page = _auditor(visitor).get("/treasury")
    assert "Restricted: RF-001£40£40£0£0" in page.text
    assert "All£140£140£0£0" in page.text


def test_money_taken_back_is_said_first(app: Flask, visitor: Visitor) -> None:
    found_society()
    put_in(100_00)
    with transaction():
        ledger.service.post(kind="taken_back", legs=[Leg(K.SHORTFALL, -7_00), Leg(K.AVAILABLE, 7_00)], **said())
    page = _auditor(visitor).get("/treasury")
    assert "Now £7 short" in page.text
    assert "short by £7" in page.text


def test_the_desk_of_an_empty_fund(app: Flask, visitor: Visitor) -> None:
    found_society()
    page = _auditor(visitor).get("/treasury")
    assert "Bring in the bank's statement for May 2026" in page.text
    assert "Cash lasts for twelve months" in page.text
    assert "Left to pay with£0" in page.text


def test_what_waits_is_said_with_its_age_and_leads_on(app: Flask, clock: MovableClock, visitor: Visitor) -> None:
    found_society()
    somebody, steward = official("Stella Steward", Role.STEWARD)
    arrive([(date(2026, 5, 29), 500_00, "Who is this"), (date(2026, 5, 31), -1_00, "Charge")], steward, clock.now())
    desk = visitor.sign_in(somebody).get("/tasks").follow("Treasurer’s desk")
    assert "£500, the oldest for 3 days." in desk.text
    assert desk.follow("1 payment in to match").path == "/money-in"
    assert desk.follow("1 payment out to match").path == "/bank/payments"
    assert "is waiting to be matched" in desk.text
    auditor = _auditor(Visitor(app)).get("/treasury")
    assert "1 payment in to match" in auditor.text
    assert "1 payment in to match" not in auditor.links()


def test_cash_that_runs_out_is_said_with_its_month(grant: Grant, clock: MovableClock, app: Flask) -> None:
    with transaction():
        ledger.service.post(
            kind="charge", legs=[Leg(K.BANK, -3_000_00), Leg(K.FEES, 3_000_00)], **said(occurred_on=date(2026, 6, 1))
        )
    page = Visitor(app).sign_in(grant.people["steward"]).get("/treasury")
    assert "Cash runs out in July 2026" in page.text
    assert "July 2026£0£10,000−£1,000 below nought" in page.text


def test_a_larger_fund_costs_no_more_queries(app: Flask, clock: MovableClock, visitor: Visitor) -> None:
    found_society()
    _auditor(visitor)

    def cost() -> int:
        seen: list[object] = []

        def note(*args: object) -> None:
            seen.append(args)

        event.listen(db.engine, "before_cursor_execute", note)
        visitor.get("/treasury")
        event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    before = cost()
    for number in range(5):
        _pledge(f"Member {number}", 5_00, clock.now())
        put_in(1_00, f"org:GM-{number}")
    assert cost() == before


def test_the_desk_is_for_the_office(app: Flask, visitor: Visitor) -> None:
    found_society()
    visitor.sign_in(official("Alex Assessor", Role.ASSESSOR)[0])
    visitor.get("/treasury", status=403)
