"""Posting: balances, keys, limits, reversals, and what they leave behind."""

import pytest
from flask import Flask
from sqlalchemy import func, select

from fund.kernel.audit import AuditEntry
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotFound, RuleBroken
from ledger import queries, service
from ledger.models import Entry, Transfer
from ledger.queries import Pot
from ledger.rules import CHART, AccountKind, Leg
from tests.ledger.books import GRANT, ORG, commit, put_in, said
from tests.world import official


def test_the_life_of_a_pound(app: Flask) -> None:
    put_in(1_000_00)
    assert queries.pot() == Pot(1_000_00, 1_000_00, 0, 0, 0)
    commit(600_00)
    assert queries.pot() == Pot(1_000_00, 400_00, 600_00, 0, 0)
    with transaction():
        service.release(grant=GRANT, pence=100_00, **said())
        service.pay_grant(grant=GRANT, pence=300_00, **said(key="pay"))
    assert queries.pot() == Pot(1_000_00, 500_00, 200_00, 300_00, 300_00)
    with transaction():
        service.book_bank_line(pence=-300_00, **said())
        service.confirm_payment(pence=300_00, **said(key=service.confirmation_key("pay")))
    assert queries.pot() == Pot(1_000_00, 500_00, 200_00, 300_00, 0)
    assert queries.balance(AccountKind.BANK) == 700_00
    assert queries.balance(AccountKind.SUSPENSE) == 0
    assert queries.balances_by_owner(AccountKind.CONTRIBUTIONS) == {ORG: -1_000_00}
    assert queries.balances_by_owner(AccountKind.GRANTS_PAID, ["grant:other"]) == {}
    assert sum(pence for _, pence in queries.totals_by_kind().values()) == 0
    assert service.check() == []


def test_a_payment_that_came_back_is_committed_again_by_linked_entries(app: Flask) -> None:
    put_in(500_00)
    commit(500_00)
    with transaction():
        service.pay_grant(grant=GRANT, pence=500_00, **said(key="pay"))
        service.book_bank_line(pence=-500_00, **said())
        service.confirm_payment(pence=500_00, **said(key=service.confirmation_key("pay")))
        service.book_bank_line(pence=500_00, **said())
    with transaction():
        undone = service.return_payment(
            key="back",
            paid_key="pay",
            reason="Account closed",
            **{k: v for k, v in said().items() if k not in ("key", "description")},
        )
    assert queries.pot() == Pot(500_00, 0, 500_00, 0, 0)
    assert queries.balance(AccountKind.SUSPENSE) == 0
    reversed_keys = [queries.transfer(queries.transfer(one.transfer_id).reverses_id or 0).key for one in undone]
    assert reversed_keys == ["pay:confirmed", "pay"]
    assert service.check() == []


def test_available_money_never_runs_short(app: Flask) -> None:
    put_in(960_00)
    with pytest.raises(RuleBroken, match=r"The fund has £960 free; this needs £960.01\.") as broken, transaction():
        service.commit(grant=GRANT, pence=960_01, **said())
    assert broken.value.status == 422
    assert queries.pot().available_pence == 960_00
    commit(960_00)
    with pytest.raises(RuleBroken, match="£960 is still committed to G-2026-003; this needs £961"), transaction():
        service.release(grant=GRANT, pence=961_00, **said())
    assert service.check() == []


def test_one_key_one_transfer(app: Flask) -> None:
    put_in(100_00)
    first = commit(10_00, key="once")
    again = commit(10_00, key="once")
    assert (first.first, again.first) == (True, False)
    assert first.transfer_id == again.transfer_id
    assert queries.pot().committed_pence == 10_00
    audited = db.session.scalar(
        select(func.count())
        .select_from(AuditEntry)
        .where(AuditEntry.subject == "once", AuditEntry.action == "transfer.posted")
    )
    assert audited == 1


@pytest.mark.parametrize("other", [{"pence": 11_00}, {"grant": "grant:G-2"}, {"description": "Other"}])
def test_one_key_for_something_else_is_an_error_that_names_both(app: Flask, other: dict[str, object]) -> None:
    put_in(100_00)
    commit(10_00, key="once", description="A test")
    content = {"pence": 10_00, "grant": GRANT, "description": "A test"} | other
    with pytest.raises(Conflict) as conflict:
        commit(key="once", **content)  # type: ignore[arg-type]
    assert "available −£10" in conflict.value.message
    assert "Asked for now" in conflict.value.message
    assert queries.pot().committed_pence == 10_00


def test_an_unbalanced_post_is_a_bug(app: Flask) -> None:
    with pytest.raises(ValueError, match="sum to nought"), transaction():
        service.post(kind="x", legs=[Leg(AccountKind.BANK, 5), Leg(AccountKind.SUSPENSE, -4)], **said())
    assert db.session.scalar(select(func.count()).select_from(Transfer)) == 0


def test_nothing_stays_of_a_transaction_that_fails(app: Flask) -> None:
    put_in(100_00)
    with pytest.raises(RuntimeError, match="lost"), transaction():
        service.commit(grant=GRANT, pence=10_00, **said())
        raise RuntimeError("power lost")
    assert queries.pot().committed_pence == 0
    assert service.check() == []


def test_a_transfer_is_undone_once_and_with_a_reason(app: Flask) -> None:
    put_in(100_00)
    commit(10_00, key="wrong")
    more = {k: v for k, v in said().items() if k not in ("key", "description")}
    with transaction():
        undone = service.reverse(key="right", reversed_key="wrong", reason="Wrong grant", **more)
    with transaction():
        assert not service.reverse(key="right", reversed_key="wrong", reason="Wrong grant", **more).first
    with pytest.raises(Conflict, match="undone before"), transaction():
        service.reverse(key="again", reversed_key="wrong", reason="Wrong grant", **more)
    with pytest.raises(NotFound), transaction():
        service.reverse(key="none", reversed_key="never", reason="?", **more)
    found = queries.transfer(undone.transfer_id)
    assert (found.reason, found.description) == ("Wrong grant", "Undoes: A test")
    assert queries.pot().available_pence == 100_00


def test_who_posted_is_kept(app: Flask) -> None:
    person, steward = official("Sam Steward")
    put_in(1_00, actor=steward)
    assert db.session.scalar(select(Transfer.actor_id).where(Transfer.kind == "contribution")) == person.id


def test_entries_number_each_account_and_carry_its_balance(app: Flask) -> None:
    put_in(100_00)
    for _ in range(3):
        commit(10_00)
    account = queries.account("available")
    lines = queries.lines(account.id)
    assert [(line.sequence, line.balance_pence) for line in lines] == [(4, 70_00), (3, 80_00), (2, 90_00), (1, 100_00)]
    assert [line.sequence for line in queries.lines(account.id, before=3, limit=1)] == [2]
    assert db.session.scalar(select(func.sum(Entry.amount_pence))) == 0


@pytest.mark.parametrize("number", [0, -1, 99, 2**63, 10**30])
def test_unknown_transfers_are_not_found(app: Flask, number: int) -> None:
    with pytest.raises(NotFound):
        queries.transfer(number)


def test_restricted_money_stands_apart_and_counts_in_the_whole(app: Flask) -> None:
    put_in(500_00)
    with transaction():
        service.book_bank_line(pence=300_00, **said())
        service.post(
            kind="contribution",
            legs=[
                Leg(AccountKind.SUSPENSE, 300_00),
                Leg(AccountKind.CONTRIBUTIONS, -300_00, ORG, "RF-001"),
                Leg(AccountKind.AVAILABLE, 300_00, restriction="RF-001"),
                Leg(AccountKind.AUTHORITY, -300_00, restriction="RF-001"),
            ],
            **said(key="restricted"),
        )
    assert queries.balances_by_restriction(AccountKind.AVAILABLE) == {None: 500_00, "RF-001": 300_00}
    assert queries.balance(AccountKind.AVAILABLE) == 800_00
    assert queries.balances_by_owner(AccountKind.CONTRIBUTIONS) == {ORG: -800_00}
    assert queries.pot() == Pot(800_00, 800_00, 0, 0, 0)
    with pytest.raises(RuleBroken, match="restricted fund RF-001 has £300 free"), transaction():
        service.post(
            kind="commitment",
            legs=[
                Leg(AccountKind.AVAILABLE, -300_01, restriction="RF-001"),
                Leg(AccountKind.COMMITTED, 300_01, GRANT, "RF-001"),
            ],
            **said(),
        )
    with transaction():
        service.reverse(
            key="undone",
            reversed_key="restricted",
            reason="Wrong purpose",
            **{k: v for k, v in said().items() if k in ("occurred_on", "actor", "now")},
        )
    assert queries.balances_by_restriction(AccountKind.AVAILABLE) == {None: 500_00, "RF-001": 0}
    assert service.check() == []


def test_every_kind_of_account_may_stand_in_the_books(app: Flask) -> None:
    """The database knows each kind: the values of an old table's column were widened."""
    for kind, what in CHART.items():
        pence = 100 if what.above else -100
        with transaction():
            service.post(
                kind="test",
                legs=[Leg(kind, pence, ORG if what.owned else None, "RF-002"), Leg(AccountKind.BANK, -pence)],
                **said(),
            )
    assert service.check() == []


RESTRICTED = "RF-001"


def _two_sources() -> None:
    """£100 unrestricted and £60 restricted, of which £50 and £60 are committed to a grant."""
    put_in(100_00)
    put_in(60_00, restriction=RESTRICTED)
    commit(110_00, parts={RESTRICTED: 60_00, None: 50_00})


def _committed() -> dict[str | None, int]:
    return queries.balances_by_restriction(AccountKind.COMMITTED, GRANT)


def test_a_restricted_contribution_is_kept_apart_and_the_budget_balances_in_it(app: Flask) -> None:
    _two_sources()
    assert queries.balances_by_restriction(AccountKind.AVAILABLE) == {None: 50_00, RESTRICTED: 0}
    for restriction in (None, RESTRICTED):
        assert (
            sum(
                queries.balances_by_restriction(kind, owner).get(restriction, 0)
                for kind, owner in (
                    (AccountKind.AVAILABLE, None),
                    (AccountKind.COMMITTED, GRANT),
                    (AccountKind.AUTHORITY, None),
                )
            )
            == 0
        )
    assert service.check() == []


def test_unrestricted_money_does_not_make_up_what_a_restricted_fund_lacks(app: Flask) -> None:
    put_in(100_00)
    put_in(60_00, restriction=RESTRICTED)
    with pytest.raises(RuleBroken, match="RF-001"):
        commit(60_01, parts={RESTRICTED: 60_01})


def test_a_payment_uses_restricted_money_first_and_gives_it_back_when_it_returns(app: Flask) -> None:
    _two_sources()
    said_once = said(key="pay")
    with transaction():
        service.pay_grant(grant=GRANT, pence=70_00, **said_once)
    assert _committed() == {RESTRICTED: 0, None: 40_00}
    with transaction():
        assert not service.pay_grant(grant=GRANT, pence=70_00, **said_once).first
    more = {name: value for name, value in said(key="back").items() if name != "description"}
    with transaction():
        service.return_payment(paid_key="pay", reason="Account closed", **more)
    assert _committed() == {RESTRICTED: 60_00, None: 50_00}
    assert service.check() == []


def test_a_release_frees_unrestricted_money_first(app: Flask) -> None:
    _two_sources()
    with transaction():
        service.release(grant=GRANT, pence=60_00, **said())
    assert _committed() == {RESTRICTED: 50_00, None: 0}
    assert queries.balances_by_restriction(AccountKind.AVAILABLE) == {None: 100_00, RESTRICTED: 10_00}


def test_parts_that_are_not_the_sum_are_refused(app: Flask) -> None:
    put_in(100_00)
    with pytest.raises(ValueError, match="not the parts"):
        commit(100_00, parts={None: 99_99})
