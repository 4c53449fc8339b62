"""Rings by time: what is written is read, wherever it wraps; what was not is silence."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.media.timeline import AHEAD, PAD, SPAN, Timeline
from mediaserver.media.tones import sine, to_pcm
from tests.support.media_world import speech

START = 1000 * SPAN + 777


def ready(at: int, rows: int = 2) -> Timeline:
    timeline = Timeline(rows)
    timeline.advance(at, rows)
    return timeline


@given(tick=st.integers(START, START + 2 * SPAN), size=st.integers(1, PAD))
def test_a_packet_is_read_where_it_was_put(tick: int, size: int) -> None:
    timeline = ready(tick + AHEAD)
    samples = speech(size)
    timeline.put(1, tick, samples)
    around = timeline.read(1, tick - 100, size + 200)
    assert np.array_equal(around, np.concatenate([np.zeros(100, np.int16), samples, np.zeros(100, np.int16)]))
    assert not timeline.read(0, tick, size).any()


@given(ticks=st.lists(st.integers(START, START + SPAN), min_size=2, max_size=2))
def test_frames_put_in_bulk_are_read_in_bulk_and_one_by_one(ticks: list[int]) -> None:
    timeline = ready(START + SPAN + AHEAD)
    rows, places = np.array([0, 1]), np.array(ticks)
    frames = speech(320).reshape(2, 160)
    timeline.put_frames(rows, places, frames)
    assert np.array_equal(timeline.frames(rows, places), frames)
    for row, tick in enumerate(ticks):
        assert np.array_equal(timeline.read(row, tick, 160), frames[row])


def test_what_is_a_span_old_is_silent_again() -> None:
    timeline = ready(START)
    timeline.put(0, START - 160, speech(160))
    timeline.advance(START + SPAN - 160, 2)
    assert timeline.read(0, START - 160, 160).any()
    timeline.advance(START + SPAN, 2)
    assert not timeline.read(0, START - 160, 160).any()
    timeline.put(0, START, speech(160))
    timeline.advance(START + 5 * SPAN, 2)
    assert not timeline.read(0, START, 160).any()


def test_a_stretch_can_be_silenced_across_the_wrap() -> None:
    tick = (START // SPAN + 1) * SPAN - 100
    timeline = ready(tick + AHEAD)
    timeline.put_wide(0, tick, speech(640))
    timeline.silence(0, tick, 320)
    assert not timeline.read_at(0, tick, 320, 8000).any()
    assert not timeline.read_at(0, tick, 320, 16000).any()


def test_wide_audio_is_heard_at_both_rates() -> None:
    tick = (START // SPAN + 1) * SPAN - 400
    timeline = ready(tick + 4 * SPAN // 5)
    wave = to_pcm(sine(1000, -10, 6400, 16000))
    for at in range(0, 3200, 160):
        timeline.put_wide(0, tick + at, wave[2 * at : 2 * at + 320])
    assert np.array_equal(timeline.read_at(0, tick, 3200, 16000), wave)
    narrow = timeline.read_at(0, tick + 100, 3000, 8000).astype(int)
    assert np.abs(narrow - wave[200:6200:2]).max() <= 2
    timeline.narrow(0)
    again = timeline.read_at(0, tick + 100, 3000, 16000).astype(int)
    assert np.abs(again[100:-100] - wave[300:6100]).max() <= 4


def test_narrow_audio_in_a_wide_row_is_heard_at_both_rates() -> None:
    timeline = ready(START + AHEAD)
    timeline.reset(0, wide=True)
    samples = speech(160)
    timeline.put(0, START, samples)
    assert np.array_equal(timeline.read_at(0, START, 160, 16000)[::2], samples)
    timeline.advance(START + 2 * SPAN, 2)
    assert not timeline.read_at(0, START + SPAN, 160, 16000).any()
