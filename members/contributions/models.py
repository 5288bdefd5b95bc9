"""Tables of pledges and of receipts for what was paid."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key, Pence
from members.contributions.rules import PledgeState
from members.contributions.schedules.rules import InstalmentState
from members.models import Organisation


class Pledge(Base):
    """A promise to pay in, in one instalment or more.

    `paid_pence` is the sum of its receipts and of what its instalments were paid, `written_off_pence` of what was
    written off of them; all move in the same transaction.
    """

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
    written_off_pence: Mapped[Pence] = mapped_column(default=0, server_default="0")
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
        return max(0, self.pence - self.paid_pence - self.written_off_pence)


class PledgeInstalment(Base):
    """A part of a pledge that is due on a day. Every pledge has one at least; their amounts sum to the pledge's.

    `invoiced_pence` is what of it the books hold as invoiced and not received; `invoice_reference` names the invoice
    that stands; `reminded_days` is the last reminder sent, in days from when it is due.
    """

    __tablename__ = "pledge_instalment"
    __table_args__ = (
        UniqueConstraint("pledge_id", "number"),
        CheckConstraint("pence > 0", name="promises_something"),
        CheckConstraint("paid_pence >= 0", name="paid_not_negative"),
        CheckConstraint("invoiced_pence >= 0", name="invoiced_not_negative"),
        Index("ix_pledge_instalment_due", "state", "due_on"),
    )

    id: Mapped[Id]
    pledge_id: Mapped[Key] = mapped_column(ForeignKey("pledge.id"))
    number: Mapped[int]
    reference: Mapped[str] = mapped_column(unique=True)
    reference_key: Mapped[str] = mapped_column(unique=True)
    due_on: Mapped[date]
    pence: Mapped[Pence]
    paid_pence: Mapped[Pence] = mapped_column(default=0)
    written_off_pence: Mapped[Pence] = mapped_column(default=0)
    invoiced_pence: Mapped[Pence] = mapped_column(default=0)
    invoice_reference: Mapped[str | None]
    reminded_days: Mapped[int | None]
    state: Mapped[InstalmentState] = mapped_column(default=InstalmentState.OPEN)

    pledge: Mapped[Pledge] = relationship()

    @property
    def due_pence(self) -> int:
        """What is still to come of it."""
        return max(0, self.pence - self.paid_pence) if self.state is InstalmentState.OPEN else 0


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


class ReceiptShare(Base):
    """How much of a receipt paid an instalment, and how much of that had been invoiced. Append-only; the shares of a
    receipt sum to it."""

    __tablename__ = "receipt_share"
    __table_args__ = (CheckConstraint("pence > 0", name="something_went"),)

    receipt_id: Mapped[Key] = mapped_column(ForeignKey("receipt.id"), primary_key=True, autoincrement=False)
    instalment_id: Mapped[Key] = mapped_column(
        ForeignKey("pledge_instalment.id"), primary_key=True, autoincrement=False, index=True
    )
    pence: Mapped[Pence]
    invoiced_pence: Mapped[Pence] = mapped_column(default=0, server_default="0")


class Invoice(Base):
    """What an organisation was asked to pay for an instalment. Append-only: a credit note undoes it."""

    __tablename__ = "invoice"
    __table_args__ = (CheckConstraint("pence > 0", name="asks_something"),)

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    instalment_id: Mapped[Key] = mapped_column(ForeignKey("pledge_instalment.id"), index=True)
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    pence: Mapped[Pence]
    po_number: Mapped[str | None]
    billed_name: Mapped[str]
    billed_address: Mapped[str]
    issued_on: Mapped[date]
    due_on: Mapped[date]
    transfer_id: Mapped[Key]
    issued_at: Mapped[datetime]
    issued_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))

    instalment: Mapped[PledgeInstalment] = relationship()


class CreditNote(Base):
    """What of an invoice need not be paid any more, and why. Append-only; an invoice has one at most."""

    __tablename__ = "credit_note"
    __table_args__ = (CheckConstraint("pence > 0", name="credits_something"),)

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    invoice_id: Mapped[Key] = mapped_column(ForeignKey("invoice.id"), unique=True)
    pence: Mapped[Pence]
    reason: Mapped[str]
    transfer_id: Mapped[Key]
    issued_at: Mapped[datetime]
    issued_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))

    invoice: Mapped[Invoice] = relationship()
