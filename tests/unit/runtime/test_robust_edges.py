"""Faults at the edges of the runtime: of ours, of the catalog and of the disk. Calls and recordings get over them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from callbench.virtual_time import run_virtual
from callmodel.modes import RecordingMode
from mediaserver.call.call import Call
from mediaserver.runtime.logs import Unfailing
from spool.layout import spool_dir
from tests.support.virtual import Carrier, user

LOCKED = OperationalError("INSERT", {}, Exception("database is locked"))

SUBSCRIBERS = (user("1001", RecordingMode.ALWAYS), user("1002"))


def test_a_call_that_cannot_even_begin_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 for that one; the next comes through, and nothing is left of the first."""

    async def scenario() -> None:
        async with Carrier(data_dir=tmp_path, subscribers=SUBSCRIBERS) as carrier:
            phone = await carrier.phone("1001")

            def broken(*_: object, **__: object) -> None:
                raise RuntimeError("a fault of ours")

            with monkeypatch.context() as patch:
                patch.setattr(carrier.server.directory, "route", broken)
                first = await phone.dial("9001")
                await first.ended()
            with monkeypatch.context() as patch:
                patch.setattr(Call, "start", broken)
                second = await phone.dial("9001")
                await second.ended()
            third = await (await phone.dial("9001")).answered()
            await carrier.over(third)
            assert (first.status, second.status >= 300, third.status) == (500, True, 200)
            assert carrier.server.hub.calls == ()

    run_virtual(scenario())


def test_recordings_wait_for_a_catalog_that_refuses_for_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sealed on disk at once, entered when the catalog takes it again, without a restart."""

    async def scenario() -> None:
        async with Carrier(data_dir=tmp_path, subscribers=SUBSCRIBERS) as carrier:
            enter = carrier.server.catalog.recordings.add_finished
            opens_at = carrier.now() + 180

            def refuses(*facts: Any, **more: Any) -> Any:
                if carrier.now() < opens_at:
                    raise LOCKED
                return enter(*facts, **more)

            monkeypatch.setattr(carrier.server.catalog.recordings, "add_finished", refuses)
            one, other = await carrier.connect()
            await carrier.later(2)
            await carrier.over(one, other)
            (recording,) = carrier.recordings()
            assert carrier.now() < opens_at + 31
            assert list(carrier.server.catalog.recordings.ids()) == [recording.manifest.recording_id]

    run_virtual(scenario())


def test_subscribers_are_read_again_after_the_catalog_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change made while the catalog refuses is there once it answers."""

    async def scenario() -> None:
        async with Carrier(data_dir=tmp_path, subscribers=SUBSCRIBERS) as carrier:
            subscribers = carrier.server.catalog.subscribers

            def refuses() -> int:
                raise LOCKED

            with monkeypatch.context() as patch:
                patch.setattr(subscribers, "version", refuses)
                await carrier.later(60)
            subscribers.upsert(user("1003"), now=carrier.server.clock.wall(carrier.now()))
            await carrier.later(2)
            assert set(carrier.server.directory.subscribers) == {"1001", "1002", "1003"}

    run_virtual(scenario())


def test_a_finished_recording_that_cannot_be_read_stops_no_start(tmp_path: Path) -> None:
    """It stays where it is; those beside it are entered."""

    async def scenario() -> None:
        async with Carrier(data_dir=tmp_path, subscribers=SUBSCRIBERS) as carrier:
            one, other = await carrier.connect()
            await carrier.later(1)
            await carrier.over(one, other)
            (recording,) = carrier.recordings()
        damaged = recording.directory.with_name("r-damaged")
        damaged.mkdir()
        (damaged / "manifest.json").write_bytes(b"\x00 no manifest")
        async with Carrier(data_dir=tmp_path, subscribers=SUBSCRIBERS) as carrier:
            assert list(carrier.server.catalog.recordings.ids()) == [recording.manifest.recording_id]
        assert damaged.is_dir()
        assert list(spool_dir(tmp_path).iterdir()) == []

    run_virtual(scenario())


def test_a_log_that_cannot_be_written_ends_nothing() -> None:
    """A full disk or a closed pipe under standard error."""

    class Full(io.StringIO):
        def write(self, text: str, /) -> int:
            raise OSError(28, "No space left on device")

        def flush(self) -> None:
            raise BrokenPipeError

    stream = Unfailing(Full())
    assert stream.write("a line\n") == 7
    stream.flush()
    closed = io.StringIO()
    closed.close()
    Unfailing(closed).write("x")
