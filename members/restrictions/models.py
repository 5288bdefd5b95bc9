"""Tables of restricted funds and of what people said about which proposal they suit."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key
from members.contributions.models import Pledge
from members.restrictions.rules import FundState, Terms


class RestrictedFund(Base):
    """What one pledge was given for, under a reference ("RF-001") that its money carries in the books.

    `wish` is what the contributor wrote with the pledge; the terms are what a steward made of it.
    """

    __tablename__ = "restricted_fund"
    __table_args__ = (
        CheckConstraint("accepted_by_id IS NULL OR accepted_by_id <> proposed_by_id", name="two_people"),
        CheckConstraint("state IN ('wished', 'offered') OR accepted_by_id IS NOT NULL", name="accepted_before_open"),
    )

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    pledge_id: Mapped[Key] = mapped_column(ForeignKey("pledge.id"), unique=True)
    title: Mapped[str]
    purpose: Mapped[str]
    priority: Mapped[str]
    districts: Mapped[str]
    from_on: Mapped[date | None]
    spend_by: Mapped[date | None]
    state: Mapped[FundState] = mapped_column(index=True)
    wish: Mapped[str | None]
    proposed_at: Mapped[datetime | None]
    proposed_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    accepted_at: Mapped[datetime | None]
    accepted_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))

    pledge: Mapped[Pledge] = relationship()

    @property
    def terms(self) -> Terms:
        """What the rules compare."""
        return Terms(self.purpose, self.priority, frozenset(self.districts.split()), self.from_on, self.spend_by)


class FitJudgement(Base):
    """What a person said of one proposal ("P-2026-014") and one fund's purpose or priority.

    Append-only; the latest counts.
    """

    __tablename__ = "fit_judgement"
    __table_args__ = (Index("ix_fit_judgement_proposal", "proposal", "fund_id"),)

    id: Mapped[Id]
    fund_id: Mapped[Key] = mapped_column(ForeignKey("restricted_fund.id"))
    proposal: Mapped[str]
    serves: Mapped[bool]
    reasons: Mapped[str]
    judged_at: Mapped[datetime]
    judged_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
