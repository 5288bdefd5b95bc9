"""Tables of payments online, of what the provider told us, and of what went back."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key, Pence
from members.contributions.cards.mandates.models import Mandate
from members.contributions.cards.rules import BackKind, CheckoutState, EventKind, FoundBy, Method, RefundState
from members.contributions.models import Pledge, PledgeInstalment, Receipt

_COLLECTING = "state IN ('planned', 'wanted', 'on_its_way')"


class CardCheckout(Base):
    """One payment by card or Direct Debit, from the wish to the receipt. No card or bank number is ever here.

    `provider_id` is the provider's id of its payment page and `payment` that of the payment itself. What a saved Direct
    Debit takes has no page: it names its `mandate_id`, the instalment, the announced day, and when the provider was
    last asked for it.
    """

    __tablename__ = "card_checkout"
    __table_args__ = (
        CheckConstraint("pence > 0", name="pays_something"),
        Index(
            "uq_card_checkout_collecting",
            "instalment_id",
            unique=True,
            sqlite_where=text(_COLLECTING),
            postgresql_where=text(_COLLECTING),
        ),
    )

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    pledge_id: Mapped[Key] = mapped_column(ForeignKey("pledge.id"), index=True)
    method: Mapped[Method]
    pence: Mapped[Pence]
    state: Mapped[CheckoutState] = mapped_column(index=True)
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    url: Mapped[str | None]
    payment: Mapped[str | None] = mapped_column(unique=True)
    made_at: Mapped[datetime]
    made_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    paid_at: Mapped[datetime | None]
    receipt_id: Mapped[Key | None] = mapped_column(ForeignKey("receipt.id"), unique=True)
    fee_pence: Mapped[Pence | None]
    failure: Mapped[str | None]
    mandate_id: Mapped[Key | None] = mapped_column(ForeignKey("direct_debit.id"), index=True)
    instalment_id: Mapped[Key | None] = mapped_column(ForeignKey("pledge_instalment.id"), index=True)
    collect_on: Mapped[date | None]
    asked_at: Mapped[datetime | None]

    pledge: Mapped[Pledge] = relationship()
    receipt: Mapped[Receipt | None] = relationship()
    instalment: Mapped[PledgeInstalment | None] = relationship()
    mandate: Mapped[Mandate | None] = relationship()


class ProviderEvent(Base):
    """Something the provider told us, stored before anything else is done with it, once under the provider's own id.

    `settled_at` is empty while it waits for an event that belongs before it.
    """

    __tablename__ = "provider_event"
    __table_args__ = (Index("ix_provider_event_open", "settled_at", "id"),)

    id: Mapped[Id]
    provider_id: Mapped[str] = mapped_column(unique=True)
    event_type: Mapped[str]
    kind: Mapped[EventKind]
    happened_at: Mapped[datetime]
    received_at: Mapped[datetime]
    found_by: Mapped[FoundBy]
    reference: Mapped[str | None]
    payment: Mapped[str | None]
    item: Mapped[str | None]
    pence: Mapped[Pence | None]
    fee_pence: Mapped[Pence | None]
    arrives_on: Mapped[date | None]
    reason: Mapped[str | None]
    customer: Mapped[str | None]
    source: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    outcome: Mapped[str | None]


class TakenBack(Base):
    """A part of a contribution that went back: by the payer's bank, or by our own refund.

    `short_pence` had been awarded already; `undone_at` is when the money came to us again after all.
    """

    __tablename__ = "taken_back"
    __table_args__ = (CheckConstraint("pence > 0", name="something_went"),)

    id: Mapped[Id]
    item: Mapped[str] = mapped_column(unique=True)
    checkout_id: Mapped[Key] = mapped_column(ForeignKey("card_checkout.id"), index=True)
    receipt_id: Mapped[Key] = mapped_column(ForeignKey("receipt.id"), index=True)
    kind: Mapped[BackKind]
    pence: Mapped[Pence]
    short_pence: Mapped[Pence]
    reason: Mapped[str]
    went_on: Mapped[date]
    transfer_id: Mapped[Key]
    undone_at: Mapped[datetime | None]

    checkout: Mapped[CardCheckout] = relationship()


class CardRefund(Base):
    """A refund: asked by one person, approved by another, then sent to the provider."""

    __tablename__ = "card_refund"
    __table_args__ = (
        CheckConstraint("pence > 0", name="pays_something"),
        CheckConstraint("decided_by_id IS NULL OR decided_by_id <> asked_by_id", name="two_people"),
    )

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    checkout_id: Mapped[Key] = mapped_column(ForeignKey("card_checkout.id"), index=True)
    pence: Mapped[Pence]
    reason: Mapped[str]
    state: Mapped[RefundState] = mapped_column(index=True)
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    provider_id: Mapped[str | None] = mapped_column(unique=True)

    checkout: Mapped[CardCheckout] = relationship()


class Payout(Base):
    """Money that the provider sent to our bank, and the line of the bank that shows it came.

    One that has come may fail later: `return_line_id` is the bank's line of its leaving.
    """

    __tablename__ = "payout"
    __table_args__ = (Index("uq_payout_return_line_id", "return_line_id", unique=True),)

    id: Mapped[Id]
    item: Mapped[str] = mapped_column(unique=True)
    pence: Mapped[Pence]
    arrives_on: Mapped[date]
    failed_at: Mapped[datetime | None]
    statement_line_id: Mapped[Key | None] = mapped_column(ForeignKey("statement_line.id"), unique=True)
    matched_at: Mapped[datetime | None]
    matched_by_id: Mapped[Key | None]
    failure: Mapped[str | None]
    return_line_id: Mapped[Key | None] = mapped_column(ForeignKey("statement_line.id"))
    returned_by_id: Mapped[Key | None]


class Comparison(Base):
    """One night's comparison with the provider's own list."""

    __tablename__ = "provider_comparison"

    id: Mapped[Id]
    compared_at: Mapped[datetime]
    since: Mapped[datetime]
    seen_count: Mapped[int]
    missed_count: Mapped[int]
