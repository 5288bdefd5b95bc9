"""Proof of the books: sealing what was booked, and recomputing everything that is kept beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, islice
from typing import Any

from sqlalchemy import func, or_, select, text

from fund.kernel.clock import LONDON
from fund.kernel.db import db
from ledger.models import Account, Entry, Seal, Transfer
from ledger.money import format_pence
from ledger.rules import FIRST_SEAL, digest, seal_hash

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
    """Recompute every balance, every transfer and every seal.

    Returns:
        Faults in plain words, the first altered row named first of its sort; at most 20 of each sort. Empty when the
        books are sound.
    """
    return [*_transfer_faults(), *_entry_faults(), *_account_faults()]


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
    """Entries that don't follow from the one before in their account, and entries of no transfer."""
    chain = select(
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
        select(chain, Account.code)
        .outerjoin(Account, Account.id == chain.c.account_id)
        .where(
            or_(
                chain.c.sequence != chain.c.sequence_before + 1,
                chain.c.balance_pence != chain.c.balance_before + chain.c.amount_pence,
            )
        )
        .order_by(chain.c.transfer_id, chain.c.leg)
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
    orphans = db.session.scalars(
        select(Entry.transfer_id)
        .outerjoin(Transfer, Transfer.id == Entry.transfer_id)
        .where(Transfer.id.is_(None))
        .distinct()
        .order_by(Entry.transfer_id)
        .limit(_TOLD)
    )
    for number in orphans:
        yield f"Transfer {number} is missing, but its entries are there."


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


def _transfer_faults() -> Iterator[str]:
    """Every transfer read once, in order: its legs, its digest, and the seal it lies under."""
    seals = iter(db.session.scalars(select(Seal).order_by(Seal.id)).all())
    sealed = _Sealed(seals, now_at=next(seals, None))
    rows = db.session.execute(
        select(
            Transfer.id,
            Transfer.key,
            Transfer.kind,
            Transfer.occurred_on,
            Transfer.posted_at,
            Transfer.description,
            Transfer.actor_id,
            Transfer.reverses_id,
            Transfer.reason,
            Transfer.last_leg,
            Transfer.digest,
            Entry.leg,
            Entry.account_id,
            Entry.amount_pence,
            Entry.running_pence,
        )
        .outerjoin(Entry, Entry.transfer_id == Transfer.id)
        .order_by(Transfer.id, Entry.leg)
        .execution_options(yield_per=5_000)
    )
    own_faults: list[str] = []
    seal_faults: list[str] = []
    for _, legs in groupby(rows, key=lambda row: row[0]):
        transfer: list[Any] = list(legs)
        if len(own_faults) < _TOLD:
            own_faults += _faults_of(transfer)
        seal_faults += sealed.add(transfer[0].id, transfer[0].digest)
    while sealed.now_at is not None:
        seal_faults += sealed.close()
    yield from own_faults
    yield from islice(seal_faults, _TOLD)


def _faults_of(rows: Sequence[Any]) -> Iterator[str]:
    """What is wrong with one transfer, given as a row for each leg."""
    head = rows[0]
    name = f"Transfer {head.id} ({head.key})"
    if head.leg is None:
        yield f"{name} has no legs."
        return
    running = 0
    for number, row in enumerate(rows, 1):
        running += row.amount_pence
        if (row.leg, row.running_pence) != (number, running):
            yield f"{name}: leg {number} is missing or changed."
            break
    if running:
        yield f"{name} does not balance: its legs sum to {format_pence(running)}."
    if len(rows) != head.last_leg:
        yield f"{name} was booked with {head.last_leg} legs and has {len(rows)}."
    said = digest(
        key=head.key,
        kind=head.kind,
        occurred_on=head.occurred_on,
        posted_at=head.posted_at,
        description=head.description,
        actor_id=head.actor_id,
        reverses_id=head.reverses_id,
        reason=head.reason,
        legs=[(row.account_id, row.amount_pence) for row in rows],
    )
    if said != head.digest:
        yield f"{name} was altered after it was booked: what it says no longer matches its fingerprint."
