"""Tables of closing. Both are append-only: closing and opening again are new rows, and the newest closed period counts.

The database reads that row whenever a transfer is written (`fund.migrations.guards.closed_days`).
"""

from datetime import date, datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key


class Closing(Base):
    """What one person prepared: the books are to be open from a day on, later or earlier than now, and why."""

    __tablename__ = "closing"

    id: Mapped[Id]
    open_from: Mapped[date]
    reason: Mapped[str]
    prepared_by_id: Mapped[Key]
    prepared_at: Mapped[datetime]


class ClosedPeriod(Base):
    """What another person confirmed: days before `open_from` are closed; `hash` is that of the trial balance then."""

    __tablename__ = "closed_period"

    id: Mapped[Id]
    closing_id: Mapped[Key] = mapped_column(ForeignKey("closing.id"), unique=True)
    open_from: Mapped[date]
    hash: Mapped[str]
    confirmed_by_id: Mapped[Key]
    confirmed_at: Mapped[datetime]

    closing: Mapped[Closing] = relationship(lazy="joined", innerjoin=True)
