"""Reads of the bank: statements and lines, payees, payments, and what waits for a steward."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TypeVar

from flask import url_for
from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import aliased, joinedload

from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import add_working_days, london_day
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.tasks import Task
from ledger.bank import modulus
from ledger.bank.models import (
    BankAccount,
    ModulusWeights,
    Payee,
    PaymentFile,
    PaymentOrder,
    Statement,
    StatementLine,
)
from ledger.bank.rules import NameCheck, OrderState, SeenLine
from ledger.queries import LARGEST_ID

MOST_LISTED = 200
_MOST_COMPARED = 2000
Row = TypeVar("Row", Statement, StatementLine, Payee, PaymentOrder)


# --- statements


def own_account(*, lock: bool = False) -> BankAccount | None:
    """The fund's account at the bank, if it is known."""
    query = select(BankAccount).order_by(BankAccount.id).limit(1)
    return db.session.scalar(query.with_for_update() if lock else query)


def statements(limit: int = MOST_LISTED) -> Sequence[Statement]:
    """Statements taken, newest first."""
    return db.session.scalars(select(Statement).order_by(Statement.id.desc()).limit(limit)).all()


def statement(statement_id: int) -> Statement:
    """One statement with its account."""
    return _one(Statement, statement_id)


def statement_before(bank_account_id: int, day: date) -> Statement | None:
    """The newest statement that ended before `day` and says what it closed with."""
    return db.session.scalar(
        select(Statement)
        .where(
            Statement.bank_account_id == bank_account_id, Statement.to_on < day, Statement.closing_pence.is_not(None)
        )
        .order_by(Statement.to_on.desc(), Statement.id.desc())
        .limit(1)
    )


def sum_between(bank_account_id: int, after: date, before: date) -> int:
    """What moved on the account after one day and before another."""
    return (
        db.session.scalar(
            select(func.sum(StatementLine.amount_pence)).where(
                StatementLine.bank_account_id == bank_account_id,
                StatementLine.booked_on > after,
                StatementLine.booked_on < before,
            )
        )
        or 0
    )


def lines_of(statement_id: int, *, after: int = 0, limit: int = MOST_LISTED) -> Sequence[StatementLine]:
    """The lines that a statement brought, in its order, from after `after`."""
    return db.session.scalars(
        select(StatementLine)
        .where(StatementLine.statement_id == statement_id, StatementLine.position > after)
        .order_by(StatementLine.position)
        .limit(limit)
    ).all()


def waiting_of(statement_id: int) -> tuple[int, int]:
    """How many lines of a statement still wait: (money in, money out)."""
    waiting = (
        select(func.count())
        .select_from(StatementLine)
        .where(StatementLine.statement_id == statement_id, StatementLine.settled_at.is_(None))
    )
    return (
        db.session.scalar(waiting.where(StatementLine.amount_pence > 0)) or 0,
        db.session.scalar(waiting.where(StatementLine.amount_pence < 0)) or 0,
    )


def seen_lines(bank_account_id: int, first: date, last: date) -> list[SeenLine]:
    """What is known of the account's lines between two days, both included."""
    rows = db.session.scalars(
        select(StatementLine)
        .where(StatementLine.bank_account_id == bank_account_id, StatementLine.booked_on.between(first, last))
        .order_by(StatementLine.id)
    )
    return [
        SeenLine(
            row.booked_on,
            row.amount_pence,
            row.bank_reference,
            f"{row.counterparty} {row.remittance}".strip(),
            row.form,
        )
        for row in rows
    ]


def line(line_id: int, *, lock: bool = False) -> StatementLine:
    """One line of the bank."""
    return _one(StatementLine, line_id, lock=lock)


def open_lines_in(limit: int = MOST_LISTED) -> Sequence[StatementLine]:
    """Money in that nobody has matched yet, oldest first."""
    return _open_lines(StatementLine.amount_pence > 0, limit)


def open_lines_out(limit: int = MOST_LISTED) -> Sequence[StatementLine]:
    """Money out that nobody has matched yet, oldest first."""
    return _open_lines(StatementLine.amount_pence < 0, limit)


def open_lines_of(pence: int, limit: int = MOST_LISTED) -> Sequence[StatementLine]:
    """Lines of just this sum that nobody has matched yet, oldest first."""
    return _open_lines(StatementLine.amount_pence == pence, limit)


def lock_open_lines(*, money_in: bool, after: int, limit: int) -> Sequence[StatementLine]:
    """Lines of one direction that nobody has matched, from after the line `after`, locked; those that somebody else
    holds are left to them."""
    way = StatementLine.amount_pence > 0 if money_in else StatementLine.amount_pence < 0
    return db.session.scalars(
        select(StatementLine)
        .where(StatementLine.settled_at.is_(None), way, StatementLine.id > after)
        .order_by(StatementLine.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()


def lock_lines(line_ids: Collection[int]) -> Sequence[StatementLine]:
    """Those of these lines that are money in, locked, in the order of import."""
    wanted = sorted(line_id for line_id in line_ids if 0 < line_id <= LARGEST_ID)
    return db.session.scalars(
        select(StatementLine)
        .where(StatementLine.id.in_(wanted), StatementLine.amount_pence > 0)
        .order_by(StatementLine.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def next_open_lines_out(after: int, limit: int) -> Sequence[StatementLine]:
    """Money out that nobody has matched, from after the line `after`, in the order of import."""
    return db.session.scalars(
        select(StatementLine)
        .where(StatementLine.settled_at.is_(None), StatementLine.amount_pence < 0, StatementLine.id > after)
        .order_by(StatementLine.id)
        .limit(limit)
    ).all()


def _open_lines(way: ColumnElement[bool], limit: int) -> Sequence[StatementLine]:
    return db.session.scalars(
        select(StatementLine)
        .where(StatementLine.settled_at.is_(None), way)
        .order_by(StatementLine.booked_on, StatementLine.id)
        .limit(limit)
    ).all()


def open_line_counts() -> tuple[int, int]:
    """How many lines nobody has matched: (money in, money out)."""
    money_in, money_out = db.session.execute(
        select(
            func.count().filter(StatementLine.amount_pence > 0), func.count().filter(StatementLine.amount_pence < 0)
        ).where(StatementLine.settled_at.is_(None))
    ).one()
    return money_in, money_out


# --- payees


def payee(payee_id: int, *, lock: bool = False) -> Payee:
    """One set of bank details."""
    return _one(Payee, payee_id, lock=lock)


def current_payee(owner: str) -> Payee | None:
    """The newest bank details of `owner` that were not rejected, whether or not they may be used yet."""
    return db.session.scalar(
        select(Payee).where(Payee.owner == owner, Payee.rejected_at.is_(None)).order_by(Payee.id.desc()).limit(1)
    )


def usable_payee(owner: str, now: datetime) -> Payee | None:
    """The bank details to pay `owner` to: the newest, if they are verified, the pause has passed and the name is right.

    While newer details wait to be verified nothing is payable: the older ones were said to be out of date.
    """
    current = current_payee(owner)
    if current is None or current.usable_from is None or current.usable_from > now or not current.name_is_settled:
        return None
    return current


def payees(limit: int = MOST_LISTED) -> Sequence[Payee]:
    """All bank details, newest first."""
    return db.session.scalars(select(Payee).order_by(Payee.id.desc()).limit(limit)).all()


def payees_to_verify(limit: int = MOST_LISTED) -> Sequence[Payee]:
    """Bank details that wait for a call-back or for the name to be settled, oldest first; superseded are left out."""
    newest = select(func.max(Payee.id)).where(Payee.rejected_at.is_(None)).group_by(Payee.owner)
    return db.session.scalars(
        select(Payee)
        .where(
            Payee.rejected_at.is_(None),
            Payee.id.in_(newest),
            or_(
                Payee.verified_at.is_(None),
                and_(
                    func.coalesce(Payee.name_check, "").not_in([NameCheck.MATCH, NameCheck.PAID_BEFORE]),
                    Payee.name_agreed_at.is_(None),
                ),
            ),
        )
        .order_by(Payee.id)
        .limit(limit)
    ).all()


def modulus_weights() -> ModulusWeights | None:
    """The tables that account numbers are checked by now."""
    return db.session.scalar(select(ModulusWeights).order_by(ModulusWeights.id.desc()).limit(1))


def modulus_verdict(sort_code: str, account_number: str) -> modulus.Verdict:
    """Whether an account number can belong to its sort code, by the tables that are loaded."""
    loaded = modulus_weights()
    if loaded is None:
        return modulus.Verdict.CANNOT_BE_CHECKED
    return modulus.check(_table(loaded.weights, loaded.substitutions), sort_code, account_number)


@lru_cache(maxsize=2)
def _table(weights: str, substitutions: str) -> modulus.Table:
    return modulus.Table(modulus.read_weights(weights)[0], modulus.read_substitutions(substitutions)[0])


# --- payments


def order(order_id: int, *, lock: bool = False) -> PaymentOrder:
    """One payment order."""
    return _one(PaymentOrder, order_id, lock=lock)


def orders(order_ids: Collection[int], *, lock: bool = False) -> Sequence[PaymentOrder]:
    """Orders by id, in order of id."""
    known = [number for number in order_ids if 0 < number <= LARGEST_ID]
    query = select(PaymentOrder).where(PaymentOrder.id.in_(known)).order_by(PaymentOrder.id)
    return db.session.scalars(query.with_for_update() if lock else query).all()


def order_by_key(key: str) -> PaymentOrder | None:
    """The payment ordered under `key`."""
    return db.session.scalar(select(PaymentOrder).where(PaymentOrder.key == key))


def ready_orders(limit: int = MOST_LISTED) -> Sequence[PaymentOrder]:
    """Approved payments that are in no file yet, oldest first."""
    return _orders_in(OrderState.READY, limit)


def sent_orders_of(pence: Collection[int]) -> Sequence[PaymentOrder]:
    """Payments on their way that are of one of these sums."""
    return db.session.scalars(
        select(PaymentOrder)
        .options(joinedload(PaymentOrder.file))
        .where(PaymentOrder.state == OrderState.SENT, PaymentOrder.pence.in_(sorted(pence)))
        .order_by(PaymentOrder.id)
        .limit(_MOST_COMPARED)
    ).all()


def sent_orders(limit: int = MOST_LISTED) -> Sequence[PaymentOrder]:
    """Payments in a file that the bank has not confirmed yet, oldest first."""
    return _orders_in(OrderState.SENT, limit)


def failed_on_the_way(limit: int = 50) -> Sequence[PaymentOrder]:
    """Payments that were called failed while on their way, newest first: the bank can still pay one."""
    return db.session.scalars(
        select(PaymentOrder)
        .options(joinedload(PaymentOrder.payee), joinedload(PaymentOrder.file))
        .where(
            PaymentOrder.state == OrderState.FAILED,
            PaymentOrder.sent_at.is_not(None),
            PaymentOrder.confirmed_at.is_(None),
        )
        .order_by(PaymentOrder.id.desc())
        .limit(limit)
    ).all()


def confirmed_orders(limit: int = 50) -> Sequence[PaymentOrder]:
    """Payments that the bank has confirmed, newest first."""
    return db.session.scalars(
        select(PaymentOrder)
        .options(joinedload(PaymentOrder.payee), joinedload(PaymentOrder.file))
        .where(PaymentOrder.state == OrderState.CONFIRMED)
        .order_by(PaymentOrder.id.desc())
        .limit(limit)
    ).all()


def paid_by_owner() -> dict[str, int]:
    """Pence sent to each payee ("org:GM-0012"), confirmed or on its way; together they are the books' grants paid."""
    rows = db.session.execute(
        select(PaymentOrder.owner, func.sum(PaymentOrder.pence))
        .where(PaymentOrder.state.in_((OrderState.SENT, OrderState.CONFIRMED)))
        .group_by(PaymentOrder.owner)
        .order_by(PaymentOrder.owner)
    )
    return {owner: int(pence) for owner, pence in rows}


def _orders_in(state: OrderState, limit: int) -> Sequence[PaymentOrder]:
    return db.session.scalars(
        select(PaymentOrder)
        .options(joinedload(PaymentOrder.payee), joinedload(PaymentOrder.file))
        .where(PaymentOrder.state == state)
        .order_by(PaymentOrder.id)
        .limit(limit)
    ).all()


def orders_of_run(run: str, *, lock: bool = False) -> Sequence[PaymentOrder]:
    """The orders of a payment run, fresh and locked where asked."""
    chosen = select(PaymentOrder).where(PaymentOrder.run == run).order_by(PaymentOrder.id)
    if lock:
        chosen = chosen.with_for_update(of=PaymentOrder).execution_options(populate_existing=True)
    return db.session.scalars(chosen).all()


def orders_of_batch(batch: str) -> Sequence[PaymentOrder]:
    """The orders that go into one file: those of a run, or the one with this key."""
    return orders_of_run(batch) or [one for one in (order_by_key(batch),) if one is not None]


def orders_in(file_id: int) -> Sequence[PaymentOrder]:
    """The orders of a payment file, as they stand in it."""
    return db.session.scalars(
        select(PaymentOrder)
        .options(joinedload(PaymentOrder.payee))
        .where(PaymentOrder.file_id == file_id)
        .order_by(PaymentOrder.id)
    ).all()


@dataclass(frozen=True)
class Punctuality:
    """How many payments the bank has confirmed, how many of them in time, and how many by the day that was aimed at;
    and how many are late and not paid yet."""

    paid: int
    on_time: int
    in_target: int
    overdue: int = 0

    @property
    def percent(self) -> int:
        """Of those paid or overdue, how many in time, rounded down: nobody is told 100 who isn't."""
        counted = self.paid + self.overdue
        return self.on_time * 100 // counted if counted else 0


def punctuality(first: date, last: date, *, today: date | None = None, unordered: int = 0) -> Punctuality:
    """Payments that left the bank on these days, by the day of the bank's line.

    Args:
        today: counts also what was ordered, is not confirmed, and should have been paid before today.
        unordered: how many more are late that were not even ordered, which only the folder above knows.
    """
    waiting = aliased(PaymentOrder)
    overdue = (
        select(func.count())
        .select_from(waiting)
        .where(waiting.state.in_((OrderState.READY, OrderState.SENT)), waiting.pay_by < (today or date.min))
        .scalar_subquery()
    )
    paid, on_time, in_target, late = db.session.execute(
        select(
            func.count(),
            func.count(case((StatementLine.booked_on <= PaymentOrder.pay_by, 1))),
            func.count(case((StatementLine.booked_on <= PaymentOrder.target_on, 1))),
            overdue,
        )
        .select_from(PaymentOrder)
        .join(StatementLine, StatementLine.id == PaymentOrder.line_id)
        .where(
            PaymentOrder.state == OrderState.CONFIRMED,
            PaymentOrder.pay_by.is_not(None),
            StatementLine.booked_on.between(first, last),
        )
    ).one()
    return Punctuality(paid, on_time, in_target, late + unordered)


def sent_without_line(today: date, limit: int = MOST_LISTED) -> Sequence[PaymentOrder]:
    """Payments that the bank should have made by now and that no statement shows: in a file whose day is longer ago
    than Bacs, the slowest way, takes (three working days, Pay.UK)."""
    return [order for order in sent_orders(limit) if order.file and add_working_days(order.file.execute_on, 3) < today]


def files(limit: int = 50) -> Sequence[PaymentFile]:
    """Payment files, newest first."""
    return db.session.scalars(select(PaymentFile).order_by(PaymentFile.id.desc()).limit(limit)).all()


def payment_file(reference: str) -> PaymentFile:
    """One payment file."""
    found = db.session.scalar(select(PaymentFile).where(PaymentFile.reference == reference))
    if found is None:
        raise NotFound
    return found


# --- what waits


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """For who keeps the bank: lines to match, bank details to verify, payments to put into a file."""
    if not actor.may(Permission.KEEP_BANK):
        return []
    found = []
    money_in, money_out = open_line_counts()
    if money_in:
        found.append(
            Task(
                f"Match {_count(money_in, 'payment')} in",
                "Money has arrived that nobody has been thanked for yet.",
                url_for("contributions.money_in"),
            )
        )
    if money_out and (sent := sent_orders(1)):
        found.append(
            Task(
                "Match payments out",
                f"The bank shows {_count(money_out, 'line')} of money out that no payment is matched to.",
                url_for("bank.payments_out"),
                due=sent[0].sent_at + timedelta(days=7) if sent[0].sent_at else None,
            )
        )
    if missing := sent_without_line(london_day(now)):
        found.append(
            Task(
                f"Ask the bank about {_count(len(missing), 'payment')}",
                "They were sent more than three working days before, and no statement shows them.",
                url_for("bank.payments_out"),
                due=min(one.sent_at for one in missing if one.sent_at) + timedelta(days=7),
            )
        )
    me = actor.person_id
    waiting = [one for one in payees_to_verify() if me not in (one.given_by_id, one.name_checked_by_id)]
    if waiting:
        found.append(
            Task(
                f"Check {_count(len(waiting), 'set')} of bank details",
                "Nobody can be paid on new bank details until a second person has called back and the name is right.",
                url_for("bank.payees"),
            )
        )
    ready = [one for one in ready_orders() if me not in (one.payee.given_by_id, *one.payee.checked_by)]
    if ready:
        found.append(
            Task(
                f"Make the payment file for {_count(len(ready), 'payment')}",
                "They are approved, and go to the bank in one file.",
                url_for("bank.payments_out"),
                due=min(one.ordered_at for one in ready) + timedelta(days=3),
            )
        )
    return found


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _one(table: type[Row], row_id: int, *, lock: bool = False) -> Row:
    """The row with this id, fresh and locked where asked."""
    if not 0 < row_id <= LARGEST_ID:
        raise NotFound
    found = db.session.get(table, row_id, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise NotFound
    return found
