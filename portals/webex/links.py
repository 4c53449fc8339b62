"""Links to audio that carry their own permission, for players and programs that send no token."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from aiohttp import web
from yarl import URL

LIFE: Final = timedelta(hours=3)


class Links:
    """Makes and checks them; a restart of the server ends them all."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def make(self, request: web.Request, recording_id: str) -> tuple[str, datetime]:
        """Absolute URL below the request's own, and until when it works."""
        expires = int((self._clock() + LIFE).timestamp())
        url: URL = request.url.with_query(None) / "audio"
        link = url.with_query(expires=str(expires), signature=self._sign(recording_id, expires))
        return str(link), datetime.fromtimestamp(expires, UTC)

    def holds(self, recording_id: str, expires: int, signature: str) -> bool:
        """Whether a link was made here for this recording and still works."""
        right = hmac.compare_digest(self._sign(recording_id, expires).encode(), signature.encode())
        return right and self._clock().timestamp() < expires

    def _sign(self, recording_id: str, expires: int) -> str:
        return hmac.new(self._key, f"{recording_id}\n{expires}".encode(), sha256).hexdigest()


LINKS: Final = web.AppKey("links", Links)
