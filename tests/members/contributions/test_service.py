"""Pledging and matching: what the books, the pledge and the receipts say afterwards."""

import threading
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import DatabaseError

import ledger.queries
import ledger.service
from fund.kernel.access import Actor, Role
from fund.kernel.audit import AuditEntry
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from ledger.bank.models import StatementLine
from ledger.rules import AccountKind
from members.contributions import queries, service
from members.contributions.matching import queries as matching
from members.contributions.models import Pledge, Receipt
from members.contributions.rules import PledgeState, check_character, normal_reference
from members.contributions.schedules import queries as schedule
from members.contributions.schedules.rules import InstalmentState
from members.models import Organisation
from members.rules import MembershipStatus, Sector
from tests.members.paid import arrive
from tests.world import member, officer, official

DAY = date(2026, 5, 29)


@pytest.fixture
def steward(app: Flask) -> Actor:
    return official("Stella Steward", Role.STEWARD)[1]


def pledged(own: Organisation, actor: Actor, clock: MovableClock, pence: int = 50_000) -> Pledge:
    own_id = own.id
    with transaction():
        return service.pledge(organisation_id=own_id, pence=pence, po_number="PO 7", actor=actor, now=clock.now())


def matched(line_id: int, pledge_id: int, actor: Actor, clock: MovableClock) -> Receipt:
    with transaction():
        return service.match(line_id=line_id, pledge_id=pledge_id, actor=actor, now=clock.now())


def test_a_pledge_has_a_reference_with_a_check_character_and_is_no_money(app: Flask, clock: MovableClock) -> None:
    own = member("Alder Works", Sector.PRIVATE)
    somebody, finance = officer(own, Role.FINANCE)
    made = pledged(own, finance, clock)
    head, _, check = made.reference.rpartition("-")
    assert head == "PL-2026-0001"
    assert check == check_character(normal_reference(head))
    assert (made.state, made.paid_pence) == (PledgeState.PLEDGED, 0)
    assert ledger.queries.pot().contributed_pence == 0
    assert sum(queries.cleared_by_sector().values()) == 0
    mailed = db.session.scalars(select(OutboxMessage)).one()
    assert mailed.recipient == somebody.email
    assert made.reference in mailed.what


def test_who_may_pledge_and_how_much(app: Flask, clock: MovableClock, steward: Actor) -> None:
    own, other = member("Alder", Sector.PRIVATE), member("Birch", Sector.VCSE)
    _, certifier = officer(own)
    _, representative = officer(own, Role.REPRESENTATIVE)
    for intruder in (officer(other)[1], steward):
        with pytest.raises(NotFound):
            pledged(own, intruder, clock)
    with pytest.raises(NotAllowed):
        pledged(own, representative, clock)
    for pence in (0, 99, 10**13):
        with pytest.raises(RuleBroken) as broken:
            pledged(own, certifier, clock, pence)
        assert broken.value.findings[0].field == "amount"
    own_id = own.id
    with transaction() as session:
        session.get_one(Organisation, own_id).status = MembershipStatus.LEFT
    with pytest.raises(RuleBroken, match="not a member"):
        pledged(own, certifier, clock)
    assert db.session.scalar(select(func.count()).select_from(Pledge)) == 0


def test_a_payment_settles_the_line_books_it_and_writes_a_receipt(
    app: Flask, clock: MovableClock, steward: Actor
) -> None:
    own = member("Alder Works", Sector.PRIVATE)
    certifier, actor = officer(own)
    finance, _ = officer(own, Role.FINANCE)
    officer(own, Role.EDITOR)
    made = pledged(own, actor, clock)
    (line_id,) = arrive([(DAY, 50_000, f"ALDER {made.reference}")], steward, clock.now())
    receipt = matched(line_id, made.id, steward, clock)
    assert (receipt.reference, receipt.pence, receipt.received_on) == ("RC-2026-0001", 50_000, DAY)
    assert (made.state, made.paid_pence, made.due_pence) == (PledgeState.PAID, 50_000, 0)
    line = db.session.get_one(StatementLine, line_id)
    assert line.settled_as == "contribution:RC-2026-0001"
    pot = ledger.queries.pot()
    assert (pot.contributed_pence, pot.available_pence) == (50_000, 50_000)
    assert ledger.queries.balance(AccountKind.SUSPENSE) == 0
    assert ledger.service.check() == []
    receipts = db.session.scalars(select(OutboxMessage).where(OutboxMessage.document == "receipt:RC-2026-0001")).all()
    assert {mail.recipient for mail in receipts} == {certifier.email, finance.email}
    paid = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "pledge.paid")).one()
    assert (paid.subject, paid.after["paid_pence"]) == (made.reference, 50_000)


def test_parts_and_overpayment_are_taken_whole(app: Flask, clock: MovableClock, steward: Actor) -> None:
    own = member("Alder", Sector.PRIVATE)
    _, actor = officer(own)
    made = pledged(own, actor, clock, 50_000)
    lines = arrive([(DAY, 20_000, "one"), (DAY, 40_000, "two"), (DAY, 1, "three")], steward, clock.now())
    states = []
    for line_id in lines:
        matched(line_id, made.id, steward, clock)
        states.append((made.state, made.paid_pence))
    assert states == [(PledgeState.PART_PAID, 20_000), (PledgeState.PAID, 60_000), (PledgeState.PAID, 60_001)]
    assert queries.paid_in(own.id) == 60_001
    assert [r.pence for r in queries.receipts_for(made.id)] == [20_000, 40_000, 1]


def test_receipts_by_sector_equal_the_books_by_owner(app: Flask, clock: MovableClock, steward: Actor) -> None:
    paying = [
        ("Alder", Sector.PRIVATE, (1_234, 99)),
        ("Birch", Sector.PUBLIC, (777_700,)),
        ("Cedar", Sector.VCSE, (250_00, 1)),
        ("Dogwood", Sector.VCSE, (5,)),
        ("Elm", Sector.PRIVATE, ()),
    ]
    made = []
    for name, sector, amounts in paying:
        own = member(name, sector)
        _, actor = officer(own)
        made += [(pledged(own, actor, clock, 100_000).id, pence) for pence in amounts]
    lines = arrive([(DAY, pence, f"payment {i}") for i, (_, pence) in enumerate(made)], steward, clock.now())
    for line_id, (pledge_id, _) in zip(lines, made, strict=True):
        matched(line_id, pledge_id, steward, clock)
    books = ledger.queries.balances_by_owner(AccountKind.CONTRIBUTIONS)
    by_sector = dict.fromkeys(Sector, 0)
    for own in db.session.scalars(select(Organisation)):
        assert own.sector is not None
        by_sector[own.sector] -= books.get(own.owner, 0)
        assert queries.paid_in(own.id) == -books.get(own.owner, 0)
    assert queries.cleared_by_sector() == by_sector
    assert sum(by_sector.values()) == sum(pence for _, pence in made) == ledger.queries.pot().contributed_pence
    assert sum(queries.cleared_by_organisation().values()) == sum(by_sector.values())


def test_cleared_money_is_counted_by_the_day_the_bank_booked_it(
    app: Flask, clock: MovableClock, steward: Actor
) -> None:
    own = member("Alder", Sector.VCSE)
    _, actor = officer(own)
    made = pledged(own, actor, clock)
    days = [date(2026, 3, 31), date(2026, 4, 1), date(2026, 5, 1)]
    for line_id in arrive([(day, 100 * 10**i, f"on {day}") for i, day in enumerate(days)], steward, clock.now()):
        matched(line_id, made.id, steward, clock)
    assert queries.cleared_by_sector(date(2026, 4, 1), date(2026, 5, 1))[Sector.VCSE] == 11_000
    assert queries.cleared_by_sector(date(2026, 4, 1), date(2026, 4, 30))[Sector.VCSE] == 1_000
    assert queries.cleared_by_sector(until=date(2026, 3, 31)) == {Sector.PRIVATE: 0, Sector.PUBLIC: 0, Sector.VCSE: 100}


def test_a_line_is_matched_once(app: Flask, clock: MovableClock, steward: Actor) -> None:
    own = member("Alder", Sector.PRIVATE)
    _, actor = officer(own)
    first, second = pledged(own, actor, clock).id, pledged(own, actor, clock).id
    (line_id,) = arrive([(DAY, 50_000, "alder")], steward, clock.now())
    matched(line_id, first, steward, clock)
    with pytest.raises(Conflict):
        matched(line_id, second, steward, clock)
    assert ledger.queries.pot().contributed_pence == 50_000
    assert db.session.scalar(select(func.count()).select_from(Receipt)) == 1


def test_two_stewards_at_once_have_one_effect(app: Flask, clock: MovableClock, steward: Actor) -> None:
    own = member("Alder", Sector.PRIVATE)
    _, actor = officer(own)
    pledges = [pledged(own, actor, clock).id for _ in range(4)]
    (line_id,) = arrive([(DAY, 50_000, "alder")], steward, clock.now())
    start, outcomes = threading.Barrier(4), []
    now = clock.now()
    db.session.remove()

    def confirm(pledge_id: int) -> None:
        with app.app_context():
            start.wait()
            try:
                with transaction():
                    service.match(line_id=line_id, pledge_id=pledge_id, actor=steward, now=now)
                outcomes.append("matched")
            except Conflict:
                outcomes.append("conflict")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=confirm, args=(pledge_id,)) for pledge_id in pledges]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["conflict"] * 3 + ["matched"]
    assert ledger.queries.pot().contributed_pence == 50_000
    assert sum(p.paid_pence for p in db.session.scalars(select(Pledge))) == 50_000
    assert ledger.service.check() == []


def test_payments_of_one_pledge_at_once_all_count(app: Flask, clock: MovableClock, steward: Actor) -> None:
    own = member("Alder", Sector.PRIVATE)
    _, actor = officer(own)
    own_id, pledge_id = own.id, pledged(own, actor, clock).id
    lines = arrive([(DAY, 10_000 + i, f"part {i}") for i in range(4)], steward, clock.now())
    start, faults, now = threading.Barrier(4), [], clock.now()
    db.session.remove()

    def confirm(line_id: int) -> None:
        with app.app_context():
            start.wait()
            try:
                with transaction():
                    service.match(line_id=line_id, pledge_id=pledge_id, actor=steward, now=now)
            except Exception as fault:
                faults.append(fault)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=confirm, args=(line_id,)) for line_id in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert faults == []
    assert db.session.get_one(Pledge, pledge_id).paid_pence == 40_006
    assert queries.paid_in(own_id) == 40_006


def test_what_cannot_be_matched(app: Flask, clock: MovableClock, steward: Actor) -> None:
    own = member("Alder", Sector.PRIVATE)
    _, actor = officer(own)
    pledge_id, cancelled = pledged(own, actor, clock).id, pledged(own, actor, clock).id
    with transaction():
        service.cancel(pledge_id=cancelled, reason="Budget cut", actor=actor, now=clock.now())
    arrive([(DAY, 70_000, "in"), (DAY, -2_000, "out")], steward, clock.now())
    line_in, line_out = db.session.scalars(select(StatementLine.id).order_by(StatementLine.amount_pence.desc()))
    with pytest.raises(RuleBroken, match="left the bank"):
        matched(line_out, pledge_id, steward, clock)
    with pytest.raises(RuleBroken, match="cancelled"):
        matched(line_in, cancelled, steward, clock)
    for bad in (0, -1, 2**70, 999_999):
        with pytest.raises(NotFound):
            matched(bad, pledge_id, steward, clock)
        with pytest.raises(NotFound):
            matched(line_in, bad, steward, clock)
    with pytest.raises(NotAllowed):
        matched(line_in, pledge_id, actor, clock)
    assert db.session.get_one(StatementLine, line_in).settled_at is None
    assert ledger.queries.pot().contributed_pence == 0


def test_only_an_unpaid_pledge_of_ones_own_can_be_cancelled(app: Flask, clock: MovableClock, steward: Actor) -> None:
    own, other = member("Alder", Sector.PRIVATE), member("Birch", Sector.VCSE)
    _, actor = officer(own)
    _, stranger = officer(other)
    _, editor = officer(own, Role.EDITOR)
    made = pledged(own, actor, clock)
    made_id = made.id
    for who, error in ((stranger, NotFound), (steward, NotFound), (editor, NotAllowed)):
        with pytest.raises(error), transaction():
            service.cancel(pledge_id=made_id, reason="No", actor=who, now=clock.now())
    (line_id,) = arrive([(DAY, 1, "a penny")], steward, clock.now())
    matched(line_id, made_id, steward, clock)
    with pytest.raises(Conflict), transaction():
        service.cancel(pledge_id=made_id, reason="No", actor=actor, now=clock.now())
    assert made.state is PledgeState.PART_PAID


def test_a_receipt_is_never_rewritten(app: Flask, clock: MovableClock, steward: Actor) -> None:
    own = member("Alder", Sector.PRIVATE)
    _, actor = officer(own)
    made_id = pledged(own, actor, clock).id
    (line_id,) = arrive([(DAY, 100, "x")], steward, clock.now())
    matched(line_id, made_id, steward, clock)
    with pytest.raises(DatabaseError), transaction() as session:
        session.scalars(select(Receipt)).one().pence = 5


def test_suggestions_come_from_the_database_in_few_queries(app: Flask, clock: MovableClock, steward: Actor) -> None:
    alder, birch = member("Alder Works Ltd", Sector.PRIVATE), member("Birch House", Sector.VCSE)
    by_alder = pledged(alder, officer(alder)[1], clock, 30_000)
    by_birch = pledged(birch, officer(birch)[1], clock, 40_000)
    arrive(
        [
            (DAY, 12_345, f"FPI {normal_reference(by_birch.reference)}"),
            (DAY, 30_000, "ALDER WORKS LTD"),
            (DAY, 555, "BIRCH HOUSE gift"),
            (DAY, 5, "somebody"),
        ],
        steward,
        clock.now(),
    )
    lines = list(db.session.scalars(select(StatementLine).order_by(StatementLine.position)))
    found = {
        one.line.amount_pence: [(s.pledge.reference, s.certain) for s in one.suggestions]
        for one in matching.suggestions(lines)
    }
    assert found == {
        12_345: [(by_birch.reference, True)],
        30_000: [(by_alder.reference, False)],
        555: [(by_birch.reference, False)],
        5: [],
    }


def test_tasks_of_those_who_look_after_money(app: Flask, clock: MovableClock, steward: Actor) -> None:
    own = member("Alder", Sector.PRIVATE)
    _, actor = officer(own, Role.FINANCE)
    _, editor = officer(own, Role.EDITOR)
    made = pledged(own, actor, clock)
    assert [task.path for task in queries.tasks(actor, clock.now())] == [f"/pledges/{made.reference}"]
    assert queries.tasks(editor, clock.now()) == []
    (line_id,) = arrive([(DAY, 50_000, "x")], steward, clock.now())
    matched(line_id, made.id, steward, clock)
    assert queries.tasks(actor, clock.now()) == []


def received(made: Pledge, clock: MovableClock, *, pence: int = 50_000, source: str = "stripe:pi_1") -> Receipt:
    reference = made.reference
    with transaction():
        return service.receive(
            pledge_reference=reference.lower(),
            pence=pence,
            received_on=DAY,
            source=source,
            held_in=AccountKind.STRIPE,
            actor=None,
            now=clock.now(),
        )


def test_money_at_stripe_is_received_once_for_each_source(app: Flask, clock: MovableClock) -> None:
    own = member("Alder", Sector.PRIVATE)
    made = pledged(own, officer(own)[1], clock)
    assert received(made, clock).id == received(made, clock).id
    with pytest.raises(Conflict, match="RC-2026-0001"):
        received(made, clock, pence=1)
    assert (made.paid_pence, made.state) == (50_000, PledgeState.PAID)
    assert ledger.queries.balance(AccountKind.STRIPE) == 50_000
    assert ledger.queries.pot().available_pence == 50_000
    assert received(made, clock, pence=1, source="stripe:pi_2").statement_line_id is None
    assert ledger.service.check() == []


def test_nothing_is_received_for_an_unknown_pledge_or_of_nought(app: Flask, clock: MovableClock) -> None:
    own = member("Alder", Sector.PRIVATE)
    _, actor = officer(own)
    made = pledged(own, actor, clock)
    with pytest.raises(RuleBroken):
        received(made, clock, pence=0)
    with pytest.raises(NotFound), transaction():
        service.receive(
            pledge_reference="PL-2026-9999-X",
            pence=1,
            received_on=DAY,
            source="stripe:pi_9",
            held_in=AccountKind.STRIPE,
            actor=None,
            now=clock.now(),
        )
    assert ledger.queries.pot().contributed_pence == 0


def test_money_by_another_way_is_received_once_and_never_refused(app: Flask, clock: MovableClock) -> None:
    own = member("Alder", Sector.PRIVATE)
    _, actor = officer(own)
    made = pledged(own, actor, clock, 25_000)
    with transaction():
        service.cancel(pledge_id=made.id, reason="Changed our mind", actor=actor, now=clock.now())
    written = []
    for _ in range(2):
        with transaction():
            receipt = service.receive(
                pledge_reference=made.reference,
                pence=25_000,
                received_on=DAY,
                source="stripe:pi_test",
                held_in=AccountKind.STRIPE,
                actor=None,
                now=clock.now(),
            )
            written.append(receipt.reference)
    assert written == ["RC-2026-0001"] * 2
    assert db.session.scalar(select(func.count()).select_from(Receipt)) == 1
    assert (made.state, made.paid_pence, made.cancelled_at) == (PledgeState.PAID, 25_000, None)
    assert [part.state for part in schedule.of_pledge(made.id)] == [InstalmentState.PAID]
    assert ledger.queries.balance(AccountKind.STRIPE) == 25_000
    assert ledger.queries.pot().available_pence == 25_000
