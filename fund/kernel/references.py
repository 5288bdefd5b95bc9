"""Human references, which people quote in meetings and on bank transfers: P-2026-014, GM-0012."""

from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from fund.kernel.db import Base, db


class Counter(Base):
    """The last number given out in a series."""

    __tablename__ = "counter"

    series: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int]


def next_number(series: str) -> int:
    """The next number of `series`, from 1. Two transactions never get the same one."""
    session = db.session()
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    statement = (
        insert(Counter)
        .values(series=series, last=1)
        .on_conflict_do_update(index_elements=["series"], set_={"last": Counter.last + 1})
        .returning(Counter.last)
    )
    return session.execute(statement).scalar_one()


def next_reference(prefix: str, *, year: int | None = None, digits: int = 3) -> str:
    """The next reference with `prefix`: "P-2026-014" with a year, "GM-0012" without one."""
    series = prefix if year is None else f"{prefix}-{year}"
    return f"{series}-{next_number(series):0{digits}d}"
