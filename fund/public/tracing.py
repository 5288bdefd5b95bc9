"""Where a member's money went: each payment is shared among all whose money is in the pot. Pure.

Money in the pot is not told apart. What is paid out in a fund year is shared by how much of each member's money was in
the pot that year: what was left of earlier years and what it paid in since. All is whole pence and loses none
(`ledger.money.split`): the members' shares of a year sum to what was paid out, a member's shares of the awards to its
share, and nobody's money is spent twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.money import split

ByYear = Mapping[int, Mapping[str, int]]
"""Fund year (the year it begins in) → owner or award → pence."""


@dataclass(frozen=True)
class TracedYear:
    """One fund year of one member's money, in pence. `awards` is in order of reference and holds no noughts."""

    year: int
    paid_in_pence: int
    used_pence: int
    left_pence: int
    awards: tuple[tuple[str, int], ...]


def trace(paid_in: ByYear, paid_out: ByYear, owner: str) -> list[TracedYear]:
    """Every fund year in which the member paid in or its money was used, the first one first.

    Args:
        paid_in: what each member paid in, by fund year.
        paid_out: what each award was paid, by fund year.
        owner: whose money is followed.
    """
    left: dict[str, int] = {}
    found = []
    for year in sorted({*paid_in, *paid_out}):
        came = paid_in.get(year, {})
        for one, pence in came.items():
            left[one] = max(0, left.get(one, 0) + pence)
        shares = _shares(left, sum(paid_out.get(year, {}).values()))
        for one, pence in shares.items():
            left[one] -= pence
        own, used = came.get(owner, 0), shares.get(owner, 0)
        if own or used:
            found.append(TracedYear(year, own, used, left.get(owner, 0), _among_awards(used, paid_out.get(year, {}))))
    return found


def _shares(left: Mapping[str, int], paid_pence: int) -> dict[str, int]:
    """What of each member's money was used. More than there is can't be: the books keep the pot above nought."""
    holders = sorted(one for one, pence in left.items() if pence > 0)
    there = sum(left[one] for one in holders)
    if not there or paid_pence <= 0:
        return {}
    return dict(zip(holders, split(min(paid_pence, there), [left[one] for one in holders]), strict=True))


def _among_awards(used_pence: int, paid: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    awards = sorted(award for award, pence in paid.items() if pence > 0)
    if not awards:
        return ()
    parts = split(used_pence, [paid[award] for award in awards])
    return tuple((award, pence) for award, pence in zip(awards, parts, strict=True) if pence)
