"""What can be spoken, and which payload type stands for what in one ``m=audio`` line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mediaserver.sdp.model import MediaDescription

TELEPHONE_EVENT: Final = "telephone-event"
EVENT_CLOCK_HZ: Final = 8000

KEYS: Final = frozenset(range(16))
"""What a telephone-event without ``fmtp`` means (RFC 4733 2.4.1): the sixteen keys."""
KEYS_AND_FLASH: Final = frozenset(range(17))

DYNAMIC: Final = range(96, 128)
"""Payload types without a meaning of their own (RFC 3551 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecSpec:
    """One audio encoding."""

    name: str
    """SDP encoding name, compared in any case."""
    clock_hz: int = 8000
    """RTP clock; for G.722 8000 too (RFC 3551 4.5.2)."""
    payload_type: int
    """What we offer it as: its static number, or one from 96 on."""

    def is_named(self, name: str, clock_hz: int) -> bool:
        """Whether an ``rtpmap`` of one channel means this encoding."""
        return self.name.lower() == name.lower() and self.clock_hz == clock_hz


PCMU: Final = CodecSpec(name="PCMU", payload_type=0)
PCMA: Final = CodecSpec(name="PCMA", payload_type=8)
G722: Final = CodecSpec(name="G722", payload_type=9)

_STATIC: Final = {0: ("PCMU", 8000), 8: ("PCMA", 8000), 9: ("G722", 8000)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What one side can do, in order of preference."""

    codecs: tuple[CodecSpec, ...] = (PCMU, PCMA, G722)
    telephone_event: int | None = 101
    """Payload type we offer it as; None: not at all."""
    events: frozenset[int] = KEYS_AND_FLASH
    ptime_ms: int = 20
    rtcp_mux: bool = False
    """Offer it. When a peer offers it, it is granted anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadMap:
    """What the payload types of one ``m=`` line stand for, in the line's order."""

    codecs: tuple[tuple[int, str, int], ...]
    """Payload type, encoding name, clock; one channel each."""
    events: int | None
    """Payload type of telephone-event at 8000 Hz."""
    event_codes: frozenset[int]
    """Events its ``fmtp`` names."""


def payload_map(media: MediaDescription, *, defaults: PayloadMap | None = None) -> PayloadMap:
    """Read the formats of a line.

    A number of no static meaning and without ``rtpmap`` stands for nothing, unless ``defaults`` (an offer's
    map, when ``media`` is its answer) knows it. Broken ``rtpmap`` and ``fmtp`` lines stand for nothing either.
    """
    maps = _rtpmaps(media)
    codecs: list[tuple[int, str, int]] = []
    events: int | None = None
    for number in _numbers(media.formats):
        name, clock = maps.get(number) or _known(number, defaults)
        if name.lower() == TELEPHONE_EVENT:
            if events is None and clock == EVENT_CLOCK_HZ:
                events = number
        elif name:
            codecs.append((number, name, clock))
    codes = KEYS if events is None else _event_codes(media, events)
    return PayloadMap(codecs=tuple(codecs), events=events, event_codes=codes)


def printed_events(codes: Iterable[int]) -> str:
    """The ``fmtp`` list of events (RFC 4733 2.4.1): runs as ``first-last``."""
    runs: list[list[int]] = []
    for code in sorted(codes):
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def parsed_events(text: str) -> frozenset[int]:
    """Events of a list such as ``0-15,66``; what lies beyond 255 or is no number is left out."""
    codes: set[int] = set()
    for part in text.split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        if not _is_code(first) or (dash and not _is_code(last)):
            continue
        codes.update(range(int(first), int(last if dash else first) + 1))
    return frozenset(codes)


def _numbers(formats: tuple[str, ...]) -> list[int]:
    """Payload types, each once, in order; other words, ``08`` among them, are left out."""
    found = (int(word) for word in formats if _is_code(word) and int(word) <= 127 and word == str(int(word)))
    return list(dict.fromkeys(found))


def _is_code(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 3 and int(word) <= 255


def _rtpmaps(media: MediaDescription) -> dict[int, tuple[str, int]]:
    """``rtpmap`` lines; an encoding of several channels gets an empty name, for it is none of ours."""
    maps: dict[int, tuple[str, int]] = {}
    for value in media.values("rtpmap"):
        words = value.split()
        if len(words) < 2 or not _is_code(words[0]):
            continue
        name, clock, channels = (*words[1].split("/"), "", "", "")[:3]
        if clock.isascii() and clock.isdigit() and len(clock) <= 9:
            maps.setdefault(int(words[0]), (name if channels in ("", "1") else "", int(clock)))
    return maps


def _known(number: int, defaults: PayloadMap | None) -> tuple[str, int]:
    if defaults is not None:
        if number == defaults.events:
            return TELEPHONE_EVENT, EVENT_CLOCK_HZ
        for payload_type, name, clock in defaults.codecs:
            if payload_type == number:
                return name, clock
    return _STATIC.get(number, ("", 0))


def _event_codes(media: MediaDescription, payload_type: int) -> frozenset[int]:
    for value in media.values("fmtp"):
        words = value.split(None, 1)
        if len(words) == 2 and _is_code(words[0]) and int(words[0]) == payload_type:
            return parsed_events(words[1].removeprefix("events=")) or KEYS
    return KEYS
