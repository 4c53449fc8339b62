"""The telephone-event payload (RFC 4733 2.3)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callmodel.digits import DIGITS
from mediaserver.rtp import RtpError, TelephoneEvent, digit_of, event_of, parse_events

STEADY = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""


def test_a_block_is_read_field_by_field_and_the_reserved_bit_ignored() -> None:
    expected = TelephoneEvent(event=10, end=True, volume=10, duration=800)
    assert TelephoneEvent.parse(bytes.fromhex("0a8a0320")) == expected
    assert TelephoneEvent.parse(bytes.fromhex("0aca0320")) == expected
    assert bytes(expected) == bytes.fromhex("0a8a0320")


@STEADY
@given(
    event=st.builds(
        TelephoneEvent,
        event=st.integers(0, 255),
        end=st.booleans(),
        volume=st.integers(0, 63),
        duration=st.integers(0, 0xFFFF),
    )
)
def test_what_is_written_is_read_again(event: TelephoneEvent) -> None:
    assert parse_events(bytes(event)) == (event,)


def test_packed_events_are_read_in_order() -> None:
    first = TelephoneEvent(event=1, end=True, duration=400)
    second = TelephoneEvent(event=2, duration=80)
    assert parse_events(bytes(first) + bytes(second)) == (first, second)


@pytest.mark.parametrize("payload", [b"", b"\1\2\3", b"\1\2\3\4\5"])
def test_payloads_that_are_not_whole_blocks_are_refused(payload: bytes) -> None:
    with pytest.raises(RtpError):
        parse_events(payload)
    with pytest.raises(RtpError):
        TelephoneEvent.parse(payload)


@pytest.mark.parametrize(
    "event",
    [
        TelephoneEvent(event=256, duration=0),
        TelephoneEvent(event=1, volume=64, duration=0),
        TelephoneEvent(event=1, duration=65536),
    ],
)
def test_values_that_do_not_fit_are_not_written(event: TelephoneEvent) -> None:
    with pytest.raises(RtpError):
        bytes(event)


def test_codes_and_keys_are_each_others_inverse() -> None:
    assert [digit_of(code) for code in range(16)] == list(DIGITS)
    assert [event_of(digit) for digit in DIGITS] == list(range(16))
    assert event_of("a") == 12


def test_the_flash_is_no_digit() -> None:
    assert digit_of(16) is None


@pytest.mark.parametrize("digit", ["", "E", "12"])
def test_what_is_no_key_has_no_code(digit: str) -> None:
    with pytest.raises(RtpError):
        event_of(digit)
