"""Writing off: two people, the books put back, and money that comes after all."""

from datetime import timedelta

import pytest
from flask import Flask

import ledger.queries
import ledger.service
from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound
from ledger.rules import AccountKind
from members.accounts.models import Person
from members.contributions.invoices import service as invoices
from members.contributions.models import PledgeInstalment
from members.contributions.rules import PledgeState
from members.contributions.schedules import queries as schedule
from members.contributions.schedules.rules import InstalmentState
from members.contributions.writeoffs import service
from members.contributions.writeoffs.models import WriteOff
from members.rules import Sector
from tests.members.contributions.test_invoices import owed, paid, pledged
from tests.visitor import Visitor
from tests.world import acting, appoint, found_society, member, officer, official


@pytest.fixture(autouse=True)
def _society(app: Flask) -> None:
    found_society()


@pytest.fixture
def finance(app: Flask) -> Actor:
    return officer(member("Alder Works", Sector.PRIVATE), Role.FINANCE)[1]


@pytest.fixture
def stella(app: Flask) -> Actor:
    return official("Stella Steward", Role.STEWARD)[1]


@pytest.fixture
def bola(app: Flask) -> Actor:
    return official("Bola Board", Role.BOARD)[1]


def proposed(one: PledgeInstalment, actor: Actor, clock: MovableClock) -> WriteOff:
    instalment_id = one.id
    with transaction():
        return service.propose(instalment_id=instalment_id, reason="It has closed.", actor=actor, now=clock.now())


def decided(found: WriteOff, actor: Actor, clock: MovableClock, *, confirmed: bool = True) -> None:
    write_off_id = found.id
    with transaction():
        service.decide(write_off_id=write_off_id, confirmed=confirmed, actor=actor, now=clock.now())


def test_two_people_write_off_and_the_books_follow(
    app: Flask, clock: MovableClock, finance: Actor, stella: Actor, bola: Actor
) -> None:
    (one,) = pledged(finance, clock)
    instalment_id = one.id
    with transaction():
        invoices.issue(instalment_id=instalment_id, actor=finance, now=clock.now())
    paid(one.reference, 400_00, clock, "stripe:1")
    found = proposed(one, stella, clock)
    assert (found.pence, owed()) == (600_00, 600_00)
    with pytest.raises(NotAllowed, match="somebody else"):
        decided(found, stella, clock)
    decided(found, bola, clock)
    assert owed() == 0
    assert (one.state, one.pledge.state, one.pledge.due_pence) == (
        InstalmentState.WRITTEN_OFF,
        PledgeState.WRITTEN_OFF,
        0,
    )
    with pytest.raises(Conflict, match="decided this first"):
        decided(found, bola, clock)
    with pytest.raises(Conflict, match="nothing to write off"):
        proposed(one, stella, clock)
    paid(one.reference, 100_00, clock, "stripe:2")
    assert (one.state, one.written_off_pence, one.pledge.due_pence) == (InstalmentState.WRITTEN_OFF, 500_00, 0)
    paid(one.reference, 500_00, clock, "stripe:3")
    assert (one.state, one.pledge.state) == (InstalmentState.PAID, PledgeState.PAID)
    assert ledger.queries.pot().contributed_pence == 1_000_00
    assert ledger.queries.balance(AccountKind.PROMISED, one.pledge.organisation.owner) == 0
    assert ledger.service.check() == []


def test_money_goes_to_what_is_open_before_what_was_written_off(
    app: Flask, clock: MovableClock, finance: Actor, stella: Actor, bola: Actor
) -> None:
    instalments = pledged(finance, clock, count=4)
    decided(proposed(instalments[0], stella, clock), bola, clock)
    paid(instalments[0].pledge.reference, 250_00, clock, "stripe:1")
    db.session.expire_all()
    assert [one.paid_pence for one in schedule.of_pledge(instalments[0].pledge_id)] == [0, 250_00, 0, 0]


def test_who_may_not_write_off(app: Flask, clock: MovableClock, finance: Actor, stella: Actor) -> None:
    (one,) = pledged(finance, clock)
    somebody, _ = official("Tess Two Hats", Role.STEWARD)
    appoint(somebody, one.pledge.organisation, Role.EDITOR)
    two_hats = acting(somebody)
    for actor in (finance, official("Ada Auditor", Role.AUDITOR)[1], two_hats):
        with pytest.raises(NotAllowed):
            proposed(one, actor, clock)
    found = proposed(one, stella, clock)
    with pytest.raises(NotAllowed, match="role in"):
        decided(found, two_hats, clock)
    with pytest.raises(Conflict, match="already"):
        proposed(one, stella, clock)
    for bad in (0, 2**70, 999):
        with pytest.raises(NotFound), transaction():
            service.decide(write_off_id=bad, confirmed=True, actor=stella, now=clock.now())


def test_a_sum_that_changed_since_is_not_written_off(
    app: Flask, clock: MovableClock, finance: Actor, stella: Actor, bola: Actor
) -> None:
    (one,) = pledged(finance, clock)
    found = proposed(one, stella, clock)
    paid(one.reference, 1, clock, "stripe:1")
    with pytest.raises(Conflict, match="now, not"):
        decided(found, bola, clock)
    decided(found, bola, clock, confirmed=False)
    assert one.state is InstalmentState.OPEN
    assert proposed(one, stella, clock).pence == 999_99


def test_proposing_and_deciding_on_the_pages(
    app: Flask, clock: MovableClock, finance: Actor, stella: Actor, bola: Actor
) -> None:
    (one,) = pledged(finance, clock)
    reference, stella_id, bola_id = one.reference, stella.person_id, bola.person_id
    clock.move(timedelta(days=20))
    steward = Visitor(app).sign_in(db.session.get_one(Person, stella_id))
    board = Visitor(app).sign_in(db.session.get_one(Person, bola_id))
    form = steward.get(f"/pledges/{reference}").follow(f"Propose to write off {reference}")
    assert form.send("Propose to write it off").errors() == ["Say why the money will not come."]
    done = form.send("Propose to write it off", reason="It has closed.")
    assert "Somebody else decides" in done.text
    assert f"Decide whether to write off {reference}" in board.get("/tasks").text
    page = board.get("/write-offs")
    assert "is written off" in page.send(f"Write off {reference}").text
    assert page.send(f"Keep {reference} due").status == 409
    assert "Stella Steward" in board.get("/write-offs").text
    assert "Written off" in steward.get(f"/pledges/{reference}").text
    assert steward.get(f"/pledges/{reference}/write-off/PL-2026-9999-X", status=404).status == 404
    outsider = Visitor(app).sign_in(db.session.get_one(Person, finance.person_id))
    assert outsider.get("/write-offs", status=403).status == 403
