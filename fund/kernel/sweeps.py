"""When each sweep of the scheduler may run next, and when it last ran."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from fund.kernel.db import Base


class SweepTurn(Base):
    """One row for each sweep; whoever holds its lock runs the sweep."""

    __tablename__ = "sweep_turn"

    name: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]
    last_at: Mapped[datetime | None]
