"""Long lists in pages: where the next one begins is told in a ``Link`` header (RFC 8288)."""

from __future__ import annotations

import binascii
from base64 import b64decode, urlsafe_b64encode

from aiohttp import web

from portals.rest.errors import refuse

LONGEST_CURSOR = 512


def next_link(request: web.Request, cursor: str | None) -> dict[str, str]:
    """Headers that lead to the next page; none at the end."""
    if cursor is None:
        return {}
    url = request.url.update_query(cursor=make_cursor(cursor))
    return {"Link": f'<{url}>; rel="next"'}


def make_cursor(text: str) -> str:
    """Opaque to callers."""
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> str:
    """What was made into a cursor; empty for the first page; RestError 400."""
    if not cursor:
        return ""
    try:
        if len(cursor) > LONGEST_CURSOR:
            raise ValueError("too long")
        text = b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise refuse(400, "was not made by this server", field="cursor") from error
    if not text.isprintable():
        raise refuse(400, "was not made by this server", field="cursor")
    return text
