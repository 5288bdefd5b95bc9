"""Changing the address that somebody signs in with: the new one confirms it, the old one may undo it for a week."""

from datetime import datetime

from sqlalchemy import select, update

from fund.kernel import audit
from fund.kernel.access import Actor
from fund.kernel.db import db
from fund.kernel.errors import Conflict, Finding, NotFound, RuleBroken
from fund.kernel.outbox import mail
from members.accounts import queries, rules, service
from members.accounts.models import EmailChange, PassphraseReset, Person

_TOO_OLD = "This link has been used or is too old. Ask for the change again under “Your account”."


def ask(*, email: str, actor: Actor, now: datetime) -> None:
    """Mail a link to the new address, and tell the old one, with a link that undoes it.

    An address that somebody else signs in with gets a mail that says so; whoever asks learns nothing of it.

    Raises:
        RuleBroken: when it is the person's present address.
    """
    person = db.session.execute(select(Person).where(Person.id == actor.person_id).with_for_update()).scalar_one()
    if rules.email_key(email) == person.email_key:
        raise RuleBroken([Finding("This is your present address. Give the new one.", "email")])
    newest = db.session.scalar(
        select(EmailChange.asked_at).where(EmailChange.person_id == person.id).order_by(EmailChange.id.desc()).limit(1)
    )
    if newest is not None and now - newest < rules.RESET_PAUSE:
        raise RuleBroken([Finding("You asked for this a moment ago. Wait five minutes, then ask again.", "email")])
    confirm, undo = rules.new_token(), rules.new_token()
    change = EmailChange(
        person_id=person.id,
        old_email=person.email,
        new_email=email.strip(),
        confirm_hash=rules.token_hash(confirm),
        undo_hash=rules.token_hash(undo),
        asked_at=now,
    )
    db.session.add(change)
    db.session.flush()
    audit.record(actor, "account.email_change_asked", f"person:{person.id}", at=now)
    if queries.person_by_email(email) is not None:
        mail(
            key=f"email-taken:{change.id}",
            to=change.new_email,
            subject="You sign in with this address already",
            what="Somebody asked to sign in to another account with this address. It has one, so nothing changed.",
            why="We tell you, because it may have been you. If it wasn't, there is nothing to do.",
            path="/sign-in",
            now=now,
        )
    else:
        mail(
            key=f"email-confirm:{change.id}",
            to=change.new_email,
            subject="Confirm your new e-mail address",
            what=f"{person.name} asked to sign in to the fund with this address. Open the link and confirm it.",
            why="Somebody gave this address as theirs. If it wasn't you, do nothing.",
            by_when="The link works once, for two days.",
            path=f"/email/confirm/{confirm}",
            holds_secret=True,
            now=now,
        )
    mail(
        key=f"email-undo:{change.id}",
        to=change.old_email,
        subject="Your e-mail address is to be changed",
        what=f"You asked to sign in with {change.new_email} instead of this address.",
        why="If it wasn't you, open the link: it keeps this address, also later, and signs every browser out.",
        by_when="The link works for seven days.",
        path=f"/email/undo/{undo}",
        holds_secret=True,
        now=now,
    )


def change_by(*, confirm: str | None = None, undo: str | None = None, now: datetime) -> EmailChange:
    """The change that a link stands for, locked.

    Raises:
        NotFound: when the link is unknown, used or too old.
    """
    column, token = (EmailChange.confirm_hash, confirm) if confirm is not None else (EmailChange.undo_hash, undo)
    change = db.session.execute(
        select(EmailChange).where(column == rules.token_hash(token or "")).with_for_update()
    ).scalar_one_or_none()
    if change is None or change.undone_at is not None or change.person.disabled_at is not None:
        raise NotFound(_TOO_OLD)
    if confirm is not None and (change.confirmed_at is not None or now - change.asked_at > rules.EMAIL_CONFIRM_LENGTH):
        raise NotFound(_TOO_OLD)
    if confirm is None and now - change.asked_at > rules.EMAIL_UNDO_LENGTH:
        raise NotFound(_TOO_OLD)
    return change


def confirm(*, token: str, now: datetime) -> Person:
    """Sign in with the new address from now on.

    Raises:
        NotFound: when the link no longer works.
        Conflict: when somebody else has taken the address meanwhile.
    """
    change = change_by(confirm=token, now=now)
    person = db.session.execute(select(Person).where(Person.id == change.person_id).with_for_update()).scalar_one()
    if rules.email_key(change.old_email) != person.email_key:
        raise NotFound(_TOO_OLD)  # a later change was confirmed first
    if queries.person_by_email(change.new_email) is not None:
        raise Conflict("Somebody signs in with this address already. Choose another under “Your account”.")
    change.confirmed_at = now
    _move(person, change.new_email, "account.email_changed", now)
    return person


def undo(*, token: str, now: datetime) -> Person:
    """Keep the old address: undo the change and all later ones, and sign every browser out.

    Raises:
        NotFound: when the link no longer works.
        Conflict: when somebody else has taken the old address meanwhile.
    """
    change = change_by(undo=token, now=now)
    person = db.session.execute(select(Person).where(Person.id == change.person_id).with_for_update()).scalar_one()
    owner = queries.person_by_email(change.old_email)
    if owner is not None and owner.id != person.id:
        raise Conflict("Somebody else signs in with the old address now. Write to the fund.")
    db.session.execute(
        update(EmailChange)
        .where(EmailChange.person_id == person.id, EmailChange.id >= change.id, EmailChange.undone_at.is_(None))
        .values(undone_at=now)
    )
    _move(person, change.old_email, "account.email_kept", now)
    service.sign_out_everywhere(person_id=person.id, now=now)
    return person


def _move(person: Person, email: str, action: str, now: datetime) -> None:
    """The person signs in with `email`; links that were mailed to another address work no more."""
    before = person.email
    person.email, person.email_key = email, rules.email_key(email)
    db.session.execute(
        update(PassphraseReset)
        .where(PassphraseReset.person_id == person.id, PassphraseReset.used_at.is_(None))
        .values(used_at=now)
    )
    db.session.flush()
    whole = queries.actor_of(person.id, person.name, None)
    audit.record(whole, action, f"person:{person.id}", at=now, before={"email": before}, after={"email": email})
