"""Tables of the bank: our account, its statements and their lines, payees, payment orders and payment files."""

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fund.kernel.db import Base, Id, Key, Pence
from ledger.bank.rules import Counted, Identification, NameCheck, OrderState
from ledger.money import format_pence


class BankAccount(Base):
    """An account of the fund at a bank. Statements of other accounts are refused.

    `sort_code` is empty as long as only statements without it have been seen; payment files need it.
    """

    __tablename__ = "bank_account"

    id: Mapped[Id]
    name: Mapped[str]
    sort_code: Mapped[str | None]
    account_number: Mapped[str]
    opened_at: Mapped[datetime]

    @property
    def identification(self) -> Identification:
        """How statements may name it."""
        return Identification((self.sort_code or "") + self.account_number)


class Statement(Base):
    """A statement file that was taken. `line_count` lines were new, `known_count` had been imported before.

    `left_out_count` counts what is never booked: pending and informational entries and entries of nought.
    """

    __tablename__ = "statement"
    __table_args__ = (UniqueConstraint("bank_account_id", "sha256"),)

    id: Mapped[Id]
    bank_account_id: Mapped[Key] = mapped_column(ForeignKey("bank_account.id"), index=True)
    filename: Mapped[str]
    form: Mapped[str]
    sha256: Mapped[str]
    from_on: Mapped[date | None]
    to_on: Mapped[date | None]
    opening_pence: Mapped[Pence | None]
    closing_pence: Mapped[Pence | None]
    line_count: Mapped[int]
    known_count: Mapped[int]
    left_out_count: Mapped[int]
    remarks: Mapped[list[str]] = mapped_column(JSON)
    imported_at: Mapped[datetime]
    imported_by_id: Mapped[Key | None]

    bank_account: Mapped[BankAccount] = relationship()


class StatementLine(Base):
    """One booked line of the bank. `identity` is account, day, amount, the bank's reference and occurrence.

    `settled_as` says what it became: "contribution:RC-2026-001" or "payment:<order's key>". `details` holds what a
    batch consists of, as the bank told it.
    """

    __tablename__ = "statement_line"
    __table_args__ = (
        Index("ix_statement_line_open", "settled_at", "booked_on", "id"),
        Index("ix_statement_line_account_day", "bank_account_id", "booked_on", "amount_pence"),
        CheckConstraint("(settled_at IS NULL) = (settled_as IS NULL)", name="settled_as_something"),
        CheckConstraint("amount_pence <> 0", name="moves_money"),
    )

    id: Mapped[Id]
    statement_id: Mapped[Key] = mapped_column(ForeignKey("statement.id"), index=True)
    bank_account_id: Mapped[Key] = mapped_column(ForeignKey("bank_account.id"))
    position: Mapped[int]
    identity: Mapped[str] = mapped_column(unique=True)
    form: Mapped[str]
    booked_on: Mapped[date]
    valued_on: Mapped[date | None]
    amount_pence: Mapped[Pence]
    counterparty: Mapped[str]
    remittance: Mapped[str]
    bank_reference: Mapped[str]
    end_to_end: Mapped[str]
    details: Mapped[list[dict[str, object]]] = mapped_column(JSON)
    settled_at: Mapped[datetime | None]
    settled_as: Mapped[str | None]
    settled_by_id: Mapped[Key | None]

    statement: Mapped[Statement] = relationship()

    @property
    def key(self) -> str:
        """The key under which the books hold it."""
        return f"bank:{self.identity}"

    @property
    def in_words(self) -> str:
        """The line in one line of text."""
        told = f"{self.booked_on:%d/%m/%Y} {format_pence(self.amount_pence)} {self.counterparty} {self.remittance}"
        return told.strip()[:160]


class Payee(Base):
    """Bank details of an owner ("org:GM-0012"). The newest that were not rejected are the ones that count.

    `name_check` is what the bank's Confirmation of Payee said, with the name it showed and why that is accepted;
    anything but a match counts once another person has agreed.
    """

    __tablename__ = "payee"
    __table_args__ = (
        Index("ix_payee_owner", "owner", "id"),
        CheckConstraint("verified_by_id IS NULL OR verified_by_id <> given_by_id", name="two_people"),
        CheckConstraint("length(sort_code) = 6 AND length(account_number) = 8", name="digits"),
    )

    id: Mapped[Id]
    owner: Mapped[str]
    account_name: Mapped[str]
    sort_code: Mapped[str]
    account_number: Mapped[str]
    given_by_id: Mapped[Key]
    given_at: Mapped[datetime]
    verified_by_id: Mapped[Key | None]
    verified_at: Mapped[datetime | None]
    note: Mapped[str | None]
    usable_from: Mapped[datetime | None]
    rejected_at: Mapped[datetime | None]
    name_check: Mapped[NameCheck | None]
    name_returned: Mapped[str | None]
    name_reason: Mapped[str | None]
    name_checked_by_id: Mapped[Key | None]
    name_checked_at: Mapped[datetime | None]
    name_agreed_by_id: Mapped[Key | None]
    name_agreed_at: Mapped[datetime | None]

    @property
    def checked_by(self) -> tuple[int | None, int | None]:
        """Who verified these details, and who agreed to the name: neither may pay to them."""
        return self.verified_by_id, self.name_agreed_by_id

    @property
    def name_is_settled(self) -> bool:
        """Whether the name on the account stands in the way of a payment no longer."""
        return self.name_check in (NameCheck.MATCH, NameCheck.PAID_BEFORE) or self.name_agreed_at is not None

    @property
    def shown(self) -> str:
        """Sort code and the end of the account number; the whole is shown only where it must be checked."""
        return f"{self.sort_code[:2]}-{self.sort_code[2:4]}-{self.sort_code[4:]} ••••{self.account_number[-4:]}"


class ModulusWeights(Base):
    """The published tables that account numbers are checked by, as they were loaded; the newest count. Append-only."""

    __tablename__ = "modulus_weights"

    id: Mapped[Id]
    version: Mapped[str]
    weights: Mapped[str]
    substitutions: Mapped[str]
    row_count: Mapped[int]
    loaded_at: Mapped[datetime]
    loaded_by_id: Mapped[Key]


class PaymentFile(Base):
    """A file for the bank with the payments it asks for; kept as it was given out.

    `run` and `totals_sha256` say which approved run it is of, and what was approved (`rules.totals_sha256`).
    """

    __tablename__ = "payment_file"

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    content: Mapped[bytes]
    sha256: Mapped[str]
    order_count: Mapped[int]
    total_pence: Mapped[Pence]
    execute_on: Mapped[date]
    made_at: Mapped[datetime]
    made_by_id: Mapped[Key]
    run: Mapped[str | None]
    totals_sha256: Mapped[str | None]


class PaymentOrder(Base):
    """One payment that has been approved, from ready to confirmed by a line of the bank, or failed.

    `owner` is who is paid ("org:GM-0012"), `grant_owner` whose commitment it uses ("grant:G-2026-003"). `pay_by` is the
    last day for being on time and `target_on` the day that the fund aims at. `line_id` is the line of the bank that
    showed it leave; it is one for a whole file where the bank books it so. `run` is the payment run in which it was
    approved ("PR-2026-001"), and `execute_on` the day that was chosen for it: a run goes into one file, whole.
    """

    __tablename__ = "payment_order"
    __table_args__ = (
        Index("ix_payment_order_state", "state", "id"),
        Index("ix_payment_order_line", "line_id"),
        Index("ix_payment_order_run", "run"),
        CheckConstraint("pence > 0", name="pays_something"),
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(unique=True)
    owner: Mapped[str]
    grant_owner: Mapped[str]
    payee_id: Mapped[Key] = mapped_column(ForeignKey("payee.id"))
    pence: Mapped[Pence]
    reference: Mapped[str]
    description: Mapped[str]
    state: Mapped[OrderState]
    ordered_at: Mapped[datetime]
    ordered_by_id: Mapped[Key | None]
    pay_by: Mapped[date | None]
    target_on: Mapped[date | None]
    run: Mapped[str | None]
    execute_on: Mapped[date | None]
    file_id: Mapped[Key | None] = mapped_column(ForeignKey("payment_file.id"), index=True)
    sent_at: Mapped[datetime | None]
    line_id: Mapped[Key | None] = mapped_column(ForeignKey("statement_line.id"))
    confirmed_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    failed_reason: Mapped[str | None]

    @property
    def batch(self) -> str:
        """What goes into one file with it: its run, or only itself."""
        return self.run or self.key

    @property
    def counted(self) -> Counted:
        """What the fingerprint of its run is made of."""
        return Counted(
            self.key,
            self.payee_id,
            self.payee.account_name,
            self.payee.sort_code,
            self.payee.account_number,
            self.pence,
        )

    payee: Mapped[Payee] = relationship()
    file: Mapped[PaymentFile | None] = relationship()
