"""Tables of pledges and of receipts for what was paid."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key, Pence
from members.contributions.rules import PledgeState
from members.models import Organisation


class Pledge(Base):
    """A promise to pay in. `paid_pence` is the sum of its receipts, moved in the same transaction."""

    __tablename__ = "pledge"
    __table_args__ = (
        CheckConstraint("pence > 0", name="promises_something"),
        CheckConstraint("paid_pence >= 0", name="paid_not_negative"),
    )

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    reference_key: Mapped[str] = mapped_column(unique=True)
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    pence: Mapped[Pence]
    paid_pence: Mapped[Pence] = mapped_column(default=0)
    po_number: Mapped[str | None]
    state: Mapped[PledgeState] = mapped_column(index=True)
    pledged_at: Mapped[datetime]
    pledged_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]

    organisation: Mapped[Organisation] = relationship()

    @property
    def due_pence(self) -> int:
        """What is still to come; nought when it is paid or overpaid."""
        return max(0, self.pence - self.paid_pence)


class Receipt(Base):
    """Money of an organisation that has cleared, for one pledge. Append-only.

    `source` names what brought it, once: the key of a line of the bank, or a payment at Stripe. Only the receipts of
    before there were other ways than the bank have none; their `statement_line_id` says the same.
    """

    __tablename__ = "receipt"
    __table_args__ = (
        CheckConstraint("pence > 0", name="something_came"),
        Index("uq_receipt_source", "source", unique=True),
    )

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    pledge_id: Mapped[Key] = mapped_column(ForeignKey("pledge.id"), index=True)
    pence: Mapped[Pence]
    received_on: Mapped[date] = mapped_column(index=True)
    statement_line_id: Mapped[Key | None] = mapped_column(ForeignKey("statement_line.id"), unique=True)
    source: Mapped[str | None]
    transfer_id: Mapped[Key]
    issued_at: Mapped[datetime]
    issued_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))

    organisation: Mapped[Organisation] = relationship()
    pledge: Mapped[Pledge] = relationship()
