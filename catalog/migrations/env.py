"""Alembic's entry: migrates the connection that ``catalog.engine`` hands over."""

from __future__ import annotations

from alembic import context

from catalog.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
