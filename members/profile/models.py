"""Tables of what members say of themselves, and of their accreditations."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key
from members.models import Organisation
from members.profile.rules import Details, Standing, standing


class Profile(Base):
    """What an organisation says of itself. `revision` counts its savings, so that nobody saves over another's words.

    `wants_requests`: its people get a mail when a request for a partner fits its sector, district and interests.
    """

    __tablename__ = "profile"

    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), primary_key=True, autoincrement=False)
    offers: Mapped[str]
    seeks: Mapped[str]
    website: Mapped[str]
    networks: Mapped[str]
    wants_requests: Mapped[bool]
    interests_version: Mapped[str]
    revision: Mapped[int]
    updated_at: Mapped[datetime]
    updated_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))


class ProfileInterest(Base):
    """One interest that an organisation ticked: a code of `rules.INTERESTS`."""

    __tablename__ = "profile_interest"
    __table_args__ = (Index("ix_profile_interest_code", "code", "organisation_id"),)

    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)


class Accreditation(Base):
    """Something that another body certified of an organisation, recorded once and shown wherever it matters (R21).

    `seen_at` is when a steward looked at the evidence of exactly this `revision`; a change takes it away. One that was
    taken off the list (`removed_at`) is kept.
    """

    __tablename__ = "accreditation"
    __table_args__ = (
        CheckConstraint("valid_from IS NULL OR valid_until IS NULL OR valid_from <= valid_until", name="ends_later"),
        Index("ix_accreditation_organisation_id_valid_until", "organisation_id", "valid_until"),
    )

    id: Mapped[Id]
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str]
    issued_by: Mapped[str]
    number: Mapped[str]
    link: Mapped[str]
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    evidence: Mapped[str]
    revision: Mapped[int]
    recorded_at: Mapped[datetime]
    recorded_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    seen_at: Mapped[datetime | None]
    seen_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    removed_at: Mapped[datetime | None]

    organisation: Mapped[Organisation] = relationship()

    @property
    def details(self) -> Details:
        """What was recorded."""
        return Details(
            name=self.name,
            issued_by=self.issued_by,
            number=self.number,
            link=self.link,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            evidence=self.evidence,
        )

    def standing(self, today: date) -> Standing:
        """How it stands today."""
        return standing(self.valid_from, self.valid_until, today)
