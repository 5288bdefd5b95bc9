"""Files that leave something open: kept, answered, remembered, let go."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select

from fund.kernel.access import Actor, Role
from fund.kernel.audit import AuditEntry
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from ledger import queries as books
from ledger import service as ledger
from ledger.bank import queries as bank_queries
from ledger.bank import service as bank
from ledger.bank.csv_guess import guess
from ledger.bank.csv_statement import unknown_table
from ledger.bank.models import Statement
from ledger.bank.questions import queries, service
from ledger.bank.questions.models import Closing, WaitingFile
from ledger.bank.reading import Answers, Asking
from ledger.rules import AccountKind
from tests.ledger.bank.files import camt
from tests.ledger.books import NOW
from tests.world import official

QIF = b"!Type:Bank\nD02/03/2026\nT250.00\nPAlder\nMGM-0011\n^\nD04/05/2026\nT-20.00\nPBirch\nMRent\n^\n"
TABLE = b"Day,Words,Sum,Left\n30/03/2026,Alder,250.00,350.00\n31/03/2026,Rent,-20.00,330.00\n"
LATER = b"Day,Words,Sum,Left\n01/04/2026,Birch,5.00,335.00\n"


@pytest.fixture
def steward(app: Flask) -> Actor:
    actor = official("Sam Steward", Role.STEWARD)[1]
    with transaction():
        bank.set_bank_account(name="Irwell", sort_code="00-99-01", account_number="10203040", actor=actor, now=NOW)
    return actor


def take(content: bytes, steward: Actor, name: str = "march.csv") -> Statement | WaitingFile:
    with transaction():
        return service.take(content=content, filename=name, actor=steward, now=NOW)


def asked(content: bytes, steward: Actor) -> WaitingFile:
    waiting = take(content, steward)
    assert isinstance(waiting, WaitingFile)
    return waiting


def answer(waiting: WaitingFile, steward: Actor, answers: Answers) -> Statement | WaitingFile:
    with transaction():
        return service.answer(waiting_id=waiting.id, answers=answers, actor=steward, now=NOW)


def columns(content: bytes) -> str:
    guessed = guess(unknown_table(content))
    assert guessed is not None
    return guessed.written()


def test_a_file_without_questions_is_booked_at_once(steward: Actor) -> None:
    taken = take(camt([("2026-03-02", 5_00, "Ann", "x")]), steward)
    assert isinstance(taken, Statement)
    assert queries.waiting() == []


def test_a_file_with_questions_is_kept_and_nothing_of_it_is_booked(steward: Actor) -> None:
    waiting = asked(QIF, steward)
    assert [one.asking for one in service.reading(waiting).questions] == [
        Asking.DATES,
        Asking.ACCOUNT,
        Asking.CLOSING,
    ]
    assert asked(QIF, steward).id == waiting.id
    assert bank_queries.statements() == []
    assert books.balance(AccountKind.BANK) == 0


def test_answers_book_the_file_once(steward: Actor) -> None:
    waiting = asked(QIF, steward)
    everything = Answers(is_ours=True, closing_pence=330_00, day_first=False)
    taken = answer(waiting, steward, everything)
    assert isinstance(taken, Statement)
    assert (taken.opening_pence, taken.closing_pence, taken.line_count) == (100_00, 330_00, 2)
    assert [line.booked_on.isoformat() for line in bank_queries.lines_of(taken.id)] == ["2026-02-03", "2026-04-05"]
    closed = queries.waiting_file(waiting.id)
    assert (closed.closed_as, closed.content, closed.statement_id) == (Closing.BOOKED, b"", taken.id)
    with pytest.raises(Conflict):
        answer(waiting, steward, everything)
    again = take(QIF, steward)
    assert isinstance(again, Statement)
    assert again.id == taken.id
    assert ledger.check() == []


def test_a_file_half_answered_asks_for_the_rest_and_keeps_what_was_said(steward: Actor) -> None:
    waiting = asked(QIF, steward)
    assert isinstance(answer(waiting, steward, Answers(day_first=True)), WaitingFile)
    assert isinstance(answer(waiting, steward, Answers(is_ours=True)), WaitingFile)
    taken = answer(waiting, steward, Answers(closing_pence=0))
    assert isinstance(taken, Statement)
    assert [line.booked_on.isoformat() for line in bank_queries.lines_of(taken.id)] == ["2026-03-02", "2026-05-04"]


def test_columns_are_told_once_and_hold_for_every_later_file(steward: Actor) -> None:
    waiting = asked(TABLE, steward)
    taken = answer(waiting, steward, Answers(columns=columns(TABLE), is_ours=True))
    assert isinstance(taken, Statement)
    later = take(LATER, steward)
    assert isinstance(later, Statement)
    assert (later.opening_pence, later.closing_pence, later.remarks) == (330_00, 335_00, [])
    (layout,) = queries.layouts()
    assert layout.headings == ["Day", "Words", "Sum", "Left"]
    with transaction():
        service.ask_again(layout_id=layout.id, actor=steward, now=NOW)
    assert isinstance(take(LATER.replace(b"01/04", b"02/04"), steward), WaitingFile)
    with pytest.raises(NotFound):
        service.ask_again(layout_id=layout.id, actor=steward, now=NOW)


def test_a_closing_balance_is_asked_for_each_file(steward: Actor) -> None:
    answer(asked(QIF, steward), steward, Answers(is_ours=True, closing_pence=330_00, day_first=True))
    waiting = asked(QIF.replace(b"Alder", b"Ash"), steward)
    assert [one.asking for one in service.reading(waiting).questions] == [Asking.CLOSING]


def test_columns_that_do_not_fit_are_told_by_their_names(steward: Actor) -> None:
    waiting = asked(TABLE, steward)
    wrong = columns(TABLE).replace('"day": 0', '"day": 1').replace('"text": 1', '"text": 0')
    with pytest.raises(RuleBroken) as broken:
        answer(waiting, steward, Answers(columns=wrong, is_ours=True))
    assert {finding.field for finding in broken.value.findings} == {"day"}
    assert queries.layouts() == []


def test_a_file_that_breaks_what_is_remembered_is_refused_with_the_way_on(steward: Actor) -> None:
    answer(asked(TABLE, steward), steward, Answers(columns=columns(TABLE), is_ours=True))
    with pytest.raises(RuleBroken) as broken:
        take(TABLE.replace(b"330.00", b"331.00"), steward)
    sentences = [finding.message for finding in broken.value.findings]
    assert "running balance breaks" in sentences[0]
    assert "Remembered layouts" in sentences[-1]


def test_a_gap_is_told_for_forms_without_a_period_and_not_after_an_overlap(steward: Actor) -> None:
    answer(asked(TABLE, steward), steward, Answers(columns=columns(TABLE), is_ours=True))
    gap = take(LATER.replace(b"335.00", b"340.00"), steward)
    assert isinstance(gap, Statement)
    assert "It opens with £335, but the statement before it closed with £330" in gap.remarks[0]
    first = b"Day,Words,Sum,Left\n01/05/2026,A,5.00,345.00\n03/05/2026,B,5.00,350.00\n"
    overlap = b"Day,Words,Sum,Left\n03/05/2026,B,5.00,350.00\n04/05/2026,C,5.00,355.00\n"
    for content, known in ((first, 0), (overlap, 1)):
        taken = take(content, steward)
        assert isinstance(taken, Statement)
        assert (taken.known_count, taken.remarks) == (known, [])


def test_a_file_of_another_account_is_refused_before_anything_is_asked(steward: Actor) -> None:
    other = b"Day,Words,Sum,Sort code,Account number\n30/03/2026,Alder,250.00,11-22-33,12345678\n"
    with pytest.raises(RuleBroken, match="11-22-33 12345678"):
        take(other, steward)
    assert queries.waiting() == []


def test_the_account_is_needed_before_a_file_that_names_none(app: Flask) -> None:
    steward = official("Sam Steward", Role.STEWARD)[1]
    with pytest.raises(RuleBroken, match="own account first"):
        take(QIF, steward)


def test_setting_aside_and_letting_go(steward: Actor) -> None:
    waiting = asked(QIF, steward)
    with transaction():
        service.set_aside(waiting_id=waiting.id, actor=steward, now=NOW)
    with pytest.raises(Conflict):
        service.set_aside(waiting_id=waiting.id, actor=steward, now=NOW)
    second = asked(QIF, steward)
    assert second.id != waiting.id
    with transaction():
        assert service.sweep(NOW + timedelta(days=29)) == 0
    with transaction():
        assert service.sweep(NOW + timedelta(days=31)) == 1
    closed = queries.waiting_file(second.id)
    assert (closed.closed_as, closed.content) == (Closing.EXPIRED, b"")
    assert db.session.scalar(select(func.count()).where(AuditEntry.action == "statement.expired")) == 1


def test_who_does_not_keep_the_bank_may_do_none_of_it(steward: Actor) -> None:
    waiting = asked(QIF, steward)
    stranger = official("Ada", Role.ASSESSOR)[1]
    for act in (
        lambda: service.take(content=QIF, filename="x", actor=stranger, now=NOW),
        lambda: service.answer(waiting_id=waiting.id, answers=Answers(), actor=stranger, now=NOW),
        lambda: service.set_aside(waiting_id=waiting.id, actor=stranger, now=NOW),
        lambda: service.ask_again(layout_id=1, actor=stranger, now=NOW),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert queries.tasks(stranger, NOW) == []


def together(app: Flask, act: Callable[[], object]) -> Counter[str]:
    """Four threads do the same at one moment; how each ended."""
    start = Barrier(4)

    def run(_: int) -> str:
        with app.app_context():
            start.wait()
            try:
                with transaction():
                    return f"{type(outcome := act()).__name__} {outcome.id}"  # type: ignore[attr-defined]
            except Conflict:
                return "conflict"
            finally:
                db.session.remove()

    with ThreadPoolExecutor(4) as pool:
        return Counter(pool.map(run, range(4)))


def test_one_file_sent_by_many_waits_once_and_is_booked_once(app: Flask, steward: Actor) -> None:
    ended = together(app, lambda: service.take(content=QIF, filename="x", actor=steward, now=NOW))
    assert list(ended.values()) == [4]
    (waiting,) = queries.waiting()
    waiting_id, everything = waiting.id, Answers(is_ours=True, closing_pence=330_00, day_first=False)
    db.session.remove()
    ended = together(app, lambda: service.answer(waiting_id=waiting_id, answers=everything, actor=steward, now=NOW))
    assert ended == {"Statement 1": 1, "conflict": 3}
    assert books.balance(AccountKind.BANK) == 230_00
