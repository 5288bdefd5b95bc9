"""Tables of assessments and moderation talks."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key
from members.accounts.models import Person
from proposals.assessment.rules import GATE_CODES, Outcome, Scores
from proposals.models import Proposal, ProposalVersion


class Assessment(Base):
    """One assessor's judgement of one frozen version. The row begins with the declaration of interests.

    `conflict` is empty for "none", which is an answer too; a declared conflict shuts the assessor out of the version.
    The co-production level that was claimed stays with the proposal; `found_level` is what the assessor found.
    """

    __tablename__ = "assessment"
    __table_args__ = (
        UniqueConstraint("version_id", "assessor_id"),
        CheckConstraint(
            " AND ".join(f"({code}_score IS NULL OR {code}_score BETWEEN 0 AND 4)" for code in GATE_CODES),
            name="scores_nought_to_four",
        ),
        CheckConstraint("found_level IS NULL OR found_level BETWEEN 0 AND 6", name="level_on_the_ladder"),
        CheckConstraint("conflict = '' OR submitted_at IS NULL", name="no_scores_with_a_conflict"),
        Index("ix_assessment_assessor_id_submitted_at", "assessor_id", "submitted_at"),
    )

    id: Mapped[Id]
    version_id: Mapped[Key] = mapped_column(ForeignKey("proposal_version.id"))
    assessor_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    lived_experience: Mapped[bool]
    conflict: Mapped[str]
    declared_at: Mapped[datetime]
    g1_score: Mapped[int | None]
    g2_score: Mapped[int | None]
    g3_score: Mapped[int | None]
    g4_score: Mapped[int | None]
    g1_reasons: Mapped[str]
    g2_reasons: Mapped[str]
    g3_reasons: Mapped[str]
    g4_reasons: Mapped[str]
    found_level: Mapped[int | None]
    revision: Mapped[int]
    saved_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]

    version: Mapped[ProposalVersion] = relationship()
    assessor: Mapped[Person] = relationship()

    def score(self, code: str) -> int | None:
        """The score for a gate."""
        found: int | None = getattr(self, f"{code}_score")
        return found

    def reasons(self, code: str) -> str:
        """The written reasons for a gate's score."""
        found: str = getattr(self, f"{code}_reasons")
        return found

    @property
    def scores(self) -> Scores:
        """What counts, once submitted."""
        return Scores({code: self.score(code) or 0 for code in GATE_CODES}, self.lived_experience)


class Moderation(Base):
    """A talk about scores that don't pass: who took part, what was said, what it came to. Append-only."""

    __tablename__ = "moderation"

    id: Mapped[Id]
    proposal_id: Mapped[Key] = mapped_column(ForeignKey("proposal.id"), index=True)
    version_id: Mapped[Key] = mapped_column(ForeignKey("proposal_version.id"), index=True)
    held_on: Mapped[date]
    took_part: Mapped[str]
    notes: Mapped[str]
    outcome: Mapped[Outcome]
    recorded_at: Mapped[datetime]
    recorded_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))

    proposal: Mapped[Proposal] = relationship()
    recorded_by: Mapped[Person] = relationship()
