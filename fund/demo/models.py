"""Table of the demonstration fund's clock."""

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fund.kernel.db import Base


class DemoClock(Base):
    """How far the clock of a demonstration fund has been moved on. Means nothing in a real fund."""

    __tablename__ = "demo_clock"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint("offset_seconds >= 0", name="never_back"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offset_seconds: Mapped[int] = mapped_column(BigInteger())
