"""The books: restricted accounts, card payments, instalments, invoices and write-offs."""

from pathlib import Path

from alembic import op
from sqlalchemy.engine import Connection

from fund.migrations import guards, reshape

revision = "0003_the_books"
down_revision = "0002_members_and_people"
branch_labels = None
depends_on = None

APPEND_ONLY = ("receipt_share", "invoice", "credit_note")
KINDS_OF_ACCOUNT = (
    "'bank', 'suspense', 'in_transit', 'contributions', 'grants_paid', 'available', 'committed', 'authority', "
    "'stripe', 'receivable', 'promised', 'shares', 'refunds', 'fees', 'interest', 'grants_payable', 'shortfall'"
)
WIDENED = (
    ("account", "ck_account_kind", f"kind IN ({KINDS_OF_ACCOUNT})"),
    ("document", "ck_document_kind", "kind IN ('receipt', 'proposal', 'agreement', 'invoice', 'credit_note')"),
    ("pledge", "ck_pledge_state", "state IN ('pledged', 'part_paid', 'paid', 'cancelled', 'written_off')"),
)


def upgrade() -> None:
    bind = op.get_bind()
    dialect = bind.dialect.name
    for table, name, condition in WIDENED:
        reshape.allow(bind, table, name, condition)
    reshape.make_optional(bind, "receipt", "statement_line_id")
    tables = Path(__file__).with_name(f"{revision}.{dialect}.sql").read_text(encoding="utf-8")
    for statement in tables.split("\n;\n"):
        if statement.strip():
            bind.exec_driver_sql(statement)
    _fill_instalments(bind)
    for statement in guards.account_guards_of_restrictions(dialect):
        bind.exec_driver_sql(statement)
    for statement in [statement for table in APPEND_ONLY for statement in guards.append_only(table, dialect)]:
        bind.exec_driver_sql(statement)


def _fill_instalments(bind: Connection) -> None:
    """A pledge of before there were instalments is one instalment, due by the terms of payment."""
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
