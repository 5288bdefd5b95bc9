"""What people do with the bank. Statements are imported here; `payees` keeps bank details, `payments` pays."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import select

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, RuleBroken, require
from ledger import many
from ledger.bank import queries, rules
from ledger.bank.files import read
from ledger.bank.lines import settle
from ledger.bank.models import BankAccount, Statement, StatementLine
from ledger.bank.own_lines import settle_charge, settle_interest
from ledger.bank.payees import (
    agree_to_name,
    detail_faults,
    give_payee,
    load_weights,
    record_name_check,
    reject_payee,
    verify_payee,
)
from ledger.bank.payments import (
    call_off_run,
    confirm_file,
    confirm_late,
    confirm_order,
    fail_order,
    make_payment_file,
    order_payment,
)
from ledger.bank.reading import (
    NO_ANSWERS,
    Answers,
    ReadEntry,
    ReadStatement,
    Unreadable,
    answered,
    joined,
    statement_faults,
)
from ledger.bank.rules import SeenLine
from ledger.money import format_pence

__all__ = [
    "agree_to_name",
    "call_off_run",
    "confirm_file",
    "confirm_late",
    "confirm_order",
    "fail_order",
    "give_payee",
    "import_statement",
    "load_weights",
    "make_payment_file",
    "order_payment",
    "record_name_check",
    "reject_payee",
    "set_bank_account",
    "settle",
    "settle_charge",
    "settle_interest",
    "usable_payee",
    "verify_payee",
]

usable_payee = queries.usable_payee

_UNNAMED_ACCOUNT = (
    "This file doesn't say which account it is of. "
    "Tell us the fund's own account first, on the bank page, then send it again."
)


# --- statements


def import_statement(
    *,
    content: bytes,
    filename: str,
    actor: Actor | None,
    now: datetime,
    answers: Answers = NO_ANSWERS,
    progress: Callable[[int, int], None] | None = None,
) -> Statement:
    """Take a statement file: book its new lines to bank and suspense, whole or not at all.

    The same file again gives the statement it made the first time. Lines that an earlier, overlapping statement brought
    are recognised and counted in `known_count`. What the file leaves open must be in `answers`. `progress` is told how
    many lines are booked, of how many.

    Raises:
        RuleBroken: with every reason, row by row, or every unanswered question; nothing is booked then.
    """
    _require_bank_keeper(actor)
    statement, remarks = read_whole(content, answers)
    if statement.questions:
        raise RuleBroken(Finding(question.sentence, "file") for question in statement.questions)
    account = _own_account(statement, actor, now)
    sha256 = hashlib.sha256(content).hexdigest()
    if (again := taken_before(sha256)) is not None:
        return again
    entries = [entry for entry in statement.entries if entry.amount_pence]
    fresh = _unknown(account, entries, statement.form)
    days = [entry.booked_on for entry in statement.entries]
    taken = Statement(
        bank_account_id=account.id,
        filename=filename[:200],
        form=statement.form,
        sha256=sha256,
        from_on=statement.from_on or min(days, default=None),
        to_on=statement.to_on or max(days, default=None),
        opening_pence=statement.opening_pence,
        closing_pence=statement.closing_pence,
        line_count=len(fresh),
        known_count=len(entries) - len(fresh),
        left_out_count=statement.left_out + len(statement.entries) - len(entries),
        remarks=remarks + _gap(account, statement),
        imported_at=now,
        imported_by_id=actor.person_id if actor else None,
    )
    db.session.add(taken)
    db.session.flush()
    lines = _add_lines(taken, account, fresh)
    many.book_bank_lines(
        [
            many.BankLine(
                line.key,
                line.amount_pence,
                line.booked_on,
                f"{line.counterparty} {line.remittance}".strip() or "A line of the bank",
            )
            for line in lines
        ],
        actor=actor,
        now=now,
        progress=progress,
    )
    audit.record(
        actor,
        "statement.imported",
        f"statement:{taken.id}",
        at=now,
        after={"file": taken.filename, "sha256": sha256, "new": taken.line_count, "known": taken.known_count},
    )
    return taken


def _require_bank_keeper(actor: Actor | None) -> None:
    if actor is not None:
        actor.require(Permission.KEEP_BANK)


def read_whole(content: bytes, answers: Answers = NO_ANSWERS) -> tuple[ReadStatement, list[str]]:
    """The statements of a file as one, with the answers in it and the questions left, and remarks on what doesn't join.

    Raises:
        RuleBroken: with every reason why it can't be taken.
    """
    try:
        statements = read(content, answers)
        several = len(statements) > 1
        faults = [
            f"Statement {number}: {fault}" if several else fault
            for number, statement in enumerate(statements, 1)
            for fault in statement_faults(statement)
        ]
        if faults:
            raise Unreadable(*faults)
        whole, remarks = joined(statements)
        return answered(whole, answers), remarks
    except Unreadable as unreadable:
        raise RuleBroken(Finding(reason, "file") for reason in unreadable.reasons) from unreadable


def taken_before(sha256: str) -> Statement | None:
    """The statement that the very same file made."""
    account = queries.own_account()
    if account is None:
        return None
    return db.session.scalar(
        select(Statement).where(Statement.bank_account_id == account.id, Statement.sha256 == sha256)
    )


def account_faults(statement: ReadStatement) -> Iterator[Finding]:
    """Why a statement can't be of the fund's account."""
    account = queries.own_account()
    if account is None and not statement.account.is_full:
        yield Finding(_UNNAMED_ACCOUNT, "file", fix="/bank/account")
    if account is not None and not account.identification.fits(statement.account):
        sentence = (
            f"This statement is of {statement.account.shown}, but the fund's account is "
            f"{account.identification.shown}. Export the statement of that account."
        )
        yield Finding(sentence, "file")


def _own_account(statement: ReadStatement, actor: Actor | None, now: datetime) -> BankAccount:
    """The fund's account, locked; the first full statement tells us which it is."""
    account = queries.own_account(lock=True)
    require(account_faults(statement))
    if account is None:
        told = statement.account
        return set_bank_account(
            name=statement.account_name or "The fund's account",
            sort_code=told.digits[:6],
            account_number=told.digits[6:],
            actor=actor,
            now=now,
        )
    return account


def _seen(entry: ReadEntry, form: str) -> SeenLine:
    return SeenLine(entry.booked_on, entry.amount_pence, entry.bank_reference, entry.text, form)


def _unknown(account: BankAccount, entries: Sequence[ReadEntry], form: str) -> list[ReadEntry]:
    """The entries that no earlier statement brought."""
    if not entries:
        return []
    days = [entry.booked_on for entry in entries]
    known = queries.seen_lines(account.id, min(days), max(days))
    fresh = set(rules.new_lines(known, [_seen(entry, form) for entry in entries]))
    return [entry for position, entry in enumerate(entries) if position in fresh]


def _add_lines(taken: Statement, account: BankAccount, entries: Sequence[ReadEntry]) -> list[StatementLine]:
    if not entries:
        return []
    days = [entry.booked_on for entry in entries]
    occurrences = Counter(
        (line.booked_on, line.amount_pence, line.bank_reference)
        for line in queries.seen_lines(account.id, min(days), max(days))
    )
    lines = []
    for position, entry in enumerate(entries, 1):
        same = (entry.booked_on, entry.amount_pence, entry.bank_reference)
        occurrences[same] += 1
        lines.append(
            StatementLine(
                statement_id=taken.id,
                bank_account_id=account.id,
                position=position,
                identity=(
                    f"{account.id}:{entry.booked_on.isoformat()}:{entry.amount_pence}:"
                    f"{entry.bank_reference}:{occurrences[same]}"
                ),
                form=taken.form,
                booked_on=entry.booked_on,
                valued_on=entry.valued_on,
                amount_pence=entry.amount_pence,
                counterparty=entry.counterparty,
                remittance=entry.remittance,
                bank_reference=entry.bank_reference,
                end_to_end=entry.end_to_end,
                details=[
                    {"pence": one.pence, "counterparty": one.counterparty, "remittance": one.remittance}
                    for one in entry.details
                    if len(entry.details) > 1
                ],
            )
        )
    db.session.add_all(lines)
    db.session.flush()
    return lines


def _gap(account: BankAccount, statement: ReadStatement) -> list[str]:
    """A remark where the statement doesn't open with what the one before it closed with."""
    from_on = statement.from_on or min((entry.booked_on for entry in statement.entries), default=None)
    if statement.opening_pence is None or from_on is None:
        return []
    before = queries.statement_before(account.id, from_on)
    if before is None or before.closing_pence is None or before.to_on is None:
        return []
    between = queries.sum_between(account.id, before.to_on, from_on)  # an overlapping statement brought these
    if before.closing_pence + between == statement.opening_pence:
        return []
    return [
        f"It opens with {format_pence(statement.opening_pence)}, but the statement before it closed with "
        f"{format_pence(before.closing_pence)}: a statement between them may be missing. Import that one too."
    ]


def set_bank_account(
    *, name: str, sort_code: str, account_number: str, actor: Actor | None, now: datetime
) -> BankAccount:
    """Say which account is the fund's own. Its first statement does this by itself where it names the account in full.

    Raises:
        Conflict: when the fund has an account already.
    """
    _require_bank_keeper(actor)
    require(detail_faults(name, sort_code, account_number))
    if queries.own_account(lock=True) is not None:
        raise Conflict("The fund's account is known already. Open the bank page to see it.")
    account = BankAccount(
        name=name.strip(),
        sort_code=rules.sort_code_digits(sort_code),
        account_number=rules.account_digits(account_number) or "",
        opened_at=now,
    )
    db.session.add(account)
    db.session.flush()
    audit.record(
        actor, "bank_account.set", f"bank_account:{account.id}", at=now, after={"account": account.identification.shown}
    )
    return account
