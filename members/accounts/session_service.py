"""The browsers that somebody is signed in from: known ones, a notice of new ones, ending one, showing that it's you."""

from datetime import datetime

from sqlalchemy import func, or_, select, update

from fund.kernel import audit
from fund.kernel.access import Actor
from fund.kernel.db import db
from fund.kernel.errors import NotFound
from fund.kernel.outbox import mail
from members.accounts import queries, rules
from members.accounts.models import KnownDevice, Person, PersonSession
from members.accounts.service import Browser
from members.queries import LARGEST_ID


def greet_device(*, person_id: int, device_token: str | None, browser: Browser, now: datetime) -> str:
    """Know this browser from now on, and tell its owner by mail where it is a new one.

    Returns:
        The token that the browser keeps: the one it had, or a new one.
    """
    known = queries.known_device(person_id, device_token, now)
    if known is not None and device_token is not None:
        known.last_seen_at = now
        return device_token
    db.session.execute(select(Person.id).where(Person.id == person_id).with_for_update())
    is_first = db.session.scalar(
        select(func.count()).select_from(PersonSession).where(PersonSession.person_id == person_id)
    ) in (0, 1)
    # A new token even where the browser has one: what one person's cookie is worth must not follow from another's.
    token = rules.new_token()
    device = KnownDevice(person_id=person_id, token_hash=rules.token_hash(token), first_seen_at=now, last_seen_at=now)
    db.session.add(device)
    db.session.flush()
    if not is_first:
        person = db.session.get_one(Person, person_id)
        mail(
            key=f"new-device:{device.id}",
            to=person.email,
            subject="You signed in from a new browser",
            what=f"{browser.device}, network {browser.network}, has just signed in as you for the first time.",
            why="We always tell you, so that nobody can use your account in secret. If it was you, there is nothing "
            "to do. If it wasn't, end that browser's session and choose a new passphrase.",
            path="/account/browsers",
            now=now,
        )
    return token


def seen(*, token: str, now: datetime) -> None:
    """Write down that a browser was used, unless that was done a moment ago."""
    db.session.execute(
        update(PersonSession)
        .where(
            PersonSession.token_hash == rules.token_hash(token),
            or_(PersonSession.last_seen_at.is_(None), PersonSession.last_seen_at <= now - rules.SEEN_EVERY),
        )
        .values(last_seen_at=now)
    )


def end_session(*, session_id: int, actor: Actor, now: datetime) -> PersonSession:
    """Sign one of one's own browsers out. One that has ended already stays ended.

    Raises:
        NotFound: when it is not the person's own.
    """
    if not 0 < session_id <= LARGEST_ID:
        raise NotFound
    found = db.session.execute(
        select(PersonSession)
        .where(PersonSession.id == session_id, PersonSession.person_id == actor.person_id)
        .with_for_update()
    ).scalar_one_or_none()
    if found is None:
        raise NotFound
    if found.ended_at is None:
        found.ended_at = now
        audit.record(actor, "account.session_ended", f"person:{actor.person_id}", at=now)
    return found


def gave_passphrase(*, token: str, now: datetime) -> None:
    """The person gave their passphrase again in this browser."""
    _mark(token, passphrase_at=now, last_seen_at=now)


def gave_factor(*, token: str, now: datetime) -> None:
    """The person gave their second step in this browser; a half session becomes a whole one."""
    _mark(token, factor_at=now, last_seen_at=now, is_half=False)


def _mark(token: str, **values: object) -> None:
    db.session.execute(
        update(PersonSession)
        .where(PersonSession.token_hash == rules.token_hash(token), PersonSession.ended_at.is_(None))
        .values(**values)
    )
