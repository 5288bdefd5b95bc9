"""Matching: what is sure by itself, what a person confirms, what is remembered, and what was wrong."""

import pytest
from flask import Flask
from sqlalchemy import select

import ledger.queries
import ledger.service
from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from ledger.bank import queries as bank
from ledger.bank import service as importing
from ledger.rules import AccountKind
from members.contributions import service as contributions
from members.contributions.matching import queries, service
from members.contributions.matching.models import LineMatch, PayerName
from members.contributions.matching.rules import Part
from members.contributions.models import Pledge, Receipt
from members.contributions.schedules import queries as schedule
from members.models import Organisation
from members.rules import Sector
from tests.ledger.bank.files import camt
from tests.world import member, officer, official

DAY = "2026-05-29"
Line = tuple[int, str, str]
"""Signed pence, who, why."""


@pytest.fixture
def steward(app: Flask) -> Actor:
    return official("Stella Steward", Role.STEWARD)[1]


def pledged(own: Organisation, clock: MovableClock, pence: int = 500_00) -> Pledge:
    own_id = own.id
    actor = officer(own)[1]
    with transaction():
        return contributions.pledge(organisation_id=own_id, pence=pence, po_number=None, actor=actor, now=clock.now())


def arrive(steward: Actor, clock: MovableClock, *lines: Line) -> list[int]:
    """A statement with these lines; the ids of the new ones."""
    account = bank.own_account()
    before = bank.statements(1)
    opening = before[0].closing_pence or 0 if before and account else 0
    number = 100 * (len(bank.statements()) + 1)
    content = camt([(DAY, *line) for line in lines], opening=opening, number=number)
    with transaction():
        taken = importing.import_statement(content=content, filename="m.xml", actor=steward, now=clock.now())
        return [line.id for line in bank.lines_of(taken.id)]


def match_all(clock: MovableClock) -> int:
    return service.sweep(clock.now())


def settled(line_id: int) -> str | None:
    found = bank.line(line_id).settled_as
    db.session.rollback()
    return found


def test_what_quotes_a_reference_is_matched_by_itself_and_the_rest_waits(steward: Actor, clock: MovableClock) -> None:
    alder, birch = member("Alder Works", Sector.PRIVATE), member("Birch House", Sector.VCSE)
    by_alder, by_birch = pledged(alder, clock), pledged(birch, clock)
    quotes, of_member, no_reference, wrong_name = arrive(
        steward,
        clock,
        (500_00, "ALDER WORKS LTD", by_alder.reference),
        (200_00, "BIRCH HOUSE", f"subs {birch.reference}"),
        (300_00, "BIRCH HOUSE", "subs"),
        (100_00, "CEDAR MILL", birch.reference),
    )
    assert match_all(clock) == 2
    assert settled(quotes) == "contribution:RC-2026-0001"
    assert settled(of_member) == "contribution:RC-2026-0002"
    assert (settled(no_reference), settled(wrong_name)) == (None, None)
    assert ledger.queries.balance(AccountKind.CONTRIBUTIONS, birch.owner) == -200_00
    assert db.session.get_one(Pledge, by_birch.id).paid_pence == 200_00
    assert db.session.scalars(select(LineMatch.matched_by_id)).all() == [None, None]
    assert len(db.session.scalars(select(OutboxMessage).where(OutboxMessage.key.startswith("receipt:"))).all()) == 2
    db.session.rollback()
    assert match_all(clock) == 0
    assert ledger.service.check() == []


def test_more_than_is_due_is_not_sure_by_a_members_reference_alone(steward: Actor, clock: MovableClock) -> None:
    alder = member("Alder Works", Sector.PRIVATE)
    pledged(alder, clock, 250_00)
    lines = arrive(steward, clock, *[(100_00, "ALDER WORKS", alder.reference)] * 3)
    assert match_all(clock) == 2
    assert [settled(one) is None for one in lines] == [False, False, True]


def test_a_year_of_payments_by_one_payer_in_one_round_pays_instalments_in_order(
    steward: Actor, clock: MovableClock
) -> None:
    alder = member("Alder Works", Sector.PRIVATE)
    own_id, actor = alder.id, officer(alder)[1]
    with transaction():
        made = contributions.pledge(
            organisation_id=own_id,
            pence=300_00,
            po_number=None,
            actor=actor,
            now=clock.now(),
            kind=contributions.PledgeKind.INSTALMENTS,
            count=3,
        )
    arrive(steward, clock, *[(60_00, "ALDER WORKS", alder.reference)] * 3)
    match_all(clock)
    assert [one.paid_pence for one in schedule.of_pledge(made.id)] == [100_00, 80_00, 0]
    told = db.session.scalars(
        select(OutboxMessage.what).where(OutboxMessage.key.startswith("receipt:")).order_by(OutboxMessage.id)
    ).all()
    for what, left in zip(told, (240, 180, 120), strict=True):
        assert f"£{left} of the pledge is still to come" in what


def test_proposals_are_confirmed_together_and_what_changed_is_left(steward: Actor, clock: MovableClock) -> None:
    alder, birch = member("Alder Works", Sector.PRIVATE), member("Birch House", Sector.VCSE)
    by_alder, by_birch = pledged(alder, clock), pledged(birch, clock, 900_00)
    first, second, third = arrive(
        steward, clock, (500_00, "ALDER WORKS", ""), (200_00, "BIRCH HOUSE", "subs"), (1_00, "BIRCH HOUSE", "")
    )
    with transaction():
        service.match(line_id=first, pledge_id=by_birch.id, actor=steward, now=clock.now())
    proposals = {first: by_alder.reference, second: by_birch.reference, third: by_alder.reference}
    with transaction():
        done = service.confirm(proposals=proposals, actor=steward, now=clock.now())
        assert [receipt.pence for receipt in done.receipts] == [200_00]
    assert done.changed == 2
    assert settled(third) is None
    match = db.session.scalars(select(LineMatch).where(LineMatch.line_id == second)).one()
    assert (match.reason, match.matched_by_id) == ("Same payer, another amount.", steward.person_id)


def test_only_who_keeps_the_bank_matches(app: Flask, steward: Actor, clock: MovableClock) -> None:
    _, secretary = official("Ada Secretary", Role.SECRETARY)
    alder = member("Alder Works", Sector.PRIVATE)
    made = pledged(alder, clock)
    (line_id,) = arrive(steward, clock, (5_00, "ALDER WORKS", ""))
    for refused in (
        lambda: service.match(line_id=line_id, pledge_id=made.id, actor=secretary, now=clock.now()),
        lambda: service.confirm(proposals={line_id: made.reference}, actor=secretary, now=clock.now()),
        lambda: service.match_certain(actor=secretary, now=clock.now()),
        lambda: service.forget(name_id=1, actor=secretary, now=clock.now()),
    ):
        with pytest.raises(NotAllowed), transaction():
            refused()


# --- names that are remembered


def test_a_payers_name_is_remembered_and_can_be_forgotten(steward: Actor, clock: MovableClock) -> None:
    alder = member("Alder Works", Sector.PRIVATE)
    made = pledged(alder, clock)
    (line_id,) = arrive(steward, clock, (5_00, "Mr T Treasurer", "subs"))
    assert queries.suggestions([bank.line(line_id)])[0].suggestions == ()
    db.session.rollback()
    with transaction():
        service.match(line_id=line_id, pledge_id=made.id, actor=steward, now=clock.now())
    (again,) = arrive(steward, clock, (7_00, "MR T TREASURER", "subs"))
    (best,) = queries.suggestions([bank.line(again)])[0].suggestions
    assert (best.pledge.reference, best.certain) == (made.reference, False)
    assert best.reason == "This payer has paid for it before, but the amount is another."
    (name,) = queries.payer_names()
    assert (name.name, name.organisation.name) == ("Mr T Treasurer", "Alder Works")
    name_id = name.id
    db.session.rollback()
    with transaction():
        service.forget(name_id=name_id, actor=steward, now=clock.now())
    assert queries.suggestions([bank.line(again)])[0].suggestions == ()
    db.session.rollback()
    with pytest.raises(NotFound), transaction():
        service.forget(name_id=name_id, actor=steward, now=clock.now())


def test_an_organisations_own_name_need_not_be_remembered(steward: Actor, clock: MovableClock) -> None:
    made = pledged(member("Alder Works", Sector.PRIVATE), clock)
    (line_id,) = arrive(steward, clock, (5_00, "ALDER WORKS LTD", "subs"))
    with transaction():
        service.match(line_id=line_id, pledge_id=made.id, actor=steward, now=clock.now())
    assert db.session.scalars(select(PayerName)).all() == []


# --- one line, several pledges


def test_a_payment_is_shared_out_with_a_receipt_for_each_part(steward: Actor, clock: MovableClock) -> None:
    alder, birch = member("Alder Works", Sector.PRIVATE), member("Birch House", Sector.VCSE)
    by_alder, by_birch = pledged(alder, clock), pledged(birch, clock)
    (line_id,) = arrive(steward, clock, (700_00, "GROUP LTD", "for both"))
    with transaction():
        receipts = service.share_out(
            line_id=line_id,
            parts=[Part(by_alder.id, 500_00), Part(by_birch.id, 200_00)],
            actor=steward,
            now=clock.now(),
        )
        assert [receipt.pence for receipt in receipts] == [500_00, 200_00]
    assert settled(line_id) == "contribution:RC-2026-0001, RC-2026-0002"
    assert ledger.queries.balance(AccountKind.SUSPENSE) == 0
    assert ledger.queries.balance(AccountKind.CONTRIBUTIONS, birch.owner) == -200_00
    assert db.session.scalars(select(PayerName)).all() == []
    db.session.rollback()
    assert ledger.service.check() == []
    with pytest.raises(Conflict, match="matched this line first"), transaction():
        service.share_out(line_id=line_id, parts=[Part(by_alder.id, 700_00)], actor=steward, now=clock.now())


@pytest.mark.parametrize("parts", [[(0, 500_00), (1, 100_00)], [(0, 500_00), (1, 300_00)], [(0, 800_00), (1, -100_00)]])
def test_parts_that_do_not_sum_are_refused_whole(
    steward: Actor, clock: MovableClock, parts: list[tuple[int, int]]
) -> None:
    made = [pledged(member(name, Sector.VCSE), clock).id for name in ("Alder", "Birch")]
    (line_id,) = arrive(steward, clock, (700_00, "GROUP LTD", ""))
    with pytest.raises(RuleBroken), transaction():
        service.share_out(
            line_id=line_id,
            parts=[Part(made[number], pence) for number, pence in parts],
            actor=steward,
            now=clock.now(),
        )
    assert settled(line_id) is None
    assert db.session.scalars(select(Receipt)).all() == []
