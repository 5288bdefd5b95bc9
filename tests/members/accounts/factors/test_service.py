"""Codes used up under a race, waiting after wrong ones, letting somebody back in, sealing."""

import threading
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict, NotAllowed, RuleBroken
from fund.kernel.outbox import OutboxMessage
from fund.kernel.sealing import CannotOpen, seal, unseal
from members.accounts import held_service, queries, session_service
from members.accounts import service as account_service
from members.accounts.factors import letting_in_service, passkey_service, rules, service
from members.accounts.factors import queries as factors
from members.accounts.factors.models import PasskeyChallenge
from members.accounts.models import Person, PersonSession
from tests.members.accounts.factors.steps import RECOVERY, code_of, give_app
from tests.world import found_society, official, person

HOME, AWAY = "192.0.2.7", "203.0.113.9"


@pytest.fixture
def ada(app: Flask) -> int:
    found_society()
    return person("Ada Alder").id


def tried(clock: MovableClock, person_id: int, network: str = HOME, device: str | None = None) -> service.Try:
    with transaction():
        return service.claim_try(person_id=person_id, network=network, device_token=device, now=clock.now())


def test_one_code_given_by_many_at_once_opens_once(app: Flask, clock: MovableClock, ada: int) -> None:
    secret = give_app(ada, clock.now())
    now, code = clock.now(), code_of(secret, clock.now())
    claimed = tried(clock, ada)
    opened: list[bool] = []

    def use() -> None:
        with app.app_context():
            with transaction():
                opened.append(service.use_app_code(person_id=ada, code=code, tried=claimed, now=now))
            db.session.remove()

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(opened) == [False] * 5 + [True]


def test_one_recovery_code_given_by_many_at_once_opens_once(app: Flask, clock: MovableClock, ada: int) -> None:
    give_app(ada, clock.now())
    stored = factors.recovery_hash(ada, 0)
    assert stored is not None
    assert RECOVERY not in stored
    claimed, now = tried(clock, ada), clock.now()
    opened: list[bool] = []

    def use() -> None:
        with app.app_context():
            with transaction():
                opened.append(
                    service.use_recovery_code(person_id=ada, number=0, code_hash=stored, tried=claimed, now=now)
                )
            db.session.remove()

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(opened) == [False] * 3 + [True]
    assert factors.recovery_hash(ada, 0) is None


def test_guessing_from_many_networks_is_stopped_and_the_owner_told_and_let_in(clock: MovableClock, ada: int) -> None:
    give_app(ada, clock.now())
    with transaction():
        device = session_service.greet_device(
            person_id=ada, device_token=None, browser=account_service.Browser(), now=clock.now()
        )
    for number in range(rules.FREE_ELSEWHERE):
        assert tried(clock, ada, f"198.51.100.{number}").wait_until is None
    assert tried(clock, ada, AWAY).wait_until == clock.now() + rules.WAIT_ELSEWHERE
    assert tried(clock, ada, AWAY, device="forged").wait_until is not None
    assert tried(clock, ada, AWAY, device=device).wait_until is None
    assert "guessing" in db.session.scalars(select(OutboxMessage.subject)).one()
    clock.move(rules.WAIT_ELSEWHERE)
    assert tried(clock, ada, HOME).wait_until is None


def test_sealed_text_opens_for_its_purpose_and_key_only(app: Flask) -> None:
    sealed = seal("secret", "one")
    assert "secret" not in sealed
    assert unseal(sealed, "one") == "secret"
    with pytest.raises(CannotOpen):
        unseal(sealed, "two")
    before, app.config["SECRET_KEY"] = app.config["SECRET_KEY"], "another"
    try:
        with pytest.raises(CannotOpen):
            unseal(sealed, "one")
    finally:
        app.config["SECRET_KEY"] = before


def test_a_kept_form_is_its_senders_alone_and_only_the_newest_are_kept(clock: MovableClock, ada: int) -> None:
    other = person("Bo").id

    def hold(text: str) -> str | None:
        with transaction():
            return held_service.hold(
                person_id=ada,
                acting_for_id=None,
                path="/x",
                pairs=[("form_id", "f"), ("text", text), ("text", "again")],
                had_files=False,
                now=clock.now(),
            )

    first = hold("one")
    assert first is not None
    kept = held_service.held(token=first, person_id=ada, now=clock.now())
    assert kept is not None
    assert kept.pairs == [("form_id", "f"), ("text", "one"), ("text", "again")]
    assert held_service.held(token=first, person_id=other, now=clock.now()) is None
    assert hold("x" * 600_000) is None
    for number in range(20):
        assert hold(str(number)) is not None
    assert held_service.held(token=first, person_id=ada, now=clock.now()) is None


def test_a_riddle_is_solved_once_by_whom_it_was_given_to(clock: MovableClock, ada: int) -> None:
    site = passkey_service.Site("localhost", "http://localhost")
    other = person("Bo").id

    def give() -> str:
        with transaction():
            return passkey_service.use_options(site=site, person_id=ada, now=clock.now())[1]

    def use(challenge: str, person_id: int | None) -> str:
        with pytest.raises(RuleBroken) as refused, transaction():
            passkey_service.use_passkey(
                site=site, credential="{}", challenge=challenge, person_id=person_id, now=clock.now()
            )
        return refused.value.message

    challenge = give()
    assert "took too long" in use(challenge, other)
    assert "took too long" in use(challenge, None)
    assert "didn't work" in use(challenge, ada)
    late = give()
    clock.move(timedelta(minutes=5))
    assert "took too long" in use(late, ada)
    with transaction():
        assert service.sweep(clock.now()) == 2
    assert db.session.scalars(select(PasskeyChallenge)).all() == []


class TestLettingIn:
    def _ask(self, clock: MovableClock, ada: int, steward: Actor) -> int:
        address = db.session.get_one(Person, ada).email
        with transaction():
            return letting_in_service.ask(email=address, how_checked="By phone.", actor=steward, now=clock.now()).id

    def test_everything_ends_and_it_is_decided_once(self, clock: MovableClock, ada: int) -> None:
        give_app(ada, clock.now())
        (_, steward), (_, secretary), (_, board) = (
            official("Stella", Role.STEWARD),
            official("Cem", Role.SECRETARY),
            official("Dot", Role.BOARD),
        )
        with transaction():
            token = account_service.open_session(person_id=ada, acting_for_id=None, now=clock.now())
        number = self._ask(clock, ada, steward)
        with pytest.raises(RuleBroken, match="asked for Ada Alder already"):
            self._ask(clock, ada, steward)
        for decides in (secretary, board):
            try:
                with transaction():
                    letting_in_service.decide(
                        letting_in_id=number, is_granted=True, second_check="Met.", actor=decides, now=clock.now()
                    )
            except Conflict:
                assert decides is board
        assert not factors.has_second_step(ada)
        assert factors.second_steps_of(ada).codes_left == 0
        assert queries.signed_in(token, clock.now()) is None
        assert "Your second step was removed" in list(db.session.scalars(select(OutboxMessage.subject)))

    def test_an_officer_who_left_meanwhile_counts_no_more(self, clock: MovableClock, ada: int) -> None:
        give_app(ada, clock.now())
        (stella, steward), (_, second) = official("Stella", Role.STEWARD), official("Stan", Role.STEWARD)
        number, stella_id = self._ask(clock, ada, steward), stella.id
        with transaction() as session:
            session.get_one(Person, stella_id).disabled_at = clock.now()
        with pytest.raises(RuleBroken, match="officers of the fund now"), transaction():
            letting_in_service.decide(
                letting_in_id=number, is_granted=True, second_check="Met.", actor=second, now=clock.now()
            )
        assert factors.has_second_step(ada)

    def test_a_week_later_it_is_asked_anew(self, clock: MovableClock, ada: int) -> None:
        give_app(ada, clock.now())
        (_, steward), (_, secretary) = official("Stella", Role.STEWARD), official("Cem", Role.SECRETARY)
        number = self._ask(clock, ada, steward)
        clock.move(timedelta(days=7))
        with pytest.raises(Conflict), transaction():
            letting_in_service.decide(
                letting_in_id=number, is_granted=True, second_check="Met.", actor=secretary, now=clock.now()
            )
        assert self._ask(clock, ada, steward) != number

    def test_nobody_without_the_role(self, clock: MovableClock, ada: int) -> None:
        _, assessor = official("Asha", Role.ASSESSOR)
        with pytest.raises(NotAllowed):
            self._ask(clock, ada, assessor)


def test_a_new_role_ends_the_sessions_that_were_open(clock: MovableClock, ada: int) -> None:
    with transaction():
        token = account_service.open_session(person_id=ada, acting_for_id=None, now=clock.now())
    with transaction():
        account_service.grant_fund_role(person_id=ada, role=Role.STEWARD, actor=None, now=clock.now())
    assert queries.signed_in(token, clock.now()) is None
    assert db.session.scalars(select(PersonSession.ended_at)).one() == clock.now()


def test_a_session_whose_second_step_is_to_come_is_nobodys(clock: MovableClock, ada: int) -> None:
    with transaction():
        token = account_service.open_session(person_id=ada, acting_for_id=None, is_half=True, now=clock.now())
    assert queries.signed_in(token, clock.now()) is None
    assert queries.sessions_of(ada, clock.now()) == []
    with transaction():
        session_service.gave_factor(token=token, now=clock.now())
    assert queries.signed_in(token, clock.now()) is not None
