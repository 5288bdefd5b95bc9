"""The write path of the books: hand-written SQL on the session's own connection.

It belongs to the caller's transaction, so that a grant and its money are booked together or not at all. An object
mapper would cost more than the database does here (design: ledger write path).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.engine import Connection

from fund.kernel.access import Actor
from fund.kernel.db import db
from fund.kernel.errors import Conflict, RuleBroken
from ledger.money import format_pence
from ledger.rules import CHART, Leg, Posted, account_name, digest, shortfall, transfer_faults


@dataclass(frozen=True)
class Transfer:
    """What a caller wants to post; the fields are those of `ledger.models.Transfer`."""

    key: str
    kind: str
    legs: tuple[Leg, ...]
    occurred_on: date
    description: str
    reverses_id: int | None
    reason: str | None


class _Books:
    """One connection and how its driver writes parameters."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.is_sqlite = connection.dialect.name == "sqlite"

    def run(self, statement: str, *values: Any) -> Sequence[Any]:
        """Run a statement written with ? for its values; every row it gives."""
        if not self.is_sqlite:
            statement = statement.replace("?", "%s")
        result = self.connection.exec_driver_sql(statement, values)
        return result.fetchall() if result.returns_rows else ()

    def day(self, day: date) -> Any:
        return day.isoformat() if self.is_sqlite else day

    def instant(self, instant: datetime) -> Any:
        instant = instant.astimezone(UTC)
        return instant.strftime("%Y-%m-%d %H:%M:%S.%f") if self.is_sqlite else instant


def write(wanted: Transfer, *, actor: Actor | None, now: datetime) -> Posted:
    """Post a transfer once.

    Returns:
        `Posted`, with `first` False where its key already stands for the very same transfer.

    Raises:
        RuleBroken: when an account would pass its limit, with the figures. The transaction must then be rolled back.
        Conflict: when the key stands for another transfer.
        ValueError: when the legs are no transfer.
    """
    if faults := [fault.message for fault in transfer_faults(wanted.legs)]:
        raise ValueError(f"{wanted.key}: {' '.join(faults)}")
    session = db.session()
    session.flush()
    books = _Books(session.connection())
    accounts = _accounts(books, wanted.legs)
    # Accounts are locked in the order of their ids: two transfers can wait for one another in one direction only.
    legs = sorted((accounts[leg.code], leg) for leg in wanted.legs)
    actor_id = actor.person_id if actor else None
    transfer_id = _header(books, wanted, legs, actor_id, now)
    if transfer_id is None:
        return _first(books, wanted)
    running, entries = 0, []
    for number, (account_id, leg) in enumerate(legs, 1):
        running += leg.pence
        sequence, balance = _move(books, account_id, leg)
        entries += [account_id, sequence, transfer_id, number, leg.pence, running, balance]
    places = ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(legs))
    books.run(
        "INSERT INTO entry (account_id, sequence, transfer_id, leg, amount_pence, running_pence, balance_pence) "
        f"VALUES {places}",
        *entries,
    )
    return Posted(transfer_id, wanted.key, first=True)


def _header(
    books: _Books, wanted: Transfer, legs: Sequence[tuple[int, Leg]], actor_id: int | None, now: datetime
) -> int | None:
    """Insert the transfer; its id, or None where the key is taken (another transaction's insert is waited for)."""
    said = digest(
        key=wanted.key,
        kind=wanted.kind,
        occurred_on=wanted.occurred_on,
        posted_at=now,
        description=wanted.description,
        actor_id=actor_id,
        reverses_id=wanted.reverses_id,
        reason=wanted.reason,
        legs=[(account_id, leg.pence) for account_id, leg in legs],
    )
    rows = books.run(
        "INSERT INTO transfer "
        "(key, kind, occurred_on, posted_at, description, actor_id, reverses_id, reason, last_leg, digest) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING RETURNING id",
        wanted.key,
        wanted.kind,
        books.day(wanted.occurred_on),
        books.instant(now),
        wanted.description,
        actor_id,
        wanted.reverses_id,
        wanted.reason,
        len(legs),
        said,
    )
    return int(rows[0][0]) if rows else None


def _accounts(books: _Books, legs: Sequence[Leg]) -> dict[str, int]:
    """Ids of the legs' accounts by code; an account is opened when it is first used."""
    codes = sorted({leg.code for leg in legs})
    found = _ids(books, codes)
    if len(found) == len(codes):
        return found
    for leg in sorted(legs, key=lambda leg: leg.code):
        if leg.code not in found:
            _open(books, leg)
    return _ids(books, codes)


def _ids(books: _Books, codes: Sequence[str]) -> dict[str, int]:
    places = ", ".join("?" * len(codes))
    return {
        code: number for number, code in books.run(f"SELECT id, code FROM account WHERE code IN ({places})", *codes)
    }


def _open(books: _Books, leg: Leg) -> None:
    what = CHART[leg.kind]
    books.run(
        "INSERT INTO account "
        "(code, kind, owner, restriction, name, may_go_below, may_go_above, balance_pence, entry_count) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0) ON CONFLICT (code) DO NOTHING",
        leg.code,
        leg.kind.value,
        leg.owner,
        leg.restriction,
        account_name(leg.kind, leg.owner, leg.restriction),
        what.below,
        what.above,
    )


def _move(books: _Books, account_id: int, leg: Leg) -> tuple[int, int]:
    """Move an account by a leg, unless it would pass its limit; (sequence, balance) after it."""
    rows = books.run(
        "UPDATE account SET balance_pence = balance_pence + ?, entry_count = entry_count + 1 WHERE id = ? "
        "AND (may_go_below OR balance_pence + ? >= 0) AND (may_go_above OR balance_pence + ? <= 0) "
        "RETURNING entry_count, balance_pence",
        leg.pence,
        account_id,
        leg.pence,
        leg.pence,
    )
    if not rows:
        balance = books.run("SELECT balance_pence FROM account WHERE id = ?", account_id)[0][0]
        raise RuleBroken(shortfall(leg.kind, leg.owner, balance, leg.pence, leg.restriction))
    sequence, balance = rows[0]
    return sequence, balance


def _first(books: _Books, wanted: Transfer) -> Posted:
    """The transfer that the key already stands for, if it is the same one."""
    row = books.run(
        "SELECT id, kind, occurred_on, description, reverses_id, reason FROM transfer WHERE key = ?", wanted.key
    )[0]
    legs = books.run(
        "SELECT account.code, entry.amount_pence FROM entry JOIN account ON account.id = entry.account_id "
        "WHERE entry.transfer_id = ? ORDER BY account.code",
        row[0],
    )
    there = (*row[1:], [tuple(leg) for leg in legs])
    here = (
        wanted.kind,
        books.day(wanted.occurred_on),
        wanted.description,
        wanted.reverses_id,
        wanted.reason,
        sorted((leg.code, leg.pence) for leg in wanted.legs),
    )
    if there != here:
        raise Conflict(
            f"Something else was booked under {wanted.key} before. Booked then: {_told(there)}. "
            f"Asked for now: {_told(here)}. Look at the first one in the books, then ask a steward which is right."
        )
    return Posted(int(row[0]), wanted.key, first=False)


def _told(content: tuple[Any, ...]) -> str:
    kind, occurred_on, description, _, _, legs = content
    moves = ", ".join(f"{code} {format_pence(pence)}" for code, pence in legs)
    return f"“{description}” ({kind}) of {occurred_on}: {moves}"
