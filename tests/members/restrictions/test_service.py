"""Restricted funds: two people agree the terms, and the money goes only where they allow."""

from datetime import UTC, date, datetime

import pytest
from flask import Flask

import ledger.bank.service
import ledger.service
from fund.grants.awards.service import funded
from fund.grants.payments.money import promise_other_money
from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import transaction
from fund.kernel.errors import Conflict, NotAllowed, RuleBroken
from fund.kernel.places import DISTRICTS
from ledger import queries as books
from ledger.bank import queries as bank
from ledger.rules import AccountKind
from members.contributions import queries as contributed
from members.contributions import service as contributions
from members.restrictions import queries, service
from members.restrictions.rules import FundState, Terms
from members.rules import Sector
from tests import world
from tests.fund.grants.awarding import Grant, lay
from tests.members.paid import arrive
from tests.visitor import Visitor

BURY = DISTRICTS[1].code


@pytest.fixture
def grant(clock: MovableClock) -> Grant:
    return lay(clock, pot_pence=9_000_00)


def pledged(grant: Grant, pence: int = 5_000_00) -> str:
    with transaction():
        return contributions.pledge(
            organisation_id=grant.council.id, pence=pence, po_number=None, actor=grant.actors["council"], now=grant.now
        ).reference


def proposed(grant: Grant, terms: Terms, pledge: str | None = None) -> str:
    pledge = pledge or pledged(grant)
    with transaction():
        return service.propose(
            pledge_reference=pledge,
            title="Warm food",
            terms=terms,
            actor=grant.actors["steward"],
            now=grant.now,
        ).reference


def open_fund(grant: Grant, terms: Terms, pence: int = 5_000_00) -> str:
    """A fund whose pledge is paid through the books."""
    reference = proposed(grant, terms)
    with transaction():
        service.accept(reference=reference, actor=grant.actors["board"], now=grant.now)
    more = {"occurred_on": grant.now.date(), "description": "A test", "actor": None, "now": grant.now}
    with transaction():
        ledger.service.book_bank_line(key=f"line:{reference}", pence=pence, **more)
        ledger.service.receive_contribution(
            key=f"in:{reference}", contributor=grant.council.owner, pence=pence, restriction=reference, **more
        )
    return reference


def judge(grant: Grant, reference: str, serves: bool = True, reasons: str = "It cooks warm food.") -> None:
    with transaction():
        service.judge(
            reference=reference,
            proposal=_proposal(grant),
            serves=serves,
            reasons=reasons,
            actor=grant.actors["steward"],
            now=grant.now,
        )


def _proposal(grant: Grant) -> str:
    return funded(grant.item_id)[1].proposal_reference


def committed(grant: Grant) -> dict[str | None, int]:
    return books.balances_by_restriction(AccountKind.COMMITTED, f"grant:{grant.reference}")


def test_a_second_person_who_is_not_of_the_contributor_accepts_the_terms(grant: Grant) -> None:
    reference = proposed(grant, Terms(purpose="Warm food"))
    _, steward = world.official("Board and steward", Role.STEWARD, Role.BOARD)
    with pytest.raises(NotAllowed), transaction():
        service.accept(reference=reference, actor=grant.actors["steward"], now=grant.now)
    world.appoint(grant.people["board"], grant.council, Role.FINANCE)
    with pytest.raises(NotAllowed, match="contributor"), transaction():
        service.accept(reference=reference, actor=grant.actors["board"], now=grant.now)
    with transaction():
        assert service.accept(reference=reference, actor=steward, now=grant.now).state is FundState.OPEN
    with pytest.raises(Conflict), transaction():
        service.accept(reference=reference, actor=grant.actors["second board"], now=grant.now)


def test_nobody_accepts_what_they_wrote_down(grant: Grant) -> None:
    _, both = world.official("Board and steward", Role.STEWARD, Role.BOARD)
    pledge = pledged(grant)
    with transaction():
        made = service.propose(
            pledge_reference=pledge, title="Mine", terms=Terms(purpose="Mine"), actor=both, now=grant.now
        )
        reference = made.reference
    with pytest.raises(NotAllowed, match="another person"), transaction():
        service.accept(reference=reference, actor=both, now=grant.now)


def test_a_pledge_has_its_terms_once_and_a_fund_needs_some(grant: Grant) -> None:
    pledge = pledged(grant)
    with pytest.raises(RuleBroken, match="Say what"):
        proposed(grant, Terms(), pledge)
    with pytest.raises(RuleBroken, match="No pledge"):
        proposed(grant, Terms(purpose="x"), "PL-2026-9999-X")
    proposed(grant, Terms(purpose="x"), pledge)
    with pytest.raises(Conflict):
        proposed(grant, Terms(purpose="x"), pledge)


def test_restricted_money_is_promised_first_and_only_where_somebody_says_it_fits(grant: Grant) -> None:
    fits = open_fund(grant, Terms(purpose="Warm food"))
    open_fund(grant, Terms(districts=frozenset({BURY})))
    judge(grant, fits)
    grant.ready_to_live()
    grant.go_live()
    assert committed(grant) == {fits: 5_000_00, None: 5_000_00}
    assert ledger.service.check() == []


@pytest.mark.parametrize("judged", [None, False])
def test_money_that_does_not_fit_is_not_free_for_this_award(grant: Grant, judged: bool | None) -> None:
    reference = open_fund(grant, Terms(purpose="Warm food"))
    if judged is not None:
        judge(grant, reference, judged)
    grant.ready_to_live()
    with pytest.raises(RuleBroken, match="£9,000 is free for this grant"):
        grant.go_live()


def test_restricted_money_whose_time_has_passed_does_not_pay(grant: Grant) -> None:
    open_fund(grant, Terms(spend_by=date(2026, 6, 30)))
    grant.payable()
    assert grant.now > datetime(2026, 6, 30, tzinfo=UTC)
    assert sorted(committed(grant).values()) == [5_000_00, 5_000_00]
    with pytest.raises(RuleBroken, match="had to be used by 30 June 2026"):
        grant.ordered(1)  # £6,000 and only the £5,000 of unrestricted money may pay
    grant.ordered(2)  # £4,000: the unrestricted money pays
    with transaction():
        orders = [order.id for order in bank.ready_orders()]
        ledger.bank.service.make_payment_file(order_ids=orders, actor=grant.actors["steward"], now=grant.now)
    assert committed(grant)[None] == 1_000_00
    assert books.balance(AccountKind.COMMITTED, f"grant:{grant.reference}") == 6_000_00


def test_other_money_is_promised_where_time_has_passed(grant: Grant) -> None:
    reference = open_fund(grant, Terms(spend_by=date(2026, 6, 30)))
    grant.payable()
    with pytest.raises(RuleBroken, match="£1,000 of that is missing"):
        promise(grant)  # £9,000 was free besides, and £5,000 of it is promised already
    with transaction():
        more = {"occurred_on": grant.now.date(), "description": "More", "actor": None, "now": grant.now}
        ledger.service.book_bank_line(key="more:line", pence=1_000_00, **more)
        ledger.service.receive_contribution(key="more", contributor="org:GM-0001", pence=1_000_00, **more)
    promise(grant)
    assert committed(grant) == {reference: 0, None: 10_000_00}
    assert queries.balances()[0].free_pence == 5_000_00
    grant.ordered(1)
    with pytest.raises(Conflict, match="may pay for it"):
        promise(grant)
    assert ledger.service.check() == []


def test_promising_other_money_needs_a_steward_and_a_reason(grant: Grant) -> None:
    open_fund(grant, Terms(spend_by=date(2026, 6, 30)))
    grant.payable()
    with pytest.raises(NotAllowed):
        promise(grant, name="board")
    with pytest.raises(RuleBroken, match="Say why"):
        promise(grant, reason=" ")


def promise(grant: Grant, reason: str = "Its time has passed.", name: str = "steward") -> None:
    with transaction():
        promise_other_money(reference=grant.reference, reason=reason, actor=grant.actors[name], now=grant.now)


def test_a_payment_uses_the_restricted_part_first(grant: Grant) -> None:
    reference = open_fund(grant, Terms(spend_by=date(2027, 6, 30)))
    grant.payable()
    grant.ordered(1)
    with transaction():
        orders = [order.id for order in bank.ready_orders()]
        ledger.bank.service.make_payment_file(order_ids=orders, actor=grant.actors["steward"], now=grant.now)
    assert committed(grant) == {reference: 0, None: 4_000_00}
    found = queries.balances()[0]
    assert (found.received_pence, found.free_pence, found.committed_pence, found.paid_pence) == (
        5_000_00,
        0,
        0,
        5_000_00,
    )


def test_everybody_sees_what_a_restricted_fund_holds_to_the_penny(app: Flask, grant: Grant) -> None:
    reference = open_fund(grant, Terms(purpose="Warm food"), pence=1_234_56)
    judge(grant, reference)
    page = Visitor(app).get("/money")
    assert "Kept for a purpose" in page.text
    assert page.text.count("£1,234.56") >= 2, "paid in and free"
    proposed(grant, Terms(purpose="Not accepted yet"))
    assert "Not accepted yet" not in Visitor(app).get("/money").text


def test_a_judgement_needs_a_reason(grant: Grant) -> None:
    reference = open_fund(grant, Terms(purpose="Warm food"))
    with pytest.raises(RuleBroken):
        judge(grant, reference, reasons=" ")


def test_money_of_a_pledge_with_a_wish_is_kept_apart_from_the_first_penny(app: Flask, clock: MovableClock) -> None:
    own, now = world.member("Alder Works", Sector.PRIVATE), clock.now()
    _, finance = world.officer(own, Role.FINANCE)
    _, steward = world.official("Stella Steward", Role.STEWARD)
    _, board = world.official("Bola Board", Role.BOARD)
    with transaction():
        pledge = contributions.pledge(
            organisation_id=own.id, pence=200_00, po_number=None, actor=finance, now=now, wish="For warm food"
        ).reference
    (line_id,) = arrive([(now.date(), 200_00, pledge)], steward, now)
    with transaction():
        found = contributed.pledge_by_reference(pledge)
        assert found is not None
        contributions.match(line_id=line_id, pledge_id=found.id, actor=steward, now=now)
    with transaction():
        made = service.propose(
            pledge_reference=pledge, title="Food", terms=Terms(purpose="Warm food"), actor=steward, now=now
        )
        reference = made.reference
    nowhere = {"proposal": "P-2026-001", "districts": frozenset[str](), "pence": 200_00, "day": now.date()}
    assert [line.use_pence for line in queries.free_for(**nowhere)] == [0, 0], "terms that nobody accepted"
    with transaction():
        service.accept(reference=reference, actor=board, now=now)
    assert books.balances_by_restriction(AccountKind.AVAILABLE) == {reference: 200_00}


def test_terms_are_not_thought_of_after_the_money_came(app: Flask, clock: MovableClock) -> None:
    own, now = world.member("Alder Works", Sector.PRIVATE), clock.now()
    _, finance = world.officer(own, Role.FINANCE)
    _, steward = world.official("Stella Steward", Role.STEWARD)
    with transaction():
        made = contributions.pledge(organisation_id=own.id, pence=200_00, po_number=None, actor=finance, now=now)
        pledge, pledge_id = made.reference, made.id
    (line_id,) = arrive([(now.date(), 50_00, pledge)], steward, now)
    with transaction():
        contributions.match(line_id=line_id, pledge_id=pledge_id, actor=steward, now=now)
    with pytest.raises(RuleBroken, match="paid in part"), transaction():
        service.propose(pledge_reference=pledge, title="Food", terms=Terms(purpose="Warm food"), actor=steward, now=now)
