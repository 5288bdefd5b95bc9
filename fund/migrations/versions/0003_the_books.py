"""The books: restricted funds, card payments, invoices, reconciliation, payment runs, years."""

import re

from alembic import op
from sqlalchemy import CheckConstraint, inspect
from sqlalchemy.schema import CreateColumn

import fund.app  # noqa: F401  (it knows every table)
from fund.kernel.db import db
from fund.migrations import guards, reshape

revision = "0003_the_books"
down_revision = "0002_members_and_people"
branch_labels = None
depends_on = None

APPEND_ONLY: tuple[str, ...] = ("receipt_share", "invoice", "credit_note")


def upgrade() -> None:
    bind = op.get_bind()
    before = inspect(bind)
    names = before.get_table_names()
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
        old = {check["name"]: re.sub(r"\W", "", check["sqltext"]) for check in before.get_check_constraints(table.name)}
        for check in table.constraints:
            if isinstance(check, CheckConstraint):
                name = str(check.name)
                condition = str(check.sqltext.compile(dialect=bind.dialect, compile_kwargs={"literal_binds": True}))
                if name in old and bind.dialect.name == "sqlite" and re.sub(r"\W", "", condition) != old[name]:
                    reshape.allow(bind, table.name, name, condition)
                if name in old and bind.dialect.name == "postgresql":
                    values = set(re.findall(r"'(\w+)'", condition))
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
    db.metadata.create_all(bind)
    # A pledge of before there were instalments is one instalment, due by the terms of payment.
    due_on = (
        "date(pledged_at, '+30 days')" if bind.dialect.name == "sqlite" else "(pledged_at + interval '30 days')::date"
    )
    bind.exec_driver_sql(
        "INSERT INTO pledge_instalment (pledge_id, number, reference, reference_key, due_on, pence, paid_pence, "
        "written_off_pence, invoiced_pence, state) SELECT id, 1, reference, reference_key, "
        f"{due_on}, pence, paid_pence, 0, 0, CASE state WHEN 'paid' THEN 'paid' WHEN 'cancelled' THEN 'cancelled' "
        "ELSE 'open' END FROM pledge ORDER BY id"
    )
    bind.exec_driver_sql(
        "INSERT INTO receipt_share (receipt_id, instalment_id, pence) SELECT receipt.id, pledge_instalment.id, "
        "receipt.pence FROM receipt JOIN pledge_instalment ON pledge_instalment.pledge_id = receipt.pledge_id"
    )
    for statement in guards.account_guards_of_restrictions(bind.dialect.name):
        bind.exec_driver_sql(statement)
    for table_name in APPEND_ONLY:
        for statement in guards.append_only(table_name, bind.dialect.name):
            bind.exec_driver_sql(statement)
