"""Hands on a payment: separation of duties, approvals that a change voids, and races."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

import ledger.bank.service
from fund.grants.awards import queries as awards
from fund.grants.models import Approval
from fund.grants.payments import queries
from fund.grants.payments.rules import Stage
from fund.grants.runs import service as runs
from fund.kernel.access import Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, FundError, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from ledger.bank.models import PaymentOrder
from ledger.bank.rules import NameCheck
from tests import world
from tests.fund.grants import awarding
from tests.fund.grants.awarding import Grant
from tests.races import at_once


def _payment(grant: Grant, number: int = 1) -> queries.Payment:
    return queries.payment(awards.award_by_reference(grant.reference), number, grant.now)


def _orders() -> int:
    return db.session.scalar(select(func.count()).select_from(PaymentOrder)) or 0


def test_two_different_people_approve_what_a_third_prepared(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    seen = grant.prepare()
    with pytest.raises(NotAllowed, match="You prepared"):
        grant.approve(seen, "steward")
    grant.approve(seen, "board")
    with pytest.raises(NotAllowed, match="approved this payment already"):
        grant.approve(seen, "board")
    assert _orders() == 0
    grant.approve(seen, "second board")
    assert _orders() == 1
    assert _payment(grant).stage is Stage.APPROVED


def test_nothing_is_approved_once_the_ballot_is_void(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    seen = grant.prepare()
    with awarding.unfunded(grant.item_id), pytest.raises(RuleBroken, match="voided"):
        grant.approve(seen, "board")
    assert _payment(grant).stage is Stage.HELD


@pytest.mark.parametrize("name", ["lead", "firm", "auditor"])
def test_only_stewards_and_board_members_approve(clock: MovableClock, name: str) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    seen = grant.prepare()
    with pytest.raises(NotAllowed):
        grant.approve(seen, name)


@pytest.mark.parametrize("name", ["board", "lead"])
def test_only_stewards_prepare(clock: MovableClock, name: str) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    with pytest.raises(NotAllowed):
        grant.prepare(name=name)


def test_who_checked_the_bank_details_does_not_approve_what_is_paid_to_them(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    seen = grant.prepare()
    with pytest.raises(NotAllowed, match="You checked these bank details"):
        grant.approve(seen, "second steward")


def test_an_officer_of_the_payee_neither_prepares_nor_approves(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    seen = grant.prepare()
    world.appoint(grant.people["board"], grant.lead, Role.EDITOR)
    with pytest.raises(NotAllowed, match="act for an organisation"):
        grant.approve(seen, "board")
    world.appoint(grant.people["steward"], grant.firm, Role.EDITOR)
    with pytest.raises(NotAllowed, match="act for an organisation"):
        grant.prepare(2)


def test_who_gave_the_bank_details_neither_prepares_nor_approves(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.ready_to_live()
    grant.go_live()
    with transaction():
        payee = ledger.bank.service.give_payee(
            owner=grant.lead.owner,
            account_name="Irwell Kitchens",
            sort_code="009901",
            account_number="12345678",
            actor=grant.actors["steward"],
            now=clock.now(),
        )
        ledger.bank.service.verify_payee(
            payee_id=payee.id,
            note="Called.",
            name_check=NameCheck.MATCH,
            actor=grant.actors["second steward"],
            now=clock.now(),
        )
    clock.move_to(datetime(2026, 7, 1, 9, tzinfo=UTC))
    with pytest.raises(NotAllowed, match="You gave the bank details"):
        grant.prepare()
    grant.prepare(name="second steward")


def test_a_large_payment_needs_one_more(clock: MovableClock) -> None:
    grant = awarding.lay(clock, pence=200_000_00)
    grant.payable()
    seen = grant.prepare()  # £120,000 to the lead
    grant.approve(seen, "board")
    grant.approve(seen, "second board")
    assert _orders() == 0
    grant.approve(seen, "third board")
    assert _orders() == 1


def test_changed_bank_details_void_preparation_and_approvals(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    seen = grant.prepare()
    grant.approve(seen, "board")
    grant.bank_details(grant.lead, "lead", "11112222")
    held = _payment(grant)
    assert (held.stage, len(held.approvals), held.void_approvals) == (Stage.HELD, 0, 1)
    with pytest.raises(Conflict, match="earlier approvals no longer count"):
        grant.approve(seen, "second board")
    clock.move_to(datetime(2026, 7, 5, 9, tzinfo=UTC))
    assert _payment(grant).stage is Stage.READY
    with pytest.raises(Conflict):
        grant.approve(seen, "second board")
    grant.cancel()
    again = grant.prepare()
    assert again != seen
    grant.approve(again, "second board")
    assert _orders() == 0
    grant.approve(again, "board")
    assert _orders() == 1


def test_a_change_and_back_does_not_bring_approvals_back(clock: MovableClock) -> None:
    """The same account given again is another giving: it must be called back and approved anew."""
    grant = awarding.lay(clock)
    grant.payable()
    seen = grant.prepare()
    grant.approve(seen, "board")
    grant.bank_details(grant.lead, "lead")
    clock.move_to(datetime(2026, 7, 5, 9, tzinfo=UTC))
    assert len(_payment(grant).approvals) == 0


def test_a_condition_that_fails_between_two_approvals_stops_the_second(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    seen = grant.prepare()
    grant.approve(seen, "board")
    clock.move_to(datetime(2027, 6, 2, 9, tzinfo=UTC))  # due diligence of 1 June 2026 has run out
    with pytest.raises(RuleBroken, match="ran out"):
        grant.approve(seen, "second board")
    assert _orders() == 0


def test_nothing_is_approved_that_was_not_prepared(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    with pytest.raises(NotFound), transaction():
        runs.approve(reference="PR-2026-001", sha256="", actor=grant.actors["board"], now=clock.now())


def test_preparing_twice_is_a_conflict(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    grant.prepare()
    with pytest.raises(Conflict, match="in payment run PR-2026-001 already"):
        grant.prepare(name="second steward")


def test_an_ordered_payment_takes_no_more_hands(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    grant.ordered()
    seen = _payment(grant).sha256
    assert seen is not None
    with pytest.raises(Conflict, match="all its approvals"):
        grant.approve(seen, "third board")
    with pytest.raises(Conflict, match="approved in the meantime"):
        grant.prepare(name="second steward")


def test_the_order_names_payee_grant_amount_and_a_short_reference(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    grant.ordered(2)
    order = db.session.scalars(select(PaymentOrder)).one()
    assert (order.key, order.owner, order.grant_owner, order.pence, order.reference) == (
        f"grant:{grant.reference}:instalment:2",
        grant.firm.owner,
        f"grant:{grant.reference}",
        4_000_00,
        f"{grant.reference}-2",
    )
    assert len(order.reference) <= 18


def test_approvals_are_never_changed_nor_deleted(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    grant.approve(grant.prepare(), "board")
    for statement in ("UPDATE approval SET person_name = 'x'", "DELETE FROM approval"):
        with pytest.raises(DBAPIError, match="append-only"), transaction() as session:
            session.execute(text(statement))


@pytest.mark.parametrize("number", [0, 3, 10**30, -1])
def test_unknown_payments_are_not_found(clock: MovableClock, number: int) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    with pytest.raises(NotFound):
        queries.payment(awards.award_by_reference(grant.reference), number, grant.now)
    with pytest.raises(RuleBroken, match="Choose at least one"), transaction():
        runs.prepare(instalment_ids=[number or 10**9], actor=grant.actors["steward"], now=clock.now())


# --- races


def test_four_people_approve_at_one_moment_and_one_order_is_made(app: Flask, clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.payable()
    seen = grant.prepare()
    now, reference, actors = clock.now(), grant.run(), dict(grant.actors)

    def approving(name: str) -> Callable[[], object]:
        return lambda: runs.approve(reference=reference, sha256=seen, actor=actors[name], now=now)

    errors = at_once(app, *(approving(name) for name in ("board", "board", "second board", "third board")))
    assert all(error is None or isinstance(error, FundError) for error in errors), errors
    assert errors.count(None) == 2
    assert _orders() == 1
    assert db.session.scalar(select(func.count(func.distinct(Approval.person_id)))) == 2


def test_two_stewards_put_the_same_grant_live_and_the_pot_is_reserved_once(app: Flask, clock: MovableClock) -> None:
    from fund.grants.agreements import service as agreements

    grant = awarding.lay(clock)
    grant.ready_to_live()
    now, reference, actors = clock.now(), grant.reference, dict(grant.actors)
    errors = at_once(
        app,
        lambda: agreements.go_live(reference=reference, actor=actors["steward"], now=now),
        lambda: agreements.go_live(reference=reference, actor=actors["second steward"], now=now),
    )
    assert sorted(type(error).__name__ for error in errors) == ["Conflict", "NoneType"], errors
    assert grant.balances()[1] == 10_000_00


def test_two_stewards_make_one_award_of_one_decision(app: Flask, clock: MovableClock) -> None:
    from fund.grants.awards import service as award_service

    grant = awarding.lay(clock)
    terms, now, item_id, actors = grant.terms(), clock.now(), grant.item_id, dict(grant.actors)
    errors = at_once(
        app,
        *(
            lambda name=name: award_service.offer(ballot_item_id=item_id, terms=terms, actor=actors[name], now=now)
            for name in ("steward", "second steward")
        ),
    )
    assert sorted(type(error).__name__ for error in errors) == ["Conflict", "NoneType"], errors


def test_signing_while_the_terms_change_never_leaves_a_signature_under_a_replaced_text_counting(
    app: Flask, clock: MovableClock
) -> None:
    from fund.grants.agreements import queries as agreement_queries
    from fund.grants.agreements import service as agreements
    from fund.grants.awards import service as award_service

    grant = awarding.lay(clock)
    grant.offer()
    grant.accept()
    grant.sign("lead")
    award_id = awards.award_by_reference(grant.reference).id
    agreement = agreement_queries.current(award_id)
    assert agreement is not None
    seen, now, reference, actors = agreement.sha256, clock.now(), grant.reference, dict(grant.actors)
    terms = grant.terms(special_conditions="Insure the van.")
    signing, revising = at_once(
        app,
        lambda: agreements.sign(reference=reference, sha256=seen, actor=actors["firm"], now=now),
        lambda: award_service.revise(reference=reference, terms=terms, actor=actors["steward"], now=now),
    )
    assert [type(signing), type(revising)].count(Conflict) == 1, (signing, revising)
    found = agreement_queries.current(award_id)
    assert found is not None
    assert len(agreement_queries.signatures(found.id)) == (2 if revising is not None else 0)


def test_certifiers_are_told_of_new_bank_details_whoever_gave_them(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    with transaction():
        ledger.bank.service.give_payee(
            owner=grant.lead.owner,
            account_name="Somebody else",
            sort_code="009901",
            account_number="12345678",
            actor=grant.actors["steward"],
            now=clock.now(),
        )
    told = db.session.scalars(select(OutboxMessage).where(OutboxMessage.key.like("payee:%:given:%"))).all()
    assert told
    assert {message.subject for message in told} == {f"New bank details for {grant.lead.name}"}
    assert "ending 5678" in told[0].what
    assert "12345678" not in told[0].what
