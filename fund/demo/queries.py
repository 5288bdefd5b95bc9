"""Reads of the mail that a demonstration fund "sent"."""

from sqlalchemy import func, select

from fund.kernel.db import db
from fund.kernel.outbox import OutboxMessage

PAGE_LENGTH = 40


def mail_sent(before_id: int | None) -> list[OutboxMessage]:
    """The newest messages below `before_id`, newest first, at most PAGE_LENGTH."""
    statement = select(OutboxMessage).order_by(OutboxMessage.id.desc()).limit(PAGE_LENGTH)
    if before_id is not None:
        statement = statement.where(OutboxMessage.id < before_id)
    return list(db.session.scalars(statement))


def mail_count() -> int:
    """How many messages there are."""
    return db.session.scalar(select(func.count()).select_from(OutboxMessage)) or 0


def message(message_id: int) -> OutboxMessage | None:
    """One message."""
    return db.session.get(OutboxMessage, message_id) if 0 < message_id < 2**63 else None


def gathered(message_id: int) -> list[OutboxMessage]:
    """What a daily mail carries, at most 200."""
    return list(
        db.session.scalars(
            select(OutboxMessage)
            .where(OutboxMessage.gathered_into_id == message_id)
            .order_by(OutboxMessage.id)
            .limit(200)
        )
    )
