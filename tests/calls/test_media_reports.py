"""What RTCP says to a phone: of the stream it gets, and of the one it sends."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from callmodel.manifest import MarkKind
from mediaserver.media.config import EngineConfig
from mediaserver.media.g711 import encoded
from mediaserver.media.messages import ArmReminder, Codec, Play, PromptAudio, ToneAudio
from mediaserver.rtp.ntp import middle_bits
from mediaserver.rtp.rtcp import ReceiverReport, ReportBlock, SenderReport, parse_compound, print_compound
from tests.support.media_world import MediaWorld, Phone, prompt, speech

Report = SenderReport | ReceiverReport
OFTEN = EngineConfig(legs=16, rtcp_interval_s=0.2)
NOTICE = PromptAudio(prompt="notice", language="en")


def reports(phone: Phone) -> list[Report]:
    told = (packet for data in phone.rtcp for packet in parse_compound(data))
    return [packet for packet in told if isinstance(packet, SenderReport | ReceiverReport)]


def blocks(phone: Phone, ssrc: int) -> list[ReportBlock]:
    """What is said of a stream that the phone sends."""
    return [block for report in reports(phone) for block in report.reports if block.ssrc == ssrc]


def ticks_of(report: SenderReport, phone: Phone) -> float:
    """How far a report's RTP time is from what the phone's stream had reached at the report's NTP time."""
    at = report.ntp / 2**32 - 2_208_988_800
    first = phone.heard[0].packet.timestamp
    come = [heard for heard in phone.heard if heard.at <= at + 1e-6]
    last = max(come, key=lambda heard: (heard.packet.timestamp - first) & 0xFFFFFFFF)
    apart = (report.rtp_timestamp - last.packet.timestamp + 2**31) % 2**32 - 2**31
    return apart - (at - last.at) * 8000


def test_reports_agree_with_the_stream_however_often_it_was_composed() -> None:
    """Within a packet, also between sixty reminders and in their middle, though packets overtake each other."""
    world = MediaWorld(config=OFTEN)
    a, b = world.call()
    chance = random.Random(3)
    for number in range(6000):
        a.send(a.packet(b"\x55" * 160), 100.001 + number * 0.02 + chance.random() * 0.04)
    tone = ToneAudio(hz=1400, on_ms=500)
    world.tell(ArmReminder(recording_id="rec", interval_s=2, tone=tone, audience=(2,), at=100.0))
    world.run(219)
    apart = [ticks_of(report, b) for report in reports(b) if isinstance(report, SenderReport)]
    assert len(apart) > 400
    assert max(map(abs, apart)) <= 160 + 1


def test_what_a_new_stream_lost_is_counted_from_its_own_beginning() -> None:
    world = MediaWorld(config=EngineConfig(legs=16, rtcp_interval_s=5))
    a, _ = world.call()
    a.talk(speech(250 * 160), 100.001)
    a.ssrc, a.sequence, a.timestamp = 0x7777, 30000, 999
    for number in range(750):
        packet = a.packet(encoded(Codec.PCMU, speech(160, number)).tobytes())
        if number % 4:
            a.send(packet, 105.001 + number * 0.02)
    world.run(120)
    told = blocks(a, 0x7777)
    assert [block.fraction_lost for block in told] == pytest.approx([64] * len(told), abs=3)
    assert len(told) >= 2


def test_a_report_that_a_stream_has_sent_is_not_ascribed_to_the_one_after_it() -> None:
    """LSR and DLSR are of the source that the block is about, whatever else reports come."""
    world = MediaWorld(config=OFTEN)
    a, _ = world.call()
    a.talk(speech(16000), 100.001)
    before, ntp = a.ssrc, 0x1234_5678_9ABC_DEF0
    for at, ssrc in ((100.5, before), (100.6, 0xDEAD)):
        report = SenderReport(ssrc=ssrc, ntp=ntp + (ssrc << 32), rtp_timestamp=5, packets=1, octets=160)
        world.arrive(at, print_compound([report]), (a.address[0], 4001), (a.server[0], a.server[1] + 1))
    a.ssrc, a.sequence, a.timestamp = 0x7777, 30000, 999
    a.talk(speech(16000), 102.001)
    world.run(104)
    assert {block.last_sr for block in blocks(a, before)} == {0, middle_bits(ntp + (before << 32))}
    assert {block.last_sr for block in blocks(a, 0x7777)} == {0}


def test_a_correction_of_drift_is_no_jitter() -> None:
    """A phone's clock 0.2 % slow: its packets are shifted on the time line now and then, and come as evenly as ever."""
    world = MediaWorld(config=OFTEN)
    a, _ = world.call()
    for number in range(3000):
        a.send(a.packet(b"\x55" * 160), 100.001 + number * 0.02004)
    world.run(160)
    assert max(block.jitter for block in blocks(a, a.ssrc)) <= 1


def test_who_is_sent_nothing_gets_receiver_reports() -> None:
    """RFC 3550 6.4: a sender report only while something was sent since the last but one."""
    world = MediaWorld(prompts={("notice", "en"): prompt(speech(8000))})
    a, _ = world.call()
    world.tell(Play(call_id="call", play_id=1, audio=(NOTICE,), audience=(1,)))
    world.run(150)
    kinds = [type(report) for report in reports(a)]
    assert kinds[:2] == [SenderReport] * 2
    assert set(kinds[2:]) == {ReceiverReport}


@pytest.mark.parametrize("payload_type", [0, 20])
def test_what_keeps_a_path_open_is_lost_to_nobody(payload_type: int) -> None:
    """Empty packets of the speech's own payload type or of none (RFC 6263 4.6), in pauses of the speech."""
    world = MediaWorld(config=OFTEN)
    a, b = world.call()
    sink = world.record()
    for number in range(5):
        a.talk(speech(8000), 100.001 + 2 * number)
        a.send(a.packet(b"", payload_type=payload_type), 101.5 + 2 * number)
        a.timestamp += 8000
    world.run(111)
    assert [(block.fraction_lost, block.cumulative_lost) for block in blocks(a, a.ssrc) if block.cumulative_lost] == []
    assert {(y.packet.sequence - x.packet.sequence) & 0xFFFF for x, y in pairwise(b.heard)} == {1}
    assert [mark for mark in sink.marks if mark.kind is MarkKind.GAP] == []
