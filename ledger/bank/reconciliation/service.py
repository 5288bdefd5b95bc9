"""Reconciling a month: one prepares it, and another, who had no hand in the month, signs it or sends it back."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime

from sqlalchemy import select

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.calendar import london_day
from fund.kernel.db import db
from fund.kernel.errors import Conflict, NotAllowed, RuleBroken, require
from ledger.bank.models import BankAccount
from ledger.bank.queries import own_account
from ledger.bank.reconciliation import queries, rules
from ledger.bank.reconciliation.models import Reconciliation, ReconciliationDecision
from ledger.bank.reconciliation.rules import Figures
from ledger.models import Account
from ledger.rules import AccountKind


def prepare(
    *, month: date, reasons: Mapping[str, str], seen: str, actor: Actor, now: datetime, why: str = ""
) -> Reconciliation:
    """Lay down a month's figures and items, with the reason for each item that needs one, for another person to sign.

    Args:
        month: by its first day.
        reasons: written text by item's key.
        seen: `Figures.lasting` of the figures that the reasons were written for.
        why: why a month that was signed is done again.

    Raises:
        RuleBroken: for a month that is not over, or an item without reason.
        Conflict: when the figures changed meanwhile, or what was prepared waits to be signed.
    """
    actor.require(Permission.PREPARE_RECONCILIATION)
    account = _held_still()
    newest = queries.newest(account.id, month)
    if newest is not None and newest.decision is None:
        raise Conflict("This month is prepared and waits for a signature. Ask for it to be sent back to change it.")
    done = queries.signed(account.id, month)
    found = queries.figures(account.id, month)
    require(
        rules.preparing_faults(
            month,
            london_day(now),
            queries.first_month(account.id),
            found.to_explain,
            reasons,
            again=done is not None,
            why=why,
        )
    )
    _require_unchanged(found, seen)
    kept = {item.key: reasons[item.key].strip() for item in found.to_explain}
    made = Reconciliation(
        bank_account_id=account.id,
        month=month,
        closing_pence=found.closing_pence,
        books_pence=found.books_pence,
        on_their_way_pence=found.on_their_way_pence,
        waiting_pence=found.waiting_pence,
        items=[
            asdict(item) | {"sort": item.sort.value, "on": item.on.isoformat() if item.on else None}
            for item in found.items
        ],
        reasons=kept,
        why=why.strip() or None if done is not None else None,
        lasting=found.lasting,
        hash=rules.record_hash(found, kept, actor.person_id, now),
        prepared_by_id=actor.person_id,
        prepared_at=now,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        actor,
        "reconciliation.prepared",
        f"reconciliation {made.id}",
        at=now,
        after={"month": f"{month:%Y-%m}", "hash": made.hash},
    )
    return made


def sign(*, reconciliation_id: int, actor: Actor, now: datetime) -> ReconciliationDecision:
    """Agree to what another prepared.

    Raises:
        NotAllowed: to who imported, posted, matched or prepared in the month.
        RuleBroken: when an earlier month is unsigned.
        Conflict: when somebody decided first, or the figures changed since it was prepared.
    """
    found = _to_decide(reconciliation_id, actor)
    require(rules.order_faults(found.month, queries.unsigned(found.bank_account_id, found.month)))
    _require_unchanged(queries.figures(found.bank_account_id, found.month), found.lasting)
    return _decide(found, signed=True, reason=None, actor=actor, now=now)


def send_back(*, reconciliation_id: int, reason: str, actor: Actor, now: datetime) -> ReconciliationDecision:
    """Don't agree, and say why; the month is then prepared anew.

    Raises:
        NotAllowed: to who imported, posted, matched or prepared in the month.
        Conflict: when somebody decided first.
    """
    found = _to_decide(reconciliation_id, actor)
    if not reason.strip():
        raise RuleBroken("Say what is to be looked at again.")
    return _decide(found, signed=False, reason=reason.strip(), actor=actor, now=now)


def _held_still() -> BankAccount:
    """The fund's account at the bank, with nothing imported or booked on it until the end of the transaction."""
    account = own_account(lock=True)
    if account is None:
        raise RuleBroken("The fund's bank account is not known yet. Import its first statement.")
    db.session.execute(
        select(Account.id).where(Account.kind == AccountKind.BANK).order_by(Account.id).with_for_update()
    )
    return account


def _to_decide(reconciliation_id: int, actor: Actor) -> Reconciliation:
    actor.require(Permission.SIGN_RECONCILIATION)
    _held_still()
    found = queries.record(reconciliation_id)
    db.session.refresh(found)
    newest = queries.newest(found.bank_account_id, found.month)
    if found.decision is not None or newest is None or newest.id != found.id:
        raise Conflict("Somebody decided on this first. The page of the month shows what stands now.")
    had = queries.hands(found.bank_account_id, found.month, found.prepared_by_id)
    if faults := list(rules.signing_faults(actor.person_id, had)):
        raise NotAllowed(faults[0].message)
    return found


def _require_unchanged(found: Figures, seen: str) -> None:
    if found.lasting != seen:
        raise Conflict(
            "The figures of this month have changed meanwhile. Open its page to see them, and have it prepared again."
        )


def _decide(
    found: Reconciliation, *, signed: bool, reason: str | None, actor: Actor, now: datetime
) -> ReconciliationDecision:
    made = ReconciliationDecision(
        reconciliation_id=found.id, signed=signed, reason=reason, decided_by_id=actor.person_id, decided_at=now
    )
    db.session.add(made)
    db.session.flush()
    db.session.expire(found)
    audit.record(
        actor,
        "reconciliation.signed" if signed else "reconciliation.sent_back",
        f"reconciliation {found.id}",
        at=now,
        after={"month": f"{found.month:%Y-%m}", "hash": found.hash, "reason": reason},
    )
    return made
