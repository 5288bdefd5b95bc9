"""Tables of grants: awards and their schedule, agreements and signatures, due diligence, subsidy records, approvals.

Whether a payment was sent and confirmed is not kept here: the bank's order below says so.
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.grants.agreements.rules import AgreementState
from fund.grants.awards.rules import AwardState, InstalmentState, PayBasis
from fund.grants.checks.rules import Answer, Band, CheckResult, Outcome, Route
from fund.grants.runs.rules import RunState
from fund.kernel.db import Base, Id, Key, Pence
from members.models import Organisation

# --- awards


class Award(Base):
    """The decision to grant. Its amount is what the pinned version asked for and members voted on."""

    __tablename__ = "award"
    __table_args__ = (
        CheckConstraint("pence > 0", name="pence_positive"),
        CheckConstraint("end_on > start_on", name="ends_after_start"),
        Index("ix_award_state", "state", "offer_lapses_at"),
    )

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    proposal_id: Mapped[Key] = mapped_column(ForeignKey("proposal.id"), index=True)
    version_id: Mapped[Key] = mapped_column(ForeignKey("proposal_version.id"))
    ballot_item_id: Mapped[Key] = mapped_column(ForeignKey("ballot_item.id"), unique=True)
    ballot_reference: Mapped[str]
    lead_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    title: Mapped[str]
    pence: Mapped[Pence]
    state: Mapped[AwardState]
    start_on: Mapped[date]
    end_on: Mapped[date]
    basis: Mapped[PayBasis]
    special_conditions: Mapped[str]
    offered_at: Mapped[datetime]
    offered_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    offer_lapses_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    answer_note: Mapped[str | None]

    lead: Mapped[Organisation] = relationship()
    shares: Mapped[list["AwardShare"]] = relationship(order_by="AwardShare.id", back_populates="award")

    @property
    def owner(self) -> str:
        """How the books name it."""
        return f"grant:{self.reference}"


class AwardShare(Base):
    """A paid partner of an award and what of it is theirs, from the frozen version."""

    __tablename__ = "award_share"
    __table_args__ = (
        UniqueConstraint("award_id", "organisation_id"),
        CheckConstraint("pence > 0", name="pence_positive"),
    )

    id: Mapped[Id]
    award_id: Mapped[Key] = mapped_column(ForeignKey("award.id"))
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    pence: Mapped[Pence]

    award: Mapped[Award] = relationship(back_populates="shares")
    organisation: Mapped[Organisation] = relationship()


class Instalment(Base):
    """One payment of the schedule.

    `attempt` counts the orders made for it: a failed one is tried again under the next number. `prepared_sha256` is the
    fingerprint of the run (`ledger.bank.rules.totals_sha256`) in which the preparer put it forward.
    """

    __tablename__ = "instalment"
    __table_args__ = (
        UniqueConstraint("award_id", "number"),
        CheckConstraint("pence > 0", name="pence_positive"),
        Index("ix_instalment_state_due_on", "state", "due_on"),
    )

    id: Mapped[Id]
    award_id: Mapped[Key] = mapped_column(ForeignKey("award.id"))
    number: Mapped[int]
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    pence: Mapped[Pence]
    due_on: Mapped[date]
    after_report_number: Mapped[int | None]
    state: Mapped[InstalmentState]
    attempt: Mapped[int] = mapped_column(default=1)
    prepared_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    prepared_at: Mapped[datetime | None]
    prepared_sha256: Mapped[str | None]
    ordered_at: Mapped[datetime | None]

    award: Mapped[Award] = relationship()
    organisation: Mapped[Organisation] = relationship()

    @property
    def order_key(self) -> str:
        """The key of its present order at the bank: the first is bare, later attempts are numbered."""
        key = f"grant:{self.award.reference}:instalment:{self.number}"
        return key if self.attempt == 1 else f"{key}:{self.attempt}"


class Approval(Base):
    """A person's approval of a payment in exactly one run. Append-only; it counts while `sha256` is still the run's."""

    __tablename__ = "approval"
    __table_args__ = (UniqueConstraint("instalment_id", "person_id", "sha256"),)

    id: Mapped[Id]
    instalment_id: Mapped[Key] = mapped_column(ForeignKey("instalment.id"))
    person_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    person_name: Mapped[str]
    approved_at: Mapped[datetime]
    sha256: Mapped[str]


class PaymentRun(Base):
    """Payments put together, approved as one and sent to the bank as one file.

    `sha256` is the fingerprint of what the preparer put forward (`ledger.bank.rules.totals_sha256`); approvals are of
    it. `ended_…` say who sent it back or cancelled it, and why.
    """

    __tablename__ = "payment_run"
    __table_args__ = (
        CheckConstraint("pence >= 0", name="pence_not_negative"),
        CheckConstraint("(ended_at IS NULL) = (ended_reason IS NULL)", name="ended_with_reason"),
        Index("ix_payment_run_state", "state", "id"),
    )

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    state: Mapped[RunState]
    execute_on: Mapped[date]
    sha256: Mapped[str]
    payment_count: Mapped[int]
    pence: Mapped[Pence]
    prepared_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    prepared_by_name: Mapped[str]
    prepared_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    ended_by_name: Mapped[str | None]
    ended_reason: Mapped[str | None]

    items: Mapped[list["PaymentRunItem"]] = relationship(order_by="PaymentRunItem.id", back_populates="run")


class PaymentRunItem(Base):
    """A payment in a run. It is live until it is taken out, its run ends, or it failed and is tried again: the database
    lets no payment be live in two runs."""

    __tablename__ = "payment_run_item"
    __table_args__ = (
        UniqueConstraint("run_id", "instalment_id"),
        Index(
            "uq_payment_run_item_live",
            "instalment_id",
            unique=True,
            sqlite_where=text("is_live"),
            postgresql_where=text("is_live"),
        ),
    )

    id: Mapped[Id]
    run_id: Mapped[Key] = mapped_column(ForeignKey("payment_run.id"))
    instalment_id: Mapped[Key] = mapped_column(ForeignKey("instalment.id"))
    order_key: Mapped[str]
    is_live: Mapped[bool]
    taken_out_at: Mapped[datetime | None]

    run: Mapped[PaymentRun] = relationship(back_populates="items")
    instalment: Mapped[Instalment] = relationship()


# --- agreements


class Agreement(Base):
    """One text of an award's agreement. A changed text is a new row; the old one is REPLACED with its signatures."""

    __tablename__ = "agreement"
    __table_args__ = (
        UniqueConstraint("award_id", "number"),
        Index(
            "uq_agreement_current",
            "award_id",
            unique=True,
            sqlite_where=text("state <> 'replaced'"),
            postgresql_where=text("state <> 'replaced'"),
        ),
    )

    id: Mapped[Id]
    award_id: Mapped[Key] = mapped_column(ForeignKey("award.id"))
    number: Mapped[int]
    text: Mapped[str]
    sha256: Mapped[str]
    state: Mapped[AgreementState]
    made_at: Mapped[datetime]
    signed_at: Mapped[datetime | None]
    live_at: Mapped[datetime | None]
    live_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))

    award: Mapped[Award] = relationship()


class Signature(Base):
    """A party's signature of one text. Append-only: name, time, and the hash of what was signed."""

    __tablename__ = "signature"
    __table_args__ = (UniqueConstraint("agreement_id", "organisation_id"),)

    id: Mapped[Id]
    agreement_id: Mapped[Key] = mapped_column(ForeignKey("agreement.id"))
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"))
    organisation_name: Mapped[str]
    person_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    person_name: Mapped[str]
    signed_at: Mapped[datetime]
    sha256: Mapped[str]


# --- checks


class DueDiligence(Base):
    """One round of checks on an organisation, reused by every award until it expires. The latest counts."""

    __tablename__ = "due_diligence"
    __table_args__ = (Index("ix_due_diligence_organisation_id", "organisation_id", "id"),)

    id: Mapped[Id]
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"))
    band: Mapped[Band]
    outcome: Mapped[Outcome]
    proposed_outcome: Mapped[Outcome]
    conditions: Mapped[str]
    reasons: Mapped[str]
    checked_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    checked_by_name: Mapped[str]
    checked_at: Mapped[datetime]
    second_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    second_by_name: Mapped[str | None]
    second_at: Mapped[datetime | None]
    second_note: Mapped[str | None]
    expires_on: Mapped[date]

    organisation: Mapped[Organisation] = relationship()
    items: Mapped[list["DueDiligenceItem"]] = relationship(order_by="DueDiligenceItem.id")


class DueDiligenceItem(Base):
    """What one check found."""

    __tablename__ = "due_diligence_item"
    __table_args__ = (UniqueConstraint("due_diligence_id", "code"),)

    id: Mapped[Id]
    due_diligence_id: Mapped[Key] = mapped_column(ForeignKey("due_diligence.id"))
    code: Mapped[str]
    result: Mapped[CheckResult]
    note: Mapped[str]


class SubsidyRecord(Base):
    """The subsidy route of one paid partner under one award, with the dated steps of MFA. A new route is a new row."""

    __tablename__ = "subsidy_record"
    __table_args__ = (
        Index(
            "uq_subsidy_record_current",
            "award_id",
            "organisation_id",
            unique=True,
            sqlite_where=text("replaced_at IS NULL"),
            postgresql_where=text("replaced_at IS NULL"),
        ),
        Index("ix_subsidy_record_organisation_id", "organisation_id"),
    )

    id: Mapped[Id]
    award_id: Mapped[Key] = mapped_column(ForeignKey("award.id"))
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"))
    pence: Mapped[Pence]
    route: Mapped[Route]
    reasons: Mapped[str]
    recorded_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    recorded_by_name: Mapped[str]
    recorded_at: Mapped[datetime]
    notified_at: Mapped[datetime | None]
    answer: Mapped[Answer | None]
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    answered_by_name: Mapped[str | None]
    answer_note: Mapped[str | None]
    given_on: Mapped[date | None]
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    replaced_at: Mapped[datetime | None]

    award: Mapped[Award] = relationship()
    organisation: Mapped[Organisation] = relationship()
    prior: Mapped[list["PriorAssistance"]] = relationship(order_by="PriorAssistance.id")


class PriorAssistance(Base):
    """One line of what a recipient says it (and its group) had before."""

    __tablename__ = "prior_assistance"

    id: Mapped[Id]
    subsidy_record_id: Mapped[Key] = mapped_column(ForeignKey("subsidy_record.id"), index=True)
    given_on: Mapped[date]
    pence: Mapped[Pence]
    giver: Mapped[str]
