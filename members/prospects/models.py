"""Tables of organisations not yet members: what is planned with them, what was said, and lists being taken in."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key
from members.models import Organisation
from members.prospects.rules import Anchor, Answer, Way


class ProspectImport(Base):
    """A list that was sent. Its rows are kept only until it is taken in or a week has passed."""

    __tablename__ = "prospect_import"

    id: Mapped[Id]
    filename: Mapped[str]
    sent_at: Mapped[datetime] = mapped_column(index=True)
    sent_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    rows: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    taken_at: Mapped[datetime | None]
    new_count: Mapped[int | None]
    changed_count: Mapped[int | None]


class Prospect(Base):
    """What the fund plans with an organisation that is no member yet. Office only, never public."""

    __tablename__ = "prospect"
    __table_args__ = (
        Index(
            "ix_prospect_anchor",
            "anchor",
            sqlite_where=text("anchor IS NOT NULL"),
            postgresql_where=text("anchor IS NOT NULL"),
        ),
        Index(
            "ix_prospect_next_step",
            "next_step_on",
            sqlite_where=text("next_step_on IS NOT NULL"),
            postgresql_where=text("next_step_on IS NOT NULL"),
        ),
    )

    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), primary_key=True, autoincrement=False)
    anchor: Mapped[Anchor | None]
    answer: Mapped[Answer | None]
    answered_at: Mapped[datetime | None]
    ask_again_on: Mapped[date | None]
    next_step: Mapped[str | None]
    next_step_on: Mapped[date | None]
    invited_at: Mapped[datetime | None]
    import_id: Mapped[Key | None] = mapped_column(ForeignKey("prospect_import.id"))
    application_id: Mapped[Key | None] = mapped_column(ForeignKey("organisation.id"))

    organisation: Mapped[Organisation] = relationship(foreign_keys=[organisation_id])


class ProspectContact(Base):
    """One time that the fund and an organisation spoke. A mailed invitation has a link of its own (kept as a hash)."""

    __tablename__ = "prospect_contact"

    id: Mapped[Id]
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    way: Mapped[Way]
    happened_on: Mapped[date]
    recorded_at: Mapped[datetime]
    by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    note: Mapped[str]
    answer: Mapped[Answer | None]
    email: Mapped[str | None]
    token_hash: Mapped[str | None] = mapped_column(unique=True)


class InvitationStop(Base):
    """An address whose owner asked not to be invited again."""

    __tablename__ = "invitation_stop"

    email_key: Mapped[str] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime]
