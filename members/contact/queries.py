"""Reads of what people chose to hear, and of messages by the link in them."""

from dataclasses import dataclass
from datetime import datetime

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import or_, select

from fund.kernel.db import db
from fund.kernel.outbox import OutboxMessage
from fund.kernel.topics import KINDS, Mode, Topic, topic_of
from members.accounts.models import Person
from members.accounts.rules import email_key
from members.contact.models import ContactChoice
from members.contact.rules import address_hash

_SALT = "contact"
LARGEST_ID = 2**63 - 1
WITHHELD_SHOWN = 50


@dataclass(frozen=True)
class Reader:
    """Who reads an address: somebody with an account, or the address alone."""

    person_id: int | None
    address_hash: str

    @property
    def name(self) -> str:
        """How keys and the audit name them, without their address."""
        return f"person:{self.person_id}" if self.person_id is not None else f"address:{self.address_hash[:16]}"


def reader_of(email: str) -> Reader:
    """Who reads this address."""
    person_id = db.session.scalar(select(Person.id).where(Person.email_key == email_key(email)))
    return Reader(person_id, address_hash(email))


def choices_of(reader: Reader) -> dict[Topic, Mode]:
    """What a reader chose, by kind; the later choice where there are two."""
    rows = db.session.execute(
        select(ContactChoice.topic, ContactChoice.mode)
        .where(
            or_(
                ContactChoice.address_hash == reader.address_hash,
                *(() if reader.person_id is None else (ContactChoice.person_id == reader.person_id,)),
            )
        )
        .order_by(ContactChoice.chosen_at, ContactChoice.id)
        .limit(4 * len(Topic))
    )
    known = set(Topic)
    return {Topic(topic): mode for topic, mode in rows if topic in known}


def withheld(email: str) -> list[OutboxMessage]:
    """Messages that stayed here because their kind is switched off, newest first, at most 50."""
    return list(
        db.session.scalars(
            select(OutboxMessage)
            .where(OutboxMessage.recipient == email, OutboxMessage.withheld_at.is_not(None))
            .order_by(OutboxMessage.id.desc())
            .limit(WITHHELD_SHOWN)
        )
    )


def token_for(message_id: int, secret_key: str) -> str:
    """What stands in a message's own link: its number, signed. It names nobody."""
    return str(URLSafeSerializer(secret_key, salt=_SALT).dumps(message_id))


@dataclass(frozen=True)
class Linked:
    """The message that a link stands for: who had it, and which of its kinds may be had otherwise."""

    message_id: int
    subject: str
    sent_on: datetime
    reader: Reader
    topics: tuple[Topic, ...]


def linked(token: str, secret_key: str) -> Linked | None:
    """What a link in a message stands for; None for one that we didn't sign or whose reader has been forgotten."""
    try:
        message_id = URLSafeSerializer(secret_key, salt=_SALT).loads(token)
    except BadSignature:
        return None
    if not isinstance(message_id, int) or not 0 < message_id <= LARGEST_ID:
        return None
    message = db.session.get(OutboxMessage, message_id)
    if message is None or not message.recipient:
        return None
    return Linked(
        message_id=message.id,
        subject=message.subject,
        sent_on=message.created_at,
        reader=reader_of(message.recipient),
        topics=topics_of(message.id, topic_of(message.topic)),
    )


def topics_of(message_id: int, topic: Topic) -> tuple[Topic, ...]:
    """The kinds of a message that may be had otherwise: its own, or for a daily mail those gathered in it."""
    held = {topic}
    if topic is Topic.DIGEST:
        stored = db.session.scalars(
            select(OutboxMessage.topic).where(OutboxMessage.gathered_into_id == message_id).distinct()
        )
        held = {topic_of(one) for one in stored}
    return tuple(one for one in Topic if one in held and not KINDS[one].is_urgent)
