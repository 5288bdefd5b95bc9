"""Members and people."""

from alembic import op
from sqlalchemy import inspect
from sqlalchemy import text as sql
from sqlalchemy.engine import Connection
from sqlalchemy.schema import CreateColumn

from fund.kernel.db import db
from fund.migrations import guards

revision = "0002_members_and_people"
down_revision = "0001_the_fund"
branch_labels = None
depends_on = None

APPEND_ONLY: tuple[str, ...] = (
    "setting",
    "rule_text",
    "setting_change_step",
    "rules_clause",
    "group_decision",
    "membership_event",
    "officer_address",
)


def _fill_words(bind: Connection) -> None:
    """The words of the names that are there, by which organisations are found from now on."""
    rows = bind.execute(sql("SELECT id, name_key FROM organisation ORDER BY id")).all()
    words = [{"word": word, "id": key} for key, name in rows for word in sorted(set(name.split()))]
    if words:
        bind.execute(sql("INSERT INTO organisation_word (word, organisation_id) VALUES (:word, :id)"), words)


def upgrade() -> None:
    bind = op.get_bind()
    before = inspect(bind)
    for table in db.metadata.sorted_tables:
        if table.name not in before.get_table_names():
            continue
        there = {column["name"] for column in before.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                text = str(CreateColumn(column).compile(dialect=bind.dialect)).strip()
                for key in column.foreign_keys:
                    text += f" REFERENCES {key.column.table.name} ({key.column.name})"
                bind.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {text}")
        indexes = {index["name"] for index in before.get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in indexes:
                index.create(bind)
    db.metadata.create_all(bind)
    _fill_words(bind)
    for table in APPEND_ONLY:
        for statement in guards.append_only(table, bind.dialect.name):
            bind.exec_driver_sql(statement)
