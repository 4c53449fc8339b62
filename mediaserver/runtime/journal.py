"""The event log of calls: to the log at once, and to the catalog in a thread, call by call."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import Executor

import structlog

from callmodel.manifest import Party as PartyFacts
from catalog import CallEvent, CallRecord, Catalog
from mediaserver.call.call import Call
from mediaserver.call.effects import Note
from mediaserver.runtime.clock import Clock

_log = structlog.get_logger()

MAX_EVENTS_A_CALL = 2000
"""A call that produces more keeps its first ones; the rest are counted."""

_RESULTS = {"a-cancel": "cancelled", "unanswered": "no-answer", "unreachable": "unreachable"}


class Journal:
    """Keeps what happened in each live call, and writes it out when the call is over."""

    def __init__(self, catalog: Catalog, clock: Clock, executor: Executor | None) -> None:
        """``executor`` runs database work off the loop."""
        self._catalog = catalog
        self._clock = clock
        self._executor = executor
        self._events: dict[str, list[CallEvent]] = defaultdict(list)
        self._writing: set[asyncio.Task[None]] = set()
        self.counts: Counter[str] = Counter()
        """Events by kind, since the start."""
        self.listeners: list[Callable[[str, CallEvent], None]] = []

    def note(self, call: Call, note: Note, now: float) -> None:
        """One entry."""
        event = CallEvent(at=self._clock.wall(now), kind=note.kind, data=dict(note.detail))
        self.counts[note.kind] += 1
        events = self._events[call.call_id]
        if len(events) < MAX_EVENTS_A_CALL:
            events.append(event)
        _log.info(note.kind, call=call.call_id, **event.data)
        for listener in self.listeners:
            listener(call.call_id, event)

    def over(self, call: Call) -> None:
        """The call is over: write its record and its events."""
        record = CallRecord(
            call_id=call.call_id,
            external_tracking_id=call.desk.tracking_id,
            caller=PartyFacts(number=call.a.number, label=call.a.label),
            callee=PartyFacts(number=call.b.number, label=call.b.label),
            started_at=self._clock.wall(call.invited_at),
            answered_at=None if call.answered_at is None else self._clock.wall(call.answered_at),
            ended_at=self._clock.wall(self._clock.now()),
            result="answered" if call.answered_at is not None else _RESULTS.get(call.cause, "refused"),
            cause=call.cause,
        )
        events = self._events.pop(call.call_id, [])

        def write() -> None:
            self._catalog.calls.put(record)
            self._catalog.calls.add_events(record.call_id, events)

        async def run() -> None:
            await asyncio.get_running_loop().run_in_executor(self._executor, write)

        task = asyncio.get_running_loop().create_task(run())
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def written(self) -> None:
        """Wait until everything noted so far is in the catalog."""
        while self._writing:
            await asyncio.gather(*tuple(self._writing))
