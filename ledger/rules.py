"""The chart of accounts and what a transfer must be. Pure.

Signed pence: a debit is positive, a credit negative, and the legs of a transfer sum to nought. Three accounts always
say where money is (bank, suspense, in transit) and who gave or got it (contributions, grants paid); three say what the
pot may still do (available, committed, and authority, which balances the two).

Any account may be kept apart for a restricted fund (handbook §6): money given for a purpose stays traceable to it, from
the contribution through the commitment to the payment, as charity law asks of restricted income.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cached_property
from hashlib import sha256

from fund.kernel.errors import Finding
from ledger.money import LARGEST_PENCE, format_pence


class AccountKind(StrEnum):
    """What an account is for."""

    BANK = "bank"
    SUSPENSE = "suspense"
    IN_TRANSIT = "in_transit"
    CONTRIBUTIONS = "contributions"
    GRANTS_PAID = "grants_paid"
    AVAILABLE = "available"
    COMMITTED = "committed"
    AUTHORITY = "authority"
    STRIPE = "stripe"
    RECEIVABLE = "receivable"
    PROMISED = "promised"
    SHARES = "shares"
    REFUNDS = "refunds"
    FEES = "fees"
    INTEREST = "interest"
    GRANTS_PAYABLE = "grants_payable"
    GRANTS_OWED = "grants_owed"
    SHORTFALL = "shortfall"


@dataclass(frozen=True)
class KindOfAccount:
    """What holds for every account of a kind.

    Attributes:
        name: what people call it.
        meaning: one sentence for the page of accounts.
        owned: whether there is one for each owner, rather than one for the fund.
        below: whether its balance may go below nought.
        above: whether its balance may go above nought.
    """

    name: str
    meaning: str
    owned: bool = False
    below: bool = True
    above: bool = True


CHART: dict[AccountKind, KindOfAccount] = {
    AccountKind.BANK: KindOfAccount("Cash at bank", "What the bank's statements say we hold."),
    AccountKind.SUSPENSE: KindOfAccount(
        "Waiting to be matched",
        "Money in the bank that nobody has matched yet, and money out that left before it was matched.",
    ),
    AccountKind.IN_TRANSIT: KindOfAccount(
        "Payments on their way", "Sent to the bank and not yet on a statement.", above=False
    ),
    AccountKind.CONTRIBUTIONS: KindOfAccount(
        "Contributions", "What each organisation has paid into the pot.", owned=True, above=False
    ),
    AccountKind.GRANTS_PAID: KindOfAccount("Grants paid", "What each grant has been paid.", owned=True, below=False),
    AccountKind.AVAILABLE: KindOfAccount("Free to award", "Cleared money that no agreement has reserved.", below=False),
    AccountKind.COMMITTED: KindOfAccount(
        "Committed", "Reserved for each signed agreement and not yet paid.", owned=True, below=False
    ),
    AccountKind.AUTHORITY: KindOfAccount(
        "Authority to spend",
        "Balances what is free, committed and short; equals them with the sign turned.",
    ),
    AccountKind.STRIPE: KindOfAccount(
        "Cash at Stripe", "Paid by card or Direct Debit and not yet paid out to the bank."
    ),
    AccountKind.RECEIVABLE: KindOfAccount(
        "Invoiced and not yet received", "What each organisation has been asked to pay.", owned=True, below=False
    ),
    AccountKind.PROMISED: KindOfAccount(
        "Promised contributions",
        "Balances what is invoiced; it is never free to award before it clears.",
        owned=True,
        above=False,
    ),
    AccountKind.SHARES: KindOfAccount(
        "Share capital", "What each member has paid for its share; never a contribution.", owned=True, above=False
    ),
    AccountKind.REFUNDS: KindOfAccount(
        "Paid back to contributors", "Contributions that were given back.", owned=True, below=False
    ),
    AccountKind.FEES: KindOfAccount("Fees and bank charges", "What Stripe and the bank have charged."),
    AccountKind.INTEREST: KindOfAccount("Interest received", "What the bank has paid us on what we hold."),
    AccountKind.GRANTS_PAYABLE: KindOfAccount(
        "Grants payable", "Owed to grantees without condition and not yet paid.", owned=True, above=False
    ),
    AccountKind.GRANTS_OWED: KindOfAccount(
        "Grants owed, as a cost",
        "Balances grants payable: what is owed counts as spent before it is paid.",
        owned=True,
        below=False,
    ),
    AccountKind.SHORTFALL: KindOfAccount(
        "Short after money was taken back",
        "Awarded already when a contributor's bank took the money back; the next money in makes it good first.",
        above=False,
    ),
}


@dataclass(frozen=True, order=True)
class Leg:
    """One side of a transfer: this account moves by so many pence (debit positive, credit negative).

    `owner` is the reference string of whose account it is, such as "org:GM-0012" or "grant:G-2026-003", where the kind
    has one account for each owner. `restriction` is the reference of the restricted fund it belongs to, such as
    "RF-001"; None is the unrestricted money.
    """

    kind: AccountKind
    pence: int
    owner: str | None = None
    restriction: str | None = None

    @cached_property
    def code(self) -> str:
        """The account's code."""
        return account_code(self.kind, self.owner, self.restriction)


@dataclass(frozen=True)
class Posted:
    """A transfer in the books. `first` is False where the key had been used before for the very same transfer."""

    transfer_id: int
    key: str
    first: bool


def account_code(kind: AccountKind, owner: str | None = None, restriction: str | None = None) -> str:
    """ "available", "contributions:org:GM-0012" for a kind that each owner has one of, "available@RF-001" where it is
    kept apart for a restricted fund."""
    if CHART[kind].owned is (owner is None):
        raise ValueError(f"{kind} {'needs' if owner is None else 'has no'} owner")
    code = kind.value if owner is None else f"{kind}:{owner}"
    return code if restriction is None else f"{code}@{restriction}"


def account_name(kind: AccountKind, owner: str | None, restriction: str | None = None) -> str:
    """What people call the account: "Contributions: GM-0012", "Free to award, restricted RF-001"."""
    name = CHART[kind].name
    if owner is not None:
        name = f"{name}: {owner.partition(':')[2]}"
    return name if restriction is None else f"{name}, restricted {restriction}"


def transfer_faults(legs: Sequence[Leg]) -> Iterator[Finding]:
    """Why these legs are no transfer. None of it can come from a person: a caller that does this is wrong."""
    if len(legs) < 2:
        yield Finding("A transfer needs two legs or more.")
    if len({leg.code for leg in legs}) < len(legs):
        yield Finding("An account may stand only once in a transfer.")
    if any(leg.pence == 0 for leg in legs):
        yield Finding("A leg of nought moves nothing.")
    if any(abs(leg.pence) > LARGEST_PENCE for leg in legs):
        yield Finding(f"A leg may move at most {format_pence(LARGEST_PENCE)}.")
    if total := sum(leg.pence for leg in legs):
        yield Finding(f"The legs of a transfer must sum to nought; these sum to {format_pence(total)}.")


def contribution_legs(
    held_in: AccountKind, contributor: str, pence: int, filled_pence: int, restriction: str | None
) -> list[Leg]:
    """What a contribution moves: `filled_pence` of it makes good what was short, the rest is free to award."""
    legs = [
        Leg(held_in, pence),
        Leg(AccountKind.CONTRIBUTIONS, -pence, contributor, restriction),
        Leg(AccountKind.AVAILABLE, pence - filled_pence, None, restriction),
        Leg(AccountKind.SHORTFALL, filled_pence, None, restriction),
        Leg(AccountKind.AUTHORITY, -pence, None, restriction),
    ]
    return [leg for leg in legs if leg.pence]


def shortfall(
    kind: AccountKind, owner: str | None, balance_pence: int, change_pence: int, restriction: str | None = None
) -> str:
    """The sentence for an account that can't move so far.

    Args:
        kind: of the account that stopped the transfer.
        owner: its owner, for a kind that each owner has one of.
        balance_pence: what it holds now.
        change_pence: what was asked of it.
        restriction: the restricted fund it belongs to.
    """
    needed, held = format_pence(abs(change_pence)), format_pence(abs(balance_pence))
    if kind is AccountKind.AVAILABLE:
        where = "The fund" if restriction is None else f"The restricted fund {restriction}"
        return (
            f"{where} has {held} free; this needs {needed}. Wait until more money has cleared, or make the sum smaller."
        )
    if kind is AccountKind.COMMITTED:
        reference = (owner or "").partition(":")[2]
        return f"{held} is still committed to {reference}; this needs {needed}. Check the sum against the agreement."
    return f"{account_name(kind, owner, restriction)} stands at {held}; this would take back {needed}. Check the sum."


_quoted = json.JSONEncoder().encode


def said(
    *,
    key: str,
    kind: str,
    occurred_on: date,
    posted_at: datetime,
    description: str,
    actor_id: int | None,
    reverses_id: int | None,
    reason: str | None,
) -> str:
    """What a transfer says, as JSON up to its legs."""
    instant = posted_at.astimezone(UTC).isoformat(timespec="microseconds")
    return head_text(key, kind, occurred_on.isoformat(), instant, description, actor_id, reverses_id, reason)


def head_text(
    key: str,
    kind: str,
    day: str,
    instant: str,
    description: str,
    actor_id: int | None,
    reverses_id: int | None,
    reason: str | None,
) -> str:
    """`said`, of days and instants that are text already: ISO 8601, instants in UTC with microseconds."""
    actor, reverses, why = (
        "null" if actor_id is None else actor_id,
        "null" if reverses_id is None else reverses_id,
        "null" if reason is None else _quoted(reason),
    )
    return f'[{_quoted(key)},{_quoted(kind)},"{day}","{instant}",{_quoted(description)},{actor},{reverses},{why},'


def digest(head: str, legs: Sequence[tuple[int, int]]) -> str:
    """SHA-256 of a transfer, so that a changed row can be named. PostgreSQL's post_transfer makes the very same.

    Args:
        head: what it says, by `said`.
        legs: (account id, pence) in the order of the legs.
    """
    moves = ",".join([f"[{account_id},{pence}]" for account_id, pence in legs])
    return sha256(f"{head}[{moves}]]".encode()).hexdigest()


DAY_IS_CLOSED = "this day of the books is closed"
"""How the database begins to refuse a transfer of a closed day (`fund.migrations.guards.closed_days`)."""

FIRST_SEAL = "0" * 64
"""What the first seal builds on."""


def seal_hash(previous: str, rows: Sequence[tuple[int, str]]) -> str:
    """SHA-256 of the seal before and the (id, digest) of each transfer since, in order of id."""
    text = "".join(f"\n{number}:{row_digest}" for number, row_digest in rows)
    return sha256(f"{previous}{text}".encode()).hexdigest()
