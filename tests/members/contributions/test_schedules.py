"""Pledges in instalments: what is due when, what a payment pays, and what may still move."""

from datetime import date
from itertools import pairwise

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import DatabaseError

from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from ledger.bank import queries as bank
from ledger.rules import AccountKind
from members.contributions import service
from members.contributions.matching import queries as matching
from members.contributions.models import Pledge, PledgeInstalment, Receipt, ReceiptShare
from members.contributions.rules import PledgeState, references_in
from members.contributions.schedules import queries as schedule
from members.contributions.schedules.rules import (
    InstalmentState,
    Part,
    PledgeKind,
    allocate,
    change_faults,
    instalment_reference,
    instalment_standing,
    lay_out,
    schedule_faults,
    schedule_in_words,
)
from members.rules import Sector
from tests.members.paid import arrive
from tests.visitor import Visitor
from tests.world import found_society, member, officer, official

TODAY = date(2026, 6, 1)


@given(st.integers(100, 10**10), st.integers(1, 60), st.sampled_from([1, 3, 6, 12]))
def test_no_penny_is_lost_between_instalments(pence: int, count: int, months: int) -> None:
    parts = lay_out(PledgeKind.INSTALMENTS, pence, date(2026, 1, 31), count=count, months=months)
    assert (len(parts), sum(part.pence for part in parts)) == (count, pence)
    assert max(part.pence for part in parts) - min(part.pence for part in parts) <= 1
    assert [part.due_on for part in parts] == sorted({part.due_on for part in parts})


def test_a_yearly_pledge_is_the_same_every_year_and_the_29th_stays_in_february() -> None:
    parts = lay_out(PledgeKind.YEARLY, 100_00, date(2028, 2, 29), count=3)
    assert parts == [Part(date(2028, 2, 29), 10_000), Part(date(2029, 2, 28), 10_000), Part(date(2030, 2, 28), 10_000)]


@pytest.mark.parametrize(
    ("parts", "fields"),
    [
        ([], ["count"]),
        ([Part(TODAY, 100)] * 61, None),
        ([Part(date(2026, 5, 31), 100)], ["due_1"]),
        ([Part(date(2036, 6, 2), 100)], ["due_1"]),
        ([Part(TODAY, 99)], ["amount_1"]),
        ([Part(TODAY, 100), Part(TODAY, 100)], ["due_2"]),
        ([Part(TODAY, 100), Part(date(2036, 6, 1), 100)], []),
    ],
)
def test_schedules_that_nobody_could_pay_by(parts: list[Part], fields: list[str] | None) -> None:
    found = [fault.field for fault in schedule_faults(parts, TODAY)]
    assert found[0] == "count" if fields is None else found == fields


def test_a_changed_schedule_sums_to_what_was_pledged() -> None:
    assert list(change_faults([Part(TODAY, 500)], 500, TODAY)) == []
    assert [fault.field for fault in change_faults([Part(TODAY, 499)], 500, TODAY)] == ["amount_1"]


@given(st.data())
def test_a_payment_goes_to_the_quoted_instalment_then_to_the_oldest(data: st.DataObject) -> None:
    due = data.draw(st.lists(st.integers(0, 1000), min_size=1, max_size=8))
    pence = data.draw(st.integers(1, 10_000))
    quoted = data.draw(st.none() | st.integers(0, len(due) - 1))
    shares = allocate(pence, due, quoted)
    assert sum(shares) == pence
    assert min(shares) >= 0
    over = quoted if quoted is not None else len(due) - 1
    assert all(share <= need for place, (share, need) in enumerate(zip(shares, due, strict=True)) if place != over)
    if quoted is not None:
        assert shares[quoted] >= min(pence, due[quoted])
    order = [place for place in range(len(due)) if place != quoted]
    for earlier, later in pairwise(order):
        assert shares[earlier] == due[earlier] or shares[later] == 0


def test_references_of_instalments_are_found_in_what_payers_write() -> None:
    made = instalment_reference("PL-2026-0007-O", 2, 4)
    assert made.startswith("PI-2026-0007-02-")
    assert instalment_reference("PL-2026-0007-O", 1, 1) == "PL-2026-0007-O"
    assert references_in(f"FPI {made.lower().replace('-', ' ')} THANKS") == [made.replace("-", "")]


def test_words_of_a_schedule() -> None:
    assert schedule_in_words([TODAY]) == "All at once"
    assert schedule_in_words([TODAY, date(2027, 6, 1)]) == "Every year for 2 years"
    assert schedule_in_words([TODAY, date(2027, 6, 2)]) == "In 2 instalments"
    standing = [
        instalment_standing(InstalmentState.OPEN, 100, paid, due, TODAY, invoiced=invoiced)[0]
        for paid, due, invoiced in (
            (0, TODAY, False),
            (0, TODAY, True),
            (40, TODAY, True),
            (40, date(2026, 5, 1), True),
        )
    ]
    assert standing == ["Not due yet", "Invoiced", "£0.60 to come", "Overdue since 1 May 2026"]


# --- with the database


@pytest.fixture
def steward(app: Flask) -> Actor:
    return official("Stella Steward", Role.STEWARD)[1]


def quarterly(actor: Actor, clock: MovableClock, pence: int = 1_000_01) -> Pledge:
    assert actor.organisation_id is not None
    with transaction():
        return service.pledge(
            organisation_id=actor.organisation_id,
            pence=pence,
            po_number=None,
            actor=actor,
            now=clock.now(),
            kind=PledgeKind.INSTALMENTS,
            first_on=date(2026, 7, 1),
            count=4,
            months=3,
        )


def pay(reference: str, pence: int, clock: MovableClock, source: str) -> Receipt:
    with transaction():
        return service.receive(
            pledge_reference=reference,
            pence=pence,
            received_on=TODAY,
            source=source,
            held_in=AccountKind.STRIPE,
            actor=None,
            now=clock.now(),
        )


def standing(made: Pledge) -> list[tuple[int, InstalmentState]]:
    db.session.expire_all()
    return [(one.paid_pence, one.state) for one in schedule.of_pledge(made.id)]


OPEN, PAID = InstalmentState.OPEN, InstalmentState.PAID


def test_parts_overpayment_and_the_very_instalment(app: Flask, clock: MovableClock) -> None:
    _, actor = officer(member("Alder", Sector.PRIVATE))
    made = quarterly(actor, clock)
    third = schedule.of_pledge(made.id)[2].reference
    assert [one.pence for one in schedule.of_pledge(made.id)] == [250_01, 250_00, 250_00, 250_00]
    pay(made.reference, 100_00, clock, "stripe:1")
    assert standing(made) == [(100_00, OPEN), (0, OPEN), (0, OPEN), (0, OPEN)]
    pay(third, 250_00, clock, "stripe:2")
    assert standing(made) == [(100_00, OPEN), (0, OPEN), (250_00, PAID), (0, OPEN)]
    pay(made.reference, 200_00, clock, "stripe:3")
    assert standing(made) == [(250_01, PAID), (49_99, OPEN), (250_00, PAID), (0, OPEN)]
    assert made.state is PledgeState.PART_PAID
    pay(made.reference, 1_000_00, clock, "stripe:4")
    assert made.state is PledgeState.PAID
    assert [state for _, state in standing(made)] == [PAID] * 4
    assert sum(paid for paid, _ in standing(made)) == made.paid_pence == 1_550_00
    assert db.session.scalar(select(func.sum(ReceiptShare.pence))) == 1_550_00


def test_an_existing_way_to_pledge_makes_one_instalment(app: Flask, clock: MovableClock) -> None:
    own = member("Alder", Sector.PRIVATE)
    _, actor = officer(own)
    with transaction():
        made = service.pledge(organisation_id=own.id, pence=500, po_number=None, actor=actor, now=clock.now())
    (only,) = schedule.of_pledge(made.id)
    assert (only.reference, only.pence, only.number) == (made.reference, 500, 1)
    with transaction():
        service.cancel(pledge_id=made.id, reason="No", actor=actor, now=clock.now())
    assert [state for _, state in standing(made)] == [InstalmentState.CANCELLED]


def test_only_what_is_untouched_moves_and_only_by_its_own_people(app: Flask, clock: MovableClock) -> None:
    alder = member("Alder", Sector.PRIVATE)
    _, actor = officer(alder)
    made = quarterly(actor, clock)
    made_id, reference = made.id, made.reference

    def move(who: Actor, *parts: Part) -> None:
        with transaction():
            service.reschedule(pledge_id=made_id, parts=parts, actor=who, now=clock.now())

    days = [date(2026, 8, 1), date(2026, 9, 1), date(2026, 10, 1)]
    wanted = [Part(days[0], 100_00), Part(days[1], 600_00), Part(days[2], 50_00)]
    with pytest.raises(NotFound):
        move(officer(member("Birch", Sector.VCSE))[1], *wanted)
    with pytest.raises(NotAllowed):
        move(officer(alder, Role.EDITOR)[1], *wanted)
    with pytest.raises(Conflict):
        move(actor, *wanted)
    pay(reference, 1, clock, "stripe:1")
    with pytest.raises(RuleBroken, match="agree"):
        move(actor, *wanted[:2], Part(days[2], 50_01))
    move(actor, *wanted)
    db.session.expire_all()
    moved = [(one.due_on, one.pence) for one in schedule.of_pledge(made_id)]
    assert moved == [(date(2026, 7, 1), 250_01), *((part.due_on, part.pence) for part in wanted)]


def test_shares_of_a_receipt_are_never_rewritten(app: Flask, clock: MovableClock) -> None:
    _, actor = officer(member("Alder", Sector.PRIVATE))
    pay(quarterly(actor, clock).reference, 5, clock, "stripe:1")
    with pytest.raises(DatabaseError), transaction() as session:
        session.scalars(select(ReceiptShare)).one().pence = 6


def test_a_bank_line_is_suggested_for_the_instalment_it_quotes_or_equals(
    app: Flask, clock: MovableClock, steward: Actor
) -> None:
    _, actor = officer(member("Alder Works", Sector.PRIVATE))
    second = schedule.of_pledge(quarterly(actor, clock).id)[1].reference
    (line_id,) = arrive([(TODAY, 7_00, f"FPI {second}")], steward, clock.now())
    (waiting,) = matching.suggestions([bank.line(line_id)])
    assert [(one.pledge.reference, one.certain) for one in waiting.suggestions] == [(second, True)]
    pledge_id = db.session.scalars(select(Pledge.id)).one()
    with transaction():
        service.match(line_id=line_id, pledge_id=pledge_id, actor=steward, now=clock.now(), quoted=second)
    assert (
        db.session.scalars(select(PledgeInstalment.paid_pence).where(PledgeInstalment.reference == second)).one() == 700
    )


# --- pages


def test_pledging_by_instalments_and_moving_them(app: Flask, clock: MovableClock) -> None:
    found_society()
    alder = member("Alder Works", Sector.PRIVATE)
    finance = Visitor(app).sign_in(officer(alder, Role.FINANCE)[0])
    form = finance.get("/pledges/new")
    for bad in ({"count": ""}, {"count": "1"}, {"count": "x"}, {"count": "99"}, {"first_on": "soon", "count": "4"}):
        refused = form.send("Pledge", amount="1000", kind="instalments", **bad)
        assert refused.status == 422, bad
        assert len(refused.errors()) == 1
    past = form.send("Pledge", amount="1000", kind="yearly", count="3", first_on="2020-01-01")
    assert past.status == 422
    page = form.send("Pledge", amount="1000", kind="instalments", count="4", first_on="2026-09-01")
    assert "In 4 instalments" in page.text
    change = page.follow("Change days or amounts")
    refused = change.send("Change the schedule", amount_1="1", due_2="2026-09-01")
    assert refused.status == 422
    assert len(refused.errors()) == 2
    done = change.send("Change the schedule", amount_1="200", amount_2="300", due_1="2026-08-15")
    assert "The schedule is changed" in done.text
    assert "15 August 2026" in done.text
    reference = db.session.scalars(select(Pledge.reference)).one()
    birch = Visitor(app).sign_in(officer(member("Birch", Sector.VCSE), Role.FINANCE)[0])
    assert birch.get(f"/pledges/{reference}/schedule", status=404).status == 404
    editor = Visitor(app).sign_in(officer(alder, Role.EDITOR)[0])
    assert editor.get(f"/pledges/{reference}/schedule", status=403).status == 403
