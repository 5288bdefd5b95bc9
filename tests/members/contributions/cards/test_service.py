"""Paying online: what the books, the pledge and the receipts say, in whatever order the provider tells of it."""

import threading
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

import ledger.bank.queries
import ledger.queries
import ledger.service
from fund.kernel.access import Actor
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from fund.kernel.policy import Setting
from ledger.rules import AccountKind
from members.contributions import queries as contributions
from members.contributions.cards import events, payouts, queries, service, sweeps
from members.contributions.cards.gateway import CheckoutWanted, ProviderRefused
from members.contributions.cards.models import CardCheckout, CardRefund, Comparison, Payout, ProviderEvent, TakenBack
from members.contributions.cards.rules import CheckoutState, Method, RefundState
from members.contributions.models import Pledge, PledgeInstalment, Receipt
from members.contributions.rules import PledgeState
from members.rules import Sector
from tests.ledger.books import commit
from tests.members.contributions.cards.till import Till
from tests.members.paid import arrive
from tests.world import member, officer

K = AccountKind


def count(table: type) -> int:
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def state(number: int) -> CheckoutState:
    db.session.rollback()
    return db.session.get_one(CardCheckout, number).state


def test_a_card_payment_is_booked_once_with_its_fee(till: Till, payer: Actor, clock: MovableClock) -> None:
    paid = till.paid(25_000, payer)
    assert paid.state is CheckoutState.PAID
    assert paid.pledge.state is PledgeState.PAID
    assert paid.receipt is not None
    assert ledger.queries.balance(K.STRIPE) == 25_000
    assert service.collect_fees(payments=till.payments, now=clock.now()) == 1
    assert service.collect_fees(payments=till.payments, now=clock.now()) == 0
    db.session.rollback()
    assert ledger.queries.balance(K.FEES) == 395
    assert ledger.queries.balance(K.STRIPE) == 24_605
    assert ledger.queries.pot().available_pence == 24_605
    assert ledger.service.check() == []


def test_a_direct_debit_counts_only_once_it_is_paid(till: Till, payer: Actor) -> None:
    checkout = till.open(till.pledge(25_000, payer).id, payer, Method.BACS)
    number, pledge_id, session = checkout.id, checkout.pledge_id, str(checkout.provider_id)
    till.simulator.pay(session)
    till.deliver()
    assert state(number) is CheckoutState.ON_ITS_WAY
    assert ledger.queries.pot().contributed_pence == 0
    with pytest.raises(Conflict, match="on its way"):
        till.open(pledge_id, payer)
    till.simulator.clear(session)
    till.deliver()
    assert state(number) is CheckoutState.PAID
    assert ledger.queries.pot().contributed_pence == 25_000


def test_a_direct_debit_that_bounces_leaves_the_pledge_open(till: Till, payer: Actor) -> None:
    checkout = till.open(till.pledge(25_000, payer).id, payer, Method.BACS)
    number, pledge_id, session = checkout.id, checkout.pledge_id, str(checkout.provider_id)
    till.simulator.pay(session)
    till.simulator.bounce(session)
    till.deliver()
    assert state(number) is CheckoutState.FAILED
    assert db.session.get_one(Pledge, pledge_id).state is PledgeState.PLEDGED
    assert till.open(pledge_id, payer).id != number


def test_a_page_is_opened_once_and_offered_again(till: Till, payer: Actor, clock: MovableClock) -> None:
    pledge = till.pledge(25_000, payer)
    number = pledge.id
    first, again = till.open(number, payer), till.open(number, payer)
    assert first.id == again.id
    assert len(till.simulator.sessions) == 1
    session = str(first.provider_id)
    till.simulator.expire(session)
    till.deliver()
    assert till.open(number, payer).id != first.id


def test_who_may_pay_and_how_much(till: Till, payer: Actor) -> None:
    stranger = officer(member("Birch", Sector.VCSE))[1]
    pledge_id = till.pledge(25_000, payer).id
    with pytest.raises(NotFound):
        till.open(pledge_id, stranger)
    for pence, method in ((500_001, Method.CARD), (2_000_001, Method.BACS)):
        too_much = till.pledge(pence, payer).id
        with pytest.raises(RuleBroken, match="bank transfer"):
            till.open(too_much, payer, method)


def test_the_most_for_one_payment_is_a_setting(till: Till, payer: Actor, clock: MovableClock) -> None:
    pledge_id = till.pledge(25_000, payer).id
    with transaction() as session:
        session.add(Setting(key="card_most_pence", value="24999", effective_from=clock.now(), set_at=clock.now()))
    with pytest.raises(RuleBroken, match=r"go up to £249\.99"):
        till.open(pledge_id, payer)


def test_a_dispute_months_after_the_money_was_granted(till: Till, payer: Actor, clock: MovableClock) -> None:
    paid = till.paid(25_000, payer)
    pledge_id, payment = paid.pledge_id, str(paid.payment)
    commit(20_000)
    clock.move(timedelta(days=150))
    disputed = till.simulator.dispute(payment, fee_pence=2_000)
    till.deliver()
    db.session.rollback()
    (gone,) = queries.taken_back()
    assert (gone.pence, gone.short_pence, queries.short_pence()) == (25_000, 20_000, 22_000)
    assert ledger.queries.balance(K.AVAILABLE) == 0
    assert db.session.get_one(Pledge, pledge_id).state is PledgeState.PLEDGED
    with pytest.raises(RuleBroken, match="short"):
        commit(1, "grant:G-2026-009")
    till.simulator.win(disputed)
    till.deliver()
    db.session.rollback()
    assert (queries.short_pence(), ledger.queries.balance(K.AVAILABLE)) == (0, 3_000)
    assert db.session.get_one(Pledge, pledge_id).state is PledgeState.PAID
    assert ledger.service.check() == []


def test_what_went_back_is_in_no_total(till: Till, payer: Actor) -> None:
    kept, gone = till.paid(1_000, payer), till.paid(25_000, payer)
    organisation_id, payment = kept.pledge.organisation_id, str(gone.payment)
    disputed = till.simulator.dispute(payment)
    for pence in (1_000, 26_000):
        till.deliver()
        db.session.rollback()
        assert contributions.cleared_by_sector()[Sector.PRIVATE] == pence
        assert contributions.cleared_by_organisation() == {organisation_id: pence}
        assert contributions.paid_in(organisation_id) == pence == ledger.queries.pot().contributed_pence
        till.simulator.win(disputed)


def test_what_comes_in_the_wrong_order_waits_for_what_belongs_before_it(till: Till, payer: Actor) -> None:
    checkout = till.open(till.pledge(25_000, payer).id, payer)
    session = till.simulator.pay(str(checkout.provider_id))
    till.simulator.win(till.simulator.dispute(session["payment_intent"]))
    till.deliver(lambda waiting: waiting.reverse())
    db.session.rollback()
    assert ledger.queries.pot().available_pence == 25_000
    assert db.session.scalars(select(TakenBack)).one().undone_at is not None
    assert db.session.scalar(select(func.count()).where(ProviderEvent.settled_at.is_(None))) == 0


def test_forged_messages_are_refused_and_nothing_is_kept(till: Till, payer: Actor, clock: MovableClock) -> None:
    checkout = till.open(till.pledge(25_000, payer).id, payer)
    till.simulator.pay(str(checkout.provider_id))
    (event, *_) = till.simulator.take_outgoing()
    body, header = till.simulator.signed(event)
    assert till.post(body, "") == 400
    assert till.post(body + b" ", header) == 400
    assert till.post(body, header.replace("v1=", "v0=")) == 400
    assert till.post(b"x" * 300_000, header) == 413
    clock.move(timedelta(minutes=6))
    assert till.post(body, header) == 400
    assert count(ProviderEvent) == 0
    assert till.send(event) == 200


def test_unknown_messages_are_kept_and_ignored(till: Till, clock: MovableClock) -> None:
    strange = {
        "id": "evt_new",
        "created": int(clock.now().timestamp()),
        "type": "customer.created",
        "data": {"object": {"id": "cus_1", "object": "customer", "name": "Never kept"}},
    }
    assert till.send(strange) == till.send(strange) == 200
    kept = db.session.scalars(select(ProviderEvent)).one()
    assert kept.settled_at is not None
    assert count(Receipt) == 0


def test_a_refund_takes_two_people_and_free_money(
    till: Till, payer: Actor, steward: Actor, board: Actor, clock: MovableClock
) -> None:
    paid = till.paid(25_000, payer)
    number, pledge_id = paid.id, paid.pledge_id
    with pytest.raises(RuleBroken), transaction():
        service.ask_refund(checkout_id=number, pence=25_001, reason="Twice", actor=steward, now=clock.now())
    with transaction():
        asked = service.ask_refund(checkout_id=number, pence=10_000, reason="Twice", actor=steward, now=clock.now())
    refund_id, reference = asked.id, asked.reference
    with pytest.raises(NotAllowed), transaction():
        service.decide_refund(refund_id=refund_id, approve=True, actor=steward, now=clock.now())
    commit(20_000)
    with pytest.raises(RuleBroken, match="free"), transaction():
        service.decide_refund(refund_id=refund_id, approve=True, actor=board, now=clock.now())
    with transaction():
        ledger.service.release(
            key="test:free", grant="grant:G-2026-003", pence=20_000, occurred_on=clock.now().date(),
            description="A test", actor=None, now=clock.now(),
        )  # fmt: skip
    with transaction():
        service.decide_refund(refund_id=refund_id, approve=True, actor=board, now=clock.now())
    with pytest.raises(Conflict), transaction():
        service.decide_refund(refund_id=refund_id, approve=False, actor=board, now=clock.now())
    for _ in range(2):
        service.send_refunds(payments=till.payments, now=clock.now())
        till.deliver()
    db.session.rollback()
    assert len(till.simulator.refunds) == 1
    assert db.session.scalars(select(CardRefund)).one().state is RefundState.SENT
    assert db.session.scalars(select(TakenBack)).one().item == reference
    assert ledger.queries.pot().available_pence == 15_000
    assert db.session.get_one(Pledge, pledge_id).paid_pence == 15_000


def test_a_refund_that_the_provider_refuses_is_undone(
    till: Till, payer: Actor, steward: Actor, board: Actor, clock: MovableClock
) -> None:
    paid = till.paid(25_000, payer)
    number, payment = paid.id, str(paid.payment)
    with transaction():
        asked = service.ask_refund(checkout_id=number, pence=25_000, reason="Twice", actor=steward, now=clock.now())
    refund_id = asked.id
    with transaction():
        service.decide_refund(refund_id=refund_id, approve=True, actor=board, now=clock.now())
    till.simulator.intents[payment]["status"] = "canceled"
    service.send_refunds(payments=till.payments, now=clock.now())
    db.session.rollback()
    assert db.session.get_one(CardRefund, refund_id).state is RefundState.FAILED
    assert ledger.queries.pot().available_pence == 25_000
    assert service.gone_pence(number) == 0


def test_a_payout_is_matched_with_its_line_of_the_bank(
    till: Till, payer: Actor, steward: Actor, clock: MovableClock
) -> None:
    till.paid(25_000, payer)
    till.simulator.pay_out(24_000)
    till.deliver()
    sweeps.settle(clock.now())
    day = clock.now().date()
    arrive([(day, 24_000, "STRIPE PAYMENTS UK"), (day, 500, "STRIPE OTHER")], steward, clock.now())
    sweeps.settle(clock.now())
    db.session.rollback()
    assert db.session.scalars(select(Payout)).one().matched_at is not None
    assert ledger.queries.balance(K.SUSPENSE) == -500
    assert ledger.queries.balance(K.STRIPE) == 1_000 - 395


def test_a_payout_in_doubt_waits_for_a_person(till: Till, payer: Actor, steward: Actor, clock: MovableClock) -> None:
    till.paid(25_000, payer)
    till.simulator.pay_out(24_000)
    till.deliver()
    day = clock.now().date()
    lines = arrive([(day, 24_000, "STRIPE ONE"), (day, 24_000, "STRIPE TWO"), (day, 1, "x")], steward, clock.now())
    with transaction():
        assert payouts.match_payouts(clock.now()) == 0
    payout_id = db.session.scalars(select(Payout.id)).one()
    with pytest.raises(RuleBroken, match="very same sum"), transaction():
        payouts.match_payout(payout_id=payout_id, line_id=lines[2], actor=steward, now=clock.now())
    with transaction():
        payouts.match_payout(payout_id=payout_id, line_id=lines[0], actor=steward, now=clock.now())
    with pytest.raises(Conflict), transaction():
        payouts.match_payout(payout_id=payout_id, line_id=lines[1], actor=steward, now=clock.now())


def test_a_payout_that_fails_after_it_came_is_undone(
    till: Till, payer: Actor, steward: Actor, clock: MovableClock
) -> None:
    till.paid(25_000, payer)
    sent = till.simulator.pay_out(24_000)
    till.deliver()
    day = clock.now().date()
    arrive([(day, 24_000, "STRIPE PAYMENTS UK")], steward, clock.now())
    sweeps.settle(clock.now())
    db.session.rollback()
    assert ledger.queries.balance(K.BANK) == 24_000
    payout_id = db.session.scalars(select(Payout.id)).one()
    with pytest.raises(Conflict, match="has not come and failed"), transaction():
        payouts.match_return(payout_id=payout_id, line_id=1, actor=steward, now=clock.now())
    clock.move(timedelta(days=3))
    till.simulator.fail_payout(sent)
    for _ in range(2):
        till.deliver()
    db.session.rollback()
    assert ledger.queries.balance(K.STRIPE) == 25_000 - 395
    assert ledger.queries.balance(K.SUSPENSE) == -24_000
    lines = arrive([(day + timedelta(days=3), -24_000, "STRIPE")], steward, clock.now(), opening_pence=24_000)
    assert lines == []
    sweeps.settle(clock.now())
    db.session.rollback()
    assert db.session.get_one(Payout, payout_id).return_line_id is not None
    assert (ledger.queries.balance(K.BANK), ledger.queries.balance(K.SUSPENSE)) == (0, 0)
    with pytest.raises(Conflict, match="is matched"), transaction():
        payouts.match_return(payout_id=payout_id, line_id=1, actor=steward, now=clock.now())
    assert ledger.service.check() == []


def test_a_payout_that_failed_first_and_is_found_at_the_bank(
    till: Till, payer: Actor, steward: Actor, board: Actor, clock: MovableClock
) -> None:
    """Its sum may be that of the payout sent anew, so a person says which line was which."""
    till.paid(25_000, payer)
    till.simulator.fail_payout(till.simulator.pay_out(24_000))
    till.deliver(lambda waiting: waiting.reverse())
    day = clock.now().date()
    lines = arrive([(day, 24_000, "STRIPE"), (day, -24_000, "STRIPE")], steward, clock.now())
    sweeps.settle(clock.now())
    db.session.rollback()
    failed = db.session.scalars(select(Payout)).one()
    payout_id = failed.id
    assert (failed.matched_at, failed.failure) == (None, "account_closed")
    with pytest.raises(NotAllowed), transaction():
        payouts.match_payout(payout_id=payout_id, line_id=lines[0], actor=board, now=clock.now())
    with transaction():
        payouts.match_payout(payout_id=payout_id, line_id=lines[0], actor=steward, now=clock.now())
    (leaving,) = ledger.bank.queries.open_lines_out()
    line_id = leaving.id
    with pytest.raises(NotAllowed), transaction():
        payouts.match_return(payout_id=payout_id, line_id=line_id, actor=board, now=clock.now())
    with transaction():
        payouts.match_return(payout_id=payout_id, line_id=line_id, actor=steward, now=clock.now())
    assert ledger.queries.balance(K.STRIPE) == 25_000 - 395
    assert (ledger.queries.balance(K.BANK), ledger.queries.balance(K.SUSPENSE)) == (0, 0)


def test_what_went_back_is_due_again_in_its_instalments(till: Till, payer: Actor, clock: MovableClock) -> None:
    pledge = till.instalments(30_000, payer)
    pledge_id = pledge.id
    checkout = till.open(pledge_id, payer)
    payment = till.simulator.pay(str(checkout.provider_id))["payment_intent"]
    till.deliver()

    def instalments() -> list[tuple[int, str]]:
        db.session.rollback()
        paid = db.session.scalars(select(PledgeInstalment).order_by(PledgeInstalment.number))
        return [(one.paid_pence, one.state.value) for one in paid]

    assert instalments() == [(10_000, "paid")] * 3
    disputed = till.simulator.dispute(payment)
    disputed["amount"] = 15_000
    till.simulator.outgoing[-1]["data"]["object"]["amount"] = 15_000
    till.deliver()
    assert instalments() == [(10_000, "paid"), (5_000, "open"), (0, "open")]
    assert db.session.get_one(Pledge, pledge_id).paid_pence == 15_000
    mails = db.session.scalars(select(OutboxMessage).where(OutboxMessage.key.contains("taken_back:"))).all()
    assert ["£150 went back" in mail.subject for mail in mails] == [True]
    till.simulator.win(disputed)
    till.deliver()
    assert instalments() == [(10_000, "paid")] * 3
    assert db.session.get_one(Pledge, pledge_id).state is PledgeState.PAID


def test_the_comparison_books_what_we_missed_and_mails_nobody(till: Till, payer: Actor, clock: MovableClock) -> None:
    checkout = till.open(till.pledge(25_000, payer).id, payer)
    number = checkout.id
    mails = count(OutboxMessage)
    till.simulator.pay(str(checkout.provider_id))
    lost = till.simulator.take_outgoing()
    clock.move(timedelta(days=1))
    assert sweeps.compare(clock.now()) == 1
    assert state(number) is CheckoutState.PAID
    assert count(OutboxMessage) == mails
    assert sweeps.compare(clock.now()) == 0
    for event in lost:
        till.send(event)
    assert count(Receipt) == 1
    assert count(Comparison) == 2


def test_the_provider_away_loses_nothing(till: Till, payer: Actor, clock: MovableClock) -> None:
    till.paid(25_000, payer)
    till.server.stop()
    assert service.collect_fees(payments=till.payments, now=clock.now()) == 0
    assert sweeps.compare(clock.now()) == 0
    till.server = type(till.server)(till.simulator, "sk_test_only").start()


def test_the_simulator_refuses_what_stripe_would(till: Till) -> None:
    good = CheckoutWanted("CO-1", Method.CARD, 1_000, "A test", "http://localhost/x")
    first = till.payments.open_checkout(good)
    assert till.payments.open_checkout(good) == first
    with pytest.raises(ProviderRefused):
        till.payments.open_checkout(CheckoutWanted("CO-1", Method.CARD, 2_000, "A test", "http://localhost/x"))
    with pytest.raises(ProviderRefused):
        till.payments.open_checkout(CheckoutWanted("CO-2", Method.BACS, 10_000_001, "A test", "http://localhost/x"))
    with pytest.raises(ProviderRefused):
        till.payments.refund(reference="CR-1", payment="pi_none", pence=1)
    for wrong in ({"payment_method_types": ["card"]}, {"mode": "gift"}, {"line_items": [{"quantity": "many"}]}):
        answer = till.simulator.post("/v1/checkout/sessions", {"mode": "payment"} | wrong, None)
        assert answer.status == 400, wrong


def test_two_processors_at_once_book_once(till: Till, app: Flask, payer: Actor, clock: MovableClock) -> None:
    for _ in range(4):
        checkout = till.open(till.pledge(1_000, payer).id, payer)
        till.simulator.pay(str(checkout.provider_id))
    for event in till.simulator.take_outgoing():
        seen = till.payments.read_event(*till.simulator.signed(event), clock.now())
        with transaction():
            events.take(seen, found_by=events.FoundBy.WEBHOOK, now=clock.now())
    gate = threading.Barrier(2)

    def work() -> None:
        with app.app_context():
            gate.wait()
            events.settle_waiting(clock.now())
            db.session.remove()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    assert count(Receipt) == 4
    assert ledger.queries.pot().contributed_pence == 4_000
