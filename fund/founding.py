"""Bringing a fund into being: the database's shape, the society, the starter framework, the first steward."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

import fund.reporting.service
import members.accounts.service
from fund.kernel import audit
from fund.kernel.access import Role
from fund.kernel.db import db, transaction
from fund.kernel.errors import Conflict
from fund.kernel.society import Society, SocietyType, society


class Shape(StrEnum):
    """How the database's shape stands to what this code needs."""

    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"
    FOREIGN = "foreign"


@dataclass(frozen=True)
class Plan:
    """The five answers that a fund begins with.

    Attributes:
        year_end: month and day of the last day of the year of account.
        steward: name and e-mail address of the first steward.
    """

    name: str
    society_type: SocietyType
    year_end: tuple[int, int]
    steward: tuple[str, str]
    address: str


def _alembic() -> Config:
    return Config(str(files("fund") / "migrations" / "alembic.ini"))


def shape() -> Shape:
    """How the database stands. Reads only."""
    with db.engine.connect() as connection:
        heads = set(MigrationContext.configure(connection).get_current_heads())
        tables = set(inspect(connection).get_table_names()) - {"alembic_version"}
    script = ScriptDirectory.from_config(_alembic())
    if not heads:
        return Shape.FOREIGN if tables else Shape.EMPTY
    if heads == set(script.get_heads()):
        return Shape.CURRENT
    known = {revision.revision for revision in script.walk_revisions()}
    return Shape.OLDER if heads <= known else Shape.NEWER


def migrate() -> None:
    """Bring the database to the shape of this code; one that has it stays as it is."""
    command.upgrade(_alembic(), "head")


def found(plan: Plan, now: datetime) -> str:
    """Make the fund, in one transaction. The database has its shape and holds no fund.

    Returns:
        The token of the first steward's invitation; it is kept nowhere and can't be shown again.

    Raises:
        Conflict: a fund is there already.
    """
    month, day = plan.year_end
    with transaction() as session:
        if (there := society()) is not None:
            raise Conflict(f"This database holds a fund already: {there.name}. Nothing was changed.")
        session.add(
            Society(
                id=1,
                name=plan.name,
                society_type=plan.society_type,
                address=plan.address,
                year_end_month=month,
                year_end_day=day,
                is_demo=False,
                founded_at=now,
            )
        )
        session.flush()
        fund.reporting.service.load_starter_framework(now)
        name, email = plan.steward
        token: str = members.accounts.service.invite(
            name=name, email=email, role=Role.STEWARD, organisation_id=None, invited_by=None, now=now
        )
        audit.record(None, "fund.founded", plan.name, at=now, after={"society_type": plan.society_type.value})
    return token


def parse_year_end(text: str) -> tuple[int, int]:
    """Month and day of "31 March", "31/3" or "31-03".

    Raises:
        ValueError: with a sentence that says how to write it. 29 February is refused: most years have none.
    """
    words = text.replace("/", " ").replace("-", " ").replace(".", " ").split()
    months = [date(2025, month, 1).strftime("%B").lower() for month in range(1, 13)]
    try:
        day_text, month_text = words
        named = [
            number
            for number, name in enumerate(months, 1)
            if len(month_text) >= 3 and name.startswith(month_text.lower())
        ]
        month = named[0] if named else int(month_text)
        found_day = date(2025, month, int(day_text))
    except ValueError:
        raise ValueError("Write the last day of your year of account as a day and a month, such as 31 March.") from None
    return found_day.month, found_day.day


def empty() -> None:
    """Remove every table of the database, and what the tables' guards left behind. For demonstrations only."""
    with transaction() as session:
        connection = session.connection()
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")  # until the last table is gone
        ending = "" if connection.dialect.name == "sqlite" else " CASCADE"
        for name in inspect(connection).get_table_names():
            connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{name}"{ending}')
        if connection.dialect.name == "postgresql":
            for name in connection.exec_driver_sql(_OWN_FUNCTIONS).scalars().all():
                connection.exec_driver_sql(f"DROP FUNCTION {name} CASCADE")


_OWN_FUNCTIONS = """
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace
AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
