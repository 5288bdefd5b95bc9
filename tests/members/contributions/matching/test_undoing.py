"""Undoing a wrong match: linked entries, a withdrawn receipt, and the line waits again."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

import ledger.queries
import ledger.service
from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, FundError, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from ledger.models import Transfer
from ledger.rules import AccountKind
from members.contributions import queries as contributions
from members.contributions.invoices import service as invoices
from members.contributions.matching import queries, service
from members.contributions.matching.models import LineMatch
from members.contributions.matching.rules import Part
from members.contributions.matching.undoing import undo
from members.contributions.models import Pledge, Receipt
from members.contributions.rules import PledgeState
from members.contributions.schedules import queries as schedule
from members.contributions.schedules.rules import InstalmentState
from members.rules import Sector
from tests.ledger.books import commit
from tests.members.contributions.matching.test_service import arrive, pledged, settled
from tests.world import member, officer, official

WHY = "It was another member's payment."


@pytest.fixture
def steward(app: Flask) -> Actor:
    return official("Stella Steward", Role.STEWARD)[1]


def held(kind: AccountKind, owner: str | None = None) -> int:
    found = ledger.queries.balance(kind, owner)
    db.session.rollback()
    return found


def undone(line_id: int, actor: Actor, clock: MovableClock, reason: str = WHY) -> list[LineMatch]:
    with transaction():
        return undo(line_id=line_id, reason=reason, actor=actor, now=clock.now())


def match(line_id: int, pledge: Pledge, actor: Actor, clock: MovableClock) -> Receipt:
    pledge_id = pledge.id
    with transaction():
        return service.match(line_id=line_id, pledge_id=pledge_id, actor=actor, now=clock.now())


def test_a_wrong_match_is_undone_and_matched_to_the_right_pledge(steward: Actor, clock: MovableClock) -> None:
    alder, birch = member("Alder Works", Sector.PRIVATE), member("Birch House", Sector.VCSE)
    by_alder, by_birch = pledged(alder, clock), pledged(birch, clock)
    (line_id,) = arrive(steward, clock, (500_00, "Somebody", "subs"))
    receipt = match(line_id, by_alder, steward, clock)
    (found,) = undone(line_id, steward, clock)
    assert (found.undone_by_id, found.undone_reason, found.short_pence) == (steward.person_id, WHY, 0)
    assert settled(line_id) is None
    assert held(AccountKind.SUSPENSE) == -500_00
    assert held(AccountKind.CONTRIBUTIONS, alder.owner) == held(AccountKind.AVAILABLE) == 0
    pledge = db.session.get_one(Pledge, by_alder.id)
    assert (pledge.paid_pence, pledge.state) == (0, PledgeState.PLEDGED)
    (instalment,) = schedule.of_pledge(pledge.id)
    assert (instalment.paid_pence, instalment.state) == (0, InstalmentState.OPEN)
    assert contributions.paid_in(alder.id) == sum(contributions.cleared_by_sector().values()) == 0
    assert contributions.cleared_by_organisation() == {}
    assert contributions.withdrawn([receipt.id]) == {receipt.id}
    assert queries.payer_names() == []
    reversal = db.session.scalars(select(Transfer).where(Transfer.kind == "match_undone")).one()
    assert (reversal.reverses_id, reversal.reason) == (receipt.transfer_id, WHY)
    mail = db.session.scalars(select(OutboxMessage).where(OutboxMessage.key.contains(":withdrawn"))).one()
    assert "by mistake" in mail.what
    db.session.rollback()
    again = match(line_id, by_birch, steward, clock)
    assert again.reference != receipt.reference
    assert settled(line_id) == f"contribution:{again.reference}"
    assert held(AccountKind.CONTRIBUTIONS, birch.owner) == -500_00
    assert held(AccountKind.SUSPENSE) == 0
    assert ledger.service.check() == []


def test_what_was_awarded_already_is_short_until_the_line_is_matched_again(steward: Actor, clock: MovableClock) -> None:
    alder, birch = member("Alder Works", Sector.PRIVATE), member("Birch House", Sector.VCSE)
    by_alder, by_birch = pledged(alder, clock), pledged(birch, clock)
    (line_id,) = arrive(steward, clock, (500_00, "Somebody", "subs"))
    match(line_id, by_alder, steward, clock)
    commit(400_00)
    (found,) = undone(line_id, steward, clock)
    assert found.short_pence == 400_00
    assert (held(AccountKind.AVAILABLE), held(AccountKind.SHORTFALL)) == (0, -400_00)
    match(line_id, by_birch, steward, clock)
    assert (held(AccountKind.AVAILABLE), held(AccountKind.SHORTFALL)) == (100_00, 0)
    assert ledger.service.check() == []


def test_all_parts_of_a_payment_are_undone_together(steward: Actor, clock: MovableClock) -> None:
    alder, birch = member("Alder Works", Sector.PRIVATE), member("Birch House", Sector.VCSE)
    parts = [Part(pledged(alder, clock).id, 400_00), Part(pledged(birch, clock).id, 300_00)]
    (line_id,) = arrive(steward, clock, (700_00, "GROUP LTD", ""))
    for _ in range(2):
        with transaction():
            service.share_out(line_id=line_id, parts=parts, actor=steward, now=clock.now())
        assert len(undone(line_id, steward, clock)) == 2
    assert held(AccountKind.SUSPENSE) == -700_00
    assert len(queries.matches_of(line_id)) == 4
    db.session.rollback()
    assert ledger.service.check() == []


def test_an_invoice_that_was_paid_by_mistake_is_asked_for_again(steward: Actor, clock: MovableClock) -> None:
    alder = member("Alder Works", Sector.PRIVATE)
    made = pledged(alder, clock)
    instalment_id = schedule.of_pledge(made.id)[0].id
    actor = officer(alder)[1]
    with transaction():
        invoices.issue(instalment_id=instalment_id, actor=actor, now=clock.now())
    (line_id,) = arrive(steward, clock, (200_00, "Somebody", ""))
    match(line_id, made, steward, clock)
    assert held(AccountKind.RECEIVABLE, alder.owner) == 300_00
    undone(line_id, steward, clock)
    assert held(AccountKind.RECEIVABLE, alder.owner) == 500_00
    (instalment,) = schedule.of_pledge(made.id)
    assert instalment.invoiced_pence == 500_00
    db.session.rollback()
    assert ledger.service.check() == []


def test_a_wrong_reference_is_not_matched_so_again_by_itself(steward: Actor, clock: MovableClock) -> None:
    made = pledged(member("Alder Works", Sector.PRIVATE), clock)
    (line_id,) = arrive(steward, clock, (500_00, "Birch", made.reference))
    assert service.sweep(clock.now()) == 1
    undone(line_id, steward, clock)
    assert service.sweep(clock.now()) == 0
    assert settled(line_id) is None


def test_what_cannot_be_undone_is_refused(steward: Actor, clock: MovableClock) -> None:
    made = pledged(member("Alder Works", Sector.PRIVATE), clock)
    (line_id,) = arrive(steward, clock, (500_00, "ALDER WORKS", ""))
    with pytest.raises(Conflict, match="isn't matched to a pledge"):
        undone(line_id, steward, clock)
    match(line_id, made, steward, clock)
    with pytest.raises(RuleBroken, match="why the match was wrong"):
        undone(line_id, steward, clock, " ")
    with pytest.raises(NotAllowed):
        undone(line_id, official("Ada Secretary", Role.SECRETARY)[1], clock)
    for unknown in (line_id + 1, 2**63, 0):
        with pytest.raises(NotFound):
            undone(unknown, steward, clock)
    undone(line_id, steward, clock)
    with pytest.raises(Conflict, match="isn't matched to a pledge"):
        undone(line_id, steward, clock)


def together(app: Flask, *acts: Callable[[], object]) -> list[str]:
    """What each came to, done at the same moment on connections of their own."""
    start, said = threading.Barrier(len(acts)), ["" for _ in acts]

    def run(place: int, act: Callable[[], object]) -> None:
        with app.app_context():
            start.wait()
            try:
                with transaction():
                    act()
                said[place] = "done"
            except FundError as error:
                said[place] = type(error).__name__
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return said


def test_matching_undoing_and_sharing_out_at_once_leave_whole_books(
    app: Flask, steward: Actor, clock: MovableClock
) -> None:
    alder, birch = member("Alder Works", Sector.PRIVATE), member("Birch House", Sector.VCSE)
    first, second = pledged(alder, clock).id, pledged(birch, clock).id
    (line_id,) = arrive(steward, clock, (500_00, "Somebody", ""))
    db.session.rollback()
    now = clock.now()
    said = together(
        app,
        lambda: service.match(line_id=line_id, pledge_id=first, actor=steward, now=now),
        lambda: service.match(line_id=line_id, pledge_id=second, actor=steward, now=now),
        lambda: service.share_out(
            line_id=line_id, parts=[Part(second, 200_00), Part(first, 300_00)], actor=steward, now=now
        ),
    )
    assert sorted(said) == ["Conflict", "Conflict", "done"]
    said = together(
        app,
        lambda: undo(line_id=line_id, reason=WHY, actor=steward, now=now),
        lambda: undo(line_id=line_id, reason=WHY, actor=steward, now=now),
        lambda: service.match(line_id=line_id, pledge_id=second, actor=steward, now=now),
    )
    assert said.count("done") in (1, 2, 3)
    paid = held(AccountKind.CONTRIBUTIONS, alder.owner) + held(AccountKind.CONTRIBUTIONS, birch.owner)
    assert paid == (0 if settled(line_id) is None else -500_00)
    assert paid + held(AccountKind.SUSPENSE) == -500_00
    standing = db.session.scalars(select(LineMatch.pence).where(LineMatch.undone_at.is_(None))).all()
    assert sum(standing) == -paid
    assert contributions.paid_in(alder.id) + contributions.paid_in(birch.id) == -paid
    db.session.rollback()
    assert ledger.service.check() == []
