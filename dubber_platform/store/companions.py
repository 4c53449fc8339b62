"""The tables around recordings and users: notes, share links, what search looks in, do-not-record numbers, teams."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dubber_platform.store.schema import Base, Dated, chars


class Note(Base):
    """What somebody wrote about a recording."""

    __tablename__ = "notes"
    __table_args__ = (Index("notes_by_recording", "recording_id", "id"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    recording_id: Mapped[int] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    author: Mapped[str] = mapped_column(chars(257))
    """The name at the time; it outlives the user."""
    text: Mapped[str] = mapped_column(chars(2000))
    date_created: Mapped[datetime]


class ShareLink(Base):
    """Whoever has the link may hear the recording until it expires; only the token's digest is kept."""

    __tablename__ = "share_links"
    id: Mapped[str] = mapped_column(chars(20), primary_key=True)
    recording_id: Mapped[int] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(chars(64), unique=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    author: Mapped[str] = mapped_column(chars(257))
    date_created: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SearchText(Base):
    """The words of one recording as search looks for them, folded and parted by single spaces.

    The index of the database stands on this table: see ``search.py``.
    """

    __tablename__ = "recording_search"
    recording_id: Mapped[int] = mapped_column(
        ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    words: Mapped[str] = mapped_column(Text)
    """Of the recording itself: numbers, labels, channel, tags, metadata, notes."""
    owner: Mapped[str] = mapped_column(Text, default="")
    """Of its user's names."""
    place: Mapped[str] = mapped_column(Text, default="")
    """Of its dub point's label and number."""


class DoNotRecord(Base):
    """A number whose calls with one user keep their facts, but not their audio."""

    __tablename__ = "do_not_record"
    __table_args__ = (UniqueConstraint("user_id", "plain"),)
    id: Mapped[str] = mapped_column(chars(20), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    number: Mapped[str] = mapped_column(chars(50))
    """As it was typed."""
    plain: Mapped[str] = mapped_column(chars(50))
    """As numbers are compared."""
    reason: Mapped[str] = mapped_column(chars(255))
    author: Mapped[str] = mapped_column(chars(257))
    date_created: Mapped[datetime]


class Team(Dated, Base):
    """People of an account who work with the recordings of certain users."""

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("account_id", "name"),)
    id: Mapped[str] = mapped_column(chars(20), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(chars(128))


class TeamMember(Base):
    """Someone in a team, as Listener, Contributor or Manager."""

    __tablename__ = "team_members"
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(chars(20))


class TeamReach(Base):
    """A user whose recordings a team works with."""

    __tablename__ = "team_reach"
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
