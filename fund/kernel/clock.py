"""The clock, given to the application and passed down as `now`.

Instants are aware UTC everywhere. Europe/London is used only to show them and where a rule speaks of days
(`fund.kernel.calendar`).
"""

from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

LONDON = ZoneInfo("Europe/London")


class Clock(Protocol):
    """Tells the time at the edge of the application; nothing further in asks for it."""

    def now(self) -> datetime:
        """The instant, aware UTC."""

    def at_database(self, session: Session) -> datetime:
        """The instant by the database's own clock, for deadlines that several hosts must judge alike."""


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def at_database(self, session: Session) -> datetime:
        if session.get_bind().dialect.name == "postgresql":
            instant: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
            return instant.astimezone(UTC)
        return self.now()


class MovableClock:
    """A clock that stands still until it is moved, for tests."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock needs an aware start")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def at_database(self, session: Session) -> datetime:
        return self._now

    def move(self, by: timedelta) -> None:
        """Move forward; time never runs back."""
        if by < timedelta(0):
            raise ValueError("time never runs back")
        self._now += by

    def move_to(self, instant: datetime) -> None:
        """Move forward to `instant`."""
        self.move(instant - self._now)
