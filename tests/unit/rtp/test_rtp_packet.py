"""RTP packets: bytes to values and back (RFC 3550 5.1, 5.3.1)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediaserver.rtp import HeaderExtension, RtpError, RtpPacket, is_rtcp, read_headers, write_headers

STEADY = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""

PLAIN = bytes.fromhex("80080102 00000a0b deadbeef")

packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=200),
    marker=st.booleans(),
    csrcs=st.lists(st.integers(0, 0xFFFFFFFF), max_size=15).map(tuple),
    extension=st.none()
    | st.builds(
        HeaderExtension,
        profile=st.integers(0, 0xFFFF),
        data=st.binary(max_size=40).map(lambda data: data[: len(data) // 4 * 4]),
    ),
    padding=st.integers(0, 255),
)


def test_a_plain_packet_is_read_field_by_field() -> None:
    assert RtpPacket.parse(PLAIN + b"abc") == RtpPacket(
        payload_type=8, sequence=0x0102, timestamp=0x0A0B, ssrc=0xDEADBEEF, payload=b"abc"
    )


def test_marker_csrc_extension_and_padding_are_read_and_cut_off_the_payload() -> None:
    data = bytes.fromhex("b1800001 00000002 00000003 0000000c bede0001 11223344") + b"xy" + b"\0\0\3"
    assert RtpPacket.parse(data) == RtpPacket(
        payload_type=0,
        sequence=1,
        timestamp=2,
        ssrc=3,
        payload=b"xy",
        marker=True,
        csrcs=(12,),
        extension=HeaderExtension(profile=0xBEDE, data=bytes.fromhex("11223344")),
        padding=3,
    )


@STEADY
@given(packet=packets)
def test_what_is_written_is_read_again(packet: RtpPacket) -> None:
    assert RtpPacket.parse(bytes(packet)) == packet


@STEADY
@given(data=st.binary(max_size=64) | st.binary(max_size=64).map(lambda tail: b"\xbf" + tail))
def test_any_bytes_give_a_packet_or_the_one_error(data: bytes) -> None:
    try:
        packet = RtpPacket.parse(data)
    except RtpError:
        return
    assert len(bytes(packet)) == len(data)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (PLAIN[:11], "header"),
        (b"\x40" + PLAIN[1:], "version"),
        (b"\x81" + PLAIN[1:] + b"\0\0\0", "csrc"),
        (b"\x90" + PLAIN[1:] + b"\0\0\0", "extension"),
        (b"\x90" + PLAIN[1:] + b"\0\0\0\2" + b"\0\0\0\0", "extension"),
        (b"\xa0" + PLAIN[1:] + b"\0", "padding"),
        (b"\xa0" + PLAIN[1:] + b"\0\3", "padding"),
    ],
)
def test_a_length_that_does_not_fit_is_told_by_its_field(data: bytes, field: str) -> None:
    with pytest.raises(RtpError) as caught:
        RtpPacket.parse(data)
    assert (caught.value.field, caught.value.reason) == (field, "rtp-malformed")


@pytest.mark.parametrize(
    ("packet", "field"),
    [
        (RtpPacket(payload_type=128, sequence=0, timestamp=0, ssrc=0), "payload_type"),
        (RtpPacket(payload_type=0, sequence=65536, timestamp=0, ssrc=0), "sequence"),
        (RtpPacket(payload_type=0, sequence=0, timestamp=-1, ssrc=0), "timestamp"),
        (RtpPacket(payload_type=0, sequence=0, timestamp=0, ssrc=1 << 32), "ssrc"),
        (RtpPacket(payload_type=0, sequence=0, timestamp=0, ssrc=0, padding=256), "padding"),
        (RtpPacket(payload_type=0, sequence=0, timestamp=0, ssrc=0, csrcs=(0,) * 16), "csrc count"),
        (RtpPacket(payload_type=0, sequence=0, timestamp=0, ssrc=0, csrcs=(-1,)), "csrc"),
        (
            RtpPacket(
                payload_type=0, sequence=0, timestamp=0, ssrc=0, extension=HeaderExtension(profile=0, data=b"abc")
            ),
            "extension",
        ),
        (
            RtpPacket(payload_type=0, sequence=0, timestamp=0, ssrc=0, extension=HeaderExtension(profile=65536)),
            "extension",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_not_written(packet: RtpPacket, field: str) -> None:
    with pytest.raises(RtpError) as caught:
        bytes(packet)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("data", "verdict"),
    [(b"\x80\xc8", True), (b"\x80\xdf", True), (b"\x80\xc0", True), (b"\x80\xbf", False), (b"\x80\xe0", False)],
)
def test_a_second_byte_from_192_to_223_is_rtcp(data: bytes, verdict: bool) -> None:
    assert is_rtcp(data) is verdict


def test_neither_one_byte_nor_another_version_is_rtcp() -> None:
    assert not is_rtcp(b"\x80")
    assert not is_rtcp(b"\x40\xc8")


@STEADY
@given(batch=st.lists(packets, min_size=1, max_size=8))
def test_headers_read_in_bulk_are_the_headers_read_one_by_one(batch: list[RtpPacket]) -> None:
    rows = np.zeros((len(batch), 2048), dtype=np.uint8)
    lengths = np.zeros(len(batch), dtype=np.int32)
    for at, packet in enumerate(batch):
        data = bytes(packet)
        rows[at, : len(data)] = np.frombuffer(data, dtype=np.uint8)
        lengths[at] = len(data)
    heads = read_headers(rows, lengths)
    assert heads.valid.all()
    assert heads.plain.tolist() == [not (p.csrcs or p.extension or p.padding) for p in batch]
    assert heads.marker.tolist() == [p.marker for p in batch]
    assert heads.payload_type.tolist() == [p.payload_type for p in batch]
    assert heads.sequence.tolist() == [p.sequence for p in batch]
    assert heads.timestamp.tolist() == [p.timestamp for p in batch]
    assert heads.ssrc.tolist() == [p.ssrc for p in batch]


def test_a_short_row_or_another_version_is_not_valid_in_bulk() -> None:
    rows = np.zeros((2, 12), dtype=np.uint8)
    rows[0, 0] = 0x80
    heads = read_headers(rows, np.array([11, 12], dtype=np.int32))
    assert heads.valid.tolist() == [False, False]
    assert heads.plain.tolist() == [False, False]


def test_headers_written_in_bulk_are_read_one_by_one() -> None:
    rows = np.zeros((2, 16), dtype=np.uint8)
    write_headers(
        rows,
        payload_type=np.array([8, 127], dtype=np.uint8),
        marker=np.array([True, False]),
        sequence=np.array([0, 65535], dtype=np.uint16),
        timestamp=np.array([1, 0xFFFFFFFF], dtype=np.uint32),
        ssrc=np.array([0xDEADBEEF, 5], dtype=np.uint32),
    )
    assert [RtpPacket.parse(row.tobytes()) for row in rows] == [
        RtpPacket(payload_type=8, sequence=0, timestamp=1, ssrc=0xDEADBEEF, payload=bytes(4), marker=True),
        RtpPacket(payload_type=127, sequence=65535, timestamp=0xFFFFFFFF, ssrc=5, payload=bytes(4)),
    ]
