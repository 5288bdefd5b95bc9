"""Choosing how to hear from the fund, signed in or by the link in a message."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fund.kernel import audit
from fund.kernel.access import Actor
from fund.kernel.db import db
from fund.kernel.errors import Finding, require
from fund.kernel.topics import KINDS, Mode, Topic
from members.accounts.models import Person
from members.contact import queries
from members.contact.models import ContactChoice
from members.contact.queries import Linked, Reader
from members.contact.rules import modes_now


def choose(*, modes: Mapping[Topic, Mode], actor: Actor, now: datetime) -> int:
    """Choose on one's own page; returns how many kinds changed.

    Raises:
        RuleBroken: for a kind that can't be had that way, naming each.
    """
    require(
        [
            Finding(f"“{KINDS[topic].name}” can't be had that way. {KINDS[topic].fixed_because}", topic.value)
            for topic, mode in modes.items()
            if mode not in KINDS[topic].modes
        ]
    )
    email = db.session.scalars(select(Person.email).where(Person.id == actor.person_id).with_for_update()).one()
    reader = queries.reader_of(email)
    before = modes_now(queries.choices_of(reader))
    changed = {topic: mode for topic, mode in modes.items() if before[topic] is not mode}
    _write(reader, changed, before, actor, now)
    return len(changed)


def choose_by_link(*, found: Linked, mode: Mode, now: datetime) -> tuple[Topic, ...]:
    """Choose by the link in a message, without an account: whoever has the message may. Returns what is so now.

    A daily mail may hold kinds that can't be switched off; those stay as they are.
    """
    topics = tuple(topic for topic in found.topics if mode in KINDS[topic].modes)
    before = modes_now(queries.choices_of(found.reader))
    _write(found.reader, {topic: mode for topic in topics if before[topic] is not mode}, before, None, now)
    return topics


def _write(
    reader: Reader, modes: Mapping[Topic, Mode], before: Mapping[Topic, Mode], actor: Actor | None, now: datetime
) -> None:
    session = db.session()
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    whose = "person_id" if reader.person_id is not None else "address_hash"
    for topic, mode in modes.items():
        session.execute(
            insert(ContactChoice)
            .values({whose: getattr(reader, whose), "topic": topic.value, "mode": mode, "chosen_at": now})
            .on_conflict_do_update(index_elements=[whose, "topic"], set_={"mode": mode, "chosen_at": now})
        )
    if modes:
        audit.record(
            actor,
            "contact.chosen" if actor else "contact.chosen_by_link",
            reader.name,
            at=now,
            before={topic.value: before[topic].value for topic in modes},
            after={topic.value: mode.value for topic, mode in modes.items()},
        )
