"""The database: declarative base, column types, and the one place that commits.

SQLite is the embedded default and PostgreSQL the database for many users; both are held to the same behaviour.
A writer on SQLite takes its lock at the start (BEGIN IMMEDIATE): a deferred transaction that reads first and writes
later loses updates or fails with "database is locked" half way.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, CheckConstraint, Constraint, DateTime, Enum, Integer, MetaData, Table, Text, event
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, registry
from sqlalchemy.types import TypeDecorator

_WRITE = "sicf_write"
_DRIVER = "sicf_driver"


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in, aware UTC out, on both databases. A naive value is a bug and is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: give an aware one")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# BIGINT everywhere; SQLite numbers rows by itself only in a column declared INTEGER.
_key_type = BigInteger().with_variant(Integer(), "sqlite")

Id = Annotated[int, mapped_column(_key_type, primary_key=True)]
Key = Annotated[int, mapped_column(_key_type)]
"""A foreign key's column: `organisation_id: Mapped[Key] = mapped_column(ForeignKey("organisation.id"))`."""
Pence = Annotated[int, mapped_column(BigInteger())]
"""Money in whole pence, signed where the name says so."""


def _check_name(constraint: Constraint, _table: Table) -> str:
    """A check's own name, or for the values of a StrEnum its column's: a table may use one enumeration twice."""
    if isinstance(constraint, CheckConstraint) and getattr(constraint, "_type_bound", False):
        return str(constraint.columns[0].name)
    return str(constraint.name)


class Base(DeclarativeBase):
    """Base of every table. A StrEnum is stored as its value in text with a CHECK."""

    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(column_0_N_label)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "check_constraint_name": _check_name,
                "ck": "ck_%(table_name)s_%(check_constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={
            datetime: UtcDateTime(),
            str: Text(),
            StrEnum: Enum(
                StrEnum,
                native_enum=False,
                create_constraint=True,
                validate_strings=True,
                length=40,
                values_callable=lambda members: [member.value for member in members],
            ),
        },
    )


db = SQLAlchemy(model_class=Base)


@contextmanager
def transaction() -> Iterator[Session]:
    """One unit of work: yields the session, commits at the end, leaves nothing behind on an error.

    A view, command or job opens exactly one; services never commit.

    Raises:
        RuntimeError: when one is already open; two units of work must not become one by accident.
    """
    session = db.session()
    if session.info.get(_WRITE):
        raise RuntimeError("a transaction is already open")
    # What was read before (the signed-in person, say) came from a read transaction. It ends here, so that the writer
    # starts on fresh rows and, on SQLite, takes the write lock before its first read.
    session.rollback()
    session.info[_WRITE] = True
    try:
        session.info[_DRIVER] = Driver(session.connection(execution_options={_WRITE: True}))
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop(_WRITE, None)
        session.info.pop(_DRIVER, None)


class Driver:
    """A connection in its driver's own words, for the few statements of the write path where SQLAlchemy's result
    objects cost several times what the database does.
    """

    def __init__(self, connection: Connection) -> None:
        self._dialect = connection.dialect
        self._cursor = connection.connection.cursor()
        self.is_sqlite = self._dialect.name == "sqlite"
        self.ids: dict[str, int] = {}
        """Ids that a caller read and need not read again while this transaction is open."""

    def run(self, statement: str, *values: Any) -> Sequence[Any]:
        """Run a statement written with ? for its values; every row it gives.

        Raises:
            DBAPIError: as SQLAlchemy would raise it, so that callers handle one family of errors.
        """
        if not self.is_sqlite:
            statement = statement.replace("?", "%s")
        failure = self._dialect.loaded_dbapi.Error
        try:
            self._cursor.execute(statement, values)
            return self._cursor.fetchall() if self._cursor.description else ()
        except failure as error:
            raise DBAPIError.instance(statement, values, error, failure, dialect=self._dialect) from error

    def day(self, day: date) -> Any:
        """`day` as the driver stores it."""
        return day.isoformat() if self.is_sqlite else day

    def instant(self, instant: datetime) -> Any:
        """`instant` as the driver stores it."""
        if not self.is_sqlite:
            return instant
        return instant.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def driver() -> Driver:
    """The driver's side of the transaction that is open. What the session has not flushed it doesn't see.

    Raises:
        RuntimeError: when none is open.
    """
    session = db.session()
    if _DRIVER not in session.info:
        raise RuntimeError("no transaction is open")
    made: Driver = session.info[_DRIVER]
    return made


def prepare_engine(engine: Engine) -> None:
    """Attach the connection settings of the engine's database. Call once per engine."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite_connection)
        event.listen(engine, "begin", _begin_sqlite)


def _prepare_sqlite_connection(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN is deferred; ours is below
    # recursive_triggers: else INSERT OR REPLACE would delete rows past the triggers that refuse deleting.
    for pragma in (
        "foreign_keys=ON",
        "recursive_triggers=ON",
        "busy_timeout=30000",
        "journal_mode=WAL",
        "synchronous=FULL",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    options: dict[str, Any] = dict(connection.get_execution_options())
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(_WRITE) else "BEGIN")
