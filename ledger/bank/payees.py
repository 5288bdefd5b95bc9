"""Bank details of whom the fund pays: given by one, checked by another who calls back, used after a pause (§6)."""

from collections.abc import Callable, Iterator
from datetime import datetime

from fund.kernel import audit
from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotAllowed, require
from fund.kernel.policy import policy_at
from ledger.bank import modulus, queries, rules
from ledger.bank.models import ModulusWeights, Payee
from ledger.bank.rules import NameCheck

Teller = Callable[[Payee, datetime], None]
_TELLERS: list[Teller] = []
_FAULTS_TOLD = 5


def tell_of_new_details(teller: Teller) -> None:
    """Let the folder that knows an owner's people tell them that new details were given: it may not have been them."""
    _TELLERS.append(teller)


def detail_faults(account_name: str, sort_code: str, account_number: str) -> Iterator[Finding]:
    """What is wrong with bank details, as far as anybody can say without the bank."""
    faults = list(rules.bank_detail_faults(account_name, sort_code, account_number))
    yield from faults
    digits = rules.sort_code_digits(sort_code), rules.account_digits(account_number)
    if digits[0] and digits[1] and queries.modulus_verdict(digits[0], digits[1]) is modulus.Verdict.INVALID:
        yield Finding(
            "No account with this sort code can have this number: a digit of one of them is wrong. Read both again "
            "from a statement or the bank's app.",
            "account_number",
        )


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
    require(detail_faults(account_name, sort_code, account_number))
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
    for teller in _TELLERS:
        teller(payee, now)
    return payee


def verify_payee(
    *,
    payee_id: int,
    note: str,
    name_check: NameCheck | None,
    name_returned: str = "",
    name_reason: str = "",
    actor: Actor,
    now: datetime,
) -> Payee:
    """Verify bank details by calling back on a number known before, and record the bank's check of the name.

    A name that doesn't just match counts once somebody else has agreed (`agree_to_name`).

    Args:
        note: who was called, on which number, and what they said.
        name_check: what the bank's Confirmation of Payee said.
        name_returned: the name that the bank showed.
        name_reason: why this is the right account all the same.

    Raises:
        RuleBroken: when the person gave the details themselves, or something isn't said.
    """
    payee = _unverified(payee_id, actor)
    require(
        [
            *rules.verify_faults(given_by_id=payee.given_by_id, verifier_id=actor.person_id),
            *_note_faults(note),
            *rules.name_check_faults(name_check, name_returned, name_reason),
        ]
    )
    payee.verified_by_id, payee.verified_at, payee.note = actor.person_id, now, note
    payee.usable_from = rules.usable_from(now, policy_at(now).bank_detail_pause_days)
    audit.record(actor, "payee.verified", payee.owner, at=now, after={"payee": payee.id, "note": note})
    _record_name(payee, name_check, name_returned, name_reason, actor, now)
    return payee


def record_name_check(
    *,
    payee_id: int,
    name_check: NameCheck | None,
    name_returned: str,
    name_reason: str,
    actor: Actor,
    now: datetime,
) -> Payee:
    """Record the bank's check of the name for details that were verified without one, or ask the bank again.

    Raises:
        Conflict: when the name is settled.
    """
    payee = _with_open_name(payee_id, actor)
    require(
        [
            *rules.verify_faults(given_by_id=payee.given_by_id, verifier_id=actor.person_id),
            *rules.name_check_faults(name_check, name_returned, name_reason),
        ]
    )
    _record_name(payee, name_check, name_returned, name_reason, actor, now)
    return payee


def _record_name(
    payee: Payee, outcome: NameCheck | None, returned: str, reason: str, actor: Actor, now: datetime
) -> None:
    payee.name_check, payee.name_returned, payee.name_reason = outcome, returned.strip(), reason.strip()
    payee.name_checked_by_id, payee.name_checked_at = actor.person_id, now
    audit.record(
        actor,
        "payee.name_checked",
        payee.owner,
        at=now,
        after={"payee": payee.id, "outcome": outcome.value if outcome else None, "reason": payee.name_reason},
    )
    db.session.flush()


def agree_to_name(*, payee_id: int, actor: Actor, now: datetime) -> Payee:
    """Agree to pay to an account whose name doesn't just match, for the reason that was written down.

    Raises:
        RuleBroken: for who gave the details or recorded the check.
        Conflict: when there is nothing to agree to.
    """
    payee = _with_open_name(payee_id, actor)
    if payee.name_check is None:
        raise Conflict("The bank's name check is not recorded yet. Record what the bank said first.")
    require(
        rules.agree_faults(
            given_by_id=payee.given_by_id, recorded_by_id=payee.name_checked_by_id, agreed_by_id=actor.person_id
        )
    )
    payee.name_agreed_by_id, payee.name_agreed_at = actor.person_id, now
    audit.record(actor, "payee.name_agreed", payee.owner, at=now, after={"payee": payee.id})
    db.session.flush()
    return payee


def reject_payee(*, payee_id: int, note: str, actor: Actor, now: datetime) -> Payee:
    """Turn bank details down, because the call-back didn't bear them out. The ones before count again."""
    payee = _unverified(payee_id, actor)
    require(_note_faults(note))
    payee.rejected_at, payee.note = now, note
    audit.record(actor, "payee.rejected", payee.owner, at=now, after={"payee": payee.id, "note": note})
    db.session.flush()
    return payee


def _unverified(payee_id: int, actor: Actor) -> Payee:
    actor.require(Permission.KEEP_BANK)
    payee = queries.payee(payee_id, lock=True)
    if payee.verified_at is not None or payee.rejected_at is not None:
        raise Conflict("Somebody has dealt with these details already. Go back to the list to see how.")
    return payee


def _with_open_name(payee_id: int, actor: Actor) -> Payee:
    actor.require(Permission.KEEP_BANK)
    payee = queries.payee(payee_id, lock=True)
    if payee.verified_at is None or payee.rejected_at is not None or payee.name_is_settled:
        raise Conflict("Nothing is open about the name of these details. Go back to the list to see how they stand.")
    return payee


def _note_faults(note: str) -> Iterator[Finding]:
    if not note.strip():
        yield Finding("Write whom you called, on which number, and what they said.", "note")


# --- the tables that account numbers are checked by


def load_weights(*, version: str, weights: str, substitutions: str, actor: Actor, now: datetime) -> ModulusWeights:
    """Load the published tables in place of those before, which are kept.

    Args:
        version: what the publisher calls them, such as "8.50, valid from 4 May 2026".
        weights: the text of the weight table.
        substitutions: the text of the substitution table.

    Raises:
        RuleBroken: with the lines that are none.
    """
    actor.require(Permission.KEEP_BANK)
    rows, faults = modulus.read_weights(weights)
    _, more = modulus.read_substitutions(substitutions)
    require([*faults[:_FAULTS_TOLD], *more[:_FAULTS_TOLD]])
    loaded = ModulusWeights(
        version=version,
        weights=weights,
        substitutions=substitutions,
        row_count=len(rows),
        loaded_at=now,
        loaded_by_id=actor.person_id,
    )
    db.session.add(loaded)
    db.session.flush()
    audit.record(actor, "modulus_weights.loaded", version, at=now, after={"rows": len(rows)})
    return loaded
