"""The unit of work, column types and the guards, on both databases."""

from datetime import UTC, datetime, timedelta, timezone
from threading import Thread

import pytest
import sqlalchemy as sa
from flask import Flask

from fund.kernel import audit, outbox
from fund.kernel.audit import AuditEntry
from fund.kernel.db import db, transaction
from fund.kernel.once import Done, once
from fund.kernel.outbox import OutboxMessage
from fund.kernel.policy import Policy, Setting, policy_at
from fund.kernel.references import next_number, next_reference

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_a_transaction_commits_whole_or_not_at_all(app: Flask) -> None:
    with pytest.raises(ZeroDivisionError), transaction() as session:
        session.add(Setting(key="quorum_min", value="7", effective_from=NOON, set_at=NOON))
        session.flush()
        1 / 0  # noqa: B018
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Setting)) == 0


def test_two_units_of_work_never_become_one(app: Flask) -> None:
    with transaction(), pytest.raises(RuntimeError, match="already open"), transaction():
        pass


def test_a_naive_instant_is_refused(app: Flask) -> None:
    naive = datetime(2026, 6, 1, 12)  # noqa: DTZ001
    with pytest.raises(sa.exc.StatementError, match="naive"), transaction() as session:
        session.add(Setting(key="k", value="1", effective_from=naive, set_at=NOON))


def test_an_instant_comes_back_in_utc(app: Flask) -> None:
    with transaction() as session:
        session.add(
            Setting(key="k", value="1", effective_from=NOON.astimezone(timezone(timedelta(hours=5))), set_at=NOON)
        )
    found = db.session.scalar(sa.select(Setting.effective_from))
    assert found == NOON
    assert found.tzinfo is UTC


@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry"])
def test_the_audit_trail_refuses_to_be_changed(app: Flask, statement: str) -> None:
    with transaction():
        audit.record(None, "test.done", "T-1", at=NOON, after={"n": 1})
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), transaction() as session:
        session.execute(sa.text(statement))
    assert db.session.scalar(sa.select(AuditEntry.action)) == "test.done"


def test_one_number_is_never_given_out_twice(app: Flask, database: str) -> None:
    found: list[int] = []

    def take() -> None:
        with app.app_context():
            for _ in range(10):
                with transaction():
                    found.append(next_number("P-2026"))

    workers = [Thread(target=take) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(found) == list(range(1, 41))
    with transaction():
        assert next_reference("P", year=2026) == "P-2026-041"
        assert next_reference("GM", digits=4) == "GM-0001"


def test_one_form_has_one_effect_however_often_it_is_sent(app: Flask) -> None:
    done: list[int] = []
    answers: list[Done] = []

    def press() -> None:
        def work() -> Done:
            done.append(1)
            return Done("Saved.", f"/thing/{len(done)}")

        with app.app_context(), transaction():
            answers.append(once("form", person_id=7, now=NOON, work=work))

    workers = [Thread(target=press) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert done == [1]
    assert answers == [Done("Saved.", "/thing/1")] * 6


def test_another_persons_form_id_is_not_theirs(app: Flask) -> None:
    with transaction():
        once("form", person_id=7, now=NOON, work=lambda: Done("Saved.", "/private"))
        assert once("form", person_id=8, now=NOON, work=lambda: Done("Done.", "/own")).path == "/own"


def test_a_message_is_written_once_for_its_key(app: Flask) -> None:
    for _ in range(2):
        with transaction():
            outbox.mail(key="k", to="a@example.org", subject="s", what="w", why="y", path="/", now=NOON)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(OutboxMessage)) == 1


def test_a_setting_holds_from_its_date_on_and_never_before(app: Flask) -> None:
    with transaction() as session:
        session.add(Setting(key="quorum_min", value="7", effective_from=NOON, set_at=NOON))
        session.add(Setting(key="quorum_min", value="9", effective_from=NOON + timedelta(days=2), set_at=NOON))
    assert policy_at(NOON - timedelta(seconds=1)).quorum_min == Policy().quorum_min
    assert policy_at(NOON).quorum_min == 7
    assert policy_at(NOON + timedelta(days=3)).quorum_min == 9


def test_a_policy_survives_being_frozen(app: Flask) -> None:
    frozen = Policy(quorum_min=8)
    assert Policy.from_json(frozen.as_json()) == frozen
    assert frozen.version != Policy().version
    assert Policy.from_json('{"quorum_min": 8, "gone": 1}').quorum_min == 8
