"""The table of write-offs."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key, Pence
from members.contributions.models import PledgeInstalment


class WriteOff(Base):
    """A proposal to write off what is still to come of an instalment, and what became of it. Kept for ever."""

    __tablename__ = "write_off"
    __table_args__ = (
        CheckConstraint("pence > 0", name="gives_up_something"),
        CheckConstraint("decided_by_id IS NULL OR decided_by_id <> proposed_by_id", name="two_people"),
        Index(
            "uq_write_off_open",
            "instalment_id",
            unique=True,
            sqlite_where=text("decided_at IS NULL"),
            postgresql_where=text("decided_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    instalment_id: Mapped[Key] = mapped_column(ForeignKey("pledge_instalment.id"), index=True)
    pence: Mapped[Pence]
    reason: Mapped[str]
    proposed_at: Mapped[datetime]
    proposed_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    confirmed: Mapped[bool | None]

    instalment: Mapped[PledgeInstalment] = relationship()
