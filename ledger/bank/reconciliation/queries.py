"""Reads of reconciliation: a month's figures, what was prepared and signed, who had a hand in it, and what waits."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from flask import url_for
from sqlalchemy import and_, func, literal, select
from sqlalchemy.orm import aliased

from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import add_months, london_day, start_of_day
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.policy import policy_at
from fund.kernel.tasks import Task
from ledger.bank.models import PaymentOrder, Statement, StatementLine
from ledger.bank.queries import own_account
from ledger.bank.reconciliation import rules
from ledger.bank.reconciliation.models import Reconciliation, ReconciliationDecision
from ledger.bank.reconciliation.rules import BETWEEN, Figures, Hand, Item, Sort, Told, last_day
from ledger.models import Account, Entry, Transfer
from ledger.rules import AccountKind

MOST_ITEMS = 500
"""Items of one sort that are listed one by one; what is beyond them is one item that needs a reason."""
_LINE_KEY = literal("bank:") + StatementLine.identity


# --- a month's figures


def figures(bank_account_id: int, month: date) -> Figures:
    """What statements and books say of a month's last day: a fixed number of reads."""
    last = last_day(month)
    held = _held(last)
    closing, items = rules.by_statements(_told(bank_account_id), _moved(bank_account_id, last), last)
    items += _lines_not_booked(bank_account_id, last)
    items += _booked_without_line(bank_account_id, last)
    items += rules.rest(
        Sort.NOT_AT_BANK,
        "The books differ from the lines of the bank",
        closing - held.get(AccountKind.BANK, 0),
        [item for item in items if item.sort in BETWEEN],
    )
    items += rules.covered_items(_statement_to(bank_account_id), last)
    sent = _on_their_way(last)
    sent += rules.rest(Sort.OTHER_ON_ITS_WAY, "On its way without a payment", held.get(AccountKind.IN_TRANSIT, 0), sent)
    waiting = _unmatched(bank_account_id, last)
    waiting += rules.rest(
        Sort.OTHER_UNMATCHED, "Waits to be matched without a line", held.get(AccountKind.SUSPENSE, 0), waiting
    )
    return Figures(
        month=month,
        closing_pence=closing,
        books_pence=held.get(AccountKind.BANK, 0),
        on_their_way_pence=held.get(AccountKind.IN_TRANSIT, 0),
        waiting_pence=held.get(AccountKind.SUSPENSE, 0),
        items=tuple(items + sent + waiting),
    )


def _held(last: date) -> dict[AccountKind, int]:
    """What the accounts beside the bank held at the end of a day."""
    rows = db.session.execute(
        select(Account.kind, func.sum(Entry.amount_pence))
        .join(Entry, Entry.account_id == Account.id)
        .join(Transfer, Transfer.id == Entry.transfer_id)
        .where(Account.kind.in_(_BESIDE_THE_BANK), Transfer.occurred_on <= last)
        .group_by(Account.kind)
        .order_by(Account.kind)
    )
    return {kind: int(pence) for kind, pence in rows}


_BESIDE_THE_BANK = (AccountKind.BANK, AccountKind.SUSPENSE, AccountKind.IN_TRANSIT)


def _told(bank_account_id: int) -> list[Told]:
    rows = db.session.execute(
        select(Statement.id, Statement.from_on, Statement.to_on, Statement.opening_pence, Statement.closing_pence)
        .where(Statement.bank_account_id == bank_account_id)
        .order_by(Statement.id)
    )
    return [
        Told(number, from_on, to_on, opening, closing)
        for number, from_on, to_on, opening, closing in rows
        if from_on is not None and to_on is not None
    ]


def _moved(bank_account_id: int, last: date) -> list[tuple[date, int]]:
    rows = db.session.execute(
        select(StatementLine.booked_on, func.sum(StatementLine.amount_pence))
        .where(StatementLine.bank_account_id == bank_account_id, StatementLine.booked_on <= last)
        .group_by(StatementLine.booked_on)
        .order_by(StatementLine.booked_on)
    )
    return [(day, int(pence)) for day, pence in rows]


def _statement_to(bank_account_id: int) -> date | None:
    return db.session.scalar(select(func.max(Statement.to_on)).where(Statement.bank_account_id == bank_account_id))


def _lines_not_booked(bank_account_id: int, last: date) -> list[Item]:
    """Lines of the bank up to a day that the books hold on a later day, or not at all."""
    rows = db.session.execute(
        select(StatementLine, Transfer.occurred_on)
        .outerjoin(Transfer, Transfer.key == _LINE_KEY)
        .where(
            StatementLine.bank_account_id == bank_account_id,
            StatementLine.booked_on <= last,
            Transfer.id.is_(None) | (Transfer.occurred_on > last),
        )
        .order_by(StatementLine.booked_on, StatementLine.id)
        .limit(MOST_ITEMS)
    )
    return [
        Item(
            Sort.NOT_BOOKED if booked_on is None else Sort.BOOKED_LATER,
            f"line:{line.id}",
            line.amount_pence,
            f"{line.in_words}: in the books {'never' if booked_on is None else f'on {booked_on:%d/%m/%Y}'}",
            line.booked_on,
        )
        for line, booked_on in rows
    ]


def _booked_without_line(bank_account_id: int, last: date) -> list[Item]:
    """What the books moved at the bank up to a day without a line of the bank up to that day."""
    there = (
        select(StatementLine.id)
        .where(
            StatementLine.bank_account_id == bank_account_id,
            StatementLine.booked_on <= last,
            Transfer.key == _LINE_KEY,
        )
        .exists()
    )
    rows = db.session.execute(
        select(Transfer.id, Transfer.occurred_on, Transfer.description, Entry.amount_pence)
        .join(Entry, Entry.transfer_id == Transfer.id)
        .join(Account, Account.id == Entry.account_id)
        .where(Account.kind == AccountKind.BANK, Transfer.occurred_on <= last, ~there)
        .order_by(Transfer.id)
        .limit(MOST_ITEMS)
    )
    return [
        Item(Sort.NOT_AT_BANK, f"transfer:{number}", -pence, f"Transfer {number}, {text}, is on no statement", day)
        for number, day, text, pence in rows
    ]


def _on_their_way(last: date) -> list[Item]:
    """Payments sent up to a day that neither the bank had booked by then nor had come back."""
    sent, confirmed, back = aliased(Transfer), aliased(Transfer), aliased(Transfer)
    rows = db.session.execute(
        select(PaymentOrder.id, PaymentOrder.description, PaymentOrder.reference, PaymentOrder.pence, sent.occurred_on)
        .join(sent, and_(sent.key == PaymentOrder.key, sent.occurred_on <= last))
        .outerjoin(confirmed, and_(confirmed.key == PaymentOrder.key + ":confirmed", confirmed.occurred_on <= last))
        .outerjoin(back, and_(back.reverses_id == sent.id, back.occurred_on <= last))
        .where(confirmed.id.is_(None), back.id.is_(None))
        .order_by(sent.occurred_on, PaymentOrder.id)
        .limit(MOST_ITEMS)
    )
    return [
        Item(Sort.ON_ITS_WAY, f"order:{number}", -pence, f"{text} ({reference})", day)
        for number, text, reference, pence, day in rows
    ]


def _unmatched(bank_account_id: int, last: date) -> list[Item]:
    """Lines in the books up to a day that nobody has matched; each is a credit of suspense where money came in."""
    rows = db.session.scalars(
        select(StatementLine)
        .join(Transfer, Transfer.key == _LINE_KEY)
        .where(
            StatementLine.bank_account_id == bank_account_id,
            StatementLine.settled_at.is_(None),
            StatementLine.booked_on <= last,
            Transfer.occurred_on <= last,
        )
        .order_by(StatementLine.booked_on, StatementLine.id)
        .limit(MOST_ITEMS)
    )
    return [
        Item(Sort.UNMATCHED, f"waits:{line.id}", -line.amount_pence, line.in_words, line.booked_on) for line in rows
    ]


# --- records


class Standing(StrEnum):
    """Where a month stands."""

    OPEN = "open"
    DUE = "due"
    OVERDUE = "overdue"
    WAITING = "waiting"
    SENT_BACK = "sent_back"
    SIGNED = "signed"


@dataclass(frozen=True)
class Month:
    """A month of the list. `record` is the newest that counts: the signed one, unless a newer one waits."""

    first: date
    due: date
    standing: Standing
    record: Reconciliation | None


def first_month(bank_account_id: int) -> date | None:
    """The month of the first line of the bank."""
    day = db.session.scalar(
        select(func.min(StatementLine.booked_on)).where(StatementLine.bank_account_id == bank_account_id)
    )
    return rules.month_of(day) if day else None


def months(bank_account_id: int, now: datetime, year: int) -> list[Month]:
    """The months of a year that the bank has told of, newest first."""
    first = first_month(bank_account_id)
    last = min(rules.month_of(london_day(now)), date(year, 12, 1))
    if first is None or max(first, date(year, 1, 1)) > last:
        return []
    shown = rules.months_between(max(first, date(year, 1, 1)), last)
    newest = _newest(bank_account_id, shown)
    days = policy_at(now).reconcile_within_working_days
    today = london_day(now)
    return [_standing(month, newest.get(month), rules.due_on(month, days), today) for month in reversed(shown)]


def _standing(month: date, record: Reconciliation | None, due: date, today: date) -> Month:
    if record is None or (record.decision is not None and not record.decision.signed):
        if today <= last_day(month):
            return Month(month, due, Standing.OPEN, record)
        late = Standing.OVERDUE if today > due else Standing.SENT_BACK if record is not None else Standing.DUE
        return Month(month, due, late, record)
    return Month(month, due, Standing.WAITING if record.decision is None else Standing.SIGNED, record)


def _newest(bank_account_id: int, shown: Collection[date]) -> dict[date, Reconciliation]:
    newest = (
        select(func.max(Reconciliation.id))
        .where(Reconciliation.bank_account_id == bank_account_id, Reconciliation.month.in_(shown))
        .group_by(Reconciliation.month)
    )
    rows = db.session.scalars(
        select(Reconciliation).where(Reconciliation.id.in_(newest)).order_by(Reconciliation.month)
    )
    return {row.month: row for row in rows}


def newest(bank_account_id: int, month: date) -> Reconciliation | None:
    """What was prepared last of a month."""
    return _newest(bank_account_id, [month]).get(month)


def signed(bank_account_id: int, month: date) -> Reconciliation | None:
    """The newest signed record of a month."""
    return db.session.scalar(
        select(Reconciliation)
        .join(ReconciliationDecision, ReconciliationDecision.reconciliation_id == Reconciliation.id)
        .where(
            Reconciliation.bank_account_id == bank_account_id,
            Reconciliation.month == month,
            ReconciliationDecision.signed,
        )
        .order_by(Reconciliation.id.desc())
        .limit(1)
    )


def history(bank_account_id: int, month: date, limit: int = 50) -> Sequence[Reconciliation]:
    """Every record of a month, newest first."""
    return db.session.scalars(
        select(Reconciliation)
        .where(Reconciliation.bank_account_id == bank_account_id, Reconciliation.month == month)
        .order_by(Reconciliation.id.desc())
        .limit(limit)
    ).all()


def record(reconciliation_id: int) -> Reconciliation:
    """One record."""
    found = db.session.get(Reconciliation, reconciliation_id) if 0 < reconciliation_id < 2**63 else None
    if found is None:
        raise NotFound
    return found


def unsigned(bank_account_id: int, before: date) -> list[date]:
    """Months before another that nobody signed, in order."""
    first = first_month(bank_account_id)
    if first is None or first >= before:
        return []
    done = set(
        db.session.scalars(
            select(Reconciliation.month)
            .join(ReconciliationDecision, ReconciliationDecision.reconciliation_id == Reconciliation.id)
            .where(
                Reconciliation.bank_account_id == bank_account_id,
                Reconciliation.month < before,
                ReconciliationDecision.signed,
            )
            .order_by(Reconciliation.month)
        )
    )
    return [month for month in rules.months_between(first, add_months(before, -1)) if month not in done]


def closing_standing(open_from: date, present: date | None) -> tuple[list[date], date | None]:
    """What stands in the way of closing the days before `open_from`: unsigned months with lines of the bank that end
    before it, and the last of them where its books changed since it was signed. Opening days again needs nothing."""
    account = own_account()
    if account is None or (present is not None and open_from <= present):
        return [], None
    months_in = unsigned(account.id, rules.month_of(open_from))
    with_lines = _months_with_lines(account.id, months_in)
    if with_lines:
        return with_lines, None
    last = add_months(rules.month_of(open_from), -1)
    done = signed(account.id, last)
    changed = done is not None and done.lasting != figures(account.id, last).lasting
    return [], last if changed else None


def _months_with_lines(bank_account_id: int, among: Sequence[date]) -> list[date]:
    if not among:
        return []
    days = db.session.scalars(
        select(StatementLine.booked_on)
        .where(
            StatementLine.bank_account_id == bank_account_id,
            StatementLine.booked_on.between(among[0], last_day(among[-1])),
        )
        .distinct()
        .order_by(StatementLine.booked_on)
    )
    lively = {rules.month_of(day) for day in days}
    return [month for month in among if month in lively]


# --- who had a hand in a month


def hands(bank_account_id: int, month: date, prepared_by_id: int | None) -> dict[Hand, set[int]]:
    """Who imported, posted, matched or prepared in a month."""
    first, last = month, last_day(month)
    of_month = (StatementLine.bank_account_id == bank_account_id, StatementLine.booked_on.between(first, last))
    brought = select(StatementLine.statement_id).where(*of_month)
    imported = db.session.scalars(
        select(Statement.imported_by_id)
        .where(
            Statement.id.in_(brought)
            | and_(Statement.bank_account_id == bank_account_id, Statement.from_on <= last, Statement.to_on >= first)
        )
        .distinct()
        .order_by(Statement.imported_by_id)
    )
    matched = db.session.scalars(
        select(StatementLine.settled_by_id).where(*of_month).distinct().order_by(StatementLine.settled_by_id)
    )
    posted = db.session.scalars(
        select(Transfer.actor_id)
        .join(Entry, Entry.transfer_id == Transfer.id)
        .join(Account, Account.id == Entry.account_id)
        .where(Account.kind.in_(_BESIDE_THE_BANK), Transfer.occurred_on.between(first, last))
        .distinct()
        .order_by(Transfer.actor_id)
    )
    return {
        Hand.IMPORTED: {one for one in imported if one is not None},
        Hand.POSTED: {one for one in posted if one is not None},
        Hand.MATCHED: {one for one in matched if one is not None},
        Hand.PREPARED: {prepared_by_id} if prepared_by_id is not None else set(),
    }


# --- what waits


def next_unsigned(now: datetime) -> tuple[date, Reconciliation | None] | None:
    """The first month that is over and not signed, with what was prepared of it and not sent back."""
    account = own_account()
    if account is None:
        return None
    left = unsigned(account.id, rules.month_of(london_day(now)))
    if not left:
        return None
    found = newest(account.id, left[0])
    return left[0], found if found is not None and found.decision is None else None


def tasks(actor: Actor, now: datetime) -> list[Task]:
    """The first month that is over: to prepare, then to sign for somebody who had no hand in it."""
    prepares, signs = actor.may(Permission.PREPARE_RECONCILIATION), actor.may(Permission.SIGN_RECONCILIATION)
    if not (prepares or signs) or (found := next_unsigned(now)) is None:
        return []
    month, waiting = found
    path = url_for("reconciliation.month", name=f"{month:%Y-%m}")
    due = start_of_day(rules.due_on(month, policy_at(now).reconcile_within_working_days))
    if waiting is None:
        if not prepares:
            return []
        why = "Compare the bank's statements with the books, and explain what lies between them."
        return [Task(f"Reconcile the bank for {month:%B %Y}", why, path, due)]
    if not signs or list(
        rules.signing_faults(actor.person_id, hands(waiting.bank_account_id, month, waiting.prepared_by_id))
    ):
        return []
    why = "It is prepared. Somebody who had no hand in the month looks at it and signs, or sends it back."
    return [Task(f"Sign the bank's reconciliation for {month:%B %Y}", why, path, due)]
