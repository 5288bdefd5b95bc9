"""The clock of the application: the real time, moved on by the viewer where the fund is a demonstration."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fund.demo.models import DemoClock
from fund.kernel.clock import SystemClock
from fund.kernel.db import db
from fund.kernel.society import Society


class FundClock(SystemClock):
    """The system's clock, plus the offset kept in a demonstration fund. A real fund's society is never one, so a stray
    offset moves nothing there."""

    def now(self) -> datetime:
        return super().now() + _offset(db.session())

    def at_database(self, session: Session) -> datetime:
        return super().at_database(session) + _offset(session)


def _offset(session: Session) -> timedelta:
    seconds = session.scalar(
        select(DemoClock.offset_seconds).join(Society, Society.id == DemoClock.id).where(Society.is_demo.is_(True))
    )
    return timedelta(seconds=seconds or 0)
