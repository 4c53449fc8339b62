"""Recorded and paused stretches."""

from __future__ import annotations

from mediaserver.media.takes import Stretch, Takes


def test_a_pause_divides_the_call_and_is_not_in_the_file() -> None:
    takes = Takes(1000, cut=True)
    assert takes.change(1500, paused=True, written=0)
    assert takes.change(2500, paused=False, written=0)
    assert takes.stretches(900, 3000) == [
        Stretch(start=1000, end=1500, paused=False),
        Stretch(start=1500, end=2500, paused=True),
        Stretch(start=2500, end=3000, paused=False),
    ]
    assert [takes.file_ticks(tick) for tick in (900, 1200, 2000, 2600)] == [0, 200, 500, 600]


def test_a_rendered_pause_is_in_the_file() -> None:
    takes = Takes(0, cut=False)
    takes.change(100, paused=True, written=0)
    assert takes.file_ticks(300) == 300


def test_asking_twice_changes_nothing() -> None:
    takes = Takes(0, cut=True)
    assert not takes.change(10, paused=False, written=0)
    assert takes.change(10, paused=True, written=0)
    assert not takes.change(20, paused=True, written=0)
    assert takes.paused_since == 10


def test_a_pause_told_too_late_begins_where_the_writing_stands() -> None:
    takes = Takes(0, cut=True)
    takes.change(10, paused=True, written=500)
    assert takes.paused_since == 500


def test_a_pause_of_no_length_leaves_no_trace() -> None:
    takes = Takes(0, cut=True)
    takes.change(10, paused=True, written=0)
    takes.change(10, paused=False, written=0)
    assert takes.stretches(0, 20) == [Stretch(start=0, end=20, paused=False)]
