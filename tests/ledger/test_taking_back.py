"""Money that is taken back after it was awarded, fees, refunds, and how what is short is made good."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fund.kernel.db import transaction
from fund.kernel.errors import RuleBroken
from ledger import queries, service
from ledger.rules import AccountKind
from ledger.service import TakenFromPot
from tests.ledger.books import GRANT, ORG, commit, put_in, said

K = AccountKind


def take(pence: int, **more: object) -> TakenFromPot:
    with transaction():
        return service.take_back(contributor=ORG, pence=pence, **said(reason="Reversed by the payer's bank", **more))


def charge(pence: int) -> None:
    with transaction():
        service.charge_fee(pence=pence, **said())


def give_back(pence: int) -> None:
    with transaction():
        service.refund(contributor=ORG, pence=pence, **said(reason="Paid twice"))


def budget() -> tuple[int, int, int, int]:
    """What is free, committed, short, and the authority that balances them."""
    committed = sum(queries.balances_by_owner(K.COMMITTED).values())
    return queries.balance(K.AVAILABLE), committed, queries.balance(K.SHORTFALL), queries.balance(K.AUTHORITY)


def test_what_is_free_goes_first_and_the_rest_is_short(app: Flask) -> None:
    put_in(1_000)
    commit(700)
    taken = take(500)
    assert taken.short_pence == 200
    assert queries.balance(K.AVAILABLE) == 0
    assert queries.balance(K.SHORTFALL) == -200
    assert queries.balances_by_owner(K.CONTRIBUTIONS) == {ORG: -500}
    assert queries.balance(K.STRIPE) == -500
    assert sum(budget()) == 0
    assert service.check() == []


def test_money_that_was_granted_and_paid_can_be_taken_back(app: Flask) -> None:
    put_in(1_000)
    commit(1_000)
    with transaction():
        service.pay_grant(grant=GRANT, pence=1_000, **said())
    assert take(1_000).short_pence == 1_000
    assert budget() == (0, 0, -1_000, 1_000)
    assert service.check() == []


def test_the_next_money_in_makes_good_first(app: Flask) -> None:
    put_in(1_000)
    commit(1_000)
    take(600)
    put_in(400)
    assert (queries.balance(K.SHORTFALL), queries.balance(K.AVAILABLE)) == (-200, 0)
    put_in(500)
    assert (queries.balance(K.SHORTFALL), queries.balance(K.AVAILABLE)) == (0, 300)
    assert sum(budget()) == 0


def test_no_agreement_reserves_money_while_some_is_short(app: Flask) -> None:
    put_in(1_000)
    commit(1_000)
    take(100)
    with transaction():
        service.release(grant=GRANT, pence=300, **said())
    with pytest.raises(RuleBroken, match="short of £1,"):
        commit(50, "grant:G-2026-004")
    with pytest.raises(RuleBroken), transaction():
        service.make_good(key="good:2", pence=101, occurred_on=said()["occurred_on"], actor=None, now=said()["now"])
    with transaction():
        service.make_good(key="good:1", pence=100, occurred_on=said()["occurred_on"], actor=None, now=said()["now"])
    commit(50, "grant:G-2026-004")
    assert budget() == (150, 750, 0, -900)


def test_the_same_act_again_says_the_same_although_balances_moved(app: Flask) -> None:
    put_in(1_000)
    commit(900)
    same = said(reason="Reversed by the payer's bank")
    with transaction():
        first = service.take_back(contributor=ORG, pence=300, **same)
    receipt = said()
    for _ in range(2):
        with transaction():
            service.receive_contribution(contributor=ORG, pence=700, held_in=K.STRIPE, **receipt)
    with transaction():
        again = service.take_back(contributor=ORG, pence=300, **same)
    assert (first.posted.first, again.posted.first) == (True, False)
    assert again.short_pence == first.short_pence == 200
    assert budget() == (500, 900, 0, -1_400)


def test_a_commitment_of_before_is_confirmed_again_although_money_is_short_now(app: Flask) -> None:
    put_in(1_000)
    commit(1_000, key="the one")
    take(100)
    assert not commit(1_000, key="the one").first


def test_nobody_takes_back_more_than_they_gave(app: Flask) -> None:
    put_in(1_000)
    with pytest.raises(RuleBroken):
        take(1_001)
    assert queries.balance(K.AVAILABLE) == 1_000


def test_a_refund_is_our_own_act_and_uses_free_money_only(app: Flask) -> None:
    put_in(1_000)
    commit(800)
    with pytest.raises(RuleBroken, match="free"):
        give_back(201)
    give_back(200)
    assert budget() == (0, 800, 0, -800)
    assert queries.balances_by_owner(K.REFUNDS) == {ORG: 200}


def test_a_fee_makes_less_free_and_a_payout_moves_money_to_the_bank(app: Flask) -> None:
    with transaction():
        service.receive_contribution(contributor=ORG, pence=1_000, held_in=K.STRIPE, **said())
        service.charge_fee(pence=35, **said())
        service.book_bank_line(pence=965, **said())
        service.receive_payout(pence=965, **said())
    assert (queries.balance(K.STRIPE), queries.balance(K.SUSPENSE), queries.balance(K.BANK)) == (0, 0, 965)
    assert queries.balance(K.FEES) == 35
    assert budget() == (965, 0, 0, -965)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(
        st.tuples(st.sampled_from(["in", "commit", "back", "fee", "refund"]), st.integers(1, 500)), max_size=12
    )
)
def test_whatever_happens_the_budget_balances_and_nothing_free_is_negative(
    app: Flask, acts: list[tuple[str, int]]
) -> None:
    verbs: dict[str, Callable[[int], object]] = {
        "in": put_in,
        "commit": commit,
        "back": take,
        "fee": charge,
        "refund": give_back,
    }
    for act, pence in acts:
        with suppress(RuleBroken):
            verbs[act](pence)
        assert sum(budget()) == 0
        assert queries.balance(K.AVAILABLE) >= 0
        assert queries.balance(K.SHORTFALL) <= 0
        pot = queries.pot()
        came = pot.contributed_pence + pot.interest_pence - pot.fees_pence
        assert came == pot.available_pence - pot.short_pence + pot.committed_pence + pot.paid_pence
        assert pot.contributed_pence == sum(queries.paid_in_by_owner().values())
    assert service.check() == []


# --- restricted funds: each is short for itself

RF = "RF-001"


def _restricted(pence: int) -> None:
    put_in(pence, restriction=RF)


def _take_back(pence: int, restriction: str | None, **more: object) -> None:
    with transaction():
        service.take_back(
            contributor=ORG,
            pence=pence,
            reason="Reversed",
            held_in=AccountKind.SUSPENSE,
            restriction=restriction,
            **said(**more),
        )


def _stands(kind: AccountKind) -> dict[str | None, int]:
    return {one: pence for one, pence in queries.balances_by_restriction(kind).items() if pence}


def test_restricted_money_taken_back_leaves_its_own_fund_short_and_no_other(app: Flask) -> None:
    put_in(50_00)
    _restricted(100_00)
    commit(80_00, parts={RF: 80_00})
    _take_back(30_00, RF)
    assert _stands(AccountKind.SHORTFALL) == {RF: -10_00}
    assert _stands(AccountKind.AVAILABLE) == {None: 50_00}
    assert queries.balance_of(AccountKind.CONTRIBUTIONS, ORG, RF) == -70_00


def test_only_money_for_the_same_fund_makes_it_good_by_itself(app: Flask) -> None:
    _restricted(100_00)
    commit(100_00, parts={RF: 100_00})
    _take_back(30_00, RF)
    put_in(40_00)
    assert _stands(AccountKind.SHORTFALL) == {RF: -30_00}
    assert _stands(AccountKind.AVAILABLE) == {None: 40_00}
    _restricted(35_00)
    assert not _stands(AccountKind.SHORTFALL)
    assert _stands(AccountKind.AVAILABLE) == {None: 40_00, RF: 5_00}


def test_restricted_money_does_not_make_good_what_is_short_in_general(app: Flask) -> None:
    put_in(20_00)
    commit(20_00)
    _take_back(20_00, None)
    _restricted(50_00)
    assert _stands(AccountKind.SHORTFALL) == {None: -20_00}
    assert commit(10_00, grant="grant:G-2", parts={RF: 10_00}).first, "it could not lawfully stand in"


def test_a_restricted_fund_that_is_short_holds_back_itself_and_the_unrestricted_money(app: Flask) -> None:
    put_in(50_00)
    _restricted(100_00)
    with transaction():
        service.receive_contribution(contributor=ORG, pence=5_00, restriction="RF-002", **said())
    commit(100_00, parts={RF: 100_00})
    _take_back(30_00, RF)
    for parts in ({None: 1_00}, {RF: 1_00}):
        with pytest.raises(RuleBroken, match=r"short of £30,"):
            commit(1_00, grant="grant:G-2", parts=parts)
    commit(1_00, grant="grant:G-2", parts={"RF-002": 1_00})


def test_a_restricted_fund_uses_its_own_free_money_before_others_stand_in(app: Flask) -> None:
    put_in(50_00)
    _restricted(100_00)
    commit(100_00, parts={RF: 100_00})
    _take_back(30_00, RF)
    with transaction():
        service.release(grant=GRANT, pence=10_00, **said())
    again = said(key="good:rf")
    del again["description"]
    for _ in range(2):
        with transaction():
            service.make_good(pence=30_00, **again)
    assert not _stands(AccountKind.SHORTFALL)
    assert _stands(AccountKind.AVAILABLE) == {None: 30_00}, "ten of its own, twenty of the unrestricted"
    for one in (None, RF):
        kinds = (AccountKind.AVAILABLE, AccountKind.SHORTFALL, AccountKind.AUTHORITY)
        held = queries.balance_of(AccountKind.COMMITTED, GRANT, one)
        assert held + sum(queries.balance_of(kind, None, one) for kind in kinds) == 0


def test_a_refund_uses_only_what_is_free_in_the_fund_it_was_given_to(app: Flask) -> None:
    put_in(50_00)
    _restricted(10_00)
    with pytest.raises(RuleBroken), transaction():
        service.refund(
            contributor=ORG, pence=11_00, reason="Asked", held_in=AccountKind.SUSPENSE, restriction=RF, **said()
        )
    with transaction():
        service.refund(
            contributor=ORG, pence=4_00, reason="Asked", held_in=AccountKind.SUSPENSE, restriction=RF, **said()
        )
    assert _stands(AccountKind.AVAILABLE) == {None: 50_00, RF: 6_00}
