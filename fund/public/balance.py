"""How the fund year's contributions are shared between the sectors (handbook §6, §13): a warning, never a bar.

Cleared and invoiced money come from the books alone; what is pledged and not invoiced yet from the instalments.
"""

from dataclasses import dataclass
from datetime import datetime

import ledger.queries as books
import members.contributions.schedules.queries as schedules
import members.queries as members
from fund.kernel.errors import Finding
from fund.kernel.policy import Policy, policy_at
from fund.public.queries import BySector, by_sector
from ledger.money import split
from ledger.rules import AccountKind
from members.rules import Sector
from proposals.round_queries import fund_year_at
from proposals.rules import FundYear, lopsided_pot, sectors_without_money


@dataclass(frozen=True)
class SectorBalance:
    """One sector's part of the year. `percent` is of all that has cleared; those of the sectors sum to 100."""

    sector: Sector | None
    cleared_pence: int
    invoiced_pence: int
    pledged_pence: int
    percent: int


@dataclass(frozen=True)
class Balance:
    """The fund year as it stands.

    Attributes:
        warnings: one sector or one contributor gave very much; never a reason to refuse anything.
        missing: why no round can open yet (R03); empty when all three sectors have paid in.
    """

    year: FundYear
    policy: Policy
    rows: tuple[SectorBalance, ...]
    warnings: tuple[Finding, ...]
    missing: tuple[Finding, ...]

    def total(self, name: str) -> int:
        """Of all sectors, in pence: "cleared", "invoiced" or "pledged"."""
        return sum(int(getattr(row, f"{name}_pence")) for row in self.rows)


def balance(now: datetime) -> Balance:
    """The contributions of the fund year that holds `now`, by the sector confirmed now."""
    year, policy = fund_year_at(now), policy_at(now)
    paid = books.moved_between(AccountKind.CONTRIBUTIONS, year.first, year.last)
    back = books.moved_between(AccountKind.REFUNDS, year.first, year.last)
    cleared = {owner: -paid.get(owner, 0) - back.get(owner, 0) for owner in sorted({*paid, *back})}
    invoiced = books.balances_by_owner(AccountKind.RECEIVABLE)
    pledged = schedules.not_invoiced_by_owner(year.last)
    known = members.organisations_by_reference(
        owner.removeprefix("org:") for owner in sorted({*cleared, *invoiced, *pledged})
    )

    def sectors(amounts: dict[str, int]) -> BySector:
        found = {owner: known.get(owner.removeprefix("org:")) for owner in amounts}
        return by_sector(
            (organisation.sector if (organisation := found[owner]) else None, pence) for owner, pence in amounts.items()
        )

    sums = (sectors(cleared), sectors(invoiced), sectors(pledged))
    shown = list(sums[0] | sums[1] | sums[2])
    weights = [max(0, sums[0].get(sector, 0)) for sector in shown]
    percents = split(100, weights) if sum(weights) else [0] * len(shown)
    confirmed = {sector: sums[0].get(sector, 0) for sector in Sector}
    most = max(cleared.items(), key=lambda item: (item[1], item[0]), default=None)
    giver = known.get(most[0].removeprefix("org:")) if most else None
    return Balance(
        year=year,
        policy=policy,
        rows=tuple(
            SectorBalance(sector, sums[0].get(sector, 0), sums[1].get(sector, 0), sums[2].get(sector, 0), percent)
            for sector, percent in zip(shown, percents, strict=True)
        ),
        warnings=tuple(lopsided_pot(confirmed, (giver.name, most[1]) if giver and most else None, policy)),
        missing=tuple(sectors_without_money(confirmed, policy)),
    )
