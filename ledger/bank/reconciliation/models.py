"""Tables of reconciliation, append-only: a month that is done again gets a new record, and so does each decision."""

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key, Pence
from ledger.bank.reconciliation.rules import Figures, Item, Sort


class Reconciliation(Base):
    """What one person prepared of a month. `items` are as they stood then; `reasons` is written text by item's key.

    `lasting` is `Figures.lasting`; `hash` is of all that the record says. `why` says why a signed month is done again.
    """

    __tablename__ = "reconciliation"
    __table_args__ = (Index("ix_reconciliation_month", "bank_account_id", "month", "id"),)

    id: Mapped[Id]
    bank_account_id: Mapped[Key] = mapped_column(ForeignKey("bank_account.id"))
    month: Mapped[date]
    closing_pence: Mapped[Pence]
    books_pence: Mapped[Pence]
    on_their_way_pence: Mapped[Pence]
    waiting_pence: Mapped[Pence]
    items: Mapped[list[dict[str, object]]] = mapped_column(JSON)
    reasons: Mapped[dict[str, str]] = mapped_column(JSON)
    why: Mapped[str | None]
    lasting: Mapped[str]
    hash: Mapped[str]
    prepared_by_id: Mapped[Key]
    prepared_at: Mapped[datetime]

    decision: Mapped["ReconciliationDecision | None"] = relationship(lazy="joined", viewonly=True)

    @property
    def figures(self) -> Figures:
        """The figures as they were prepared."""
        return Figures(
            month=self.month,
            closing_pence=self.closing_pence,
            books_pence=self.books_pence,
            on_their_way_pence=self.on_their_way_pence,
            waiting_pence=self.waiting_pence,
            items=tuple(
                Item(
                    Sort(str(item["sort"])),
                    str(item["key"]),
                    int(str(item["pence"])),
                    str(item["what"]),
                    date.fromisoformat(str(item["on"])) if item["on"] else None,
                )
                for item in self.items
            ),
        )


class ReconciliationDecision(Base):
    """What another person said of it: signed, or sent back with the reason. There is one for each record."""

    __tablename__ = "reconciliation_decision"
    __table_args__ = (CheckConstraint("signed OR reason IS NOT NULL", name="sent_back_with_reason"),)

    id: Mapped[Id]
    reconciliation_id: Mapped[Key] = mapped_column(ForeignKey("reconciliation.id"), unique=True)
    signed: Mapped[bool]
    reason: Mapped[str | None]
    decided_by_id: Mapped[Key]
    decided_at: Mapped[datetime]
