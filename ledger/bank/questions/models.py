"""Tables of files that wait for an answer, and of what was answered for good."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from fund.kernel.db import Base, Id, Key


class Closing(StrEnum):
    """How the wait of a file ended."""

    BOOKED = "booked"
    SET_ASIDE = "set_aside"
    EXPIRED = "expired"


class WaitingFile(Base):
    """A statement file with questions. `content` is emptied once they are answered or the file is set aside.

    `open_sha256` is the file's fingerprint while it waits, so that one file waits once, however often it is sent.
    """

    __tablename__ = "waiting_file"
    __table_args__ = (
        Index("ix_waiting_file_open", "closed_at", "id"),
        CheckConstraint("(closed_at IS NULL) = (closed_as IS NULL)", name="closed_somehow"),
        CheckConstraint("(closed_at IS NULL) = (open_sha256 IS NOT NULL)", name="waits_once"),
    )

    id: Mapped[Id]
    open_sha256: Mapped[str | None] = mapped_column(unique=True)
    filename: Mapped[str]
    content: Mapped[bytes]
    answers: Mapped[dict[str, object]] = mapped_column(JSON)
    sent_at: Mapped[datetime]
    sent_by_id: Mapped[Key]
    closed_at: Mapped[datetime | None]
    closed_as: Mapped[Closing | None]
    closed_by_id: Mapped[Key | None]
    statement_id: Mapped[Key | None] = mapped_column(ForeignKey("statement.id"))


class BankLayout(Base):
    """What was answered for every file of one layout: its columns, its order of dates, that it is the fund's account.

    `fingerprint` names the layout by its heading row; `answers` are those that hold for each file of it.
    """

    __tablename__ = "bank_layout"

    id: Mapped[Id]
    fingerprint: Mapped[str] = mapped_column(unique=True)
    headings: Mapped[list[str]] = mapped_column(JSON)
    filename: Mapped[str]
    answers: Mapped[dict[str, object]] = mapped_column(JSON)
    told_at: Mapped[datetime]
    told_by_id: Mapped[Key]
