"""A media engine on a virtual clock, with phones that say exactly what a test gives them and keep what they hear."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from callmodel.manifest import Mark
from mediaserver.media.config import EngineConfig, PromptPcm
from mediaserver.media.engine import MediaEngine
from mediaserver.media.g711 import decoded, encoded
from mediaserver.media.memory import MemoryForwarder
from mediaserver.media.messages import (
    Bridge,
    Codec,
    Command,
    Event,
    LegOpened,
    OpenLeg,
    RecordingDestroyed,
    RecordingFinished,
    SetLegMedia,
    StartRecording,
)
from mediaserver.media.sink import RecordingEnd, SinkResult
from mediaserver.rtp.packet import RtpPacket, is_rtcp

E = TypeVar("E")
SERVER = "192.0.2.1"
Pcm = NDArray[np.int16]
STATIC = {Codec.PCMU: 0, Codec.PCMA: 8, Codec.G722: 9}


@dataclass(slots=True)
class MemorySink:
    """Keeps what it is given."""

    command: StartRecording
    blocks: list[Pcm] = field(default_factory=list)
    heard_blocks: list[Pcm] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    end: RecordingEnd | None = None
    abandoned: bool = False
    _news: list[SinkResult] = field(default_factory=list)

    def write(self, block: Pcm) -> None:
        assert block.dtype == np.int16
        assert block.shape[1] == 2
        self.blocks.append(block)

    def write_heard(self, block: Pcm) -> None:
        assert block.shape[1] == 4
        self.heard_blocks.append(block)

    def mark(self, mark: Mark) -> None:
        self.marks.append(mark)

    def abandon(self) -> None:
        self.abandoned = True

    def finish(self, end: RecordingEnd) -> None:
        self.end = end
        recording_id = self.command.recording_id
        if not end.keep:
            self.blocks.clear()
            self._news.append(RecordingDestroyed(recording_id=recording_id))
            return
        data = self.audio.tobytes()
        self._news.append(
            RecordingFinished(
                recording_id=recording_id,
                sample_rate_hz=self.command.sample_rate_hz,
                samples=end.samples,
                size_bytes=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                encrypted=False,
                heard=None,
                marks=end.marks,
                first_sample_at=end.first_sample_at,
            )
        )

    def poll(self) -> SinkResult | None:
        return self._news.pop(0) if self._news else None

    @property
    def audio(self) -> Pcm:
        return np.concatenate([np.zeros((0, 2), np.int16), *self.blocks])

    @property
    def heard(self) -> Pcm:
        return np.concatenate([np.zeros((0, 4), np.int16), *self.heard_blocks])


@dataclass(slots=True, kw_only=True)
class Heard:
    """A packet a phone received."""

    at: float
    packet: RtpPacket
    source: tuple[str, int]


@dataclass(slots=True, kw_only=True)
class Phone:
    """One far end of RTP."""

    world: MediaWorld
    leg_id: int
    address: tuple[str, int]
    server: tuple[str, int]
    codec: Codec = Codec.PCMU
    ssrc: int = 0x1234
    sequence: int = 1000
    timestamp: int = 5000
    heard: list[Heard] = field(default_factory=list)
    rtcp: list[bytes] = field(default_factory=list)

    def packet(self, payload: bytes, *, payload_type: int | None = None, marker: bool = False) -> bytes:
        """The next packet of the stream, as sent."""
        data = bytes(
            RtpPacket(
                payload_type=STATIC[self.codec] if payload_type is None else payload_type,
                sequence=self.sequence & 0xFFFF,
                timestamp=self.timestamp & 0xFFFFFFFF,
                ssrc=self.ssrc,
                payload=payload,
                marker=marker,
            )
        )
        self.sequence += 1
        self.timestamp += len(payload)
        return data

    def send(self, data: bytes, at: float, *, source: tuple[str, int] | None = None) -> None:
        """Let a datagram arrive at the server."""
        self.world.arrive(at, data, source or self.address, self.server)

    def talk(self, samples: Pcm, at: float, *, ptime_ms: int = 20) -> Pcm:
        """Send samples as G.711, a packet every ``ptime_ms``; returns what a decoder makes of them."""
        codes = encoded(self.codec, samples).tobytes()
        size = 8 * ptime_ms
        for number in range(len(codes) // size):
            self.send(self.packet(codes[number * size : (number + 1) * size]), at + number * ptime_ms / 1000)
        return decoded(self.codec, codes[: len(codes) // size * size])

    def audio(self) -> Pcm:
        """What it heard, put together by timestamp, from its first packet on."""
        packets = [heard.packet for heard in self.heard if heard.packet.payload_type == STATIC[self.codec]]
        if not packets:
            return np.zeros(0, np.int16)
        first = packets[0].timestamp
        places = [(packet.timestamp - first + 2**31) % 2**32 - 2**31 for packet in packets]
        out = np.zeros(max(places) + len(packets[-1].payload), np.int16)
        for place, packet in zip(places, packets, strict=True):
            if place >= 0:
                out[place : place + len(packet.payload)] = decoded(self.codec, packet.payload)
        return out


@dataclass(slots=True)
class MediaWorld:
    """Everything between a test and an engine."""

    prompts: Mapping[tuple[str, str], PromptPcm] = field(default_factory=dict)
    config: EngineConfig = field(default_factory=lambda: EngineConfig(legs=16))
    now: float = 100.0
    events: list[tuple[float, Event]] = field(default_factory=list)
    sinks: dict[str, MemorySink] = field(default_factory=dict)
    phones: dict[tuple[str, int], Phone] = field(default_factory=dict)
    steps: int = 0
    engine: MediaEngine = field(init=False)
    forwarder: MemoryForwarder = field(init=False)
    _arrivals: list[tuple[float, int, bytes, tuple[str, int], tuple[str, int]]] = field(default_factory=list)
    _count: int = 0
    _state: int = 88172645463325252

    def __post_init__(self) -> None:
        self.forwarder = MemoryForwarder(self.config.legs, self._transmit, lambda: round(self.now * 1e9))
        self.engine = MediaEngine(
            self.forwarder, self.prompts, self.config, self._open_sink, random_u32=self._random_u32
        )

    # --- set-up -------------------------------------------------------------------------------

    def tell(self, command: Command) -> None:
        """Give the engine a command now."""
        self.engine.command(command, self.now)
        self._take_events()

    def phone(self, leg_id: int, *, codec: Codec = Codec.PCMU, call_id: str = "call", **media: object) -> Phone:
        """A leg with its media settled, and the phone at its other end."""
        self.tell(OpenLeg(call_id=call_id, leg_id=leg_id, host=SERVER, port=0))
        opened = self.told(LegOpened)[-1]
        assert opened.leg_id == leg_id
        address = (f"198.51.100.{leg_id}", 4000)
        phone = Phone(
            world=self, leg_id=leg_id, address=address, server=(SERVER, opened.port), codec=codec, ssrc=0x1000 + leg_id
        )
        self.phones[address] = phone
        self.tell(self.media(phone, **media))
        return phone

    def media(self, phone: Phone, **media: object) -> SetLegMedia:
        """What the phone's offer/answer settled; ``media`` overrides."""
        settled: dict[str, object] = {
            "leg_id": phone.leg_id,
            "codec": phone.codec,
            "payload_type": STATIC[phone.codec],
            "receive_payload_types": ((STATIC[phone.codec], phone.codec),),
            "telephone_event_send": 101,
            "telephone_event_receive": 101,
            "remote": phone.address,
            "trusted_hosts": (phone.address[0],),
        }
        return SetLegMedia(**{**settled, **media})  # type: ignore[arg-type]

    def call(self, **media: object) -> tuple[Phone, Phone]:
        """Two phones, bridged: legs 1 and 2."""
        pair = self.phone(1, **media), self.phone(2, **media)  # type: ignore[arg-type]
        self.bridge()
        return pair

    def bridge(self, call_id: str = "call", one: int = 1, other: int = 2) -> None:
        self.tell(Bridge(call_id=call_id, leg_a=one, leg_b=other))

    def record(self, recording_id: str = "rec", **changes: object) -> MemorySink:
        """Start a recording of legs 1 and 2 now."""
        settled: dict[str, object] = {
            "call_id": "call",
            "recording_id": recording_id,
            "user_leg": 1,
            "other_leg": 2,
            "directory": "unused",
            "sample_rate_hz": 8000,
            "at": self.now,
            "answered_at": self.now,
        }
        self.tell(StartRecording(**{**settled, **changes}))  # type: ignore[arg-type]
        return self.sinks[recording_id]

    # --- time ---------------------------------------------------------------------------------

    def arrive(self, at: float, data: bytes, source: tuple[str, int], destination: tuple[str, int]) -> None:
        """A datagram on its way to the server."""
        self._count += 1
        heapq.heappush(self._arrivals, (at, self._count, data, source, destination))

    def run(self, until: float) -> None:
        """Let time pass: packets arrive, and the engine steps at the next 20 ms after one, or when it asks to."""
        step_at: float | None = None
        while True:
            timer = self.engine.next_timer(self.now)
            wanted = [at for at in (step_at, timer) if at is not None]
            step = max(min(wanted), self.now) if wanted else None
            arrival = self._arrivals[0][0] if self._arrivals else None
            upcoming = [at for at in (step, arrival) if at is not None]
            if not upcoming or min(upcoming) > until + 1e-9:
                break
            if arrival is not None and (step is None or arrival <= step):
                _, _, data, source, destination = heapq.heappop(self._arrivals)
                self.now = max(self.now, arrival)
                self.forwarder.receive(data, source, destination)
                if step_at is None:
                    step_at = ceil(self.now * 50 - 1e-6) / 50
                continue
            assert step is not None
            self.now = max(self.now, step)
            step_at = None
            self.step()
        self.now = until

    def deliver(self) -> None:
        """Let what has arrived by now reach the forwarder, while the engine does nothing."""
        while self._arrivals and self._arrivals[0][0] <= self.now:
            _, _, data, source, destination = heapq.heappop(self._arrivals)
            self.forwarder.receive(data, source, destination)

    def step(self) -> None:
        self.steps += 1
        self.engine.step(self.now)
        self._take_events()

    # --- what happened ------------------------------------------------------------------------

    def told(self, kind: type[E]) -> list[E]:
        """Events of a kind."""
        return [event for _, event in self.events if isinstance(event, kind)]

    def _take_events(self) -> None:
        self.events.extend((self.now, event) for event in self.engine.events())

    def _transmit(self, data: bytes, source: tuple[str, int], destination: tuple[str, int]) -> None:
        phone = self.phones.get(destination)
        if phone is not None and not is_rtcp(data):
            phone.heard.append(Heard(at=self.now, packet=RtpPacket.parse(data), source=source))
            return
        phone = phone or self.phones.get((destination[0], destination[1] - 1))
        if phone is not None:
            phone.rtcp.append(data)

    def _open_sink(self, command: StartRecording) -> MemorySink:
        sink = self.sinks[command.recording_id] = MemorySink(command)
        return sink

    def _random_u32(self) -> int:
        self._state ^= (self._state << 13) & (2**64 - 1)
        self._state ^= self._state >> 7
        self._state ^= (self._state << 17) & (2**64 - 1)
        return self._state >> 32


def speech(count: int, seed: int = 1, peak: int = 8000) -> Pcm:
    """Loud noise whose every sample can be told from its neighbours."""
    return np.random.default_rng(seed).integers(-peak, peak, count).astype(np.int16)


def prompt(pcm_8k: Pcm) -> PromptPcm:
    return PromptPcm(pcm_8k=pcm_8k, pcm_16k=np.repeat(pcm_8k, 2))


def joined(parts: Iterable[Pcm]) -> Pcm:
    return np.concatenate([np.zeros(0, np.int16), *parts])
