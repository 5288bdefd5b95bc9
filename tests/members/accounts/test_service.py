"""Signing in and out, throttling, links that work once, switching organisations, roles for the fund."""

import threading
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from fund.kernel.access import Actor, Role
from fund.kernel.clock import MovableClock
from fund.kernel.db import db, transaction
from fund.kernel.errors import NotAllowed, NotFound, RuleBroken
from fund.kernel.outbox import OutboxMessage
from fund.kernel.society import Society
from members.accounts import passphrase_service, queries, rules, service
from members.accounts.models import PassphraseReset, Person, PersonSession, SignInThrottle
from members.models import Appointment
from members.rules import Sector
from tests.world import acting, appoint, found_society, member, officer, official, person

PASSPHRASE = "heather over moorland"
HOME = "192.0.2.7"


@pytest.fixture
def ada(app: Flask, clock: MovableClock) -> Person:
    with transaction():
        return service.add_person(
            name="Ada Alder", email="Ada@alder.example", passphrase=PASSPHRASE, actor=None, now=clock.now()
        )


def attempt(clock: MovableClock, email: str = "ada@alder.example", network: str = HOME) -> service.Attempt:
    with transaction():
        return service.claim_attempt(email=email, network=network, now=clock.now())


def signed_in(clock: MovableClock, *, is_remembered: bool = True) -> str:
    claimed = attempt(clock)
    assert rules.passphrase_matches(claimed.stored_hash, PASSPHRASE)
    browser = service.Browser("Firefox on Linux", "192.0.x.x", is_remembered)
    with transaction():
        return service.sign_in(attempt=claimed, browser=browser, now=clock.now())


class TestSessions:
    def test_only_the_hash_of_a_session_is_kept_and_it_ends(self, clock: MovableClock, ada: Person) -> None:
        token = signed_in(clock)
        kept = db.session.scalars(select(PersonSession)).one()
        assert token not in kept.token_hash
        found = queries.signed_in(token, clock.now())
        assert found is not None
        assert found.actor.person_id == ada.id
        clock.move(timedelta(days=13, hours=23))
        assert queries.signed_in(token, clock.now()) is not None
        clock.move(timedelta(hours=1))
        assert queries.signed_in(token, clock.now()) is None

    def test_signing_out_ends_the_session_on_the_server(self, clock: MovableClock, ada: Person) -> None:
        here, there = signed_in(clock), signed_in(clock)
        with transaction():
            service.sign_out(token=here, now=clock.now())
        assert queries.signed_in(here, clock.now()) is None
        assert queries.signed_in(there, clock.now()) is not None
        ada_id = ada.id
        with transaction():
            service.sign_out_everywhere(person_id=ada_id, now=clock.now())
        assert queries.signed_in(there, clock.now()) is None

    def test_a_disabled_person_is_out_at_once_and_cannot_come_in(self, clock: MovableClock, ada: Person) -> None:
        token, claimed = signed_in(clock), attempt(clock)
        ada_id = ada.id
        with transaction() as session:
            session.get_one(Person, ada_id).disabled_at = clock.now()
        assert queries.signed_in(token, clock.now()) is None
        assert attempt(clock).stored_hash is None
        with pytest.raises(NotFound), transaction():
            service.sign_in(attempt=claimed, now=clock.now())

    def test_a_role_that_ends_is_gone_at_the_next_page(self, clock: MovableClock, ada: Person) -> None:
        own = member("Alder", Sector.PRIVATE)
        appoint(ada, own, Role.FINANCE)
        token = signed_in(clock)
        found = queries.signed_in(token, clock.now())
        assert found is not None
        assert found.actor.roles == {Role.FINANCE}
        with transaction() as session:
            session.scalars(select(Appointment)).one().ended_at = clock.now()
        found = queries.signed_in(token, clock.now())
        assert found is not None
        assert found.actor.roles == frozenset()


class TestThrottle:
    def test_one_network_waits_longer_and_longer_but_never_for_good(self, clock: MovableClock, ada: Person) -> None:
        waits = []
        for _ in range(16):
            while (claimed := attempt(clock)).wait_until is not None:
                waits.append(claimed.wait_until - clock.now())
                clock.move_to(claimed.wait_until)
        assert waits == [min(timedelta(seconds=5 * 2**i), timedelta(minutes=15)) for i in range(len(waits))]
        assert max(waits) == timedelta(minutes=15)
        token = signed_in_after_wait(clock)
        assert queries.signed_in(token, clock.now()) is not None
        assert attempt(clock).wait_until is None, "a right passphrase forgives what was before"

    def test_trying_while_waiting_does_not_lengthen_it_and_looks_at_no_passphrase(
        self, clock: MovableClock, ada: Person
    ) -> None:
        for _ in range(4):
            attempt(clock)
        first = attempt(clock)
        assert first.wait_until is not None
        assert first.stored_hash is None
        for _ in range(50):
            assert attempt(clock).wait_until == first.wait_until

    def test_an_attacker_elsewhere_keeps_nobody_out(self, clock: MovableClock, ada: Person) -> None:
        for _ in range(30):
            attempt(clock, network="203.0.113.9")
        assert attempt(clock, network="203.0.113.9").wait_until is not None
        assert queries.signed_in(signed_in(clock), clock.now()) is not None

    def test_one_phrase_tried_on_many_people_slows_the_whole_network(self, clock: MovableClock, ada: Person) -> None:
        for number in range(rules.NETWORK_FREE_ATTEMPTS):
            assert attempt(clock, email=f"person{number}@example.org").wait_until is None
        assert attempt(clock).wait_until == clock.now() + rules.NETWORK_WAIT
        assert attempt(clock, network="203.0.113.9").wait_until is None

    def test_unknown_addresses_are_counted_alike(self, clock: MovableClock, ada: Person) -> None:
        for email in ("ada@alder.example", "nobody@alder.example"):
            for _ in range(4):
                assert attempt(clock, email=email).wait_until is None
            assert attempt(clock, email=email).wait_until is not None

    def test_many_tries_at_one_moment_are_all_counted(self, app: Flask, clock: MovableClock, ada: Person) -> None:
        now, start, let_through = clock.now(), threading.Barrier(12), []
        db.session.remove()

        def claim() -> None:
            with app.app_context():
                start.wait()
                with transaction():
                    claimed = service.claim_attempt(email="ada@alder.example", network=HOME, now=now)
                let_through.append(claimed.wait_until is None)
                db.session.remove()

        threads = [threading.Thread(target=claim) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sum(let_through) == rules.FREE_ATTEMPTS
        assert len(let_through) == 12

    def test_old_failures_are_forgotten(self, clock: MovableClock, ada: Person) -> None:
        attempt(clock)
        with transaction():
            assert service.sweep(clock.now()) == 0
        clock.move(timedelta(hours=25))
        with transaction():
            assert service.sweep(clock.now()) == 2
        assert db.session.scalar(select(func.count()).select_from(SignInThrottle)) == 0


def signed_in_after_wait(clock: MovableClock) -> str:
    claimed = attempt(clock)
    if claimed.wait_until is not None:
        clock.move_to(claimed.wait_until)
    return signed_in(clock)


class TestPassphrases:
    def test_changing_it_signs_out_everywhere_else(self, clock: MovableClock, ada: Person) -> None:
        here, there = signed_in(clock), signed_in(clock)
        found = queries.signed_in(here, clock.now())
        assert found is not None
        with transaction():
            fresh = passphrase_service.change_password(
                present=PASSPHRASE, passphrase="bracken under a wall", actor=found.actor, now=clock.now()
            )
        assert [queries.signed_in(token, clock.now()) is not None for token in (here, there, fresh)] == [
            False,
            False,
            True,
        ]
        assert rules.passphrase_matches(attempt(clock).stored_hash, "bracken under a wall")

    def test_changing_it_needs_the_present_one_and_names_all_faults(self, clock: MovableClock, ada: Person) -> None:
        token = signed_in(clock)
        found = queries.signed_in(token, clock.now())
        assert found is not None
        with pytest.raises(RuleBroken) as broken, transaction():
            passphrase_service.change_password(present="wrong", passphrase="short", actor=found.actor, now=clock.now())
        assert {finding.field for finding in broken.value.findings} == {"present", "passphrase"}
        assert queries.signed_in(token, clock.now()) is not None

    def _link(self) -> str:
        path = db.session.scalars(
            select(OutboxMessage.path).where(OutboxMessage.key.startswith("reset:")).order_by(OutboxMessage.id.desc())
        ).first()
        assert path is not None
        return path.removeprefix("/reset/")

    def test_a_mailed_link_sets_a_new_one_once(self, clock: MovableClock, ada: Person) -> None:
        session_token = signed_in(clock)
        with transaction():
            passphrase_service.ask_reset(email="ADA@alder.example", now=clock.now())
        link = self._link()
        with pytest.raises(RuleBroken), transaction():
            passphrase_service.reset(token=link, passphrase="short", now=clock.now())
        assert queries.reset_is_open(link, clock.now())
        with transaction():
            passphrase_service.reset(token=link, passphrase="bracken under a wall", now=clock.now())
        assert queries.signed_in(session_token, clock.now()) is None
        assert rules.passphrase_matches(attempt(clock).stored_hash, "bracken under a wall")
        with pytest.raises(NotFound), transaction():
            passphrase_service.reset(token=link, passphrase="another good phrase", now=clock.now())

    def test_a_link_is_too_old_after_two_hours(self, clock: MovableClock, ada: Person) -> None:
        with transaction():
            passphrase_service.ask_reset(email="ada@alder.example", now=clock.now())
        link = self._link()
        clock.move(timedelta(hours=2))
        assert not queries.reset_is_open(link, clock.now())
        with pytest.raises(NotFound), transaction():
            passphrase_service.reset(token=link, passphrase="bracken under a wall", now=clock.now())

    def test_no_mail_for_nobody_and_no_flood_for_somebody(self, clock: MovableClock, ada: Person) -> None:
        for email in ("nobody@alder.example", "ada@alder.example", "ada@alder.example"):
            with transaction():
                passphrase_service.ask_reset(email=email, now=clock.now())
        assert db.session.scalar(select(func.count()).select_from(PassphraseReset)) == 1
        clock.move(rules.RESET_PAUSE)
        with transaction():
            passphrase_service.ask_reset(email="ada@alder.example", now=clock.now())
        assert db.session.scalar(select(func.count()).select_from(PassphraseReset)) == 2


class TestInvitations:
    def _invite(self, clock: MovableClock, email: str, actor: Actor | None = None) -> str:
        with transaction():
            return service.invite(
                name="Stella Steward",
                email=email,
                role=Role.STEWARD,
                organisation_id=None,
                invited_by=actor,
                now=clock.now(),
            )

    def _accept(self, token: str, clock: MovableClock, actor: Actor | None, passphrase: str | None) -> Person:
        with transaction():
            return service.accept_invitation(token=token, passphrase=passphrase, actor=actor, now=clock.now())

    def test_somebody_new_chooses_a_passphrase_and_has_the_role(self, app: Flask, clock: MovableClock) -> None:
        token = self._invite(clock, "Stella@fund.example")
        with pytest.raises(RuleBroken):
            self._accept(token, clock, None, "short")
        assert db.session.scalar(select(func.count()).select_from(Person)) == 0
        stella = self._accept(token, clock, None, PASSPHRASE)
        assert queries.fund_roles_of(stella.id) == [Role.STEWARD]
        with pytest.raises(NotFound):
            self._accept(token, clock, None, PASSPHRASE)

    def test_somebody_with_an_account_must_be_signed_in_as_themselves(self, clock: MovableClock, ada: Person) -> None:
        stranger, other = official("Sid", Role.AUDITOR)
        token = self._invite(clock, "ADA@alder.example")
        for actor in (None, other):
            with pytest.raises(NotAllowed):
                self._accept(token, clock, actor, "a phrase of my own")
        assert rules.passphrase_matches(attempt(clock).stored_hash, PASSPHRASE)
        assert self._accept(token, clock, acting(ada), None).id == ada.id
        assert queries.fund_roles_of(ada.id) == [Role.STEWARD]
        assert stranger.id != ada.id

    def test_somebody_signed_in_cannot_take_a_strangers_invitation(self, clock: MovableClock, ada: Person) -> None:
        token = self._invite(clock, "new@fund.example")
        with pytest.raises(NotAllowed):
            self._accept(token, clock, acting(ada), PASSPHRASE)
        assert queries.person_by_email("new@fund.example") is None

    def test_after_fourteen_days_it_is_too_late(self, app: Flask, clock: MovableClock) -> None:
        token = self._invite(clock, "late@fund.example")
        clock.move(timedelta(days=14))
        with pytest.raises(NotFound):
            self._accept(token, clock, None, PASSPHRASE)

    def test_one_link_accepted_twice_at_once_makes_one_person(self, app: Flask, clock: MovableClock) -> None:
        token, now = self._invite(clock, "twice@fund.example"), clock.now()
        start, outcomes = threading.Barrier(2), []
        db.session.remove()

        def accept() -> None:
            with app.app_context():
                start.wait()
                try:
                    with transaction():
                        service.accept_invitation(token=token, passphrase=PASSPHRASE, actor=None, now=now)
                    outcomes.append("in")
                except NotFound:
                    outcomes.append("used")
                finally:
                    db.session.remove()

        threads = [threading.Thread(target=accept) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(outcomes) == ["in", "used"]


class TestActingFor:
    def test_switching_only_where_a_role_is_held(self, clock: MovableClock, ada: Person) -> None:
        own, second, foreign = (member(name, Sector.VCSE) for name in ("Alder", "Birch", "Cedar"))
        appoint(ada, own, Role.CERTIFIER)
        appoint(ada, second, Role.EDITOR)
        token = signed_in(clock)
        found = queries.signed_in(token, clock.now())
        assert found is not None
        assert found.actor.organisation_id == own.id
        ids = second.id, foreign.id
        with transaction():
            service.act_for(token=token, organisation_id=ids[0], actor=found.actor, now=clock.now())
        now_acting = queries.signed_in(token, clock.now())
        assert now_acting is not None
        assert (now_acting.actor.organisation_name, now_acting.actor.roles) == ("Birch", {Role.EDITOR})
        for bad in (ids[1], 0, 2**70):
            with pytest.raises(NotFound), transaction():
                service.act_for(token=token, organisation_id=bad, actor=found.actor, now=clock.now())


class TestFundRoles:
    def test_a_role_is_given_once_and_only_the_funds_own(self, clock: MovableClock, ada: Person) -> None:
        ada_id = ada.id
        for _ in range(2):
            with transaction():
                service.grant_fund_role(person_id=ada_id, role=Role.SECRETARY, actor=None, now=clock.now())
        assert queries.fund_roles_of(ada_id) == [Role.SECRETARY]
        with pytest.raises(RuleBroken), transaction():
            service.grant_fund_role(person_id=ada_id, role=Role.CERTIFIER, actor=None, now=clock.now())
        with pytest.raises(NotFound), transaction():
            service.grant_fund_role(person_id=10**6, role=Role.BOARD, actor=None, now=clock.now())

    def test_an_address_belongs_to_one_person(self, clock: MovableClock, ada: Person) -> None:
        with pytest.raises(RuleBroken), transaction():
            service.add_person(name="B", email="ADA@ALDER.example ", passphrase=None, actor=None, now=clock.now())


class TestDemonstration:
    def test_people_are_listed_with_their_roles_the_fund_first(self, app: Flask) -> None:
        found_society()
        own = member("Alder", Sector.VCSE)
        certifier, _ = officer(own, Role.CERTIFIER, Role.REPRESENTATIVE, name="Ann")
        steward, _ = official("Stella", Role.STEWARD)
        person("Nobody in particular")
        assert [(p.person_id, p.place, p.roles) for p in queries.demo_people()] == [
            (steward.id, "The fund", (Role.STEWARD,)),
            (certifier.id, "Alder", (Role.CERTIFIER, Role.REPRESENTATIVE)),
        ]

    @pytest.mark.parametrize("is_demo", [True, False])
    def test_becoming_somebody_works_only_in_a_demonstration(
        self, app: Flask, clock: MovableClock, is_demo: bool
    ) -> None:
        found_society()
        with transaction() as session:
            session.get_one(Society, 1).is_demo = is_demo
        steward, _ = official("Stella", Role.STEWARD)
        without_role = person("Nobody in particular")
        ids = steward.id, without_role.id
        if is_demo:
            with transaction():
                token = service.enter_as(person_id=ids[0], now=clock.now())
            assert queries.signed_in(token, clock.now()) is not None
        for bad in (ids[1], 0, 2**70) if is_demo else ids:
            with pytest.raises(NotFound), transaction():
                service.enter_as(person_id=bad, now=clock.now())
