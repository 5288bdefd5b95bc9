"""Tables of requests for partners and the answers to them."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key
from members.models import Organisation
from members.rules import Sector
from proposals.brokerage.rules import ClosedBecause, ReplyState
from proposals.models import Proposal


class PartnerRequest(Base):
    """What a lead asks of members, in the words that it agreed to show. One is open for each sector of a proposal."""

    __tablename__ = "partner_request"
    __table_args__ = (
        Index(
            "uq_partner_request_open",
            "proposal_id",
            "sector",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(
            "ix_partner_request_open",
            "sector",
            "posted_at",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    proposal_id: Mapped[Key] = mapped_column(ForeignKey("proposal.id"), index=True)
    sector: Mapped[Sector]
    title: Mapped[str]
    need: Mapped[str]
    posted_at: Mapped[datetime]
    posted_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    closed_at: Mapped[datetime | None]
    closed_because: Mapped[ClosedBecause | None]

    proposal: Mapped[Proposal] = relationship()
    marks: Mapped[list["RequestMark"]] = relationship(order_by="RequestMark.code")


class RequestMark(Base):
    """A district or an interest that a request is about; their codes can't be mistaken for one another."""

    __tablename__ = "partner_request_mark"
    __table_args__ = (Index("ix_partner_request_mark_code", "code", "request_id"),)

    request_id: Mapped[Key] = mapped_column(ForeignKey("partner_request.id"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)


class PartnerReply(Base):
    """A member's private answer. Its contact is shown to the lead, and the lead's to it, once both have given theirs.

    `contact` is empty where the member wants to be answered here only; `lead_contact` is what the lead gave for it.
    """

    __tablename__ = "partner_reply"
    __table_args__ = (
        Index(
            "uq_partner_reply_current",
            "request_id",
            "organisation_id",
            unique=True,
            sqlite_where=text("state <> 'taken_back'"),
            postgresql_where=text("state <> 'taken_back'"),
        ),
        Index("ix_partner_reply_organisation_id_replied_at", "organisation_id", "replied_at"),
    )

    id: Mapped[Id]
    request_id: Mapped[Key] = mapped_column(ForeignKey("partner_request.id"))
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"))
    message: Mapped[str]
    contact: Mapped[str]
    state: Mapped[ReplyState]
    replied_at: Mapped[datetime]
    replied_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    lead_contact: Mapped[str | None]
    exchanged_at: Mapped[datetime | None]
    exchanged_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    answer_note: Mapped[str]

    request: Mapped[PartnerRequest] = relationship()
    organisation: Mapped[Organisation] = relationship()
