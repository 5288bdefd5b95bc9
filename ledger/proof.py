"""Proof of the books: sealing what was booked, and recomputing everything that is kept beside it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any

from sqlalchemy import func, or_, select, text

import ledger.years.proof
from fund.kernel.clock import LONDON
from fund.kernel.db import db
from ledger.models import Account, Entry, Seal, Transfer
from ledger.money import format_pence
from ledger.rules import FIRST_SEAL, digest, head_text, seal_hash

SEALED_AT_ONCE = 10_000
_TOLD = 20


def seal(now: datetime) -> Seal | None:
    """Seal the transfers since the last seal, at most `SEALED_AT_ONCE`; None when there are none.

    On PostgreSQL numbers are given out before they are committed. Waiting for the transfers that are being written
    makes sure that no lower number appears later; it is the only time that posting waits, and it is short.
    """
    session = db.session()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE transfer IN SHARE ROW EXCLUSIVE MODE"))
    last = _last_seal()
    rows = session.execute(
        select(Transfer.id, Transfer.digest)
        .where(Transfer.id > (last.last_transfer_id if last else 0))
        .order_by(Transfer.id)
        .limit(SEALED_AT_ONCE)
    ).all()
    if not rows:
        return None
    made = Seal(
        sealed_at=now,
        last_transfer_id=rows[-1].id,
        transfer_count=len(rows),
        hash=seal_hash(last.hash if last else FIRST_SEAL, [(row.id, row.digest) for row in rows]),
    )
    session.add(made)
    session.flush()
    return made


def _last_seal() -> Seal | None:
    return db.session.scalar(select(Seal).order_by(Seal.id.desc()).limit(1))


def check() -> list[str]:
    """Recompute every balance, every transfer, every seal and what closed days held.

    Returns:
        Faults in plain words, the first altered row named first of its sort; at most 20 of each sort. Empty when the
        books are sound.
    """
    with _one_moment():
        return [*_transfer_faults(), *_entry_faults(), *_account_faults(), *ledger.years.proof.faults()]


@contextmanager
def _one_moment() -> Iterator[None]:
    """Let all reads see the books as they are now, whatever is posted meanwhile; SQLite's transactions do anyway."""
    session = db.session()
    session.rollback()
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    try:
        yield
    finally:
        session.rollback()


def _account_faults() -> Iterator[str]:
    sums = (
        select(Entry.account_id, func.sum(Entry.amount_pence).label("pence"), func.count().label("entries"))
        .group_by(Entry.account_id)
        .subquery()
    )
    pence, entries = func.coalesce(sums.c.pence, 0), func.coalesce(sums.c.entries, 0)
    rows = db.session.execute(
        select(Account.code, Account.balance_pence, Account.entry_count, pence, entries)
        .outerjoin(sums, sums.c.account_id == Account.id)
        .where(or_(Account.balance_pence != pence, Account.entry_count != entries))
        .order_by(Account.id)
        .limit(_TOLD)
    )
    for code, balance, count, summed, counted in rows:
        yield (
            f"Account {code} says {format_pence(balance)} after {count:,} entries, "
            f"but its entries come to {format_pence(int(summed))} and number {counted:,}."
        )


def _entry_faults() -> Iterator[str]:
    """Entries that don't follow from the one before in their account."""
    following = select(
        Entry.account_id,
        Entry.sequence,
        Entry.transfer_id,
        Entry.leg,
        Entry.amount_pence,
        Entry.balance_pence,
        func.lag(Entry.sequence, 1, 0)
        .over(partition_by=Entry.account_id, order_by=Entry.sequence)
        .label("sequence_before"),
        func.lag(Entry.balance_pence, 1, 0)
        .over(partition_by=Entry.account_id, order_by=Entry.sequence)
        .label("balance_before"),
    ).subquery()
    rows = db.session.execute(
        select(following, Account.code)
        .outerjoin(Account, Account.id == following.c.account_id)
        .where(
            or_(
                following.c.sequence != following.c.sequence_before + 1,
                following.c.balance_pence != following.c.balance_before + following.c.amount_pence,
            )
        )
        .order_by(following.c.transfer_id, following.c.leg)
        .limit(_TOLD)
    )
    for row in rows:
        where = (
            f"Transfer {row.transfer_id}, leg {row.leg}, entry {row.sequence} of account {row.code or row.account_id}"
        )
        if row.sequence != row.sequence_before + 1:
            yield f"{where}: entry {row.sequence_before + 1} should stand before it and is missing."
        else:
            yield (
                f"{where}: {format_pence(row.amount_pence)} after {format_pence(row.balance_before)} "
                f"can't leave {format_pence(row.balance_pence)}."
            )


@dataclass
class _Sealed:
    """Progress along the seals while the transfers go by in order."""

    seals: Iterator[Seal]
    now_at: Seal | None = None
    previous: str = FIRST_SEAL
    rows: list[tuple[int, str]] = field(default_factory=list)

    def add(self, number: int, row_digest: str) -> Iterator[str]:
        """One more transfer; faults of the seals that it completes."""
        while self.now_at is not None and number > self.now_at.last_transfer_id:
            yield from self.close()
        if self.now_at is not None:
            self.rows.append((number, row_digest))

    def close(self) -> Iterator[str]:
        """Compare the present seal with the transfers it covers, and go to the next."""
        seal_made = self.now_at
        assert seal_made is not None
        if seal_hash(self.previous, self.rows) != seal_made.hash:
            when = f"{seal_made.sealed_at.astimezone(LONDON):%-d %B %Y, %H:%M:%S}"
            yield (
                f"Seal {seal_made.id} of {when} covers {seal_made.transfer_count:,} transfers up to number "
                f"{seal_made.last_transfer_id}; there are {len(self.rows):,} now and they are not the same. "
                "A transfer among them was changed, added or removed after it was sealed."
            )
        self.previous, self.rows = seal_made.hash, []
        self.now_at = next(self.seals, None)


# Dates are read as the text that the digest is made of: making objects of them would take most of the time.
_HEADS = {
    "sqlite": "SELECT id, key, kind, occurred_on, replace(posted_at, ' ', 'T') || '+00:00', description, actor_id, "
    "reverses_id, reason, last_leg, digest FROM transfer ORDER BY id",
    "postgresql": "SELECT id, key, kind, to_char(occurred_on, 'YYYY-MM-DD'), "
    "to_char(posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '+00:00', description, actor_id, "
    "reverses_id, reason, last_leg, digest FROM transfer ORDER BY id",
}
_LEGS = "SELECT transfer_id, leg, account_id, amount_pence, running_pence FROM entry ORDER BY transfer_id, leg"


def _transfer_faults() -> Iterator[str]:
    """Every transfer and every leg read once, side by side and in order: what a transfer says, and its seal."""
    seals = iter(db.session.scalars(select(Seal).order_by(Seal.id)).all())
    sealed = _Sealed(seals, now_at=next(seals, None))
    own_faults: list[str] = []
    seal_faults: list[str] = []
    legs = _stream(_LEGS)
    leg = next(legs, None)
    for head in _stream(_HEADS[db.session.get_bind().dialect.name]):
        number, *says, last_leg, fingerprint = head
        while leg is not None and leg[0] < number:
            own_faults += _missing(own_faults, leg[0])
            leg = next(legs, None)
        own, running, wrong_leg = [], 0, 0
        while leg is not None and leg[0] == number:
            _, place, account_id, pence, so_far = leg
            running += pence
            own.append((account_id, pence))
            if not wrong_leg and (place != len(own) or so_far != running):
                wrong_leg = len(own)
            leg = next(legs, None)
        sound = not (wrong_leg or running) and len(own) == last_leg and digest(head_text(*says), own) == fingerprint
        if not sound and len(own_faults) < _TOLD:
            own_faults += _faults_of(head, own, wrong_leg)
        seal_faults += sealed.add(number, fingerprint)
    while leg is not None:
        own_faults += _missing(own_faults, leg[0])
        leg = next(legs, None)
    while sealed.now_at is not None:
        seal_faults += sealed.close()
    yield from own_faults[:_TOLD]
    yield from islice(seal_faults, _TOLD)


def _stream(statement: str) -> Iterator[Any]:
    result = db.session.execute(text(statement).execution_options(yield_per=5_000))
    return chain.from_iterable(result.partitions())


def _missing(told: Sequence[str], number: int) -> list[str]:
    """Entries of no transfer, said once for each transfer."""
    sentence = f"Transfer {number} is missing, but its entries are there."
    return [] if sentence in told or len(told) >= _TOLD else [sentence]


def _faults_of(head: Any, legs: Sequence[tuple[int, int]], wrong_leg: int) -> Iterator[str]:
    """What is wrong with one transfer.

    Args:
        head: its row of `_HEADS`.
        legs: (account id, pence) in the order of its legs.
        wrong_leg: the first that is not numbered from one or doesn't carry the sum so far; 0 where all do.
    """
    number, *says, last_leg, fingerprint = head
    name = f"Transfer {number} ({says[0]})"
    if not legs:
        yield f"{name} has no legs."
        return
    if wrong_leg:
        yield f"{name}: leg {wrong_leg} is missing or changed."
    if total := sum(pence for _, pence in legs):
        yield f"{name} does not balance: its legs sum to {format_pence(total)}."
    if len(legs) != last_leg:
        yield f"{name} was booked with {last_leg} legs and has {len(legs)}."
    if digest(head_text(*says), legs) != fingerprint:
        yield f"{name} was altered after it was booked: what it says no longer matches its fingerprint."
