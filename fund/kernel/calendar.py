"""Days as the rules count them: clear days, working days, years of account. Pure.

A rule that speaks of days means days in England: an instant becomes a day in Europe/London.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import holidays

from fund.kernel.clock import LONDON


def london_day(instant: datetime) -> date:
    """The day of `instant` in England."""
    return instant.astimezone(LONDON).date()


def in_words(day: date) -> str:
    """4 March 2026."""
    return f"{day.day} {day:%B %Y}"


def start_of_day(day: date) -> datetime:
    """The first instant of `day` in England, as UTC."""
    return datetime.combine(day, time(), tzinfo=LONDON).astimezone(UTC)


@lru_cache(maxsize=64)
def _bank_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))


def is_working_day(day: date) -> bool:
    """Monday to Friday and no bank holiday in England."""
    return day.weekday() < 5 and day not in _bank_holidays(day.year)


def add_working_days(day: date, count: int) -> date:
    """The `count`-th working day after `day` (count ≥ 0; 0 gives `day` or the next working day)."""
    if count < 0:
        raise ValueError("count must not be negative")
    while count or not is_working_day(day):
        day += timedelta(days=1)
        if count and is_working_day(day):
            count -= 1
    return day


def deemed_delivered_by_email(given: date) -> date:
    """Email counts as delivered the next day (handbook §5.2)."""
    return given + timedelta(days=1)


def deemed_delivered_by_post(given: date) -> date:
    """First-class post counts as delivered on the second working day (handbook §5.2)."""
    return add_working_days(given, 2)


def earliest_after_clear_days(given: date, clear_days: int) -> date:
    """The first day on which the thing noticed may happen.

    *Clear* leaves out both the day the notice is given (or deemed delivered) and the day of the event: notice given on
    1 June with 14 clear days allows 16 June (handbook §5.2).
    """
    if clear_days < 0:
        raise ValueError("clear_days must not be negative")
    return given + timedelta(days=clear_days + 1)


def year_start(day: date, month: int, day_of_month: int) -> date:
    """The start of the year of account that holds `day`, where years start on `day_of_month` of `month`."""
    start = date(day.year, month, day_of_month)
    return start if day >= start else date(day.year - 1, month, day_of_month)


def add_months(day: date, months: int) -> date:
    """`day` moved by whole months; the 31st becomes the last day of a shorter month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    month += 1
    last = (date(year + (month == 12), month % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month, min(day.day, last))
