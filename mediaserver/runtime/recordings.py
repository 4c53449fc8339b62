"""Recordings on disk, as the calls ask for them: opened on the spot, sealed by a thread, entered into the catalog."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection
from concurrent.futures import Executor
from contextlib import suppress
from itertools import chain, repeat
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from callmodel.errors import SpoolError
from callmodel.manifest import RecordingManifest
from mediaserver.call.effects import OpenSpool
from spool import (
    Descriptor,
    Disk,
    OpenRecording,
    Swept,
    destroy,
    finished_recordings,
    open_recording,
    read_manifest,
    salvage_sweep,
    seal,
    settle,
    update_descriptor,
)
from spool.errors import disk_errors
from spool.layout import open_dir

_log = structlog.get_logger()

Enter = Callable[[RecordingManifest, Path], None]
"""Enters a finished recording into the catalog and the outbox, in one transaction; runs in the store's thread."""

Known = Callable[[], Collection[str]]
"""Ids of the recordings the catalog has."""

MAILBOXES = "mailboxes"
RETRY_AFTER_S = (0.5, 2.0, 8.0, 30.0)
"""A disk or a database that refuses is asked again after so many seconds; the last for as long as it takes."""


class _QuickDisk(Disk):
    """Opening a recording must not wait for the platter: a crash of ours loses nothing by it, and sealing syncs all."""

    def write(self, path: Path, data: bytes) -> None:
        with disk_errors():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)

    def sync_file(self, path: Path) -> None:
        """Not here."""

    def sync_dir(self, path: Path) -> None:
        """Not here."""


_QUICK = _QuickDisk()


class RecordingStore:
    """The data directory's recordings, and the mailboxes' messages beside them."""

    def __init__(
        self,
        data_dir: Path,
        *,
        at_rest_key: bytes | None,
        pauses_cut: bool,
        enter: Enter,
        known: Known,
        executor: Executor | None,
    ) -> None:
        """``executor`` runs what waits for the disk, one job at a time; None is the loop's own."""
        self._data_dir = data_dir
        self._key = at_rest_key
        self._pauses_cut = pauses_cut
        self._enter = enter
        self._known = known
        self._executor = executor
        self._mailboxes: set[str] = set()
        self._jobs: set[asyncio.Future[None]] = set()
        self._closing = asyncio.Event()
        self.on_sealed: Callable[[RecordingManifest, Path], None] = _ignore

    def _root(self, recording_id: str) -> Path:
        return self._data_dir / MAILBOXES if recording_id in self._mailboxes else self._data_dir

    # --- at once ------------------------------------------------------------------------------

    def open(self, effect: OpenSpool) -> OpenRecording:
        """Make the directory; SpoolError when the disk will not."""
        facts = effect.manifest
        if effect.mailbox:
            self._mailboxes.add(facts.recording_id)
        descriptor = Descriptor(facts=facts, kept=effect.kept, pauses_cut=self._pauses_cut)
        return open_recording(self._root(facts.recording_id), descriptor, at_rest_key=self._key, disk=_QUICK)

    def keep(self, recording_id: str) -> None:
        """A provisional recording is to survive a crash from now on."""
        update_descriptor(open_dir(self._root(recording_id), recording_id), disk=_QUICK, kept=True)

    # --- in the thread ------------------------------------------------------------------------

    def seal(self, manifest: RecordingManifest) -> None:
        """Seal a recording whose audio is complete."""
        root = self._root(manifest.recording_id)
        mailbox = manifest.recording_id in self._mailboxes
        self._run(manifest.recording_id, lambda: self._seal(root, manifest, enter=not mailbox))

    def _seal(self, root: Path, manifest: RecordingManifest, *, enter: bool) -> Callable[[], None]:
        path = seal(root, manifest)
        if enter:
            self._enter(manifest, path)
        return lambda: self.on_sealed(manifest, path)

    def destroy(self, recording_id: str) -> None:
        """Unlink what is not kept."""
        root = self._root(recording_id)
        self._run(recording_id, lambda: destroy(root, open_dir(root, recording_id)))

    def salvage(self, recording_id: str) -> None:
        """Settle one recording whose worker is gone."""
        root = self._root(recording_id)
        mailbox = recording_id in self._mailboxes
        self._run(recording_id, lambda: self._salvaged(settle(root, recording_id, at_rest_key=self._key), not mailbox))

    def sweep(self) -> tuple[Swept, ...]:
        """At start: settle everything a crash left, and enter whatever is sealed but not in the catalog. Blocks."""
        found = salvage_sweep(self._data_dir, at_rest_key=self._key)
        for swept in found:
            self._salvaged(swept, enter=False)
        known = self._known()
        for directory in finished_recordings(self._data_dir):
            if directory.name not in known:
                self._take_in(directory)
        messages = salvage_sweep(self._data_dir / MAILBOXES, at_rest_key=self._key)
        for swept in messages:
            _tell(swept)
        return found + messages

    def _take_in(self, directory: Path) -> None:
        """Enter a finished recording that the catalog does not know; one that cannot be read is left."""
        try:
            self._enter(read_manifest(directory), directory)
        except SpoolError as error:
            _log.error("recording.unreadable", recording=directory.name, error=str(error))

    def _salvaged(self, swept: Swept, enter: bool) -> Callable[[], None] | None:
        _tell(swept)
        if swept.manifest is None or swept.directory is None:
            return None
        if enter:
            self._enter(swept.manifest, swept.directory)
        manifest, directory = swept.manifest, swept.directory
        return lambda: self.on_sealed(manifest, directory)

    def _run(self, recording_id: str, job: Callable[[], Callable[[], None] | None]) -> None:
        loop = asyncio.get_running_loop()

        async def finish() -> None:
            for pause_s in chain(RETRY_AFTER_S, repeat(RETRY_AFTER_S[-1])):
                try:
                    then = await loop.run_in_executor(self._executor, job)
                except (SpoolError, SQLAlchemyError, OSError) as error:
                    again_in_s = None if self._closing.is_set() else pause_s
                    _log.error("recording.unsettled", recording=recording_id, error=str(error), again_in_s=again_in_s)
                    if again_in_s is None:
                        return  # it stays on disk as it is: the next start settles it
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._closing.wait(), pause_s)
                else:
                    self._mailboxes.discard(recording_id)
                    if then is not None:
                        then()
                    return

        async def guarded() -> None:
            try:
                await finish()
            except Exception:  # a task's edge: it stays on disk as it is
                _log.exception("recording.unsettled", recording=recording_id)

        task = loop.create_task(guarded())
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    def close(self) -> None:
        """What a disk or a database still refuses has one more try; the next start settles the rest."""
        self._closing.set()

    async def settled(self) -> None:
        """Wait until every job given so far is done."""
        while self._jobs:
            await asyncio.gather(*tuple(self._jobs))


def _ignore(manifest: RecordingManifest, path: Path) -> None:
    """Nobody wants to know."""


def _tell(swept: Swept) -> None:
    """What became of a recording that a crash left; one that only a person can help is an error."""
    tell = _log.info if swept.error is None else _log.error
    tell("recording.settled", recording=swept.recording_id, fate=swept.fate.value, error=str(swept.error or ""))
