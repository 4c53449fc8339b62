"""Modular arithmetic: reordering, loss and wraps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediaserver.rtp import (
    SequenceUnwrapper,
    TimestampUnwrapper,
    difference,
    nearest,
    nearest_many,
    sequence_add,
    timestamp_add,
)

STEADY = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""


@pytest.mark.parametrize(
    ("value", "reference", "way"),
    [(1, 65535, 2), (65535, 1, -2), (32767, 0, 32767), (32768, 0, -32768), (7, 7, 0)],
)
def test_the_shortest_way_round_the_circle(value: int, reference: int, way: int) -> None:
    assert difference(value, reference, 16) == way


def test_adding_wraps() -> None:
    assert sequence_add(65535) == 0
    assert timestamp_add(0xFFFFFFFF, 160) == 159
    assert timestamp_add(100, -160) == 0xFFFFFFC4


def test_packets_reordered_around_the_wrap_land_in_their_places() -> None:
    unwrapper = SequenceUnwrapper()
    wrapped = [65533, 65535, 0, 65534, 2, 1]
    assert [unwrapper.unwrap(value) for value in wrapped] == [65533, 65535, 65536, 65534, 65538, 65537]


def test_a_packet_older_than_the_first_lands_below_it_even_below_zero() -> None:
    unwrapper = SequenceUnwrapper()
    assert [unwrapper.unwrap(value) for value in (0, 65535, 1)] == [0, -1, 1]


def test_peeking_moves_nothing() -> None:
    unwrapper = TimestampUnwrapper()
    assert unwrapper.peek(0xFFFFFF00) == 0xFFFFFF00
    assert unwrapper.highest is None
    unwrapper.unwrap(0xFFFFFF00)
    assert unwrapper.peek(0) == 1 << 32
    assert unwrapper.highest == 0xFFFFFF00


def test_a_line_can_be_taken_up_where_it_was_left() -> None:
    assert TimestampUnwrapper(highest=5 * 2**32 - 1).unwrap(159) == 5 * 2**32 + 159


@STEADY
@given(start=st.integers(0, 2**16 - 1), steps=st.lists(st.integers(-1000, 1000), max_size=300))
def test_any_walk_of_small_steps_is_followed_exactly(start: int, steps: list[int]) -> None:
    unwrapper = SequenceUnwrapper()
    position = start
    unwrapper.unwrap(start)
    highest = start
    for step in steps:
        position = max(position + step, highest - 30_000)
        highest = max(highest, position)
        assert unwrapper.unwrap(position % 2**16) == position


@STEADY
@given(chunks=st.lists(st.lists(st.integers(0, 2**16 - 1), max_size=20), max_size=6))
def test_a_batch_lands_where_its_packets_land_one_by_one_whatever_the_jumps(chunks: list[list[int]]) -> None:
    scalar, vector = SequenceUnwrapper(), SequenceUnwrapper()
    for chunk in chunks:
        assert vector.unwrap_many(chunk).tolist() == [scalar.unwrap(value) for value in chunk]
        assert vector.highest == scalar.highest


def test_a_batch_of_timestamps_crosses_the_wrap() -> None:
    wrapped = np.array([0xFFFFFF60, 0xFFFFFFFF, 159, 0xFFFFFFFE], dtype=np.uint32)
    assert TimestampUnwrapper().unwrap_many(wrapped).tolist() == [0xFFFFFF60, 0xFFFFFFFF, 2**32 + 159, 0xFFFFFFFE]


def test_many_streams_are_unwrapped_at_once_each_against_its_own_reference() -> None:
    values = np.array([5, 65530, 7], dtype=np.uint16)
    references = np.array([65536 + 65535, 65536 + 2, 7])
    assert nearest_many(values, references, 16).tolist() == [131077, 65530, 7]
    assert [nearest(int(v), int(r), 16) for v, r in zip(values, references, strict=True)] == [131077, 65530, 7]
