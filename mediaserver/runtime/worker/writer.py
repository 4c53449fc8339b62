"""One thread that writes all recordings of a worker, and the sinks the engine hands its blocks to.

The engine never waits: a block goes into a queue that is bounded in bytes. When it is full (a disk that has stood still
for seconds) the block is not taken; its length is, so that the file says where something is missing.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from callmodel.manifest import Mark
from mediaserver.media.messages import StartRecording
from mediaserver.media.sink import RecordingEnd, SinkResult
from mediaserver.runtime.turns import give_way
from mediaserver.runtime.worker.recording_file import RecordingFile

_log = structlog.get_logger()

QUEUE_BYTES: Final = 64 << 20
"""About four seconds of 500 recordings at 8 kHz."""
SYNC_INTERVAL_S: Final = 20.0
"""A power cut takes about this much of a recording; a killed process only what the engine had not handed over."""

Submit = Callable[[Callable[[], None], int], bool]


class QueuedSink:
    """:class:`mediaserver.media.sink.RecordingSink` whose files are another thread's business."""

    def __init__(self, start: StartRecording, submit: Submit, now: Callable[[], float], sync_interval_s: float) -> None:
        self._submit = submit
        self._now = now
        self._sync_interval_s = sync_interval_s
        self._start = start
        self._news: deque[SinkResult] = deque()
        self._file: RecordingFile | None = None
        self._missed = 0
        self._synced_at = now()
        self._queue(self._open)

    def write(self, block: NDArray[np.int16]) -> None:
        """Queue a block, or note that it was lost."""
        missed, self._missed = self._missed, 0
        if not self._queue(lambda file: self._write(file, missed, block), block.nbytes):
            self._missed = missed + len(block)

    def write_heard(self, block: NDArray[np.int16]) -> None:
        """Queue a block."""
        if not self._queue(lambda file: file.write_heard(block), block.nbytes):
            self._queue(lambda file: file.lose_heard("queue-full"))

    def mark(self, mark: Mark) -> None:
        """Queue a line."""
        self._queue(lambda file: file.mark(mark))

    def finish(self, end: RecordingEnd) -> None:
        """Queue the end."""
        missed, self._missed = self._missed, 0
        self._queue(lambda file: self._finish(file, missed, end))

    def abandon(self) -> None:
        """Queue the closing of the files as they are."""
        self._queue(RecordingFile.abandon)

    def poll(self) -> SinkResult | None:
        """News of the writer."""
        return self._news.popleft() if self._news else None

    def _queue(self, job: Callable[[RecordingFile], None], size_bytes: int = 0) -> bool:
        return self._submit(lambda: self._do(job), size_bytes)

    # --- on the writer's thread ---------------------------------------------------------

    def _do(self, job: Callable[[RecordingFile], None]) -> None:
        if self._file is None:
            self._file = RecordingFile(self._start)
        try:
            job(self._file)
        except Exception:  # the edge of a job: one recording fails, the others go on
            _log.exception("recording.write_failed", recording=self._start.recording_id)
            self._file.fail("disk-error")
        self._news.extend(self._file.news)
        self._file.news.clear()

    @staticmethod
    def _open(file: RecordingFile) -> None:
        del file  # opened by the first job, whatever it is

    def _write(self, file: RecordingFile, missed: int, block: NDArray[np.int16]) -> None:
        self._miss(file, missed)
        file.write(block)
        if self._now() - self._synced_at > self._sync_interval_s:
            file.sync()
            self._synced_at = self._now()

    def _finish(self, file: RecordingFile, missed: int, end: RecordingEnd) -> None:
        self._miss(file, missed)
        file.finish(end)

    @staticmethod
    def _miss(file: RecordingFile, samples: int) -> None:
        if samples:
            file.fail("queue-full")
            file.owe(samples)


class InlineWriter:
    """Writes at once, on the caller's thread: for virtual time and for tests."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def open_sink(self, start: StartRecording) -> QueuedSink:
        """A sink whose every call has happened when it returns."""
        return QueuedSink(start, self._run, self._now, float("inf"))

    @staticmethod
    def _run(job: Callable[[], None], size_bytes: int) -> bool:
        del size_bytes
        job()
        return True


class WriterThread:
    """The queue and its thread."""

    def __init__(self, *, queue_bytes: int = QUEUE_BYTES, sync_interval_s: float = SYNC_INTERVAL_S) -> None:
        self._jobs: SimpleQueue[tuple[Callable[[], None], int] | None] = SimpleQueue()
        self._limit = queue_bytes
        self._sync_interval_s = sync_interval_s
        self._put = self._done = 0  # bytes ever; each is changed by one thread only
        self.refused = 0
        """Blocks that were not taken."""
        self._thread = threading.Thread(target=self._run, name="recording-writer", daemon=True)
        self._thread.start()

    def open_sink(self, start: StartRecording) -> QueuedSink:
        """:data:`mediaserver.media.sink.OpenSink`."""
        return QueuedSink(start, self._submit, time.monotonic, self._sync_interval_s)

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait."""
        return self._put - self._done

    def close(self) -> None:
        """Write what is queued, then stop."""
        self._jobs.put(None)
        self._thread.join()

    def _submit(self, job: Callable[[], None], size_bytes: int) -> bool:
        if size_bytes and self.queued_bytes + size_bytes > self._limit:
            self.refused += 1
            return False
        self._put += size_bytes
        self._jobs.put((job, size_bytes))
        return True

    def _run(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, size_bytes = item
            job()
            self._done += size_bytes
            give_way()
