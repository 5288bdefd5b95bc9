"""The write path of the books: hand-written SQL on the session's own connection.

It belongs to the caller's transaction, so that a grant and its money are booked together or not at all. An object
mapper would cost more than the database does here (design: ledger write path).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NoReturn

from sqlalchemy.exc import DBAPIError

from fund.kernel import audit
from fund.kernel.access import Actor
from fund.kernel.calendar import in_words
from fund.kernel.db import Driver, db, driver
from fund.kernel.errors import Conflict, RuleBroken
from ledger.money import format_pence
from ledger.rules import CHART, DAY_IS_CLOSED, Leg, Posted, account_name, digest, said, shortfall, transfer_faults

_POST = (
    "SELECT made, unknown, refused FROM post_transfer(?, ?, ?, ?, ?, ?, ?, ?, ?, ?::text[], ?::bigint[], ?, ?::json)"
)


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


def write(wanted: Transfer, *, actor: Actor | None, now: datetime) -> Posted:
    """Post a transfer once, and write down who did.

    Returns:
        `Posted`, with `first` False where its key already stands for the very same transfer.

    Raises:
        RuleBroken: when an account would pass its limit, with the figures, or the day is closed. The transaction must
            then be rolled back.
        Conflict: when the key stands for another transfer.
        ValueError: when the legs are no transfer.
    """
    if faults := [fault.message for fault in transfer_faults(wanted.legs)]:
        raise ValueError(f"{wanted.key}: {' '.join(faults)}")
    db.session.flush()
    books = driver()
    actor_id = actor.person_id if actor else None
    says = said(
        key=wanted.key,
        kind=wanted.kind,
        occurred_on=wanted.occurred_on,
        posted_at=now,
        description=wanted.description,
        actor_id=actor_id,
        reverses_id=wanted.reverses_id,
        reason=wanted.reason,
    )
    header = (
        wanted.key,
        wanted.kind,
        books.day(wanted.occurred_on),
        books.instant(now),
        wanted.description,
        actor_id,
        wanted.reverses_id,
        wanted.reason,
    )
    told = {"kind": wanted.kind} | {leg.code: leg.pence for leg in wanted.legs}
    try:
        if books.is_sqlite:
            made = _step_by_step(books, header, says, wanted.legs)
            if made is not None:
                audit.record(actor, "transfer.posted", wanted.key, at=now, after=told)
        else:
            made = _in_one(books, header, says, wanted.legs, actor.organisation_id if actor else None, told)
    except DBAPIError as error:
        if DAY_IS_CLOSED in str(error.orig):
            raise RuleBroken(
                f"{in_words(wanted.occurred_on)} is closed in the books, so nothing more can be dated on it. Date this "
                "on an open day; the page “Closed periods” says which is the first."
            ) from error
        raise
    return _first(books, wanted) if made is None else Posted(made, wanted.key, first=True)


def hold(*legs: Leg) -> None:
    """Hold the accounts of these legs until the transaction ends, for a verb that decides by what they hold.

    Accounts are opened before any is held: who opens one makes others wait who open the same, and two who each held
    what the other wants would wait for ever. Held is in the order of ids, as every transfer does.
    """
    books = driver()
    _open_missing(books, legs)
    if not books.is_sqlite:  # whose writers come one at a time
        codes = [leg.code for leg in legs]
        books.run("SELECT id FROM account WHERE code = ANY (?) ORDER BY id FOR NO KEY UPDATE", codes)


def _in_one(
    books: Driver,
    header: Sequence[Any],
    says: str,
    legs: Sequence[Leg],
    organisation_id: int | None,
    told: audit.Values,
) -> int | None:
    """Post by PostgreSQL's own function (`fund.migrations.posting`), which writes the act down too; None where the key
    is taken. Another transaction's insert of the same key is waited for.
    """
    by_code = {leg.code: leg for leg in legs}
    pence = [leg.pence for leg in legs]
    values = (*header, says, list(by_code), pence, organisation_id, audit.as_json(told))
    ((made, unknown, refused),) = books.run(_POST, *values)
    if unknown:
        _open_missing(books, legs)
        ((made, _, refused),) = books.run(_POST, *values)
    if refused is not None:
        _refuse(books, by_code[refused])
    return None if made is None else int(made)


def _step_by_step(books: Driver, header: Sequence[Any], says: str, legs: Sequence[Leg]) -> int | None:
    """Post by the same statements one by one, as SQLite needs it; None where the key is taken."""
    accounts = _ids(books, legs)
    if len(accounts) < len(legs):
        _open_missing(books, legs)
        accounts = _ids(books, legs)
    # The order of ids, as on PostgreSQL, where two transfers can then wait for one another in one direction only.
    placed = sorted((accounts[leg.code], leg) for leg in legs)
    made = books.run(
        "INSERT INTO transfer "
        "(key, kind, occurred_on, posted_at, description, actor_id, reverses_id, reason, last_leg, digest) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING RETURNING id",
        *header,
        len(placed),
        digest(says, [(account_id, leg.pence) for account_id, leg in placed]),
    )
    if not made:
        return None
    transfer_id = int(made[0][0])
    running, entries = 0, []
    for number, (account_id, leg) in enumerate(placed, 1):
        running += leg.pence
        moved = books.run(
            "UPDATE account SET balance_pence = balance_pence + ?, entry_count = entry_count + 1 WHERE id = ? "
            "AND (may_go_below OR balance_pence + ? >= 0) AND (may_go_above OR balance_pence + ? <= 0) "
            "RETURNING entry_count, balance_pence",
            leg.pence,
            account_id,
            leg.pence,
            leg.pence,
        )
        if not moved:
            _refuse(books, leg)
        sequence, balance = moved[0]
        entries += [account_id, sequence, transfer_id, number, leg.pence, running, balance]
    places = ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(placed))
    books.run(
        "INSERT INTO entry (account_id, sequence, transfer_id, leg, amount_pence, running_pence, balance_pence) "
        f"VALUES {places}",
        *entries,
    )
    return transfer_id


def _ids(books: Driver, legs: Sequence[Leg]) -> dict[str, int]:
    """Ids of the legs' accounts by code, of those that exist. An account is never deleted or given another code, so
    a transaction of many transfers asks for each once."""
    codes = [leg.code for leg in legs]
    if unknown := [code for code in codes if code not in books.ids]:
        places = ", ".join("?" * len(unknown))
        books.ids.update(books.run(f"SELECT code, id FROM account WHERE code IN ({places})", *unknown))
    return {code: books.ids[code] for code in codes if code in books.ids}


def _open_missing(books: Driver, legs: Sequence[Leg]) -> None:
    """Open the accounts that are used for the first time."""
    known = _ids(books, legs)
    for leg in sorted(legs, key=lambda leg: leg.code):
        if leg.code not in known:
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


def _refuse(books: Driver, leg: Leg) -> NoReturn:
    ((balance,),) = books.run("SELECT balance_pence FROM account WHERE code = ?", leg.code)
    raise RuleBroken(shortfall(leg.kind, leg.owner, balance, leg.pence, leg.restriction))


def _first(books: Driver, wanted: Transfer) -> Posted:
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
