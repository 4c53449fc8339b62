"""``/events``: everything that happens in calls, as server-sent events.

The last events are kept for a while: whoever comes back with ``Last-Event-ID`` gets what it missed, or one event
``lost`` when that is too long ago or was before this server started.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import islice
from typing import Final

from aiohttp import hdrs, web

from portals.api.wire import instant
from portals.ports import LiveEvent, Switchboard
from portals.rest import Asked, Route, Scope

KEPT: Final = 1000
HEARTBEAT_S: Final = 15.0
WAITED_MS: Final = 2000
"""How long a client is asked to wait before it comes back."""


class EventFeed:
    """Remembers the last events and wakes those who wait for more; on one event loop."""

    def __init__(self, *, kept: int = KEPT, heartbeat_s: float = HEARTBEAT_S) -> None:
        self.heartbeat_s = heartbeat_s
        self.run = secrets.token_hex(4)
        """Tells ids of this run from those of an earlier one."""
        self._events: deque[LiveEvent] = deque(maxlen=kept)
        self._count = 0
        self._news = asyncio.Event()
        self.closed = False

    @property
    def end(self) -> int:
        """Number of the event that comes next."""
        return self._count

    async def close(self, _app: web.Application) -> None:
        """No more events: streams end."""
        self.closed = True
        self._news.set()

    def hear(self, event: LiveEvent) -> None:
        """One more event."""
        self._events.append(event)
        self._count += 1
        self._news.set()
        self._news = asyncio.Event()

    def since(self, place: int) -> tuple[int, list[LiveEvent]]:
        """Number of the first event that is still there from ``place`` on, and all from it on."""
        first = max(place, self._count - len(self._events))
        return first, list(islice(self._events, first - (self._count - len(self._events)), None))

    async def more(self) -> bool:
        """Wait for the next event; False after a heartbeat's time without one."""
        news = self._news
        with suppress(TimeoutError):
            await asyncio.wait_for(news.wait(), self.heartbeat_s)
            return True
        return False

    def place_after(self, last_event_id: str) -> tuple[int, bool]:
        """Where a client that saw this event goes on; True when nobody can say what it missed."""
        run, dash, number = last_event_id.partition("-")
        if not last_event_id:
            return self._count, False
        if run != self.run or not dash or not number.isascii() or not number.isdigit() or len(number) > 18:
            return self._count, True
        return min(int(number) + 1, self._count), False


FEED: Final = web.AppKey("event_feed", EventFeed)


def add_feed(app: web.Application, switchboard: Switchboard, feed: EventFeed) -> None:
    """Let an application listen as long as it lives; streams end when it shuts down."""

    async def listen(_app: web.Application) -> AsyncIterator[None]:
        leave = switchboard.subscribe(feed.hear)
        yield
        leave()

    app[FEED] = feed
    app.cleanup_ctx.append(listen)
    app.on_shutdown.append(feed.close)


async def stream_events(asked: Asked[None, None]) -> web.StreamResponse:
    """Until the client or the server goes."""
    request, feed = asked.request, asked.request.app[FEED]
    place, lost = feed.place_after(request.headers.get("Last-Event-ID", ""))
    headers = {hdrs.CACHE_CONTROL: "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
    response = web.StreamResponse(headers=headers)
    response.content_type = "text/event-stream"
    response.charset = "utf-8"
    await response.prepare(request)
    with suppress(ConnectionError):
        await response.write(f"retry: {WAITED_MS}\n\n".encode())
        if lost:
            await response.write(b"event: lost\ndata: {}\n\n")
        await _follow(feed, place, response)
        await response.write_eof()
    return response


async def _follow(feed: EventFeed, place: int, response: web.StreamResponse) -> None:
    while not feed.closed:
        first, events = feed.since(place)
        if first > place:
            await response.write(b"event: lost\ndata: {}\n\n")
        for number, event in enumerate(events, first):
            await response.write(_written(f"{feed.run}-{number}", event))
        place = first + len(events)
        if place == feed.end and not feed.closed and not await feed.more():
            await response.write(b": here\n\n")


def _written(identity: str, event: LiveEvent) -> bytes:
    data = {"call_id": event.call_id, "at": instant(event.at), "kind": event.kind, "data": dict(event.data)}
    return f"id: {identity}\nevent: {event.kind}\ndata: {json.dumps(data, default=str)}\n\n".encode()


ROUTES: Final = (
    Route(
        method="GET",
        path="/events",
        handler=stream_events,
        summary="Everything that happens in calls, as server-sent events",
        tag="Calls",
        scopes=(Scope.READ,),
        media="text/event-stream",
    ),
)
