"""The process is killed (signal 9) while it posts, 500 times. Nothing is lost, doubled or unbalanced.

A child posts pennies one by one and acknowledges each through a pipe once it is committed; it is killed at a random
moment, and the next child takes up at the first penny that was not acknowledged, under the same key.
"""

import os
import random
import select
import signal

import pytest
from flask import Flask
from sqlalchemy import func
from sqlalchemy import select as query

from fund.kernel.db import db, transaction
from ledger import queries, service
from ledger.models import Transfer
from tests.ledger.books import GRANT, NOW, put_in, said

KILLS = 500
POT_PENCE = 1_000_000_00


def _post_from(number: int, acknowledge: int) -> None:
    """The child: post, commit, acknowledge, for ever."""
    while True:
        with transaction():
            service.commit(grant=GRANT, pence=1, **said(key=f"kill:{number}"))
            if number % 7 == 0:
                service.seal(NOW)
        os.write(acknowledge, number.to_bytes(4))
        number += 1


def _spawn(number: int) -> tuple[int, int]:
    """Fork a child that posts from `number`; its process id and the pipe of its acknowledgements."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            _post_from(number, writing)
        finally:
            os._exit(1)
    os.close(writing)
    return child, reading


def _acknowledged(reading: int, child: int, chance: random.Random) -> list[int]:
    """Let the child work for a while, kill it, and return what it had acknowledged."""
    wanted, seen = chance.randrange(8), b""
    while len(seen) < 4 * wanted:
        got = os.read(reading, 4 * wanted - len(seen))
        assert got, "the child ended by itself"
        seen += got
    select.select([], [], [], chance.random() * 0.01)  # somewhere inside the next posting
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while rest := os.read(reading, 4096):
        seen += rest
    os.close(reading)
    return [int.from_bytes(seen[place : place + 4]) for place in range(0, len(seen), 4)]


@pytest.mark.slow
def test_killed_while_posting(app: Flask) -> None:
    put_in(POT_PENCE)
    db.session.remove()
    db.engine.dispose()  # a child must not share a connection with its parent
    chance, told = random.Random(20260601), 0
    for _ in range(KILLS):
        child, reading = _spawn(told + 1)
        numbers = _acknowledged(reading, child, chance)
        assert numbers == list(range(told + 1, told + 1 + len(numbers)))
        told = numbers[-1] if numbers else told
    assert told > KILLS
    assert service.check() == []
    booked = db.session.scalar(query(func.count()).select_from(Transfer).where(Transfer.key.like("kill:%"))) or 0
    last = db.session.scalars(query(Transfer.key).where(Transfer.key.like("kill:%"))).all()
    assert {f"kill:{number}" for number in range(1, told + 1)} <= set(last)
    assert booked - told in (0, 1)  # one may have been committed and not yet acknowledged
    assert queries.pot().committed_pence == booked
    assert queries.pot().available_pence == POT_PENCE - booked
