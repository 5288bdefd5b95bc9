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


def next_number(series: str, *, count: int = 1) -> int:
    """The next number of `series`, from 1. Two transactions never get the same one.

    Args:
        count: how many to take at once; the last of them is given back.
    """
    session = db.session()
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    statement = (
        insert(Counter)
        .values(series=series, last=count)
        .on_conflict_do_update(index_elements=["series"], set_={"last": Counter.last + count})
        .returning(Counter.last)
    )
    return session.execute(statement).scalar_one()


def next_reference(prefix: str, *, year: int | None = None, digits: int = 3) -> str:
    """The next reference with `prefix`: "P-2026-014" with a year, "GM-0012" without one."""
    series = prefix if year is None else f"{prefix}-{year}"
    return f"{series}-{next_number(series):0{digits}d}"


def next_references(prefix: str, *, count: int, digits: int = 3) -> list[str]:
    """The next `count` references with `prefix`, in order."""
    last = next_number(prefix, count=count)
    return [f"{prefix}-{number:0{digits}d}" for number in range(last - count + 1, last + 1)]
