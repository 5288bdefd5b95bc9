"""Changing what a column of an old table may hold, on both databases.

SQLite can't alter a CHECK or a NOT NULL. Its manual (ALTER TABLE, section 7) allows both to be changed in the text of
the schema where the rows themselves stay as they are, which is so where a rule is only loosened.
"""

import re

from sqlalchemy.engine import Connection


def allow(bind: Connection, table: str, name: str, condition: str) -> None:
    """Replace the CHECK `name` of `table` by `condition`, which every row there must already meet.

    Raises:
        ValueError: where the table has no such CHECK.
    """
    if bind.dialect.name == "postgresql":
        bind.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        bind.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({condition})")
        return
    _rewrite(bind, table, rf"CONSTRAINT {name} CHECK \(.*?\)(?=,?\s*\n)", f"CONSTRAINT {name} CHECK ({condition})")


def make_optional(bind: Connection, table: str, column: str) -> None:
    """Let `column` of `table` be empty from now on.

    Raises:
        ValueError: where it may be already.
    """
    if bind.dialect.name == "postgresql":
        bind.exec_driver_sql(f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL")
        return
    _rewrite(bind, table, rf'(\n\s+"?{column}"? [^\n]*?) NOT NULL', r"\1")


def _rewrite(bind: Connection, table: str, pattern: str, replacement: str) -> None:
    where = "WHERE type = 'table' AND name = ?"
    old = bind.exec_driver_sql(f"SELECT sql FROM sqlite_schema {where}", (table,)).scalar_one()
    new, count = re.subn(pattern, replacement, old)
    if count != 1:
        raise ValueError(f"{table} has not just one place like {pattern}")
    version = bind.exec_driver_sql("PRAGMA schema_version").scalar_one()
    bind.exec_driver_sql("PRAGMA writable_schema = ON")
    bind.exec_driver_sql(f"UPDATE sqlite_schema SET sql = ? {where}", (new, table))
    bind.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema = RESET")
