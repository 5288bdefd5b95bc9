"""Reads of the books. A balance is read, never summed; statements are read in pages, by the account's own order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from fund.kernel.access import Actor
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.tasks import Task
from ledger.models import Account, Entry, Transfer
from ledger.rules import AccountKind, account_code

PAGE = 50
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Pot:
    """The pot in pence: what came in, where it is, and what may still be awarded.

    contributed + interest - fees = available - short + committed + paid, always. `contributed_pence` leaves out what
    was refunded or taken back; `short_pence` is what was awarded already when a contributor's bank took it back.
    """

    contributed_pence: int
    available_pence: int
    committed_pence: int
    paid_pence: int
    in_transit_pence: int
    interest_pence: int = 0
    fees_pence: int = 0
    short_pence: int = 0


@dataclass(frozen=True)
class AccountLine:
    """One entry of an account with the transfer it belongs to."""

    sequence: int
    transfer_id: int
    occurred_on: date
    posted_at: datetime
    kind: str
    description: str
    amount_pence: int
    balance_pence: int


@dataclass(frozen=True)
class TransferLeg:
    """One leg of a transfer with its account."""

    leg: int
    code: str
    name: str
    sequence: int
    amount_pence: int
    balance_pence: int


def balance(kind: AccountKind, owner: str | None = None) -> int:
    """What an owner's accounts of a kind hold, restricted and unrestricted together, in signed pence (credits
    negative); 0 where none was ever used."""
    return sum(balances_by_restriction(kind, owner).values())


def balance_of(kind: AccountKind, owner: str | None = None, restriction: str | None = None) -> int:
    """What one account holds, in signed pence; 0 where it was never used."""
    code = account_code(kind, owner, restriction)
    return db.session.scalar(select(Account.balance_pence).where(Account.code == code)) or 0


def balances_by_restriction(kind: AccountKind, owner: str | None = None) -> dict[str | None, int]:
    """Signed pence by restricted fund (None: unrestricted); a fund without an account is left out."""
    rows = db.session.execute(
        select(Account.restriction, Account.balance_pence)
        .where(Account.kind == kind, Account.owner == owner if owner is not None else Account.owner.is_(None))
        .order_by(Account.id)
    )
    return {row.restriction: row.balance_pence for row in rows}


def last_posted_at() -> datetime | None:
    """When the books changed last."""
    return db.session.scalar(select(Transfer.posted_at).order_by(Transfer.id.desc()).limit(1))


def entry_count(kind: AccountKind, owner: str) -> int:
    """How many entries the accounts of one owner and kind have had, in every fund."""
    counts = select(func.sum(Account.entry_count)).where(Account.kind == kind, Account.owner == owner)
    return int(db.session.scalar(counts) or 0)


def totals_by_restriction() -> dict[tuple[str, AccountKind], int]:
    """(Restricted fund, kind of account) → signed pence, of every restricted fund that ever held money."""
    rows = db.session.execute(
        select(Account.restriction, Account.kind, func.sum(Account.balance_pence))
        .where(Account.restriction.is_not(None))
        .group_by(Account.restriction, Account.kind)
        .order_by(Account.restriction, Account.kind)
    )
    return {(restriction, kind): int(pence) for restriction, kind, pence in rows if restriction is not None}


def restriction_of(transfer_id: int) -> str | None:
    """The restricted fund to which a contribution was booked; None where it is unrestricted."""
    return db.session.scalar(
        select(Account.restriction)
        .join(Entry, Entry.account_id == Account.id)
        .where(Entry.transfer_id == transfer_id, Account.kind == AccountKind.CONTRIBUTIONS)
        .order_by(Entry.leg)
        .limit(1)
    )


def taken_from(transfer_id: int, kind: AccountKind) -> dict[str | None, int]:
    """What a transfer took out of accounts of a kind, in pence above nought, by restricted fund."""
    rows = db.session.execute(
        select(Account.restriction, -Entry.amount_pence)
        .join(Entry, Entry.account_id == Account.id)
        .where(Entry.transfer_id == transfer_id, Account.kind == kind, Entry.amount_pence < 0)
        .order_by(Entry.leg)
    )
    return dict(rows.all())


def restricted_balances_by_owner(kind: AccountKind, owners: Collection[str]) -> dict[str, int]:
    """Signed pence by owner reference in accounts of restricted funds only; an owner with none is left out."""
    rows = db.session.execute(
        select(Account.owner, func.sum(Account.balance_pence))
        .where(
            Account.kind == kind,
            Account.owner.in_(owners),
            Account.restriction.is_not(None),
            Account.balance_pence != 0,
        )
        .group_by(Account.owner)
        .order_by(Account.owner)
    )
    return {owner: int(pence) for owner, pence in rows if owner is not None}


def balances_by_owner(kind: AccountKind, owners: Collection[str] | None = None) -> dict[str, int]:
    """Signed pence by owner reference, restricted and unrestricted together, of all owners or of those named; an owner
    without an account is left out."""
    query = select(Account.owner, func.sum(Account.balance_pence)).where(
        Account.kind == kind, Account.owner.is_not(None)
    )
    if owners is not None:
        query = query.where(Account.owner.in_(owners))
    rows = db.session.execute(query.group_by(Account.owner).order_by(Account.owner))
    return {owner: int(pence) for owner, pence in rows if owner is not None}


def paid_in_by_owner(owners: Collection[str] | None = None) -> dict[str, int]:
    """Pence that each contributor has paid in, less what was paid back, of all or of those named."""
    query = select(Account.owner, -func.sum(Account.balance_pence)).where(
        Account.kind.in_((AccountKind.CONTRIBUTIONS, AccountKind.REFUNDS)), Account.owner.is_not(None)
    )
    if owners is not None:
        query = query.where(Account.owner.in_(owners))
    rows = db.session.execute(query.group_by(Account.owner).order_by(Account.owner))
    return {owner: int(pence) for owner, pence in rows if owner is not None}


def moved_by_day(kind: AccountKind) -> list[tuple[str, date, int]]:
    """(owner, day, signed pence) of every account of a kind, restricted and unrestricted together, by owner and day;
    what sums to nought is left out.

    A reversal counts on the day of what it undoes, so that a payment that came back was never there.
    """
    return [(owner, day, int(pence)) for owner, day, pence in db.session.execute(_moved(kind, Account.owner))]


def moved_by_restriction(kind: AccountKind) -> list[tuple[str | None, str, date, int]]:
    """As `moved_by_day`, with each restricted fund (None: unrestricted) apart and first."""
    rows = db.session.execute(_moved(kind, Account.restriction, Account.owner))
    return [(restriction, owner, day, int(pence)) for restriction, owner, day, pence in rows]


def _moved(kind: AccountKind, *by: ColumnElement[Any] | InstrumentedAttribute[Any]) -> Select[Any]:
    undone = aliased(Transfer)
    day = func.coalesce(undone.occurred_on, Transfer.occurred_on)
    pence = func.sum(Entry.amount_pence)
    return (
        select(*by, day, pence)
        .join(Entry, Entry.account_id == Account.id)
        .join(Transfer, Transfer.id == Entry.transfer_id)
        .outerjoin(undone, undone.id == Transfer.reverses_id)
        .where(Account.kind == kind, Account.owner.is_not(None))
        .group_by(*by, day)
        .having(pence != 0)
        .order_by(*by, day)
    )


def moved_between(kind: AccountKind, since: date, until: date) -> dict[str, int]:
    """Signed pence by owner that moved in the accounts of a kind from `since` to `until`, both included, by the day it
    happened. A reversal counts on the day of what it undoes."""
    undone = aliased(Transfer)
    day = func.coalesce(undone.occurred_on, Transfer.occurred_on)
    rows = db.session.execute(
        select(Account.owner, func.sum(Entry.amount_pence))
        .join(Entry, Entry.account_id == Account.id)
        .join(Transfer, Transfer.id == Entry.transfer_id)
        .outerjoin(undone, undone.id == Transfer.reverses_id)
        .where(Account.kind == kind, Account.owner.is_not(None), day >= since, day <= until)
        .group_by(Account.owner)
        .order_by(Account.owner)
    )
    return {owner: int(pence) for owner, pence in rows if owner is not None}


def pot() -> Pot:
    """The pot as it stands."""
    totals = totals_by_kind()

    def total(kind: AccountKind) -> int:
        return totals[kind][1] if kind in totals else 0

    return Pot(
        contributed_pence=-total(AccountKind.CONTRIBUTIONS) - total(AccountKind.REFUNDS),
        available_pence=total(AccountKind.AVAILABLE),
        committed_pence=total(AccountKind.COMMITTED),
        paid_pence=total(AccountKind.GRANTS_PAID),
        in_transit_pence=-total(AccountKind.IN_TRANSIT),
        interest_pence=-total(AccountKind.INTEREST),
        fees_pence=total(AccountKind.FEES),
        short_pence=-total(AccountKind.SHORTFALL),
    )


def accounts(kind: AccountKind | None = None, after: str = "", limit: int = 200) -> Sequence[Account]:
    """The chart of accounts in order of code, from after `after`."""
    query = select(Account).where(Account.code > after).order_by(Account.code).limit(limit)
    return db.session.scalars(query.where(Account.kind == kind) if kind else query).all()


def totals_by_kind() -> dict[AccountKind, tuple[int, int]]:
    """(how many accounts, signed pence) of each kind in use."""
    rows = db.session.execute(
        select(Account.kind, func.count(), func.sum(Account.balance_pence))
        .group_by(Account.kind)
        .order_by(Account.kind)
    )
    return {kind: (count, int(pence)) for kind, count, pence in rows}


def account(code: str) -> Account:
    """The account with this code."""
    found = db.session.scalar(select(Account).where(Account.code == code))
    if found is None:
        raise NotFound
    return found


def lines(account_id: int, *, before: int | None = None, limit: int = PAGE) -> list[AccountLine]:
    """Entries of an account, newest first, from below sequence `before`."""
    query = (
        select(
            Entry.sequence,
            Entry.transfer_id,
            Transfer.occurred_on,
            Transfer.posted_at,
            Transfer.kind,
            Transfer.description,
            Entry.amount_pence,
            Entry.balance_pence,
        )
        .join(Transfer, Transfer.id == Entry.transfer_id)
        .where(Entry.account_id == account_id)
        .order_by(Entry.sequence.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(Entry.sequence < before)
    return [AccountLine(*row) for row in db.session.execute(query)]


def transfer(transfer_id: int) -> Transfer:
    """The transfer with this number."""
    found = db.session.get(Transfer, transfer_id) if 0 < transfer_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    return found


def legs(transfer_id: int) -> list[TransferLeg]:
    """Every leg of a transfer, in order."""
    rows = db.session.execute(
        select(Entry.leg, Account.code, Account.name, Entry.sequence, Entry.amount_pence, Entry.balance_pence)
        .join(Account, Account.id == Entry.account_id)
        .where(Entry.transfer_id == transfer_id)
        .order_by(Entry.leg)
    )
    return [TransferLeg(*row) for row in rows]


def by_key(key: str) -> Transfer | None:
    """The transfer booked under `key`."""
    return db.session.scalar(select(Transfer).where(Transfer.key == key))


def undone_by(transfer_id: int) -> Transfer | None:
    """The reversal of a transfer, if it has one."""
    return db.session.scalar(select(Transfer).where(Transfer.reverses_id == transfer_id))


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """The books ask nothing of anybody; the bank does (`ledger.bank.queries.tasks`)."""
    return []
