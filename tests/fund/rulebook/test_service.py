"""Changing settings: by tier, by two people, never reaching back, and nothing of the rules before registration."""

from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from fund.kernel.access import Actor, Role
from fund.kernel.audit import AuditEntry
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, FundError, NotAllowed, NotFound, RuleBroken
from fund.kernel.policy import Policy, Setting, policy_at
from fund.kernel.society import Society
from fund.rulebook import queries, service
from fund.rulebook.rules import ChangeState
from proposals.models import Round
from proposals.principles import PRINCIPLES, principles
from tests.conftest import START
from tests.proposals.scene import make_scene
from tests.world import found_society, official

LATER = date(2026, 7, 1)


@dataclass
class Officers:
    steward: Actor
    secretary: Actor
    second_secretary: Actor
    board: Actor
    second_board: Actor
    auditor: Actor


@pytest.fixture
def officers(app: Flask) -> Officers:
    found_society()
    return Officers(
        *(
            official(name, role)[1]
            for name, role in (
                ("Sam Steward", Role.STEWARD),
                ("Sue Secretary", Role.SECRETARY),
                ("Sid Secretary", Role.SECRETARY),
                ("Bo Board", Role.BOARD),
                ("Bea Board", Role.BOARD),
                ("Al Auditor", Role.AUDITOR),
            )
        )
    )


def enter(actor: Actor, key: str, typed: str, *, now: datetime = START, **more: Any) -> str:
    rows = queries.rows_of(key)
    given: dict[str, Any] = {
        "body": "",
        "effective_on": LATER,
        "reason": "Members asked for it.",
        "resolution": "Annual meeting, item 7",
        "resolution_link": "",
        "seen": rows[0].id if rows else 0,
    }
    with transaction():
        return service.enter_change(key=key, typed=typed, actor=actor, now=now, **(given | more)).reference


def confirm(actor: Actor, reference: str, *, now: datetime = START) -> None:
    with transaction():
        service.confirm(reference=reference, actor=actor, now=now)


def step(actor: Actor, reference: str, to: ChangeState, *, on: date | None = None, now: datetime = START) -> None:
    with transaction():
        service.take_step(
            reference=reference, to=to, happened_on=on or now.date(), evidence="A letter", actor=actor, now=now
        )


def register(officers: Officers, reference: str, *, now: datetime = START) -> None:
    step(officers.secretary, reference, ChangeState.RESOLVED, now=now)
    step(officers.secretary, reference, ChangeState.SENT, now=now)
    step(officers.board, reference, ChangeState.REGISTERED, now=now)


def state(reference: str) -> ChangeState:
    return queries.change(reference).state


def test_a_policy_takes_two_people_and_holds_from_its_day(officers: Officers) -> None:
    reference = enter(officers.secretary, "ballot_open_days", "14")
    assert policy_at(START + timedelta(days=60)).ballot_open_days == 10
    with pytest.raises(RuleBroken, match="another officer"):
        confirm(officers.secretary, reference)
    confirm(officers.second_secretary, reference)
    first = datetime(2026, 6, 30, 23, tzinfo=START.tzinfo)  # midnight of 1 July in England
    assert policy_at(first - timedelta(seconds=1)).ballot_open_days == 10
    assert policy_at(first).ballot_open_days == 14
    assert state(reference) is ChangeState.CONFIRMED


def test_the_boards_own_settings_are_entered_by_the_board(officers: Officers) -> None:
    for other in (officers.steward, officers.secretary):
        with pytest.raises(NotAllowed, match="member of the board"):
            enter(other, "offer_lapse_days", "45")
    reference = enter(officers.board, "offer_lapse_days", "45", effective_on=START.date())
    confirm(officers.second_board, reference)
    assert policy_at(START).offer_lapse_days == 45


def test_a_figure_set_by_law_is_a_stewards_with_its_source(officers: Officers) -> None:
    with pytest.raises(RuleBroken, match="source"):
        enter(officers.steward, "mfa_limit_pence", "320,000", resolution="")
    enter(officers.steward, "mfa_limit_pence", "320,000", resolution="Example Order 2026, article 2")
    assert policy_at(START).mfa_limit_pence == 315_000_00
    assert policy_at(START + timedelta(days=40)).mfa_limit_pence == 320_000_00
    with pytest.raises(NotAllowed):
        enter(officers.board, "mfa_limit_pence", "330,000")


@pytest.mark.parametrize("key", ["votes_per_member", "tie", "vote_depends_on_money"])
def test_what_is_fixed_can_be_changed_by_nobody(officers: Officers, key: str) -> None:
    for actor in (officers.steward, officers.secretary, officers.board):
        with pytest.raises(NotAllowed, match="can't be changed"):
            enter(actor, key, "2")


def test_the_auditor_reads_and_changes_nothing(officers: Officers) -> None:
    reference = enter(officers.secretary, "ballot_open_days", "14")
    acts: list[Callable[[], object]] = [
        lambda: enter(officers.auditor, "g2_min_people", "6"),
        lambda: confirm(officers.auditor, reference),
        lambda: service.withdraw(reference=reference, reason="No", actor=officers.auditor, now=START),
        lambda: service.name_clauses(clauses={"name": "1"}, actor=officers.auditor, now=START),
    ]
    for act in acts:
        with pytest.raises(NotAllowed):
            act()
        db.session.rollback()
    assert state(reference) is ChangeState.PROPOSED


def test_a_rule_has_no_effect_before_it_is_registered(officers: Officers) -> None:
    reference = enter(officers.secretary, "quorum_percent", "25", effective_on=None, resolution="")
    far = START + timedelta(days=900)
    assert policy_at(far).quorum_percent == 20
    step(officers.secretary, reference, ChangeState.RESOLVED)
    assert policy_at(far).quorum_percent == 20
    step(officers.secretary, reference, ChangeState.SENT)
    assert policy_at(far).quorum_percent == 20
    registered = START + timedelta(days=30)
    with pytest.raises(RuleBroken, match="another officer"):
        step(officers.secretary, reference, ChangeState.REGISTERED, now=registered)
    step(officers.board, reference, ChangeState.REGISTERED, now=registered)
    assert policy_at(registered - timedelta(seconds=1)).quorum_percent == 20
    assert policy_at(registered).quorum_percent == 25
    assert [one.state for one in queries.change(reference).steps] == [
        ChangeState.DRAFTED,
        ChangeState.RESOLVED,
        ChangeState.SENT,
        ChangeState.REGISTERED,
    ]


def test_no_step_of_a_rule_is_left_out(officers: Officers) -> None:
    reference = enter(officers.secretary, "quorum_percent", "25", effective_on=None)
    for to in (ChangeState.SENT, ChangeState.REGISTERED, ChangeState.WITHDRAWN, ChangeState.CONFIRMED):
        with pytest.raises(Conflict):
            step(officers.secretary, reference, to)
    with pytest.raises(Conflict):
        confirm(officers.board, reference)
    with pytest.raises(RuleBroken, match="before the step before"):
        step(officers.secretary, reference, ChangeState.RESOLVED, on=date(2026, 5, 1))


def test_a_rule_goes_back_or_is_withdrawn_with_a_reason(officers: Officers) -> None:
    reference = enter(officers.secretary, "quorum_percent", "25", effective_on=None)
    step(officers.secretary, reference, ChangeState.RESOLVED)
    step(officers.secretary, reference, ChangeState.SENT)
    with transaction():
        service.step_back(reference=reference, reason="A clause was unclear.", actor=officers.secretary, now=START)
    assert state(reference) is ChangeState.RESOLVED
    with transaction():
        service.withdraw(reference=reference, reason="Members thought again.", actor=officers.board, now=START)
    assert state(reference) is ChangeState.WITHDRAWN
    assert queries.change(reference).steps[-1].evidence == "Members thought again."
    with pytest.raises(Conflict), transaction():
        service.withdraw(reference=reference, reason="Again", actor=officers.board, now=START)
    with pytest.raises(Conflict), transaction():
        service.step_back(reference=reference, reason="Again", actor=officers.board, now=START)
    assert policy_at(START + timedelta(days=900)).quorum_percent == 20


def test_the_societys_own_facts_change_as_rules(officers: Officers) -> None:
    for key, typed in (
        ("society_type", "co_operative"),
        ("society_name", "Medlock Collaboration Fund"),
        ("year_end", "30 June"),
        ("society_address", "2 Example Street"),
    ):
        reference = enter(officers.secretary, key, typed, effective_on=None)
        register(officers, reference)
    found = db.session.get_one(Society, 1)
    assert (found.name, found.society_type.value, found.address) == (
        "Medlock Collaboration Fund",
        "co_operative",
        "2 Example Street",
    )
    assert (found.year_end_month, found.year_end_day) == (6, 30)
    assert queries.values_at(START - timedelta(days=1))["society_name"] == "Irwell Collaboration Fund"
    assert queries.values_at(START)["year_end"] == "06-30"
    reference = enter(officers.secretary, "sector_safeguard", "equal_thirds_weight", effective_on=None)
    register(officers, reference)
    assert policy_at(START).sector_safeguard == "equal_thirds_weight"
    with pytest.raises(RuleBroken, match="Only a co-operative"):
        enter(officers.secretary, "society_type", "hosted", effective_on=None)


def test_no_change_reaches_back(officers: Officers) -> None:
    with pytest.raises(RuleBroken, match="never reaches back"):
        enter(officers.secretary, "ballot_open_days", "14", effective_on=date(2026, 5, 31))
    reference = enter(officers.secretary, "ballot_open_days", "14", effective_on=START.date())
    confirmed = START + timedelta(days=3)
    confirm(officers.board, reference, now=confirmed)
    assert policy_at(confirmed - timedelta(seconds=1)).ballot_open_days == 10
    assert policy_at(confirmed).ballot_open_days == 14


def test_everything_wrong_is_said_at_once(officers: Officers) -> None:
    with pytest.raises(RuleBroken) as broken:
        enter(
            officers.secretary,
            "ballot_open_days",
            "2",
            effective_on=date(2026, 5, 31),
            reason="",
            resolution="",
            resolution_link="nowhere",
        )
    assert [one.field for one in broken.value.findings] == [
        "effective_on",
        "reason",
        "resolution",
        "resolution_link",
        "value",
    ]
    with pytest.raises(RuleBroken, match="the value already"):
        enter(officers.secretary, "ballot_open_days", "10")
    with pytest.raises(NotFound):
        enter(officers.secretary, "none_such", "10")


def test_the_newest_decision_holds_and_the_overtaken_one_stays_on_record(officers: Officers) -> None:
    first = enter(officers.secretary, "ballot_open_days", "14", effective_on=date(2026, 9, 1))
    confirm(officers.board, first)
    second = enter(officers.secretary, "ballot_open_days", "12", effective_on=date(2026, 8, 1))
    confirm(officers.board, second)
    assert policy_at(START + timedelta(days=70)).ballot_open_days == 12
    assert policy_at(START + timedelta(days=300)).ballot_open_days == 12
    rows = queries.rows_of("ballot_open_days")
    assert [queries.overtaken(row, rows) for row in rows] == [False, True]
    assert state(first) is ChangeState.CONFIRMED


def test_settings_are_checked_against_what_else_is_coming(officers: Officers) -> None:
    confirm(officers.second_board, enter(officers.board, "due_diligence_standard_to_pence", "20,000"))
    with pytest.raises(RuleBroken, match="must not be more"):
        enter(officers.board, "due_diligence_light_to_pence", "30,000", effective_on=START.date())


def test_a_setting_in_the_past_stays_as_it_was_written(officers: Officers) -> None:
    confirm(officers.board, enter(officers.secretary, "ballot_open_days", "14"))
    for statement in ("UPDATE setting SET value = '3'", "DELETE FROM setting", "DELETE FROM setting_change_step"):
        with pytest.raises(sa.exc.DBAPIError), transaction() as session:
            session.execute(sa.text(statement))


def test_a_round_keeps_what_it_began_under(app: Flask) -> None:
    scene = make_scene()
    secretary, board = official("Sue", Role.SECRETARY)[1], official("Bo", Role.BOARD)[1]
    before = db.session.scalars(sa.select(Round)).first()
    assert before is not None
    kept = before.policy
    confirm(board, enter(secretary, "g2_min_people", "50", effective_on=START.date()))
    assert policy_at(START).g2_min_people == 50
    db.session.expire_all()
    assert before.policy == kept
    assert kept.g2_min_people == Policy().g2_min_people
    assert scene is not None


def test_a_new_version_of_the_principles_brings_its_text(officers: Officers) -> None:
    key = "coproduction_principles_version"
    with pytest.raises(RuleBroken, match="Paste the text"):
        enter(officers.secretary, key, "1.1")
    confirm(officers.board, enter(officers.secretary, key, "1.1", body="Be in from the start.\n\nHear back."))
    assert principles("1.1") == ("Be in from the start.", "Hear back.")
    assert principles("1.0") == PRINCIPLES["1.0"]
    found = queries.text_of(key, "1.1")
    assert found is not None
    assert len(found.sha256) == 64
    with pytest.raises(RuleBroken, match="never changes"):
        enter(officers.secretary, key, "1.1", body="Something else")
    with pytest.raises(sa.exc.DBAPIError), transaction() as session:
        session.execute(sa.text("UPDATE rule_text SET body = 'other'"))


def test_only_a_published_framework_may_be_named(officers: Officers) -> None:
    with pytest.raises(RuleBroken, match="No published framework"):
        enter(officers.secretary, "framework_version", "SICF 9.9")


def test_a_page_that_is_out_of_date_is_refused(officers: Officers) -> None:
    confirm(officers.board, enter(officers.secretary, "ballot_open_days", "14"))
    with pytest.raises(Conflict, match="since you opened"):
        enter(officers.secretary, "ballot_open_days", "12", seen=0)
    reference = enter(officers.secretary, "ballot_open_days", "12")
    with pytest.raises(Conflict, match=reference):
        enter(officers.secretary, "ballot_open_days", "11")
    confirm(officers.board, reference)
    with pytest.raises(Conflict, match="has moved"):
        confirm(officers.second_board, reference)


def _at_once(app: Flask, acts: list[Callable[[], object]]) -> list[str]:
    barrier, said = Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        with app.app_context():
            barrier.wait()
            try:
                act()
                said.append("done")
            except FundError as refused:
                said.append(type(refused).__name__)
            finally:
                db.session.remove()

    db.session.remove()
    threads = [Thread(target=Context().run, args=(run, act)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(said)


def test_two_enter_a_change_of_one_setting_at_once(app: Flask, officers: Officers) -> None:
    acts: list[Callable[[], object]] = [
        lambda: enter(officers.secretary, "ballot_open_days", "14", seen=0),
        lambda: enter(officers.second_secretary, "ballot_open_days", "12", seen=0),
    ]
    assert _at_once(app, acts) == ["Conflict", "done"]
    assert len(queries.changes_of("ballot_open_days")) == 1


def test_two_stewards_enter_a_figure_at_once(app: Flask, officers: Officers) -> None:
    other = official("Stella Steward", Role.STEWARD)[1]
    acts: list[Callable[[], object]] = [
        lambda: enter(officers.steward, "publish_months", "4", seen=0),
        lambda: enter(other, "publish_months", "2", seen=0),
    ]
    assert _at_once(app, acts) == ["Conflict", "done"]
    assert len(queries.rows_of("publish_months")) == 1


def test_two_confirm_at_once(app: Flask, officers: Officers) -> None:
    reference = enter(officers.secretary, "ballot_open_days", "14")
    acts: list[Callable[[], object]] = [
        lambda: confirm(officers.board, reference),
        lambda: confirm(officers.second_board, reference),
    ]
    assert _at_once(app, acts) == ["Conflict", "done"]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Setting)) == 1


def test_every_act_is_in_the_audit(officers: Officers) -> None:
    reference = enter(officers.secretary, "quorum_percent", "25", effective_on=None)
    register(officers, reference)
    with transaction():
        service.name_clauses(clauses={"name": "Clause 1", "none_such": "2"}, actor=officers.secretary, now=START)
    actions = db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == [
        "setting.change_entered",
        "setting.change_stepped",
        "setting.change_stepped",
        "setting.change_stepped",
        "rules.clause_named",
    ]
    assert queries.clauses() == {"name": "Clause 1"}


def test_who_must_act_is_told(officers: Officers) -> None:
    reference = enter(officers.secretary, "ballot_open_days", "14")
    assert [task.path for task in queries.tasks(officers.board, START)] == [f"/rules-and-policies/changes/{reference}"]
    assert queries.tasks(officers.secretary, START) == []
    assert queries.tasks(officers.auditor, START) == []
    drafted = enter(officers.secretary, "quorum_percent", "25", effective_on=None)
    assert [task.path for task in queries.tasks(officers.secretary, START)] == [
        f"/rules-and-policies/changes/{drafted}"
    ]


def test_the_policy_is_one_query_however_many_changes(officers: Officers) -> None:
    with transaction() as session:
        for number in range(300):
            session.add(
                Setting(key="quorum_min", value=str(5 + number % 9), effective_from=START, set_at=START, set_by_id=None)
            )
    statements: list[str] = []

    def note(*args: Any) -> None:
        statements.append(args[2])

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert policy_at(START).quorum_min == 5 + 299 % 9
        assert len([one for one in statements if "setting" in one]) == 1
        statements.clear()
        queries.lines_at(START)
        assert len([one for one in statements if "SELECT" in one]) <= 6
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
