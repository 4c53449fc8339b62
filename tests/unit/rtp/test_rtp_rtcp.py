"""RTCP compound packets (RFC 3550 6)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediaserver.rtp import (
    Bye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    RtpError,
    SenderReport,
    SourceDescription,
    named,
    parse_compound,
    print_compound,
)

STEADY = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""

BLOCK = ReportBlock(
    ssrc=0x11111111,
    fraction_lost=64,
    cumulative_lost=-2,
    highest_sequence=0x00010005,
    jitter=7,
    last_sr=0x22222222,
    delay_since_last_sr=65536,
)
BLOCK_HEX = "11111111 40fffffe 00010005 00000007 22222222 00010000"

word = st.integers(0, 0xFFFFFFFF)
blocks = st.lists(
    st.builds(
        ReportBlock,
        ssrc=word,
        fraction_lost=st.integers(0, 255),
        cumulative_lost=st.integers(-(2**23), 2**23 - 1),
        highest_sequence=word,
        jitter=word,
        last_sr=word,
        delay_since_last_sr=word,
    ),
    max_size=31,
).map(tuple)
packets: st.SearchStrategy[RtcpPacket] = (
    st.builds(
        SenderReport,
        ssrc=word,
        ntp=st.integers(0, 2**64 - 1),
        rtp_timestamp=word,
        packets=word,
        octets=word,
        reports=blocks,
    )
    | st.builds(ReceiverReport, ssrc=word, reports=blocks)
    | st.builds(
        SourceDescription,
        ssrc=word,
        items=st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=20)), max_size=4).map(tuple),
    )
    | st.builds(Bye, ssrcs=st.lists(word, max_size=31).map(tuple), reason=st.binary(max_size=255))
)


def test_a_sender_report_with_a_block_is_written_as_the_rfc_draws_it() -> None:
    report = SenderReport(ssrc=1, ntp=0x8000000040000000, rtp_timestamp=160, packets=2, octets=320, reports=(BLOCK,))
    wire = bytes.fromhex("81c8000c 00000001 8000000040000000 000000a0 00000002 00000140" + BLOCK_HEX)
    assert print_compound([report]) == wire
    assert parse_compound(wire) == (report,)


def test_a_description_ends_in_zeros_up_to_the_next_word() -> None:
    wire = bytes.fromhex("81ca0003 00000001 0105") + b"bench" + b"\0"
    assert len(wire) == 16
    assert print_compound([named(1, "bench")]) == wire
    assert parse_compound(wire) == (SourceDescription(ssrc=1, items=((1, b"bench"),)),)


def test_a_description_tells_its_cname() -> None:
    assert named(1, "leg@host").cname == "leg@host"
    assert SourceDescription(ssrc=1, items=((2, b"name"),)).cname is None


def test_several_chunks_of_one_sdes_packet_are_told_apart() -> None:
    wire = bytes.fromhex("82ca0005 00000001 0102616200000000 00000002 01016300")
    assert parse_compound(wire) == (named(1, "ab"), named(2, "c"))


@STEADY
@given(batch=st.lists(packets, min_size=1, max_size=4))
def test_what_is_written_is_read_again(batch: list[RtcpPacket]) -> None:
    assert parse_compound(print_compound(batch)) == tuple(batch)


@STEADY
@given(
    data=st.binary(max_size=80)
    | st.tuples(st.lists(packets, min_size=1, max_size=2), st.integers(0, 60), st.integers(0, 255)).map(
        lambda parts: _spoilt(print_compound(parts[0]), parts[1], parts[2])
    )
)
def test_any_bytes_give_packets_or_the_one_error(data: bytes) -> None:
    try:
        parse_compound(data)
    except RtpError:
        return


def _spoilt(data: bytes, at: int, value: int) -> bytes:
    spoilt = bytearray(data)
    spoilt[at % len(spoilt)] = value
    return bytes(spoilt)


def test_app_and_feedback_packets_are_skipped() -> None:
    app = bytes.fromhex("80cc0002 00000001 41424344")
    feedback = bytes.fromhex("81ce0002 00000001 00000002")
    bye = bytes.fromhex("81cb0001 00000001")
    assert parse_compound(app + feedback + bye) == (Bye(ssrcs=(1,)),)


def test_padding_of_the_last_packet_is_cut_off() -> None:
    wire = bytes.fromhex("a1cb0002 00000001 00000004")
    assert parse_compound(wire) == (Bye(ssrcs=(1,)),)


@pytest.mark.parametrize(
    ("wire", "why"),
    [
        ("", "empty"),
        ("80c9", "inside a header"),
        ("40c90001 00000001", "version 1"),
        ("80000001 00000001", "type 0"),
        ("80c90002 00000001", "3 words"),
        ("80c90000", "before its fields"),
        ("81c90001 00000001", "report blocks"),
        ("80c80001 00000001", "without its sender"),
        ("a0cb0000 80cb0000", "padding"),
        ("a0cb0000", "padding"),
        ("a0cb0001 00000005", "padding"),
        ("81ca0001 00000001", "without its end"),
        ("81ca0002 00000001 01ff6162", "longer than its packet"),
        ("81ca0002 00000001 01016101", "longer than its packet"),
        ("82cb0001 00000001", "before its fields"),
        ("80cb0001 09616263", "reason longer"),
    ],
)
def test_what_does_not_fit_is_told(wire: str, why: str) -> None:
    with pytest.raises(RtpError, match=why):
        parse_compound(bytes.fromhex(wire))


@pytest.mark.parametrize(
    "packet",
    [
        SenderReport(ssrc=1, ntp=1 << 64, rtp_timestamp=0, packets=0, octets=0),
        ReceiverReport(ssrc=1 << 32),
        ReceiverReport(ssrc=1, reports=(BLOCK,) * 32),
        SourceDescription(ssrc=1, items=((1, bytes(256)),)),
        SourceDescription(ssrc=1, items=((0, b"x"),)),
        Bye(ssrcs=(1,), reason=bytes(256)),
    ],
)
def test_a_value_that_does_not_fit_is_not_written(packet: RtcpPacket) -> None:
    with pytest.raises(RtpError):
        print_compound([packet])


def test_more_than_a_datagram_is_not_written() -> None:
    with pytest.raises(RtpError, match="datagram"):
        print_compound([ReceiverReport(ssrc=1, reports=(BLOCK,) * 31)] * 100)
