"""Messages to the outside world, written in the same transaction as what they tell of and delivered later.

A message that was decided is never lost and never sent twice: its key is unique, and delivery is marked in a
transaction of its own after the mail server has taken it.
"""

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from fund.kernel.db import Base, Id, db


class OutboxMessage(Base):
    """One mail. What, why and by when are kept apart so that every message says all three."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index(
            "ix_outbox_message_unsent",
            "next_attempt_at",
            sqlite_where=text("sent_at IS NULL"),
            postgresql_where=text("sent_at IS NULL"),
        ),
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
) -> None:
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
    """
    session = db.session()
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    values = {
        "key": key,
        "recipient": to,
        "subject": subject,
        "what": what,
        "why": why,
        "by_when": by_when,
        "path": path,
        "holds_secret": holds_secret,
        "document": document,
        "created_at": now,
        "next_attempt_at": now,
        "attempts": 0,
    }
    session.execute(insert(OutboxMessage).values(values).on_conflict_do_nothing(index_elements=["key"]))
