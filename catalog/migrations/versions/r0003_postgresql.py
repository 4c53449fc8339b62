"""PostgreSQL keeps text as SQLite does: of any length, and in the order of its code points."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change every column of text; its length and the database's language no longer count."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    looked = sa.inspect(connection)
    for table in looked.get_table_names():
        for column in looked.get_columns(table):
            if isinstance(column["type"], sa.VARCHAR):
                op.alter_column(table, column["name"], type_=sa.Text(collation="C"))
