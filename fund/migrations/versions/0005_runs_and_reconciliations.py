"""Payment runs, matching and reconciliations."""

import re

from alembic import op
from sqlalchemy import CheckConstraint, inspect
from sqlalchemy.schema import CreateColumn

import fund.app  # noqa: F401  (it knows every table)
from fund.kernel.db import db
from fund.migrations import finding, guards, reshape

revision = "0005_runs_and_reconciliations"
down_revision = "0004_the_bank_and_years"
branch_labels = None
depends_on = None

APPEND_ONLY: tuple[str, ...] = ("reconciliation", "reconciliation_decision")


def upgrade() -> None:
    bind = op.get_bind()
    before = inspect(bind)
    names = before.get_table_names()
    db.metadata.create_all(bind)  # first, because a new column of an old table may name a new one
    for table in db.metadata.sorted_tables:
        if table.name not in names:
            continue
        there = {column["name"]: column for column in before.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                text = str(CreateColumn(column).compile(dialect=bind.dialect)).strip()
                for key in column.foreign_keys:
                    name = f"fk_{table.name}_{column.name}_{key.column.table.name}"
                    text += f" CONSTRAINT {name} REFERENCES {key.column.table.name} ({key.column.name})"
                bind.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {text}")
        old = {check["name"]: str(check["sqltext"]) for check in before.get_check_constraints(table.name)}
        for check in table.constraints:
            if isinstance(check, CheckConstraint):
                name = str(check.name)
                condition = str(check.sqltext.compile(dialect=bind.dialect, compile_kwargs={"literal_binds": True}))
                values = set(re.findall(r"'(\w+)'", condition))
                if bind.dialect.name == "sqlite" and values - set(re.findall(r"'(\w+)'", old.get(name, condition))):
                    reshape.allow(bind, table.name, name, condition)
                if name in old and bind.dialect.name == "postgresql":
                    held = bind.exec_driver_sql(
                        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", (name,)
                    ).scalar_one()
                    if values - set(re.findall(r"'(\w+)'", held)):
                        reshape.allow(bind, table.name, name, condition)
        for column in table.columns:
            if column.name in there and column.nullable and not there[column.name]["nullable"]:
                reshape.make_optional(bind, table.name, column.name)
        indexes = {index["name"] for index in before.get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in indexes:
                index.create(bind)
    for table_name in APPEND_ONLY:
        for statement in guards.append_only(table_name, bind.dialect.name):
            bind.exec_driver_sql(statement)
    finding.index_names(bind)
