"""Preparing, signing and sending back; what changes later; closing; races."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from itertools import count

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from fund.kernel.access import Actor, Role
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, FundError, NotAllowed, NotFound, RuleBroken
from ledger import service as ledger
from ledger.bank import queries as bank_queries
from ledger.bank import service as bank
from ledger.bank.reconciliation import queries, rules, service
from ledger.bank.reconciliation.models import Reconciliation, ReconciliationDecision
from ledger.bank.reconciliation.rules import BETWEEN, ON_THEIR_WAY, WAITING, Figures, Sort
from ledger.rules import AccountKind, Leg
from ledger.years import service as years
from tests.ledger.bank.files import Line, camt
from tests.ledger.books import ORG, commit, put_in, said
from tests.world import official

NOW = datetime(2026, 7, 3, 9, tzinfo=UTC)
MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
MAY_LINES: list[Line] = [("2026-05-04", 500_00, "Bredbury", "One"), ("2026-05-31", 200_00, "Calder", "Two")]
JUNE_LINES: list[Line] = [("2026-06-02", 70_00, "Etherow", "Three"), ("2026-06-30", -6_00, "", "CHARGE")]
_references = count(1, 100)


@pytest.fixture
def steward(app: Flask) -> Actor:
    return official("Stella Steward", Role.STEWARD)[1]


@pytest.fixture
def board(app: Flask) -> Actor:
    return official("Bola Board", Role.BOARD)[1]


def take(steward: Actor | None, lines: list[Line], opening: int) -> None:
    with transaction():
        bank.import_statement(
            content=camt(lines, opening=opening, number=next(_references)), filename="x.xml", actor=steward, now=NOW
        )


def figures(month: date = MAY) -> Figures:
    account = bank_queries.own_account()
    assert account is not None
    return queries.figures(account.id, month)


def prepare(steward: Actor, month: date = MAY, now: datetime = NOW, **more: str) -> int:
    found = figures(month)
    reasons = {item.key: "As the bank told us" for item in found.to_explain}
    with transaction():
        return service.prepare(month=month, reasons=reasons, seen=found.lasting, actor=steward, now=now, **more).id


def sign(number: int, actor: Actor) -> None:
    with transaction():
        service.sign(reconciliation_id=number, actor=actor, now=NOW)


def count_decisions() -> int:
    return db.session.scalar(select(func.count()).select_from(ReconciliationDecision)) or 0


@pytest.fixture
def two_months(steward: Actor) -> None:
    take(steward, MAY_LINES, 0)
    take(steward, JUNE_LINES, 700_00)


def test_a_month_that_agrees_is_prepared_by_one_and_signed_by_another(
    steward: Actor, board: Actor, two_months: None
) -> None:
    found = figures()
    assert (found.closing_pence, found.books_pence, found.difference_pence) == (700_00, 700_00, 0)
    assert found.of(BETWEEN) == []
    assert [item.pence for item in found.of(WAITING)] == [-500_00, -200_00]
    number = prepare(steward)
    sign(number, board)
    kept = queries.record(number)
    assert kept.figures == found
    assert kept.decision is not None
    assert kept.decision.signed
    assert kept.hash == rules.record_hash(found, {}, steward.person_id, NOW)
    account = bank_queries.own_account()
    assert account is not None
    assert [one.standing for one in queries.months(account.id, NOW, 2026)] == ["open", "due", "signed"]


def test_every_balance_beside_the_bank_is_the_sum_of_its_items(steward: Actor, two_months: None) -> None:
    put_in(40_00, occurred_on=MAY)  # no line of the bank is behind it
    commit(30_00, occurred_on=MAY)
    with transaction():
        ledger.pay_grant(grant="grant:G-2026-003", pence=30_00, **said(occurred_on=MAY))
    found = figures(JUNE)
    assert found.difference_pence == sum(item.pence for item in found.of(BETWEEN)) == -40_00
    assert [(item.sort, item.pence) for item in found.of(BETWEEN)] == [(Sort.NOT_AT_BANK, -40_00)]
    assert [(item.sort, item.pence) for item in found.of(ON_THEIR_WAY)] == [(Sort.OTHER_ON_ITS_WAY, -30_00)]
    assert {item.sort for item in found.to_explain} == {Sort.NOT_AT_BANK, Sort.OTHER_ON_ITS_WAY}


def test_an_item_without_reason_is_refused(steward: Actor) -> None:
    take(steward, MAY_LINES, 0)
    take(steward, [("2026-06-30", 1_00, "", "x")], 650_00)
    found = figures(JUNE)
    assert [(item.sort, item.pence) for item in found.to_explain] == [(Sort.GAP, -50_00)]
    with pytest.raises(RuleBroken, match=r"Say why: Statement 2 opens with £650"), transaction():
        service.prepare(month=JUNE, reasons={}, seen=found.lasting, actor=steward, now=NOW)


def test_a_month_that_is_not_over_is_refused(steward: Actor, two_months: None) -> None:
    with pytest.raises(RuleBroken, match="This month is not over"):
        prepare(steward, JUNE, datetime(2026, 6, 30, 12, tzinfo=UTC))


def test_months_are_signed_in_order(steward: Actor, board: Actor, two_months: None) -> None:
    june = prepare(steward, JUNE)
    with pytest.raises(RuleBroken, match="May 2026 comes first"):
        sign(june, board)
    sign(prepare(steward), board)
    sign(june, board)


def _imports(actor: Actor) -> None:
    take(actor, [("2026-05-20", 3_00, "", "late")], 500_00)


def _posts(actor: Actor) -> None:
    with transaction():
        ledger.receive_contribution(contributor=ORG, pence=1, **said(occurred_on=MAY, actor=actor))


def _matches(actor: Actor) -> None:
    with transaction():
        bank.settle(line_id=bank_queries.open_lines_in()[0].id, settled_as="x:y", actor=actor, now=NOW)


def _prepares(actor: Actor) -> None:
    return


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (_imports, "You brought in a statement of this month"),
        (_posts, "You booked money of this month"),
        (_matches, "You matched a line of this month"),
        (_prepares, "You prepared this reconciliation"),
    ],
)
def test_whoever_had_a_hand_in_the_month_neither_signs_nor_sends_back(
    app: Flask, board: Actor, act: Callable[[Actor], None], why: str
) -> None:
    take(None, MAY_LINES, 0)
    both = official("Both Roles", Role.STEWARD, Role.BOARD)[1]
    act(both)
    preparer = both if act is _prepares else official("Pat Steward", Role.STEWARD)[1]
    number = prepare(preparer)
    with pytest.raises(NotAllowed, match=why):
        sign(number, both)
    with pytest.raises(NotAllowed, match=why), transaction():
        service.send_back(reconciliation_id=number, reason="x", actor=both, now=NOW)
    sign(number, board)


def test_roles_are_needed(steward: Actor, board: Actor, two_months: None) -> None:
    auditor = official("Ada Auditor", Role.AUDITOR)[1]
    for actor in (board, auditor):
        with pytest.raises(NotAllowed):
            prepare(actor)
    number = prepare(steward)
    with pytest.raises(NotAllowed):
        sign(number, auditor)
    with pytest.raises(NotFound):
        sign(2**63, board)


def test_what_is_sent_back_is_prepared_anew(steward: Actor, board: Actor, two_months: None) -> None:
    first = prepare(steward)
    with pytest.raises(Conflict, match="waits for a signature"):
        prepare(steward)
    with pytest.raises(RuleBroken, match="Say what"), transaction():
        service.send_back(reconciliation_id=first, reason=" ", actor=board, now=NOW)
    with transaction():
        service.send_back(reconciliation_id=first, reason="Look again", actor=board, now=NOW)
    with pytest.raises(Conflict, match="decided on this first"):
        sign(first, board)
    sign(prepare(steward), board)


def test_a_late_line_changes_a_signed_month_which_needs_a_new_record_with_a_reason(
    steward: Actor, board: Actor, two_months: None
) -> None:
    number = prepare(steward)
    sign(number, board)
    take(steward, [("2026-05-20", 3_00, "", "late")], 500_00)
    found = figures()
    assert found.lasting != queries.record(number).lasting
    assert found.books_pence == 703_00
    with pytest.raises(RuleBroken, match="Say why it is done again"):
        prepare(steward)
    again = prepare(steward, why="A line came late")
    sign(again, board)
    account = bank_queries.own_account()
    assert account is not None
    assert [one.id for one in queries.history(account.id, MAY)] == [again, number]


def test_matching_a_line_later_changes_nothing_that_was_signed(steward: Actor, board: Actor, two_months: None) -> None:
    number = prepare(steward)
    with transaction():
        line = bank_queries.open_lines_in()[0]
        bank.settle_interest(line_id=line.id, actor=steward, now=NOW)
    assert figures().waiting_pence == -200_00
    sign(number, board)
    assert figures().lasting == queries.record(number).lasting


def test_what_is_prepared_is_what_was_seen(steward: Actor, two_months: None) -> None:
    seen = figures().lasting
    take(steward, [("2026-05-20", 3_00, "", "late")], 500_00)
    reasons = {item.key: "x" for item in figures().to_explain}
    with pytest.raises(Conflict, match="changed meanwhile"), transaction():
        service.prepare(month=MAY, reasons=reasons, seen=seen, actor=steward, now=NOW)


def close(steward: Actor, board: Actor, open_from: date) -> None:
    with transaction():
        asked = years.prepare(open_from=open_from, reason="Signed off.", actor=steward, now=NOW).id
    with transaction():
        years.confirm(closing_id=asked, actor=board, now=NOW)


def match_all(steward: Actor) -> None:
    with transaction():
        for line in [*bank_queries.open_lines_in(), *bank_queries.open_lines_out()]:
            settle = bank.settle_interest if line.amount_pence > 0 else bank.settle_charge
            settle(line_id=line.id, actor=steward, now=NOW)


def test_days_close_only_when_their_months_are_signed_and_unchanged(
    steward: Actor, board: Actor, two_months: None
) -> None:
    match_all(steward)
    with pytest.raises(RuleBroken, match="The bank of May 2026 and 1 more is not reconciled"):
        close(steward, board, date(2026, 7, 1))
    sign(prepare(steward), board)
    close(steward, board, JUNE)
    sign(prepare(steward, JUNE), board)
    take(steward, [("2026-06-20", 3_00, "", "late")], 770_00)
    match_all(steward)
    with pytest.raises(RuleBroken, match="books of June 2026 have changed"):
        close(steward, board, date(2026, 7, 1))
    sign(prepare(steward, JUNE, why="A line came late"), board)
    close(steward, board, date(2026, 7, 1))
    close(steward, board, MAY)


def test_a_line_of_a_closed_month_is_an_item_that_explains_itself(
    steward: Actor, board: Actor, two_months: None
) -> None:
    match_all(steward)
    sign(prepare(steward), board)
    close(steward, board, JUNE)
    take(steward, [("2026-05-20", 3_00, "", "late")], 500_00)
    found = figures()
    assert found.books_pence == 700_00
    assert (Sort.BOOKED_LATER, 3_00) in [(item.sort, item.pence) for item in found.of(BETWEEN)]
    assert sum(item.pence for item in found.of(BETWEEN)) == found.difference_pence


def test_records_are_never_changed(steward: Actor, board: Actor, two_months: None) -> None:
    sign(prepare(steward), board)
    for statement in (
        "UPDATE reconciliation SET closing_pence = 0",
        "DELETE FROM reconciliation",
        "UPDATE reconciliation_decision SET signed = NOT signed",
        "DELETE FROM reconciliation_decision",
    ):
        with pytest.raises(DBAPIError, match="append-only"), transaction():
            db.session.connection().exec_driver_sql(statement)


def test_two_who_sign_at_once_leave_one_signature(app: Flask, steward: Actor, two_months: None) -> None:
    members = [official(f"Board {number}", Role.BOARD)[1] for number in range(2)]
    number = prepare(steward)

    def work(actor: Actor) -> bool:
        with app.app_context():
            try:
                sign(number, actor)
            except FundError:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(work, members)) == [False, True]
    assert count_decisions() == 1


def test_two_who_prepare_at_once_leave_one_record(app: Flask, two_months: None) -> None:
    stewards = [official(f"Steward {number}", Role.STEWARD)[1] for number in range(2)]

    def work(actor: Actor) -> bool:
        with app.app_context():
            try:
                prepare(actor)
            except FundError:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(work, stewards)) == [False, True]
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Reconciliation)) == 1


def test_a_signature_against_a_late_line_is_of_the_figures_that_stood(
    app: Flask, steward: Actor, board: Actor, two_months: None
) -> None:
    """Either the line was first and the signature is refused, or the signature was and the change is told."""
    number = prepare(steward)

    def late() -> bool:
        with app.app_context():
            take(steward, [("2026-05-20", 3_00, "", "late")], 500_00)
            return True

    def signing() -> bool:
        with app.app_context():
            try:
                sign(number, board)
            except Conflict:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        booked, agreed = pool.submit(late), pool.submit(signing)
        assert booked.result()
        assert agreed.result() in (True, False)
    assert count_decisions() == (1 if agreed.result() else 0)
    assert figures().lasting != queries.record(number).lasting


DAY = st.dates(date(2026, 5, 1), date(2026, 6, 30))
ACT = st.tuples(st.sampled_from(["line", "other", "sent", "matched"]), DAY, st.integers(1, 500_00), st.booleans())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACT, max_size=6))
def test_whatever_happens_each_figure_is_the_sum_of_its_items(
    steward: Actor, acts: list[tuple[str, date, int, bool]]
) -> None:
    take(steward, [("2026-05-01", 900_00, "", "begin")], 0)
    for act, day, pence, comes_in in acts:
        with transaction():
            if act == "line":
                bank.import_statement(
                    content=camt([(day.isoformat(), pence if comes_in else -pence, "", "x")], number=next(_references)),
                    filename="x.xml",
                    actor=steward,
                    now=NOW,
                )
            elif act == "other":
                legs = [Leg(AccountKind.BANK, pence), Leg(AccountKind.SUSPENSE, -pence)]
                ledger.post(kind="test", legs=legs, **said(occurred_on=day))
            elif act == "sent":
                legs = [Leg(AccountKind.IN_TRANSIT, -pence), Leg(AccountKind.GRANTS_PAID, pence, "grant:G-1")]
                ledger.post(kind="test", legs=legs, **said(occurred_on=day))
            elif lines := bank_queries.open_lines_in():
                bank.settle_interest(line_id=lines[0].id, actor=steward, now=NOW)
    for month in (MAY, JUNE):
        found = figures(month)
        assert found.difference_pence == sum(item.pence for item in found.of(BETWEEN))
        assert found.on_their_way_pence == sum(item.pence for item in found.of(ON_THEIR_WAY))
        assert found.waiting_pence == sum(item.pence for item in found.of(WAITING))
