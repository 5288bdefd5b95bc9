"""Payment runs: what is in one, whose hands may touch it, what voids its approvals, and races."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

import ledger.bank.service as bank
import ledger.service
from fund.grants.awards import queries as awards
from fund.grants.models import Approval, Instalment, PaymentRun, PaymentRunItem
from fund.grants.payments import queries as payments
from fund.grants.payments.rules import Stage
from fund.grants.runs import queries, service
from fund.grants.runs.rules import RunState
from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, FundError, NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from ledger.bank.models import PaymentFile, PaymentOrder
from ledger.bank.queries import orders_of_run
from ledger.bank.rules import NameCheck, OrderState, begin_of
from tests import world
from tests.fund.grants import awarding
from tests.fund.grants.awarding import Grant
from tests.fund.grants.test_life import _bank_line as bank_line
from tests.races import at_once


def lay(clock: MovableClock, pence: int = 10_000_00) -> Grant:
    """Two payments that are ready: number 1 to the lead, number 2 to the firm."""
    grant = awarding.lay(clock, pence=pence)
    grant.payable()
    return grant


def prepare(grant: Grant, *numbers: int, name: str = "steward", day: date | None = None) -> PaymentRun:
    ids = [grant.instalment_id(number) for number in numbers or (1, 2)]
    with transaction():
        return service.prepare(instalment_ids=ids, actor=grant.actors[name], now=grant.now, day=day)


def approve(grant: Grant, reference: str, sha256: str, *names: str) -> None:
    for name in names:
        with transaction():
            service.approve(reference=reference, sha256=sha256, actor=grant.actors[name], now=grant.now)


def approved(grant: Grant, *numbers: int) -> str:
    run = prepare(grant, *numbers)
    reference = run.reference
    approve(grant, reference, run.sha256, "board", "second board")
    return reference


def make_file(grant: Grant, reference: str, actor: Actor | None = None) -> PaymentFile:
    ids = [order.id for order in orders_of_run(reference)]
    with transaction():
        return bank.make_payment_file(order_ids=ids, actor=actor or grant.actors["steward"], now=grant.now)


def stages(grant: Grant, reference: str) -> list[Stage]:
    return [one.stage for one in queries.run(reference, grant.now).payments]


def test_a_run_from_preparation_to_the_file_that_asks_for_just_it(clock: MovableClock) -> None:
    grant = lay(clock)
    run = prepare(grant)
    assert (run.reference, run.payment_count, run.pence) == ("PR-2026-001", 2, 10_000_00)
    assert run.execute_on == date(2026, 7, 1)
    assert stages(grant, run.reference) == [Stage.BEING_APPROVED] * 2
    reference, sha256 = run.reference, run.sha256
    approve(grant, reference, sha256, "board")
    assert orders_of_run(reference) == []
    approve(grant, reference, sha256, "second board")
    assert [order.pence for order in orders_of_run(reference)] == [6_000_00, 4_000_00]
    file = make_file(grant, reference)
    assert (file.run, file.totals_sha256, file.order_count, file.total_pence) == (reference, sha256, 2, 10_000_00)
    found = queries.run(reference, grant.now)
    assert found.file is not None
    assert [one.person_name for one in found.approvals] == ["The board", "The second board"]
    assert ledger.service.check() == []


def test_the_day_is_the_preparers_choice_and_the_file_asks_for_it(clock: MovableClock) -> None:
    grant = lay(clock)
    with pytest.raises(RuleBroken, match="Banks don't work on 4 July 2026"):
        prepare(grant, day=date(2026, 7, 4))
    run = prepare(grant, day=date(2026, 7, 6))
    reference, sha256 = run.reference, run.sha256
    approve(grant, reference, sha256, "board", "second board")
    assert make_file(grant, reference).execute_on == date(2026, 7, 6)


def test_a_day_that_has_passed_becomes_the_next_on_which_the_bank_pays(clock: MovableClock) -> None:
    grant = lay(clock)
    reference = approved(grant)
    clock.move_to(datetime(2026, 7, 3, 20, tzinfo=UTC))  # a Friday evening
    assert make_file(grant, reference).execute_on == date(2026, 7, 6)


def test_after_the_cut_off_the_bank_pays_on_the_next_working_day(clock: MovableClock) -> None:
    grant = lay(clock)
    clock.move_to(datetime(2026, 7, 3, 20, tzinfo=UTC))
    assert prepare(grant).execute_on == date(2026, 7, 6)


# --- hands


def test_six_hands(clock: MovableClock) -> None:
    """Who may do which step of one run, hand by hand (handbook §6)."""
    grant = awarding.lay(clock)
    grant.ready_to_live()
    grant.go_live()
    for name in ("changer", "verifier", "officer", "approver", "approver 2", "maker"):
        grant.people[name], grant.actors[name] = world.official(f"The {name}", Role.STEWARD, Role.BOARD)
    world.appoint(grant.people["officer"], grant.lead, Role.EDITOR)
    with transaction():
        payee = bank.give_payee(
            owner=grant.lead.owner, account_name=grant.lead.name, sort_code="009901", account_number="12345678",
            actor=grant.actors["changer"], now=grant.now,
        )  # fmt: skip
        bank.verify_payee(
            payee_id=payee.id, note="Called.", name_check=NameCheck.MATCH, actor=grant.actors["verifier"], now=grant.now
        )
    clock.move_to(datetime(2026, 7, 1, 9, tzinfo=UTC))
    for name, words in (("changer", "gave the bank details"), ("officer", "act for an organisation")):
        with pytest.raises(NotAllowed, match=words):
            prepare(grant, 1, name=name)
    run = prepare(grant, 1)
    reference, sha256 = run.reference, run.sha256
    for name, words in (
        ("steward", "You prepared"),
        ("changer", "gave the bank details"),
        ("verifier", "checked these bank details"),
        ("officer", "act for an organisation"),
        ("auditor", "don't have the role"),
    ):
        with pytest.raises(NotAllowed, match=words):
            approve(grant, reference, sha256, name)
    approve(grant, reference, sha256, "approver")
    with pytest.raises(NotAllowed, match="approved this payment already"):
        approve(grant, reference, sha256, "approver")
    approve(grant, reference, sha256, "approver 2")
    for name, words in (
        ("changer", "You gave the bank details"),
        ("verifier", "You verified the bank details"),
        ("officer", "act for an organisation"),
    ):
        with pytest.raises(RuleBroken, match=words):
            make_file(grant, reference, grant.actors[name])
    assert make_file(grant, reference, grant.actors["maker"]).order_count == 1


def test_who_may_not_handle_one_payment_may_not_handle_a_run_with_it(clock: MovableClock) -> None:
    grant = lay(clock)
    world.appoint(grant.people["board"], grant.firm, Role.EDITOR)
    run = prepare(grant)
    with pytest.raises(NotAllowed, match="act for an organisation"):
        approve(grant, run.reference, run.sha256, "board")


# --- what voids approvals, and what ends a run


def test_changed_bank_details_of_one_payee_void_the_approvals_of_the_whole_run(clock: MovableClock) -> None:
    grant = lay(clock)
    run = prepare(grant)
    reference, sha256 = run.reference, run.sha256
    approve(grant, reference, sha256, "board")
    grant.bank_details(grant.firm, "firm", "11112222")
    clock.move_to(grant.now + timedelta(days=5))
    found = queries.run(reference, grant.now)
    assert (found.is_changed, len(found.approvals), found.void_approvals) == (True, 0, 1)
    for seen in (sha256, found.sha256 or ""):
        with pytest.raises(Conflict, match="earlier approvals no longer count"):
            approve(grant, reference, seen, "second board")
    assert orders_of_run(reference) == []


def test_details_that_change_after_the_last_approval_keep_the_run_out_of_a_file(clock: MovableClock) -> None:
    grant = lay(clock)
    reference = approved(grant)
    grant.bank_details(grant.firm, "firm", "11112222")
    clock.move_to(grant.now + timedelta(days=5))
    with pytest.raises(RuleBroken, match="approvals no longer count"):
        make_file(grant, reference)
    grant.cancel()
    again = prepare(grant)
    assert again.reference != reference
    approve(grant, again.reference, again.sha256, "board", "second board")
    assert make_file(grant, again.reference).order_count == 2


def test_a_payment_taken_out_makes_another_run_of_it(clock: MovableClock) -> None:
    grant = lay(clock)
    run = prepare(grant)
    reference, sha256, second = run.reference, run.sha256, grant.instalment_id(2)
    approve(grant, reference, sha256, "board")

    def take_out(name: str, number: int) -> PaymentRun:
        with transaction():
            return service.take_out(reference=reference, instalment_id=number, actor=grant.actors[name], now=grant.now)

    with pytest.raises(NotAllowed, match="The steward prepared this run"):
        take_out("second steward", second)
    with pytest.raises(NotFound):
        take_out("steward", 10**30)
    left = take_out("steward", second)
    assert (left.payment_count, left.pence) == (1, 6_000_00)
    assert left.sha256 != sha256
    found = queries.run(reference, grant.now)
    assert (len(found.approvals), found.void_approvals, [one.number for one in found.taken_out]) == (0, 1, [2])
    with pytest.raises(Conflict):
        approve(grant, reference, sha256, "second board")
    with pytest.raises(RuleBroken, match="only payment"):
        take_out("steward", grant.instalment_id(1))
    approve(grant, reference, left.sha256, "board", "second board")
    assert [order.pence for order in orders_of_run(reference)] == [6_000_00]
    with pytest.raises(Conflict, match="all its approvals"):
        take_out("steward", grant.instalment_id(1))
    assert prepare(grant, 2).payment_count == 1


def test_an_approver_sends_a_run_back_with_a_reason(clock: MovableClock) -> None:
    grant = lay(clock)
    run = prepare(grant)
    reference, sha256 = run.reference, run.sha256

    def send_back(reason: str, name: str = "board") -> None:
        with transaction():
            service.send_back(reference=reference, reason=reason, actor=grant.actors[name], now=grant.now)

    with pytest.raises(RuleBroken, match="Write why"):
        send_back("  ")
    with pytest.raises(NotAllowed):
        send_back("No.", "lead")
    send_back("The firm's invoice is missing.")
    row = queries.run_row(reference)
    assert (row.state, row.ended_reason, row.ended_by_name) == (
        RunState.SENT_BACK, "The firm's invoice is missing.", "The board",
    )  # fmt: skip
    told = db.session.scalars(select(OutboxMessage).where(OutboxMessage.key == f"payment_run:{reference}:sent_back"))
    assert "invoice is missing" in told.one().what
    with pytest.raises(Conflict, match="was sent back by The board"):
        approve(grant, reference, sha256, "second board")
    assert prepare(grant).reference != reference


def test_a_cancelled_run_leaves_nothing_to_pay_and_its_payments_free(clock: MovableClock) -> None:
    grant = lay(clock)
    reference = approved(grant)
    with transaction():
        service.cancel(reference=reference, reason="Too early.", actor=grant.actors["second steward"], now=grant.now)
    assert [order.state for order in orders_of_run(reference)] == [OrderState.FAILED] * 2
    assert grant.balances()[1:] == (10_000_00, 0, 0)
    with pytest.raises(Conflict, match="cancelled by The second steward"), transaction():
        service.cancel(reference=reference, reason="Again.", actor=grant.actors["steward"], now=grant.now)
    other = approved(grant)
    make_file(grant, other)
    with pytest.raises(Conflict, match="was put into a file"), transaction():
        service.cancel(reference=other, reason="Too late.", actor=grant.actors["steward"], now=grant.now)
    assert grant.balances()[1:] == (0, 10_000_00, 10_000_00)


def test_a_file_is_of_one_whole_run(clock: MovableClock) -> None:
    grant = lay(clock)
    whole = approved(grant)
    with pytest.raises(RuleBroken, match="one payment run, whole"), transaction():
        bank.make_payment_file(order_ids=[orders_of_run(whole)[0].id], actor=grant.actors["steward"], now=grant.now)
    grant.cancel()
    ids = [order.id for number in (1, 2) for order in orders_of_run(approved(grant, number))]
    with pytest.raises(RuleBroken, match="one payment run, whole"), transaction():
        bank.make_payment_file(order_ids=ids, actor=grant.actors["steward"], now=grant.now)


def test_a_held_payment_is_not_prepared_and_every_reason_is_told(clock: MovableClock) -> None:
    grant = awarding.lay(clock)
    grant.ready_to_live()
    grant.go_live()
    clock.move_to(datetime(2026, 7, 1, 9, tzinfo=UTC))
    with pytest.raises(RuleBroken) as refused:
        prepare(grant)
    assert [finding.message.partition(":")[0] for finding in refused.value.findings] == [
        f"Payment {grant.reference}/1", f"Payment {grant.reference}/2",
    ]  # fmt: skip


def test_the_database_holds_a_payment_in_one_live_run(clock: MovableClock) -> None:
    grant = lay(clock)
    run = prepare(grant)
    number = grant.instalment_id(1)
    with transaction() as session:
        other = PaymentRun(
            reference="PR-X", state=RunState.OPEN, execute_on=run.execute_on, sha256="", payment_count=0, pence=0,
            prepared_by_id=run.prepared_by_id, prepared_by_name="X", prepared_at=grant.now,
        )  # fmt: skip
        session.add(other)
        session.flush()
        other_id = other.id
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(PaymentRunItem(run_id=other_id, instalment_id=number, order_key="x", is_live=True))


def test_a_failed_payment_goes_into_another_run(clock: MovableClock) -> None:
    grant = lay(clock)
    first = approved(grant)
    make_file(grant, first)
    order = orders_of_run(first)[0]
    with transaction():
        bank.fail_order(order_id=order.id, reason="Closed", actor=grant.actors["second steward"], now=grant.now)
    second = prepare(grant, 1)
    assert [item.order_key for item in second.items] == [f"grant:{grant.reference}:instalment:1:2"]
    assert stages(grant, second.reference) == [Stage.BEING_APPROVED]


def test_a_late_debit_pays_the_instalment_unless_it_was_put_forward_again(clock: MovableClock) -> None:
    grant = lay(clock)
    reference = approved(grant, 1)
    make_file(grant, reference)
    order_id, key = orders_of_run(reference)[0].id, orders_of_run(reference)[0].key
    with transaction():
        bank.fail_order(order_id=order_id, reason="Closed", actor=grant.actors["second steward"], now=grant.now)
    line_id = bank_line(grant, -6_000_00)

    def left_after_all() -> None:
        with transaction():
            bank.confirm_late(order_id=order_id, line_id=line_id, actor=grant.actors["steward"], now=grant.now)

    prepare(grant, 1)
    with pytest.raises(RuleBroken, match="is in payment run PR-2026-002 again"):
        left_after_all()
    grant.cancel()
    approved(grant, 1)
    with pytest.raises(RuleBroken, match="was ordered again meanwhile"):
        left_after_all()
    grant.cancel()
    left_after_all()
    paid = payments.payment(awards.award_by_reference(grant.reference), 1, grant.now)
    assert (paid.stage, paid.instalment.order_key) == (Stage.CONFIRMED, key)
    assert grant.balances()[1:] == (4_000_00, 6_000_00, 0)
    assert ledger.service.check() == []


# --- races


def test_two_preparers_put_a_payment_into_one_run(app: Flask, clock: MovableClock) -> None:
    grant = lay(clock)
    one, two, now, actors = grant.instalment_id(1), grant.instalment_id(2), grant.now, dict(grant.actors)
    errors = at_once(
        app,
        lambda: service.prepare(instalment_ids=[one, two], actor=actors["steward"], now=now),
        lambda: service.prepare(instalment_ids=[one], actor=actors["second steward"], now=now),
    )
    assert sorted(type(error).__name__ for error in errors) == ["Conflict", "NoneType"], errors
    assert db.session.scalar(select(func.count()).select_from(PaymentRun)) == 1


def test_approvers_at_one_moment_order_each_payment_once(app: Flask, clock: MovableClock) -> None:
    grant = lay(clock)
    run = prepare(grant)
    reference, sha256, now, actors = run.reference, run.sha256, grant.now, dict(grant.actors)

    def approving(name: str) -> Callable[[], object]:
        return lambda: service.approve(reference=reference, sha256=sha256, actor=actors[name], now=now)

    errors = at_once(app, *(approving(name) for name in ("board", "board", "second board", "third board")))
    assert all(error is None or isinstance(error, FundError) for error in errors), errors
    assert errors.count(None) == 2
    assert db.session.scalar(select(func.count()).select_from(PaymentOrder)) == 2
    assert db.session.scalar(select(func.count(func.distinct(Approval.person_id)))) == 2


def test_two_file_makers_and_one_who_cancels_make_one_file_or_none(app: Flask, clock: MovableClock) -> None:
    grant = lay(clock)
    reference = approved(grant)
    ids, now, actors = [order.id for order in orders_of_run(reference)], grant.now, dict(grant.actors)
    grant.people["third"], actors["third"] = world.official("The third", Role.STEWARD)
    errors = at_once(
        app,
        lambda: bank.make_payment_file(order_ids=ids, actor=actors["steward"], now=now),
        lambda: bank.make_payment_file(order_ids=ids, actor=actors["third"], now=now),
        lambda: service.cancel(reference=reference, reason="Stop.", actor=actors["steward"], now=now),
    )
    assert errors.count(None) == 1, errors
    assert all(error is None or isinstance(error, Conflict) for error in errors), errors
    files = db.session.scalar(select(func.count()).select_from(PaymentFile))
    states = {order.state for order in orders_of_run(reference)}
    assert (files, states) in [(1, {OrderState.SENT}), (0, {OrderState.FAILED})]
    assert (files == 1) is (errors[2] is not None)
    assert ledger.service.check() == []


def test_a_change_of_bank_details_while_somebody_approves_is_never_paid_unseen(app: Flask, clock: MovableClock) -> None:
    grant = lay(clock)
    run = prepare(grant)
    reference, sha256, now, actors, owner = run.reference, run.sha256, grant.now, dict(grant.actors), grant.firm.owner
    approve(grant, reference, sha256, "board")
    approving, changing = at_once(
        app,
        lambda: service.approve(reference=reference, sha256=sha256, actor=actors["second board"], now=now),
        lambda: bank.give_payee(
            owner=owner, account_name="Bee Bikes", sort_code="009901", account_number="11112222",
            actor=actors["firm"], now=now,
        ),
    )  # fmt: skip
    assert changing is None
    assert approving is None or isinstance(approving, Conflict), approving
    assert all(order.payee.account_number != "11112222" for order in orders_of_run(reference))
    if approving is None:
        with pytest.raises(RuleBroken, match="approvals no longer count"):
            make_file(grant, reference)
    else:
        assert orders_of_run(reference) == []
    assert db.session.scalar(select(func.count()).select_from(PaymentFile)) == 0
    assert {row.attempt for row in db.session.scalars(select(Instalment))} == {1}
    assert begin_of(sha256)
