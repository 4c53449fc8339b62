"""Marks as short texts: written, read, and what is left out when room is short."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmodel.manifest import Mark, MarkKind
from callmodel.mark_text import LETTERS, MARK_MAX, Marker, packed, unpacked

MARKS = (
    Mark(kind=MarkKind.ANNOUNCEMENT, file_ms=250, call_ms=250, length_ms=3100, detail={"prompt": "recording_started"}),
    Mark(
        kind=MarkKind.CODE, file_ms=12_500, call_ms=12_500, channel=1, detail={"command": "pause", "accepted": "true"}
    ),
    Mark(kind=MarkKind.CODE, file_ms=13_000, call_ms=13_000, channel=1, detail={"command": "x", "accepted": "false"}),
    Mark(kind=MarkKind.PAUSE, file_ms=14_000, call_ms=14_000, length_ms=20_000, detail={"rendering": "cut"}),
    Mark(kind=MarkKind.TONE, file_ms=15_000, call_ms=35_000, length_ms=200, detail={"hz": "440", "reminder": "yes"}),
    Mark(kind=MarkKind.TONE, file_ms=15_500, call_ms=35_500, length_ms=200, detail={"hz": "440"}),
    Mark(kind=MarkKind.HOLD, file_ms=16_004, call_ms=36_004, detail={"leg": "a", "state": "on"}),
    Mark(kind=MarkKind.GAP, file_ms=17_000, call_ms=37_000, length_ms=40, channel=2, detail={"packets_lost": "2"}),
    Mark(kind=MarkKind.CODEC, file_ms=18_000, call_ms=38_000, detail={"before": "PCMA", "after": "G722"}),
)


def test_marks_are_written_in_order_of_time() -> None:
    """What only technicians ask for is left out."""
    assert packed(MARKS, longest=255, most=3) == [
        "a0.25+3.1:recording_started c12.5/1:pause c13/1:refused p14+20:cut t15+0.2:reminder t15.5+0.2:beep"
        " h16:on g17+0.04/2"
    ]
    silenced = replace(MARKS[3], detail={"rendering": "silence"})
    assert packed([silenced], longest=255, most=1) == ["p14+20"]
    assert packed((), longest=255, most=3) == []


def test_marks_are_read_back() -> None:
    """Seconds, channel and word."""
    assert unpacked(packed(MARKS[:4], longest=100, most=3)) == (
        Marker(kind=MarkKind.ANNOUNCEMENT, at_s=0.25, length_s=3.1, word="recording_started"),
        Marker(kind=MarkKind.CODE, at_s=12.5, channel=1, word="pause"),
        Marker(kind=MarkKind.CODE, at_s=13.0, channel=1, word="refused"),
        Marker(kind=MarkKind.PAUSE, at_s=14.0, length_s=20.0, word="cut"),
    )


def test_when_room_is_short_tones_go_first() -> None:
    """Codes and pauses are kept."""
    many = [Mark(kind=MarkKind.TONE, file_ms=1000.0 * at, call_ms=0, length_ms=200) for at in range(500)]
    lines = packed((*many, *MARKS), longest=255, most=2)
    kept = unpacked(lines)
    assert (len(lines), max(map(len, lines)) <= 255) == (2, True)
    assert {mark.kind for mark in kept} == set(LETTERS)
    assert [mark.word for mark in kept if mark.kind is MarkKind.CODE] == ["pause", "refused"]


@pytest.mark.parametrize("text", ["", "a", "z1", "a1.234", "a1+", "a1/3", "a1:", "a-1", "a1:b,c", "A1", "a١"])
def test_what_is_not_well_formed_is_left_out(text: str) -> None:
    """And costs nothing else."""
    assert unpacked([f"{text} p5"]) == (Marker(kind=MarkKind.PAUSE, at_s=5.0),)


WORDS = st.text(max_size=60)
ANY_MARK = st.builds(
    Mark,
    kind=st.sampled_from(MarkKind),
    file_ms=st.floats(-1e12, 1e12),
    call_ms=st.just(0.0),
    length_ms=st.floats(0, 1e12),
    channel=st.sampled_from([None, 1, 2]),
    detail=st.dictionaries(st.sampled_from(["prompt", "command", "state", "accepted", "reminder"]), WORDS),
)


@given(st.lists(ANY_MARK, max_size=60), st.integers(MARK_MAX + 1, 255), st.integers(1, 6))
def test_whatever_the_marks_they_fit(marks: list[Mark], longest: int, most: int) -> None:
    """No line too long, none too many, every mark written is read again."""
    lines = packed(marks, longest=longest, most=most)
    assert len(lines) <= most
    assert all(0 < len(line) <= longest for line in lines)
    assert len(unpacked(lines)) == sum(len(line.split(" ")) for line in lines)
