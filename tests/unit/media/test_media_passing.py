"""No packet of a stream is lost to the other party while the engine makes up its mind, and none is turned round."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mediaserver.media.g711 import decoded, encoded
from mediaserver.media.messages import AddressLearned, Codec, SetLegMedia
from mediaserver.media.seam import Verdict
from mediaserver.rtp.packet import RtpPacket
from tests.support.media_world import MediaWorld, Pcm, Phone, joined, speech

BEHIND = ("203.0.113.9", 31000)
FRAME = 160


def _numbers(phone: Phone) -> list[tuple[int, int]]:
    """Steps of sequence and timestamp from packet to packet."""
    packets = [heard.packet for heard in phone.heard]
    return [
        ((b.sequence - a.sequence) & 0xFFFF, (b.timestamp - a.timestamp) & 0xFFFFFFFF) for a, b in pairwise(packets)
    ]


def _packets(phone: Phone, samples: Pcm) -> list[bytes]:
    codes = encoded(phone.codec, samples).tobytes()
    return [phone.packet(codes[at : at + FRAME]) for at in range(0, len(codes), FRAME)]


def test_the_first_packet_is_passed_on_at_once() -> None:
    """With the marker; the time line of the far party begins with it."""
    world = MediaWorld()
    a, b = world.call()
    a.talk(speech(480), 100.001)
    world.run(101)
    assert [(heard.at, heard.packet.marker) for heard in b.heard] == [
        (100.001, True),
        (pytest.approx(100.021), False),
        (pytest.approx(100.041), False),
    ]
    assert _numbers(b) == [(1, 160)] * 2


@pytest.mark.parametrize("same_step", [True, False])
def test_both_packets_that_make_a_new_ssrc_are_passed_on_in_order(same_step: bool) -> None:
    """One stream at the far party, without a hole and without a copy, whatever numbers the new one has."""
    world = MediaWorld()
    a, b = world.call()
    said = [a.talk(speech(1600), 100.001)]
    world.run(100.2)
    a.ssrc, a.sequence, a.timestamp = 0x7777, 40000, 999
    for number, data in enumerate(_packets(a, speech(1600, 2))):
        a.send(data, 100.201 + number * (0.001 if same_step and number < 2 else 0.02))
    world.run(101)
    said.append(decoded(Codec.PCMU, encoded(Codec.PCMU, speech(1600, 2)).tobytes()))
    heard = joined(decoded(Codec.PCMU, each.packet.payload) for each in b.heard)
    assert np.array_equal(heard, joined(said))
    assert [step for step, _ in _numbers(b)] == [1] * 19
    assert {heard.packet.ssrc for heard in b.heard} == {b.heard[0].packet.ssrc}
    assert [at for at, each in enumerate(b.heard) if each.packet.marker] == [0, 10]


def test_packets_behind_an_address_that_is_learned_are_passed_on() -> None:
    """Three packets before the engine's step: all three go on, in order, and the fourth follows by the forwarder."""
    world = MediaWorld()
    a, b = world.phone(1, trusted_hosts=(BEHIND[0],)), world.phone(2)
    world.bridge()
    for number, data in enumerate(_packets(a, speech(5 * FRAME))):
        a.send(data, 100.001 + number * 0.005, source=BEHIND)
    world.run(101)
    assert world.told(AddressLearned) == [AddressLearned(leg_id=1, offered=a.address, learned=BEHIND)]
    assert len(b.heard) == 5
    assert _numbers(b) == [(1, 160)] * 4


def test_a_packet_behind_what_the_forwarder_passed_meanwhile_is_left_out() -> None:
    """It would come in the wrong place; it is in the record all the same."""
    world = MediaWorld()
    a, b = world.phone(1, trusted_hosts=(BEHIND[0],)), world.phone(2)
    world.bridge()
    sink = world.record()
    samples = speech(4 * FRAME)
    packets = _packets(a, samples)
    row = 0
    world.forwarder.receive(packets[0], BEHIND, a.server)
    world.step()
    world.now = 100.02
    stale = world.forwarder.table["source_len"][row]
    world.forwarder.table["source_len"][row] = 0  # what was looked at just before the address was learned
    world.forwarder.receive(packets[1], BEHIND, a.server)
    world.forwarder.table["source_len"][row] = stale
    world.forwarder.receive(packets[2], BEHIND, a.server)
    world.step()
    world.run(102)
    assert [heard.packet.sequence - b.heard[0].packet.sequence for heard in b.heard] == [0, 2]
    recorded = sink.audio[: 3 * FRAME, 0]
    assert np.array_equal(encoded(Codec.PCMU, recorded), encoded(Codec.PCMU, samples[: 3 * FRAME]))


@pytest.mark.parametrize("why", ["not bridged", "held"])
def test_a_packet_accepted_late_goes_nowhere_when_there_is_no_way(why: str) -> None:
    world = MediaWorld()
    a, b = world.phone(1, trusted_hosts=(BEHIND[0],)), world.phone(2, sends=why != "held")
    if why == "held":
        world.bridge()
    a.send(_packets(a, speech(FRAME))[0], 100.001, source=BEHIND)
    world.run(101)
    assert b.heard == []
    assert len(world.told(AddressLearned)) == 1


def test_what_is_not_passed_is_not_passed_late_either() -> None:
    """A key press as the first packet of a learned address."""
    world = MediaWorld()
    a, b = world.phone(1, trusted_hosts=(BEHIND[0],)), world.phone(2)
    world.bridge()
    a.send(a.packet(b"\x01\x0a\x00\xa0", payload_type=101), 100.001, source=BEHIND)
    world.run(100.1)
    assert b.heard == []


def test_a_late_packet_keeps_its_marker_sources_and_extension() -> None:
    world = MediaWorld()
    a, b = world.phone(1, trusted_hosts=(BEHIND[0],)), world.phone(2)
    world.bridge()
    for number, marker in enumerate((False, True)):
        packet = RtpPacket(
            payload_type=0,
            sequence=number,
            timestamp=160 * number,
            ssrc=5,
            payload=b"\x11" * 160,
            marker=marker,
            csrcs=(9,),
        )
        world.forwarder.receive(bytes(packet), BEHIND, a.server)
    world.step()
    assert [(heard.packet.marker, heard.packet.csrcs) for heard in b.heard] == [(True, (9,)), (True, (9,))]


def test_a_forwarder_that_does_not_know_first_packets_is_served_too() -> None:
    """NEW_SSRC while no SSRC is known: accepted and passed on by the engine."""
    world = MediaWorld()
    a, b = world.call()
    judge = world.forwarder._judge

    def old(row: int, data: bytes, source: bytes) -> Verdict:
        verdict = judge(row, data, source)
        return Verdict.NEW_SSRC if verdict is Verdict.FIRST else verdict

    world.forwarder._judge = old  # type: ignore[method-assign]
    a.talk(speech(480), 100.001)
    world.run(101)
    assert len(b.heard) == 3
    assert _numbers(b) == [(1, 160)] * 2


def test_a_new_address_by_re_invite_begins_with_its_first_packet() -> None:
    """The same SSRC from elsewhere, numbers of its own: no packet is missing and the marker shows the break."""
    world = MediaWorld()
    a, b = world.call()
    a.talk(speech(480), 100.001)
    world.run(100.1)
    moved: SetLegMedia = world.media(a, remote=BEHIND, trusted_hosts=(BEHIND[0],))
    world.tell(moved)
    a.sequence, a.timestamp = 9, 9
    for number, data in enumerate(_packets(a, speech(480, 2))):
        a.send(data, 100.101 + number * 0.02, source=BEHIND)
    world.run(101)
    assert len(b.heard) == 6
    assert [at for at, each in enumerate(b.heard) if each.packet.marker] == [0, 3]
    assert [step for step, _ in _numbers(b)] == [1] * 5
