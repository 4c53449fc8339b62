"""The tables. Nothing here that PostgreSQL could not do; the migrations say the same, and a test compares them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def chars(length: int) -> TypeEngine[str]:
    """Text of so many characters as a rule. PostgreSQL, like SQLite, takes more too and sorts it by code points."""
    return String(length).with_variant(Text(collation="C"), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Only aware datetimes go in; UTC comes out, also where the database keeps no zone (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; ValueError for a time without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time in the catalogue must have a time zone")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """In UTC, and saying so."""
        if value is None:
            return None
        assert isinstance(value, datetime)
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


changes = Table(
    "changes",
    metadata,
    Column("topic", chars(32), primary_key=True),
    Column("version", Integer, nullable=False),
)

subscribers = Table(
    "subscribers",
    metadata,
    Column("number", chars(32), primary_key=True),
    Column("name", chars(128), nullable=False),
    Column("language", chars(8), nullable=False),
    Column("mailbox", Boolean, nullable=False),
    Column("no_answer_s", Integer, nullable=False),
    Column("mode", chars(64), nullable=False),
    Column("announce_internal", Boolean, nullable=False),
    Column("announce_pstn", Boolean, nullable=False),
    Column("notification", chars(32), nullable=False),
    Column("reminder_s", Integer),
    Column("record_voicemail", Boolean, nullable=False),
    Column("external_type", chars(32)),
    Column("service_provider", chars(30)),
    Column("external_group", chars(30)),
    Column("external_identifier", chars(161)),
    Column("realm", chars(255)),
    Column("ha1_md5", chars(32)),
    Column("ha1_sha256", chars(64)),
    Column("updated_at", UtcDateTime, nullable=False),
    # The name as it is sought and sorted by: without case and accents (catalog.folding).
    Column("name_key", chars(128), nullable=False, server_default=""),
    Index("ix_subscribers_name_key", "name_key", "number"),
    Index("ix_subscribers_mode", "mode", "number"),
)

settings = Table(
    "settings",
    metadata,
    Column("key", chars(64), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

calls = Table(
    "calls",
    metadata,
    Column("call_id", chars(128), primary_key=True),
    Column("external_tracking_id", chars(64), nullable=False),
    Column("caller_number", chars(128), nullable=False),
    Column("caller_label", chars(255), nullable=False),
    Column("callee_number", chars(128), nullable=False),
    Column("callee_label", chars(255), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("answered_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("result", chars(64)),
    Column("cause", chars(255)),
    Index("ix_calls_started_at", "started_at", "call_id"),
    Index("ix_calls_external_tracking_id", "external_tracking_id"),
    Index("ix_calls_caller_number", "caller_number", "started_at", "call_id"),
    Index("ix_calls_callee_number", "callee_number", "started_at", "call_id"),
)

call_events = Table(
    "call_events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("call_id", chars(128), ForeignKey("calls.call_id", ondelete="CASCADE"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", chars(64), nullable=False),
    Column("data", JSON, nullable=False),
    Index("ix_call_events_call_id", "call_id", "id"),
)

recordings = Table(
    "recordings",
    metadata,
    Column("recording_id", chars(128), primary_key=True),
    Column("call_id", chars(128), nullable=False),
    Column("user", chars(32), nullable=False),
    Column("mode", chars(64), nullable=False),
    Column("recording_type", chars(16), nullable=False),
    Column("call_type", chars(16), nullable=False),
    Column("result", chars(32), nullable=False),
    Column("caller_number", chars(128), nullable=False),
    Column("callee_number", chars(128), nullable=False),
    Column("external_tracking_id", chars(64), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime, nullable=False),
    Column("duration_ms", Float, nullable=False),
    Column("salvaged", Boolean, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("local", Boolean, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Index("ix_recordings_started_at", "started_at", "recording_id"),
    Index("ix_recordings_call_id", "call_id"),
    Index("ix_recordings_user", "user", "started_at"),
)

upload_jobs = Table(
    "upload_jobs",
    metadata,
    Column("recording_id", chars(128), ForeignKey("recordings.recording_id", ondelete="CASCADE"), primary_key=True),
    Column("state", chars(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    Column("last_error", Text),
    Column("remote_id", chars(64)),
    Column("progress", JSON, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_upload_jobs_state", "state", "next_at"),
    Index("ix_upload_jobs_updated_at", "updated_at", "state"),
)

portal_accounts = Table(
    "portal_accounts",
    metadata,
    Column("username", chars(64), primary_key=True),
    Column("name", chars(128), nullable=False),
    Column("role", chars(16), nullable=False),
    Column("number", chars(32)),
    Column("language", chars(8)),
    Column("password_hash", chars(255)),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_portal_accounts_number", "number"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", chars(64), nullable=False),
    Column("action", chars(64), nullable=False),
    Column("subject", chars(128), nullable=False),
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
    Column("address", chars(64), nullable=False),
    Index("ix_audit_actor", "actor", "id"),
    Index("ix_audit_action", "action", "id"),
    Index("ix_audit_subject", "subject", "id"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", chars(32), primary_key=True),
    Column("digest", chars(64), nullable=False),
    Column("name", chars(128), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("number", chars(32)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
    Index("ix_api_tokens_digest", "digest", unique=True),
)

provisioning = Table(
    "provisioning",
    metadata,
    Column("number", chars(32), ForeignKey("subscribers.number", ondelete="CASCADE"), primary_key=True),
    Column("status", chars(16), nullable=False),
    Column("problem", Text, nullable=False),
    Column("user_id", chars(128)),
    Column("dub_point_id", chars(128)),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_provisioning_status", "status", "next_at", "number"),
)
