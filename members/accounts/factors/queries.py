"""Reads of second steps."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import joinedload

from fund.kernel.access import Actor, Permission
from fund.kernel.db import db
from fund.kernel.tasks import Task
from members.accounts.factors import rules
from members.accounts.factors.models import AuthenticatorApp, LettingIn, Passkey, RecoveryCode
from members.accounts.models import Person


def has_second_step(person_id: int) -> bool:
    """Whether somebody has an app or a passkey. Recovery codes alone are none: they only stand in for one."""
    return bool(
        db.session.scalar(
            select(
                or_(
                    exists().where(
                        AuthenticatorApp.person_id == person_id,
                        AuthenticatorApp.confirmed_at.is_not(None),
                        AuthenticatorApp.ended_at.is_(None),
                    ),
                    exists().where(Passkey.person_id == person_id, Passkey.ended_at.is_(None)),
                )
            )
        )
    )


@dataclass(frozen=True)
class SecondSteps:
    """What somebody can show that it's them with."""

    app: AuthenticatorApp | None
    passkeys: list[Passkey]
    codes_left: int

    @property
    def any(self) -> bool:
        return self.app is not None or bool(self.passkeys)


def second_steps_of(person_id: int) -> SecondSteps:
    """The second steps that somebody has now; at most `rules.MOST_PASSKEYS` passkeys."""
    codes_left = db.session.scalar(
        select(func.count())
        .select_from(RecoveryCode)
        .where(RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None))
    )
    return SecondSteps(app_of(person_id), passkeys_of(person_id), codes_left or 0)


def app_of(person_id: int) -> AuthenticatorApp | None:
    """The authenticator app that counts."""
    return db.session.scalar(
        select(AuthenticatorApp).where(
            AuthenticatorApp.person_id == person_id,
            AuthenticatorApp.confirmed_at.is_not(None),
            AuthenticatorApp.ended_at.is_(None),
        )
    )


def waiting_app(person_id: int, now: datetime) -> AuthenticatorApp | None:
    """The app whose set-up was begun last and waits for its first code."""
    return db.session.scalar(
        select(AuthenticatorApp)
        .where(
            AuthenticatorApp.person_id == person_id,
            AuthenticatorApp.confirmed_at.is_(None),
            AuthenticatorApp.ended_at.is_(None),
            AuthenticatorApp.created_at > now - rules.SET_UP_LENGTH,
        )
        .order_by(AuthenticatorApp.id.desc())
        .limit(1)
    )


def passkeys_of(person_id: int) -> list[Passkey]:
    """Somebody's passkeys, oldest first."""
    return list(
        db.session.scalars(
            select(Passkey)
            .where(Passkey.person_id == person_id, Passkey.ended_at.is_(None))
            .order_by(Passkey.id)
            .limit(rules.MOST_PASSKEYS)
        )
    )


def passkey_by_credential(credential_id: str) -> Passkey | None:
    """The passkey that a browser names."""
    return db.session.scalar(
        select(Passkey)
        .options(joinedload(Passkey.person))
        .where(Passkey.credential_id == credential_id, Passkey.ended_at.is_(None))
    )


def recovery_hash(person_id: int, number: int) -> str | None:
    """The hash of one of the ten codes, if it was not used."""
    return db.session.scalar(
        select(RecoveryCode.code_hash).where(
            RecoveryCode.person_id == person_id, RecoveryCode.number == number, RecoveryCode.used_at.is_(None)
        )
    )


def letting_in(letting_in_id: int) -> LettingIn | None:
    """One request to let somebody back in."""
    return db.session.scalar(
        select(LettingIn).options(joinedload(LettingIn.person)).where(LettingIn.id == letting_in_id)
    )


def open_lettings_in(now: datetime) -> list[LettingIn]:
    """Requests that wait for a second officer, oldest first, at most 100."""
    return list(
        db.session.scalars(
            select(LettingIn)
            .options(joinedload(LettingIn.person))
            .join(Person, LettingIn.person_id == Person.id)
            .where(LettingIn.decided_at.is_(None), LettingIn.asked_at > now - rules.RECOVERY_LENGTH)
            .order_by(LettingIn.id)
            .limit(100)
        )
    )


def tasks(person: Actor, now: datetime) -> list[Task]:
    """What waits for an officer here: somebody who lost their phone and codes."""
    if not person.may(Permission.LET_PEOPLE_IN):
        return []
    return [
        Task(
            title=f"Confirm that {waiting.person.name} may sign in without their second step",
            why="They lost their phone and codes. It takes two officers, so that nobody can take over an account.",
            path=f"/let-in/{waiting.id}",
            due=waiting.asked_at + rules.RECOVERY_LENGTH,
        )
        for waiting in open_lettings_in(now)
        if person.person_id not in (waiting.asked_by_id, waiting.person_id)
    ]
