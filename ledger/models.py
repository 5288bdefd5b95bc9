"""Tables of the books. What is written is never changed: corrections are new transfers that name what they reverse.

The database itself keeps a transfer whole, by three things together (`fund.migrations.guards` lays down the third):

* a transfer points at its own last leg and an account at its own newest entry, by foreign keys that are checked when
  the transaction ends, so neither can exist without the entries behind it;
* those keys can't be met by deleting or changing, because entries are append-only;
* an entry is let in only as the next leg of its transfer and the next of its account, with running totals that follow
  from the one before; the last leg must bring the transfer to nought, and the account must show what the entry says.
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Computed, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from fund.kernel.db import Base, Id, Key, Pence
from ledger.rules import AccountKind


class Account(Base):
    """An account and what it holds now. `may_go_below` and `may_go_above` say on which side of nought it may stand.

    `restriction` is the reference of the restricted fund that it is kept apart for; empty for unrestricted money.
    """

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint(
            "(may_go_below OR balance_pence >= 0) AND (may_go_above OR balance_pence <= 0)", name="within_limits"
        ),
        CheckConstraint("entry_count > 0 OR (entry_count = 0 AND balance_pence = 0)", name="starts_empty"),
        ForeignKeyConstraint(
            ["id", "last_sequence"],
            ["entry.account_id", "entry.sequence"],
            deferrable=True,
            initially="DEFERRED",
        ),
        # Without the balance: on PostgreSQL a row whose indexed columns stay moves at half the cost (HOT update).
        Index("ix_account_by_kind", "kind", "owner"),
    )

    id: Mapped[Id] = mapped_column(autoincrement=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[AccountKind]
    owner: Mapped[str | None]
    restriction: Mapped[str | None]
    name: Mapped[str]
    may_go_below: Mapped[bool]
    may_go_above: Mapped[bool]
    balance_pence: Mapped[Pence]
    entry_count: Mapped[Key]
    last_sequence: Mapped[Key | None] = mapped_column(Computed("NULLIF(entry_count, 0)", persisted=True))


class Transfer(Base):
    """One movement of money: when it happened, when and by whom it was booked, why, and what it reverses, if anything.

    `actor_id` is empty for the scheduler. `digest` is `ledger.rules.digest` of what the transfer says.
    """

    __tablename__ = "transfer"
    __table_args__ = (
        CheckConstraint("last_leg >= 2", name="two_legs"),
        CheckConstraint("(reverses_id IS NULL) OR (reason IS NOT NULL)", name="reversal_has_reason"),
        ForeignKeyConstraint(
            ["id", "last_leg"], ["entry.transfer_id", "entry.leg"], deferrable=True, initially="DEFERRED"
        ),
        ForeignKeyConstraint(["reverses_id"], ["transfer.id"]),
        Index(
            "uq_transfer_reverses",
            "reverses_id",
            unique=True,
            sqlite_where=text("reverses_id IS NOT NULL"),
            postgresql_where=text("reverses_id IS NOT NULL"),
        ),
    )

    id: Mapped[Id] = mapped_column(autoincrement=True)
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    occurred_on: Mapped[date]
    posted_at: Mapped[datetime]
    description: Mapped[str]
    actor_id: Mapped[Key | None]
    reverses_id: Mapped[Key | None]
    reason: Mapped[str | None]
    last_leg: Mapped[Key]
    digest: Mapped[str]


class Entry(Base):
    """One leg of a transfer in one account.

    `running_pence` is the sum of the transfer's legs up to this one; `balance_pence` is the account's balance after it.
    """

    __tablename__ = "entry"
    # The rows of an account lie together in its order: its statement is read page by page, its sum in one sweep.
    __table_args__ = (UniqueConstraint("transfer_id", "leg"), {"sqlite_with_rowid": False})

    account_id: Mapped[Key] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[Key] = mapped_column(primary_key=True, autoincrement=False)
    transfer_id: Mapped[Key]
    leg: Mapped[Key]
    amount_pence: Mapped[Pence]
    running_pence: Mapped[Pence]
    balance_pence: Mapped[Pence]


class Seal(Base):
    """The transfers up to `last_transfer_id` as they stood: a hash over the seal before and the digests since."""

    __tablename__ = "seal"

    id: Mapped[Id]
    sealed_at: Mapped[datetime]
    last_transfer_id: Mapped[Key] = mapped_column(unique=True)
    transfer_count: Mapped[Key]
    hash: Mapped[str]
