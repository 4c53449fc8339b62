"""RTP port pairs: in turn, rested, never twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from callmodel.errors import ConfigError
from mediaserver.runtime.worker.ports import PortRange, ephemeral_overlap


class Clock:
    now = 100.0


def test_pairs_start_even_and_end_within_the_range() -> None:
    ports = PortRange(20001, 20006, lambda: 0.0)
    assert ([ports.take("127.0.0.1") for _ in range(3)], ports.pairs) == ([20002, 20004, None], 2)


def test_every_host_has_the_whole_range() -> None:
    ports = PortRange(20000, 20001, lambda: 0.0)
    assert (ports.take("127.0.0.1"), ports.take("::1"), ports.take("::1")) == (20000, 20000, None)


def test_a_released_pair_rests_while_others_are_free() -> None:
    clock = Clock()
    ports = PortRange(20000, 20005, lambda: clock.now, rest_s=5.0)
    ports.take("h")
    ports.give_back("h", 20000)
    clock.now += 4.9
    assert (ports.take("h"), ports.take("h")) == (20002, 20004)


def test_when_none_is_free_the_one_that_rested_for_longest_will_do() -> None:
    """But not before half a second: a late packet of its last peer is still on the way."""
    clock = Clock()
    ports = PortRange(20000, 20003, lambda: clock.now, rest_s=5.0)
    first, second = ports.take("h"), ports.take("h")
    ports.give_back("h", 20000)
    clock.now += 0.4
    early = ports.take("h")
    clock.now += 0.1
    assert (first, second, early, ports.take("h"), ports.take("h")) == (20000, 20002, None, 20000, None)


def test_the_pair_free_for_longest_comes_first() -> None:
    clock = Clock()
    ports = PortRange(20000, 20005, lambda: clock.now, rest_s=0.0)
    ports.take("h")
    ports.give_back("h", 20000)
    assert [ports.take("h") for _ in range(3)] == [20002, 20004, 20000]


def test_giving_back_what_is_not_taken_does_nothing() -> None:
    ports = PortRange(20000, 20001, lambda: 0.0, rest_s=0.0)
    ports.give_back("h", 20000)
    ports.take("h")
    ports.give_back("h", 20000)
    ports.give_back("h", 20000)
    assert (ports.take("h"), ports.take("h")) == (20000, None)


@pytest.mark.parametrize(("low", "high"), [(1023, 2000), (20001, 20002), (20000, 20000), (3000, 2000), (60000, 65536)])
def test_a_range_that_holds_no_pair_is_a_setting_to_correct(low: int, high: int) -> None:
    with pytest.raises(ConfigError, match="rtp ports"):
        PortRange(low, high, lambda: 0.0)


@pytest.mark.parametrize(
    ("text", "met"), [("32768\t60999\n", None), ("16000 20000", (16000, 20000)), ("garbage", None), ("", None)]
)
def test_meeting_the_ephemeral_range_is_told(tmp_path: Path, text: str, met: tuple[int, int] | None) -> None:
    source = tmp_path / "range"
    source.write_text(text)
    assert ephemeral_overlap(20000, 30000, source) == met


def test_no_such_file_is_no_overlap(tmp_path: Path) -> None:
    assert ephemeral_overlap(20000, 30000, tmp_path / "none") is None
