"""What must not be on disk is not: audio that is not kept, and whatever is said in a pause."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from callbench.phone import Microphone, PhoneCall
from callbench.phone.microphone import samples
from callbench.virtual_time import run_virtual
from callmodel.modes import NotificationType, RecordingMode
from mediaserver.media.g711 import decoded
from mediaserver.media.messages import Codec
from tests.support.virtual import Carrier, Finished, config, user
from tests.support.virtual_ears import told, words

Pcm = NDArray[np.int16]
PROBE = 20
"""Samples that are looked for; of noise, so that they are nowhere by chance."""
Story = Callable[[Carrier, PhoneCall, PhoneCall], Awaitable[None]]


def noise(seed: int) -> Microphone:
    """Never the same twice within a minute."""
    return samples(np.random.default_rng(seed).normal(0, 3000, 480_000).astype(np.int16), 8000)


def place(
    tmp_path: Path, mode: RecordingMode, story: Story, settings: dict[str, Any] | None = None, **calls: Any
) -> tuple[PhoneCall, PhoneCall, list[Finished]]:
    async def scenario() -> tuple[PhoneCall, PhoneCall, list[Finished]]:
        subscribers = (user("1001", mode, **(settings or {})), user("1002"))
        async with Carrier(data_dir=tmp_path, subscribers=subscribers, config=config(**calls)) as carrier:
            mine, other = await carrier.connect(caller_says=noise(1), callee_says=noise(2))
            await story(carrier, mine, other)
            await carrier.over(mine, other)
            return mine, other, carrier.recordings()

    return run_virtual(scenario())


def sounds_on_disk(data_dir: Path) -> list[bytes]:
    """The bytes of every file, and the samples of every track of every sound file."""
    found = []
    for path in data_dir.rglob("*"):
        if path.is_file():
            found.append(path.read_bytes())
        if path.name == "audio.part":
            interleaved = np.frombuffer(found[-1][44:][: (len(found[-1]) - 44) // 4 * 4], np.int16)
            found += [np.ascontiguousarray(interleaved[index::2]).tobytes() for index in (0, 1)]
        if path.suffix in (".wav", ".flac"):
            tracks = soundfile.read(path, dtype="int16", always_2d=True)[0]
            found += [np.ascontiguousarray(tracks[:, index]).tobytes() for index in range(tracks.shape[1])]
    return found


def frames_found(frames: list[bytes], on_disk: list[bytes]) -> int:
    """How many of the G.711 frames are on disk, coded or decoded, be it only a piece of them."""
    count = 0
    for payload in frames:
        pcm = decoded(Codec.PCMU, payload)
        probes = [payload[70 : 70 + PROBE], pcm[70 : 70 + PROBE].tobytes()]
        count += any(probe in data for data in on_disk for probe in probes)
    return count


def payloads(call: PhoneCall) -> list[bytes]:
    return [payload for _, payload in call.media.said]


@pytest.mark.parametrize("capture", ["off", "recorded"])
def test_nothing_of_a_call_that_is_not_kept_is_left(capture: str, tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(4)
        assert frames_found(payloads(mine)[10:60], sounds_on_disk(tmp_path)) > 0  # it was there: the search can find

    mine, other, recordings = place(tmp_path, RecordingMode.ON_DEMAND, story, bench_capture=capture)

    assert recordings == []
    on_disk = sounds_on_disk(tmp_path)
    assert frames_found(payloads(mine) + payloads(other), on_disk) == 0
    assert [path for path in (tmp_path / "spool").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("capture", ["off", "recorded"])
@pytest.mark.parametrize("rendering", ["cut", "silence", "tone"])
def test_nothing_that_is_said_in_a_pause_is_anywhere_on_disk(rendering: str, capture: str, tmp_path: Path) -> None:
    """Not in the recording, not in the bench's four tracks, not in any other file; what is said around it is."""
    spans: list[tuple[int, int]] = []

    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(2)
        await mine.press("*48", via="info")
        began = len(payloads(mine))
        await mine.talk(2)
        assert frames_found(payloads(mine)[began:], sounds_on_disk(tmp_path)) == 0
        spans.append((began, len(payloads(mine))))
        await mine.press("*49", via="info")
        await mine.talk(2)

    mine, other, (recording,) = place(
        tmp_path, RecordingMode.ALWAYS_PAUSE_RESUME, story, pause_rendering=rendering, bench_capture=capture
    )

    ((first, last),) = spans
    on_disk = sounds_on_disk(tmp_path)
    for call in (mine, other):
        said = payloads(call)
        assert frames_found(said[first:last], on_disk) == 0
        assert frames_found(said[10:90], on_disk) == 80
        assert frames_found(said[last + 20 : last + 100], on_disk) == 80
    assert recording.manifest.duration_ms == pytest.approx(4400 if rendering == "cut" else 6600, abs=300)
    assert (recording.manifest.heard is not None) == (capture == "recorded")


def test_a_pause_rendered_as_silence_is_silence_of_its_length(tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(2)
        await mine.press("*48", via="info")
        await mine.talk(2)

    _, _, (recording,) = place(tmp_path, RecordingMode.ALWAYS_PAUSE_RESUME, story, pause_rendering="silence")

    assert recording.manifest.duration_ms == pytest.approx(4300, abs=40)
    assert not recording.audio[18400:].any()
    assert recording.audio[8000:16000].any(axis=0).all()


def test_the_four_tracks_hold_in_a_pause_only_what_the_server_said(tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(1)
        await mine.press("*48", via="info")
        await mine.talk(5)

    _, _, (recording,) = place(
        tmp_path,
        RecordingMode.ALWAYS_PAUSE_RESUME,
        story,
        {"notification": NotificationType.ANNOUNCEMENT},
        bench_capture="recorded",
        pause_rendering="cut",
    )

    tracks = recording.heard
    paused = tracks[round(1.3 * 8000) :]
    assert [words(told(np.ascontiguousarray(paused[:, index]))) for index in range(4)] == [
        [],
        [],
        ["recording-paused/en"],
        [],
    ]
    assert not paused[:, [0, 1, 3]].any()


def test_calls_of_users_who_are_not_recorded_leave_no_sound(tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(3)

    mine, other, _ = place(tmp_path, RecordingMode.NEVER, story, bench_capture="recorded")

    assert frames_found(payloads(mine) + payloads(other), sounds_on_disk(tmp_path)) == 0
