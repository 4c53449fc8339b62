"""Key presses out of telephone-event packets: each told once, whatever was lost, doubled or reordered."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediaserver.rtp import EventReceiver, EventSender, KeyPress, PressEnd, TelephoneEvent, press_frames

STEADY = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""

SSRC = 0xCAFE


@dataclass
class Line:
    """A receiver with a clock: 20 ms go by with every packet."""

    receiver: EventReceiver = field(default_factory=EventReceiver)
    now: float = 0.0

    def hear(
        self, event: int, timestamp: int, duration: int, *, end: bool = False, marker: bool = False, ssrc: int = SSRC
    ) -> list[KeyPress]:
        self.now = round(self.now + 0.02, 6)
        payload = bytes(TelephoneEvent(event=event, end=end, duration=duration))
        return self.receiver.receive(timestamp=timestamp, payload=payload, now=self.now, marker=marker, ssrc=ssrc)

    def wait(self, seconds: float) -> list[KeyPress]:
        self.now = round(self.now + seconds, 6)
        return self.receiver.handle_timer(self.now)


@pytest.fixture
def line() -> Line:
    return Line()


def digits(presses: list[KeyPress]) -> str:
    return "".join(press.digit or "!" for press in presses)


def test_a_press_is_told_at_its_first_end_packet_with_all_that_is_known(line: Line) -> None:
    assert line.hear(10, 1000, 160, marker=True) == []
    assert line.hear(10, 1000, 320) == []
    assert line.hear(10, 1000, 400, end=True) == [
        KeyPress(
            event=10,
            duration_ticks=400,
            volume=10,
            ssrc=SSRC,
            timestamp=1000,
            opened_at=0.02,
            closed_at=0.06,
            ended_by=PressEnd.END,
        )
    ]


def test_copies_of_the_end_are_absorbed_and_counted(line: Line) -> None:
    line.hear(1, 1000, 400, end=True)
    assert [line.hear(1, 1000, 400, end=True) for _ in range(2)] == [[], []]
    assert line.receiver.absorbed == 2


def test_an_end_packet_alone_is_a_press(line: Line) -> None:
    assert digits(line.hear(5, 1000, 800, end=True)) == "5"


def test_the_same_key_pressed_twice_is_two_presses(line: Line) -> None:
    presses = line.hear(4, 1000, 800, end=True) + line.hear(4, 2600, 800, end=True)
    assert digits(presses) == "44"


def test_a_press_without_marker_counts(line: Line) -> None:
    line.hear(4, 1000, 160)
    assert digits(line.hear(4, 1000, 320, end=True)) == "4"


def test_the_next_press_closes_one_whose_ends_were_lost(line: Line) -> None:
    line.hear(1, 1000, 160)
    presses = line.hear(2, 2600, 160, marker=True)
    assert [(press.digit, press.ended_by, press.duration_ticks) for press in presses] == [("1", PressEnd.NEXT, 160)]
    assert digits(line.hear(2, 2600, 320, end=True)) == "2"


def test_silence_closes_a_press_whose_ends_were_lost(line: Line) -> None:
    line.hear(1, 1000, 160)
    assert line.receiver.next_timer() == pytest.approx(0.27)
    assert line.wait(0.24) == []
    presses = line.wait(0.02)
    assert [(press.digit, press.ended_by) for press in presses] == [("1", PressEnd.TIMEOUT)]
    assert line.receiver.next_timer() is None


def test_a_timeout_that_nobody_asked_about_is_noticed_at_the_next_packet(line: Line) -> None:
    line.hear(1, 1000, 160)
    line.now = 5.0
    assert digits(line.hear(2, 40000, 160)) == "1"


def test_a_key_that_goes_on_after_its_timeout_is_not_told_again(line: Line) -> None:
    line.hear(1, 1000, 160)
    line.wait(0.3)
    heard = [line.hear(1, 1000, 160 * at, end=at == 400) for at in range(20, 401)]
    assert heard == [[]] * 381


def test_not_even_when_it_goes_on_into_the_next_segment(line: Line) -> None:
    line.hear(1, 1000, 65400)
    line.wait(0.3)
    assert line.hear(1, 1000 + 65535, 160) == []
    assert line.hear(1, 1000 + 65535, 800, end=True) == []
    assert digits(line.hear(1, 1000 + 2 * 65535, 160, end=True)) == "1", "nothing follows an end"


def test_a_timestamp_seen_long_ago_is_a_new_press(line: Line) -> None:
    line.hear(1, 1000, 160, end=True)
    line.now = 11.0
    assert digits(line.hear(1, 1000, 160, end=True)) == "1"


def test_packets_reordered_within_a_press_change_nothing(line: Line) -> None:
    line.hear(1, 1000, 480)
    line.hear(1, 1000, 320)
    presses = line.hear(1, 1000, 480, end=True)
    assert [(press.digit, press.duration_ticks) for press in presses] == [("1", 480)]
    assert line.hear(1, 1000, 160) == []


def test_a_press_first_heard_after_the_next_one_began_is_told_at_once(line: Line) -> None:
    line.hear(2, 2600, 160)
    late = line.hear(1, 1000, 800, end=True)
    assert [(press.digit, press.ended_by) for press in late] == [("1", PressEnd.END)]
    assert line.hear(1, 1000, 800, end=True) == []
    assert digits(line.hear(2, 2600, 320, end=True)) == "2"


def test_a_late_piece_without_end_is_told_once(line: Line) -> None:
    line.hear(2, 2600, 160)
    assert [press.ended_by for press in line.hear(1, 1000, 160)] == [PressEnd.NEXT]
    assert line.hear(1, 1000, 800, end=True) == []


def test_a_key_held_longer_than_a_duration_can_tell_is_one_press(line: Line) -> None:
    line.hear(7, 1000, 160, marker=True)
    line.hear(7, 1000, 65535)
    assert line.hear(7, 1000 + 65535, 160) == []
    assert line.hear(7, 1000, 65535) == [], "a late copy of the first segment"
    presses = line.hear(7, 1000 + 65535, 800, end=True)
    assert [(press.digit, press.timestamp, press.duration_ticks) for press in presses] == [("7", 1000, 66335)]
    assert line.hear(7, 1000 + 65535, 800, end=True) == []


def test_a_segment_follows_even_when_the_packet_that_told_the_maximum_was_lost(line: Line) -> None:
    line.hear(7, 0xFFFFFF00, 65440)
    assert line.hear(7, (0xFFFFFF00 + 65535) % 2**32, 65) == []


def test_a_marker_at_the_seam_of_a_segment_means_a_new_press(line: Line) -> None:
    line.hear(7, 1000, 65535)
    assert digits(line.hear(7, 1000 + 65535, 160, marker=True)) == "7"


def test_another_ssrc_closes_the_press_and_opens_its_own(line: Line) -> None:
    line.hear(1, 1000, 160)
    presses = line.hear(1, 1000, 160, ssrc=2) + line.hear(1, 1000, 320, end=True, ssrc=2)
    assert [(press.ssrc, press.ended_by) for press in presses] == [(SSRC, PressEnd.NEXT), (2, PressEnd.END)]


def test_a_sender_whose_clock_stands_still_is_understood(line: Line) -> None:
    presses = line.hear(10, 1000, 160, end=True) + line.hear(4, 1000, 160, end=True)
    assert digits(presses) == "*4"


def test_packed_events_are_several_presses(line: Line) -> None:
    payload = bytes(TelephoneEvent(event=1, end=True, duration=400)) + bytes(
        TelephoneEvent(event=2, end=True, duration=80)
    )
    presses = line.receiver.receive(timestamp=0xFFFFFFFF, payload=payload, now=1.0)
    assert [(press.digit, press.timestamp) for press in presses] == [("1", 0xFFFFFFFF), ("2", 399)]


def test_the_hook_flash_is_a_press_without_digit(line: Line) -> None:
    assert [(press.event, press.digit) for press in line.hear(16, 0, 160, end=True)] == [(16, None)]


def test_events_that_are_no_keys_are_counted_and_disturb_nothing(line: Line) -> None:
    line.hear(1, 1000, 160)
    assert line.hear(36, 1100, 160, end=True) == []
    assert (line.receiver.ignored, line.receiver.pressed) == (1, 1)


def test_malformed_payloads_are_counted(line: Line) -> None:
    assert line.receiver.receive(timestamp=0, payload=b"\1", now=0.0) == []
    assert line.receiver.malformed == 1


def test_which_key_is_down_is_known_while_it_is(line: Line) -> None:
    line.hear(11, 1000, 160)
    assert line.receiver.pressed == 11
    line.hear(11, 1000, 320, end=True)
    assert line.receiver.pressed is None


def test_the_end_of_the_stream_closes_what_is_open(line: Line) -> None:
    line.hear(1, 1000, 160)
    assert digits(line.receiver.flush(line.now)) == "1"
    assert line.receiver.flush(line.now) == []


def test_only_so_many_presses_are_remembered(line: Line) -> None:
    for at in range(40):
        line.hear(1, 1000 * at, 160, end=True)
    assert line.hear(1, 1000 * 39, 160, end=True) == []
    assert digits(line.hear(1, 0, 160, end=True)) == "1"


@STEADY
@given(
    keys=st.text(alphabet="0123456789*#ABCD", min_size=1, max_size=6),
    start=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_every_press_of_which_one_packet_arrives_is_told_once_in_order(
    keys: str, start: int, data: st.DataObject
) -> None:
    sender = EventSender()
    sender.press(keys)
    receiver = EventReceiver()
    heard: list[KeyPress] = []
    arrived: dict[int, bool] = {}
    now = 0.0
    for _, frame in press_frames(sender, start):
        now += 0.02
        for packet in frame.packets:
            arrived.setdefault(packet.timestamp, False)
            for _copy in range(data.draw(st.integers(0, 2))):
                arrived[packet.timestamp] = True
                heard += receiver.receive(
                    timestamp=packet.timestamp, payload=packet.payload, now=now, marker=packet.marker
                )
    heard += receiver.handle_timer(now + 1.0)
    assert digits(heard) == "".join(key for key, came in zip(keys, arrived.values(), strict=True) if came)
