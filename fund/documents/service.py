"""Issuing documents: made once, kept, and the same bytes ever after."""

from datetime import datetime
from hashlib import sha256

from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fund.documents import queries
from fund.documents.models import Document
from fund.documents.rules import Kind
from fund.kernel.db import db

__all__ = ["check", "issue"]


def issue(*, kind: Kind, reference: str, now: datetime) -> Document:
    """The issued document; made and kept if it is the first time that it is asked for in its present edition.

    Who may have it is the caller's question (`queries.require_reader`).

    Raises:
        NotFound: when there is nothing to make it from.
    """
    source = queries.source(kind, reference)
    found = queries.issued(kind, reference, source.edition)
    if found is not None:
        return found
    content = source.draw()
    session = db.session()
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    session.execute(
        insert(Document)
        .values(
            kind=kind,
            reference=reference,
            edition=source.edition,
            sha256=sha256(content).hexdigest(),
            content=content,
            issued_at=now,
        )
        .on_conflict_do_nothing(index_elements=["kind", "reference", "edition"])
    )
    found = queries.issued(kind, reference, source.edition)
    assert found is not None
    return found


def check() -> list[str]:
    """Sentences that name what was altered since it was issued, frozen or signed; the first first."""
    return list(queries.altered())
