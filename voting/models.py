"""Tables of ballots. Results, changes of votes and declarations are append-only: a correction is a new record."""

from datetime import datetime
from fractions import Fraction

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key, Pence
from fund.kernel.policy import Policy
from members.rules import Sector
from voting.methods.resolution import Choice, Verdict
from voting.rules import BallotState, ConflictKind, Kind

_LIVE = text("state NOT IN ('declared', 'void')")


class Ballot(Base):
    """A vote of the members on a round's proposals. Roll, policy, items and dates are frozen when notice is given."""

    __tablename__ = "ballot"
    __table_args__ = (
        Index("uq_ballot_live_of_round", "round_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        CheckConstraint(
            "state IN ('draft', 'void') OR "
            "(notice_at IS NOT NULL AND opens_at IS NOT NULL AND closes_at IS NOT NULL "
            "AND roll_hash IS NOT NULL AND policy_json IS NOT NULL)",
            name="frozen_at_notice",
        ),
        CheckConstraint("opens_at < closes_at", name="opens_before_it_closes"),
    )

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    round_id: Mapped[Key] = mapped_column(ForeignKey("round.id"), index=True)
    round_reference: Mapped[str]
    round_title: Mapped[str]
    kind: Mapped[Kind]
    state: Mapped[BallotState] = mapped_column(index=True)
    budget_pence: Mapped[Pence]
    drafted_at: Mapped[datetime]
    drafted_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    notice_at: Mapped[datetime | None]
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    counted_at: Mapped[datetime | None]
    declared_at: Mapped[datetime | None]
    declared_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    roll_hash: Mapped[str | None]
    policy_json: Mapped[str | None]

    items: Mapped[list["BallotItem"]] = relationship(order_by="BallotItem.number", back_populates="ballot")

    @property
    def policy(self) -> Policy:
        """The policy that the ballot began under."""
        return Policy.from_json(self.policy_json or "{}")


class BallotItem(Base):
    """One proposal on a ballot, pinned to the version that was submitted, with what a voter needs at a glance.

    `assessment` is the assessors' mean score as an exact fraction in text ("13/4"), or empty.
    """

    __tablename__ = "ballot_item"
    __table_args__ = (UniqueConstraint("ballot_id", "proposal_id"), UniqueConstraint("ballot_id", "number"))

    id: Mapped[Id]
    ballot_id: Mapped[Key] = mapped_column(ForeignKey("ballot.id"))
    number: Mapped[int]
    proposal_id: Mapped[Key] = mapped_column(ForeignKey("proposal.id"), index=True)
    proposal_reference: Mapped[str]
    version_id: Mapped[Key] = mapped_column(ForeignKey("proposal_version.id"))
    version_number: Mapped[int]
    version_sha256: Mapped[str]
    title: Mapped[str]
    lead_name: Mapped[str]
    summary: Mapped[str]
    requested_pence: Mapped[Pence]
    assessment: Mapped[str | None]
    submitted_at: Mapped[datetime]

    ballot: Mapped[Ballot] = relationship(back_populates="items")

    @property
    def mean_score(self) -> Fraction | None:
        """The assessors' mean score."""
        return Fraction(self.assessment) if self.assessment else None


class RollEntry(Base):
    """A member on a ballot's roll. `votes_through` is empty when it holds its own (or its group's) vote."""

    __tablename__ = "roll_entry"
    __table_args__ = (UniqueConstraint("ballot_id", "organisation_id"),)

    id: Mapped[Id]
    ballot_id: Mapped[Key] = mapped_column(ForeignKey("ballot.id"))
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    reference: Mapped[str]
    name: Mapped[str]
    sector: Mapped[Sector]
    group_id: Mapped[Key | None]
    votes_through: Mapped[str | None]


class AutomaticConflict(Base):
    """A member that is, or is connected to, a partner in an item; found when notice is given, and never lifted."""

    __tablename__ = "automatic_conflict"

    item_id: Mapped[Key] = mapped_column(ForeignKey("ballot_item.id"), primary_key=True)
    roll_entry_id: Mapped[Key] = mapped_column(ForeignKey("roll_entry.id"), primary_key=True)
    kind: Mapped[ConflictKind]


class ConflictDeclaration(Base):
    """One person's answer, before the paper, to "have you a conflict of interest?"; "none" is an answer too.

    The latest of a person counts. A conflict that any of its people declare takes the organisation out of that item.
    """

    __tablename__ = "conflict_declaration"
    __table_args__ = (Index("ix_conflict_declaration_roll_entry_person", "roll_entry_id", "person_id"),)

    id: Mapped[Id]
    ballot_id: Mapped[Key] = mapped_column(ForeignKey("ballot.id"), index=True)
    roll_entry_id: Mapped[Key] = mapped_column(ForeignKey("roll_entry.id"))
    person_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    declared_at: Mapped[datetime]
    note: Mapped[str]

    conflicts: Mapped[list["DeclaredConflict"]] = relationship(order_by="DeclaredConflict.item_id")


class DeclaredConflict(Base):
    """An item named in a declaration."""

    __tablename__ = "declared_conflict"

    declaration_id: Mapped[Key] = mapped_column(ForeignKey("conflict_declaration.id"), primary_key=True)
    item_id: Mapped[Key] = mapped_column(ForeignKey("ballot_item.id"), primary_key=True)


class Vote(Base):
    """What an organisation says now on an item. The last one saved before the close counts."""

    __tablename__ = "vote"

    item_id: Mapped[Key] = mapped_column(ForeignKey("ballot_item.id"), primary_key=True)
    roll_entry_id: Mapped[Key] = mapped_column(ForeignKey("roll_entry.id"), primary_key=True)
    choice: Mapped[Choice]
    reason: Mapped[str]
    cast_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    cast_at: Mapped[datetime]
    sequence: Mapped[int]


class VoteChange(Base):
    """Every vote as it was saved, numbered from 1 for each organisation and item."""

    __tablename__ = "vote_change"
    __table_args__ = (UniqueConstraint("item_id", "roll_entry_id", "sequence"),)

    id: Mapped[Id]
    item_id: Mapped[Key] = mapped_column(ForeignKey("ballot_item.id"))
    roll_entry_id: Mapped[Key] = mapped_column(ForeignKey("roll_entry.id"))
    sequence: Mapped[int]
    choice: Mapped[Choice]
    reason: Mapped[str]
    cast_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    cast_at: Mapped[datetime]


class ItemResult(Base):
    """The count of one item. `place` is its place in the funding order, for those that passed."""

    __tablename__ = "item_result"
    __table_args__ = (CheckConstraint("NOT (funded AND reserve)", name="funded_or_reserve"),)

    item_id: Mapped[Key] = mapped_column(ForeignKey("ballot_item.id"), primary_key=True)
    verdict: Mapped[Verdict]
    passed: Mapped[bool]
    funded: Mapped[bool]
    reserve: Mapped[bool]
    place: Mapped[int | None]
    outcome: Mapped[dict[str, object]] = mapped_column(JSON)
    explanation: Mapped[str]
    counted_at: Mapped[datetime]

    item: Mapped[BallotItem] = relationship()


class BallotVoid(Base):
    """A request by the secretary to void a ballot, in force once a board member has agreed to it."""

    __tablename__ = "ballot_void"

    ballot_id: Mapped[Key] = mapped_column(ForeignKey("ballot.id"), primary_key=True)
    reasons: Mapped[str]
    asked_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    seconded_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    seconded_at: Mapped[datetime | None]
