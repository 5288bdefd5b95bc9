"""Payment runs, saved Direct Debits, learned names, signed reconciliations, and an index of names."""

from pathlib import Path

from alembic import op

from fund.migrations import finding, guards, reshape

revision = "0005_runs_and_reconciliations"
down_revision = "0004_the_bank_and_years"
branch_labels = None
depends_on = None

APPEND_ONLY = ("reconciliation", "reconciliation_decision")
WIDENED = (
    (
        "account",
        "ck_account_kind",
        "kind IN ('bank', 'suspense', 'in_transit', 'contributions', 'grants_paid', 'available', 'committed', "
        "'authority', 'stripe', 'receivable', 'promised', 'shares', 'refunds', 'fees', 'interest', 'grants_payable', "
        "'grants_owed', 'shortfall')",
    ),
    (
        "card_checkout",
        "ck_card_checkout_state",
        "state IN ('planned', 'wanted', 'open', 'on_its_way', 'paid', 'failed', 'expired', 'dropped')",
    ),
    (
        "provider_event",
        "ck_provider_event_kind",
        "kind IN ('completed', 'paid', 'failed', 'expired', 'taken_back', 'given_again', 'refunded', 'refund_failed', "
        "'paid_out', 'payout_failed', 'mandate_given', 'mandate_expired', 'mandate_lost', 'debit_paid', "
        "'debit_failed', 'other')",
    ),
)


def upgrade() -> None:
    bind = op.get_bind()
    dialect = bind.dialect.name
    for table, name, condition in WIDENED:
        reshape.allow(bind, table, name, condition)
    tables = Path(__file__).with_name(f"{revision}.{dialect}.sql").read_text(encoding="utf-8")
    for statement in tables.split("\n;\n"):
        if statement.strip():
            bind.exec_driver_sql(statement)
    for statement in [statement for table in APPEND_ONLY for statement in guards.append_only(table, dialect)]:
        bind.exec_driver_sql(statement)
    finding.index_names(bind)
