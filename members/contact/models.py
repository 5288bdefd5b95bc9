"""Tables of what people chose to hear."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fund.kernel.db import Base, Id, Key
from fund.kernel.topics import Mode


class ContactChoice(Base):
    """How somebody has one kind of message. Somebody without an account is known by the hash of their address alone.

    Where a person chose before and after they had an account, the later choice counts.
    """

    __tablename__ = "contact_choice"
    __table_args__ = (
        UniqueConstraint("person_id", "topic"),
        UniqueConstraint("address_hash", "topic"),
        CheckConstraint("(person_id IS NULL) <> (address_hash IS NULL)", name="one_reader"),
    )

    id: Mapped[Id]
    person_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    address_hash: Mapped[str | None]
    topic: Mapped[str]
    mode: Mapped[Mode]
    chosen_at: Mapped[datetime]
