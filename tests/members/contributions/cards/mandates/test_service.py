"""Saved Direct Debits: announced, taken once, and ended by whoever may."""

import threading
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

import ledger.queries
import ledger.service
from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from fund.kernel.policy import Setting
from ledger.rules import AccountKind
from members.contributions import queries as contributions
from members.contributions import service as pledging
from members.contributions.cards import events, queries, service, sweeps
from members.contributions.cards.gateway import DebitWanted, ProviderAway
from members.contributions.cards.mandates import collecting, rules
from members.contributions.cards.mandates import queries as reads
from members.contributions.cards.mandates import service as mandates
from members.contributions.cards.mandates.models import Mandate
from members.contributions.cards.mandates.rules import MandateState
from members.contributions.cards.models import CardCheckout, ProviderEvent
from members.contributions.cards.rules import CheckoutState
from members.contributions.invoices import reminders
from members.contributions.invoices import service as invoices
from members.contributions.models import Pledge, PledgeInstalment, Receipt
from members.contributions.rules import PledgeState
from members.contributions.schedules.rules import InstalmentState, Part
from members.models import Organisation
from members.rules import MembershipStatus, Sector
from tests.ledger.books import commit
from tests.members.contributions.cards.till import Till
from tests.world import acting, appoint, member, officer, person

JULY, OCTOBER, JANUARY = date(2026, 7, 1), date(2026, 10, 1), date(2027, 1, 1)


def go_to(clock: MovableClock, day: date) -> None:
    clock.move(timedelta(days=(day - clock.now().date()).days))


def sweep(till: Till) -> None:
    collecting.sweep(till.clock.now(), till.payments)
    db.session.rollback()


def collections() -> list[CardCheckout]:
    db.session.rollback()
    return list(
        db.session.scalars(select(CardCheckout).where(CardCheckout.mandate_id.is_not(None)).order_by(CardCheckout.id))
    )


def states() -> list[CheckoutState]:
    return [one.state for one in collections()]


def mails(about: str) -> list[OutboxMessage]:
    db.session.rollback()
    return list(
        db.session.scalars(select(OutboxMessage).where(OutboxMessage.key.contains(about)).order_by(OutboxMessage.id))
    )


@pytest.fixture
def in_force(till: Till, payer: Actor) -> Mandate:
    """Three instalments of £100, due in July, October and January, taken by Direct Debit."""
    return till.debit(till.instalments(30_000, payer, first_on=JULY).id, payer)


def test_each_instalment_is_announced_and_taken_once(till: Till, in_force: Mandate, clock: MovableClock) -> None:
    assert in_force.state is MandateState.ACTIVE
    for number, day in enumerate((JULY, OCTOBER, JANUARY)):
        go_to(clock, day - timedelta(days=21))
        sweep(till)
        assert len(collections()) == number, "not yet announced"
        go_to(clock, day - timedelta(days=14))
        for _ in range(2):
            sweep(till)
        planned = collections()[-1]
        assert planned.state is CheckoutState.PLANNED
        assert planned.collect_on is not None
        assert planned.collect_on >= day
        assert len(till.simulator.intents) == number
        go_to(clock, planned.collect_on)
        for _ in range(3):
            sweep(till)
            clock.move(timedelta(minutes=11))
        taken = collections()[-1]
        assert taken.state is CheckoutState.ON_ITS_WAY
        assert len(till.simulator.intents) == number + 1
        till.simulator.clear_debit(str(taken.payment))
        till.deliver()
    db.session.rollback()
    assert states() == [CheckoutState.PAID] * 3
    assert [one.state for one in db.session.scalars(select(PledgeInstalment))] == [InstalmentState.PAID] * 3
    assert db.session.scalars(select(Pledge)).one().state is PledgeState.PAID
    assert db.session.scalar(select(func.count()).select_from(Receipt)) == 3
    assert ledger.queries.pot().contributed_pence == 30_000
    assert service.collect_fees(payments=till.payments, now=clock.now()) == 3
    assert ledger.service.check() == []


def test_the_notice_names_day_and_amount(till: Till, in_force: Mandate, clock: MovableClock) -> None:
    go_to(clock, date(2026, 6, 16))
    sweep(till)
    assert mails("debit:CO-") == []
    go_to(clock, date(2026, 6, 17))
    sweep(till)
    (notice,) = mails("debit:CO-")
    assert notice.subject == "£100 by Direct Debit on 1 July 2026"
    assert "PI-" in notice.what
    assert in_force.reference in notice.what
    assert notice.topic == "notice", "the scheme asks for it, so it can't be switched off"


def test_notice_is_a_setting_and_is_kept_when_an_instalment_is_due_sooner(
    till: Till, payer: Actor, clock: MovableClock
) -> None:
    with transaction() as session:
        session.add(Setting(key="direct_debit_notice_days", value="5", effective_from=clock.now(), set_at=clock.now()))
    till.debit(till.instalments(30_000, payer, first_on=date(2026, 6, 2)).id, payer)
    sweep(till)
    (planned,) = collections()
    assert planned.collect_on == date(2026, 6, 8)
    go_to(clock, date(2026, 6, 7))
    sweep(till)
    assert till.simulator.intents == {}
    go_to(clock, date(2026, 6, 8))
    sweep(till)
    assert len(till.simulator.intents) == 1


class Crash(BaseException):
    """The process is killed."""


@dataclass
class Meddling:
    """The provider, with something that happens after it was asked to take money."""

    till: Till
    after: Any

    def collect(self, wanted: DebitWanted) -> str:
        made = self.till.payments.collect(wanted)
        self.after()
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(self.till.payments, name)


def announced(till: Till) -> None:
    go_to(till.clock, date(2026, 6, 17))
    sweep(till)
    go_to(till.clock, JULY)


@pytest.mark.parametrize("key_is_forgotten", [False, True])
def test_a_kill_between_call_and_answer_takes_once(
    till: Till, in_force: Mandate, clock: MovableClock, key_is_forgotten: bool
) -> None:
    announced(till)

    def die() -> None:
        raise Crash

    with pytest.raises(Crash):
        collecting.collect(payments=Meddling(till, die), now=clock.now())
    db.session.rollback()
    assert states() == [CheckoutState.WANTED]
    sweep(till)
    assert states() == [CheckoutState.WANTED], "not asked again at once: the first asker may still be at it"
    if key_is_forgotten:
        clock.move(timedelta(days=3))
        till.simulator.answers.clear()
    clock.move(timedelta(minutes=11))
    sweep(till)
    assert states() == [CheckoutState.ON_ITS_WAY]
    (intent,) = till.simulator.intents
    assert collections()[0].payment == intent


def test_a_kill_before_the_call_takes_it_later(till: Till, in_force: Mandate, clock: MovableClock) -> None:
    announced(till)
    till.server.stop()
    assert collecting.collect(payments=till.payments, now=clock.now()) == 0
    assert states() == [CheckoutState.WANTED]
    till.server = type(till.server)(till.simulator, "sk_test_only").start()
    till.payments = type(till.payments)("sk_test_only", "whsec_only_for_tests", till.server.base)
    clock.move(timedelta(minutes=11))
    sweep(till)
    assert states() == [CheckoutState.ON_ITS_WAY]
    assert len(till.simulator.intents) == 1


def test_what_was_ended_while_the_answer_was_lost_is_not_asked_again(
    till: Till, payer: Actor, in_force: Mandate, clock: MovableClock
) -> None:
    number = in_force.id
    announced(till)
    till.server.stop()
    with pytest.raises(ProviderAway):
        till.payments.find_debit(DebitWanted("CO-1", "DD-1", 1, "x", "cus", "pm", "m"))
    collecting.collect(payments=till.payments, now=clock.now())
    till.server = type(till.server)(till.simulator, "sk_test_only").start()
    till.payments = type(till.payments)("sk_test_only", "whsec_only_for_tests", till.server.base)
    with transaction():
        mandates.end(mandate_id=number, actor=payer, now=clock.now())
    clock.move(timedelta(minutes=11))
    sweep(till)
    assert states() == [CheckoutState.DROPPED]
    assert till.simulator.intents == {}


def test_a_message_that_is_quicker_than_the_answer(till: Till, in_force: Mandate, clock: MovableClock) -> None:
    announced(till)

    def clear() -> None:
        (payment,) = till.simulator.intents
        till.simulator.clear_debit(payment)
        till.deliver()

    collecting.collect(payments=Meddling(till, clear), now=clock.now())
    assert states() == [CheckoutState.PAID]
    assert collections()[0].payment in till.simulator.intents
    assert ledger.queries.pot().contributed_pence == 10_000


def test_two_schedulers_at_once_take_once(
    till: Till, app: Flask, in_force: Mandate, payer: Actor, clock: MovableClock
) -> None:
    till.debit(till.instalments(30_000, payer, first_on=JULY).id, payer)
    go_to(clock, date(2026, 6, 17))
    for moment in (clock.now(), clock.now() + timedelta(days=14)):
        gate = threading.Barrier(2)
        failures: list[BaseException] = []

        def work(moment: Any = moment, gate: threading.Barrier = gate, failures: list[Any] = failures) -> None:
            with app.app_context():
                gate.wait()
                try:
                    collecting.sweep(moment, till.payments)
                except Exception as error:
                    failures.append(error)
                finally:
                    db.session.remove()

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
    assert states() == [CheckoutState.ON_ITS_WAY] * 2
    assert len(till.simulator.intents) == 2
    assert len(mails("debit:CO-")) == 2


def test_ended_by_the_bank_it_goes_back_to_bank_transfer(
    till: Till, in_force: Mandate, payer: Actor, clock: MovableClock
) -> None:
    number, mandate = in_force.id, str(in_force.mandate)
    assert contributions.tasks(payer, clock.now()) == []
    announced(till)
    till.simulator.revoke(mandate, "account_closed")
    for _ in range(2):
        till.deliver()
    sweep(till)
    assert states() == [CheckoutState.DROPPED]
    assert till.simulator.intents == {}
    db.session.rollback()
    ended = db.session.get_one(Mandate, number)
    assert (ended.state, ended.end_reason) == (MandateState.ENDED, "account_closed")
    (told,) = mails(":ended:")
    assert "account closed" in told.what
    assert "bank transfer" in told.what
    (task,) = contributions.tasks(payer, clock.now())
    assert task.title.startswith("Pay your pledge")
    with transaction():
        assert reminders.sweep(clock.now()) == 1


def test_no_reminder_of_what_is_taken(till: Till, in_force: Mandate, clock: MovableClock) -> None:
    announced(till)
    with transaction():
        assert reminders.sweep(clock.now()) == 0
    sweep(till)
    with transaction():
        assert reminders.sweep(clock.now()) == 0


def test_the_invoice_of_what_is_taken_asks_for_no_transfer(
    till: Till, in_force: Mandate, payer: Actor, clock: MovableClock
) -> None:
    till.instalments(10_000, payer, first_on=JULY)
    go_to(clock, date(2026, 6, 5))
    with transaction():
        assert invoices.sweep(clock.now()) == 2
    taken, asked = mails("invoice:")
    assert "Make no transfer" in taken.what
    assert "Quote PI-" in asked.what


def test_ended_by_the_payer(till: Till, in_force: Mandate, payer: Actor, clock: MovableClock) -> None:
    number, mandate = in_force.id, str(in_force.mandate)
    announced(till)
    stranger = officer(member("Birch", Sector.VCSE))[1]
    with pytest.raises(NotFound), transaction():
        mandates.end(mandate_id=number, actor=stranger, now=clock.now())
    with transaction():
        mandates.end(mandate_id=number, actor=payer, now=clock.now())
    with pytest.raises(Conflict), transaction():
        mandates.end(mandate_id=number, actor=payer, now=clock.now())
    assert till.simulator.mandates[mandate]["status"] == "active"
    for _ in range(2):
        sweep(till)
        till.deliver()
    assert till.simulator.mandates[mandate]["status"] == "inactive"
    assert states() == [CheckoutState.DROPPED]
    assert till.simulator.intents == {}
    assert db.session.get_one(Mandate, number).provider_told_at is not None
    (told,) = mails(":ended:")
    assert "Fay ended it" in told.what


def test_ended_before_bank_details_were_given(till: Till, payer: Actor, clock: MovableClock) -> None:
    wanted = till.want_debit(till.instalments(30_000, payer).id, payer)
    number, page = wanted.id, str(wanted.provider_id)
    with transaction():
        mandates.end(mandate_id=number, actor=payer, now=clock.now())
    till.simulator.pay(page)
    till.deliver()
    sweep(till)
    assert db.session.get_one(Mandate, number).state is MandateState.ENDED
    (held,) = till.simulator.mandates.values()
    assert held["status"] == "inactive"


def test_a_page_that_nobody_used(till: Till, payer: Actor) -> None:
    pledge_id = till.instalments(30_000, payer).id
    wanted = till.want_debit(pledge_id, payer)
    number, page = wanted.id, str(wanted.provider_id)
    assert till.want_debit(pledge_id, payer).id == number
    assert len(till.simulator.sessions) == 1
    till.simulator.expire(page)
    till.deliver()
    db.session.rollback()
    assert db.session.get_one(Mandate, number).state is MandateState.EXPIRED
    assert till.want_debit(pledge_id, payer).id != number


def test_a_saved_account_serves_the_next_pledge(till: Till, in_force: Mandate, payer: Actor) -> None:
    number = in_force.id
    pledge_id = till.instalments(6_000, payer, first_on=JULY).id
    assert till.want_debit(pledge_id, payer).id == number
    assert len(till.simulator.sessions) == 1
    with pytest.raises(Conflict, match="already"):
        till.want_debit(pledge_id, payer)
    assert len(reads.pledges_under(number)) == 2


def test_a_new_direct_debit_after_the_old_one_ended(
    till: Till, in_force: Mandate, payer: Actor, clock: MovableClock
) -> None:
    number, pledge_id = in_force.id, reads.pledges_under(in_force.id)[0].id
    announced(till)
    with transaction():
        mandates.end(mandate_id=number, actor=payer, now=clock.now())
    anew = till.debit(pledge_id, payer)
    assert anew.id != number
    sweep(till)
    assert states() == [CheckoutState.DROPPED, CheckoutState.PLANNED]


def test_who_may_set_one_up(till: Till, payer: Actor) -> None:
    pledge_id = till.instalments(30_000, payer).id
    stranger = officer(member("Birch", Sector.VCSE), Role.FINANCE)[1]
    with pytest.raises(NotFound):
        till.want_debit(pledge_id, stranger)
    assert payer.organisation_id is not None
    editor = person("Ed")
    appoint(editor, db.session.get_one(Organisation, payer.organisation_id), Role.EDITOR)
    with pytest.raises(NotAllowed):
        till.want_debit(pledge_id, acting(editor, db.session.get_one(Organisation, payer.organisation_id)))
    with pytest.raises(NotFound):
        till.want_debit(999_999, payer)


def test_what_is_paid_another_way_is_not_taken(till: Till, in_force: Mandate, payer: Actor) -> None:
    pledge_id = reads.pledges_under(in_force.id)[0].id
    announced(till)
    session = str(till.open(pledge_id, payer).provider_id)
    sweep(till)
    assert states() == [CheckoutState.PLANNED], "its payer may be on the payment page"
    till.simulator.pay(session)
    till.deliver()
    sweep(till)
    assert states() == [CheckoutState.DROPPED]
    assert db.session.get_one(Pledge, pledge_id).paid_pence == 30_000


def test_no_more_is_taken_than_is_still_due(till: Till, in_force: Mandate, clock: MovableClock) -> None:
    pledge = reads.pledges_under(in_force.id)[0]
    reference = pledge.reference
    announced(till)
    with transaction():
        pledging.receive(
            pledge_reference=reference, pence=4_000, received_on=JULY, source="stripe:pi_elsewhere",
            held_in=AccountKind.STRIPE, actor=None, now=clock.now(),
        )  # fmt: skip
    sweep(till)
    (intent,) = till.simulator.intents.values()
    assert intent["amount"] == 6_000
    assert collections()[0].pence == 6_000


@pytest.mark.parametrize(
    "parts",
    [
        [Part(date(2026, 7, 2), 10_000), Part(OCTOBER, 10_000), Part(JANUARY, 10_000)],
        [Part(JULY, 10_001), Part(OCTOBER, 9_999), Part(JANUARY, 10_000)],
    ],
)
def test_another_day_or_more_money_is_announced_anew(
    till: Till, in_force: Mandate, payer: Actor, clock: MovableClock, parts: list[Part]
) -> None:
    pledge_id = reads.pledges_under(in_force.id)[0].id
    go_to(clock, date(2026, 6, 17))
    sweep(till)
    with transaction():
        pledging.reschedule(pledge_id=pledge_id, parts=parts, actor=payer, now=clock.now())
    go_to(clock, JULY)
    sweep(till)
    assert till.simulator.intents == {}
    sweep(till)
    dropped, anew = collections()
    assert (dropped.state, anew.state) == (CheckoutState.DROPPED, CheckoutState.PLANNED)
    assert anew.pence == parts[0].pence
    assert anew.collect_on == date(2026, 7, 15)


def test_a_pledge_that_was_cancelled_is_not_taken(till: Till, in_force: Mandate, payer: Actor) -> None:
    pledge_id = reads.pledges_under(in_force.id)[0].id
    announced(till)
    with transaction():
        pledging.cancel(pledge_id=pledge_id, reason="A test", actor=payer, now=till.clock.now())
    sweep(till)
    assert states() == [CheckoutState.DROPPED]
    with pytest.raises(Conflict):
        till.want_debit(pledge_id, payer)


def test_who_is_no_member_any_more_is_not_debited(till: Till, in_force: Mandate) -> None:
    organisation_id = in_force.organisation_id
    announced(till)
    with transaction() as session:
        session.get_one(Organisation, organisation_id).status = MembershipStatus.LEFT
    sweep(till)
    sweep(till)
    assert states() == [CheckoutState.DROPPED]
    assert till.simulator.intents == {}


def test_a_debit_that_bounces_is_not_tried_again(till: Till, in_force: Mandate, clock: MovableClock) -> None:
    announced(till)
    sweep(till)
    till.simulator.bounce_debit(str(collections()[0].payment))
    for _ in range(2):
        till.deliver()
    for _ in range(2):
        clock.move(timedelta(days=1))
        sweep(till)
    assert states() == [CheckoutState.FAILED]
    assert ledger.queries.pot().contributed_pence == 0
    (told,) = mails(":failed:")
    assert "insufficient funds" in told.what
    assert "bank transfer" in told.what
    with transaction():
        assert reminders.sweep(clock.now()) == 1


def test_a_debit_that_the_provider_refuses(till: Till, in_force: Mandate) -> None:
    mandate = str(in_force.mandate)
    announced(till)
    till.simulator.mandates[mandate]["status"] = "inactive"  # and its message is on its way still
    sweep(till)
    assert states() == [CheckoutState.FAILED]
    (told,) = mails(":failed:")
    assert "The provided mandate is inactive" in told.what


def test_nothing_is_paid_twice_while_a_debit_is_on_its_way(till: Till, in_force: Mandate, payer: Actor) -> None:
    pledge_id = reads.pledges_under(in_force.id)[0].id
    announced(till)
    till.server.stop()
    collecting.collect(payments=till.payments, now=till.clock.now())
    till.server = type(till.server)(till.simulator, "sk_test_only").start()
    assert states() == [CheckoutState.WANTED]
    with pytest.raises(Conflict, match="on its way"):
        till.open(pledge_id, payer)
    (number,) = [one.id for one in collections()]
    service.open_page(checkout_id=number, payments=till.payments, base_url="http://localhost")
    assert states() == [CheckoutState.WANTED], "a collection has no page"


def test_what_is_too_much_for_one_debit_stays_a_bank_transfer(till: Till, payer: Actor, clock: MovableClock) -> None:
    too_much = till.instalments(6_000_003, payer, first_on=JULY).id
    with pytest.raises(RuleBroken, match="bank transfer"):
        till.want_debit(too_much, payer)
    till.debit(till.instalments(6_000_000, payer, first_on=JULY).id, payer)
    with transaction() as session:
        session.add(
            Setting(key="direct_debit_most_pence", value="1999999", effective_from=clock.now(), set_at=clock.now())
        )
    go_to(clock, date(2026, 6, 17))
    sweep(till)
    assert collections() == []


def test_messages_of_a_mandate_in_the_wrong_order(till: Till, payer: Actor, clock: MovableClock) -> None:
    wanted = till.want_debit(till.instalments(30_000, payer, first_on=JULY).id, payer)
    number = wanted.id
    till.simulator.pay(str(wanted.provider_id))
    (mandate,) = till.simulator.mandates
    till.simulator.revoke(mandate)
    till.deliver(lambda waiting: waiting.reverse())
    db.session.rollback()
    assert db.session.get_one(Mandate, number).state is MandateState.ENDED
    assert db.session.scalar(select(func.count()).where(ProviderEvent.settled_at.is_(None))) == 0


def test_a_mandate_of_somebody_else_does_not_wait_for_ever(till: Till, clock: MovableClock) -> None:
    strange = {
        "id": "evt_strange",
        "created": int(clock.now().timestamp()),
        "type": "mandate.updated",
        "data": {"object": {"id": "mandate_elsewhere", "object": "mandate", "status": "inactive"}},
    }
    assert till.send(strange) == 200
    assert db.session.scalars(select(ProviderEvent)).one().settled_at is None
    clock.move(rules.MESSAGE_WAITS)
    events.settle_waiting(clock.now())
    db.session.rollback()
    assert db.session.scalars(select(ProviderEvent)).one().settled_at is not None


def test_what_the_comparison_finds_is_booked_and_mails_nobody(till: Till, payer: Actor, clock: MovableClock) -> None:
    wanted = till.want_debit(till.instalments(30_000, payer, first_on=JULY).id, payer)
    number = wanted.id
    till.simulator.pay(str(wanted.provider_id))
    till.simulator.take_outgoing()
    before = len(mails(""))
    assert sweeps.compare(clock.now()) == 1
    assert db.session.get_one(Mandate, number).state is MandateState.ACTIVE
    assert len(mails("")) == before
    announced(till)
    sweep(till)
    before = len(mails(""))
    till.simulator.bounce_debit(str(collections()[0].payment))
    (mandate,) = till.simulator.mandates
    till.simulator.revoke(mandate)
    till.simulator.take_outgoing()
    assert sweeps.compare(clock.now()) == 2
    assert states() == [CheckoutState.FAILED]
    assert db.session.get_one(Mandate, number).state is MandateState.ENDED
    assert len(mails("")) == before


def test_a_debit_reversed_after_the_money_was_granted(till: Till, in_force: Mandate, clock: MovableClock) -> None:
    announced(till)
    sweep(till)
    payment = str(collections()[0].payment)
    till.simulator.clear_debit(payment)
    till.deliver()
    commit(8_000)
    clock.move(timedelta(days=60))
    till.simulator.dispute(payment, "debit_not_authorized")
    till.deliver()
    db.session.rollback()
    assert queries.short_pence() == 8_000
    sweep(till)
    clock.move(timedelta(days=30))
    sweep(till)
    assert states()[0] is CheckoutState.PAID
    assert len([one for one in collections() if one.instalment_id == collections()[0].instalment_id]) == 1
    assert ledger.service.check() == []
