"""Messages to the outside world, written in the same transaction as what they tell of and delivered later.

A message that was decided is never lost and never sent twice: its key is unique, and delivery is marked in a
transaction of its own after the mail server has taken it. One that its reader gathers or has switched off leaves with
the daily mail, or stays here to be read on their page; `fund.delivery` asks at the moment it would leave.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from fund.kernel.db import Base, Id, Key, db
from fund.kernel.topics import Topic

_WAITING = "sent_at IS NULL AND withheld_at IS NULL AND gathered_into_id IS NULL"


class OutboxMessage(Base):
    """One mail. What, why and by when are kept apart so that every message says all three.

    `gathered_into_id` is the daily mail that carries it; `withheld_at` is when it would have left, had its reader not
    switched its kind off.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index(
            "ix_outbox_message_unsent",
            "next_attempt_at",
            sqlite_where=text("sent_at IS NULL"),
            postgresql_where=text("sent_at IS NULL"),
        ),
        Index(
            "ix_outbox_message_due",
            "next_attempt_at",
            "id",
            sqlite_where=text(_WAITING),
            postgresql_where=text(_WAITING),
        ),
        Index("ix_outbox_message_gathered_into_id", "gathered_into_id"),
        Index("ix_outbox_message_recipient", "recipient"),
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(unique=True)
    recipient: Mapped[str]
    subject: Mapped[str]
    what: Mapped[str]
    why: Mapped[str]
    by_when: Mapped[str]
    path: Mapped[str]
    holds_secret: Mapped[bool]
    document: Mapped[str | None]
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]
    topic: Mapped[str | None]
    withheld_at: Mapped[datetime | None]
    gathered_into_id: Mapped[Key | None]
    forget_when_sent: Mapped[bool | None]


def mail(
    *,
    key: str,
    to: str,
    subject: str,
    what: str,
    why: str,
    path: str,
    now: datetime,
    by_when: str = "Nothing is needed by a date.",
    document: str | None = None,
    holds_secret: bool = False,
    topic: Topic = Topic.NOTICE,
    forget_when_sent: bool = False,
) -> bool:
    """Put a mail in the outbox; the same key again changes nothing.

    Args:
        key: unique for what the message is about, such as "receipt:RC-2026-0001".
        to: e-mail address.
        subject: one line.
        what: what happened or is asked, in a sentence or two.
        why: why this person gets it.
        path: path of the page to go to next; the address of the site is put before it at delivery.
        now: the instant of writing.
        by_when: the date by which something is needed.
        holds_secret: the path holds a token; it is forgotten once the mail server has taken the message.
        document: "kind:reference" of a document to attach, made by `fund.documents` at delivery.
        forget_when_sent: its reader has been erased; once this has left, neither it nor their address is kept.
        topic: its kind (`fund.kernel.topics`), on which its reader's choice depends; a notice always leaves at once.

    Returns:
        Whether this call put it there.
    """
    values = _row(
        Mail(key, to, subject, what, why, path, by_when, document, topic),
        now,
        holds_secret=holds_secret,
        forget_when_sent=forget_when_sent,
    )
    put = db.session.execute(_once().values(values).returning(OutboxMessage.id))
    return put.scalar_one_or_none() is not None


@dataclass(frozen=True)
class Mail:
    """A mail as `mail` takes it, for `mail_all`."""

    key: str
    to: str
    subject: str
    what: str
    why: str
    path: str
    by_when: str
    document: str | None
    topic: Topic


def mail_all(mails: Iterable[Mail], *, now: datetime) -> None:
    """Put many mails in the outbox at once; a key that is there already changes nothing."""
    if rows := [_row(one, now) for one in mails]:
        db.session.connection().execute(_once(), rows)


def _once() -> Any:
    """Insert a row unless its key is there."""
    insert = postgresql_insert if db.session().get_bind().dialect.name == "postgresql" else sqlite_insert
    return insert(OutboxMessage).on_conflict_do_nothing(index_elements=["key"])


def _row(mail: Mail, now: datetime, *, holds_secret: bool = False, forget_when_sent: bool = False) -> dict[str, Any]:
    return {
        "key": mail.key,
        "recipient": mail.to,
        "subject": mail.subject,
        "what": mail.what,
        "why": mail.why,
        "by_when": mail.by_when,
        "path": mail.path,
        "holds_secret": holds_secret,
        "document": mail.document,
        "created_at": now,
        "next_attempt_at": now,
        "attempts": 0,
        "topic": mail.topic.value,
        "forget_when_sent": forget_when_sent,
    }
