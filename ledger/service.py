"""What moves money in the books. Every verb posts one balanced transfer under a key that is used once.

`key` is the idempotency key: the same key with the same content gives the first result again, with other content a
Conflict. `pence` is always above nought. What others did (the bank, a contributor, the provider) on a day that is
closed by now is booked on the first open day, and says when it truly happened. Nothing here asks who may do it: the
folder that owns the act has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from fund.kernel.access import Actor
from fund.kernel.db import db
from fund.kernel.errors import Conflict, NotFound, RuleBroken
from ledger import journal, queries
from ledger.models import Account, Entry, Transfer
from ledger.money import format_pence
from ledger.proof import check, seal
from ledger.rules import AccountKind, Leg, Posted, account_code, contribution_legs, shortfall
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
    "owe_grant",
    "pay_grant",
    "post",
    "receive_contribution",
    "receive_interest",
    "receive_payout",
    "receive_share_money",
    "refund",
    "release",
    "return_payment",
    "reverse",
    "seal",
    "settle_promise",
    "take_back",
    "undo_contribution",
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
    restriction: str | None = None,
) -> Posted:
    """Money is a contribution of `contributor` ("org:GM-0012"), and free to award.

    What is short after money was taken back is made good first; only the rest is free. Restricted money makes good what
    is short in its own fund only: it was not given for anything else.

    Args:
        held_in: where the money is: a bank line that waited to be matched (suspense), or the payment provider.
        restriction: the restricted fund ("RF-001") in which it is kept apart for what it was given for.
    """
    occurred_on, description = dated(key, occurred_on, description)
    journal.hold(
        Leg(held_in, pence), Leg(AccountKind.CONTRIBUTIONS, -pence, contributor, restriction), *_budget(restriction)
    )
    short = _moved_before(key, AccountKind.SHORTFALL, restriction)
    filled = min(pence, -queries.balance_of(AccountKind.SHORTFALL, None, restriction)) if short is None else short
    return post(
        key=key,
        kind="contribution",
        legs=contribution_legs(held_in, contributor, pence, filled, restriction),
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
    *,
    key: str,
    grant: str,
    pence: int,
    occurred_on: date,
    description: str,
    actor: Actor | None,
    now: datetime,
    parts: Mapping[str | None, int] | None = None,
) -> Posted:
    """Reserve free money for `grant` ("grant:G-2026-003").

    `parts` says how much of `pence` comes from each restricted fund (None: unrestricted); all is unrestricted without.

    While money is short after some was taken back, nothing new is promised from the fund that is short, nor from the
    unrestricted money, which must stand in for whatever is short anywhere. Other restricted funds could not lawfully
    stand in, so they may be promised.

    Raises:
        RuleBroken: when less is free, with both figures, or when money is short.
    """
    split = _whole({None: pence} if parts is None else parts, pence)
    lacking = queries.balances_by_restriction(AccountKind.SHORTFALL)
    for restriction, _ in split:
        short = -(sum(lacking.values()) if restriction is None else lacking.get(restriction, 0))
        if short and queries.by_key(key) is None:
            raise RuleBroken(
                f"{restriction or 'The fund'} is short of {format_pence(short)}, because money was taken back after it "
                "was awarded. No new agreement can reserve money until that is made good. See “Money taken back”."
            )
    legs = [
        leg
        for restriction, part in split
        for leg in (
            Leg(AccountKind.AVAILABLE, -part, None, restriction),
            Leg(AccountKind.COMMITTED, part, grant, restriction),
        )
    ]
    return post(
        key=key, kind="commitment", legs=legs, occurred_on=occurred_on, description=description, actor=actor, now=now
    )


def _whole(parts: Mapping[str | None, int], pence: int) -> list[tuple[str | None, int]]:
    """The parts that move something, restricted ones by reference and the unrestricted last; they must be the sum."""
    if any(part < 0 for part in parts.values()) or sum(parts.values()) != pence:
        raise ValueError(f"{dict(parts)} are not the parts of {pence}")
    return sorted(
        ((restriction, part) for restriction, part in parts.items() if part),
        key=lambda item: (item[0] is None, item[0] or ""),
    )


def release(
    *,
    key: str,
    grant: str,
    pence: int,
    occurred_on: date,
    description: str,
    actor: Actor | None,
    now: datetime,
    parts: Mapping[str | None, int] | None = None,
) -> Posted:
    """Make money reserved for `grant` free again, each part where it came from.

    Without `parts` the unrestricted goes back first: restricted money is to be spent before it (handbook §6).

    Raises:
        RuleBroken: when less is still committed.
    """
    if parts is None:
        parts = _from_commitment(key, grant, pence, restricted_first=False)
    legs = [
        leg
        for restriction, part in _whole(parts, pence)
        for leg in (
            Leg(AccountKind.AVAILABLE, part, None, restriction),
            Leg(AccountKind.COMMITTED, -part, grant, restriction),
        )
    ]
    return post(
        key=key, kind="release", legs=legs, occurred_on=occurred_on, description=description, actor=actor, now=now
    )


def _from_commitment(key: str, grant: str, pence: int, *, restricted_first: bool) -> dict[str | None, int]:
    """Which parts of a grant's commitment `pence` is taken from; what a key took before, it is said to take again."""
    earlier = queries.by_key(key)
    if earlier is not None:
        taken = queries.taken_from(earlier.id, AccountKind.COMMITTED)
        if sum(taken.values()) == pence:
            return taken
    held = queries.balances_by_restriction(AccountKind.COMMITTED, grant)
    order = sorted(held, key=lambda restriction: ((restriction is None) is restricted_first, restriction or ""))
    parts: dict[str | None, int] = {}
    left = pence
    for restriction in order:
        parts[restriction] = min(left, held[restriction])
        left -= parts[restriction]
    if left:  # more than is committed: the books refuse it, with the figures
        last = order[-1] if order else None
        parts[last] = parts.get(last, 0) + left
    return parts


def pay_grant(
    *,
    key: str,
    grant: str,
    pence: int,
    occurred_on: date,
    description: str,
    actor: Actor | None,
    now: datetime,
    parts: Mapping[str | None, int] | None = None,
) -> Posted:
    """Send money reserved for `grant` on its way. `ledger.bank.service.make_payment_file` does this for its orders.

    Without `parts` the restricted parts of its commitment are used before the unrestricted one (handbook §6). What of
    it was owed before (`owe_grant`) no longer is, in the same transfer: a cost counts once.

    Raises:
        RuleBroken: when less is still committed.
    """
    if parts is None:
        parts = _from_commitment(key, grant, pence, restricted_first=True)
    legs = [Leg(AccountKind.IN_TRANSIT, -pence)]
    for restriction, part in _whole(parts, pence):
        legs += [
            Leg(AccountKind.GRANTS_PAID, part, grant, restriction),
            Leg(AccountKind.COMMITTED, -part, grant, restriction),
            Leg(AccountKind.AUTHORITY, part, None, restriction),
        ]
    for restriction, settled in _settled(key, legs, grant).items():
        legs += [
            Leg(AccountKind.GRANTS_PAYABLE, settled, grant, restriction),
            Leg(AccountKind.GRANTS_OWED, -settled, grant, restriction),
        ]
    return post(
        key=key, kind="payment", legs=legs, occurred_on=occurred_on, description=description, actor=actor, now=now
    )


def _settled(key: str, legs: Sequence[Leg], grant: str) -> dict[str | None, int]:
    """What a payment settles of what was owed to its grant, by restricted fund."""
    earlier = queries.by_key(key)
    if earlier is not None:
        return queries.taken_from(earlier.id, AccountKind.GRANTS_OWED)
    if not any(queries.balances_by_restriction(AccountKind.GRANTS_OWED, grant).values()):
        return {}
    paid = {leg.restriction: leg.pence for leg in legs if leg.kind is AccountKind.GRANTS_PAID}
    journal.hold(*legs, *(leg for restriction in paid for leg in _debt(grant, restriction)))
    owed = queries.balances_by_restriction(AccountKind.GRANTS_OWED, grant)
    settled = {restriction: min(part, owed.get(restriction, 0)) for restriction, part in paid.items()}
    return {restriction: pence for restriction, pence in settled.items() if pence}


def _debt(grant: str, restriction: str | None) -> list[Leg]:
    """The accounts that say what is owed to a grant from one fund."""
    kinds = (AccountKind.GRANTS_PAYABLE, AccountKind.GRANTS_OWED)
    return [Leg(kind, 0, grant, restriction) for kind in kinds]


def owe_grant(*, grant: str, pence: int, occurred_on: date, actor: Actor | None, now: datetime) -> Posted | None:
    """Bring what the books show as owed to `grant` to `pence`: what is unpaid and waits for no condition any more.

    A grant is a liability and a cost from the moment when nothing but payment remains, and only then (Charities SORP
    (FRS 102), on grants payable: a condition that is still open keeps it a commitment). It moves nothing of the pot:
    the money stays reserved until it is paid. Restricted money is owed first, for it is paid first.

    Returns:
        The transfer that changed it; None where it was right.

    Raises:
        RuleBroken: when less is committed to the grant.
    """
    reserved = queries.balances_by_restriction(AccountKind.COMMITTED, grant)
    if not _change(grant, pence, reserved):
        return None
    journal.hold(
        *(
            leg
            for restriction in reserved
            for leg in (Leg(AccountKind.COMMITTED, 0, grant, restriction), *_debt(grant, restriction))
        )
    )
    changes = _change(grant, pence, queries.balances_by_restriction(AccountKind.COMMITTED, grant))
    if not changes:
        return None
    legs = [
        leg
        for restriction, change in changes.items()
        for leg in (
            Leg(AccountKind.GRANTS_PAYABLE, -change, grant, restriction),
            Leg(AccountKind.GRANTS_OWED, change, grant, restriction),
        )
    ]
    more = sum(changes.values())
    what = "is owed now" if more > 0 else "is no longer owed" if more < 0 else "is owed from another fund"
    number = queries.entry_count(AccountKind.GRANTS_OWED, grant) + 1
    return post(
        key=f"{grant}:owed:{number}",
        kind="grant_owed",
        legs=legs,
        occurred_on=occurred_on,
        description=f"{format_pence(abs(more) or sum(abs(one) for one in changes.values()) // 2)} of grant "
        f"{grant.removeprefix('grant:')} {what}",
        actor=actor,
        now=now,
    )


def _change(grant: str, pence: int, reserved: Mapping[str | None, int]) -> dict[str | None, int]:
    """By how much what is owed to a grant must change in each fund, so that `pence` are owed of what is reserved."""
    owed = queries.balances_by_restriction(AccountKind.GRANTS_OWED, grant)
    left, wanted = pence, dict.fromkeys(owed, 0)
    for restriction in sorted(reserved, key=lambda one: (one is None, one or "")):
        wanted[restriction] = min(left, reserved[restriction])
        left -= wanted[restriction]
    if left:
        held = sum(reserved.values())
        raise RuleBroken(shortfall(AccountKind.COMMITTED, grant, held, pence))
    changes = {restriction: part - owed.get(restriction, 0) for restriction, part in wanted.items()}
    return {restriction: change for restriction, change in changes.items() if change}


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
    undone = _to_undo(reversed_key, key)
    occurred_on, description = dated(key, occurred_on, f"Undoes: {undone.description}")
    return post(
        key=key,
        kind="reversal",
        legs=[Leg(leg.kind, -leg.pence, leg.owner, leg.restriction) for leg in _legs_of(undone.id)],
        occurred_on=occurred_on,
        description=description,
        actor=actor,
        now=now,
        reverses=undone.id,
        reason=reason,
    )


def _to_undo(undone_key: str, key: str) -> Transfer:
    """The transfer that `key` undoes. Raises NotFound; and Conflict when another has undone it."""
    undone = queries.by_key(undone_key)
    if undone is None:
        raise NotFound
    earlier = queries.undone_by(undone.id)
    if earlier is not None and earlier.key != key:
        raise Conflict(
            f"That was undone before, by transfer {earlier.id}. Look at it in the books; there is nothing more to undo."
        )
    return undone


def _legs_of(transfer_id: int) -> list[Leg]:
    """The legs of a transfer, as they were posted."""
    entries = db.session.execute(
        select(Account.kind, Entry.amount_pence, Account.owner, Account.restriction)
        .join(Account, Account.id == Entry.account_id)
        .where(Entry.transfer_id == transfer_id)
        .order_by(Entry.leg)
    )
    return [Leg(*entry) for entry in entries]


# --- the payment provider: fees, payouts, and money that goes back


def _budget(restriction: str | None = None) -> list[Leg]:
    """The accounts that say what one fund may still do."""
    kinds = (AccountKind.AVAILABLE, AccountKind.SHORTFALL, AccountKind.AUTHORITY)
    return [Leg(kind, 0, None, restriction) for kind in kinds]


def _moved_before(key: str, kind: AccountKind, restriction: str | None = None) -> int | None:
    """What the transfer that stands under `key` already moved on one fund's account of `kind`; None where there is no
    such transfer. A verb that decides by balances says the same thing the second time."""
    there = queries.by_key(key)
    if there is None:
        return None
    moved = db.session.scalar(
        select(Entry.amount_pence)
        .join(Account, Account.id == Entry.account_id)
        .where(Entry.transfer_id == there.id, Account.code == account_code(kind, None, restriction))
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
    restriction: str | None = None,
    reverses: int | None = None,
) -> TakenFromPot:
    """What is free goes first; what is not free any more is short, and the next money in makes it good."""
    occurred_on, description = dated(key, occurred_on, description)
    journal.hold(Leg(held_in, -pence), outside, *_budget(restriction))
    short = _moved_before(key, AccountKind.SHORTFALL, restriction)
    if short is None:
        short = -max(0, pence - queries.balance_of(AccountKind.AVAILABLE, None, restriction))
    legs = [
        Leg(held_in, -pence),
        outside,
        Leg(AccountKind.AVAILABLE, -(pence + short), None, restriction),
        Leg(AccountKind.SHORTFALL, short, None, restriction),
        Leg(AccountKind.AUTHORITY, pence, None, restriction),
    ]
    posted = post(
        key=key,
        kind=kind,
        legs=[leg for leg in legs if leg.pence],
        occurred_on=occurred_on,
        description=description,
        reverses=reverses,
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
    restriction: str | None = None,
) -> TakenFromPot:
    """A contributor's bank took money back, perhaps long after it was awarded: a contribution is undone.

    We can't refuse it, so it may take more than is free: the rest is booked as short, never as a negative free balance.
    Money that was given to a restricted fund is taken from that fund, and may leave that fund short.

    Raises:
        RuleBroken: when `contributor` never gave so much.
    """
    return _take_from_pot(
        key=key,
        kind="taken_back",
        pence=pence,
        outside=Leg(AccountKind.CONTRIBUTIONS, pence, contributor, restriction),
        held_in=held_in,
        occurred_on=occurred_on,
        description=description,
        reason=reason,
        actor=actor,
        now=now,
        restriction=restriction,
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
    """The payment provider or the bank took a fee. It lowers unrestricted money: the rest wasn't given for fees."""
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
    restriction: str | None = None,
) -> Posted:
    """We give a contribution back. It is our own act, so only free money of the fund it was given to may be used.

    Raises:
        RuleBroken: when less is free, with both figures.
    """
    legs = [
        Leg(held_in, -pence),
        Leg(AccountKind.REFUNDS, pence, contributor, restriction),
        Leg(AccountKind.AVAILABLE, -pence, None, restriction),
        Leg(AccountKind.AUTHORITY, pence, None, restriction),
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
    """Free money makes good what is short after some was taken back: the unrestricted first, then each restricted fund.

    A restricted fund uses its own free money before the unrestricted money stands in for it.

    Raises:
        RuleBroken: when less is free or less is short.
    """
    short = queries.balances_by_restriction(AccountKind.SHORTFALL)
    journal.hold(*(leg for restriction in {None, *short} for leg in _budget(restriction)))
    there = queries.by_key(key)
    legs = _legs_of(there.id) if there is not None else []
    if sum(leg.pence for leg in legs if leg.kind is AccountKind.SHORTFALL) != pence:
        legs = _made_good(pence)
    return post(
        key=key,
        kind="made_good",
        legs=legs,
        occurred_on=occurred_on,
        description="Free money makes good what was taken back",
        actor=actor,
        now=now,
    )


def _made_good(pence: int) -> list[Leg]:
    short = queries.balances_by_restriction(AccountKind.SHORTFALL)
    free = queries.balances_by_restriction(AccountKind.AVAILABLE)
    left = pence
    unrestricted, legs = 0, []
    for restriction in sorted((one for one in short if one is not None and short[one]), key=str):
        if left <= -short.get(None, 0):
            break
        filled = min(left + short.get(None, 0), -short[restriction])
        own = min(filled, free.get(restriction, 0))
        legs += [
            Leg(AccountKind.AVAILABLE, -own, None, restriction),
            Leg(AccountKind.SHORTFALL, filled, None, restriction),
            Leg(AccountKind.AUTHORITY, own - filled, None, restriction),
        ]
        left -= filled
        unrestricted += filled - own
    legs += [
        Leg(AccountKind.AVAILABLE, -(left + unrestricted)),
        Leg(AccountKind.SHORTFALL, left),
        Leg(AccountKind.AUTHORITY, unrestricted),
    ]
    return [leg for leg in legs if leg.pence]


def receive_payout(
    *, key: str, pence: int, occurred_on: date, description: str, actor: Actor | None, now: datetime
) -> Posted:
    """What the provider paid out stands on the bank's statement, where it waited to be matched."""
    occurred_on, description = dated(key, occurred_on, description)
    legs = [Leg(AccountKind.SUSPENSE, pence), Leg(AccountKind.STRIPE, -pence)]
    return post(
        key=key, kind="payout", legs=legs, occurred_on=occurred_on, description=description, actor=actor, now=now
    )


def receive_interest(
    *, key: str, pence: int, occurred_on: date, description: str, actor: Actor | None, now: datetime
) -> Posted:
    """The bank paid interest: what is short is made good first, the rest is free to award."""
    occurred_on, description = dated(key, occurred_on, description)
    journal.hold(Leg(AccountKind.SUSPENSE, pence), Leg(AccountKind.INTEREST, -pence), *_budget())
    short = _moved_before(key, AccountKind.SHORTFALL)
    filled = min(pence, -queries.balance_of(AccountKind.SHORTFALL)) if short is None else short
    legs = [
        Leg(AccountKind.SUSPENSE, pence),
        Leg(AccountKind.INTEREST, -pence),
        Leg(AccountKind.AVAILABLE, pence - filled),
        Leg(AccountKind.SHORTFALL, filled),
        Leg(AccountKind.AUTHORITY, -pence),
    ]
    return post(
        key=key,
        kind="interest",
        legs=[leg for leg in legs if leg.pence],
        occurred_on=occurred_on,
        description=description,
        actor=actor,
        now=now,
    )


def receive_share_money(
    *, key: str, member: str, pence: int, occurred_on: date, description: str, actor: Actor | None, now: datetime
) -> Posted:
    """`member` ("org:GM-0012") paid for its share: share capital, which is never spendable and no contribution."""
    occurred_on, description = dated(key, occurred_on, description)
    legs = [Leg(AccountKind.SUSPENSE, pence), Leg(AccountKind.SHARES, -pence, member)]
    return post(
        key=key, kind="share_money", legs=legs, occurred_on=occurred_on, description=description, actor=actor, now=now
    )


def undo_contribution(
    *, key: str, undone_key: str, reason: str, occurred_on: date, actor: Actor | None, now: datetime
) -> TakenFromPot:
    """A contribution was matched wrongly: its money waits at the bank again, by a transfer that names what it undoes.

    The money is still ours, and we can't tell grantees that it never was: what of it had been awarded already is short
    until it is matched again, as after money that was taken back.

    Raises:
        NotFound: when nothing was booked under `undone_key`.
        Conflict: when it was undone before.
    """
    undone = _to_undo(undone_key, key)
    given = next(leg for leg in _legs_of(undone.id) if leg.kind is AccountKind.CONTRIBUTIONS)
    return _take_from_pot(
        key=key,
        kind="match_undone",
        pence=-given.pence,
        outside=Leg(AccountKind.CONTRIBUTIONS, -given.pence, given.owner, given.restriction),
        held_in=AccountKind.SUSPENSE,
        occurred_on=occurred_on,
        description=f"Undoes: {undone.description}",
        reason=reason,
        actor=actor,
        now=now,
        restriction=given.restriction,
        reverses=undone.id,
    )
