"""Tables of organisations and of who acts for them."""

from datetime import date, datetime

from sqlalchemy import JSON, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from fund.kernel.access import Role
from fund.kernel.db import Base, Id, Key
from members.accounts.models import Person
from members.rules import (
    LegalForm,
    MembershipStatus,
    PublicControl,
    Register,
    Sector,
    SectorFacts,
    SocialTest,
    name_key,
    name_words,
)


class ConnectedGroup(Base):
    """Organisations under common control: one vote, one partner for G1, one enterprise (handbook §4.1)."""

    __tablename__ = "connected_group"

    id: Mapped[Id]
    name: Mapped[str]


class OrganisationWord(Base):
    """One word of an organisation's name, for finding names alike by how a rare word begins."""

    __tablename__ = "organisation_word"

    word: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), primary_key=True, index=True)


class Organisation(Base):
    """An organisation that is, was or wants to be a member. `sector` is empty until a steward has confirmed it."""

    __tablename__ = "organisation"
    __table_args__ = (
        Index("ix_organisation_register", "register", "register_number"),
        Index("ix_organisation_directory", "status", "sector", "name"),
        Index("ix_organisation_number", "register_number"),
        Index("ix_organisation_of_district", "status", "district", "sector", "name"),
        Index("ix_organisation_by_name", "status", "name"),
        Index("ix_organisation_waiting", "status", "applied_at"),
        Index("ix_organisation_decided", "decided_at"),
    )

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(index=True)
    name_key: Mapped[str] = mapped_column(index=True)
    legal_form: Mapped[LegalForm]
    register: Mapped[str | None]
    register_number: Mapped[str | None]
    district: Mapped[str]
    address: Mapped[str]
    group_id: Mapped[Key | None] = mapped_column(ForeignKey("connected_group.id"), index=True)
    claims: Mapped[list[str]] = mapped_column(JSON, default=list)
    proposed_sector: Mapped[Sector | None]
    proposed_reason: Mapped[str] = mapped_column(default="")
    sector: Mapped[Sector | None]
    sector_basis: Mapped[str | None]
    status: Mapped[MembershipStatus]
    applied_at: Mapped[datetime]
    contact_name: Mapped[str]
    contact_email: Mapped[str]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    decision_reasons: Mapped[str | None]
    joined_on: Mapped[date | None]
    left_on: Mapped[date | None]
    checked_at: Mapped[datetime | None]
    checked_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    identity_check: Mapped[str | None]
    connections_check: Mapped[str | None]

    group: Mapped[ConnectedGroup | None] = relationship()
    words: Mapped[list[OrganisationWord]] = relationship(cascade="all, delete-orphan")

    @property
    def owner(self) -> str:
        """How the books name it."""
        return f"org:{self.reference}"

    @property
    def org_id(self) -> str | None:
        """Its org-id, such as "GB-COH-01234567"; None for a body on no register."""
        if self.register in (None, Register.NONE) or not self.register_number:
            return None
        return f"{self.register}-{self.register_number}"

    @property
    def facts(self) -> SectorFacts:
        """What it said of itself when it applied; `claims` holds the names of what it ticked."""
        claimed = set(self.claims)
        return SectorFacts(
            self.legal_form,
            frozenset(control for control in PublicControl if control in claimed),
            frozenset(test for test in SocialTest if test in claimed),
        )

    @validates("name")
    def _key_of_name(self, _key: str, name: str) -> str:
        self.name_key = name_key(name)
        known = {found.word: found for found in self.words}
        self.words = [known.get(word) or OrganisationWord(word=word) for word in name_words(name)]
        return name


class SectorDecision(Base):
    """One decision on an organisation's sector; the latest counts, all are kept."""

    __tablename__ = "sector_decision"

    id: Mapped[Id]
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    sector: Mapped[Sector]
    basis: Mapped[str]
    evidence: Mapped[str]
    decided_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime]


class GroupDecision(Base):
    """One decision on whom an organisation is connected with; without a `group_id` it was taken out of its group."""

    __tablename__ = "group_decision"

    id: Mapped[Id]
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    group_id: Mapped[Key | None] = mapped_column(ForeignKey("connected_group.id"))
    reason: Mapped[str]
    decided_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime]


class Appointment(Base):
    """A person's role inside an organisation, from and until. A role held now has no end."""

    __tablename__ = "appointment"
    __table_args__ = (
        Index(
            "uq_appointment_current",
            "organisation_id",
            "person_id",
            "role",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "uq_appointment_one_representative",
            "organisation_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL AND role = 'representative'"),
            postgresql_where=text("ended_at IS NULL AND role = 'representative'"),
        ),
        Index(
            "uq_appointment_votes_for_one",
            "person_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL AND role IN ('representative', 'deputy')"),
            postgresql_where=text("ended_at IS NULL AND role IN ('representative', 'deputy')"),
        ),
    )

    id: Mapped[Id]
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    person_id: Mapped[Key] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[Role]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    appointed_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))

    organisation: Mapped[Organisation] = relationship()
    person: Mapped[Person] = relationship(foreign_keys=[person_id])
