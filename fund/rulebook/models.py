"""Tables of changes of settings and of what the rules cover. The values themselves are in `fund.kernel.policy`."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key
from fund.kernel.settings.shape import Tier
from fund.rulebook.rules import ChangeState

_UNDER_WAY = text("state IN ('proposed', 'drafted', 'resolved', 'sent')")


class SettingChange(Base):
    """A change of one setting: what, from what, why, by which decision, and how far it has come.

    `value` and `before` are JSON text. Only one change of a setting is under way at a time, so that nobody confirms a
    value beside one they didn't see. `effective_from` is empty until a change of the rules is registered.
    """

    __tablename__ = "setting_change"
    __table_args__ = (
        Index(
            "uq_setting_change_under_way",
            "key",
            unique=True,
            sqlite_where=_UNDER_WAY,
            postgresql_where=_UNDER_WAY,
        ),
    )

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    key: Mapped[str] = mapped_column(index=True)
    tier: Mapped[Tier]
    state: Mapped[ChangeState] = mapped_column(index=True)
    before: Mapped[str]
    value: Mapped[str]
    reason: Mapped[str]
    resolution: Mapped[str]
    resolution_link: Mapped[str]
    effective_from: Mapped[datetime | None]
    entered_at: Mapped[datetime]
    entered_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))

    steps: Mapped[list["ChangeStep"]] = relationship(order_by="ChangeStep.id", back_populates="change")


class ChangeStep(Base):
    """A step of a change, with the day on which it happened and what shows it. Append-only."""

    __tablename__ = "setting_change_step"

    id: Mapped[Id]
    change_id: Mapped[Key] = mapped_column(ForeignKey("setting_change.id"), index=True)
    state: Mapped[ChangeState]
    happened_on: Mapped[date]
    evidence: Mapped[str]
    recorded_at: Mapped[datetime]
    recorded_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))

    change: Mapped[SettingChange] = relationship(back_populates="steps")


class RulesClause(Base):
    """In which clause the rules cover a matter; the newest row of a matter holds. Empty: they don't. Append-only."""

    __tablename__ = "rules_clause"

    id: Mapped[Id]
    matter: Mapped[str] = mapped_column(index=True)
    clause: Mapped[str]
    recorded_at: Mapped[datetime]
    recorded_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
