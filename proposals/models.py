"""Tables of rounds, proposals, answers, budgets, partners and frozen versions."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key, Pence
from fund.kernel.policy import Policy
from members.models import Organisation
from proposals.rules import ContributionKind, PartnerRole, ProposalState, RoundState, Terms


class Round(Base):
    """An invitation to propose. `policy_json` and `policy_version` are frozen when it is published."""

    __tablename__ = "round"
    __table_args__ = (
        CheckConstraint("closes_at > opens_at", name="closes_after_opening"),
        CheckConstraint("smallest_pence > 0 AND smallest_pence <= largest_pence", name="limits_in_order"),
    )

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    purpose: Mapped[str]
    written_case: Mapped[str]
    senior_officer: Mapped[str]
    state: Mapped[RoundState] = mapped_column(index=True)
    budget_pence: Mapped[Pence]
    smallest_pence: Mapped[Pence]
    largest_pence: Mapped[Pence]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    decide_by: Mapped[date]
    policy_json: Mapped[str]
    policy_version: Mapped[str]
    created_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]

    @property
    def policy(self) -> Policy:
        """The settings that the round keeps."""
        return Policy.from_json(self.policy_json)


class Proposal(Base):
    """What a lead and its partners ask of the fund. The title is the answer to the question of that code."""

    __tablename__ = "proposal"
    __table_args__ = (Index("ix_proposal_round_id_state", "round_id", "state"),)

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    round_id: Mapped[Key] = mapped_column(ForeignKey("round.id"))
    lead_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    title: Mapped[str]
    state: Mapped[ProposalState]
    created_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    returned_at: Mapped[datetime | None]
    fix_by: Mapped[datetime | None]
    eligibility_reasons: Mapped[str | None]
    eligibility_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    eligibility_at: Mapped[datetime | None]
    decision_reasons: Mapped[str | None]
    decided_at: Mapped[datetime | None]

    round: Mapped[Round] = relationship()
    lead: Mapped[Organisation] = relationship()


class Answer(Base):
    """The present answer to one question, as text (see `proposals.questions`). `revision` counts its savings."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("proposal_id", "question"),)

    id: Mapped[Id]
    proposal_id: Mapped[Key] = mapped_column(ForeignKey("proposal.id"))
    question: Mapped[str]
    value: Mapped[str]
    revision: Mapped[int]
    saved_at: Mapped[datetime]
    saved_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))


class BudgetLine(Base):
    """One line of cost. `grant_pence` of it is asked of the fund; partners' contributions cover the rest.

    `for_coproducers`: it pays or supports co-producers (gate 3).
    """

    __tablename__ = "budget_line"
    __table_args__ = (
        UniqueConstraint("proposal_id", "position"),
        CheckConstraint("amount_pence > 0", name="amount_above_nought"),
        CheckConstraint("grant_pence >= 0 AND grant_pence <= amount_pence", name="grant_within_amount"),
    )

    id: Mapped[Id]
    proposal_id: Mapped[Key] = mapped_column(ForeignKey("proposal.id"))
    position: Mapped[int]
    heading: Mapped[str]
    amount_pence: Mapped[Pence]
    grant_pence: Mapped[Pence]
    for_coproducers: Mapped[bool]


class Partner(Base):
    """An organisation with a part in a proposal; the lead has a row too. A row that ended (`withdrawn_at`) is kept.

    `confirmed_terms` is the digest of what was confirmed: a confirmation counts only while the present terms have the
    same digest, so none can survive a change. `principles_version` is the version of the principles of co-production
    accepted with the confirmation, empty without one. A share of the grant is empty until stated; it may be £0.
    """

    __tablename__ = "partner"
    __table_args__ = (
        Index(
            "uq_partner_current",
            "proposal_id",
            "organisation_id",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
        CheckConstraint("contribution_pence >= 0 AND grant_share_pence >= 0", name="no_money_below_nought"),
    )

    id: Mapped[Id]
    proposal_id: Mapped[Key] = mapped_column(ForeignKey("proposal.id"))
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    is_lead: Mapped[bool]
    role: Mapped[PartnerRole | None]
    contribution_kind: Mapped[ContributionKind | None]
    contribution_description: Mapped[str]
    contribution_pence: Mapped[Pence | None]
    valuation_basis: Mapped[str]
    grant_share_pence: Mapped[Pence | None]
    principles_version: Mapped[str | None]
    invited_at: Mapped[datetime]
    invited_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    confirmed_terms: Mapped[str | None]
    voided_at: Mapped[datetime | None]
    void_reason: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_reason: Mapped[str | None]

    proposal: Mapped[Proposal] = relationship()
    organisation: Mapped[Organisation] = relationship()

    @property
    def terms(self) -> Terms:
        """What there is to confirm at present."""
        return Terms(
            role=self.role,
            contribution_kind=self.contribution_kind,
            contribution_description=self.contribution_description,
            contribution_pence=self.contribution_pence,
            valuation_basis=self.valuation_basis,
            grant_share_pence=self.grant_share_pence,
        )

    @property
    def is_confirmed(self) -> bool:
        """Whether somebody entitled to confirmed exactly the present terms."""
        return self.withdrawn_at is None and self.confirmed_at is not None and self.confirmed_terms == self.terms.digest

    @property
    def is_paid(self) -> bool:
        """Whether it gets a share of the grant."""
        return (self.grant_share_pence or 0) > 0


class ProposalVersion(Base):
    """A proposal as it was sent: canonical JSON and the SHA-256 of its UTF-8 bytes. Append-only."""

    __tablename__ = "proposal_version"
    __table_args__ = (UniqueConstraint("proposal_id", "number"),)

    id: Mapped[Id]
    proposal_id: Mapped[Key] = mapped_column(ForeignKey("proposal.id"))
    number: Mapped[int]
    content: Mapped[str]
    sha256: Mapped[str]
    requested_pence: Mapped[Pence]
    submitted_at: Mapped[datetime]
    submitted_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))

    proposal: Mapped[Proposal] = relationship()

    @property
    def name(self) -> str:
        """What it is called in documents and files: "P-2026-001-v1"."""
        return f"{self.proposal.reference}-v{self.number}"
