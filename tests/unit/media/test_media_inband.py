"""Which sounds are keys (ITU-T Q.24) and which are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaserver.media.g711 import decoded, encoded
from mediaserver.media.inband import NO_KEY, keys_in
from mediaserver.media.messages import Codec, Digit
from mediaserver.media.tones import HIGH_HZ, KEYPAD, LOW_HZ, sine, to_pcm
from tests.support.media_world import MediaWorld, Pcm
from tests.support.virtual import prompt_bank

ALL_KEYS = "".join(KEYPAD)


def digits_heard(samples: Pcm) -> str:
    """What a leg that negotiated no telephone-event hears in a signal (100 ms of quiet after it)."""
    world = MediaWorld()
    a, _ = world.call(telephone_event_receive=None)
    a.talk(np.concatenate([samples, np.zeros(960 - samples.size % 160, np.int16)]), 100.0)
    world.run(100.6 + samples.size / 8000)
    return "".join(event.digit for event in world.told(Digit))


def pair(low: float, high: float, ms: float, low_dbm0: float = -10.0, high_dbm0: float = -10.0) -> Pcm:
    count = round(ms * 8)
    return to_pcm(sine(low, low_dbm0, count, 8000) + sine(high, high_dbm0, count, 8000))


def placed(tone: Pcm, offset: int) -> Pcm:
    return np.concatenate([np.zeros(offset, np.int16), tone])


@pytest.mark.parametrize("key", ALL_KEYS)
def test_every_key_is_known(key: str) -> None:
    row, column = divmod(ALL_KEYS.index(key), 4)
    window = pair(LOW_HZ[row], HIGH_HZ[column], 20)[None, :]
    assert ALL_KEYS[int(keys_in(window)[0][0])] == key


@settings(max_examples=40, deadline=None)
@given(
    offset=st.integers(0, 159),
    key=st.integers(0, 15),
    low=st.floats(-25, -5),
    twist=st.floats(-6, 4),
    wrong=st.floats(-0.015, 0.015),
)
def test_forty_ms_are_always_a_press(offset: int, key: int, low: float, twist: float, wrong: float) -> None:
    """Anywhere in the frames, one and a half percent off in frequency, 6 dB of twist one way and 4 the other."""
    row, column = divmod(key, 4)
    tone = pair(LOW_HZ[row] * (1 + wrong), HIGH_HZ[column] * (1 + wrong), 40, low, min(low + twist, -3))
    assert digits_heard(placed(tone, offset)) == ALL_KEYS[key]


@pytest.mark.parametrize("wrong", [-0.035, 0.035])
@pytest.mark.parametrize("key", range(16))
def test_three_and_a_half_percent_off_is_no_key(key: int, wrong: float) -> None:
    row, column = divmod(key, 4)
    assert digits_heard(pair(LOW_HZ[row] * (1 + wrong), HIGH_HZ[column] * (1 + wrong), 60)) == ""


@settings(max_examples=15, deadline=None)
@given(offset=st.integers(0, 159), key=st.integers(0, 15))
def test_twenty_three_ms_never_are(offset: int, key: int) -> None:
    row, column = divmod(key, 4)
    assert digits_heard(placed(pair(LOW_HZ[row], HIGH_HZ[column], 23), offset)) == ""


def test_two_presses_of_one_key_are_two() -> None:
    tone, gap = pair(697, 1209, 60), np.zeros(400, np.int16)
    assert digits_heard(np.concatenate([tone, gap, tone, gap, pair(770, 1209, 60)])) == "114"


@pytest.mark.parametrize("offset", range(0, 160, 20))
def test_a_lost_packet_makes_no_second_press_of_a_key(offset: int) -> None:
    """``*48`` would be ``*44``, and a pause a start. The hole is a packet of 20 ms, anywhere in the key."""
    tone = pair(770, 1209, 120)
    for first in range(320, 640, 40):
        holed = tone.copy()
        holed[first : first + 160] = 0
        assert digits_heard(placed(holed, offset)) == "4"


@pytest.mark.parametrize("offset", range(0, 160, 20))
def test_a_pause_of_40_ms_parts_two_presses(offset: int) -> None:
    """Q.24 wants it accepted."""
    tone, gap = pair(770, 1209, 60), np.zeros(320, np.int16)
    assert digits_heard(placed(np.concatenate([tone, gap, tone]), offset)) == "44"


def test_single_tones_call_progress_and_noise_are_no_keys() -> None:
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 3000, (3000, 160)).astype(np.int16)
    single = np.stack([to_pcm(sine(hz, -6, 160, 8000)) for hz in range(300, 3400, 7)])
    progress = np.stack([pair(one, two, 20) for one, two in ((350, 440), (440, 480), (480, 620), (1400, 1400))])
    twisted = pair(697, 1209, 20, -30, -10)[None, :]
    weak = pair(697, 1209, 20, -45, -45)[None, :]
    for windows in (noise, single, progress, twisted, weak):
        assert (keys_in(windows)[0] == NO_KEY).all()


def harsh_voice(seconds: int) -> Pcm:
    """Harsher than speech: no pause, and one harmonic often rules each of two narrow formants."""
    rng = np.random.default_rng(11)
    count = seconds * 8000
    pitch = np.interp(np.arange(count), np.arange(0, count + 800, 800), rng.uniform(80, 300, count // 800 + 1))
    phase = 2 * np.pi * np.cumsum(pitch) / 8000
    formants = [
        np.interp(np.arange(count), np.arange(0, count + 960, 960), rng.uniform(*span, count // 960 + 1))
        for span in ((300, 900), (900, 2300))
    ]
    voice = np.zeros(count)
    for harmonic in range(1, 14):
        at = harmonic * pitch
        level = sum(np.exp(-(((at - formant) / 120) ** 2)) for formant in formants) + 0.02
        voice += level * np.sin(harmonic * phase) * (at < 3600)
    loud = np.interp(np.arange(count), np.arange(0, count + 1600, 1600), rng.uniform(0, 1, count // 1600 + 1))
    return to_pcm(voice * loud * 6000)


def runs_like_keys(samples: Pcm) -> list[int]:
    """Where three windows in a row with one key, two of them clean: what would be a press if nothing had to be
    steady."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, 160)[::80]
    found, clean, _ = keys_in(windows)
    run = (found[2:] != NO_KEY) & (found[2:] == found[1:-1]) & (found[1:-1] == found[:-2])
    sure = clean[2:].astype(int) + clean[1:-1] + clean[:-2] >= 2
    begins = np.flatnonzero(np.diff((run & sure).astype(int), prepend=0) == 1)
    return [80 * int(begin) for begin in begins]


def test_a_harsh_voice_presses_no_key() -> None:
    """Talk-off: 120 s in which a harmonic voice sounds like a key now and then, but never holds still."""
    voice = harsh_voice(120)
    runs = runs_like_keys(voice)
    assert runs
    for at in runs:
        assert digits_heard(voice[max(0, at - 4000) : at + 4000]) == ""


@pytest.mark.parametrize("gain_db", [-20, -6, 0, 9])
def test_no_prompt_in_either_language_presses_a_key(gain_db: float) -> None:
    """All announcements, at several levels, in G.711."""
    for audio in prompt_bank().values():
        loud = np.clip(audio.pcm_8k * 10 ** (gain_db / 20), -32768, 32767).astype(np.int16)
        assert runs_like_keys(decoded(Codec.PCMU, encoded(Codec.PCMU, loud).tobytes())) == []


@pytest.mark.parametrize("drift_hz", [0, 30])
def test_a_key_holds_its_frequency(drift_hz: int) -> None:
    """A pair that glides by 30 Hz in 60 ms is a voice."""
    at = np.arange(480) / 8000
    glide = drift_hz * at**2 / (2 * 0.06)
    samples = sum(6000 * np.sin(2 * np.pi * (hz * at + glide)) for hz in (770 - drift_hz / 2, 1336 - drift_hz / 2))
    assert digits_heard(to_pcm(np.asarray(samples))) == ("" if drift_hz else "5")


def test_a_key_holds_its_level() -> None:
    """A pair that dies away by 4 dB in 10 ms is none."""
    swell = 10 ** (-np.arange(400) / 80 * 4 / 20)
    assert digits_heard(to_pcm(pair(770, 1336, 50, -6, -6) * swell)) == ""


def test_a_key_is_heard_through_noise() -> None:
    """20 dB under it, and 40 ms long."""
    rng = np.random.default_rng(4)
    for key in range(0, 16, 3):
        row, column = divmod(key, 4)
        tone = pair(LOW_HZ[row], HIGH_HZ[column], 40, -12, -12)
        noise = rng.normal(0, float(np.std(tone)) / 10, 800)
        noise[150:470] += tone
        assert digits_heard(to_pcm(noise)) == ALL_KEYS[key]
