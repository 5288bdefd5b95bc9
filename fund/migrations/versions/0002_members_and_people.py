"""Members and people: registers, offices, second steps, what people want to hear, settings, prospects, brokerage."""

from pathlib import Path

from alembic import op
from sqlalchemy import text
from sqlalchemy.engine import Connection

from fund.migrations import guards

revision = "0002_members_and_people"
down_revision = "0001_the_fund"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "setting",
    "rule_text",
    "setting_change_step",
    "rules_clause",
    "group_decision",
    "membership_event",
    "officer_address",
)


def upgrade() -> None:
    bind = op.get_bind()
    dialect = bind.dialect.name
    tables = Path(__file__).with_name(f"{revision}.{dialect}.sql").read_text(encoding="utf-8")
    for statement in tables.split("\n;\n"):
        if statement.strip():
            bind.exec_driver_sql(statement)
    _fill_words(bind)
    for statement in [statement for table in APPEND_ONLY for statement in guards.append_only(table, dialect)]:
        bind.exec_driver_sql(statement)


def _fill_words(bind: Connection) -> None:
    """The words of the names that are there, by which organisations are found from now on."""
    rows = bind.execute(text("SELECT id, name_key FROM organisation ORDER BY id")).all()
    words = [{"word": word, "id": key} for key, name in rows for word in sorted(set(name.split()))]
    if words:
        bind.execute(text("INSERT INTO organisation_word (word, organisation_id) VALUES (:word, :id)"), words)
