"""Where a member's money went: each payment is shared among all whose money is in the pot. Pure.

Money in the pot is not told apart. What is paid out in a fund year is shared by how much of each member's money was in
the pot that year: what was left of earlier years and what it paid in since. All is whole pence and loses none
(`ledger.money.split`): the members' shares of a year sum to what was paid out, a member's shares of the awards to its
share, and nobody's money is spent twice.

What was given for a restricted fund is followed within that fund alone: it paid for nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
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


Apart = Mapping[str | None, Sequence[TracedYear]]
"""Restricted fund, or None for any award → the years of one member's money in it, the first one first."""


def filled(apart: Apart) -> dict[str | None, list[TracedYear]]:
    """The same with the years in which a fund only held what it held, so that the parts of each year are the whole."""
    years = sorted({one.year for known in apart.values() for one in known})
    return {fund: list(_filled(known, years)) for fund, known in apart.items()}


def _filled(known: Sequence[TracedYear], years: Sequence[int]) -> Iterator[TracedYear]:
    by_year, left = {one.year: one for one in known}, 0
    for year in years:
        one = by_year.get(year, TracedYear(year, 0, 0, left, ()))
        left = one.left_pence
        if year in by_year or left:
            yield one


def together(apart: Apart) -> list[TracedYear]:
    """The years of one member's money in all funds as one, in order."""
    by_year: dict[int, list[TracedYear]] = {}
    for known in filled(apart).values():
        for one in known:
            by_year.setdefault(one.year, []).append(one)
    return [_sum(year, by_year[year]) for year in sorted(by_year)]


def _sum(year: int, parts: Sequence[TracedYear]) -> TracedYear:
    awards: dict[str, int] = {}
    for part in parts:
        for award, pence in part.awards:
            awards[award] = awards.get(award, 0) + pence
    return TracedYear(
        year,
        sum(part.paid_in_pence for part in parts),
        sum(part.used_pence for part in parts),
        sum(part.left_pence for part in parts),
        tuple(sorted(awards.items())),
    )
