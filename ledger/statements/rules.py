"""The statements of a year, from the totals of the accounts. Pure.

Headings follow the Charities SORP (FRS 102): income and expenditure by what they are for, the net movement in funds,
and the funds carried forward, in columns for unrestricted and restricted money. `headings` and `LINES` say where each
kind of account goes; a kind that stands in neither moves what may be spent and is told in a note.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from fund.kernel.policy import Policy
from ledger.rules import AccountKind


class Heading(StrEnum):
    """A line of the statement of financial activities, as the Charities SORP names them."""

    DONATIONS = "donations"
    CHARITABLE_INCOME = "charitable_income"
    INVESTMENTS = "investments"
    OTHER_INCOME = "other_income"
    RAISING_FUNDS = "raising_funds"
    CHARITABLE_ACTIVITIES = "charitable_activities"
    OTHER_EXPENDITURE = "other_expenditure"

    @property
    def words(self) -> str:
        """The SORP's own words."""
        return _TITLES[self]

    @property
    def is_income(self) -> bool:
        """Whether it brings money in."""
        return self in _INCOME


_TITLES = {
    Heading.DONATIONS: "Donations and legacies",
    Heading.CHARITABLE_INCOME: "Charitable activities",
    Heading.INVESTMENTS: "Investments",
    Heading.OTHER_INCOME: "Other income",
    Heading.RAISING_FUNDS: "Raising funds",
    Heading.CHARITABLE_ACTIVITIES: "Charitable activities",
    Heading.OTHER_EXPENDITURE: "Other expenditure",
}
_INCOME = (Heading.DONATIONS, Heading.CHARITABLE_INCOME, Heading.INVESTMENTS, Heading.OTHER_INCOME)


def headings(policy: Policy) -> dict[AccountKind, Heading]:
    """Where each kind of account stands that says what came in and what it was spent on, as the board settled it."""
    given = Heading(policy.heading_of_contributions)
    return {
        AccountKind.CONTRIBUTIONS: given,
        # What is given back was never ours to keep: it lowers the income instead of being a cost.
        AccountKind.REFUNDS: given,
        AccountKind.INTEREST: Heading(policy.heading_of_interest),
        AccountKind.FEES: Heading(policy.heading_of_fees),
        AccountKind.GRANTS_PAID: Heading.CHARITABLE_ACTIVITIES,
        # A grant is a cost once it is owed without condition, paid or not (Charities SORP, grants payable).
        AccountKind.GRANTS_OWED: Heading.CHARITABLE_ACTIVITIES,
    }


HEADINGS = headings(Policy())
"""Where each kind stands unless the board settled otherwise."""

LINES: dict[AccountKind, str] = {
    AccountKind.BANK: "Cash at bank",
    AccountKind.STRIPE: "Cash at Stripe",
    AccountKind.RECEIVABLE: "Invoiced and not yet received",
    AccountKind.PROMISED: "Invoiced and not yet income",
    AccountKind.SUSPENSE: "Waiting to be matched",
    AccountKind.IN_TRANSIT: "Payments on their way",
    AccountKind.GRANTS_PAYABLE: "Grants payable",
    AccountKind.SHARES: "Share capital of members",
}
"""Kinds of account that say what we hold and what we owe."""


@dataclass(frozen=True)
class Year:
    """A year of account, named by the calendar year in which it ends."""

    number: int
    from_on: date
    to_on: date


@dataclass(frozen=True)
class Total:
    """Signed pence that the accounts of a kind and restriction moved, up to and in two years that follow each other."""

    kind: AccountKind
    restriction: str | None
    before_pence: int
    last_pence: int
    this_pence: int

    @property
    def closing_pence(self) -> int:
        """What they hold at the end of the later year."""
        return self.before_pence + self.last_pence + self.this_pence


@dataclass(frozen=True)
class Row:
    """One line of a statement in pence, in its columns."""

    unrestricted_pence: int
    restricted_pence: int
    last_year_pence: int

    @property
    def total_pence(self) -> int:
        """Both kinds of money together."""
        return self.unrestricted_pence + self.restricted_pence


@dataclass(frozen=True)
class Activities:
    """The statement of financial activities. Expenditure stands as a positive sum."""

    lines: dict[Heading, Row]
    income: Row
    expenditure: Row
    movement: Row
    brought_forward: Row
    carried_forward: Row


@dataclass(frozen=True)
class FundSheet:
    """What one fund holds and owes at the end of the year; `restriction` None is the unrestricted money.

    `committed_pence` is what agreements reserve and is still conditional, so no liability yet: a note tells it.
    """

    restriction: str | None
    lines: dict[str, int]
    net_assets_pence: int
    funds_pence: int
    committed_pence: int

    @property
    def difference_pence(self) -> int:
        """Net assets less funds: nought, unless the books are wrong."""
        return self.net_assets_pence - self.funds_pence


def year_ending(number: int, month: int, day: int) -> Year:
    """The year of account that ends on `day` of `month` in calendar year `number`."""
    return Year(number, date(number - 1, month, day) + timedelta(days=1), date(number, month, day))


def year_of(on: date, month: int, day: int) -> Year:
    """The year of account that `on` lies in."""
    return year_ending(on.year if on <= date(on.year, month, day) else on.year + 1, month, day)


def activities(totals: Sequence[Total], placed: Mapping[AccountKind, Heading] = HEADINGS) -> Activities:
    """The statement of financial activities of the later year, with the earlier one beside it under the same headings.

    Args:
        placed: where each kind of account stands.
    """

    def row(kinds: Callable[[AccountKind], bool], sign: int, *, opening: bool = False) -> Row:
        found = [total for total in totals if kinds(total.kind)]
        this = [(one.restriction, one.before_pence + one.last_pence if opening else one.this_pence) for one in found]
        return Row(
            sign * sum(pence for restriction, pence in this if restriction is None),
            sign * sum(pence for restriction, pence in this if restriction is not None),
            sign * sum(one.before_pence if opening else one.last_pence for one in found),
        )

    def under(heading: Heading) -> Callable[[AccountKind], bool]:
        return lambda kind: placed.get(kind) is heading

    used = [heading for heading in Heading if heading in placed.values()]
    lines = {heading: row(under(heading), -1 if heading.is_income else 1) for heading in used}
    income = _sum([line for heading, line in lines.items() if heading.is_income])
    spent = [line for heading, line in lines.items() if not heading.is_income]
    brought = row(placed.__contains__, -1, opening=True)
    movement = row(placed.__contains__, -1)
    return Activities(lines, income, _sum(spent), movement, brought, _sum([brought, movement]))


def _sum(rows: Sequence[Row]) -> Row:
    return Row(
        sum(row.unrestricted_pence for row in rows),
        sum(row.restricted_pence for row in rows),
        sum(row.last_year_pence for row in rows),
    )


def balance_sheets(totals: Sequence[Total]) -> list[FundSheet]:
    """One balance sheet for each fund, the unrestricted money first."""
    restrictions = sorted({total.restriction for total in totals if total.restriction is not None})
    return [_sheet(one, [total for total in totals if total.restriction == one]) for one in [None, *restrictions]]


def _sheet(restriction: str | None, totals: Sequence[Total]) -> FundSheet:
    def held(kind: AccountKind) -> int:
        return sum(total.closing_pence for total in totals if total.kind is kind)

    lines = {name: held(kind) for kind, name in LINES.items()}
    return FundSheet(
        restriction,
        lines={name: pence for name, pence in lines.items() if pence},
        net_assets_pence=sum(lines.values()),
        funds_pence=-sum(held(kind) for kind in HEADINGS),
        committed_pence=held(AccountKind.COMMITTED) + held(AccountKind.GRANTS_PAYABLE),
    )
