"""Many at once: the pot is never overdrawn, no key counts twice, nothing acknowledged is lost."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from flask import Flask

from fund.kernel.db import db, transaction
from fund.kernel.errors import RuleBroken
from ledger import queries, service
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
