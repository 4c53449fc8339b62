"""What every forwarder does with a datagram: one suite, native and Python."""

from __future__ import annotations

import asyncio
import errno
import os
import struct
import time
from collections.abc import AsyncIterator

import numpy as np
import pytest

from mediaserver.media.seam import ROW_BYTES, Forwarder, Verdict
from mediaserver.runtime.forwarders import make_forwarder, native_available
from mediaserver.runtime.forwarders.python import PythonForwarder
from tests.support.rtp_rig import RTP, Kept, Phone, Rig, rtp

KINDS = ["native", "python"] if native_available() else ["python"]


def build(kind: str, capacity: int = 8, rows: int | None = None) -> Forwarder:
    if kind == "native":
        from mediaserver.runtime.forwarders.native import NativeForwarder

        return NativeForwarder(capacity, rows)
    return PythonForwarder(capacity, asyncio.get_running_loop(), rows)


@pytest.fixture(params=KINDS)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    made = Rig(build(request.param))
    yield made
    made.close()


def passed(data: bytes, leg: int = 0) -> Kept:
    return Kept(data=data, leg=leg, verdict=Verdict.PASSED, source=b"")


def kept(data: bytes, verdict: Verdict, leg: int = 0, source: bytes = b"") -> Kept:
    return Kept(data=data, leg=leg, verdict=verdict, source=source)


async def test_the_kind_asked_for_is_the_kind_made() -> None:
    """On CI the native one must have been built."""
    assert native_available() or os.environ.get("CI", "") != "true"
    for kind in KINDS:
        made = make_forwarder(kind, 4, asyncio.get_running_loop())
        assert made.kind == kind
        made.close()
    auto = make_forwarder("auto", 4, asyncio.get_running_loop())
    assert auto.kind == KINDS[0]
    auto.close()


async def test_first_packet_goes_on_with_new_header_and_marker(rig: Rig) -> None:
    """Sequence on by one, timestamp by one ptime, SSRC of the target leg, marker; the payload untouched."""
    rig.a.send(rtp(7, 900, payload=bytes(range(160))), rig.port_a)
    assert await rig.b.receive() == RTP.pack(0x80, 0x80, 1001, 50160, 0xABCD0001) + bytes(range(160))


async def test_a_passed_packet_is_kept_as_it_came(rig: Rig) -> None:
    rig.a.send(rtp(7, 900), rig.port_a)
    assert await rig.keep(1) == [passed(rtp(7, 900))]


async def test_following_packets_keep_their_distance(rig: Rig) -> None:
    """Offsets hold across a loss of two and both wraps; the incoming marker passes."""
    rig.a.send(rtp(0xFFFF, 0xFFFFFFF0), rig.port_a)
    await rig.b.receive()
    rig.a.send(rtp(2, 0xFFFFFFF0 + 480 & 0xFFFFFFFF, marker=True), rig.port_a)
    assert (await rig.b.receive())[:12] == RTP.pack(0x80, 0x80, 1004, 50640, 0xABCD0001)


async def test_payload_type_becomes_what_the_table_says(rig: Rig) -> None:
    rig.leg(0)["pt_out"][8] = 96
    rig.leg(1)["anchored"] = 1
    rig.a.send(rtp(7, 900, pt=8), rig.port_a)
    assert (await rig.b.receive())[1] == 96


async def test_after_a_break_the_stream_goes_on_by_the_time_that_passed(rig: Rig) -> None:
    """``anchored`` 0 and a last packet long ago: marker, sequence + 1, timestamp by the clock."""
    rig.a.send(rtp(7, 900), rig.port_a)
    await rig.b.receive()
    await rig.keep(1)
    with rig.forwarder.held():
        rig.leg(1)["anchored"] = 0
        rig.leg(1)["sent_ns"] -= 1_000_000_000
    rig.a.send(rtp(30000, 77, ssrc=0x11111111), rig.port_a)
    _, second, seq, ts, ssrc = RTP.unpack_from(await rig.b.receive())
    assert (second, seq, ssrc, rig.leg(1)["anchored"]) == (0x80, 1002, 0xABCD0001, 1)
    assert 8000 <= ts - 50160 < 8000 * 4


async def test_a_late_packet_does_not_turn_the_stream_back(rig: Rig) -> None:
    for seq in (10, 12, 11):
        rig.a.send(rtp(seq, seq * 160), rig.port_a)
    assert [RTP.unpack_from(await rig.b.receive())[2] for _ in range(3)] == [1001, 1003, 1002]
    assert (rig.leg(1)["seq_out"], rig.leg(1)["ts_out"]) == (1003, 50480)


async def test_what_is_not_passed_on_leaves_no_hole_in_the_sequence(rig: Rig) -> None:
    """Two key packets between audio: the next audio follows at its own time; one that comes late changes nothing."""
    for seq, pt in ((10, 0), (11, 101), (12, 101), (13, 0), (15, 0), (14, 101), (16, 0)):
        rig.a.send(rtp(seq, seq * 160, pt=pt), rig.port_a)
    heads = [RTP.unpack_from(await rig.b.receive())[2:4] for _ in range(4)]
    assert heads == [(1001, 50160), (1002, 50640), (1004, 50960), (1005, 51120)]
    assert [each.verdict for each in await rig.keep(7)].count(Verdict.KEPT) == 3


async def test_nor_does_what_was_not_negotiated_and_has_the_stream_s_ssrc(rig: Rig) -> None:
    """What keeps a path open (RFC 6263 4.6); one of another SSRC, or cut short, moves nothing."""
    rig.a.send(rtp(10, 1600), rig.port_a)
    for odd in (rtp(11, 1600, pt=20, payload=b""), rtp(12, 1600, pt=20, ssrc=0xBAD), rtp(12, 1600)[:8]):
        rig.a.send(odd, rig.port_a)
    rig.a.send(rtp(12, 1760), rig.port_a)
    assert [RTP.unpack_from(await rig.b.receive())[2:4] for _ in range(2)] == [(1001, 50160), (1002, 50320)]
    assert [each.verdict for each in await rig.keep(5)].count(Verdict.ODD) == 3


async def test_a_break_is_counted_in_whole_packets(rig: Rig) -> None:
    """Passed on again a packet and a half after the last one, and at once: one packet further, not a piece of one.

    For a sender whose own clock says nothing of the break: it jumps.
    """
    rig.a.send(rtp(7, 900), rig.port_a)
    await rig.b.receive()
    await rig.keep(1)
    steps = []
    for seq, back_ns in ((8, 0), (9, 5_000_000), (10, 1_000_000_000)):
        before = int(rig.leg(1)["ts_out"])
        with rig.forwarder.held():
            rig.leg(1)["anchored"] = 0
            rig.leg(1)["sent_ns"] = time.monotonic_ns() - back_ns
        rig.a.send(rtp(seq, seq * 77_777), rig.port_a)
        steps.append(RTP.unpack_from(await rig.b.receive())[3] - before)
        await rig.keep(1)
    assert steps[0] == 160
    assert all(step % 160 == 0 for step in steps)
    assert 8000 <= steps[2] < 8000 * 4


@pytest.mark.parametrize("back_ns", [0, 55_000_000])
async def test_after_a_break_the_sender_s_own_clock_counts_where_it_agrees(rig: Rig, back_ns: int) -> None:
    """Two packets after the last by its clock, though it comes at once or late: jitter puts nothing off."""
    rig.a.send(rtp(7, 900), rig.port_a)
    await rig.b.receive()
    await rig.keep(1)
    with rig.forwarder.held():
        rig.leg(1)["anchored"] = 0
        rig.leg(1)["sent_ns"] = time.monotonic_ns() - back_ns
    rig.a.send(rtp(9, 900 + 320), rig.port_a)
    assert RTP.unpack_from(await rig.b.receive())[1:4] == (0x80, 1002, 50160 + 320)


async def test_what_was_filled_meanwhile_is_not_passed_on_again(rig: Rig) -> None:
    """The engine has sent two frames in a packet's and its successor's stead; those are kept, the third goes on."""
    rig.a.send(rtp(7, 900), rig.port_a)
    await rig.b.receive()
    await rig.keep(1)
    with rig.forwarder.held():
        rig.leg(1)["anchored"] = 0
        rig.leg(1)["seq_out"], rig.leg(1)["ts_out"] = 1003, 50160 + 320
        rig.leg(1)["sent_ns"] = time.monotonic_ns()
    for seq in (8, 9, 10):
        rig.a.send(rtp(seq, 900 + (seq - 7) * 160), rig.port_a)
    assert RTP.unpack_from(await rig.b.receive())[1:4] == (0x80, 1004, 50160 + 480)
    assert [each.verdict for each in await rig.keep(3)] == [Verdict.KEPT, Verdict.KEPT, Verdict.PASSED]


async def test_a_packet_from_before_a_break_that_comes_after_it_is_not_passed_on(rig: Rig) -> None:
    """Its number was given to something else; one that is late within the stretch goes on, late."""
    rig.a.send(rtp(7, 900), rig.port_a)
    await rig.b.receive()
    await rig.keep(1)
    with rig.forwarder.held():
        rig.leg(1)["anchored"] = 0
    for seq in (10, 9, 12, 11):
        rig.a.send(rtp(seq, 900 + (seq - 7) * 160), rig.port_a)
    heads = [RTP.unpack_from(await rig.b.receive())[2:4] for _ in range(3)]
    assert heads == [(1002, 50640), (1004, 50960), (1003, 50800)]
    assert [each.verdict for each in await rig.keep(4)].count(Verdict.KEPT) == 1
    assert rig.leg(1)["seq_out"] == 1004


async def test_a_late_packet_does_not_say_when_the_newest_was_sent(rig: Rig) -> None:
    """Sender reports go by it."""
    for seq in (10, 12):
        rig.a.send(rtp(seq, seq * 160), rig.port_a)
        await rig.b.receive()
    before = int(rig.leg(1)["sent_ns"])
    rig.a.send(rtp(11, 11 * 160), rig.port_a)
    await rig.b.receive()
    assert rig.leg(1)["sent_ns"] == before


async def test_both_directions_are_streams_of_their_own(rig: Rig) -> None:
    rig.b.send(rtp(1, 1, ssrc=0x22222222), rig.port_b)
    assert (await rig.a.receive())[:12] == RTP.pack(0x80, 0x80, 1001, 50160, 0xABCD0000)


async def test_a_foreign_source_is_kept_with_its_address_and_not_forwarded(rig: Rig) -> None:
    stranger = Phone()
    stranger.send(rtp(7, 900), rig.port_a)
    got = await rig.keep(1)
    stranger.socket.close()
    assert got == [kept(rtp(7, 900), Verdict.FOREIGN, source=stranger.sockaddr)]
    assert rig.b.nothing_there()


async def test_nothing_is_accepted_while_no_source_is_known(rig: Rig) -> None:
    rig.leg(0)["source_len"] = 0
    rig.a.send(rtp(7, 900), rig.port_a)
    assert await rig.keep(1) == [kept(rtp(7, 900), Verdict.FOREIGN, source=rig.a.sockaddr)]


async def test_another_ssrc_is_kept_and_not_forwarded(rig: Rig) -> None:
    data = rtp(7, 900, ssrc=0x33333333)
    rig.a.send(data, rig.port_a)
    assert await rig.keep(1) == [kept(data, Verdict.NEW_SSRC)]
    assert rig.b.nothing_there()


@pytest.mark.parametrize("ssrc", [0, 0x33333333])
async def test_the_first_packet_of_a_stream_makes_its_ssrc_the_legs_and_goes_on(rig: Rig, ssrc: int) -> None:
    """Anchored anew, with the marker; the second follows it; zero is an SSRC like any other."""
    rig.leg(0)["has_ssrc_in"] = rig.leg(0)["ssrc_in"] = 0
    rig.leg(1)["anchored"], rig.leg(1)["seq_off"], rig.leg(1)["ts_off"] = 1, 77, 7777
    packets = [rtp(7, 900, ssrc=ssrc), rtp(8, 1060, ssrc=ssrc)]
    for data in packets:
        rig.a.send(data, rig.port_a)
    assert [(await rig.b.receive())[:12] for _ in packets] == [
        RTP.pack(0x80, 0x80, 1001, 50160, 0xABCD0001),
        RTP.pack(0x80, 0, 1002, 50320, 0xABCD0001),
    ]
    assert await rig.keep(2) == [kept(packets[0], Verdict.FIRST), passed(packets[1])]
    facts = (rig.leg(0)["ssrc_in"], rig.leg(0)["has_ssrc_in"], rig.leg(0)["packets_received"])
    assert facts == (ssrc, 1, 2)


@pytest.mark.parametrize("why", ["no route", "held", "not passed", "target closed"])
async def test_a_first_packet_with_nowhere_to_go_is_the_first_all_the_same(rig: Rig, why: str) -> None:
    rig.leg(0)["has_ssrc_in"] = 0
    if why == "no route":
        rig.leg(0)["route"] = -1
    elif why == "held":
        rig.leg(1)["sends"] = 0
    elif why == "target closed":
        rig.forwarder.close_leg(1)
    data = rtp(7, 900, ssrc=5, pt=101 if why == "not passed" else 0)
    rig.a.send(data, rig.port_a)
    assert await rig.keep(1) == [kept(data, Verdict.FIRST)]
    assert (rig.leg(0)["ssrc_in"], rig.leg(0)["has_ssrc_in"]) == (5, 1)
    assert rig.b.nothing_there()


@pytest.mark.parametrize("what", ["foreign", "odd"])
async def test_what_does_not_fit_is_no_first_packet(rig: Rig, what: str) -> None:
    rig.leg(0)["has_ssrc_in"] = 0
    if what == "foreign":
        rig.leg(0)["source_len"] = 0
    rig.a.send(rtp(7, 900, pt=3 if what == "odd" else 0), rig.port_a)
    assert [each.verdict for each in await rig.keep(1)] == [Verdict.FOREIGN if what == "foreign" else Verdict.ODD]
    assert rig.leg(0)["has_ssrc_in"] == 0


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x80", id="one byte"),
        pytest.param(rtp(1, 1)[:11], id="shorter than a header"),
        pytest.param(b"\x40" + rtp(1, 1)[1:], id="version 1"),
        pytest.param(rtp(1, 1, pt=3), id="payload type not negotiated"),
        pytest.param(b"\x8f" + rtp(1, 1, payload=b"")[1:], id="15 sources announced, none there"),
        pytest.param(b"\x90" + rtp(1, 1, payload=b"\0\0\0")[1:], id="extension cut short"),
        pytest.param(b"\x90" + rtp(1, 1, payload=b"\0\0\xff\xff1234")[1:], id="extension longer than the datagram"),
    ],
)
async def test_odd_packets_are_kept_and_not_forwarded(rig: Rig, data: bytes) -> None:
    rig.a.send(data, rig.port_a)
    assert await rig.keep(1) == [kept(data, Verdict.ODD)]
    assert rig.b.nothing_there()


async def test_sources_and_extension_pass_whole_and_count_as_header(rig: Rig) -> None:
    data = b"\x91" + rtp(7, 900, payload=b"CSRC" + struct.pack(">HH", 0xBEDE, 1) + b"abcd" + b"x" * 160)[1:]
    rig.a.send(data, rig.port_a)
    assert (await rig.b.receive())[12:] == data[12:]
    await rig.keep(1)
    assert (rig.leg(1)["packets_sent"], rig.leg(1)["octets_sent"]) == (1, 160)


@pytest.mark.parametrize("why", ["no route", "held", "no remote", "not passed", "target closed"])
async def test_what_has_nowhere_to_go_is_kept(rig: Rig, why: str) -> None:
    data = rtp(7, 900, pt=101 if why == "not passed" else 0)
    if why == "no route":
        rig.leg(0)["route"] = -1
    elif why == "held":
        rig.leg(1)["sends"] = 0
    elif why == "no remote":
        rig.leg(1)["remote_len"] = 0
    elif why == "target closed":
        rig.forwarder.close_leg(1)
    rig.a.send(data, rig.port_a)
    assert await rig.keep(1) == [kept(data, Verdict.KEPT)]
    assert rig.b.nothing_there()


async def test_a_route_out_of_the_table_is_no_route(rig: Rig) -> None:
    rig.leg(0)["route"] = 8
    rig.a.send(rtp(7, 900), rig.port_a)
    assert await rig.keep(1) == [kept(rtp(7, 900), Verdict.KEPT)]


async def test_rtcp_on_its_own_port_is_kept_with_its_address(rig: Rig) -> None:
    report = bytes([0x80, 200, 0, 6]) + bytes(24)
    rig.a.send(report, rig.port_a + 1)
    assert await rig.keep(1) == [kept(report, Verdict.RTCP, source=rig.a.sockaddr)]


async def test_muxed_rtcp_is_told_from_rtp(rig: Rig) -> None:
    report = bytes([0x81, 201, 0, 7]) + bytes(28)
    rig.a.send(report, rig.port_a)
    got = await rig.keep(1)
    assert [(k.data, k.leg, k.verdict) for k in got] == [(report, 0, Verdict.RTCP)]
    assert rig.b.nothing_there()


async def test_counters_of_a_leg(rig: Rig) -> None:
    """Received: accepted ones only. Sent: datagrams, and payload octets without headers."""
    rig.a.send(rtp(1, 160), rig.port_a)
    rig.a.send(rtp(2, 320), rig.port_a)
    rig.a.send(rtp(2, 320, pt=3), rig.port_a)
    await rig.keep(3)
    assert (rig.leg(0)["packets_received"], rig.leg(1)["packets_sent"], rig.leg(1)["octets_sent"]) == (2, 2, 320)
    assert rig.leg(0)["received_ns"] == rig.leg(1)["sent_ns"] > 0


async def test_the_table_may_be_held_twice(rig: Rig) -> None:
    """An engine's step inside a step; packets go on when both are over."""
    with rig.forwarder.held(), rig.forwarder.held():
        rig.leg(1)["ssrc_out"] = 5
    rig.a.send(rtp(7, 900), rig.port_a)
    assert (await rig.b.receive())[8:12] == bytes([0, 0, 0, 5])


async def test_arrivals_are_in_order_of_the_monotonic_clock(rig: Rig) -> None:
    for seq in range(20):
        rig.a.send(rtp(seq, seq * 160), rig.port_a)
    got: list[int] = []
    while len(got) < 20:
        batch = rig.forwarder.collect()
        got += batch.arrival_ns.tolist()
        await asyncio.sleep(0)
    assert got == sorted(got)


async def test_an_arrival_is_when_the_kernel_took_it_in(rig: Rig) -> None:
    """Not when somebody came to read it: nobody reads while the table is held, or while this test does not yield."""
    with rig.forwarder.held():
        before = time.monotonic_ns()
        rig.a.send(rtp(1, 160), rig.port_a)
        sent = time.monotonic_ns()
        while time.monotonic_ns() < sent + 30_000_000:
            pass
    arrivals: list[int] = []
    while not arrivals:
        arrivals = rig.forwarder.collect().arrival_ns.tolist()
        await asyncio.sleep(0)
    assert before - 1_000_000 <= arrivals[0] <= sent + 1_000_000


async def test_a_datagram_longer_than_a_row_is_dropped_and_counted(rig: Rig) -> None:
    whole = rtp(2, 160, payload=b"y" * (ROW_BYTES - 12))
    rig.a.send(rtp(1, 0, payload=b"y" * (ROW_BYTES - 11)), rig.port_a)
    rig.a.send(whole, rig.port_a)
    assert await rig.keep(1) == [passed(whole)]
    assert (rig.leg(0)["oversize"], await rig.b.receive()) == (
        1,
        RTP.pack(0x80, 0x80, 1001, 50160, 0xABCD0001) + whole[12:],
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_a_full_ring_costs_copies_only(kind: str) -> None:
    """All ten are forwarded, eight are kept, two are counted; then there is room again."""
    rig = Rig(build(kind, rows=8))
    for seq in range(10):
        rig.a.send(rtp(seq, seq * 160), rig.port_a)
    assert [RTP.unpack_from(await rig.b.receive())[2] for _ in range(10)] == list(range(1001, 1011))
    await rig.counted(0, "copies_dropped", 2)
    assert await rig.keep(8) == [passed(rtp(seq, seq * 160)) for seq in range(8)]
    rig.forwarder.collect()
    rig.a.send(rtp(10, 1600), rig.port_a)
    assert await rig.keep(1) == [passed(rtp(10, 1600))]
    rig.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_batches_are_whole_where_the_ring_wraps(kind: str) -> None:
    rig = Rig(build(kind, rows=8))
    seq = 0
    for count in (5, 6, 7, 3, 8, 8):
        want = [passed(rtp(n, n * 160, payload=bytes([n]) * (n * 7))) for n in range(seq, seq + count)]
        for each in want:
            rig.a.send(each.data, rig.port_a)
        await rig.counted(0, "packets_received", seq + count)
        got = await rig.keep(count)
        assert got == want
        rig.forwarder.collect()
        seq += count
    rig.close()


async def test_a_batch_lasts_until_the_next_collect(rig: Rig) -> None:
    rig.a.send(rtp(1, 160), rig.port_a)
    await rig.b.receive()
    await rig.counted(0, "packets_received", 1)
    batch = rig.forwarder.collect()
    rig.a.send(rtp(2, 320), rig.port_a)
    await rig.b.receive()
    assert batch.rows[0, :172].tobytes() == rtp(1, 160)


async def test_a_row_used_again_starts_clean(rig: Rig) -> None:
    """What the first leg left in the ring is not taken for the second's, and its row is empty."""
    rig.a.send(rtp(1, 160), rig.port_a)
    await rig.b.receive()
    rig.forwarder.close_leg(0)
    port = rig.forwarder.open_leg(0, rig.host, 0)
    leg = rig.leg(0)
    facts = (leg["open"], leg["route"], leg["packets_received"], leg["source_len"], set(leg["pt_out"].tolist()))
    assert facts == (1, -1, 0, 0, {255})
    rig.a.send(rtp(2, 320), port)
    assert await rig.keep(1) == [kept(rtp(2, 320), Verdict.FOREIGN, source=rig.a.sockaddr)]


async def test_a_closed_port_is_free_again(rig: Rig) -> None:
    rig.forwarder.close_leg(0)
    assert rig.forwarder.open_leg(2, rig.host, rig.port_a) == rig.port_a
    assert not rig.leg(0)["open"]


async def test_a_port_in_use_is_an_error_that_leaves_no_leg(rig: Rig) -> None:
    with pytest.raises(OSError, match="in use") as caught:
        rig.forwarder.open_leg(2, rig.host, rig.port_a)
    assert (caught.value.errno, rig.leg(2)["open"]) == (errno.EADDRINUSE, 0)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 4001), ("localhost", 4000), ("127.0.0.1", 65536)])
async def test_what_cannot_be_bound_is_refused(rig: Rig, host: str, port: int) -> None:
    with pytest.raises(OSError, match="is not an") as caught:
        rig.forwarder.open_leg(2, host, port)
    assert caught.value.errno == errno.EINVAL


async def test_opening_an_open_leg_is_our_own_mistake(rig: Rig) -> None:
    with pytest.raises(ValueError, match="leg 0 is open"):
        rig.forwarder.open_leg(0, rig.host, 0)


async def test_closing_twice_does_nothing(rig: Rig) -> None:
    rig.forwarder.close_leg(0)
    rig.forwarder.close_leg(0)
    rig.forwarder.close()
    rig.forwarder.close()
    assert rig.leg(0)["open"] == rig.leg(1)["open"] == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_ipv6(kind: str) -> None:
    rig = Rig(build(kind), host="::1")
    rig.a.send(rtp(7, 900), rig.port_a)
    assert (await rig.b.receive())[:12] == RTP.pack(0x80, 0x80, 1001, 50160, 0xABCD0001)
    stranger = Phone("::1")
    stranger.send(rtp(7, 900), rig.port_a)
    assert (await rig.keep(2))[1] == kept(rtp(7, 900), Verdict.FOREIGN, source=stranger.sockaddr)
    stranger.socket.close()
    rig.close()


async def test_the_engine_sends_in_bulk(rig: Rig) -> None:
    """Each row to its own leg, by its own length; counted like forwarded ones."""
    rows = np.zeros((2, 200), np.uint8)
    frames = [rtp(1, 2, payload=b"one"), rtp(3, 4, payload=b"three")]
    for row, data in zip(rows, frames, strict=True):
        row[: len(data)] = np.frombuffer(data, np.uint8)
    rig.forwarder.send(rows, np.array([15, 17], np.int32), np.array([1, 0], np.int32))
    assert (await rig.b.receive(), await rig.a.receive()) == (frames[0], frames[1])
    assert [(leg["packets_sent"], leg["octets_sent"]) for leg in rig.forwarder.table[:2]] == [(1, 5), (1, 3)]


async def test_sending_takes_rows_of_a_wider_array(rig: Rig) -> None:
    rows = np.zeros((4, 300), np.uint8)
    data = rtp(1, 2)
    rows[2, 5 : 5 + len(data)] = np.frombuffer(data, np.uint8)
    rig.forwarder.send(rows[2:3, 5:], np.array([len(data)], np.int32), np.array([0], np.int32))
    assert await rig.a.receive() == data


async def test_what_cannot_be_sent_is_counted(rig: Rig) -> None:
    """No remote; longer than its row; a closed leg; no leg of the table at all (there is no row to count it in)."""
    rig.leg(1)["remote_len"] = 0
    rows = np.zeros((4, 20), np.uint8)
    rig.forwarder.send(rows, np.array([20, 21, 20, 20], np.int32), np.array([1, 0, 5, 99], np.int32))
    assert rig.forwarder.table["send_errors"].tolist() == [1, 1, 0, 0, 0, 1, 0, 0]


async def test_send_wants_as_many_lengths_as_rows(rig: Rig) -> None:
    with pytest.raises(ValueError, match="lengths"):
        rig.forwarder.send(np.zeros((2, 20), np.uint8), np.zeros(1, np.int32), np.zeros(2, np.int32))


async def test_sending_nothing_does_nothing(rig: Rig) -> None:
    rig.forwarder.send(np.zeros((0, 20), np.uint8), np.zeros(0, np.int32), np.zeros(0, np.int32))
    assert not rig.forwarder.table["send_errors"].any()


async def test_a_send_the_kernel_refuses_is_counted_and_the_packet_kept(rig: Rig) -> None:
    """Port 0 cannot be sent to; the stream goes on with the next packet all the same."""
    rig.leg(1)["remote"][2:4] = 0
    rig.a.send(rtp(1, 160), rig.port_a)
    assert await rig.keep(1) == [passed(rtp(1, 160))]
    assert (rig.leg(1)["send_errors"], rig.leg(1)["packets_sent"]) == (1, 0)


async def test_rtcp_leaves_from_the_rtcp_port(rig: Rig) -> None:
    remote = np.frombuffer(rig.a.sockaddr, np.uint8)
    rig.leg(0)["remote_rtcp"], rig.leg(0)["remote_rtcp_len"] = remote, 16
    rig.leg(0)["remote_len"] = 0
    rig.forwarder.send_rtcp(0, b"report")
    data, source = rig.a.socket.recvfrom(100)
    assert (data, source[1]) == (b"report", rig.port_a + 1)


async def test_muxed_rtcp_leaves_from_the_rtp_port(rig: Rig) -> None:
    rig.leg(0)["remote_rtcp"], rig.leg(0)["remote_rtcp_len"] = np.frombuffer(rig.a.sockaddr, np.uint8), 16
    rig.forwarder.send_rtcp(0, b"report")
    assert rig.a.socket.recvfrom(100)[1][1] == rig.port_a


async def test_rtcp_without_a_remote_is_counted(rig: Rig) -> None:
    rig.forwarder.send_rtcp(0, b"report")
    assert rig.leg(0)["send_errors"] == 1
