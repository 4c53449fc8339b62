"""Deliveries under random faults and crashes: no recording is ever lost, none is ever there twice.

The platform is a small model with the interface of the client. Each call may work, fail before it took effect,
fail after it took effect (the answer is lost), or be the last thing the uploader's process does.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections import deque
from collections.abc import AsyncIterable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from callmodel.subscriber import DubPointKey
from catalog import Catalog, JobState
from dubber_uploader import DubberClient, DubberConfig, UploaderConfig, UploadWorker
from dubber_uploader.answers import AttemptError
from dubber_uploader.client import DubPoint, PartAddress, RemoteRecording
from dubber_uploader.planner import RULES, Meaning, Outcome, Then
from tests.support.recordings import finished

PASSING = (
    Meaning.UNREACHABLE,
    Meaning.TIMEOUT,
    Meaning.SERVER_ERROR,
    Meaning.GARBLED,
    Meaning.PER_SECOND_LIMIT,
    Meaning.DAILY_LIMIT,
    Meaning.TOKEN_REFUSED,
    Meaning.ADDRESS_EXPIRED,
    Meaning.PART_DAMAGED,
)
FINAL = (Meaning.REJECTED, Meaning.FORBIDDEN, Meaning.BAD_CREDENTIALS)


T = TypeVar("T")


class Crashed(BaseException):
    """The uploader's process is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with one call; ``meaning`` None is the end of the process."""

    after: bool
    meaning: Meaning | None


FAULTS = st.lists(
    st.none()
    | st.builds(Fault, after=st.booleans(), meaning=st.none() | st.sampled_from(PASSING))
    | st.builds(Fault, after=st.just(False), meaning=st.sampled_from(FINAL)),
    max_size=12,
)


@dataclass(slots=True)
class Kept:
    """A recording at the platform."""

    meta_tags: Mapping[str, Any]
    status: str = "Uploading"
    parts: dict[int, bytes] = field(default_factory=dict)

    @property
    def audio(self) -> bytes:
        return b"".join(self.parts[number] for number in sorted(self.parts))


@dataclass(slots=True)
class Platform:
    """All that the platform remembers, and what is to go wrong next."""

    recordings: dict[str, Kept] = field(default_factory=dict)
    faults: deque[Fault | None] = field(default_factory=deque)
    made: int = 0
    damage_next: bool = False

    def fail(self, *, after: bool) -> None:
        """Called before and after each call takes effect."""
        if not self.faults:
            return
        fault = self.faults[0]
        if fault is None or fault.after != after:
            if after:
                self.faults.popleft()
            return
        self.faults.popleft()
        if fault.meaning is None:
            raise Crashed
        raise AttemptError(Outcome(meaning=fault.meaning))


class Clock:
    """Time that only sleeping moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class ModelClient(DubberClient):
    """The client's interface on the model."""

    def __init__(self, clock: Clock, platform: Platform) -> None:
        nobody: dict[str, Any] = {"client_id": "", "client_secret": "", "username": "", "password": ""}
        super().__init__(DubberConfig(base_url="https://model.test/v1", group_id="g", **nobody), clock)
        self.platform = platform

    def _do(self, effect: Callable[[], T]) -> T:
        self.platform.fail(after=False)
        result = effect()
        self.platform.fail(after=True)
        return result

    def _kept(self, remote_id: str) -> Kept:
        kept = self.platform.recordings.get(remote_id)
        if kept is None:
            raise AttemptError(Outcome(meaning=Meaning.REMOTE_GONE), status=404)
        return kept

    def _shown(self, remote_id: str) -> RemoteRecording:
        kept = self._kept(remote_id)
        active = kept.status == "Active"
        return RemoteRecording(
            id=remote_id,
            status=kept.status,
            size_bytes=len(kept.audio) if active else None,
            sha256=hashlib.sha256(kept.audio).hexdigest() if active else None,
            meta_tags=kept.meta_tags,
        )

    async def find_dub_point(self, key: DubPointKey) -> DubPoint | None:
        return self._do(lambda: DubPoint(id=key.external_identifier, account_id="a"))

    async def find_recording(self, collection: str, tag: str, value: str) -> RemoteRecording | None:
        def effect() -> RemoteRecording | None:
            found = (r for r, kept in self.platform.recordings.items() if kept.meta_tags.get(tag) == value)
            return next((self._shown(r) for r in found), None)

        return self._do(effect)

    async def create_recording(self, collection: str, fields: Mapping[str, Any]) -> RemoteRecording:
        def effect() -> RemoteRecording:
            self.platform.made += 1
            self.platform.recordings[str(self.platform.made)] = Kept(meta_tags=fields["meta_tags"])
            return self._shown(str(self.platform.made))

        return self._do(effect)

    async def get_recording(self, remote_id: str) -> RemoteRecording:
        return self._do(lambda: self._shown(remote_id))

    async def part_address(self, remote_id: str, number: int, *, md5: str, sha256: str) -> PartAddress:
        return self._do(lambda: PartAddress(url=f"{remote_id}/{number}", headers={}))

    async def put_part(self, address: PartAddress, data: AsyncIterable[bytes], *, size: int, media_type: str) -> str:
        body = b"".join([block async for block in data])
        assert len(body) == size

        def effect() -> str:
            remote_id, number = address.url.split("/")
            damaged, self.platform.damage_next = self.platform.damage_next, False
            self._kept(remote_id).parts[int(number)] = bytes(size) if damaged else body
            return hashlib.md5(body).hexdigest()

        return self._do(effect)

    async def complete_upload(self, remote_id: str, parts: tuple[tuple[int, str], ...]) -> None:
        def effect() -> None:
            kept = self._kept(remote_id)
            if set(kept.parts) != {number for number, _ in parts}:
                raise AttemptError(Outcome(meaning=Meaning.PARTS_REFUSED), status=400)
            kept.status = "Active"

        self._do(effect)

    async def abort(self, remote_id: str) -> None:
        self._do(lambda: self.platform.recordings.pop(remote_id, None))

    async def refresh_token(self) -> None:
        self._do(lambda: None)


class Outbox(RuleBasedStateMachine):
    """A carrier that records, an uploader that keeps failing, and somebody who parks and retries."""

    @initialize()
    def start(self) -> None:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
        self.folder = tempfile.TemporaryDirectory()
        self.data_dir = Path(self.folder.name)
        self.loop = asyncio.new_event_loop()
        self.clock, self.platform = Clock(), Platform()
        self.catalog = Catalog.open("sqlite://")
        self.digests: dict[str, str] = {}
        self.boot()

    def boot(self) -> None:
        self.worker = UploadWorker(
            catalog=self.catalog,
            client=ModelClient(self.clock, self.platform),
            config=UploaderConfig(concurrency=1, part_size_bytes=100),
            group_id="g",
            data_dir=self.data_dir,
            clock=self.clock,
            chance=lambda: 0.5,
        )
        self.loop.run_until_complete(self.worker.recover())

    @precondition(lambda self: len(self.digests) < 4)
    @rule(frames=st.integers(1, 80))
    def record(self, frames: int) -> None:
        name = f"rec-{len(self.digests)}"
        path, manifest = finished(self.data_dir, name, frames=frames)
        self.digests[name] = manifest.audio.sha256
        for _ in range(2):
            self.catalog.recordings.add_finished(manifest, path, now=self.clock.now())

    @rule(faults=FAULTS, damage=st.booleans())
    def deliver(self, faults: list[Fault | None], damage: bool) -> None:
        """Move on to the next job's time and try, with this going wrong."""
        self.platform.faults, self.platform.damage_next = deque(faults), damage
        self.attempt()

    def attempt(self) -> None:
        next_at = self.loop.run_until_complete(self.worker.next_at())
        self.clock.at = max(self.clock.at, next_at or self.clock.at)
        try:
            self.loop.run_until_complete(self.worker.deliver_due())
        except Crashed:
            self.boot()

    @precondition(lambda self: bool(self.digests))
    @rule(data=st.data())
    def lose_a_remote_recording(self, data: st.DataObject) -> None:
        """The platform drops an upload that took too long."""
        uploading = sorted(r for r, kept in self.platform.recordings.items() if kept.status == "Uploading")
        if uploading:
            del self.platform.recordings[data.draw(st.sampled_from(uploading))]

    @precondition(lambda self: bool(self.digests))
    @rule(data=st.data(), park=st.booleans())
    def by_hand(self, data: st.DataObject, park: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.digests)))
        if park:
            self.catalog.uploads.park(name, reason="by hand", now=self.clock.now())
        else:
            self.catalog.uploads.retry(name, now=self.clock.now())

    @invariant()
    def none_is_there_twice(self) -> None:
        there = [kept.meta_tags["recording-id"] for kept in self.platform.recordings.values()]
        assert sorted(there) == sorted(set(there))

    @invariant()
    def none_is_lost_and_done_means_there(self) -> None:
        jobs = {job.recording_id: job for job in self.catalog.uploads.list()}
        assert set(jobs) == set(self.digests)
        for name, job in jobs.items():
            assert job.state is not JobState.RUNNING
            if job.state is JobState.DONE:
                assert job.remote_id is not None
                kept = self.platform.recordings[job.remote_id]
                assert (kept.status, hashlib.sha256(kept.audio).hexdigest()) == ("Active", self.digests[name])

    def teardown(self) -> None:
        """Once everything works again and somebody retried what was parked, every recording is delivered, once."""
        self.platform.faults, self.platform.damage_next = deque(), False
        for name in self.digests:
            self.catalog.uploads.retry(name, now=self.clock.now())
        for _ in range(5 * len(self.digests)):
            self.attempt()
        assert self.catalog.uploads.counts()[JobState.DONE] == len(self.digests)
        self.none_is_there_twice()
        self.none_is_lost_and_done_means_there()
        assert len(self.platform.recordings) == len(self.digests)
        self.catalog.close()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()
        structlog.reset_defaults()


def test_every_passing_fault_is_waited_out_and_every_final_one_parks() -> None:
    """The faults drawn here are what they are called."""
    assert {RULES[meaning].then for meaning in PASSING} == {Then.WAIT, Then.RETRY}
    assert {RULES[meaning].then for meaning in FINAL} == {Then.PARK}


Outbox.TestCase.settings = settings(
    max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
TestOutbox = Outbox.TestCase
