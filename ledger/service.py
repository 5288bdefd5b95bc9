"""What moves money in the books. Every verb posts one balanced transfer under a key that is used once.

`key` is the idempotency key: the same key with the same content gives the first result again, with other content a
Conflict. `pence` is always above nought. What others did (the bank, a contributor, the provider) on a day that is
closed by now is booked on the first open day, and says when it truly happened. Nothing here asks who may do it: the
folder that owns the act has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from fund.kernel.access import Actor
from fund.kernel.db import db
from fund.kernel.errors import Conflict, NotFound, RuleBroken
from ledger import journal, queries
from ledger.models import Account, Entry
from ledger.money import format_pence
from ledger.proof import check, seal
from ledger.rules import AccountKind, Leg, Posted, account_code
from ledger.years.queries import dated

__all__ = [
    "ask_contribution",
    "book_bank_line",
    "charge_fee",
    "check",
    "commit",
    "confirm_payment",
    "confirmation_key",
    "make_good",
    "pay_grant",
    "post",
    "receive_contribution",
    "receive_payout",
    "refund",
    "release",
    "return_payment",
    "reverse",
    "seal",
    "settle_promise",
    "take_back",
]


def post(
    *,
    key: str,
    kind: str,
    legs: Sequence[Leg],
    occurred_on: date,
    description: str,
    actor: Actor | None,
    now: datetime,
    reverses: int | None = None,
    reason: str | None = None,
) -> Posted:
    """Book a transfer.

    Args:
        key: idempotency key, such as "grant:G-2026-003:instalment:2".
        kind: what sort of act it is, such as "commitment".
        legs: signed pence by account, summing to nought.
        occurred_on: the day it happened, apart from the instant it is booked.
        description: one sentence for people.
        reverses: id of the transfer that this one undoes; a transfer can be undone once.
        reason: why, for a reversal.

    Raises:
        RuleBroken: when an account would pass its limit, with the figures; the transaction must then be rolled back.
        Conflict: when the key stands for another transfer.
    """
    wanted = journal.Transfer(key, kind, tuple(legs), occurred_on, description, reverses, reason)
    return journal.write(wanted, actor=actor, now=now)


def book_bank_line(
    *, key: str, pence: int, occurred_on: date, description: str, actor: Actor | None, now: datetime
) -> Posted:
    """A line of a bank statement: money in (pence > 0) or out (pence < 0), waiting to be matched."""
    occurred_on, description = dated(key, occurred_on, description)
    legs = [Leg(AccountKind.BANK, pence), Leg(AccountKind.SUSPENSE, -pence)]
    return post(
        key=key, kind="bank_line", legs=legs, occurred_on=occurred_on, description=description, actor=actor, now=now
    )


def receive_contribution(
    *,
    key: str,
    contributor: str,
    pence: int,
    occurred_on: date,
    description: str,
    actor: Actor | None,
    now: datetime,
    held_in: AccountKind = AccountKind.SUSPENSE,
) -> Posted:
    """Money is a contribution of `contributor` ("org:GM-0012"), and free to award.

    What is short after money was taken back is made good first; only the rest is free.

    Args:
        held_in: where the money is: a bank line that waited to be matched (suspense), or the payment provider.
    """
    occurred_on, description = dated(key, occurred_on, description)
    journal.hold(Leg(held_in, pence), Leg(AccountKind.CONTRIBUTIONS, -pence, contributor), *_BUDGET)
    short = _moved_before(key, AccountKind.SHORTFALL)
    filled = min(pence, -queries.balance_of(AccountKind.SHORTFALL)) if short is None else short
    legs = [
        Leg(held_in, pence),
        Leg(AccountKind.CONTRIBUTIONS, -pence, contributor),
        Leg(AccountKind.AVAILABLE, pence - filled),
        Leg(AccountKind.SHORTFALL, filled),
        Leg(AccountKind.AUTHORITY, -pence),
    ]
    return post(
        key=key,
        kind="contribution",
        legs=[leg for leg in legs if leg.pence],
        occurred_on=occurred_on,
        description=description,
        actor=actor,
        now=now,
    )


def ask_contribution(
    *, key: str, contributor: str, pence: int, occurred_on: date, description: str, actor: Actor | None, now: datetime
) -> Posted:
    """`contributor` has been invoiced. It is a promise: nothing of it is free to award before it clears."""
    legs = [Leg(AccountKind.RECEIVABLE, pence, contributor), Leg(AccountKind.PROMISED, -pence, contributor)]
    return post(
        key=key, kind="invoice", legs=legs, occurred_on=occurred_on, description=description, actor=actor, now=now
    )


def settle_promise(
    *,
    key: str,
    kind: str,
    contributor: str,
    pence: int,
    occurred_on: date,
    description: str,
    actor: Actor | None,
    now: datetime,
) -> Posted:
    """What `contributor` was invoiced is no longer asked for.

    Args:
        kind: why: "invoice_paid", "invoice_credited" or "written_off".

    Raises:
        RuleBroken: when less is invoiced.
    """
    occurred_on, description = dated(key, occurred_on, description)
    legs = [Leg(AccountKind.PROMISED, pence, contributor), Leg(AccountKind.RECEIVABLE, -pence, contributor)]
    return post(key=key, kind=kind, legs=legs, occurred_on=occurred_on, description=description, actor=actor, now=now)


def commit(
    *, key: str, grant: str, pence: int, occurred_on: date, description: str, actor: Actor | None, now: datetime
) -> Posted:
    """Reserve free money for `grant` ("grant:G-2026-003").

    Nothing new is promised while money is short after some was taken back.

    Raises:
        RuleBroken: when less is free, with both figures, or when money is short.
    """
    short = -queries.balance_of(AccountKind.SHORTFALL)
    if short and queries.by_key(key) is None:
        raise RuleBroken(
            f"The fund is short of {format_pence(short)}, because money was taken back after it was awarded. "
            "No new agreement can reserve money until that is made good. See “Money taken back”."
        )
    legs = [Leg(AccountKind.AVAILABLE, -pence), Leg(AccountKind.COMMITTED, pence, grant)]
    return post(
        key=key, kind="commitment", legs=legs, occurred_on=occurred_on, description=description, actor=actor, now=now
    )


def release(
    *, key: str, grant: str, pence: int, occurred_on: date, description: str, actor: Actor | None, now: datetime
) -> Posted:
    """Make money reserved for `grant` free again.

    Raises:
        RuleBroken: when less is still committed.
    """
    legs = [Leg(AccountKind.AVAILABLE, pence), Leg(AccountKind.COMMITTED, -pence, grant)]
    return post(
        key=key, kind="release", legs=legs, occurred_on=occurred_on, description=description, actor=actor, now=now
    )


def pay_grant(
    *, key: str, grant: str, pence: int, occurred_on: date, description: str, actor: Actor | None, now: datetime
) -> Posted:
    """Send money reserved for `grant` on its way. `ledger.bank.service.make_payment_file` does this for its orders.

    Raises:
        RuleBroken: when less is still committed.
    """
    legs = [
        Leg(AccountKind.GRANTS_PAID, pence, grant),
        Leg(AccountKind.IN_TRANSIT, -pence),
        Leg(AccountKind.COMMITTED, -pence, grant),
        Leg(AccountKind.AUTHORITY, pence),
    ]
    return post(
        key=key, kind="payment", legs=legs, occurred_on=occurred_on, description=description, actor=actor, now=now
    )


def confirm_payment(
    *, key: str, pence: int, occurred_on: date, description: str, actor: Actor | None, now: datetime
) -> Posted:
    """A payment on its way stands on the bank's statement."""
    occurred_on, description = dated(key, occurred_on, description)
    legs = [Leg(AccountKind.IN_TRANSIT, pence), Leg(AccountKind.SUSPENSE, -pence)]
    return post(
        key=key,
        kind="payment_confirmed",
        legs=legs,
        occurred_on=occurred_on,
        description=description,
        actor=actor,
        now=now,
    )


def return_payment(
    *, key: str, paid_key: str, reason: str, occurred_on: date, actor: Actor | None, now: datetime
) -> tuple[Posted, ...]:
    """A payment failed or came back: what was paid is committed again, by entries that name the ones they undo.

    Args:
        key: begins the keys of the reversals.
        paid_key: the key under which `pay_grant` booked it; its confirmation, if any, under `paid_key` + ":confirmed".
    """
    keys = [paid_key]
    if queries.by_key(confirmation_key(paid_key)) is not None:
        keys.insert(0, confirmation_key(paid_key))
    return tuple(
        reverse(
            key=f"{key}:{number}", reversed_key=undone, reason=reason, occurred_on=occurred_on, actor=actor, now=now
        )
        for number, undone in enumerate(keys, 1)
    )


def confirmation_key(paid_key: str) -> str:
    """The key under which the confirmation of a payment is booked."""
    return f"{paid_key}:confirmed"


def reverse(
    *, key: str, reversed_key: str, reason: str, occurred_on: date, actor: Actor | None, now: datetime
) -> Posted:
    """Undo a transfer by its opposite, with the reason.

    Raises:
        NotFound: when nothing was booked under `reversed_key`.
        RuleBroken: when an account would pass its limit, for the money has been used since.
    """
    undone = queries.by_key(reversed_key)
    if undone is None:
        raise NotFound
    earlier = queries.undone_by(undone.id)
    if earlier is not None and earlier.key != key:
        raise Conflict(
            f"That was undone before, by transfer {earlier.id}. Look at it in the books; there is nothing more to undo."
        )
    entries = db.session.execute(
        select(Account.kind, Account.owner, Account.restriction, Entry.amount_pence)
        .join(Account, Account.id == Entry.account_id)
        .where(Entry.transfer_id == undone.id)
        .order_by(Entry.leg)
    )
    occurred_on, description = dated(key, occurred_on, f"Undoes: {undone.description}")
    return post(
        key=key,
        kind="reversal",
        legs=[Leg(kind, -pence, owner, restriction) for kind, owner, restriction, pence in entries],
        occurred_on=occurred_on,
        description=description,
        actor=actor,
        now=now,
        reverses=undone.id,
        reason=reason,
    )


# --- the payment provider: fees, payouts, and money that goes back

_BUDGET = (Leg(AccountKind.AVAILABLE, 0), Leg(AccountKind.SHORTFALL, 0), Leg(AccountKind.AUTHORITY, 0))


def _moved_before(key: str, kind: AccountKind) -> int | None:
    """What the transfer that stands under `key` already moved on the unrestricted account of `kind`; None where there
    is no such transfer. A verb that decides by balances says the same thing the second time."""
    there = queries.by_key(key)
    if there is None:
        return None
    moved = db.session.scalar(
        select(Entry.amount_pence)
        .join(Account, Account.id == Entry.account_id)
        .where(Entry.transfer_id == there.id, Account.code == account_code(kind))
    )
    return moved or 0


@dataclass(frozen=True)
class TakenFromPot:
    """Money that left the pot from outside: its transfer, and how much of it had been awarded already."""

    posted: Posted
    short_pence: int


def _take_from_pot(
    *,
    key: str,
    kind: str,
    pence: int,
    outside: Leg,
    held_in: AccountKind,
    occurred_on: date,
    description: str,
    reason: str | None,
    actor: Actor | None,
    now: datetime,
) -> TakenFromPot:
    """What is free goes first; what is not free any more is short, and the next money in makes it good."""
    occurred_on, description = dated(key, occurred_on, description)
    journal.hold(Leg(held_in, -pence), outside, *_BUDGET)
    short = _moved_before(key, AccountKind.SHORTFALL)
    if short is None:
        short = -max(0, pence - queries.balance_of(AccountKind.AVAILABLE))
    legs = [
        Leg(held_in, -pence),
        outside,
        Leg(AccountKind.AVAILABLE, -(pence + short)),
        Leg(AccountKind.SHORTFALL, short),
        Leg(AccountKind.AUTHORITY, pence),
    ]
    posted = post(
        key=key,
        kind=kind,
        legs=[leg for leg in legs if leg.pence],
        occurred_on=occurred_on,
        description=description,
        reason=reason,
        actor=actor,
        now=now,
    )
    return TakenFromPot(posted, -short)


def take_back(
    *,
    key: str,
    contributor: str,
    pence: int,
    occurred_on: date,
    description: str,
    reason: str,
    actor: Actor | None,
    now: datetime,
    held_in: AccountKind = AccountKind.STRIPE,
) -> TakenFromPot:
    """A contributor's bank took money back, perhaps long after it was awarded: a contribution is undone.

    We can't refuse it, so it may take more than is free: the rest is booked as short, never as a negative free balance.

    Raises:
        RuleBroken: when `contributor` never gave so much.
    """
    return _take_from_pot(
        key=key,
        kind="taken_back",
        pence=pence,
        outside=Leg(AccountKind.CONTRIBUTIONS, pence, contributor),
        held_in=held_in,
        occurred_on=occurred_on,
        description=description,
        reason=reason,
        actor=actor,
        now=now,
    )


def charge_fee(
    *,
    key: str,
    pence: int,
    occurred_on: date,
    description: str,
    actor: Actor | None,
    now: datetime,
    held_in: AccountKind = AccountKind.STRIPE,
) -> TakenFromPot:
    """The payment provider kept a fee: less is free to award."""
    return _take_from_pot(
        key=key,
        kind="fee",
        pence=pence,
        outside=Leg(AccountKind.FEES, pence),
        held_in=held_in,
        occurred_on=occurred_on,
        description=description,
        reason=None,
        actor=actor,
        now=now,
    )


def refund(
    *,
    key: str,
    contributor: str,
    pence: int,
    occurred_on: date,
    description: str,
    reason: str,
    actor: Actor | None,
    now: datetime,
    held_in: AccountKind = AccountKind.STRIPE,
) -> Posted:
    """We give a contribution back. It is our own act, so only free money may be used.

    Raises:
        RuleBroken: when less is free, with both figures.
    """
    legs = [
        Leg(held_in, -pence),
        Leg(AccountKind.REFUNDS, pence, contributor),
        Leg(AccountKind.AVAILABLE, -pence),
        Leg(AccountKind.AUTHORITY, pence),
    ]
    return post(
        key=key,
        kind="refund",
        legs=legs,
        occurred_on=occurred_on,
        description=description,
        reason=reason,
        actor=actor,
        now=now,
    )


def make_good(*, key: str, pence: int, occurred_on: date, actor: Actor | None, now: datetime) -> Posted:
    """Free money makes good what is short after some was taken back.

    Raises:
        RuleBroken: when less is free or less is short.
    """
    legs = [Leg(AccountKind.AVAILABLE, -pence), Leg(AccountKind.SHORTFALL, pence)]
    return post(
        key=key,
        kind="made_good",
        legs=legs,
        occurred_on=occurred_on,
        description="Free money makes good what was taken back",
        actor=actor,
        now=now,
    )


def receive_payout(
    *, key: str, pence: int, occurred_on: date, description: str, actor: Actor | None, now: datetime
) -> Posted:
    """What the provider paid out stands on the bank's statement, where it waited to be matched."""
    occurred_on, description = dated(key, occurred_on, description)
    legs = [Leg(AccountKind.SUSPENSE, pence), Leg(AccountKind.STRIPE, -pence)]
    return post(
        key=key, kind="payout", legs=legs, occurred_on=occurred_on, description=description, actor=actor, now=now
    )
