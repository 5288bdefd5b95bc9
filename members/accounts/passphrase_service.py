"""Changing a passphrase, and setting a new one by a mailed link when it is forgotten."""

from datetime import datetime

from sqlalchemy import select, update

from fund.kernel import audit
from fund.kernel.access import Actor
from fund.kernel.db import db
from fund.kernel.errors import Finding, NotFound, require
from fund.kernel.outbox import mail
from fund.kernel.topics import Topic
from members.accounts import queries, rules, service
from members.accounts.models import PassphraseReset, Person


def change_password(
    *,
    present: str,
    passphrase: str,
    actor: Actor,
    now: datetime,
    browser: service.Browser = service.Browser(),  # noqa: B008
    factor_at: datetime | None = None,
) -> str:
    """Choose a new passphrase; signs out everywhere and returns the token of a new session for this browser."""
    person = db.session.execute(select(Person).where(Person.id == actor.person_id).with_for_update()).scalar_one()
    found = []
    if not rules.passphrase_matches(person.password_hash, present):
        found.append(
            Finding(
                "That isn't your present passphrase. Type it again, or use the link for a forgotten one.", "present"
            )
        )
    require([*found, *rules.passphrase_faults(passphrase, known=(person.name, person.email))])
    person.password_hash = rules.hash_passphrase(passphrase)
    service.sign_out_everywhere(person_id=person.id, now=now)
    audit.record(actor, "account.passphrase_changed", f"person:{person.id}", at=now)
    _tell_of_new_passphrase(person, now)
    return service.open_session(
        person_id=person.id,
        acting_for_id=actor.organisation_id,
        browser=browser,
        gave_passphrase=True,
        gave_factor_at=factor_at,
        now=now,
    )


def ask_reset(*, email: str, now: datetime) -> None:
    """Mail a link for a new passphrase, if somebody has this address. Whoever asks is told the same either way."""
    person = queries.person_by_email(email)
    if person is None or person.disabled_at is not None:
        return
    db.session.execute(select(Person.id).where(Person.id == person.id).with_for_update())
    newest = db.session.scalar(
        select(PassphraseReset.created_at)
        .where(PassphraseReset.person_id == person.id)
        .order_by(PassphraseReset.id.desc())
        .limit(1)
    )
    if newest is not None and now - newest < rules.RESET_PAUSE:
        return
    token = rules.new_token()
    link = PassphraseReset(
        token_hash=rules.token_hash(token), person_id=person.id, created_at=now, expires_at=now + rules.RESET_LENGTH
    )
    db.session.add(link)
    db.session.flush()
    mail(
        key=f"reset:{link.id}",
        to=person.email,
        subject="Choose a new passphrase",
        what="Somebody, probably you, asked for a new passphrase. Use the link to choose one.",
        why="Your account has this address. If it wasn't you, do nothing: your passphrase stays as it is.",
        by_when="The link works once, for two hours.",
        path=f"/reset/{token}",
        holds_secret=True,
        now=now,
        topic=Topic.ACCOUNT,
    )


def reset(*, token: str, passphrase: str, now: datetime) -> None:
    """Set the passphrase by a mailed link, which then is used up; ends every session.

    Raises:
        NotFound: when the link is unknown, used or out of time.
    """
    link = db.session.execute(
        select(PassphraseReset).where(PassphraseReset.token_hash == rules.token_hash(token)).with_for_update()
    ).scalar_one_or_none()
    if link is None or link.used_at is not None or link.expires_at <= now or link.person.disabled_at is not None:
        raise NotFound("This link has been used or is too old. Ask for a new one on the sign-in page.")
    person = link.person
    require(rules.passphrase_faults(passphrase, known=(person.name, person.email)))
    db.session.execute(
        update(PassphraseReset)
        .where(PassphraseReset.person_id == person.id, PassphraseReset.used_at.is_(None))
        .values(used_at=now)
    )
    person.password_hash = rules.hash_passphrase(passphrase)
    service.sign_out_everywhere(person_id=person.id, now=now)
    audit.record(
        queries.actor_of(person.id, person.name, None), "account.passphrase_reset", f"person:{person.id}", at=now
    )
    _tell_of_new_passphrase(person, now)


def _tell_of_new_passphrase(person: Person, now: datetime) -> None:
    mail(
        key=f"passphrase:{person.id}:{now.isoformat()}",
        to=person.email,
        subject="Your passphrase was changed",
        what="The passphrase of your account at the fund was changed, and every browser was signed out.",
        why="We always tell you, so that nobody can do it in secret. If it wasn't you, choose a new one at once.",
        path="/forgotten",
        now=now,
        topic=Topic.ACCOUNT,
    )
