"""The platform's tables: groups, accounts, users, tokens, dub points, recordings, parts, notifications."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

SCHEMA_VERSION = 3
FACETS = ("status", "recording_type", "starred", "tagged", "duration", "size")
"""What lists filter by and count; at the end of an index they are answered from it alone."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, naive UTC in the database, the same on SQLite and PostgreSQL."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware in, naive UTC out."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Naive UTC in, aware out."""
        return None if value is None else value.replace(tzinfo=UTC)


def chars(length: int) -> TypeEngine[str]:
    """Text of so many characters as a rule. PostgreSQL, like SQLite, takes more too and sorts it by code points."""
    return String(length).with_variant(Text(collation="C"), "postgresql")


BigId = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """Root of the mapped classes."""

    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON, list[Any]: JSON, int: BigId}  # noqa: RUF012


class Dated:
    """Rows that tell when they were made and last changed."""

    date_created: Mapped[datetime]
    date_updated: Mapped[datetime]


class SchemaVersion(Base):
    """One row: which version of this file made the tables."""

    __tablename__ = "schema_version"
    version: Mapped[int] = mapped_column(Integer, primary_key=True)


class Group(Dated, Base):
    """A provider's or customer's group: holds accounts and further groups."""

    __tablename__ = "groups"
    id: Mapped[str] = mapped_column(chars(20), primary_key=True)
    name: Mapped[str] = mapped_column(chars(128))
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("groups.id"), index=True)


class Account(Dated, Base):
    """One customer; its id is a slug of its name."""

    __tablename__ = "accounts"
    id: Mapped[str] = mapped_column(chars(64), primary_key=True)
    group_id: Mapped[str] = mapped_column(ForeignKey("groups.id"), index=True)
    name: Mapped[str] = mapped_column(chars(128))
    status: Mapped[str] = mapped_column(chars(16), default="Active")
    dubber_address: Mapped[str] = mapped_column(chars(128), default="")
    time_zone: Mapped[str] = mapped_column(chars(64), default="UTC")
    address: Mapped[str] = mapped_column(chars(255), default="")
    phone: Mapped[str] = mapped_column(chars(50), default="")
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """``metadata`` on the wire."""


class User(Dated, Base):
    """Someone who may sign in; its id is a slug of its user name."""

    __tablename__ = "users"
    id: Mapped[str] = mapped_column(chars(128), primary_key=True)
    account_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    group_id: Mapped[str | None] = mapped_column(ForeignKey("groups.id"))
    """Set for group authentication: this user speaks for the group and everything below it."""
    username: Mapped[str] = mapped_column(chars(254), unique=True)
    first_name: Mapped[str] = mapped_column(chars(128), default="")
    last_name: Mapped[str] = mapped_column(chars(128), default="")
    role: Mapped[str] = mapped_column(chars(20), default="Standard User")
    confirmed: Mapped[bool] = mapped_column(Boolean, default=False)
    mobile_number: Mapped[str] = mapped_column(chars(50), default="")
    language: Mapped[str] = mapped_column(chars(5), default="en")
    password_hash: Mapped[str | None] = mapped_column(chars(255))


class Client(Base):
    """A program registered for the API."""

    __tablename__ = "clients"
    id: Mapped[str] = mapped_column(chars(64), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(chars(64))
    active: Mapped[bool] = mapped_column(Boolean, default=True)


class Token(Base):
    """An access token with its refresh token; only their digests are kept."""

    __tablename__ = "tokens"
    access_hash: Mapped[str] = mapped_column(chars(64), primary_key=True)
    refresh_hash: Mapped[str | None] = mapped_column(chars(64), unique=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    access_expires_at: Mapped[datetime]
    refresh_expires_at: Mapped[datetime] = mapped_column(index=True)


class DubPoint(Dated, Base):
    """The link between one line on a phone platform and one user; without an account it is unidentified."""

    __tablename__ = "dub_points"
    __table_args__ = (
        UniqueConstraint("external_type", "service_provider", "external_group", "external_identifier"),
        Index("dub_points_by_group", "group_id", "account_id", "id"),
    )
    id: Mapped[str] = mapped_column(chars(20), primary_key=True)
    group_id: Mapped[str] = mapped_column(ForeignKey("groups.id"))
    account_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"), index=True)
    external_type: Mapped[str | None] = mapped_column(chars(20))
    service_provider: Mapped[str | None] = mapped_column(chars(80))
    external_group: Mapped[str | None] = mapped_column(chars(80))
    external_identifier: Mapped[str | None] = mapped_column(chars(161))
    type: Mapped[str] = mapped_column(chars(10), default="Recorder")
    label: Mapped[str] = mapped_column(chars(128), default="")
    product: Mapped[str] = mapped_column(chars(20), default="reserved")
    number: Mapped[str] = mapped_column(chars(50), default="")
    playback: Mapped[bool] = mapped_column(Boolean, default=True)
    ai: Mapped[bool] = mapped_column(Boolean, default=False)
    status: Mapped[str] = mapped_column(chars(16), default="Active")


class Recording(Dated, Base):
    """One recording; without an account it waits on its group's unidentified list."""

    __tablename__ = "recordings"
    __table_args__ = (
        Index("recordings_listed_account", "account_id", "id", "status"),
        Index("recordings_browse_account", "account_id", "start_time", "id", "user_id", "dub_point_id", *FACETS),
        Index("recordings_browse_user", "user_id", "account_id", "start_time", "id", "dub_point_id", *FACETS),
        Index("recordings_browse_dub_point", "dub_point_id", "account_id", "start_time", "id", "user_id", *FACETS),
        Index("recordings_browse_group", "group_id", "start_time", "id", "account_id", "user_id", *FACETS),
        Index(
            "recordings_browse_starred",
            *("starred", "account_id", "start_time", "id", "user_id", "dub_point_id"),
            *(facet for facet in FACETS if facet != "starred"),
            sqlite_where=text("starred IS 1"),
            postgresql_where=text("starred IS true"),
        ),
        Index("recordings_listed_user", "user_id", "id", "status"),
        Index("recordings_listed_group", "group_id", "account_id", "id", "status"),
        Index("recordings_unfinished", "status", "upload_expires_at"),
        Index("recordings_retention", "expiry_time"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    group_id: Mapped[str] = mapped_column(ForeignKey("groups.id"))
    account_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    dub_point_id: Mapped[str | None] = mapped_column(ForeignKey("dub_points.id", ondelete="SET NULL"))
    to: Mapped[str] = mapped_column(chars(50))
    to_label: Mapped[str] = mapped_column(chars(128), default="")
    from_: Mapped[str] = mapped_column("from", chars(50))
    from_label: Mapped[str] = mapped_column(chars(128), default="")
    call_type: Mapped[str] = mapped_column(chars(16))
    recording_type: Mapped[str] = mapped_column(chars(16), default="recording")
    channel: Mapped[str] = mapped_column(chars(128), default="")
    status: Mapped[str] = mapped_column(chars(16))
    """``Uploading`` until its audio is complete, then ``Active``; ``Do Not Record`` when the audio was not kept."""
    start_time: Mapped[datetime]
    end_time: Mapped[datetime | None]
    duration: Mapped[int | None] = mapped_column(Integer)
    """Seconds."""
    expiry_time: Mapped[datetime]
    transfers: Mapped[list[Any]] = mapped_column(default=list)
    additional_parties: Mapped[list[Any]] = mapped_column(default=list)
    meta_tags: Mapped[dict[str, Any]] = mapped_column(default=dict)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """``metadata`` on the wire."""
    starred: Mapped[bool] = mapped_column(Boolean, default=False)
    tagged: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """Whether it has tags; kept here too, so that an index can answer."""
    legal_hold: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """On hold nothing deletes it: no person, no retention."""
    hold_reason: Mapped[str] = mapped_column(chars(255), default="", server_default="")
    held_by: Mapped[str] = mapped_column(chars(254), default="", server_default="")
    """User name of who put it on hold last."""
    held_at: Mapped[datetime | None]
    withheld_reason: Mapped[str] = mapped_column(chars(255), default="", server_default="")
    """Why the audio was not kept, for ``Do Not Record``."""
    media_type: Mapped[str | None] = mapped_column(chars(32))
    size: Mapped[int | None]
    sha256: Mapped[str | None] = mapped_column(chars(64))
    parts_digest: Mapped[str | None] = mapped_column(chars(64))
    """Of the part list it was completed with, so that a repeated request is known again."""
    upload_expires_at: Mapped[datetime | None]


class Tag(Base):
    """One tag of one recording."""

    __tablename__ = "recording_tags"
    __table_args__ = (Index("recording_tags_by_tag", "tag", "recording_id"),)
    recording_id: Mapped[int] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(chars(25), primary_key=True)


class Part(Base):
    """One part of an upload whose bytes have arrived and were checked."""

    __tablename__ = "parts"
    recording_id: Mapped[int] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True)
    part_number: Mapped[int] = mapped_column(Integer, primary_key=True)
    md5: Mapped[str] = mapped_column(chars(32))
    """Hexadecimal; quoted, it is the ETag."""
    size: Mapped[int]


class Notification(Dated, Base):
    """A rest hook of an account or a group."""

    __tablename__ = "notifications"
    id: Mapped[str] = mapped_column(chars(20), primary_key=True)
    account_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    group_id: Mapped[str | None] = mapped_column(ForeignKey("groups.id"), index=True)
    post_url: Mapped[str] = mapped_column(chars(2000))
    event_type: Mapped[str] = mapped_column(chars(32))
    include_data: Mapped[bool] = mapped_column(Boolean, default=False)
    status: Mapped[str] = mapped_column(chars(16), default="Pending")
    error: Mapped[str | None] = mapped_column(chars(255))
    secret: Mapped[str] = mapped_column(chars(64))
    """Sent as ``X-Hook-Secret``, so it cannot be kept as a digest."""


class Delivery(Base):
    """An event on its way to a rest hook."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("deliveries_due", "unclaimed", "due_at"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    notification_id: Mapped[str] = mapped_column(ForeignKey("notifications.id", ondelete="CASCADE"), index=True)
    recording_id: Mapped[int]
    event_type: Mapped[str] = mapped_column(chars(32))
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    unclaimed: Mapped[bool] = mapped_column(Boolean, default=False)
