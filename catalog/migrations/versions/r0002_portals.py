"""What the portals need: people who sign in, tokens, the audit log, provisioning, and indexes for their lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from catalog.folding import folded
from catalog.tables import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    _lists()
    _accounts()
    _audit()
    op.create_table(
        "provisioning",
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("user_id", sa.String(128)),
        sa.Column("dub_point_id", sa.String(128)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_provisioning"),
        sa.ForeignKeyConstraint(
            ["number"], ["subscribers.number"], name="fk_provisioning_number_subscribers", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_provisioning_status", "provisioning", ["status", "next_at", "number"])


def _lists() -> None:
    op.add_column("subscribers", sa.Column("name_key", sa.String(128), nullable=False, server_default=""))
    connection = op.get_bind()
    users = sa.table("subscribers", sa.column("number"), sa.column("name"), sa.column("name_key"))
    for row in connection.execute(sa.select(users.c.number, users.c.name)).all():
        known = users.c.number == row.number
        connection.execute(users.update().where(known).values(name_key=folded(row.name)[:128]))
    op.create_index("ix_subscribers_name_key", "subscribers", ["name_key", "number"])
    op.create_index("ix_subscribers_mode", "subscribers", ["mode", "number"])
    op.create_index("ix_calls_caller_number", "calls", ["caller_number", "started_at", "call_id"])
    op.create_index("ix_calls_callee_number", "calls", ["callee_number", "started_at", "call_id"])
    op.create_index("ix_upload_jobs_updated_at", "upload_jobs", ["updated_at", "state"])


def _accounts() -> None:
    op.create_table(
        "portal_accounts",
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("number", sa.String(32)),
        sa.Column("language", sa.String(8)),
        sa.Column("password_hash", sa.String(255)),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("username", name="pk_portal_accounts"),
    )
    op.create_index("ix_portal_accounts_number", "portal_accounts", ["number"])
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("number", sa.String(32)),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("last_used_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
    )
    op.create_index("ix_api_tokens_digest", "api_tokens", ["digest"], unique=True)


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("before", sa.JSON),
        sa.Column("after", sa.JSON),
        sa.Column("address", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_actor", "audit", ["actor", "id"])
    op.create_index("ix_audit_action", "audit", ["action", "id"])
    op.create_index("ix_audit_subject", "audit", ["subject", "id"])
