"""What a phone says is in its channel sample for sample, whatever the network does to the packets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from callbench.network import Address
from callbench.phone import Microphone, PhoneCall, silent, tone
from callbench.phone.microphone import samples
from callbench.virtual_time import run_virtual
from callmodel.manifest import MarkKind
from callmodel.modes import RecordingMode
from mediaserver.media.g711 import decoded
from mediaserver.media.g722 import DELAY_SAMPLES
from mediaserver.media.messages import Codec
from tests.support.virtual import Carrier, Finished, user
from tests.support.virtual_ears import level_of

Pcm = NDArray[np.int16]
FRAME = 160
MEDIA_PORTS = range(20000, 40000)


def babble(seed: int, rate_hz: int = 8000) -> Microphone:
    """Noise that rises and falls, never repeats within a minute and is never silent: every frame is its own."""
    chance = np.random.default_rng(seed)
    noise = chance.normal(0, 3000, 60 * rate_hz)
    swell = 1 + 0.5 * np.sin(np.arange(noise.size) / rate_hz)
    return samples(np.clip(np.rint(noise * swell), -30000, 30000).astype(np.int16), rate_hz)


def place_of(part: Pcm, whole: Pcm, within: int) -> int:
    """The one place, up to ``within``, at which ``part`` lies in ``whole`` sample for sample."""
    probe = part[:FRAME]
    places = [at for at in range(within) if np.array_equal(whole[at : at + FRAME], probe)]
    assert len(places) == 1
    return places[0]


def holds(said: Pcm, channel: Pcm) -> bool:
    """All of ``said`` lies in the channel, from near its start on, and nothing else does."""
    at = place_of(said, channel, 400)
    return bool(np.array_equal(said, channel[at : at + said.size])) and not channel[at + said.size :].any()


async def hush(*calls: PhoneCall) -> None:
    """Say no more, and let what was said arrive."""
    for call in calls:
        call.media.microphone = silent
    await calls[0].talk(0.2)


async def talk(carrier: Carrier, seconds: float, **more: Any) -> tuple[PhoneCall, PhoneCall]:
    mine, other = await carrier.connect(caller_says=babble(1), callee_says=babble(2), **more)
    await mine.talk(seconds)
    return mine, other


def recorded_call(
    tmp_path: Path, *, seconds: float = 3.0, fate: Callable[..., list[float]] | None = None, **more: Any
) -> tuple[PhoneCall, PhoneCall, Finished]:
    async def scenario() -> tuple[PhoneCall, PhoneCall, Finished]:
        subscribers = (user("1001", RecordingMode.ALWAYS_PAUSE_RESUME), user("1002"))
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            if fate is not None:
                carrier.network.fate = fate
            mine, other = await talk(carrier, seconds, **more)
            await hush(mine, other)
            await carrier.over(mine, other)
            (recording,) = carrier.recordings()
            return mine, other, recording

    return run_virtual(scenario())


@pytest.mark.parametrize("codec", [Codec.PCMU, Codec.PCMA])
def test_both_channels_hold_what_was_said_sample_for_sample(codec: Codec, tmp_path: Path) -> None:
    more = {"codecs": (codec,)}
    mine, other, recording = recorded_call(tmp_path, caller_more=more, callee_more=more)

    assert holds(mine.media.said_audio(), recording.audio[:, 0])
    assert holds(other.media.said_audio(), recording.audio[:, 1])


def test_g722_is_recorded_at_16_khz_sample_for_sample(tmp_path: Path) -> None:
    more = {"codecs": (Codec.G722,)}
    mine, _, recording = recorded_call(tmp_path, caller_more=more, callee_more=more)

    assert recording.manifest.audio.sample_rate_hz == 16000
    said, channel = mine.media.said_audio(16000), recording.audio[:, 0]
    at = place_of(said[2 * FRAME :], channel[FRAME:], 800) - FRAME
    before = max(0, -at)  # the decoder's delay is taken out: its first samples may lie before the recording
    assert before <= DELAY_SAMPLES
    assert np.array_equal(said[before:], channel[max(0, at) :][: said.size - before])


def test_each_party_hears_the_other_sample_for_sample(tmp_path: Path) -> None:
    mine, other, _ = recorded_call(tmp_path)

    for speaker, listener in ((mine, other), (other, mine)):
        said, heard = speaker.media.said_audio(), listener.heard.audio()
        missed = said.size - heard.size
        assert missed in (0, FRAME)  # at most the packet by which the stream became known
        assert np.array_equal(said[missed:], heard)


def test_the_channels_are_aligned(tmp_path: Path) -> None:
    """Both phones click at the same instants; the clicks lie within 20 ms of each other in the file."""

    async def scenario() -> Finished:
        async with Carrier(
            data_dir=tmp_path, subscribers=(user("1001", RecordingMode.ALWAYS), user("1002"))
        ) as carrier:
            mine, other = await carrier.connect()
            for call in (mine, other):
                call.media.microphone = clicks(carrier, call)
            await mine.talk(10)
            await carrier.over(mine, other)
            return carrier.recordings()[0]

    audio = run_virtual(scenario()).audio
    first, second = (np.flatnonzero(audio[:, channel] > 10000) for channel in (0, 1))
    assert first.size == second.size == 10
    assert np.abs(first - second).max() <= FRAME


def clicks(carrier: Carrier, call: PhoneCall) -> Microphone:
    """One loud sample in the frame after each half second."""

    def say(first: int, count: int, rate_hz: int) -> Pcm:
        frame = np.zeros(count, np.int16)
        now = carrier.now()
        if 0.5 <= now % 1 < 0.52 - 1e-9:
            frame[0] = 20000
        return frame

    return say


def test_a_pause_is_cut_to_the_sample(tmp_path: Path) -> None:
    """What lies before and after the cut is whole, and nothing of what was said between is in the file."""

    async def scenario() -> tuple[PhoneCall, PhoneCall, Finished]:
        subscribers = (user("1001", RecordingMode.ALWAYS_PAUSE_RESUME), user("1002"))
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            mine, other = await talk(carrier, 2)
            await mine.press("*48", via="info")
            await mine.talk(2)
            await mine.press("*49", via="info")
            await mine.talk(2)
            await carrier.over(mine, other)
            return mine, other, carrier.recordings()[0]

    mine, other, recording = run_virtual(scenario())

    (pause,) = [mark for mark in recording.manifest.marks if mark.kind is MarkKind.PAUSE]
    cut, length = round(pause.file_ms * 8), round(pause.length_ms * 8)
    manifest = recording.manifest
    assert pause.detail == {"rendering": "cut"}
    lasted_ms = (manifest.ended_at - manifest.started_at) / timedelta(milliseconds=1)
    assert lasted_ms == pytest.approx(manifest.duration_ms + pause.length_ms, abs=0.01), "it ends when the call does"
    assert length / 8000 == pytest.approx(2.3, abs=0.05)
    for channel, call in ((0, mine), (1, other)):
        said, audio = call.media.said_audio(), recording.audio[:, channel]
        at = place_of(said, audio, 400)
        assert np.array_equal(audio[at:cut], said[: cut - at])
        after = said[cut - at + length :][: audio.size - cut]
        assert np.array_equal(audio[cut:][: after.size], after)
        assert after.size > 1.9 * 8000


# --- faults ------------------------------------------------------------------------------------------------


class Trouble:
    """Does something to the media packets of the first phone, and leaves everything else alone."""

    def __init__(self, what: Callable[[int, float], list[float]]) -> None:
        """``what(number, chance)``: delays of packet ``number``; chance is uniform, 0 to 1."""
        self._what = what
        self._chance = np.random.default_rng(7)
        self.count = 0
        self.lost: list[int] = []

    def __call__(self, data: bytes, source: Address, destination: Address) -> list[float]:
        if source[0] != "127.0.1.1" or source[1] < 40001 or source[1] % 2 or destination[1] not in MEDIA_PORTS:
            return [0.0005]
        delays = self._what(self.count, float(self._chance.random()))
        if not delays:
            self.lost.append(self.count)
        self.count += 1
        return delays


def without(said: Pcm, lost: list[int]) -> Pcm:
    """What was said, with silence for the frames that were lost."""
    holed = said.copy()
    for number in lost:
        holed[number * FRAME : (number + 1) * FRAME] = 0
    return holed


def losing(number: int, chance: float) -> list[float]:
    return [] if number > 0 and chance < 0.05 else [0.0005]


def swapping(number: int, chance: float) -> list[float]:
    return [0.030] if number % 10 == 5 else [0.0005]


def doubling(number: int, chance: float) -> list[float]:
    return [0.0005, 0.0005 + 0.04 * chance]


def jittering(number: int, chance: float) -> list[float]:
    return [0.0005 + (0.06 * chance if number else 0)]


@pytest.mark.parametrize("trouble", [losing, swapping, doubling, jittering])
def test_a_bad_network_never_shifts_anything(trouble: Callable[[int, float], list[float]], tmp_path: Path) -> None:
    """Lost packets are silence of their length and counted as gaps; everything else is in its place."""
    fate = Trouble(trouble)
    mine, other, recording = recorded_call(tmp_path, seconds=6, fate=fate)

    said = without(mine.media.said_audio(), fate.lost)
    assert holds(said, recording.audio[:, 0])
    assert holds(other.media.said_audio(), recording.audio[:, 1])
    assert recording.manifest.duration_ms == pytest.approx(6200, abs=20)
    gaps = [mark for mark in recording.manifest.marks if mark.kind is MarkKind.GAP]
    assert sum(mark.length_ms for mark in gaps) == 20 * len(fate.lost)
    assert {mark.channel for mark in gaps} <= {1}


def test_a_new_stream_in_mid_call_goes_on_in_its_place(tmp_path: Path) -> None:
    """SSRC, sequence number and timestamp begin anew: no gap, no shift."""

    async def scenario() -> tuple[PhoneCall, PhoneCall, Finished]:
        async with Carrier(
            data_dir=tmp_path, subscribers=(user("1001", RecordingMode.ALWAYS), user("1002"))
        ) as carrier:
            mine, other = await talk(carrier, 2)
            mine.media.renew()
            await mine.talk(2)
            await hush(mine, other)
            await carrier.over(mine, other)
            return mine, other, carrier.recordings()[0]

    mine, other, recording = run_virtual(scenario())

    said = plain_said(mine)
    assert holds(said, recording.audio[:, 0])
    heard = np.concatenate([payload_audio(packet.payload) for packet in other.heard.packets])
    assert said.size - heard.size <= 3 * FRAME


def plain_said(call: PhoneCall) -> Pcm:
    """Every frame said, one after the other."""
    return np.concatenate([payload_audio(payload) for _, payload in call.media.said])


def payload_audio(payload: bytes) -> Pcm:
    return decoded(Codec.PCMU, payload)


# --- codecs that differ ------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", list(Codec))
@pytest.mark.parametrize("other", list(Codec))
def test_any_two_codecs_hear_each_other(one: Codec, other: Codec, tmp_path: Path) -> None:
    """Tones keep their pitch and level through the transcoding, and in the recording."""

    async def scenario() -> tuple[PhoneCall, PhoneCall, Finished]:
        async with Carrier(
            data_dir=tmp_path, subscribers=(user("1001", RecordingMode.ALWAYS), user("1002"))
        ) as carrier:
            mine, far = await carrier.connect(
                caller_says=tone(437, -12),
                callee_says=tone(613, -15),
                caller_more={"codecs": (one,)},
                callee_more={"codecs": (other,)},
            )
            await mine.talk(1.5)
            await carrier.over(mine, far)
            return mine, far, carrier.recordings()[0]

    mine, far, recording = run_virtual(scenario())

    middle = slice(4000, 8000)
    assert level_of(mine.heard.audio()[middle], 613) == pytest.approx(-15, abs=0.3)
    assert level_of(far.heard.audio()[middle], 437) == pytest.approx(-12, abs=0.3)
    rate_hz = recording.manifest.audio.sample_rate_hz
    assert rate_hz == max(one.sample_rate_hz, other.sample_rate_hz)
    span = slice(rate_hz // 2, rate_hz)
    assert level_of(recording.audio[span, 0], 437, rate_hz) == pytest.approx(-12, abs=0.3)
    assert level_of(recording.audio[span, 1], 613, rate_hz) == pytest.approx(-15, abs=0.3)
    assert len(far.heard.packets) >= 72
