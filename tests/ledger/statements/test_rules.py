"""Years and statements, on plain numbers."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fund.kernel.policy import Policy
from ledger.rules import AccountKind
from ledger.statements.rules import (
    HEADINGS,
    LINES,
    Heading,
    Total,
    activities,
    balance_sheets,
    headings,
    year_ending,
    year_of,
)

BUDGET = {AccountKind.AVAILABLE, AccountKind.COMMITTED, AccountKind.SHORTFALL, AccountKind.AUTHORITY}


def test_a_year_runs_from_the_day_after_the_last_one_to_its_last_day() -> None:
    year = year_of(date(2026, 3, 31), 3, 31)
    assert (year.number, year.from_on, year.to_on) == (2026, date(2025, 4, 1), date(2026, 3, 31))
    assert year_of(date(2026, 4, 1), 3, 31).number == 2027
    assert year_of(date(2026, 12, 31), 12, 31).from_on == date(2026, 1, 1)


@given(st.dates(date(1950, 1, 1), date(2100, 1, 1)), st.integers(1, 12), st.integers(1, 28))
def test_every_day_lies_in_one_year_and_years_leave_no_day_out(day: date, month: int, last: int) -> None:
    year = year_of(day, month, last)
    assert year.from_on <= day <= year.to_on
    assert year_ending(year.number + 1, month, last).from_on == year.to_on + timedelta(days=1)


def test_every_kind_of_account_stands_in_one_place() -> None:
    assert not HEADINGS.keys() & LINES.keys()
    assert set(AccountKind) == HEADINGS.keys() | LINES.keys() | BUDGET


def test_income_and_expenditure_stand_under_their_headings() -> None:
    totals = [
        Total(AccountKind.CONTRIBUTIONS, None, -100, -20, -50),
        Total(AccountKind.CONTRIBUTIONS, "RF-001", 0, -5, -30),
        Total(AccountKind.REFUNDS, None, 0, 0, 10),
        Total(AccountKind.INTEREST, None, 0, 0, -2),
        Total(AccountKind.FEES, None, 0, 0, 1),
        Total(AccountKind.GRANTS_PAID, "RF-001", 0, 5, 7),
        Total(AccountKind.BANK, None, 100, 20, 41),
    ]
    said = activities(totals)
    donated = said.lines[Heading.DONATIONS]
    assert (donated.unrestricted_pence, donated.restricted_pence, donated.last_year_pence) == (40, 30, 25)
    assert (said.income.total_pence, said.expenditure.total_pence, said.movement.total_pence) == (72, 8, 64)
    assert (said.brought_forward.total_pence, said.carried_forward.total_pence) == (120, 184)
    assert said.carried_forward.last_year_pence == said.brought_forward.total_pence


def test_a_sheet_that_does_not_prove_itself_shows_the_difference() -> None:
    unrestricted, restricted = balance_sheets(
        [Total(AccountKind.BANK, None, 0, 0, 30), Total(AccountKind.CONTRIBUTIONS, "RF-001", 0, 0, -30)]
    )
    assert (unrestricted.difference_pence, restricted.difference_pence) == (30, -30)


@given(
    contributions=st.sampled_from(["donations", "charitable_income", "other_income"]),
    interest=st.sampled_from(["investments", "other_income"]),
    fees=st.sampled_from(["raising_funds", "charitable_activities", "other_expenditure"]),
)
def test_headings_move_lines_and_never_the_sums(contributions: str, interest: str, fees: str) -> None:
    totals = [
        Total(AccountKind.CONTRIBUTIONS, None, -10, -20, -40),
        Total(AccountKind.INTEREST, None, 0, -1, -2),
        Total(AccountKind.FEES, None, 0, 3, 4),
        Total(AccountKind.GRANTS_PAID, "RF-001", 0, 5, 7),
    ]
    placed = headings(
        Policy(heading_of_contributions=contributions, heading_of_interest=interest, heading_of_fees=fees)
    )
    said, usual = activities(totals, placed), activities(totals)
    assert (said.income, said.expenditure, said.carried_forward) == (
        usual.income,
        usual.expenditure,
        usual.carried_forward,
    )
    assert Heading(contributions) in said.lines
    assert said.lines[Heading(interest)].last_year_pence == (21 if interest == contributions else 1)
