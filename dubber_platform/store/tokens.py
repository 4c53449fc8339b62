"""Access and refresh tokens: issued, found, rotated, revoked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from dubber_platform.config import Chance
from dubber_platform.secrets_at_rest import digest_token
from dubber_platform.store.schema import Client, Token, User


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """The two secrets, the only time they are known in clear."""

    access_token: str
    refresh_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long tokens last."""

    access_s: int
    refresh_s: int


def client_with_secret(session: Session, client_id: str, secret: str) -> Client | None:
    """The client, when the secret is its own."""
    client = session.get(Client, client_id)
    return client if client is not None and client.secret_hash == digest_token(secret) else None


def user_named(session: Session, username: str) -> User | None:
    """The user who signs in as ``username``."""
    return session.scalar(select(User).where(User.username == username.lower()))


def issue(
    session: Session, ids: Chance, now: datetime, lifetimes: Lifetimes, *, client_id: str, user_id: str
) -> IssuedToken:
    """A new pair; what has lapsed is cleared away on the occasion."""
    session.execute(delete(Token).where(Token.refresh_expires_at <= now))
    issued = IssuedToken(access_token=ids.token_urlsafe(32), refresh_token=ids.token_urlsafe(32))
    session.add(
        Token(
            access_hash=digest_token(issued.access_token),
            refresh_hash=digest_token(issued.refresh_token),
            client_id=client_id,
            user_id=user_id,
            access_expires_at=now + timedelta(seconds=lifetimes.access_s),
            refresh_expires_at=now + timedelta(seconds=lifetimes.refresh_s),
        )
    )
    return issued


def holder_of(session: Session, access_token: str, now: datetime) -> tuple[Token, User, Client] | None:
    """Who an access token stands for; None when it is unknown or too old."""
    found = session.execute(
        select(Token, User, Client)
        .join(User, Token.user_id == User.id)
        .join(Client, Token.client_id == Client.id)
        .where(Token.access_hash == digest_token(access_token), Token.access_expires_at > now)
    ).first()
    return None if found is None else (found[0], found[1], found[2])


def take_refresh(session: Session, refresh_token: str, client_id: str, now: datetime) -> str | None:
    """Spend a refresh token: its pair is gone, the user's id is the answer; None when it is no good."""
    token = session.scalar(
        select(Token).where(
            Token.refresh_hash == digest_token(refresh_token),
            Token.client_id == client_id,
            Token.refresh_expires_at > now,
        )
    )
    if token is None:
        return None
    session.delete(token)
    return token.user_id


def revoke(session: Session, token: str, client_id: str) -> None:
    """Forget the pair an access or refresh token belongs to."""
    digest = digest_token(token)
    session.execute(
        delete(Token).where(
            or_(Token.access_hash == digest, Token.refresh_hash == digest), Token.client_id == client_id
        )
    )
