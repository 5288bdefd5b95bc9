"""Forms kept for somebody who has to sign in again, or to give their second step, before they can be sent.

What is kept is shown again, filled in, to the same person acting for the same organisation; nothing is ever sent by
itself. See `members.accounts.models.HeldForm`.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from fund.kernel.db import db
from fund.kernel.sealing import CannotOpen, seal, unseal
from members.accounts import queries, rules
from members.accounts.models import HeldForm

_PURPOSE = "held forms"


@dataclass(frozen=True)
class Held:
    """A kept form: where it was to go, for whom, and its pairs of names and values in order."""

    path: str
    acting_for_id: int | None
    pairs: list[tuple[str, str]]
    had_files: bool


def hold(
    *,
    person_id: int,
    acting_for_id: int | None,
    path: str,
    pairs: list[tuple[str, str]],
    had_files: bool,
    now: datetime,
) -> str | None:
    """Keep what somebody typed; returns the token that finds it again, or None where it is too long to keep."""
    text = json.dumps(rules.held_fields(pairs))
    if len(text.encode()) > rules.LARGEST_HELD_BYTES:
        return None
    oldest_kept = db.session.scalar(
        select(HeldForm.id)
        .where(HeldForm.person_id == person_id)
        .order_by(HeldForm.id.desc())
        .offset(rules.MOST_HELD - 1)
        .limit(1)
    )
    if oldest_kept is not None:
        db.session.execute(delete(HeldForm).where(HeldForm.person_id == person_id, HeldForm.id <= oldest_kept))
    token = rules.new_token()
    db.session.add(
        HeldForm(
            token_hash=rules.token_hash(token),
            person_id=person_id,
            acting_for_id=acting_for_id,
            path=path,
            fields=seal(text, _PURPOSE),
            had_files=had_files,
            created_at=now,
        )
    )
    db.session.flush()
    return token


def held(*, token: str, person_id: int, now: datetime) -> Held | None:
    """What is kept under `token` for this person; None for anybody else, and when it is too old to open."""
    found = db.session.scalar(
        select(HeldForm).where(
            HeldForm.token_hash == rules.token_hash(token),
            HeldForm.person_id == person_id,
            HeldForm.created_at > now - rules.HOLD_LENGTH,
        )
    )
    if found is None:
        return None
    try:
        pairs = json.loads(unseal(found.fields, _PURPOSE))
    except CannotOpen:
        return None
    return Held(found.path, found.acting_for_id, [(name, value) for name, value in pairs], found.had_files)


def owner_of(session_token: str) -> tuple[int, int | None] | None:
    """For whom a form from a browser that was signed out may be kept: the person, and the organisation acted for."""
    session = queries.session_by_token(session_token)
    if session is None or session.is_half or session.person.disabled_at is not None:
        return None
    actor = queries.actor_of(session.person_id, session.person.name, session.acting_for_id)
    return actor.person_id, actor.organisation_id
