"""Any order of postings against a plain model: the balances are equal, the sum is nought, nothing passes its limit."""

from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from fund.kernel.db import db, transaction
from fund.kernel.errors import RuleBroken
from ledger import queries, service
from ledger.rules import AccountKind
from tests.ledger.books import put_in, said

GRANTS = st.sampled_from(["grant:G-1", "grant:G-2"])
PENCE = st.integers(1, 300)
K = AccountKind


class Pot(RuleBasedStateMachine):
    """The books beside a few plain numbers, which begin where the example before left the database."""

    def __init__(self) -> None:
        super().__init__()
        self.available = queries.balance(K.AVAILABLE)
        self.committed = queries.balances_by_owner(K.COMMITTED)
        self.paid = queries.balances_by_owner(K.GRANTS_PAID)
        self.on_the_way: list[tuple[str, str, int]] = []
        self.in_transit = -queries.balance(K.IN_TRANSIT)

    def attempt(self, verb: object, fits: bool, **more: object) -> bool:
        """Do it; it must succeed just when it fits."""
        try:
            with transaction():
                verb(**more)  # type: ignore[operator]
        except RuleBroken:
            assert not fits
            return False
        assert fits
        return True

    @rule(pence=PENCE)
    def contribute(self, pence: int) -> None:
        put_in(pence)
        self.available += pence

    @rule(grant=GRANTS, pence=PENCE)
    def commit(self, grant: str, pence: int) -> None:
        if self.attempt(service.commit, pence <= self.available, grant=grant, pence=pence, **said()):
            self.available -= pence
            self.committed[grant] = self.committed.get(grant, 0) + pence

    @rule(grant=GRANTS, pence=PENCE)
    def release(self, grant: str, pence: int) -> None:
        if self.attempt(service.release, pence <= self.committed.get(grant, 0), grant=grant, pence=pence, **said()):
            self.available += pence
            self.committed[grant] -= pence

    @rule(grant=GRANTS, pence=PENCE)
    def pay(self, grant: str, pence: int) -> None:
        content = said()
        if self.attempt(service.pay_grant, pence <= self.committed.get(grant, 0), grant=grant, pence=pence, **content):
            self.committed[grant] -= pence
            self.paid[grant] = self.paid.get(grant, 0) + pence
            self.in_transit += pence
            self.on_the_way.append((content["key"], grant, pence))

    @rule()
    def confirm(self) -> None:
        if self.on_the_way:
            key, _, pence = self.on_the_way.pop()
            with transaction():
                service.book_bank_line(pence=-pence, **said())
                service.confirm_payment(pence=pence, **said(key=service.confirmation_key(key)))
            self.in_transit -= pence

    @rule()
    def come_back(self) -> None:
        if self.on_the_way:
            key, grant, pence = self.on_the_way.pop()
            more = {name: value for name, value in said().items() if name not in ("key", "description")}
            with transaction():
                service.return_payment(key=f"{key}:back", paid_key=key, reason="Closed", **more)
            self.in_transit -= pence
            self.paid[grant] -= pence
            self.committed[grant] += pence

    @invariant()
    def agree(self) -> None:
        pot = queries.pot()
        assert pot.available_pence == self.available >= 0
        assert queries.balances_by_owner(K.COMMITTED) == self.committed
        assert queries.balances_by_owner(K.GRANTS_PAID) == self.paid
        assert pot.in_transit_pence == self.in_transit
        assert pot.contributed_pence == pot.available_pence + pot.committed_pence + pot.paid_pence
        assert sum(pence for _, pence in queries.totals_by_kind().values()) == 0
        db.session.rollback()

    def teardown(self) -> None:
        assert service.check() == []
        db.session.rollback()


def test_the_books_agree_with_a_plain_model(app: Flask) -> None:
    run_state_machine_as_test(
        Pot,
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
