"""From the outbox to the mail server.

A message is claimed in a short transaction by moving its next attempt to the end of a lease; the mail server is spoken
to outside any transaction; the outcome is written in another. Two deliverers never hold one message at once, and one
that dies leaves it to the next when the lease ends. A message is lost to nothing: what fails is tried again, ever more
seldom, with the error kept.
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
from fund.kernel.db import db, transaction
from fund.kernel.outbox import OutboxMessage
from fund.kernel.society import society
from fund.mail import Attachment, Letter, Mailer

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
    document: str | None
    created_at: datetime
    attempt: int


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


def _claim(now: datetime) -> _Claimed | None:
    with transaction() as session:
        message = session.scalar(
            select(OutboxMessage)
            .where(OutboxMessage.sent_at.is_(None), OutboxMessage.next_attempt_at <= now)
            .order_by(OutboxMessage.next_attempt_at, OutboxMessage.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if message is None:
            return None
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
            document=message.document,
            created_at=message.created_at,
            attempt=message.attempts,
        )


def _letter(message: _Claimed, now: datetime) -> Letter:
    settings: Settings = current_app.extensions["sicf_settings"]
    attachments: tuple[Attachment, ...] = ()
    if message.document:
        kind, reference = parse_name(message.document)
        with transaction():
            document = documents.issue(kind=kind, reference=reference, now=now)
            attachments = (Attachment(document.filename, document.content),)
    owner = society()
    text = current_app.jinja_env.get_template("email/message.txt").render(
        what=message.what,
        why=message.why,
        by_when=message.by_when,
        link=settings.base_url + message.path,
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
    )


def _mark_sent(message: _Claimed, now: datetime) -> None:
    with transaction() as session:
        session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id == message.id, OutboxMessage.sent_at.is_(None))
            .values(sent_at=now, last_error=None)
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
