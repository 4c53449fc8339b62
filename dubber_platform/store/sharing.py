"""Links that let anybody who has them hear one recording, until they expire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from dubber_platform.config import Chance
from dubber_platform.secrets_at_rest import digest_token
from dubber_platform.store.companions import ShareLink
from dubber_platform.store.refused import RefusedError, Why
from dubber_platform.store.schema import Recording
from dubber_platform.store.visibility import ACTIVE, Right, Viewer, visible

SHARE_MAX = timedelta(days=90)
LINKS_MAX = 20
"""Of one recording at a time."""
TOKEN_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareView:
    """One link, without its secret."""

    id: str
    recording_id: int
    author: str
    date_created: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewShare:
    """A link just made."""

    share: ShareView
    token: str
    """The secret of its address; this is the only time it is known."""


def share(
    session: Session, viewer: Viewer, recording_id: int, *, expires_at: datetime, now: datetime, ids: Chance
) -> NewShare:
    """A new link, good until ``expires_at``: at most ``SHARE_MAX`` from now."""
    visible(session, viewer, recording_id, Right.SHARE)
    if expires_at <= now:
        raise RefusedError(Why.PAST, "expires_at")
    if expires_at - now > SHARE_MAX:
        raise RefusedError(Why.TOO_FAR, "expires_at", limit=SHARE_MAX.days)
    session.execute(delete(ShareLink).where(ShareLink.expires_at <= now))
    if int(session.scalar(select(func.count()).where(ShareLink.recording_id == recording_id)) or 0) >= LINKS_MAX:
        raise RefusedError(Why.TOO_MANY, "shares", limit=LINKS_MAX)
    token = ids.token_urlsafe(32)
    row = ShareLink(
        id=ids.token_hex(10),
        recording_id=recording_id,
        token_hash=digest_token(token),
        user_id=viewer.user_id,
        author=viewer.name,
        date_created=now,
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    return NewShare(share=_view(row), token=token)


def unshare(session: Session, viewer: Viewer, recording_id: int, share_id: str) -> None:
    """The link is good no more. Whoever may share may also end links of others."""
    visible(session, viewer, recording_id)
    row = session.get(ShareLink, share_id)
    if row is None or row.recording_id != recording_id:
        raise RefusedError(Why.UNKNOWN, "share")
    if row.user_id != viewer.user_id:
        visible(session, viewer, recording_id, Right.SHARE)
    session.delete(row)
    session.flush()


def shares(session: Session, viewer: Viewer, recording_id: int, *, now: datetime) -> tuple[ShareView, ...]:
    """The links that are good now, newest first."""
    visible(session, viewer, recording_id)
    rows = (
        select(ShareLink)
        .where(ShareLink.recording_id == recording_id, ShareLink.expires_at > now)
        .order_by(ShareLink.date_created.desc(), ShareLink.id)
    )
    return tuple(_view(row) for row in session.scalars(rows))


def shared(session: Session, token: str, *, now: datetime) -> tuple[Recording, ShareView] | None:
    """What a link opens; None when it is unknown, ended or expired, or there is no audio."""
    if len(token) > TOKEN_MAX:
        return None
    row = session.scalar(
        select(ShareLink).where(ShareLink.token_hash == digest_token(token), ShareLink.expires_at > now)
    )
    recording = session.get(Recording, row.recording_id) if row else None
    if row is None or recording is None or recording.status != ACTIVE:
        return None
    return recording, _view(row)


def _view(row: ShareLink) -> ShareView:
    return ShareView(
        id=row.id,
        recording_id=row.recording_id,
        author=row.author,
        date_created=row.date_created,
        expires_at=row.expires_at,
    )
