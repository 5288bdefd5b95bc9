"""The year's contributions by sector: equal to the books to the penny, with the warnings of the handbook."""

from datetime import date, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

import ledger.queries
from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import transaction
from fund.public.balance import balance
from fund.public.drawing import stacks
from ledger.rules import AccountKind
from members.contributions import service as contributions
from members.contributions.invoices import service as invoices
from members.contributions.schedules import queries as schedule
from members.contributions.schedules.rules import PledgeKind
from members.rules import Sector
from tests.visitor import Visitor
from tests.world import found_society, member, officer, official


@given(st.lists(st.lists(st.integers(0, 10**12), min_size=3, max_size=3), min_size=1, max_size=4))
def test_parts_lie_end_to_end_and_no_bar_is_too_long(rows: list[list[int]]) -> None:
    for row, bar in zip(rows, stacks(rows, 200), strict=True):
        assert bar[0][0] == 0
        assert [x + width for x, width in bar][:-1] == [x for x, _ in bar][1:]
        assert bar[-1][0] + bar[-1][1] <= 200
        assert all(width == 0 for (_, width), pence in zip(bar, row, strict=True) if pence == 0)


@pytest.fixture(autouse=True)
def _society(app: Flask) -> None:
    found_society()


def pay(name: str, sector: Sector, pence: int, clock: MovableClock, *, on: date = date(2026, 5, 1)) -> Actor:
    """A member pledges four times `pence` by quarters, has the second invoiced, and has paid the first."""
    own = member(name, sector)
    _, actor = officer(own, Role.FINANCE)
    own_id = own.id
    with transaction():
        made = contributions.pledge(
            organisation_id=own_id,
            pence=4 * pence,
            po_number=None,
            actor=actor,
            now=clock.now(),
            kind=PledgeKind.INSTALMENTS,
            first_on=date(2026, 7, 1),
            count=4,
            months=3,
        )
        second = schedule.of_pledge(made.id)[1]
        invoices.issue(instalment_id=second.id, actor=actor, now=clock.now())
        contributions.receive(
            pledge_reference=made.reference,
            pence=pence,
            received_on=on,
            source=f"stripe:{name}",
            held_in=AccountKind.STRIPE,
            actor=None,
            now=clock.now(),
        )
    return actor


def test_every_figure_equals_the_books(app: Flask, clock: MovableClock) -> None:
    paying = {"Alder": (Sector.PRIVATE, 1_234_01), "Birch": (Sector.VCSE, 99_99), "Cedar": (Sector.PUBLIC, 70_000)}
    for name, (sector, pence) in paying.items():
        pay(name, sector, pence, clock)
    pay("Last year", Sector.PUBLIC, 5_00, clock, on=date(2026, 3, 31))
    found = balance(clock.now())
    assert {row.sector: row.cleared_pence for row in found.rows} == dict(paying.values())
    assert found.total("cleared") == ledger.queries.pot().contributed_pence - 5_00
    assert found.total("invoiced") == sum(ledger.queries.balances_by_owner(AccountKind.RECEIVABLE).values())
    assert found.total("invoiced") == -sum(ledger.queries.balances_by_owner(AccountKind.PROMISED).values())
    assert found.total("pledged") == found.total("invoiced")  # the fourth quarter is due next year
    assert sum(row.percent for row in found.rows) == 100
    assert found.missing == ()


def test_one_sector_one_contributor_and_a_sector_without_money(app: Flask, clock: MovableClock) -> None:
    pay("Alder", Sector.PRIVATE, 60_00, clock)
    for number in range(4):
        pay(f"Birch {number}", Sector.VCSE, 10_00, clock)
    found = balance(clock.now())
    assert [finding.message.split(" gave ")[0] for finding in found.warnings] == ["Alder"]
    assert ["Public sector" in finding.message for finding in found.missing] == [True]
    pay("Alder Sister", Sector.PRIVATE, 1_00, clock)
    assert len(balance(clock.now()).warnings) == 2
    clock.move(timedelta(days=365))
    assert (balance(clock.now()).total("cleared"), len(balance(clock.now()).missing)) == (0, 3)


def test_stewards_see_all_and_the_public_what_has_cleared(app: Flask, visitor: Visitor, clock: MovableClock) -> None:
    steward = Visitor(app).sign_in(official("Stella", Role.STEWARD)[0])
    assert "Nothing is pledged or paid" in steward.get("/contributions").text
    pay("Alder", Sector.PRIVATE, 60_00, clock)
    page = steward.get("/contributions").text
    for words in ("No round can open yet", "Out of balance", "£180", "above 60%"):
        assert words in page
    public = visitor.get("/money").text
    assert "This fund year" in public
    assert "£180" not in public
    outsider = Visitor(app).sign_in(officer(member("Birch", Sector.VCSE))[0])
    assert outsider.get("/contributions", status=403).status == 403
