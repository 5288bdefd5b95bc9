"""What the books show as owed follows the conditions of payment."""

from datetime import timedelta
from functools import partial

from flask import Flask
from sqlalchemy import select

import ledger.bank.service
import ledger.service
from fund.grants import service
from fund.grants.payments import owing
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.scheduler import run_due
from ledger import queries as books
from ledger.bank.models import PaymentOrder
from ledger.rules import AccountKind
from tests.fund.grants import awarding
from tests.fund.grants.awarding import Grant
from tests.races import at_once

K = AccountKind


def shown(grant: Grant) -> int:
    db.session.rollback()
    owner = f"grant:{grant.reference}"
    owed = books.balance(K.GRANTS_OWED, owner)
    assert books.balance(K.GRANTS_PAYABLE, owner) == -owed
    return owed


def test_it_is_owed_once_nothing_but_payment_remains(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.ready_to_live()
    grant.go_live()
    run_due(app)
    assert shown(grant) == 0  # the day has not come
    before = grant.balances()
    clock.move_to(clock.now() + timedelta(days=60))  # and nobody ran anything meanwhile
    run_due(app)
    # nobody gave bank details yet, which delays the payment and not the debt
    assert shown(grant) == grant.pence
    assert grant.balances() == before
    assert owing.sweep(clock.now()) == 0


def test_it_is_no_longer_owed_when_a_condition_falls_away(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    run_due(app)
    assert shown(grant) == grant.pence
    with awarding.unfunded(grant.item_id):
        assert owing.sweep(clock.now()) == 1
    assert shown(grant) == 0


def test_what_goes_to_the_bank_is_settled_and_what_comes_back_is_owed_again(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    run_due(app)
    grant.ordered()
    assert owing.sweep(clock.now()) == 0  # approved, and still to be paid
    with transaction() as session:
        order_id = session.scalars(select(PaymentOrder.id)).one()
        ledger.bank.service.make_payment_file(order_ids=[order_id], actor=grant.actors["steward"], now=grant.now)
    rest = shown(grant)
    assert 0 < rest < grant.pence
    assert owing.sweep(clock.now()) == 0
    with transaction():
        ledger.bank.service.fail_order(
            order_id=order_id, reason="Account closed", actor=grant.actors["second steward"], now=grant.now
        )
    assert shown(grant) == grant.pence
    assert owing.sweep(clock.now()) == 0


def test_several_who_find_different_sums_at_one_moment_wait_for_one_another(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    now = clock.now()
    with transaction():
        service.sweep(now)
    owner = f"grant:{grant.reference}"

    def owe(pence: int) -> object:
        return ledger.service.owe_grant(grant=owner, pence=pence, occurred_on=now.date(), actor=None, now=now)

    # who finds another sum waits for the first, instead of writing over it under the same key
    found = [partial(owe, grant.pence - less) for less in range(4)]
    assert at_once(app, *found) == [None] * 4
    owing.sweep(now)
    assert shown(grant) == grant.pence
    assert owing.sweep(now) == 0
