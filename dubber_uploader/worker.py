"""Takes jobs out of the outbox and delivers them, a few at a time, until told to stop."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

import spool
from callmodel.errors import SpoolError
from catalog import Catalog, RecordingRecord, UploadJob, UploadProgress
from dubber_uploader.answers import AttemptError
from dubber_uploader.client import DubberClient
from dubber_uploader.clock import Clock, RealClock
from dubber_uploader.config import UploaderConfig
from dubber_uploader.delivery import Attempt, JobTakenError
from dubber_uploader.planner import JobState, Meaning, NextStep, Outcome, Then, plan

log = structlog.get_logger("dubber_uploader")

Count = Callable[[str, int], None]
"""Told a counter's name and by how much: ``delivered``, ``unconfirmed``, ``retried``, ``parked``, ``bytes``,
``removed``, and ``attempt.<meaning>`` for every attempt."""

_CHANCE = random.SystemRandom()


class UploadWorker:
    """The uploader. One per catalogue."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        client: DubberClient,
        config: UploaderConfig,
        group_id: str,
        data_dir: Path,
        at_rest_key: bytes | None = None,
        clock: Clock | None = None,
        chance: Callable[[], float] = _CHANCE.random,
        count: Count = lambda _name, _by: None,
    ) -> None:
        self._catalog = catalog
        self._client = client
        self._config = config
        self._group_id = group_id
        self._data_dir = data_dir
        self._at_rest_key = at_rest_key
        self._clock = clock or RealClock()
        self._chance = chance
        self._count = count
        self._wake = asyncio.Event()
        self._stopping = False
        self._held_until: datetime | None = None
        self._unreported: dict[str, int] = {}

    def wake(self) -> None:
        """A job may have become due. From another thread: ``loop.call_soon_threadsafe(worker.wake)``."""
        self._wake.set()

    def stop(self) -> None:
        """Ask ``run`` to end: what is being delivered has ``stop_grace_s`` to finish and goes on later otherwise."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Deliver until stopped."""
        await self.recover()
        tasks: set[asyncio.Task[None]] = set()
        try:
            while not self._stopping:
                self._wake.clear()
                for job in await self._claim_or_none(self._config.concurrency - len(tasks)):
                    tasks.add(asyncio.create_task(self._deliver(job), name=f"upload-{job.recording_id}"))
                tasks = await self._until_something_happens(tasks)
        finally:
            await self._wind_down(tasks)

    async def recover(self) -> None:
        """At the start: take up what a crash left running, remove what it left of delivered recordings."""
        released = await asyncio.to_thread(self._catalog.uploads.release_running, self._clock.now())
        if released:
            log.info("uploads.recovered", jobs=released)
        if self._config.remove_after_upload:
            for record in await asyncio.to_thread(self._catalog.recordings.removable):
                await self._remove(record)

    async def deliver_due(self) -> int:
        """Deliver everything that is due now, and return how many jobs were tried."""
        tried = 0
        while jobs := await self._claim(self._config.concurrency):
            await asyncio.gather(*(self._deliver(job) for job in jobs))
            tried += len(jobs)
        return tried

    async def next_at(self) -> datetime | None:
        """When there will be something to try; None when nothing is pending."""
        due_at = await asyncio.to_thread(self._catalog.uploads.next_due_at)
        if due_at is None or self._held_until is None:
            return due_at
        return max(due_at, self._held_until)

    async def _claim_or_none(self, free: int) -> tuple[UploadJob, ...]:
        try:
            for recording_id, attempts in list(self._unreported.items()):
                await self._give_back(recording_id, attempts)
                del self._unreported[recording_id]
            return await self._claim(free)
        except SQLAlchemyError:
            log.exception("uploads.catalogue_fault")
            self._held_until = self._clock.now() + timedelta(seconds=self._config.poll_s)
            return ()

    async def _claim(self, free: int) -> tuple[UploadJob, ...]:
        now = self._clock.now()
        if free < 1 or (self._held_until is not None and now < self._held_until):
            return ()
        self._held_until = None
        return await asyncio.to_thread(partial(self._catalog.uploads.claim_due, now, limit=free))

    async def _until_something_happens(self, tasks: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
        """Until a delivery ends, somebody wakes us, or a job may be due; what still runs."""
        waits = [
            asyncio.create_task(self._wake.wait()),
            asyncio.create_task(self._clock.sleep(await self._idle_s(len(tasks)))),
        ]
        try:
            await asyncio.wait([*tasks, *waits], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        for task in tasks:
            if task.done():
                task.result()
        return {task for task in tasks if not task.done()}

    async def _idle_s(self, busy: int) -> float:
        if busy >= self._config.concurrency:
            return self._config.poll_s
        try:
            next_at = await self.next_at()
        except SQLAlchemyError:
            return self._config.poll_s
        wait_s = self._config.poll_s if next_at is None else (next_at - self._clock.now()).total_seconds()
        return min(max(wait_s, 0.0), self._config.poll_s)

    async def _wind_down(self, tasks: set[asyncio.Task[None]]) -> None:
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self._config.stop_grace_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _deliver(self, job: UploadJob) -> None:
        """One job from claim to report; never raises but for cancellation."""
        try:
            outcome, remote_id, refreshed = await self._outcome(job)
            state = JobState(attempts=job.attempts, restarts=job.progress.restarts, token_refreshed=refreshed)
            step = plan(state, outcome, self._clock.now(), jitter=self._chance(), pace=self._config.pace)
            await self._report(job, step, outcome, remote_id)
        except asyncio.CancelledError:
            await self._give_back(job.recording_id, job.attempts)
            raise
        except JobTakenError:
            log.info("upload.taken_away", recording_id=job.recording_id)
        except Exception:
            # The edge of a task: a catalogue that cannot be written (a full disk) must not end the uploader.
            log.exception("upload.unreported", recording_id=job.recording_id)
            self._unreported[job.recording_id] = job.attempts + 1

    async def _outcome(self, job: UploadJob) -> tuple[Outcome, str | None, bool]:
        """What an attempt came to, and whether it took a new token; a refused token has one second chance."""
        outcome, remote_id = await self._attempt(job)
        step = plan(JobState(attempts=job.attempts), outcome, self._clock.now(), jitter=0.0)
        if step.then is not Then.RETRY:
            return outcome, remote_id, False
        try:
            await self._client.refresh_token()
        except AttemptError as error:
            return error.outcome, None, True
        current = await asyncio.to_thread(self._catalog.uploads.get, job.recording_id)
        outcome, remote_id = await self._attempt(current or job)
        return outcome, remote_id, True

    async def _give_back(self, recording_id: str, attempts: int) -> None:
        now = self._clock.now()
        step = plan(JobState(attempts=attempts), Outcome(meaning=Meaning.STOPPED), now, jitter=0.0)
        back = partial(
            self._catalog.uploads.report_retry,
            recording_id,
            attempts=step.attempts,
            next_at=step.until or now,
            error=step.reason,
            now=now,
        )
        await asyncio.to_thread(back)

    async def _attempt(self, job: UploadJob) -> tuple[Outcome, str | None]:
        record = await asyncio.to_thread(self._catalog.recordings.get, job.recording_id)
        if record is None:
            raise JobTakenError
        attempt = Attempt(
            client=self._client,
            config=self._config,
            group_id=await self._group(),
            manifest=record.manifest,
            directory=record.path,
            at_rest_key=self._at_rest_key,
            save=partial(self._save, job.recording_id),
            sent=partial(self._count, "bytes"),
        )
        try:
            outcome, remote_id = await attempt.run(job)
        except AttemptError as error:
            outcome, remote_id = error.outcome, None
        except (JobTakenError, asyncio.CancelledError):
            raise
        except Exception as error:
            # The edge of a task: one recording that trips over a fault of ours must not stop the others.
            log.exception("upload.fault", recording_id=job.recording_id)
            outcome, remote_id = Outcome(meaning=Meaning.INTERNAL, detail=type(error).__name__), None
        self._count(f"attempt.{outcome.meaning}", 1)
        return outcome, remote_id

    async def _group(self) -> str:
        """Where recordings go that belong to no dub point: the installed group, else the configured one."""
        return (await asyncio.to_thread(self._catalog.provider.read)).group_id or self._group_id

    async def _save(self, recording_id: str, remote_id: str | None, progress: UploadProgress) -> None:
        save = partial(
            self._catalog.uploads.save_progress,
            recording_id,
            remote_id=remote_id,
            progress=progress,
            now=self._clock.now(),
        )
        if not await asyncio.to_thread(save):
            raise JobTakenError

    async def _report(self, job: UploadJob, step: NextStep, outcome: Outcome, remote_id: str | None) -> None:
        now, uploads, recording_id = self._clock.now(), self._catalog.uploads, job.recording_id
        told = log.bind(recording_id=recording_id, reason=step.reason, attempts=step.attempts)
        if step.restart:
            await self._forget_remote(recording_id, abort=outcome.meaning is not Meaning.REMOTE_GONE)
        if step.holds_all and step.until is not None:
            self._held_until = max(step.until, self._held_until or step.until)
        if step.then is Then.DONE:
            assert remote_id is not None
            await self._report_done(recording_id, remote_id, step, confirmed=outcome.meaning is Meaning.DELIVERED)
            told.info("upload.delivered", remote_id=remote_id)
        elif step.then is Then.PARK:
            parked = partial(uploads.report_parked, recording_id, attempts=step.attempts, reason=step.reason, now=now)
            await asyncio.to_thread(parked)
            self._count("parked", 1)
            told.warning("upload.parked")
        else:
            until, attempts = step.until or now, step.attempts
            again = partial(uploads.report_retry, recording_id, attempts=attempts, next_at=until, now=now)
            await asyncio.to_thread(partial(again, error=step.reason))
            self._count("retried", 1)
            told.info("upload.waits", until=until.isoformat())

    async def _report_done(self, recording_id: str, remote_id: str, step: NextStep, *, confirmed: bool) -> None:
        note = None if confirmed else step.reason
        done = partial(self._catalog.uploads.report_done, recording_id, remote_id=remote_id, note=note)
        await asyncio.to_thread(partial(done, now=self._clock.now()))
        self._count("delivered" if confirmed else "unconfirmed", 1)
        if confirmed and self._config.remove_after_upload:
            record = await asyncio.to_thread(self._catalog.recordings.get, recording_id)
            if record is not None:
                await self._remove(record)

    async def _forget_remote(self, recording_id: str, *, abort: bool) -> None:
        """Begin anew: the next attempt looks for what is left there before it creates anything."""
        job = await asyncio.to_thread(self._catalog.uploads.get, recording_id)
        if job is None or job.remote_id is None:
            return
        if abort:
            try:
                await self._client.abort(job.remote_id)
            except AttemptError as error:
                log.info("upload.abort_failed", recording_id=recording_id, reason=str(error))
                return
        marker = UploadProgress(sha256=job.progress.sha256, restarts=job.progress.restarts + 1)
        await self._save(recording_id, None, marker)

    async def _remove(self, record: RecordingRecord) -> None:
        recording_id = record.manifest.recording_id
        try:
            await asyncio.to_thread(spool.destroy, self._data_dir, record.path)
        except SpoolError as error:
            log.warning("upload.local_copy_stays", recording_id=recording_id, reason=str(error))
            return
        await asyncio.to_thread(self._catalog.recordings.mark_local_removed, recording_id)
        self._count("removed", 1)
