"""The society that owns the fund: one row, made by `sicf init` or `sicf demo`, never both."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from fund.kernel.db import Base, db


class SocietyType(StrEnum):
    """Legal shape (handbook §5.1). Nothing but wording depends on it."""

    CO_OPERATIVE = "co_operative"
    COMMUNITY_BENEFIT = "community_benefit"
    CHARITABLE_CBS = "charitable_cbs"
    HOSTED = "hosted"


class Society(Base):
    """Name and constitution of the fund in this database. `is_demo` is fixed when the row is made."""

    __tablename__ = "society"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    society_type: Mapped[SocietyType]
    address: Mapped[str]
    year_end_month: Mapped[int]
    year_end_day: Mapped[int]
    is_demo: Mapped[bool]
    founded_at: Mapped[datetime]


def society() -> Society | None:
    """The society of this database, or None before `sicf init`."""
    return db.session.scalar(select(Society))
