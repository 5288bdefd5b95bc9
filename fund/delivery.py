"""From the outbox to the mail server.

A message is claimed in a short transaction by moving its next attempt to the end of a lease; the mail server is spoken
to outside any transaction; the outcome is written in another. Two deliverers never hold one message at once, and one
that dies leaves it to the next when the lease ends. A message is lost to nothing: what fails is tried again, ever more
seldom, with the error kept.

Whether a message leaves now, waits for its reader's daily mail or stays here is asked at the moment of the claim, so
what they chose last counts. The daily mail is a message like any other, whose key (reader and day in England) the
database keeps unique: one a day, whatever happened to the scheduler meanwhile, and however many deliver.
"""

import logging
import smtplib
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import cast
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import select, update

from fund.config import Settings
from fund.documents import service as documents
from fund.documents.rules import parse_name
from fund.kernel.calendar import in_words, london_day
from fund.kernel.db import db, transaction
from fund.kernel.outbox import OutboxMessage, mail
from fund.kernel.policy import policy_at
from fund.kernel.society import society
from fund.kernel.topics import KINDS, Mode, Topic, topic_of
from fund.mail import Attachment, Letter, Mailer
from members.contact import queries as contact
from members.contact.rules import digest_due, mode_of, next_digest

log = logging.getLogger("fund.delivery")

LEASE = timedelta(minutes=15)
"""Longer than one message may take at the slowest mail server."""
MOST_PER_RUN = 500
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=12)


@dataclass(frozen=True)
class _Claimed:
    """A message that this deliverer alone may send until its lease ends."""

    id: int
    key: str
    recipient: str
    subject: str
    what: str
    why: str
    by_when: str
    path: str
    created_at: datetime
    attempt: int
    documents: tuple[str, ...]
    topics: tuple[Topic, ...] = ()
    items: tuple["_Item", ...] = ()


@dataclass(frozen=True)
class _Item:
    """One message inside a daily mail."""

    subject: str
    what: str
    why: str
    by_when: str
    path: str


@dataclass(frozen=True)
class _Settled:
    """A message that was due and doesn't leave by itself: it waits, was gathered, or is switched off."""


_SETTLED = _Settled()


class DemoMailer:
    """Takes the mail of a demonstration fund and keeps it from leaving; its pages show it instead."""

    def send(self, letter: Letter) -> None:
        log.info("kept from leaving: %s", letter.message_id)


def wait_after(attempt: int) -> timedelta:
    """How long to wait after the `attempt`-th failure: a minute, then twice as long each time, at most half a day."""
    return min(_LONGEST_WAIT, _FIRST_WAIT * (1 << min(attempt - 1, 20)))


def deliver(now: datetime) -> int:
    """Send what is due, oldest first.

    Opens transactions of its own. Without a mail server everything waits. When the server can't be reached the run
    ends, so that one outage doesn't cost every message a long wait.

    Returns:
        How many messages the mail server took.
    """
    mailer = _mailer()
    sent = 0
    while mailer is not None and sent < MOST_PER_RUN and (message := _claim(now)) is not None:
        if isinstance(message, _Settled):
            continue
        try:
            mailer.send(_letter(message, now))
        except Exception as error:  # whatever it was, it must not keep the messages behind it from leaving
            log.warning(
                "message %s, attempt %d: %s",
                message.key,
                message.attempt,
                error,
                exc_info=not isinstance(error, OSError),
            )
            _put_back(message, error, now)
            if _server_away(error):
                break
        else:
            _mark_sent(message, now)
            sent += 1
    return sent


def _mailer() -> Mailer | None:
    """Where mail goes: nowhere from a demonstration fund, whatever mail server the process was given."""
    found = society()
    if found is None:
        return None
    if found.is_demo:
        return DemoMailer()
    return cast("Mailer | None", current_app.extensions["sicf_mailer"])


def _claim(now: datetime) -> _Claimed | _Settled | None:
    with transaction() as session:
        message = session.scalar(
            select(OutboxMessage)
            .where(
                OutboxMessage.sent_at.is_(None),
                OutboxMessage.withheld_at.is_(None),
                OutboxMessage.gathered_into_id.is_(None),
                OutboxMessage.next_attempt_at <= now,
            )
            .order_by(OutboxMessage.next_attempt_at, OutboxMessage.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if message is None:
            return None
        items = _items(message, now)
        if items is None or _waits(message, now):
            return _SETTLED
        message.attempts += 1
        message.next_attempt_at = now + LEASE
        return _Claimed(
            id=message.id,
            key=message.key,
            recipient=message.recipient,
            subject=message.subject,
            what=message.what,
            why=message.why,
            by_when=message.by_when,
            path=message.path,
            created_at=message.created_at,
            attempt=message.attempts,
            documents=tuple(one.document for one in (message, *items) if one.document),
            topics=() if message.holds_secret else contact.topics_of(message.id, topic_of(message.topic)),
            items=tuple(_Item(one.subject, one.what, one.why, one.by_when, one.path) for one in items),
        )


def _waits(message: OutboxMessage, now: datetime) -> bool:
    """Whether a due message doesn't leave by itself now, and if so what becomes of it."""
    topic = topic_of(message.topic)
    if not message.recipient:  # its reader was erased
        message.withheld_at = now
        return True
    if message.holds_secret or KINDS[topic].is_urgent:
        return False
    reader = contact.reader_of(message.recipient)
    mode = mode_of(topic, contact.choices_of(reader))
    if mode is Mode.OFF:
        message.withheld_at = now
        return True
    if mode is Mode.AT_ONCE or message.attempts:  # a mail server may have it already: never put it in another mail
        return False
    hour = policy_at(now).digest_hour
    due = digest_due(message.created_at, now, hour)
    if due > now:
        message.next_attempt_at = due
        return True
    digest = _digest_of_today(reader, message.recipient, now)
    if digest is None:
        message.next_attempt_at = next_digest(now, hour)
    else:
        message.gathered_into_id = digest.id
    return True


def _digest_of_today(reader: contact.Reader, address: str, now: datetime) -> OutboxMessage | None:
    """The reader's daily mail of today, made if there is none; None when it has been on its way already."""
    day = london_day(now)
    key = f"digest:{reader.name}:{day.isoformat()}"
    # In the outbox behind all that is due, so that everything else for this reader finds it before it leaves.
    mail(
        key=key,
        to=address,
        subject=f"Your daily mail of {in_words(day)}",
        what="This is what could wait until now, in one mail.",
        why="You asked for one mail a day, or never chose otherwise for what isn't urgent.",
        by_when="Each part says its own.",
        path="/account/messages",
        topic=Topic.DIGEST,
        now=now,
    )
    digest = db.session.scalars(select(OutboxMessage).where(OutboxMessage.key == key).with_for_update()).one()
    return digest if digest.attempts == 0 and digest.sent_at is None else None


def _items(message: OutboxMessage, now: datetime) -> list[OutboxMessage] | None:
    """What a daily mail carries; None when everything in it has been switched off since, and so nothing leaves."""
    if topic_of(message.topic) is not Topic.DIGEST:
        return []
    gathered = list(
        db.session.scalars(
            select(OutboxMessage)
            .where(OutboxMessage.gathered_into_id == message.id, OutboxMessage.withheld_at.is_(None))
            .order_by(OutboxMessage.id)
            .with_for_update()
        )
    )
    if message.attempts:  # the mail server may have it: the same mail again, or none
        return gathered
    chosen = contact.choices_of(contact.reader_of(message.recipient))
    for one in gathered:
        if mode_of(topic_of(one.topic), chosen) is Mode.OFF:
            one.withheld_at = now
    kept = [one for one in gathered if one.withheld_at is None]
    if not kept:
        message.withheld_at = now
        return None
    return kept


def _letter(message: _Claimed, now: datetime) -> Letter:
    settings: Settings = current_app.extensions["sicf_settings"]
    attachments = tuple(_attachment(name, now) for name in message.documents)
    fewer = settings.base_url + "/messages/" + contact.token_for(message.id, settings.secret_key)
    owner = society()
    text = current_app.jinja_env.get_template("email/digest.txt" if message.items else "email/message.txt").render(
        what=message.what,
        why=message.why,
        by_when=message.by_when,
        link=settings.base_url + message.path,
        base_url=settings.base_url,
        items=message.items,
        fewer=fewer if message.topics else "",
        attached=", ".join(attachment.filename for attachment in attachments),
        fund_name=owner.name if owner else "",
        fund_address=owner.address if owner else "",
    )
    db.session.rollback()  # what was read for the letter must not hold a transaction open while the server is spoken to
    host = urlsplit(settings.base_url).hostname or "localhost"
    mark = sha256(f"{message.key} {message.created_at.isoformat()}".encode()).hexdigest()[:32]
    return Letter(
        message_id=f"<{mark}@{host}>",
        to=message.recipient,
        subject=" ".join(message.subject.split()),
        text=text,
        attachments=attachments,
        unsubscribe=fewer if any(KINDS[topic].may_be_off for topic in message.topics) else None,
    )


def _attachment(name: str, now: datetime) -> Attachment:
    kind, reference = parse_name(name)
    with transaction():
        document = documents.issue(kind=kind, reference=reference, now=now)
        return Attachment(document.filename, document.content)


def _mark_sent(message: _Claimed, now: datetime) -> None:
    with transaction() as session:
        session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id == message.id, OutboxMessage.sent_at.is_(None))
            .values(sent_at=now, last_error=None)
        )
        session.execute(
            update(OutboxMessage)
            .where(
                OutboxMessage.gathered_into_id == message.id,
                OutboxMessage.sent_at.is_(None),
                OutboxMessage.withheld_at.is_(None),
            )
            .values(sent_at=now)
        )
        session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id == message.id, OutboxMessage.forget_when_sent.is_(True))
            .values(dict.fromkeys(("recipient", "subject", "what", "why", "by_when", "path"), ""))
        )
        found = society()
        if found is not None and not found.is_demo:  # a demonstration shows its mail, links and all
            session.execute(
                update(OutboxMessage).where(OutboxMessage.id == message.id, OutboxMessage.holds_secret).values(path="")
            )


def _put_back(message: _Claimed, error: Exception, now: datetime) -> None:
    """Try again later, unless somebody else has taken it up since."""
    with transaction() as session:
        session.execute(
            update(OutboxMessage)
            .where(
                OutboxMessage.id == message.id,
                OutboxMessage.sent_at.is_(None),
                OutboxMessage.attempts == message.attempt,
            )
            .values(
                next_attempt_at=now + wait_after(message.attempt), last_error=f"{type(error).__name__}: {error}"[:500]
            )
        )


def _server_away(error: Exception) -> bool:
    """Whether the next message would meet the same: no connection, none kept, or no entry."""
    if isinstance(error, smtplib.SMTPException):
        return isinstance(
            error, smtplib.SMTPServerDisconnected | smtplib.SMTPConnectError | smtplib.SMTPAuthenticationError
        )
    return isinstance(error, OSError)
