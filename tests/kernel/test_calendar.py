"""Days as the rules count them."""

from datetime import UTC, date, datetime

import pytest

from fund.kernel import calendar


def test_handbook_vector_notice_given_1_june_earliest_meeting_16_june() -> None:
    assert calendar.earliest_after_clear_days(date(2026, 6, 1), 14) == date(2026, 6, 16)


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date(2026, 6, 5), 1, date(2026, 6, 8)),  # over a weekend
        (date(2026, 12, 24), 1, date(2026, 12, 29)),  # Christmas, Boxing Day moved to Monday
        (date(2026, 6, 6), 0, date(2026, 6, 8)),
        (date(2026, 6, 8), 0, date(2026, 6, 8)),
        (date(2026, 4, 2), 2, date(2026, 4, 8)),  # Good Friday and Easter Monday
    ],
)
def test_working_days_pass_over_weekends_and_bank_holidays(day: date, count: int, expected: date) -> None:
    assert calendar.add_working_days(day, count) == expected


def test_email_is_deemed_delivered_the_next_day_and_post_on_the_second_working_day() -> None:
    assert calendar.deemed_delivered_by_email(date(2026, 6, 5)) == date(2026, 6, 6)
    assert calendar.deemed_delivered_by_post(date(2026, 6, 5)) == date(2026, 6, 9)


def test_a_day_is_a_day_in_england() -> None:
    assert calendar.london_day(datetime(2026, 6, 30, 23, 30, tzinfo=UTC)) == date(2026, 7, 1)
    assert calendar.london_day(datetime(2026, 1, 31, 23, 30, tzinfo=UTC)) == date(2026, 1, 31)
    assert calendar.start_of_day(date(2026, 7, 1)) == datetime(2026, 6, 30, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 3, 31), date(2025, 4, 1)),
        (date(2026, 4, 1), date(2026, 4, 1)),
        (date(2026, 12, 1), date(2026, 4, 1)),
    ],
)
def test_the_year_of_account_starts_where_the_rules_say(day: date, expected: date) -> None:
    assert calendar.year_start(day, 4, 1) == expected


def test_months_end_where_the_shorter_month_ends() -> None:
    assert calendar.add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert calendar.add_months(date(2026, 11, 30), 3) == date(2027, 2, 28)
    assert calendar.add_months(date(2026, 3, 15), -3) == date(2025, 12, 15)


def test_counts_below_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        calendar.add_working_days(date(2026, 6, 1), -1)
    with pytest.raises(ValueError, match="negative"):
        calendar.earliest_after_clear_days(date(2026, 6, 1), -1)
