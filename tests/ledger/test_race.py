"""Many at once: the pot is never overdrawn, no key counts twice, nothing acknowledged is lost."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask

from fund.kernel.db import db, transaction
from fund.kernel.errors import RuleBroken
from ledger import queries, service
from ledger.rules import AccountKind
from tests.ledger.books import NOW, put_in, said

RACERS = 12


def race(app: Flask, keys: list[str], pence: int) -> Counter[str]:
    """Each key is committed by a thread of its own, all at the same moment; how each ended."""
    start = Barrier(len(keys))

    def run(number: int) -> str:
        with app.app_context():
            start.wait()
            try:
                with transaction():
                    posted = service.commit(grant=f"grant:G-{number}", pence=pence, **said(key=keys[number]))
                return "first" if posted.first else "again"
            except RuleBroken:
                return "short"
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(keys)) as pool:
        return Counter(pool.map(run, range(len(keys))))


def test_a_nearly_empty_pot_is_never_overdrawn(app: Flask) -> None:
    put_in(500_00)
    ended = race(app, [f"race:{number}" for number in range(RACERS)], 100_00)
    assert ended == {"first": 5, "short": RACERS - 5}
    assert queries.pot().available_pence == 0
    assert queries.pot().committed_pence == 500_00
    assert service.check() == []


def test_one_key_from_many_hands_counts_once(app: Flask) -> None:
    put_in(500_00)
    start = Barrier(RACERS)

    def run(_: int) -> bool:
        with app.app_context():
            start.wait()
            try:
                with transaction():
                    return service.commit(grant="grant:G-1", pence=10_00, **said(key="the one")).first
            finally:
                db.session.remove()

    with ThreadPoolExecutor(RACERS) as pool:
        assert Counter(pool.map(run, range(RACERS))) == {True: 1, False: RACERS - 1}
    assert queries.pot().committed_pence == 10_00
    assert service.check() == []


def test_sealing_while_others_post_misses_nothing(app: Flask) -> None:
    put_in(500_00)
    start = Barrier(5)

    def post(thread: int) -> None:
        with app.app_context():
            start.wait()
            for number in range(10):
                with transaction():
                    service.commit(grant=f"grant:G-{thread}", pence=1, **said(key=f"seal:{thread}:{number}"))
            db.session.remove()

    def seal(_: int) -> None:
        with app.app_context():
            start.wait()
            for _ in range(10):
                with transaction():
                    service.seal(NOW)
            db.session.remove()

    with ThreadPoolExecutor(5) as pool:
        work = [pool.submit(seal, 0), *(pool.submit(post, thread) for thread in range(4))]
        for one in work:
            one.result()
    with transaction():
        service.seal(NOW)
    assert service.check() == []
    assert queries.pot().committed_pence == 40


def test_checking_while_others_post_finds_nothing_wrong(app: Flask) -> None:
    put_in(500_00)
    start = Barrier(3)

    def post(thread: int) -> None:
        with app.app_context():
            start.wait()
            for number in range(60):
                with transaction():
                    service.commit(grant=f"grant:G-{thread}", pence=1, **said(key=f"check:{thread}:{number}"))
            db.session.remove()

    def look(_: int) -> list[str]:
        with app.app_context():
            start.wait()
            found = [fault for _ in range(12) for fault in service.check()]
            db.session.remove()
            return found

    with ThreadPoolExecutor(3) as pool:
        posting = [pool.submit(post, thread) for thread in range(2)]
        assert pool.submit(look, 0).result() == []
        assert [done.result() for done in posting] == [None, None]


WORKERS = {"sqlite": 8, "postgresql": 20}
ACTS = 15
K = AccountKind


@pytest.mark.slow
def test_everything_at_once_on_a_nearly_empty_pot(app: Flask) -> None:
    """Awards, payments, refunds, fees, money in and money taken back, every key offered by two workers."""
    put_in(300_00)
    workers = WORKERS[db.engine.dialect.name]
    start, chance = Barrier(workers), random.Random(20260601)
    acts = [_act(number, chance) for number in range(workers * ACTS)]
    hands = [[*acts[place::workers], *acts[(place + 1) % workers :: workers]] for place in range(workers)]
    for hand in hands:
        chance.shuffle(hand)

    def run(place: int) -> list[tuple[str, str]]:
        ended = []
        with app.app_context():
            start.wait()
            for verb, content in hands[place]:
                try:
                    with transaction():
                        answer = verb(**content)
                    ended.append((content["key"], "first" if getattr(answer, "posted", answer).first else "again"))
                except RuleBroken:
                    ended.append((content["key"], "refused"))
                assert queries.balance(K.AVAILABLE) >= 0
                db.session.rollback()
            db.session.remove()
        return ended

    with ThreadPoolExecutor(workers) as pool:
        ended = [one for many in pool.map(run, range(workers)) for one in many]
    firsts = Counter(key for key, how in ended if how == "first")
    booked = {content["key"]: (verb, content["pence"]) for verb, content in acts if queries.by_key(content["key"])}
    assert firsts == Counter(list(booked))  # whatever was acknowledged is there, once, and nothing else is
    assert {key for key, how in ended if how == "again"} <= set(booked)
    _agrees_with(booked)
    assert service.check() == []


def _act(number: int, chance: random.Random) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Something that moves money, under a key of its own; most of it wants more than there is."""
    grant, giver = f"grant:G-{chance.randrange(3)}", "org:GM-0012"
    verb, more = chance.choices(
        [
            (service.commit, {"grant": grant}),
            (service.pay_grant, {"grant": grant}),
            (service.release, {"grant": grant}),
            (service.refund, {"contributor": giver, "reason": "Paid twice"}),
            (service.take_back, {"contributor": giver, "reason": "Reversed by the bank"}),
            (service.charge_fee, {}),
            (service.receive_contribution, {"contributor": giver, "held_in": K.STRIPE}),
        ],
        weights=[6, 4, 1, 2, 1, 1, 3],
    )[0]
    return verb, said(key=f"act:{number}", pence=chance.randrange(5_00, 60_00), **more)


def _agrees_with(booked: dict[str, tuple[Callable[..., Any], int]]) -> None:
    """The balances are what the acts that took place come to."""
    sums = Counter[str]()
    for verb, pence in booked.values():
        sums[verb.__name__] += pence
    lost = sums["take_back"] + sums["charge_fee"] + sums["refund"]
    paid, committed = sums["pay_grant"], sums["commit"] - sums["release"] - sums["pay_grant"]
    assert sum(queries.balances_by_owner(K.COMMITTED).values()) == committed
    assert sum(queries.balances_by_owner(K.GRANTS_PAID).values()) == paid
    free = queries.balance(K.AVAILABLE) + queries.balance(K.SHORTFALL)
    assert free == 300_00 + sums["receive_contribution"] - lost - committed - paid
