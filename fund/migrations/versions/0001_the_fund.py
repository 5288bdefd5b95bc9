"""The fund's first shape: its tables as text, and the guards over them."""

from pathlib import Path

from alembic import op

from fund.migrations import guards

revision = "0001_the_fund"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "audit_entry",
    "sector_decision",
    "receipt",
    "transfer",
    "entry",
    "seal",
    "proposal_version",
    "moderation",
    "report_review",
    "automatic_conflict",
    "conflict_declaration",
    "declared_conflict",
    "vote_change",
    "item_result",
    "roll_entry",
    "document",
    "approval",
    "signature",
    "due_diligence_item",
    "prior_assistance",
)


def upgrade() -> None:
    bind = op.get_bind()
    dialect = bind.dialect.name
    tables = Path(__file__).with_name(f"{revision}.{dialect}.sql").read_text(encoding="utf-8")
    for statement in tables.split("\n;\n"):
        if statement.strip():
            bind.exec_driver_sql(statement)
    laid = [statement for table in APPEND_ONLY for statement in guards.append_only(table, dialect)]
    laid += guards.published_framework(dialect) + guards.account_guards(dialect) + guards.entry_guards(dialect)
    for statement in laid:
        bind.exec_driver_sql(statement)
