"""Reception statistics, jitter and clocks (RFC 3550 6.4.1, A.3, A.8)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediaserver.rtp import (
    Jitter,
    ReceptionStats,
    ReportBlock,
    SenderReport,
    middle_bits,
    ntp_of_unix_ns,
    round_trip_s,
    unix_ns_of_ntp,
)

STEADY = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""


def fed(sequences: list[int]) -> ReceptionStats:
    stats = ReceptionStats(9)
    for at, sequence in enumerate(sequences):
        stats.receive(sequence, 160 * at, at * 0.02)
    return stats


def test_nothing_received_reports_nothing() -> None:
    assert ReceptionStats(9).report(1.0) == ReportBlock(
        ssrc=9, fraction_lost=0, cumulative_lost=0, highest_sequence=0, jitter=0, last_sr=0, delay_since_last_sr=0
    )


def test_a_gap_over_the_wrap_is_counted() -> None:
    stats = fed([65534, 65535, 2, 3])
    block = stats.report(1.0)
    assert (stats.expected, stats.received, stats.lost) == (6, 4, 2)
    assert (block.highest_sequence, block.cumulative_lost, block.fraction_lost) == (65536 + 3, 2, 85)


def test_the_fraction_is_of_the_time_since_the_report_before() -> None:
    stats = fed([0, 1, 3])
    assert stats.report(1.0).fraction_lost == 64
    stats.receive(4, 0, 0)
    assert stats.report(2.0).fraction_lost == 0
    assert stats.report(3.0).fraction_lost == 0


def test_duplicates_make_the_loss_negative_and_the_fraction_zero() -> None:
    block = fed([5, 5, 5]).report(1.0)
    assert (block.cumulative_lost, block.fraction_lost) == (-2, 0)


def test_a_packet_older_than_the_first_moves_the_first() -> None:
    stats = fed([0, 65535])
    assert (stats.expected, stats.lost, stats.highest) == (2, 0, 0)


def test_all_lost_but_the_last_is_255_of_256() -> None:
    stats = fed([0])
    stats.report(0.0)
    stats.receive(1000, 0, 0)
    assert stats.report(1.0).fraction_lost == 255


def test_the_last_sender_report_and_the_time_since_are_told() -> None:
    stats = fed([0])
    report = SenderReport(ssrc=9, ntp=0x1122334455667788, rtp_timestamp=0, packets=0, octets=0)
    stats.receive_sender_report(report, 10.0)
    block = stats.report(11.5)
    assert (block.last_sr, block.delay_since_last_sr) == (0x33445566, 98304)


def test_a_steady_stream_has_no_jitter_even_over_a_timestamp_wrap() -> None:
    jitter = Jitter()
    for at in range(10):
        jitter.receive((0xFFFFFF00 + 160 * at) & 0xFFFFFFFF, at * 0.02)
    assert jitter.ticks == pytest.approx(0, abs=1e-6)


def test_one_late_packet_moves_jitter_by_a_sixteenth_of_its_lateness() -> None:
    jitter = Jitter()
    jitter.receive(0, 0.0)
    jitter.receive(160, 0.030)
    assert jitter.ticks == pytest.approx(5.0)
    assert jitter.ms == pytest.approx(0.625)
    jitter.receive(320, 0.040)
    assert jitter.ticks == pytest.approx(5 + (80 - 5) / 16)


def test_the_unix_epoch_is_2208988800_seconds_into_ntp_time() -> None:
    assert ntp_of_unix_ns(0) == 2_208_988_800 << 32
    assert unix_ns_of_ntp(2_208_988_800 << 32) == 0


def test_half_a_second_is_half_of_the_fractions() -> None:
    assert ntp_of_unix_ns(1_500_000_000) & 0xFFFFFFFF == 1 << 31


def test_the_era_that_begins_in_2036_is_known() -> None:
    moment = int(datetime(2036, 2, 7, 6, 28, 16, tzinfo=UTC).timestamp()) * 10**9
    assert ntp_of_unix_ns(moment) == 0
    assert unix_ns_of_ntp(0) == moment


@STEADY
@given(unix_ns=st.integers(0, 4_000_000_000 * 10**9))
def test_wall_time_survives_to_the_nanosecond(unix_ns: int) -> None:
    assert unix_ns_of_ntp(ntp_of_unix_ns(unix_ns)) == unix_ns


def test_round_trip_is_now_less_report_less_delay() -> None:
    now = ntp_of_unix_ns(1_700_000_010 * 10**9)
    last_sr = middle_bits(ntp_of_unix_ns(1_700_000_000 * 10**9))
    assert round_trip_s(now, last_sr, 65536 * 9) == 1.0


def test_round_trip_is_unknown_without_a_report_or_when_it_would_be_negative() -> None:
    assert round_trip_s(5 << 32, 0, 0) is None
    assert round_trip_s(5 << 32, 5 << 16, 1) is None
