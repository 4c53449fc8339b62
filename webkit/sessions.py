"""Who is signed in. Sessions live in memory: a restart of the server signs everybody out and loses nothing else."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

IDLE_S: Final = 8 * 3600.0
LONGEST_S: Final = 7 * 86400.0
MAX_SESSIONS: Final = 10_000
MAX_NOTICES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody who is signed in, as the site's own data have them at this moment."""

    user: str
    """The name they sign in with."""
    name: str
    role: str
    """One of the site's roles; every route says which may come in."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What else the site knows them by (a subscriber's number, an account)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A sentence shown on the next page, once."""

    kind: str
    """``success``, ``info``, ``warning`` or ``error``."""
    text: str


@dataclass(slots=True, kw_only=True)
class Session:
    """What is kept of one browser between two requests."""

    user: str
    since: float
    seen: float
    notices: list[Notice] = field(default_factory=list)


class Sessions:
    """Sessions by token. Tokens are 256 random bits; only their digests are held."""

    def __init__(self, now: Callable[[], float]) -> None:
        """``now`` is monotonic seconds."""
        self._now = now
        self._key = secrets.token_bytes(32)
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    @staticmethod
    def new_token() -> str:
        """For a browser that has none."""
        return secrets.token_urlsafe(32)

    def csrf(self, token: str) -> str:
        """What forms of the browser with this token must carry."""
        return hmac.new(self._key, b"csrf " + token.encode(), hashlib.sha256).hexdigest()

    def csrf_fits(self, token: str, given: str) -> bool:
        """Whether a form came from a page that we sent to this browser."""
        return hmac.compare_digest(self.csrf(token).encode(), given.encode("utf-8", "replace"))

    def open(self, user: str) -> str:
        """Sign in: the new token (never the one the browser had before)."""
        token, now = self.new_token(), self._now()
        self._sessions[_digest(token)] = Session(user=user, since=now, seen=now)
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return token

    def find(self, token: str) -> Session | None:
        """The session of a token, unless it ran out: eight hours without a request, or seven days."""
        key = _digest(token)
        session = self._sessions.get(key)
        if session is None:
            return None
        now = self._now()
        if now - session.seen > IDLE_S or now - session.since > LONGEST_S:
            del self._sessions[key]
            return None
        session.seen = now
        self._sessions.move_to_end(key)
        return session

    def close(self, token: str) -> None:
        """Sign out."""
        self._sessions.pop(_digest(token), None)

    def close_all(self, user: str, *, but: str = "") -> None:
        """Sign a user out everywhere (a new password, a removed account), except for the token ``but``."""
        kept = _digest(but)
        for key in [k for k, session in self._sessions.items() if session.user == user and k != kept]:
            del self._sessions[key]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
