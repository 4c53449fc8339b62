"""How well one stream is received (RFC 3550 6.4.1, A.3, A.8)."""

from __future__ import annotations

from mediaserver.rtp.ntp import middle_bits
from mediaserver.rtp.rtcp import ReportBlock, SenderReport
from mediaserver.rtp.sequence import SequenceUnwrapper, TimestampUnwrapper

_MOST_LOST = 0x7FFFFF


class Jitter:
    """Interarrival jitter, RFC 3550 A.8, kept in ticks as a fraction."""

    def __init__(self, clock_hz: int = 8000) -> None:
        self._clock_hz = clock_hz
        self._timestamps = TimestampUnwrapper()
        self._transit: float | None = None
        self.ticks = 0.0

    @property
    def ms(self) -> float:
        """In milliseconds."""
        return self.ticks * 1000 / self._clock_hz

    def receive(self, timestamp: int, arrival_s: float) -> None:
        """Count one packet; both clocks may have any zero."""
        transit = arrival_s * self._clock_hz - self._timestamps.unwrap(timestamp)
        if self._transit is not None:
            self.ticks += (abs(transit - self._transit) - self.ticks) / 16
        self._transit = transit


class ReceptionStats:
    """Counters of one SSRC; another SSRC wants another object."""

    def __init__(self, ssrc: int, clock_hz: int = 8000) -> None:
        self.ssrc = ssrc
        self.received = 0
        """Packets, duplicates and late ones included."""
        self.jitter = Jitter(clock_hz)
        self._sequences = SequenceUnwrapper()
        self._first: int | None = None
        self._expected_before = 0
        self._received_before = 0
        self._last_sr: tuple[int, float] | None = None

    def receive(self, sequence: int, timestamp: int, arrival_s: float) -> int:
        """Count one packet; its extended sequence number."""
        extended = self._sequences.unwrap(sequence)
        if self._first is None or extended < self._first:
            self._first = extended
        self.received += 1
        self.jitter.receive(timestamp, arrival_s)
        return extended

    def receive_sender_report(self, report: SenderReport, arrival_s: float) -> None:
        """Remember when the source last told its clocks, for LSR and DLSR."""
        self._last_sr = (middle_bits(report.ntp), arrival_s)

    @property
    def highest(self) -> int:
        """Extended highest sequence number, -1 before the first packet."""
        return -1 if self._sequences.highest is None else self._sequences.highest

    @property
    def expected(self) -> int:
        """Packets there should be, from the first to the furthest."""
        return 0 if self._first is None else self.highest - self._first + 1

    @property
    def lost(self) -> int:
        """Expected less received; negative when duplicates came."""
        return self.expected - self.received

    def report(self, now: float) -> ReportBlock:
        """The block for the next SR or RR; the fraction is counted anew from here."""
        expected = self.expected - self._expected_before
        lost = expected - (self.received - self._received_before)
        self._expected_before, self._received_before = self.expected, self.received
        last_sr, delay = (0, 0) if self._last_sr is None else (self._last_sr[0], now - self._last_sr[1])
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=min(255, (lost << 8) // expected) if expected > 0 and lost > 0 else 0,
            cumulative_lost=max(-_MOST_LOST - 1, min(_MOST_LOST, self.lost)),
            highest_sequence=max(0, self.highest) & 0xFFFFFFFF,
            jitter=min(0xFFFFFFFF, int(self.jitter.ticks)),
            last_sr=last_sr,
            delay_since_last_sr=max(0, min(0xFFFFFFFF, int(delay * 65536))),
        )
