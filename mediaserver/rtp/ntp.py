"""NTP timestamps and wall time (RFC 3550 4, RFC 5905 6), in whole nanoseconds so that nothing drifts by rounding.

An NTP timestamp is 64 bits: seconds since 1900 in the upper 32, fractions of 2**-32 s below. The
seconds wrap in February 2036; with the top bit set they mean the era that began in 1900, without it the next.
"""

from __future__ import annotations

from typing import Final

UNIX_EPOCH_S: Final = 2_208_988_800
"""1970 as seconds of 1900."""

_NS: Final = 1_000_000_000
_ERA_S: Final = 1 << 32


def ntp_of_unix_ns(unix_ns: int) -> int:
    """64-bit NTP timestamp of wall time, rounded to the nearest fraction."""
    fractions = (unix_ns * _ERA_S + _NS // 2) // _NS
    return (fractions + UNIX_EPOCH_S * _ERA_S) & 0xFFFFFFFFFFFFFFFF


def unix_ns_of_ntp(ntp: int) -> int:
    """Wall time in nanoseconds, between 1968 and 2104; the exact inverse of ``ntp_of_unix_ns`` there."""
    seconds = ntp >> 32
    if seconds < _ERA_S // 2:
        seconds += _ERA_S
    return (seconds - UNIX_EPOCH_S) * _NS + ((ntp & 0xFFFFFFFF) * _NS + _ERA_S // 2) // _ERA_S


def middle_bits(ntp: int) -> int:
    """The 32 bits an LSR field carries: 16 of seconds, 16 of fractions."""
    return (ntp >> 16) & 0xFFFFFFFF


def round_trip_s(now_ntp: int, last_sr: int, delay_since_last_sr: int) -> float | None:
    """Round trip from a report block about us (RFC 3550 6.4.1), seconds; None when it names no SR or is impossible."""
    if last_sr == 0:
        return None
    way = (middle_bits(now_ntp) - last_sr - delay_since_last_sr) & 0xFFFFFFFF
    return way / 65536 if way < 1 << 31 else None
