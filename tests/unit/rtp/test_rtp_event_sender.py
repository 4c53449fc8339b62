"""Key presses into telephone-event packets, beside an audio stream whose clock goes on."""

from __future__ import annotations

import pytest

from mediaserver.rtp import EventFrame, EventPacket, EventReceiver, EventSender, RtpError, TelephoneEvent, press_frames


def block(event: int, duration: int, *, end: bool = False, volume: int = 10) -> bytes:
    return bytes(TelephoneEvent(event=event, end=end, volume=volume, duration=duration))


def sent(sender: EventSender, timestamp: int = 1000, frame_ticks: int = 160) -> list[tuple[int, EventPacket]]:
    frames = press_frames(sender, timestamp, frame_ticks)
    return [(at, packet) for at, frame in frames for packet in frame.packets]


def test_a_press_of_60_ms_is_these_frames_and_no_others() -> None:
    sender = EventSender()
    sender.press("5", 60)

    def packet(duration: int, *, end: bool = False, marker: bool = False) -> tuple[EventPacket, ...]:
        return (EventPacket(timestamp=1000, payload=block(5, duration, end=end), marker=marker),)

    assert list(press_frames(sender, 1000)) == [
        (1000, EventFrame(packets=packet(160, marker=True), replaces_audio=True)),
        (1160, EventFrame(packets=packet(320), replaces_audio=True)),
        (1320, EventFrame(packets=packet(480, end=True), replaces_audio=True)),
        (1480, EventFrame(packets=packet(480, end=True))),
        (1640, EventFrame(packets=packet(480, end=True))),
        (1800, EventFrame()),
    ]


def test_an_idle_sender_leaves_the_audio_alone() -> None:
    sender = EventSender()
    assert sender.idle
    assert sender.frame(0) == EventFrame()


def test_digits_follow_each_other_with_the_gap_between() -> None:
    sender = EventSender(gap_ms=100)
    sender.press("*4", 100)
    begins = [at for at, packet in sent(sender) if packet.marker]
    assert begins == [1000, 1000 + 800 + 800]


def test_the_end_packet_tells_the_exact_duration_when_it_is_no_whole_frame() -> None:
    sender = EventSender()
    sender.press("1", 70)
    ends = [TelephoneEvent.parse(packet.payload) for _, packet in sent(sender) if packet.payload[1] & 0x80]
    assert ends == [TelephoneEvent(event=1, end=True, duration=560)] * 3


def test_a_press_shorter_than_any_receiver_must_hear_is_made_40_ms() -> None:
    sender = EventSender()
    sender.press("1", 1)
    assert TelephoneEvent.parse(sent(sender)[-1][1].payload).duration == 320


def test_the_length_of_frames_sets_the_pace_and_all_three_ends_go_out() -> None:
    sender = EventSender(ptime_ms=60, gap_ms=40)
    sender.press("12", 120)
    packets = sent(sender, 0, 480)
    assert [(at, TelephoneEvent.parse(packet.payload).duration) for at, packet in packets] == [
        (0, 480), (480, 960), (960, 960), (1440, 960),
        (1920, 480), (2400, 960), (2880, 960), (3360, 960),
    ]  # fmt: skip


def test_volume_and_clock_are_as_asked() -> None:
    sender = EventSender(volume=20, clock_hz=16000, duration_ms=40)
    sender.press("9")
    assert [packet.payload for _, packet in sent(sender, 0, 320)] == [
        block(9, 320, volume=20),
        *[block(9, 640, end=True, volume=20)] * 3,
    ]


def test_a_timestamp_near_the_wrap_is_kept_for_the_whole_press() -> None:
    sender = EventSender()
    sender.press("1")
    assert {packet.timestamp for _, packet in sent(sender, 0xFFFFFFF0)} == {0xFFFFFFF0}


def test_a_press_of_ten_seconds_is_told_in_segments_and_heard_as_one() -> None:
    sender = EventSender()
    sender.press("3", 10_000)
    packets = [packet for _, packet in sent(sender)]
    assert [packet.marker for packet in packets].count(True) == 1
    assert list(dict.fromkeys(packet.timestamp for packet in packets)) == [1000, 1000 + 65535]
    last_of_first = [packet for packet in packets if packet.timestamp == 1000][-1]
    assert last_of_first.payload == block(3, 65535)
    receiver = EventReceiver()
    heard = [
        press
        for at, packet in enumerate(packets)
        for press in receiver.receive(
            timestamp=packet.timestamp, payload=packet.payload, now=at * 0.02, marker=packet.marker
        )
    ]
    assert [(press.digit, press.duration_ticks) for press in heard] == [("3", 80_000)]


def test_digits_may_be_queued_while_others_are_sent() -> None:
    sender = EventSender()
    sender.press("1")
    sender.frame(0)
    sender.press("2")
    assert not sender.idle
    assert [TelephoneEvent.parse(packet.payload).event for _, packet in sent(sender, 160) if packet.marker] == [2]


def test_what_is_no_key_is_refused_and_nothing_of_it_queued() -> None:
    sender = EventSender()
    with pytest.raises(RtpError, match="digit"):
        sender.press("1x")
    assert sender.idle


def test_too_long_or_too_many_is_refused() -> None:
    sender = EventSender()
    with pytest.raises(RtpError, match="duration"):
        sender.press("1", 60_001)
    with pytest.raises(RtpError, match="digits"):
        sender.press("1" * 257)


@pytest.mark.parametrize(("ptime_ms", "clock_hz"), [(0, 8000), (20, 0)])
def test_a_frame_without_length_is_refused(ptime_ms: int, clock_hz: int) -> None:
    with pytest.raises(RtpError, match="ptime"):
        EventSender(ptime_ms=ptime_ms, clock_hz=clock_hz)
