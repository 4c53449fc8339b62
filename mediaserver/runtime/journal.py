"""The event log of calls: to the log at once, and to the catalog in a thread, call by call."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import Executor

import structlog
from sqlalchemy.exc import SQLAlchemyError

from callmodel.manifest import Party as PartyFacts
from catalog import CallEvent, CallRecord, Catalog
from mediaserver.call.call import Call
from mediaserver.call.effects import Note
from mediaserver.runtime.clock import Clock

_log = structlog.get_logger()

MAX_EVENTS_A_CALL = 2000
"""A call that produces more keeps its first ones; the rest are counted."""

MAX_BATCH = 200
"""Calls written in one transaction."""

RETRY_AFTER_S = (0.5, 2.0, 8.0)
"""A database that refuses is asked again after so many seconds, then at the end of the next call."""

MAX_WAITING = 10_000
"""Calls kept for a database that goes on refusing; older ones are given up."""

_RESULTS = {"a-cancel": "cancelled", "unanswered": "no-answer", "unreachable": "unreachable"}


class Journal:
    """Keeps what happened in each live call, and writes it out when the call is over."""

    def __init__(self, catalog: Catalog, clock: Clock, executor: Executor | None) -> None:
        """``executor`` runs database work off the loop."""
        self._catalog = catalog
        self._clock = clock
        self._executor = executor
        self._events: dict[str, list[CallEvent]] = defaultdict(list)
        self._waiting: list[tuple[CallRecord, list[CallEvent]]] = []
        self._writing: asyncio.Task[None] | None = None
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
        for listener in tuple(self.listeners):
            try:
                listener(call.call_id, event)
            except Exception:  # a task's edge: who listens must not break the call
                _log.exception("journal.listener-failed", call=call.call_id)

    def over(self, call: Call) -> None:
        """The call is over: write its record and its events."""
        record = CallRecord(
            call_id=call.call_id,
            external_tracking_id=call.takes.tracking_id,
            caller=PartyFacts(number=call.a.number, label=call.a.label),
            callee=PartyFacts(number=call.b.number, label=call.b.label),
            started_at=self._clock.wall(call.invited_at),
            answered_at=None if call.answered_at is None else self._clock.wall(call.answered_at),
            ended_at=self._clock.wall(self._clock.now()),
            result="answered" if call.answered_at is not None else _RESULTS.get(call.cause, "refused"),
            cause=call.cause,
        )
        self._waiting.append((record, self._events.pop(call.call_id, [])))
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        """Write what waits in one transaction, and what came meanwhile in the next: a busy hour costs few of them."""
        loop = asyncio.get_running_loop()
        pauses = iter(RETRY_AFTER_S)
        try:
            while self._waiting:
                batch = self._waiting[:MAX_BATCH]
                try:
                    await loop.run_in_executor(self._executor, self._catalog.calls.put_with_events, batch)
                except SQLAlchemyError as error:
                    pause_s = next(pauses, None)
                    _log.error("journal.unwritten", calls=len(self._waiting), error=str(error), again_in_s=pause_s)
                    if pause_s is None:
                        del self._waiting[:-MAX_WAITING]
                        return  # the next call's end tries again
                    await asyncio.sleep(pause_s)
                else:
                    del self._waiting[: len(batch)]
        finally:
            self._writing = None

    async def written(self) -> None:
        """Wait until everything noted so far is in the catalog."""
        while self._writing is not None:
            await self._writing
