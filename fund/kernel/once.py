"""One form, one effect: a form sent again answers with what the first sending did."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from fund.kernel.db import Base, Key, db


@dataclass(frozen=True)
class Done:
    """What an act led to: a sentence for the person and the path of the next page."""

    message: str
    path: str


class FormSubmission(Base):
    """A form that was acted on, and what it led to."""

    __tablename__ = "form_submission"

    form_id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[Key | None]
    at: Mapped[datetime] = mapped_column(index=True)
    message: Mapped[str]
    path: Mapped[str]


def once(form_id: str, *, person_id: int | None, now: datetime, work: Callable[[], Done]) -> Done:
    """Do `work` if this form was not acted on before, else give the first answer again. Inside a transaction.

    Two sendings at one moment: the second waits on the unique key until the first has committed, then reads its answer.
    A form id that another person used is not theirs to read; the work is then done under the person's own key.
    """
    session = db.session()
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    key = f"{person_id or 'anyone'}:{form_id}"
    claimed = session.execute(
        insert(FormSubmission)
        .values(form_id=key, person_id=person_id, at=now, message="", path="")
        .on_conflict_do_nothing(index_elements=["form_id"])
        .returning(FormSubmission.form_id)
    ).scalar_one_or_none()
    if claimed is None:
        first = session.get_one(FormSubmission, key)
        return Done(first.message, first.path)
    done = work()
    session.execute(
        update(FormSubmission).where(FormSubmission.form_id == key).values(message=done.message, path=done.path)
    )
    return done
