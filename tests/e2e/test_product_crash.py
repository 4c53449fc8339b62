"""What a power cut, and the death of a media worker, cost."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.listening import channels_of, levels, loudest
from tests.support.phones import PjsuaPhone
from tests.support.server_process import ServerProcess, running
from tests.support.stage import USER_HZ, Stage

pytestmark = pytest.mark.e2e

CONFIG = "[calls]\nmax_load = 1.0\n"


def test_a_killed_server_loses_at_most_a_second_and_delivers_the_rest(tmp_path: Path) -> None:
    """SIGKILL in a call; the next start settles the recording, marks it as salvaged, and uploads it."""
    data_dir = tmp_path / "data"
    server = ServerProcess.start(data_dir, config=CONFIG)
    stage = Stage(server, tmp_path)
    phone = stage.phone("1001", stage.user_voice)
    try:
        phone.call("9003")
        opened = server.wait_for("recording.opened", user="1001")
        server.wait_for("leg.first-packet", call=opened["call"])
        began = time.monotonic()
        phone.talk(3.5)
        workers = [os.pidfd_open(pid) for pid in server.worker_pids()]
        lived_s = time.monotonic() - began
        server.kill()
        for handle in workers:
            with os.fdopen(handle) as file:
                assert _ends(file.fileno(), 5.0), "a media worker outlived its server"
    finally:
        phone.close()
        stage.close()
        server.kill()
    with running(data_dir, config=CONFIG) as again:
        shown = again.delivered(opened["recording"])
        (record,) = again.recordings(user="1001")
        assert record.manifest.salvaged
        assert record.manifest.recording_id == opened["recording"]
        assert lived_s - 1.0 <= record.manifest.duration_ms / 1000 <= lived_s + 0.5
        assert (shown["content_sha256"], shown["metadata"]["salvaged"]) == (record.manifest.audio.sha256, "true")
        (user, far), rate = channels_of(record.path / "audio.wav")
        exact = sum(end - start for start, end in stage.user_voice.exact_runs(user))
        assert exact > len(user) - rate * 0.5
        assert (abs(levels(far, rate, 1004.0)[1:-1]) < 0.5).all()
        assert loudest(far, rate, USER_HZ) < -30  # the edge of a tone at 0 dBm0 is that wide


def _ends(pidfd: int, seconds: float) -> bool:
    """A process ends in time; its descriptor becomes readable then."""
    return bool(select.select([pidfd], [], [], seconds)[0])


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[ServerProcess, Stage, list[PjsuaPhone]]]:
    """A server with two media workers, and phones that go with it."""
    with running(tmp_path / "data", config=CONFIG, flags=("--media-workers", "2")) as server:
        stage = Stage(server, tmp_path)
        phones = [stage.phone(number, stage.user_voice) for number in ("1001", "1002")]
        yield server, stage, phones
        for phone in phones:
            phone.close()
        stage.close()


def test_a_killed_worker_takes_only_its_own_calls(two: tuple[ServerProcess, Stage, list[PjsuaPhone]]) -> None:
    """Its call ends with BYE and is salvaged; the other call goes on; there are two workers again within a second."""
    server, _, (first, second) = two
    for phone in (first, second):
        since = server.mark()
        phone.call("9002")
        server.wait_for("recording.opened", since=since, user=phone.number)
    opened = {entry["call"]: entry["recording"] for entry in server.events("recording.opened")}
    first.talk(2.0)
    busy = next(entry["pid"] for entry in server.events("worker.ready", worker=1))
    since, killed_at = server.mark(), time.monotonic()
    os.kill(busy, signal.SIGKILL)
    ended = server.wait_for("call.ended", since=since)
    assert server.wait_for("worker.lost", since=since)["calls"] == 1
    first_call = server.events("call.invited", caller="1001")[0]["call"]
    dead, alive = (first, second) if ended["call"] == first_call else (second, first)
    dead.wait("over", code=200)
    assert workers_told(server) == 2
    assert time.monotonic() - killed_at < 1.0
    dead.call("9002")
    alive.talk(1.0)
    lost = opened[ended["call"]]
    server.wait_for("recording.settled", since=since, recording=lost)
    server.delivered(lost)
    record = next(record for record in server.recordings(user=dead.number) if record.manifest.recording_id == lost)
    assert record.manifest.salvaged
    assert record.manifest.duration_ms > 900
    for phone in (alive, dead):
        phone.hang_up()
    assert [entry["call"] for entry in server.events("call.ended", cause="worker-lost")] == [ended["call"]]


def workers_told(server: ServerProcess) -> int:
    """How many media workers the metrics show."""
    return server.http("/metrics")[1].count("\nmediaserver_worker_load{")
