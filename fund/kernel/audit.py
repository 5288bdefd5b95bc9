"""Who did what, when, and what it changed. Written in the same transaction as the change, never altered."""

import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from fund.kernel.access import Actor
from fund.kernel.db import Base, Id, Key, driver

Values = Mapping[str, str | int | bool | None]


class AuditEntry(Base):
    """One act. Append-only: the database refuses to update or delete it. `actor_id` is empty for the scheduler."""

    __tablename__ = "audit_entry"

    id: Mapped[Id]
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[Key | None]
    organisation_id: Mapped[Key | None]
    action: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    before: Mapped[dict[str, object]] = mapped_column(JSON)
    after: Mapped[dict[str, object]] = mapped_column(JSON)


def record(
    actor: Actor | None,
    action: str,
    subject: str,
    *,
    at: datetime,
    before: Values | None = None,
    after: Values | None = None,
) -> None:
    """Write down an act.

    Args:
        actor: who; None is the scheduler.
        action: past tense, dotted by folder, such as "pledge.made".
        subject: the human reference of what it was done to, such as "P-2026-014".
        before: the values it replaced, by name.
        after: the values now, by name.
    """
    # In the driver's words: an object for each row would cost as much as posting a transfer does.
    books = driver()
    books.run(
        'INSERT INTO audit_entry (at, actor_id, organisation_id, action, subject, "before", "after") '
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        books.instant(at),
        actor.person_id if actor else None,
        actor.organisation_id if actor else None,
        action,
        subject,
        as_json(before),
        as_json(after),
    )


def as_json(values: Values | None) -> str:
    """What `before` and `after` hold of `values`."""
    return json.dumps(dict(values)) if values else "{}"
