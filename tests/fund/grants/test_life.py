"""From the offer to a confirmed payment, with the ledger's figures at each step."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

import ledger.bank.service
import ledger.service
from fund.grants import queries, service
from fund.grants.agreements.queries import current
from fund.grants.awards import queries as awards
from fund.grants.awards import service as award_service
from fund.grants.awards.rules import Line
from fund.grants.payments import queries as payments
from fund.grants.payments.rules import Stage
from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from fund.reporting.models import Report
from fund.reporting.rules import ReportState
from ledger.bank import queries as bank
from ledger.bank.models import PaymentOrder, Statement, StatementLine
from tests import world
from tests.fund.grants import awarding
from tests.fund.grants.awarding import END_ON, START_ON, Grant


def _stage(grant: Grant, number: int = 1) -> Stage:
    return payments.payment(awards.award_by_reference(grant.reference), number, grant.now).stage


def _order(key: str) -> PaymentOrder:
    return db.session.scalars(select(PaymentOrder).where(PaymentOrder.key == key)).one()


def _send(grant: Grant, *keys: str) -> None:
    ids = [_order(key).id for key in keys]
    with transaction():
        ledger.bank.service.make_payment_file(order_ids=ids, actor=grant.actors["steward"], now=grant.now)


def _bank_line(grant: Grant, pence: int) -> int:
    """A line of the bank's statement, made directly; gives its id."""
    day = grant.now.date()
    account = bank.own_account()
    assert account is not None
    with transaction() as session:
        statement = Statement(
            bank_account_id=account.id,
            filename="a.csv",
            form="csv",
            sha256=f"{grant.now.isoformat()}{pence}",
            line_count=1,
            known_count=0,
            left_out_count=0,
            remarks=[],
            imported_at=grant.now,
        )
        session.add(statement)
        session.flush()
        line = StatementLine(
            statement_id=statement.id,
            bank_account_id=account.id,
            position=1,
            identity=f"{account.id}:{grant.now.isoformat()}:{pence}",
            form="csv",
            booked_on=day,
            amount_pence=pence,
            counterparty="Bee Bikes",
            remittance="G-2026-001-1",
            bank_reference="",
            end_to_end="",
            details=[],
        )
        session.add(line)
        session.flush()
        ledger.service.book_bank_line(
            key=line.key, pence=pence, occurred_on=day, description="A line", actor=None, now=grant.now
        )
        return line.id


def test_every_step_moves_the_ledger_by_exactly_the_money(clock: MovableClock) -> None:
    grant = awarding.lay(clock, pence=10_000_00, pot_pence=12_000_00)
    grant.ready_to_live()
    assert grant.balances() == (12_000_00, 0, 0, 0)
    grant.go_live()
    assert grant.balances() == (2_000_00, 10_000_00, 0, 0)
    grant.bank_details(grant.lead, "lead")
    grant.bank_details(grant.firm, "firm", "87654321")
    clock.move_to(datetime(2026, 7, 1, 9, tzinfo=UTC))
    with transaction():
        assert service.sweep(clock.now()) == 2
    assert _stage(grant) is Stage.READY
    grant.ordered()
    assert _stage(grant) is Stage.APPROVED
    assert grant.balances() == (2_000_00, 10_000_00, 0, 0)
    key = f"grant:{grant.reference}:instalment:1"
    _send(grant, key)
    assert _stage(grant) is Stage.SENT
    assert grant.balances() == (2_000_00, 4_000_00, 6_000_00, 6_000_00)
    line_id = _bank_line(grant, -6_000_00)
    with transaction():
        ledger.bank.service.confirm_order(
            order_id=_order(key).id, line_id=line_id, actor=grant.actors["steward"], now=clock.now()
        )
    assert _stage(grant) is Stage.CONFIRMED
    assert grant.balances() == (2_000_00, 4_000_00, 6_000_00, 0)
    assert queries.paid_pence([grant.reference]) == {grant.reference: 6_000_00}
    assert ledger.service.check() == []


def test_public_figures_are_the_ledgers(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    assert queries.public_awards() == []
    with pytest.raises(NotFound):
        queries.award_public(grant.reference)
    grant.accept()
    found = queries.award_public(grant.reference)
    assert (found.pence, found.paid_pence, found.committed_pence, found.live_on) == (10_000_00, 0, 0, None)
    assert [(partner.name, partner.pence) for partner in found.partners] == [
        ("Irwell Kitchens", 6_000_00),
        ("Bee Bikes", 4_000_00),
    ]


def test_a_failed_payment_goes_back_to_the_commitment_and_is_tried_again_under_a_new_key(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    grant.ordered()
    key = f"grant:{grant.reference}:instalment:1"
    _send(grant, key)
    before = grant.balances()
    with transaction():
        ledger.bank.service.fail_order(
            order_id=_order(key).id, reason="No such account.", actor=grant.actors["second steward"], now=clock.now()
        )
    told = db.session.scalars(select(OutboxMessage).where(OutboxMessage.key.like(f"{key}:failed:%"))).all()
    assert told
    assert "did not arrive. The bank or a steward says: No such account." in told[0].what
    assert _stage(grant) is Stage.FAILED
    assert grant.balances() == (before[0], 10_000_00, 0, 0)
    seen = grant.prepare()
    assert _stage(grant) is Stage.BEING_APPROVED
    grant.approve(seen, "board")
    assert _stage(grant) is Stage.BEING_APPROVED, "approvals of the first attempt don't count"
    grant.approve(seen, "second board")
    assert _order(f"{key}:2").state.value == "ready"
    _send(grant, f"{key}:2")
    assert grant.balances()[1:] == (4_000_00, 6_000_00, 6_000_00)


def test_a_condition_that_became_untrue_after_approval_keeps_the_payment_out_of_the_file(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    grant.ordered()
    clock.move_to(datetime(2027, 6, 20, 9, tzinfo=UTC))  # due diligence has run out
    with pytest.raises(RuleBroken, match="ran out"):
        _send(grant, f"grant:{grant.reference}:instalment:1")
    assert grant.balances()[2:] == (0, 0)


def test_the_pot_is_never_promised_twice(clock: MovableClock) -> None:
    grant = awarding.lay(clock, pence=10_000_00, pot_pence=9_999_99)
    grant.ready_to_live()
    with pytest.raises(RuleBroken, match=r"£9,999\.99.*£10,000"):
        grant.go_live()
    assert grant.balances() == (9_999_99, 0, 0, 0)
    assert awards_state(grant) == "signed"


def awards_state(grant: Grant) -> str:
    found = current(awards.award_by_reference(grant.reference).id)
    assert found is not None
    return found.state.value


def test_the_second_payment_waits_for_the_accepted_report(clock: MovableClock) -> None:
    grant = awarding.lay(clock, pence=20_000_00)
    middle = START_ON + (END_ON - START_ON) / 2
    lines = (
        Line(grant.lead.id, 12_000_00, START_ON),
        Line(grant.firm.id, 4_000_00, START_ON),
        Line(grant.firm.id, 4_000_00, middle, 1),
    )
    grant.payable(grant.terms(lines=lines))
    clock.move_to(datetime(middle.year, middle.month, middle.day, 9, tzinfo=UTC) + timedelta(days=1))
    held = payments.payment(awards.award_by_reference(grant.reference), 3, grant.now)
    assert held.stage is Stage.HELD
    assert [condition.code for condition in held.unmet] == ["report"]
    with pytest.raises(RuleBroken, match="Report 1 has not been accepted"):
        grant.prepare(3)
    with transaction() as session:
        report = session.scalars(select(Report).where(Report.number == 1)).one()
        report.state, report.accepted_at = ReportState.ACCEPTED, clock.now()
    grant.prepare(3)
    assert _stage(grant, 3) is Stage.BEING_APPROVED


# --- offers


def test_an_award_comes_only_from_a_declared_ballot(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    with awarding.unfunded(grant.item_id), pytest.raises(NotFound):
        grant.offer()


def test_an_unknown_item_is_not_found(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.item_id += 999
    with pytest.raises(NotFound):
        grant.offer()


def test_an_award_is_made_once(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    reference = grant.offer()
    with pytest.raises(Conflict, match=reference):
        grant.offer()


def test_the_amount_and_shares_are_those_of_the_pinned_version(clock: MovableClock) -> None:
    grant = awarding.lay(clock, pence=10_000_01)
    grant.offer()
    award = awards.award_by_reference(grant.reference)
    assert award.pence == 10_000_01 == sum(share.pence for share in award.shares)
    assert {share.organisation_id for share in award.shares} == {grant.lead.id, grant.firm.id}


def test_a_schedule_that_does_not_add_up_is_refused(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    with pytest.raises(RuleBroken, match="Add £4,000"):
        grant.offer(grant.terms(lines=(Line(grant.lead.id, 6_000_00, START_ON),)))


def test_a_steward_who_serves_a_partner_does_not_handle_its_award(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    world.appoint(grant.people["steward"], grant.firm, Role.EDITOR)
    with pytest.raises(NotAllowed, match="another steward"):
        grant.offer()


@pytest.mark.parametrize("name", ["board", "lead", "auditor"])
def test_only_stewards_offer(clock: MovableClock, name: str) -> None:
    grant = awarding.lay(clock)
    grant.actors["steward"] = grant.actors[name]
    with pytest.raises(NotAllowed):
        grant.offer()


def test_the_lead_is_written_to_with_the_date(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    message = db.session.scalars(select(OutboxMessage).where(OutboxMessage.key.like("award:%"))).one()
    assert message.recipient == grant.people["lead"].email
    assert "1 July 2026" in message.by_when


def test_an_offer_lapses_by_the_sweep_and_can_not_be_accepted_any_more(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    clock.move_to(datetime(2026, 7, 1, 22, 59, tzinfo=UTC))
    with transaction():
        assert service.sweep(clock.now()) == 0
    clock.move(timedelta(minutes=1))
    with pytest.raises(RuleBroken, match="ended on 1 July 2026"):
        grant.accept()
    with transaction():
        assert service.sweep(clock.now()) == 1
    with transaction():
        assert service.sweep(clock.now()) == 0
    assert awards.award_by_reference(grant.reference).state.value == "lapsed"
    with pytest.raises(Conflict, match="lapsed"):
        grant.accept()


def test_the_lead_can_decline_with_a_reason(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    with transaction():
        award_service.decline(
            reference=grant.reference, reason="We merged.", actor=grant.actors["lead"], now=clock.now()
        )
    found = awards.award_by_reference(grant.reference)
    assert (found.state.value, found.answer_note) == ("declined", "We merged.")
    with pytest.raises(Conflict):
        grant.accept()


def test_only_the_leads_certifier_answers(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.offer()
    lead = grant.actors["lead"]
    for name, error in (("firm", NotFound), ("council", NotFound), ("steward", NotFound), ("lead editor", NotAllowed)):
        grant.actors["lead"] = grant.actors[name]
        with pytest.raises(error):
            grant.accept()
    grant.actors["lead"] = lead
    grant.accept()


def test_due_instalments_are_marked_only_once_the_agreement_is_live(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.ready_to_live()
    clock.move_to(datetime(2026, 7, 2, 9, tzinfo=UTC))
    with transaction():
        assert service.sweep(clock.now()) == 0
    grant.go_live()
    with transaction():
        assert service.sweep(clock.now()) == 2
