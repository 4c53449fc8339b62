"""Directions and their mirror images (RFC 3264 6.1)."""

from __future__ import annotations

import pytest

from mediaserver.sdp import Direction


@pytest.mark.parametrize("direction", Direction)
def test_a_direction_is_its_two_flows(direction: Direction) -> None:
    assert Direction.of(sends=direction.sends, receives=direction.receives) is direction


def test_the_other_side_sees_the_flows_the_other_way() -> None:
    assert [direction.reversed.value for direction in Direction] == ["sendrecv", "recvonly", "sendonly", "inactive"]


def test_only_what_both_allow_flows() -> None:
    assert Direction.SENDRECV.within(Direction.RECVONLY) is Direction.RECVONLY
    assert Direction.SENDONLY.within(Direction.RECVONLY) is Direction.INACTIVE
