"""Tables of the measurement framework, of what awards promise to measure, and of reports with their evidence."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key, Pence
from fund.reporting.rules import (
    Aggregation,
    Basis,
    Consent,
    ConsentHow,
    Direction,
    EvidenceKind,
    EvidenceState,
    FrameworkStatus,
    MeasureKind,
    ReportState,
    ReviewDecision,
    Voice,
    show_value,
)

# --- framework: once published, the database refuses every change to its rows (fund.migrations.guards)


class Framework(Base):
    """One version of a measurement framework. `locked` marks one whose licence allows no edits even as a draft."""

    __tablename__ = "framework"
    __table_args__ = (UniqueConstraint("code", "version"),)

    id: Mapped[Id]
    code: Mapped[str]
    version: Mapped[str]
    title: Mapped[str]
    owner: Mapped[str]
    licence: Mapped[str]
    source: Mapped[str]
    status: Mapped[FrameworkStatus]
    locked: Mapped[bool] = mapped_column(default=False)
    published_at: Mapped[datetime | None]


class Theme(Base):
    """A strategic area."""

    __tablename__ = "framework_theme"
    __table_args__ = (UniqueConstraint("framework_id", "code"),)

    id: Mapped[Id]
    framework_id: Mapped[Key] = mapped_column(ForeignKey("framework.id"))
    code: Mapped[str]
    title: Mapped[str]
    position: Mapped[int]


class Outcome(Base):
    """A change that is sought."""

    __tablename__ = "framework_outcome"
    __table_args__ = (UniqueConstraint("framework_id", "code"),)

    id: Mapped[Id]
    framework_id: Mapped[Key] = mapped_column(ForeignKey("framework.id"))
    theme_id: Mapped[Key] = mapped_column(ForeignKey("framework_theme.id"), index=True)
    code: Mapped[str]
    title: Mapped[str]
    position: Mapped[int]

    theme: Mapped[Theme] = relationship()


class Measure(Base):
    """Something observed. One of kind STORY holds the outcome's prompt for stories."""

    __tablename__ = "framework_measure"
    __table_args__ = (UniqueConstraint("framework_id", "code"),)

    id: Mapped[Id]
    framework_id: Mapped[Key] = mapped_column(ForeignKey("framework.id"))
    outcome_id: Mapped[Key] = mapped_column(ForeignKey("framework_outcome.id"), index=True)
    code: Mapped[str]
    title: Mapped[str]
    position: Mapped[int]
    kind: Mapped[MeasureKind]
    unit: Mapped[str]
    decimals: Mapped[int]
    direction: Mapped[Direction]
    aggregation: Mapped[Aggregation]
    guidance: Mapped[str]
    evidence_hint: Mapped[str]
    proxy_value_pence: Mapped[Pence | None]
    proxy_source: Mapped[str | None]
    proxy_year: Mapped[int | None]

    outcome: Mapped[Outcome] = relationship()

    def show(self, scaled: int | None) -> str:
        """A value of this measure in words."""
        return "not known" if scaled is None else show_value(scaled, self.kind, self.unit, self.decimals)


# --- what an award promises


class MeasurementPlan(Base):
    """An award as reporting knows it: its reference, its lead, and the framework version it was made under."""

    __tablename__ = "measurement_plan"

    id: Mapped[Id]
    award_reference: Mapped[str] = mapped_column(unique=True)
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    framework_id: Mapped[Key] = mapped_column(ForeignKey("framework.id"))
    opened_at: Mapped[datetime]
    fixed_at: Mapped[datetime | None]


class Commitment(Base):
    """A measure that an award will report on. Values are in units of 10^-decimals of the measure."""

    __tablename__ = "commitment"
    __table_args__ = (UniqueConstraint("award_reference", "measure_id"),)

    id: Mapped[Id]
    award_reference: Mapped[str] = mapped_column(ForeignKey("measurement_plan.award_reference"))
    measure_id: Mapped[Key] = mapped_column(ForeignKey("framework_measure.id"), index=True)
    baseline_scaled: Mapped[Pence | None]
    intention_scaled: Mapped[Pence | None]
    committed_at: Mapped[datetime]
    committed_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))

    measure: Mapped[Measure] = relationship()


# --- reports


class Report(Base):
    """One report of an award, due on a day. `reminded` counts the reminders that went out or were overtaken."""

    __tablename__ = "report"
    __table_args__ = (
        UniqueConstraint("award_reference", "number"),
        Index("ix_report_state_due_on", "state", "due_on"),
        CheckConstraint("number > 0", name="number_positive"),
    )

    id: Mapped[Id]
    award_reference: Mapped[str] = mapped_column(ForeignKey("measurement_plan.award_reference"))
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    number: Mapped[int]
    due_on: Mapped[date]
    state: Mapped[ReportState]
    unwanted_change: Mapped[str] = mapped_column(default="")
    submitted_at: Mapped[datetime | None]
    submitted_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    accepted_at: Mapped[datetime | None]
    reminded: Mapped[int] = mapped_column(default=0)


class ReportReview(Base):
    """What a reviewer wrote to the grantee. Append-only: questions and thanks stay as they were given."""

    __tablename__ = "report_review"

    id: Mapped[Id]
    report_id: Mapped[Key] = mapped_column(ForeignKey("report.id"), index=True)
    decision: Mapped[ReviewDecision]
    words: Mapped[str]
    at: Mapped[datetime]
    reviewer_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))


class WhyNone(Base):
    """Why a report has no number, or no story, for an outcome."""

    __tablename__ = "report_why_none"
    __table_args__ = (UniqueConstraint("report_id", "outcome_id", "kind"),)

    id: Mapped[Id]
    report_id: Mapped[Key] = mapped_column(ForeignKey("report.id"))
    outcome_id: Mapped[Key] = mapped_column(ForeignKey("framework_outcome.id"))
    kind: Mapped[EvidenceKind]
    reason: Mapped[str]


class EvidenceItem(Base):
    """A piece of evidence: the parent of readings and of stories, which go through one review flow."""

    __tablename__ = "evidence_item"
    __table_args__: Any = (
        Index("ix_evidence_item_report_id", "report_id"),
        Index("ix_evidence_item_state_kind", "state", "kind", "id"),
        Index(
            "uq_evidence_item_reading",
            "report_id",
            "measure_id",
            unique=True,
            sqlite_where=text("kind = 'reading'"),
            postgresql_where=text("kind = 'reading'"),
        ),
        ForeignKeyConstraint(["report_id"], ["report.id"]),
        CheckConstraint("(kind = 'reading') = (measure_id IS NOT NULL)", name="reading_has_measure"),
    )

    id: Mapped[Id]
    report_id: Mapped[Key]
    outcome_id: Mapped[Key] = mapped_column(ForeignKey("framework_outcome.id"), index=True)
    measure_id: Mapped[Key | None] = mapped_column(ForeignKey("framework_measure.id"), index=True)
    kind: Mapped[EvidenceKind]
    state: Mapped[EvidenceState]
    district: Mapped[str | None]
    made_at: Mapped[datetime]
    made_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    published_at: Mapped[datetime | None]

    report: Mapped[Report] = relationship()
    outcome: Mapped[Outcome] = relationship()
    measure: Mapped[Measure | None] = relationship()

    __mapper_args__ = {"polymorphic_on": "kind"}  # noqa: RUF012


class Reading(EvidenceItem):
    """A number. `value_scaled` is in units of 10^-decimals of the measure."""

    __tablename__ = "reading"

    id: Mapped[Key] = mapped_column(ForeignKey("evidence_item.id"), primary_key=True)
    value_scaled: Mapped[Pence]
    basis: Mapped[Basis]
    attribution_percent: Mapped[int]
    note: Mapped[str]

    __mapper_args__ = {"polymorphic_identity": EvidenceKind.READING}  # noqa: RUF012
    __table_args__ = (CheckConstraint("attribution_percent BETWEEN 0 AND 100", name="attribution"),)


class Story(EvidenceItem):
    """A first-hand account with the consent it stands on. Withdrawing erases the words and leaves the row as a count.

    Only the hash of the withdraw code is kept.
    """

    __tablename__ = "story"

    id: Mapped[Key] = mapped_column(ForeignKey("evidence_item.id"), primary_key=True)
    title: Mapped[str]
    before: Mapped[str]
    changed: Mapped[str]
    matters: Mapped[str]
    voice: Mapped[Voice]
    relation: Mapped[str]
    consent_by: Mapped[str]
    consent_how: Mapped[ConsentHow | None]
    use_fund: Mapped[bool]
    use_members: Mapped[bool]
    use_public: Mapped[bool]
    use_press: Mapped[bool]
    named: Mapped[bool]
    shown_name: Mapped[str]
    review_on: Mapped[date | None]
    code_hash: Mapped[str] = mapped_column(unique=True)
    withdrawn_at: Mapped[datetime | None]

    __mapper_args__ = {"polymorphic_identity": EvidenceKind.STORY}  # noqa: RUF012
    __table_args__ = (CheckConstraint("NOT named OR use_fund OR use_members OR use_public OR use_press", name="named"),)

    @property
    def consent(self) -> Consent:
        """The consent as recorded."""
        return Consent(
            by=self.consent_by,
            how=self.consent_how,
            fund=self.use_fund,
            members=self.use_members,
            public=self.use_public,
            press=self.use_press,
            named=self.named,
            shown_name=self.shown_name,
            review_on=self.review_on,
        )
