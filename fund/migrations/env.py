"""Runs migrations inside the application's context, on its own engine."""

from alembic import context
from flask import current_app

from fund.kernel.db import db

with current_app.app_context(), db.engine.connect() as connection:
    context.configure(connection=connection, target_metadata=db.metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
