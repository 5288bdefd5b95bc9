"""Tables of what lines of the bank were matched to, and of the names that payers are known by."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key, Pence
from ledger.bank.models import StatementLine
from members.contributions.models import Receipt
from members.models import Organisation


class LineMatch(Base):
    """So much of a line of the bank is the money of a receipt. Those of a line that stand sum to the line.

    `reason` is why it was thought to be so, `matched_by_id` empty where the reference alone was proof. A match that was
    wrong keeps its row and says who undid it, and why; `short_pence` of it had been awarded by then.
    """

    __tablename__ = "line_match"
    __table_args__ = (
        CheckConstraint("pence > 0", name="something_came"),
        CheckConstraint("(undone_at IS NULL) = (undone_reason IS NULL)", name="undone_for_a_reason"),
        Index("ix_line_match_undone", "undone_at", "id"),
    )

    id: Mapped[Id]
    line_id: Mapped[Key] = mapped_column(ForeignKey("statement_line.id"), index=True)
    receipt_id: Mapped[Key] = mapped_column(ForeignKey("receipt.id"), unique=True)
    pence: Mapped[Pence]
    reason: Mapped[str]
    matched_at: Mapped[datetime]
    matched_by_id: Mapped[Key | None]
    undone_at: Mapped[datetime | None]
    undone_by_id: Mapped[Key | None]
    undone_reason: Mapped[str | None]
    short_pence: Mapped[Pence | None]

    line: Mapped[StatementLine] = relationship()
    receipt: Mapped[Receipt] = relationship()


class PayerName(Base):
    """A name at the bank under which money of an organisation came once, other than its own.

    One name may have paid for several organisations: then each is only a guess.
    """

    __tablename__ = "payer_name"
    __table_args__ = (Index("uq_payer_name", "name_key", "organisation_id", unique=True),)

    id: Mapped[Id]
    name_key: Mapped[str]
    name: Mapped[str]
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    learned_at: Mapped[datetime]
    learned_by_id: Mapped[Key | None]

    organisation: Mapped[Organisation] = relationship()
