"""What people ask about their data, and what came of it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key
from members.accounts.models import Person


class Wish(StrEnum):
    """What is asked (UK GDPR art. 15, 16, 17)."""

    COPY = "copy"
    CORRECTION = "correction"
    ERASURE = "erasure"


class PrivacyRequest(Base):
    """One request. `before` and `after` are a name that its owner mended; like `words` they are emptied on erasure,
    which is why the audit, where nothing can be emptied, says only that something was mended."""

    __tablename__ = "privacy_request"
    __table_args__ = (
        Index(
            "uq_privacy_request_open",
            "person_id",
            "wish",
            unique=True,
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    person_id: Mapped[Key] = mapped_column(ForeignKey("person.id"), index=True)
    wish: Mapped[Wish]
    words: Mapped[str]
    before: Mapped[str | None]
    after: Mapped[str | None]
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    agreed: Mapped[bool | None]
    reasons: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    done_at: Mapped[datetime | None] = mapped_column(index=True)

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
