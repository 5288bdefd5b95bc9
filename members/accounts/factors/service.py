"""Authenticator apps and recovery codes: set up, checked, replaced; and waiting after wrong codes.

Checking a recovery code takes some 30 ms of work on purpose, as a passphrase does. It is done between `claim_try` and
`use_recovery_code`, outside any transaction.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import delete, select, update

from fund.kernel import audit
from fund.kernel.access import Actor
from fund.kernel.db import db
from fund.kernel.errors import Finding, NotFound, RuleBroken
from fund.kernel.outbox import mail
from fund.kernel.sealing import CannotOpen, seal, unseal
from members.accounts import queries as accounts
from members.accounts import service as account_service
from members.accounts.factors import queries, rules
from members.accounts.factors.models import AuthenticatorApp, Passkey, PasskeyChallenge, RecoveryCode
from members.accounts.models import Person
from members.accounts.rules import wait_after
from members.queries import LARGEST_ID

_PURPOSE = "authenticator apps"
_ANYWHERE = "anywhere"
"""In place of a network, in the throttle's row for wrong codes from all networks together."""


@dataclass(frozen=True)
class Try:
    """A try at a code that was let through, or one that has to wait (`wait_until`)."""

    throttle_ids: tuple[int, ...]
    wait_until: datetime | None = None


# --- waiting


def claim_try(*, person_id: int, network: str, device_token: str | None, now: datetime) -> Try:
    """Count a try at a code before it is looked at.

    Wrong codes make their own network wait, and after many of them every browser that isn't known. A browser that the
    person signed in from before counts by itself, so that nobody elsewhere can keep them out.
    """
    account = sha256(f"second step of {person_id}".encode()).hexdigest()
    device = accounts.known_device(person_id, device_token, now)
    if device is not None:
        counted = [(account_service.claim_row(account, f"device:{device.id}", now), wait_after)]
    else:
        counted = [
            (account_service.claim_row(account, network, now), wait_after),
            (account_service.claim_row(account, _ANYWHERE, now), rules.wait_elsewhere_after),
        ]
    wait_until = max(row.wait_until for row, _ in counted)
    if wait_until > now:
        return Try((), wait_until)
    for row, wait in counted:
        account_service.count_failure(row, wait, now)
        if row.network == _ANYWHERE and row.failures == rules.FREE_ELSEWHERE:
            _warn_of_guessing(person_id, now)
    return Try(tuple(row.id for row, _ in counted))


def _warn_of_guessing(person_id: int, now: datetime) -> None:
    person = db.session.get_one(Person, person_id)
    mail(
        key=f"guessing:{person_id}:{now.date().isoformat()}",
        to=person.email,
        subject="Somebody is guessing your codes",
        what=f"{rules.FREE_ELSEWHERE} wrong codes were given for your account. Whoever did it has your passphrase.",
        why="We tell you so that you can choose another passphrase. Nobody got in, and a browser that you have used "
        "before lets you in as always.",
        by_when="Choose a new passphrase today, unless it was you.",
        path="/forgotten",
        now=now,
    )


# --- authenticator app


def begin_app(*, person_id: int, now: datetime) -> None:
    """Make the secret of a new app, unless one waits for its first code already. The old app counts until then."""
    db.session.execute(select(Person.id).where(Person.id == person_id).with_for_update())
    if queries.waiting_app(person_id, now) is not None:
        return
    db.session.execute(
        delete(AuthenticatorApp).where(AuthenticatorApp.person_id == person_id, AuthenticatorApp.confirmed_at.is_(None))
    )
    db.session.add(
        AuthenticatorApp(person_id=person_id, sealed_secret=seal(rules.new_secret(), _PURPOSE), created_at=now)
    )
    db.session.flush()


def secret_of(app: AuthenticatorApp) -> str:
    """The secret to show while an app is set up.

    Raises:
        NotFound: when the fund's key has changed since; the person begins again.
    """
    try:
        return unseal(app.sealed_secret, _PURPOSE)
    except CannotOpen:
        raise NotFound("This set-up was begun too long ago. Begin again on the page of your second steps.") from None


def confirm_app(*, code: str, code_hashes: list[str] | None, actor: Actor, now: datetime) -> None:
    """Take the new app's first code; it counts from now on, in place of an earlier one.

    Args:
        code: as typed.
        code_hashes: hashes of new recovery codes, where the person has none left.
        actor: the app's owner.

    Raises:
        RuleBroken: when the code is wrong.
    """
    person = db.session.execute(select(Person).where(Person.id == actor.person_id).with_for_update()).scalar_one()
    app = queries.waiting_app(person.id, now)
    if app is None:
        raise NotFound("This set-up was begun too long ago. Begin again on the page of your second steps.")
    step = rules.matching_step(secret_of(app), rules.tidy_code(code), last_step=None, now=now)
    if step is None:
        raise RuleBroken(
            [
                Finding(
                    "That isn't the code that the app shows now. Wait for the next one and type all six figures.",
                    "code",
                )
            ]
        )
    db.session.execute(
        update(AuthenticatorApp)
        .where(
            AuthenticatorApp.person_id == person.id,
            AuthenticatorApp.confirmed_at.is_not(None),
            AuthenticatorApp.ended_at.is_(None),
        )
        .values(ended_at=now)
    )
    app.confirmed_at, app.last_step = now, step
    db.session.flush()
    if code_hashes:
        write_recovery_codes(person_id=person.id, code_hashes=code_hashes, now=now)
    audit.record(actor, "second_step.app_set_up", f"person:{person.id}", at=now)
    tell(person, "An authenticator app was set up for your account.", f"app:{app.id}", now)


def end_app(*, actor: Actor, now: datetime) -> None:
    """Stop using the authenticator app."""
    person = db.session.execute(select(Person).where(Person.id == actor.person_id).with_for_update()).scalar_one()
    app = queries.app_of(person.id)
    if app is None:
        raise NotFound
    app.ended_at = now
    audit.record(actor, "second_step.app_removed", f"person:{person.id}", at=now)
    tell(person, "The authenticator app was removed from your account.", f"app-end:{app.id}", now)


def use_app_code(*, person_id: int, code: str, tried: Try, now: datetime) -> bool:
    """Whether this is the code that the person's app shows; it can't be used again.

    Raises:
        RuleBroken: when the fund's key was changed, so that no code can be checked; says the way back.
    """
    app = db.session.execute(
        select(AuthenticatorApp)
        .where(
            AuthenticatorApp.person_id == person_id,
            AuthenticatorApp.confirmed_at.is_not(None),
            AuthenticatorApp.ended_at.is_(None),
        )
        .with_for_update()
    ).scalar_one_or_none()
    if app is None:
        return False
    try:
        secret = unseal(app.sealed_secret, _PURPOSE)
    except CannotOpen:
        raise RuleBroken(
            [
                Finding(
                    "The fund's own key was changed, so codes of your app no longer work. Use a passkey or one of your "
                    "recovery codes, then set the app up again. If you have neither, two officers can let you in.",
                    "code",
                )
            ]
        ) from None
    step = rules.matching_step(secret, code, last_step=app.last_step, now=now)
    if step is None:
        return False
    app.last_step = step
    account_service.forgive(tried.throttle_ids)
    return True


# --- recovery codes


def write_recovery_codes(*, person_id: int, code_hashes: list[str], now: datetime) -> None:
    """Ten new codes in place of all earlier ones."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    db.session.add_all(
        RecoveryCode(person_id=person_id, number=number, code_hash=code_hash, created_at=now)
        for number, code_hash in enumerate(code_hashes)
    )
    db.session.flush()


def renew_recovery_codes(*, code_hashes: list[str], actor: Actor, now: datetime) -> None:
    """Make ten new codes; the old ones stop working."""
    person = db.session.execute(select(Person).where(Person.id == actor.person_id).with_for_update()).scalar_one()
    if not queries.has_second_step(person.id):
        raise RuleBroken("Set up an app or a passkey first. The codes are for the day you don't have it with you.")
    write_recovery_codes(person_id=person.id, code_hashes=code_hashes, now=now)
    audit.record(actor, "second_step.codes_made", f"person:{person.id}", at=now)
    tell(person, "New recovery codes were made for your account.", f"codes:{now.isoformat()}", now)


def use_recovery_code(*, person_id: int, number: int, code_hash: str, tried: Try, now: datetime) -> bool:
    """Use up the code whose hash was found right; False when somebody used it in the same moment."""
    used = db.session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.person_id == person_id,
            RecoveryCode.number == number,
            RecoveryCode.code_hash == code_hash,
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
        .returning(RecoveryCode.id)
    ).scalar_one_or_none()
    if used is None:
        return False
    account_service.forgive(tried.throttle_ids)
    person = db.session.get_one(Person, person_id)
    whole = accounts.actor_of(person.id, person.name, None)
    audit.record(whole, "second_step.code_used", f"person:{person_id}", at=now)
    left = queries.second_steps_of(person_id).codes_left
    words = "one is left" if left == 1 else f"{left} are left"
    tell(person, f"One of your recovery codes was used, and {words}.", f"code-used:{used}:{now.isoformat()}", now)
    return True


# --- all of them


def end_all(*, person_id: int, now: datetime) -> None:
    """Forget every second step of a person."""
    db.session.execute(
        update(AuthenticatorApp)
        .where(AuthenticatorApp.person_id == person_id, AuthenticatorApp.ended_at.is_(None))
        .values(ended_at=now)
    )
    db.session.execute(
        update(Passkey).where(Passkey.person_id == person_id, Passkey.ended_at.is_(None)).values(ended_at=now)
    )
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))


def tell(person: Person, what: str, about: str, now: datetime) -> None:
    """Mail the owner of an account that a second step changed."""
    mail(
        key=f"second-step:{about}",
        to=person.email,
        subject="The second step of your sign-in was changed",
        what=what,
        why="We always tell you, so that nobody can do it in secret. If it wasn't you, choose a new passphrase at once "
        "and write to the fund.",
        path="/account/second-step",
        now=now,
    )


def sweep(now: datetime) -> int:
    """Forget riddles that nobody solved in time; returns how many."""
    gone = db.session.execute(
        delete(PasskeyChallenge).where(PasskeyChallenge.expires_at <= now).returning(PasskeyChallenge.id)
    )
    return len(gone.all())


def is_id(number: int) -> bool:
    """Whether a number from an address can be a row's id."""
    return 0 < number <= LARGEST_ID
