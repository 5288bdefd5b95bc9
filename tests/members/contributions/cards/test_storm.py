"""Two thousand messages of the provider, each up to five times, late, in any order and with forged ones between: the
books are those of a plain model that reads the provider's own story in order."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import func, select

import ledger.queries
import ledger.service
from fund.kernel.access import Actor, Role
from fund.kernel.db import db, transaction
from ledger.rules import AccountKind
from members.contributions import service as contributions
from members.contributions.cards import events, service
from members.contributions.cards.gateway import CheckoutWanted, Forged
from members.contributions.cards.mandates import collecting
from members.contributions.cards.mandates.models import Mandate
from members.contributions.cards.mandates.rules import MandateState
from members.contributions.cards.models import CardCheckout, Payout, ProviderEvent, TakenBack
from members.contributions.cards.rules import CheckoutState, Method
from members.contributions.models import Pledge, PledgeInstalment, Receipt
from members.models import Organisation
from members.rules import Sector
from tests.ledger.books import commit, put_in
from tests.members.contributions.cards.till import Till
from tests.world import member, officer

K = AccountKind
SPOKEN_FOR = 30_000_00
"""What is promised to a grant before the storm, so that what goes back may leave us short on the way."""


@dataclass
class Model:
    """The books as the provider's story makes them. No database, no order that matters, no message twice."""

    came: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)
    fees: int = 0
    ended: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    payouts: dict[str, bool] = field(default_factory=dict)

    def hear(self, name: str, about: dict[str, object]) -> None:
        """One message of the story, by the payment's id."""
        payment, pence = str(about.get("payment_intent")), int(str(about.get("amount") or 0))
        match name:
            case "checkout.session.completed" | "checkout.session.async_payment_succeeded":
                if about["payment_status"] == "paid":
                    self.came[payment] = int(str(about["amount_total"]))
            case "payment_intent.succeeded":
                self.came[str(about["id"])] = pence
            case "charge.dispute.funds_withdrawn":
                self.gone[payment] += pence
                self.fees += sum(one["fee"] for one in about["balance_transactions"])  # type: ignore[attr-defined]
            case "charge.dispute.funds_reinstated":
                self.gone[payment] -= pence
            case "checkout.session.async_payment_failed" | "checkout.session.expired":
                self.failed.add(str(about["client_reference_id"]))
            case "payment_intent.payment_failed":
                self.failed.add(about["metadata"]["reference"])  # type: ignore[index]
            case "payout.paid":
                self.payouts.setdefault(str(about["id"]), False)
            case "payout.failed":
                self.payouts[str(about["id"])] = True
            case "mandate.updated" if about["status"] == "inactive":
                self.ended.add(str(about["id"]))


def _open_pages(till: Till, payers: list[Actor], rng: random.Random, count: int) -> list[tuple[str, Method]]:
    """So many payment pages, opened without a transaction for each: (the provider's id, how it is paid)."""
    wanted: list[tuple[int, CheckoutWanted]] = []
    with transaction():
        for number in range(count):
            actor, method = payers[number % len(payers)], rng.choice(list(Method))
            assert actor.organisation_id is not None
            pledge = contributions.pledge(
                organisation_id=actor.organisation_id,
                pence=rng.randint(100, 40_000),
                po_number=None,
                actor=actor,
                now=till.clock.now(),
            )
            made = service.start(pledge_id=pledge.id, method=method, actor=actor, now=till.clock.now())
            asked = CheckoutWanted(made.reference, method, made.pence, "A test", "http://localhost/x")
            wanted.append((made.id, asked))
    opened = [(number, asked.method, till.payments.open_checkout(asked)) for number, asked in wanted]
    with transaction() as session:
        for number, _, page in opened:
            checkout = session.get_one(CardCheckout, number)
            checkout.provider_id, checkout.url, checkout.state = page.provider_id, page.url, CheckoutState.OPEN
    return [(page.provider_id, method) for _, method, page in opened]


def _live(till: Till, payers: list[Actor], rng: random.Random, acts: int) -> None:
    """What payers, banks and the provider do with so many payments and some saved Direct Debits."""
    debited = []
    for actor in payers:
        wanted = till.want_debit(till.instalments(50_000, actor, first_on=till.clock.now().date()).id, actor)
        till.simulator.pay(str(wanted.provider_id))
        debited.append(till.simulator.take_outgoing())
    for told in debited:
        for event in told:
            till.send(event)
    collecting.announce(till.clock.now())
    till.clock.move(timedelta(days=16))
    collecting.collect(payments=till.payments, now=till.clock.now())
    taken = list(till.simulator.intents)
    for payment in taken:
        if rng.random() < 0.3:
            till.simulator.bounce_debit(payment)
        else:
            till.simulator.clear_debit(payment)
    for mandate in list(till.simulator.mandates)[::2]:
        till.simulator.revoke(mandate)
    paid = [one for one in taken if till.simulator.intents[one]["status"] == "succeeded"]
    for page, method in _open_pages(till, payers, rng, acts):
        if rng.random() < 0.05:
            till.simulator.expire(page)
            continue
        payment = till.simulator.pay(page)["payment_intent"]
        if method is Method.BACS:
            if rng.random() < 0.2:
                till.simulator.bounce(page)
                continue
            till.simulator.clear(page)
        paid.append(payment)
    for payment in paid:
        if rng.random() < 0.4:
            disputed = till.simulator.dispute(payment, fee_pence=rng.choice([0, 2_000]))
            if rng.random() < 0.5:
                till.simulator.win(disputed)
    for number in range(max(2, acts // 20)):
        sent = till.simulator.pay_out(1_000 + number)
        if rng.random() < 0.3:
            till.simulator.fail_payout(sent)


def _by_post(till: Till, body: bytes, header: str) -> bool:
    """Whether the fund's address takes a message."""
    answer = till.post(body, header)
    assert answer in (200, 400)
    return answer == 200


def _by_service(till: Till, body: bytes, header: str) -> bool:
    """The same without HTTP, for many messages."""
    try:
        events.hear(till.payments.read_event(body, header, till.clock.now()), till.clock.now())
    except Forged:
        return False
    return True


def _bombard(till: Till, rng: random.Random, deliver: Callable[[Till, bytes, str], bool]) -> int:
    """Deliver every message up to five times in random order, a tenth of them late; one in twenty is forged."""
    told = till.simulator.take_outgoing()
    late = rng.sample(told, len(told) // 10)
    names = {str(event["id"]) for event in late}
    times = [event for event in told if event["id"] not in names for _ in range(rng.randint(1, 5))]
    rng.shuffle(times)
    rng.shuffle(late)
    for number, event in enumerate([*times, *late]):
        body, header = till.simulator.signed(event)
        if rng.random() < 0.05:
            forged = body.replace(str(event["id"]).encode(), f"evt_forged{number}".encode())
            assert not deliver(till, forged, header)
        assert deliver(till, body, header)
    return len(told)


@pytest.mark.parametrize("acts", [12, pytest.param(580, marks=pytest.mark.slow)])
def test_messages_in_any_order_have_one_result(till: Till, acts: int) -> None:
    """The larger number makes two thousand different messages, and some six thousand deliveries of them."""
    rng = random.Random(4)
    payers = [officer(member(f"Firm {number}", Sector.PRIVATE), Role.FINANCE)[1] for number in range(10)]
    put_in(SPOKEN_FOR)
    commit(SPOKEN_FOR)
    _live(till, payers, rng, acts)
    known = db.session.scalar(select(func.count()).select_from(ProviderEvent)) or 0
    told = _bombard(till, rng, _by_post if acts < 100 else _by_service)
    assert acts < 100 or told >= 2_000
    db.session.rollback()

    model = Model()
    for event in till.simulator.events:
        model.hear(event["type"], event["data"]["object"])
    assert db.session.scalar(select(func.count()).select_from(ProviderEvent)) == known + told
    assert db.session.scalar(select(func.count()).where(ProviderEvent.settled_at.is_(None))) == 0
    _compare(till, model, payers)
    assert ledger.service.check() == []


def _compare(till: Till, model: Model, payers: list[Actor]) -> None:
    checkouts = db.session.scalars(select(CardCheckout)).all()
    receipts = {one.id: one for one in db.session.scalars(select(Receipt))}
    booked = {str(one.payment): receipts[one.receipt_id].pence for one in checkouts if one.receipt_id is not None}
    assert booked == dict(model.came)
    assert len(receipts) == len(model.came)
    gone: Counter[str] = Counter()
    for back in db.session.scalars(select(TakenBack)):
        gone[str(back.checkout.payment)] += back.pence if back.undone_at is None else 0
    assert +gone == +model.gone
    unpaid = {one.reference for one in checkouts if one.state in (CheckoutState.FAILED, CheckoutState.EXPIRED)}
    assert unpaid == model.failed
    assert {one.item: one.failed_at is not None for one in db.session.scalars(select(Payout))} == model.payouts
    mandates = db.session.scalars(select(Mandate)).all()
    assert {one.mandate for one in mandates if one.state is MandateState.ENDED} == model.ended

    kept = model.came.copy()
    kept.subtract(model.gone)
    whose = {str(one.payment): one.pledge.organisation_id for one in checkouts if one.payment}
    for actor in payers:
        assert actor.organisation_id is not None
        owner = db.session.get_one(Organisation, actor.organisation_id).owner
        theirs = sum(pence for payment, pence in kept.items() if whose[payment] == actor.organisation_id)
        assert -ledger.queries.balance(K.CONTRIBUTIONS, owner) == theirs
    for pledge_id, paid in db.session.execute(select(Pledge.id, Pledge.paid_pence)):
        mine = {str(one.payment) for one in checkouts if one.pledge_id == pledge_id and one.payment}
        assert paid == sum(kept[payment] for payment in mine)
    paid_in_parts = select(func.sum(PledgeInstalment.paid_pence)).scalar_subquery()
    assert db.session.scalar(select(paid_in_parts)) == db.session.scalar(select(func.sum(Pledge.paid_pence)))

    net = sum(kept.values()) - model.fees
    assert ledger.queries.balance(K.STRIPE) == net
    assert ledger.queries.balance(K.FEES) == model.fees
    pot = ledger.queries.pot()
    assert (pot.contributed_pence, pot.committed_pence) == (SPOKEN_FOR + sum(kept.values()), SPOKEN_FOR)
    assert (pot.available_pence, pot.short_pence) == (max(net, 0), max(-net, 0))
