"""The bank asks and checks, years are closed, and money is kept for what it was given for."""

from pathlib import Path

from alembic import op

from fund.migrations import guards, posting

revision = "0004_the_bank_and_years"
down_revision = "0003_the_books"
branch_labels = None
depends_on = None

APPEND_ONLY = ("modulus_weights", "closing", "closed_period", "fit_judgement")


def upgrade() -> None:
    bind = op.get_bind()
    dialect = bind.dialect.name
    tables = Path(__file__).with_name(f"{revision}.{dialect}.sql").read_text(encoding="utf-8")
    for statement in tables.split("\n;\n"):
        if statement.strip():
            bind.exec_driver_sql(statement)
    bind.exec_driver_sql("DROP INDEX ix_account_kind_owner")
    bind.exec_driver_sql(
        "UPDATE payee SET name_check = 'paid_before' WHERE id IN "
        "(SELECT payee_id FROM payment_order WHERE state = 'confirmed')"
    )
    for statement in [statement for table in APPEND_ONLY for statement in guards.append_only(table, dialect)]:
        bind.exec_driver_sql(statement)
    for statement in guards.closed_days(dialect):
        bind.exec_driver_sql(statement)
    if dialect == "postgresql":
        bind.exec_driver_sql(posting.POST_TRANSFER)
