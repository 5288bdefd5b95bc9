"""Any order of postings against a plain model: the balances are equal, the sum is nought, nothing passes its limit.

The model is a few plain numbers that know nothing of accounts, legs or databases. Every verb of `ledger.service` that
moves money is a rule here; each key is used again at random, with the same content and with another.
"""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, RuleBroken
from ledger import queries, service
from ledger.rules import AccountKind
from tests.ledger.books import said

GRANTS = st.sampled_from(["grant:G-1", "grant:G-2"])
GIVERS = st.sampled_from(["org:GM-0001", "org:GM-0002"])
HELD = st.sampled_from([AccountKind.SUSPENSE, AccountKind.STRIPE])
PENCE = st.integers(1, 300)
K = AccountKind


def add(sums: dict[str, int], owner: str, pence: int) -> None:
    sums[owner] = sums.get(owner, 0) + pence


class Pot(RuleBasedStateMachine):
    """The books beside a few plain numbers, which begin where the example before left the database."""

    def __init__(self) -> None:
        super().__init__()
        self.bank, self.suspense, self.stripe = (queries.balance(kind) for kind in (K.BANK, K.SUSPENSE, K.STRIPE))
        self.available, self.short = queries.balance(K.AVAILABLE), -queries.balance(K.SHORTFALL)
        self.fees, self.in_transit = queries.balance(K.FEES), -queries.balance(K.IN_TRANSIT)
        self.earned = -queries.balance(K.INTEREST)
        self.shares = {owner: -pence for owner, pence in queries.balances_by_owner(K.SHARES).items()}
        self.given = {owner: -pence for owner, pence in queries.balances_by_owner(K.CONTRIBUTIONS).items()}
        self.refunded = queries.balances_by_owner(K.REFUNDS)
        self.asked = queries.balances_by_owner(K.RECEIVABLE)
        self.committed = queries.balances_by_owner(K.COMMITTED)
        self.paid = queries.balances_by_owner(K.GRANTS_PAID)
        self.owed = queries.balances_by_owner(K.GRANTS_OWED)
        self.on_the_way: list[tuple[str, str, int, int]] = []
        self.confirmed: list[tuple[str, str, int, int]] = []
        self.done: list[tuple[Callable[..., Any], dict[str, Any]]] = []

    def attempt(self, verb: Callable[..., Any], fits: bool, **more: Any) -> bool:
        """Do it; it must succeed just when it fits, and leave nothing where it doesn't."""
        content = said(**more)
        try:
            with transaction():
                verb(**content)
        except RuleBroken:
            assert not fits
            return False
        assert fits
        self.done.append((verb, content))
        return True

    def into_pot(self, pence: int) -> None:
        """What is short is made good first."""
        filled = min(self.short, pence)
        self.short -= filled
        self.available += pence - filled

    def out_of_pot(self, pence: int) -> None:
        """What is free goes first."""
        free = min(self.available, pence)
        self.available -= free
        self.short += pence - free

    @rule(pence=PENCE)
    def line_of_the_bank(self, pence: int) -> None:
        assert self.attempt(service.book_bank_line, True, pence=pence)
        self.bank += pence
        self.suspense -= pence

    @rule(giver=GIVERS, held=HELD, pence=PENCE)
    def contribute(self, giver: str, held: AccountKind, pence: int) -> None:
        assert self.attempt(service.receive_contribution, True, contributor=giver, pence=pence, held_in=held)
        if held is K.SUSPENSE:
            self.suspense += pence
        else:
            self.stripe += pence
        add(self.given, giver, pence)
        self.into_pot(pence)

    @rule(giver=GIVERS, pence=PENCE)
    def ask(self, giver: str, pence: int) -> None:
        assert self.attempt(service.ask_contribution, True, contributor=giver, pence=pence)
        add(self.asked, giver, pence)

    @rule(giver=GIVERS, pence=PENCE, kind=st.sampled_from(["invoice_paid", "invoice_credited", "written_off"]))
    def settle(self, giver: str, pence: int, kind: str) -> None:
        fits = pence <= self.asked.get(giver, 0)
        if self.attempt(service.settle_promise, fits, contributor=giver, pence=pence, kind=kind):
            self.asked[giver] -= pence

    @rule(grant=GRANTS, pence=PENCE)
    def commit(self, grant: str, pence: int) -> None:
        if self.attempt(service.commit, pence <= self.available and not self.short, grant=grant, pence=pence):
            self.available -= pence
            add(self.committed, grant, pence)

    @rule(grant=GRANTS, pence=PENCE)
    def release(self, grant: str, pence: int) -> None:
        if self.attempt(service.release, pence <= self.committed.get(grant, 0), grant=grant, pence=pence):
            self.available += pence
            self.committed[grant] -= pence

    @rule(grant=GRANTS, pence=PENCE)
    def pay(self, grant: str, pence: int) -> None:
        if self.attempt(service.pay_grant, pence <= self.committed.get(grant, 0), grant=grant, pence=pence):
            self.committed[grant] -= pence
            add(self.paid, grant, pence)
            self.in_transit += pence
            settled = min(pence, self.owed.get(grant, 0))
            if settled:
                self.owed[grant] -= settled
            self.on_the_way.append((self.done[-1][1]["key"], grant, pence, settled))

    @rule(grant=GRANTS, pence=st.integers(0, 300))
    def owe(self, grant: str, pence: int) -> None:
        fits = pence <= self.committed.get(grant, 0)
        more = {name: value for name, value in said().items() if name not in ("key", "description")}
        try:
            with transaction():
                moved = service.owe_grant(grant=grant, pence=pence, **more)
        except RuleBroken:
            assert not fits
        else:
            assert fits
            assert (moved is not None) is (pence != self.owed.get(grant, 0))
            if moved is not None:
                self.owed[grant] = pence

    @precondition(lambda self: self.on_the_way)
    @rule()
    def confirm(self) -> None:
        key, grant, pence, settled = self.on_the_way.pop()
        assert self.attempt(service.book_bank_line, True, pence=-pence)
        assert self.attempt(service.confirm_payment, True, pence=pence, key=service.confirmation_key(key))
        self.bank -= pence
        self.in_transit -= pence
        self.confirmed.append((key, grant, pence, settled))

    @precondition(lambda self: self.on_the_way)
    @rule()
    def fail(self) -> None:
        self._come_back(*self.on_the_way.pop(0))

    @precondition(lambda self: self.confirmed)
    @rule()
    def come_back(self) -> None:
        """It had left the bank: the money waits in suspense until its line into the bank is read."""
        key, grant, pence, settled = self.confirmed.pop(0)
        self._come_back(key, grant, pence, settled)
        self.in_transit += pence
        self.suspense += pence

    def _come_back(self, key: str, grant: str, pence: int, settled: int) -> None:
        more = {name: value for name, value in said().items() if name not in ("key", "description")}
        with transaction():
            service.return_payment(key=f"{key}:back", paid_key=key, reason="Closed", **more)
        self.in_transit -= pence
        self.paid[grant] -= pence
        add(self.committed, grant, pence)
        if settled:
            add(self.owed, grant, settled)

    @rule(giver=GIVERS, held=HELD, pence=PENCE)
    def take_back(self, giver: str, held: AccountKind, pence: int) -> None:
        fits = pence <= self.given.get(giver, 0)
        more = {"contributor": giver, "held_in": held, "reason": "Reversed by the bank"}
        if self.attempt(service.take_back, fits, pence=pence, **more):
            self._held(held, -pence)
            self.given[giver] -= pence
            self.out_of_pot(pence)

    @rule(held=HELD, pence=PENCE)
    def charge(self, held: AccountKind, pence: int) -> None:
        assert self.attempt(service.charge_fee, True, pence=pence, held_in=held)
        self._held(held, -pence)
        self.fees += pence
        self.out_of_pot(pence)

    @rule(giver=GIVERS, held=HELD, pence=PENCE)
    def refund(self, giver: str, held: AccountKind, pence: int) -> None:
        more = {"contributor": giver, "held_in": held, "reason": "Paid twice"}
        if self.attempt(service.refund, pence <= self.available, pence=pence, **more):
            self._held(held, -pence)
            add(self.refunded, giver, pence)
            self.available -= pence

    def _held(self, held: AccountKind, pence: int) -> None:
        if held is K.SUSPENSE:
            self.suspense += pence
        else:
            self.stripe += pence

    @rule(pence=PENCE)
    def make_good(self, pence: int) -> None:
        content = {name: value for name, value in said(pence=pence).items() if name != "description"}
        fits = pence <= min(self.available, self.short)
        try:
            with transaction():
                service.make_good(**content)
        except RuleBroken:
            assert not fits
        else:
            assert fits
            self.available -= pence
            self.short -= pence

    @rule(pence=PENCE)
    def interest(self, pence: int) -> None:
        assert self.attempt(service.receive_interest, True, pence=pence)
        self.suspense += pence
        self.earned += pence
        self.into_pot(pence)

    @rule(giver=GIVERS, pence=PENCE)
    def share_money(self, giver: str, pence: int) -> None:
        assert self.attempt(service.receive_share_money, True, member=giver, pence=pence)
        self.suspense += pence
        add(self.shares, giver, pence)

    @rule(pence=PENCE)
    def payout(self, pence: int) -> None:
        assert self.attempt(service.receive_payout, True, pence=pence)
        self.stripe -= pence
        self.suspense += pence

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def again(self, data: st.DataObject) -> None:
        """A key that was used before says the same thing and moves nothing."""
        verb, content = data.draw(st.sampled_from(self.done))
        with transaction():
            answer = verb(**content)
        assert not getattr(answer, "posted", answer).first

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def another_under_the_same_key(self, data: st.DataObject) -> None:
        verb, content = data.draw(st.sampled_from(self.done))
        with pytest.raises(Conflict), transaction():
            verb(**content | {"description": "Something else"})

    @invariant()
    def agree(self) -> None:
        pot = queries.pot()
        assert pot.available_pence == self.available >= 0
        assert -queries.balance(K.SHORTFALL) == self.short >= 0
        assert queries.balances_by_owner(K.COMMITTED) == self.committed
        assert queries.balances_by_owner(K.GRANTS_PAID) == self.paid
        assert queries.balances_by_owner(K.GRANTS_OWED) == self.owed
        assert queries.balances_by_owner(K.GRANTS_PAYABLE) == {grant: -pence for grant, pence in self.owed.items()}
        assert queries.balances_by_owner(K.REFUNDS) == self.refunded
        assert queries.balances_by_owner(K.RECEIVABLE) == self.asked
        assert {owner: -pence for owner, pence in queries.balances_by_owner(K.CONTRIBUTIONS).items()} == self.given
        assert {owner: -pence for owner, pence in queries.balances_by_owner(K.SHARES).items()} == self.shares
        assert (queries.balance(K.FEES), -queries.balance(K.INTEREST)) == (self.fees, self.earned)
        assert pot.in_transit_pence == self.in_transit >= 0
        held = (queries.balance(K.BANK), -queries.balance(K.SUSPENSE), queries.balance(K.STRIPE))
        assert held == (self.bank, -self.suspense, self.stripe)
        assert sum(pence for _, pence in queries.totals_by_kind().values()) == 0
        db.session.rollback()

    def teardown(self) -> None:
        assert service.check() == []


SETTINGS = settings(
    max_examples=15,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
"""The same steps in every run."""


def test_the_books_agree_with_a_plain_model(app: Flask) -> None:
    run_state_machine_as_test(Pot, settings=SETTINGS)
