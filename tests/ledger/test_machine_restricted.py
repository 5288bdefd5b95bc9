"""Any order of postings over restricted funds against a plain model: each fund pays for itself, to the penny.

The model keeps three numbers for each fund (free, short, reserved by grant) and the handbook's order: restricted money
is spent first, and goes back last. The unrestricted money (None) stands in for what is short anywhere, never the
other way round.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from fund.kernel.db import db, transaction
from fund.kernel.errors import RuleBroken
from ledger import queries, service
from ledger.rules import AccountKind
from tests.ledger.books import said
from tests.ledger.test_machine import SETTINGS

K = AccountKind
Fund = str | None
FUNDS: list[Fund] = ["RF-001", "RF-002", None]
ANY_FUND = st.sampled_from(FUNDS)
GRANTS = ["grant:G-1", "grant:G-2"]
ANY_GRANT = st.sampled_from(GRANTS)
GIVERS = ["org:GM-0001", "org:GM-0002"]
ANY_GIVER = st.sampled_from(GIVERS)
PENCE = st.integers(1, 300)
SHARE = st.integers(0, 10_000)


def near(limit: int, share: int) -> int:
    """Pence that mostly fit within `limit`, and sometimes don't: made of what was drawn, so that what may be drawn
    never depends on the books."""
    return 1 + share % (limit + limit // 8 + 2)


def held(kind: AccountKind, owner: str | None = None, sign: int = 1) -> dict[Fund, int]:
    found = queries.balances_by_restriction(kind, owner)
    return {one: sign * found.get(one, 0) for one in FUNDS}


class Funds(RuleBasedStateMachine):
    """The books beside a few plain numbers, which begin where the example before left the database."""

    def __init__(self) -> None:
        super().__init__()
        self.free, self.short = held(K.AVAILABLE), held(K.SHORTFALL, sign=-1)
        self.reserved = {grant: held(K.COMMITTED, grant) for grant in GRANTS}
        self.owed = {grant: held(K.GRANTS_OWED, grant) for grant in GRANTS}
        self.paid = {grant: held(K.GRANTS_PAID, grant) for grant in GRANTS}
        self.given = {giver: held(K.CONTRIBUTIONS, giver, -1) for giver in GIVERS}
        self.on_the_way: list[tuple[str, str, dict[Fund, int], dict[Fund, int]]] = []

    def attempt(self, verb: Callable[..., Any], fits: bool, **more: Any) -> str | None:
        """Do it; it must succeed just when it fits. Its key, where it did."""
        content = said(**more)
        if verb is service.make_good:
            del content["description"]
        try:
            with transaction():
                verb(**content)
        except RuleBroken:
            assert not fits
            return None
        assert fits
        return str(content["key"])

    @rule(giver=ANY_GIVER, fund=ANY_FUND, pence=st.integers(1, 3000))
    def contribute(self, giver: str, fund: Fund, pence: int) -> None:
        assert self.attempt(service.receive_contribution, True, contributor=giver, pence=pence, restriction=fund)
        self.given[giver][fund] += pence
        filled = min(pence, self.short[fund])
        self.short[fund] -= filled
        self.free[fund] += pence - filled

    @rule(giver=ANY_GIVER, fund=ANY_FUND, pence=PENCE)
    def take_back(self, giver: str, fund: Fund, pence: int) -> None:
        fits = pence <= self.given[giver][fund]
        more = {"contributor": giver, "restriction": fund, "reason": "Reversed by the bank"}
        if self.attempt(service.take_back, fits, pence=pence, **more):
            self.given[giver][fund] -= pence
            used = min(pence, self.free[fund])
            self.free[fund] -= used
            self.short[fund] += pence - used

    @rule(giver=ANY_GIVER, fund=ANY_FUND, share=SHARE)
    def refund(self, giver: str, fund: Fund, share: int) -> None:
        pence = near(self.free[fund] // 10, share)
        more = {"contributor": giver, "restriction": fund, "reason": "Paid twice"}
        if self.attempt(service.refund, pence <= self.free[fund], pence=pence, **more):
            self.free[fund] -= pence

    @rule(grant=ANY_GRANT, shares=st.dictionaries(ANY_FUND, SHARE, min_size=1))
    def commit(self, grant: str, shares: dict[Fund, int]) -> None:
        parts = {fund: near(self.free[fund], share) for fund, share in shares.items()}
        fits = all(pence <= self.free[fund] and not self.short[fund] for fund, pence in parts.items())
        if None in parts and any(self.short.values()):
            fits = False
        if self.attempt(service.commit, fits, grant=grant, pence=sum(parts.values()), parts=parts):
            for fund, pence in parts.items():
                self.free[fund] -= pence
                self.reserved[grant][fund] += pence

    def _parts(self, grant: str, pence: int, order: list[Fund]) -> dict[Fund, int]:
        parts = {}
        for fund in order:
            parts[fund] = min(pence - sum(parts.values()), self.reserved[grant][fund])
        return parts

    @rule(grant=ANY_GRANT, share=SHARE)
    def release(self, grant: str, share: int) -> None:
        pence = near(sum(self.reserved[grant].values()), share)
        fits = pence <= sum(self.reserved[grant].values())
        if self.attempt(service.release, fits, grant=grant, pence=pence):
            for fund, part in self._parts(grant, pence, [None, "RF-001", "RF-002"]).items():
                self.free[fund] += part
                self.reserved[grant][fund] -= part

    @rule(grant=ANY_GRANT, share=SHARE)
    def pay(self, grant: str, share: int) -> None:
        pence = near(sum(self.reserved[grant].values()), share)
        fits = pence <= sum(self.reserved[grant].values())
        key = self.attempt(service.pay_grant, fits, grant=grant, pence=pence)
        if key is not None:
            parts = self._parts(grant, pence, FUNDS)
            settled = {fund: min(part, self.owed[grant][fund]) for fund, part in parts.items()}
            self._move(grant, parts, settled, 1)
            self.on_the_way.append((key, grant, parts, settled))

    @rule()
    def fail(self) -> None:
        if not self.on_the_way:  # no precondition: what may be drawn must not depend on the example before
            return
        key, grant, parts, settled = self.on_the_way.pop(0)
        more = {name: value for name, value in said().items() if name not in ("key", "description")}
        with transaction():
            service.return_payment(key=f"{key}:back", paid_key=key, reason="Closed", **more)
        self._move(grant, parts, settled, -1)

    def _move(self, grant: str, parts: dict[Fund, int], settled: dict[Fund, int], sign: int) -> None:
        for fund in FUNDS:
            self.reserved[grant][fund] -= sign * parts[fund]
            self.paid[grant][fund] += sign * parts[fund]
            self.owed[grant][fund] -= sign * settled[fund]

    @rule(grant=ANY_GRANT, share=SHARE)
    def owe(self, grant: str, share: int) -> None:
        pence = near(sum(self.reserved[grant].values()), share) - 1
        fits = pence <= sum(self.reserved[grant].values())
        more = {name: value for name, value in said().items() if name not in ("key", "description")}
        try:
            with transaction():
                service.owe_grant(grant=grant, pence=pence, **more)
        except RuleBroken:
            assert not fits
        else:
            assert fits
            self.owed[grant] = self._parts(grant, pence, FUNDS)

    @rule(share=SHARE)
    def make_good(self, share: int) -> None:
        """What is short in the unrestricted money first, then fund by fund, each with its own free money first."""
        pence = near(sum(self.short.values()), share)
        filled: dict[Fund, int] = defaultdict(int)
        used: dict[Fund, int] = defaultdict(int)
        for fund in (None, "RF-001", "RF-002"):
            filled[fund] = min(pence - sum(filled.values()), self.short[fund])
            own = filled[fund] if fund is None else min(filled[fund], self.free[fund])
            used[fund] += own
            used[None] += filled[fund] - own
        fits = sum(filled.values()) == pence and used[None] <= self.free[None]
        if self.attempt(service.make_good, fits, pence=pence):
            for fund in FUNDS:
                self.short[fund] -= filled[fund]
                self.free[fund] -= used[fund]

    @invariant()
    def agree(self) -> None:
        assert held(K.AVAILABLE) == self.free
        assert held(K.SHORTFALL, sign=-1) == self.short
        assert min(*self.free.values(), *self.short.values()) >= 0
        for grant in GRANTS:
            assert held(K.COMMITTED, grant) == self.reserved[grant]
            assert held(K.GRANTS_PAID, grant) == self.paid[grant]
            assert held(K.GRANTS_OWED, grant) == self.owed[grant]
            assert held(K.GRANTS_PAYABLE, grant, -1) == self.owed[grant]
        for giver in GIVERS:
            assert held(K.CONTRIBUTIONS, giver, -1) == self.given[giver]
        assert sum(pence for _, pence in queries.totals_by_kind().values()) == 0
        db.session.rollback()

    def teardown(self) -> None:
        assert service.check() == []


def test_each_fund_agrees_with_a_plain_model(app: Flask) -> None:
    run_state_machine_as_test(Funds, settings=SETTINGS)
