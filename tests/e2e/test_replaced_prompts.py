"""Announcements are replaced while workers are at work: no call notices, and every worker has the new ones."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from callbench.analysis import analyze
from callmodel.manifest import MarkKind
from callmodel.modes import Language
from mediaserver.media.config import PromptPcm
from mediaserver.media.messages import (
    CloseCall,
    Codec,
    FinishRecording,
    OpenLeg,
    Play,
    PlayEnded,
    PlayStarted,
    PromptAudio,
    RecordingFinished,
    SetLegMedia,
)
from mediaserver.runtime.forwarders import native_available
from mediaserver.runtime.worker.pool import Worker
from prompts import PromptId, check_upload, save_custom
from tests.support.rtp_rig import Phone
from tests.support.server_process import ServerProcess, running
from tests.support.stage import Stage
from tests.support.worker_rig import HOST, LOW, Listener, chosen, open_call, talk
from tests.support.worker_rig import running as pool_running

pytestmark = pytest.mark.e2e

MINUTE = np.full(60 * 8000, 1000, np.int16)
HUGE = {
    (f"long-{number}", "en"): PromptPcm(pcm_8k=MINUTE + number, pcm_16k=np.repeat(MINUTE, 2)) for number in range(12)
}
"""Twelve announcements of the greatest length: 35 MB."""
SPOKEN = np.full(4800, 6000, np.int16)
NEW_BEEP = {("beep", "en"): PromptPcm(pcm_8k=SPOKEN, pcm_16k=np.repeat(SPOKEN, 2))}
"""600 ms in the place of 200."""


async def played_ms(listener: Listener, worker: Worker, number: int) -> float:
    """How long the announcement lasts on a worker."""
    phone = Phone()
    worker.send(OpenLeg(call_id=f"c-{number}", leg_id=number, host=HOST, port=LOW + 200 + 2 * number))
    worker.send(
        SetLegMedia(
            leg_id=number,
            codec=Codec.PCMU,
            payload_type=0,
            receive_payload_types=((0, Codec.PCMU),),
            remote=(HOST, phone.port),
        )
    )
    audio = (PromptAudio(prompt="beep", language="en"),)
    worker.send(Play(call_id=f"c-{number}", play_id=number, audio=audio, audience=(number,)))
    await listener.until(lambda: any(isinstance(e, PlayEnded) and e.play_id == number for e in listener.events))
    worker.send(CloseCall(call_id=f"c-{number}"))
    phone.socket.close()
    began = next(e.at for e in listener.events if isinstance(e, PlayStarted) and e.play_id == number)
    ended = next(e.at for e in listener.events if isinstance(e, PlayEnded) and e.play_id == number)
    return round((ended - began) * 1000)


def sequences(phone: Phone) -> list[int]:
    """Sequence numbers of everything that came, in order."""
    found = []
    while True:
        try:
            packet = phone.socket.recv(2048)
        except BlockingIOError:
            return found
        if len(packet) == 172:
            found.append(int.from_bytes(packet[2:4], "big"))


@pytest.mark.parametrize("forwarder", ["native", "python"] if native_available() else ["python"])
async def test_a_call_goes_on_undisturbed_while_a_worker_takes_new_announcements(
    forwarder: str, tmp_path: Path
) -> None:
    """Under 35 MB of announcements every packet of both is passed on, in order, and the recording has no gap."""
    async with pool_running(forwarder) as listener:
        worker, a, b, ports = await open_call(listener, tmp_path)
        for phone in (a, b):
            phone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        talking = [asyncio.create_task(talk(phone, port, 150, port)) for phone, port in zip((a, b), ports, strict=True)]
        for number, (key, pcm) in enumerate(HUGE.items()):
            asyncio.get_running_loop().call_later(0.2 + 0.2 * number, listener.pool.replace_prompts, {key: pcm})
        await asyncio.gather(*talking)
        assert await played_ms(listener, worker, 30) == 200
        worker.send(FinishRecording(recording_id="r-1", at=time.monotonic(), keep=True))
        told = await listener.first(RecordingFinished)
        heard = [sequences(phone) for phone in (a, b)]
        worker.send(CloseCall(call_id="c-1"))
        for phone in (a, b):
            phone.socket.close()
    assert [len(packets) for packets in heard] == [150, 150]
    assert all((later - earlier) & 0xFFFF == 1 for packets in heard for earlier, later in pairwise(packets))
    assert (told.complete, [mark for mark in told.marks if mark.kind is MarkKind.GAP]) == (True, [])


async def test_every_worker_has_the_new_announcement(tmp_path: Path) -> None:
    """The one at work, the one that waited beside it, and one that is started after both are gone."""
    async with pool_running() as listener:
        pool = listener.pool
        lasted = [await played_ms(listener, chosen(pool), 1)]
        await listener.until(lambda: pool.spare is not None and pool.spare.ready)
        pool.replace_prompts(NEW_BEEP)
        numbers = []
        for play in (2, 3, 4):
            worker = chosen(pool)
            numbers.append(worker.number)
            lasted.append(await played_ms(listener, worker, play))
            await listener.until(lambda: pool.spare is not None and pool.spare.ready)
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGKILL)
            await listener.until(lambda gone=worker: gone in listener.lost and pool.choose() is not None)
    assert (lasted, numbers) == ([200, 600, 600, 600], [1, 2, 3])


# --- the whole product ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """With one user, 1005, who is always recorded and announced, in French."""
    with running(tmp_path_factory.mktemp("prompts") / "data", config="[calls]\nmax_load = 1.0\n") as one:
        yield one


def tones(path: Path) -> list[int]:
    """Frequencies in the far party's channel of a recording."""
    samples, rate_hz = soundfile.read(path / "audio.wav", dtype="int16")
    return [round(tone.hz) for tone in analyze(samples[:, 1], rate_hz).channels[0].tones]


def test_an_uploaded_announcement_is_heard_in_the_next_call_and_the_running_one_has_no_gap(
    server: ServerProcess, tmp_path: Path
) -> None:
    stage = Stage(server, tmp_path)
    phone = stage.phone("1005", stage.user_voice)
    file = io.BytesIO()
    soundfile.write(file, 0.3 * np.sin(2 * np.pi * 750 * np.arange(44100) / 44100), 44100, format="MP3")
    try:
        phone.call("9009")
        phone.talk(2.5)
        since = server.mark()
        save_custom(server.data_dir / "prompts", PromptId.RECORDING_STARTED, Language.FR, check_upload(file.getvalue()))
        server.catalog.service_settings.prompts_changed(now=datetime.now(UTC))
        changed = server.wait_for("prompts.replaced", since=since)
        phone.talk(1)
        phone.hang_up()
        phone.call("9009")
        phone.talk(2)
        phone.hang_up()
        for entry in (server.wait_for("recording.sealed"), server.wait_for("recording.sealed", since=since)):
            server.wait_for("upload.delivered", recording_id=entry["recording"])
    finally:
        phone.close()
        stage.close()
    before, after = server.recordings(user="1005")
    assert changed["changed"] == 1
    assert [mark for mark in before.manifest.marks if mark.kind is MarkKind.GAP] == []
    assert (tones(before.path), tones(after.path)) == ([], [750])
