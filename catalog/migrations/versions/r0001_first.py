"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from catalog.tables import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "changes",
        sa.Column("topic", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("topic", name="pk_changes"),
    )
    _subscribers()
    op.create_table(
        "settings",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_settings"),
    )
    _calls()
    _recordings()


def _subscribers() -> None:
    op.create_table(
        "subscribers",
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("mailbox", sa.Boolean, nullable=False),
        sa.Column("no_answer_s", sa.Integer, nullable=False),
        sa.Column("mode", sa.String(64), nullable=False),
        sa.Column("announce_internal", sa.Boolean, nullable=False),
        sa.Column("announce_pstn", sa.Boolean, nullable=False),
        sa.Column("notification", sa.String(32), nullable=False),
        sa.Column("reminder_s", sa.Integer),
        sa.Column("record_voicemail", sa.Boolean, nullable=False),
        sa.Column("external_type", sa.String(32)),
        sa.Column("service_provider", sa.String(30)),
        sa.Column("external_group", sa.String(30)),
        sa.Column("external_identifier", sa.String(161)),
        sa.Column("realm", sa.String(255)),
        sa.Column("ha1_md5", sa.String(32)),
        sa.Column("ha1_sha256", sa.String(64)),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_subscribers"),
    )


def _calls() -> None:
    op.create_table(
        "calls",
        sa.Column("call_id", sa.String(128), nullable=False),
        sa.Column("external_tracking_id", sa.String(64), nullable=False),
        sa.Column("caller_number", sa.String(128), nullable=False),
        sa.Column("caller_label", sa.String(255), nullable=False),
        sa.Column("callee_number", sa.String(128), nullable=False),
        sa.Column("callee_label", sa.String(255), nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("answered_at", UtcDateTime),
        sa.Column("ended_at", UtcDateTime),
        sa.Column("result", sa.String(64)),
        sa.Column("cause", sa.String(255)),
        sa.PrimaryKeyConstraint("call_id", name="pk_calls"),
    )
    op.create_index("ix_calls_started_at", "calls", ["started_at", "call_id"])
    op.create_index("ix_calls_external_tracking_id", "calls", ["external_tracking_id"])
    op.create_table(
        "call_events",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("call_id", sa.String(128), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_call_events"),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.call_id"], name="fk_call_events_call_id_calls", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_call_events_call_id", "call_events", ["call_id", "id"])


def _recordings() -> None:
    op.create_table(
        "recordings",
        sa.Column("recording_id", sa.String(128), nullable=False),
        sa.Column("call_id", sa.String(128), nullable=False),
        sa.Column("user", sa.String(32), nullable=False),
        sa.Column("mode", sa.String(64), nullable=False),
        sa.Column("recording_type", sa.String(16), nullable=False),
        sa.Column("call_type", sa.String(16), nullable=False),
        sa.Column("result", sa.String(32), nullable=False),
        sa.Column("caller_number", sa.String(128), nullable=False),
        sa.Column("callee_number", sa.String(128), nullable=False),
        sa.Column("external_tracking_id", sa.String(64), nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime, nullable=False),
        sa.Column("duration_ms", sa.Float, nullable=False),
        sa.Column("salvaged", sa.Boolean, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("local", sa.Boolean, nullable=False),
        sa.Column("added_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("recording_id", name="pk_recordings"),
    )
    op.create_index("ix_recordings_started_at", "recordings", ["started_at", "recording_id"])
    op.create_index("ix_recordings_call_id", "recordings", ["call_id"])
    op.create_index("ix_recordings_user", "recordings", ["user", "started_at"])
    op.create_table(
        "upload_jobs",
        sa.Column("recording_id", sa.String(128), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", UtcDateTime, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("remote_id", sa.String(64)),
        sa.Column("progress", sa.JSON, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("recording_id", name="pk_upload_jobs"),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recordings.recording_id"],
            name="fk_upload_jobs_recording_id_recordings",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_upload_jobs_state", "upload_jobs", ["state", "next_at"])
