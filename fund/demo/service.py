"""Moving a demonstration fund through time."""

from datetime import timedelta

from sqlalchemy.orm import Session

from fund.demo.models import DemoClock
from fund.kernel.errors import NotFound
from fund.kernel.society import society

LONGEST_MOVE = timedelta(days=400)


def move_clock(session: Session, by: timedelta) -> None:
    """Move the clock on by up to LONGEST_MOVE.

    Raises:
        NotFound: when the fund is real; nobody moves its time.
        ValueError: when the move goes back or too far.
    """
    found = society()
    if found is None or not found.is_demo:
        raise NotFound
    if not timedelta(0) < by <= LONGEST_MOVE:
        raise ValueError(f"a move goes forward, up to {LONGEST_MOVE}")
    clock = session.get(DemoClock, 1, with_for_update=True)
    if clock is None:
        clock = DemoClock(id=1, offset_seconds=0)
        session.add(clock)
    clock.offset_seconds += int(by.total_seconds())
