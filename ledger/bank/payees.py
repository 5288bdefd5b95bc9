"""Bank details of whom the fund pays: given by one, verified by another who calls back, used after a pause (§6)."""

from datetime import datetime

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, RuleBroken, require
from fund.kernel.policy import policy_at
from ledger.bank import queries, rules
from ledger.bank.models import Payee


def give_payee(
    *, owner: str, account_name: str, sort_code: str, account_number: str, actor: Actor, now: datetime
) -> Payee:
    """Give the bank details that `owner` ("org:GM-0012") is to be paid to, in place of any before.

    They can be used once another person has verified them by calling back, and a pause has passed.

    Raises:
        NotAllowed: when the person neither keeps the bank nor looks after the owner's money.
    """
    own = actor.organisation_reference is not None and owner == f"org:{actor.organisation_reference}"
    if not actor.may(Permission.KEEP_BANK) and not (own and actor.may(Permission.CONTRIBUTE)):
        raise NotAllowed("Only a steward, or who looks after the organisation's money, may give its bank details.")
    require(rules.bank_detail_faults(account_name, sort_code, account_number))
    payee = Payee(
        owner=owner,
        account_name=account_name.strip(),
        sort_code=rules.sort_code_digits(sort_code) or "",
        account_number=rules.account_digits(account_number) or "",
        given_by_id=actor.person_id,
        given_at=now,
    )
    before = queries.current_payee(owner)
    db.session.add(payee)
    db.session.flush()
    audit.record(
        actor,
        "payee.given",
        owner,
        at=now,
        before={"account": before.shown} if before else None,
        after={"payee": payee.id, "account": payee.shown},
    )
    return payee


def verify_payee(*, payee_id: int, note: str, actor: Actor, now: datetime) -> Payee:
    """Verify bank details by calling back on a number known before. `note` says who was called and what they said.

    Raises:
        RuleBroken: when the person gave the details themselves, or the note is empty.
    """
    payee = _unverified(payee_id, actor, note)
    require(rules.verify_faults(given_by_id=payee.given_by_id, verifier_id=actor.person_id))
    payee.verified_by_id, payee.verified_at, payee.note = actor.person_id, now, note
    payee.usable_from = rules.usable_from(now, policy_at(now).bank_detail_pause_days)
    audit.record(actor, "payee.verified", payee.owner, at=now, after={"payee": payee.id, "note": note})
    db.session.flush()
    return payee


def reject_payee(*, payee_id: int, note: str, actor: Actor, now: datetime) -> Payee:
    """Turn bank details down, because the call-back didn't bear them out. The ones before count again."""
    payee = _unverified(payee_id, actor, note)
    payee.rejected_at, payee.note = now, note
    audit.record(actor, "payee.rejected", payee.owner, at=now, after={"payee": payee.id, "note": note})
    db.session.flush()
    return payee


def _unverified(payee_id: int, actor: Actor, note: str) -> Payee:
    actor.require(Permission.KEEP_BANK)
    payee = queries.payee(payee_id, lock=True)
    if payee.verified_at is not None or payee.rejected_at is not None:
        raise Conflict("Somebody has dealt with these details already. Go back to the list to see how.")
    if not note.strip():
        raise RuleBroken([Finding("Write whom you called, on which number, and what they said.", "note")])
    return payee
