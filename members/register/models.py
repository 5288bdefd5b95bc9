"""Tables of membership: shares, suspensions, appeals, expulsions, the register's own entries, and the history."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key, Pence
from members.accounts.models import Person
from members.models import Organisation
from members.register.rules import EventKind, Pause


class MembershipEvent(Base):
    """Something that happened to a membership: append-only, so that the register can be trusted years later."""

    __tablename__ = "membership_event"

    id: Mapped[Id]
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    kind: Mapped[EventKind]
    effective_on: Mapped[date]
    reasons: Mapped[str]
    resolution: Mapped[str | None]
    by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]


class Share(Base):
    """A share of a member. It is no contribution, never part of the pot, and gives no vote of its own (handbook §6)."""

    __tablename__ = "share"

    id: Mapped[Id]
    number: Mapped[int] = mapped_column(unique=True)
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    value_pence: Mapped[Pence]
    issued_on: Mapped[date]
    paid_on: Mapped[date | None]
    paid_recorded_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    cancelled_on: Mapped[date | None]

    @property
    def paid_pence(self) -> int:
        """What has been paid for it."""
        return 0 if self.paid_on is None else self.value_pence


class Suspension(Base):
    """Days on which a member is on no roll and can't propose. Both days are included; lifting ends it early."""

    __tablename__ = "suspension"

    id: Mapped[Id]
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    from_on: Mapped[date]
    until_on: Mapped[date]
    reasons: Mapped[str]
    decided_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime]
    lifted_on: Mapped[date | None]
    lifted_reasons: Mapped[str | None]
    lifted_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))

    @property
    def pause(self) -> Pause:
        return Pause(self.from_on, self.until_on, self.lifted_on)


class Appeal(Base):
    """A refused applicant's one appeal. Made by a link of which only the hash is kept; decided by a general meeting."""

    __tablename__ = "appeal"

    id: Mapped[Id]
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), unique=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    grounds: Mapped[str | None]
    made_at: Mapped[datetime | None]
    met_on: Mapped[date | None]
    resolution: Mapped[str | None]
    allowed: Mapped[bool | None]
    reasons: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    recorded_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))

    organisation: Mapped[Organisation] = relationship()


class Expulsion(Base):
    """An expulsion on its way: notice with reasons, what the member said, and the members' special resolution."""

    __tablename__ = "expulsion"
    __table_args__ = (
        Index(
            "uq_expulsion_open",
            "organisation_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    reasons: Mapped[str]
    noticed_at: Mapped[datetime]
    noticed_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    meeting_on: Mapped[date]
    heard: Mapped[str | None]
    heard_at: Mapped[datetime | None]
    heard_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    resolution: Mapped[str | None]
    decided_on: Mapped[date | None]
    carried: Mapped[bool | None]
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))


class OfficerAddress(Base):
    """The address of a board member or secretary for the register of officers; the newest counts, all are kept."""

    __tablename__ = "officer_address"

    id: Mapped[Id]
    person_id: Mapped[Key] = mapped_column(ForeignKey("person.id"), index=True)
    address: Mapped[str]
    entered_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    entered_at: Mapped[datetime]

    person: Mapped[Person] = relationship(foreign_keys=[person_id])


class OtherProperty(Base):
    """What a member has in the society beside its shares: loans, deposits and the like (2014 Act s.30(1)(c))."""

    __tablename__ = "other_property"

    id: Mapped[Id]
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    description: Mapped[str]
    pence: Mapped[Pence]
    held_from: Mapped[date]
    held_until: Mapped[date | None]
    entered_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    entered_at: Mapped[datetime]
