"""Tables of saved Direct Debits. What is taken by one is a `CardCheckout` that names it."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key
from members.contributions.cards.mandates.rules import MandateState
from members.models import Organisation


class Mandate(Base):
    """An organisation's leave to take what it pledged from its bank account. No bank number is ever here.

    `provider_id` is the provider's id of the page where bank details are given, `customer` and `source` its ids of the
    payer and of the account, `mandate` that of the leave itself. `provider_told_at` is when it learnt that we ended it.
    """

    __tablename__ = "direct_debit"

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"), index=True)
    state: Mapped[MandateState] = mapped_column(index=True)
    made_at: Mapped[datetime]
    made_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    url: Mapped[str | None]
    customer: Mapped[str | None]
    source: Mapped[str | None]
    mandate: Mapped[str | None] = mapped_column(unique=True)
    given_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[Key | None] = mapped_column(ForeignKey("person.id"))
    end_reason: Mapped[str | None]
    provider_told_at: Mapped[datetime | None]

    organisation: Mapped[Organisation] = relationship()


class DebitedPledge(Base):
    """A pledge that its organisation pays by a saved Direct Debit, while that is in force."""

    __tablename__ = "debited_pledge"

    pledge_id: Mapped[Key] = mapped_column(ForeignKey("pledge.id"), primary_key=True, autoincrement=False)
    mandate_id: Mapped[Key] = mapped_column(ForeignKey("direct_debit.id"), index=True)
    agreed_at: Mapped[datetime]
    agreed_by_id: Mapped[Key] = mapped_column(ForeignKey("person.id"))

    mandate: Mapped[Mandate] = relationship()
