"""The audio of one synthetic call: RTP out on an exact 20 ms clock, RTP in placed by its timestamps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from callbench.network import Address, Network, Socket
from callbench.phone.microphone import Microphone, silent
from mediaserver.media.codecs import decoder_for, encoder_for
from mediaserver.media.messages import Codec
from mediaserver.media.tones import keys
from mediaserver.rtp import (
    EventReceiver,
    EventSender,
    RtpError,
    RtpPacket,
    TimestampUnwrapper,
    is_rtcp,
    sequence_add,
    timestamp_add,
)
from mediaserver.sdp import NegotiatedMedia

Pcm = NDArray[np.int16]

TICKS_PER_MS: Final = 8
MAX_HEARD_PACKETS: Final = 2_000_000
_LATE_FRAMES: Final = 1e-6
"""A frame is due when it is reached, but for the rounding of seconds."""


@dataclass(slots=True)
class HeardPacket:
    """One audio packet as it came."""

    arrived_at: float
    ticks: int
    """Unwrapped RTP timestamp."""
    sequence: int
    ssrc: int
    codec: Codec
    payload: bytes
    marker: bool


@dataclass(slots=True)
class Heard:
    """Everything that came, and what it sounds like."""

    packets: list[HeardPacket] = field(default_factory=list)
    digits: list[tuple[float, str, int]] = field(default_factory=list)
    """When, which key, how many ms."""
    foreign: int = 0
    """Datagrams that were no RTP of the agreed kind."""

    @property
    def began_at(self) -> float:
        """When the first packet came, seconds of the loop's clock; 0 when none did."""
        return self.packets[0].arrived_at if self.packets else 0.0

    def audio(self, rate_hz: int = 8000) -> Pcm:
        """All of it on one time line from the first packet on: placed by RTP timestamp, holes are silence.

        G.711 at 8 kHz and G.722 at 16 kHz are exact; other pairs are turned over. A new SSRC goes on where its first
        packet arrived.
        """
        if not self.packets:
            return np.zeros(0, np.int16)
        pieces = self._pieces(rate_hz)
        length = max(at + pcm.size for at, pcm in pieces)
        whole = np.zeros(length, np.int16)
        for at, pcm in pieces:
            whole[at : at + pcm.size] = pcm
        return whole

    def _pieces(self, rate_hz: int) -> list[tuple[int, Pcm]]:
        per_tick = rate_hz // 8000
        began, origin, ssrc = self.began_at, self.packets[0].ticks, self.packets[0].ssrc
        codec = self.packets[0].codec
        decoder = decoder_for(codec, rate_hz)
        pieces = []
        for packet in self.packets:
            if packet.ssrc != ssrc:
                ssrc = packet.ssrc
                origin = packet.ticks - round((packet.arrived_at - began) * 8000)
            if packet.codec is not codec:
                codec = packet.codec
                decoder = decoder_for(codec, rate_hz)
            at = (packet.ticks - origin) * per_tick
            if at >= 0:
                pieces.append((at, decoder.decode(packet.payload)))
        return pieces


class PhoneMedia:
    """One RTP socket pair and what goes through it."""

    def __init__(self, network: Network, host: str, token: Callable[[int], str]) -> None:
        """``token`` gives bits of chance as hexadecimal: SSRC, first sequence number and timestamp."""
        self._network = network
        self._host = host
        self._token = token
        self._ssrc = self._sequence = self._timestamp = 0
        self.renew()
        self._rtp: Socket | None = None
        self._rtcp: Socket | None = None
        self._settled: NegotiatedMedia | None = None
        self._encoder = encoder_for(Codec.PCMU, 8000)
        self._codec = Codec.PCMU
        self._events = EventSender()
        self._receiver = EventReceiver()
        self._unwrap: dict[int, TimestampUnwrapper] = {}
        self._task: asyncio.TimerHandle | None = None
        self._frame = 0
        """Number of the next frame."""
        self._began = 0.0
        """When frame 0 was due."""
        self._running = False
        self._spoke = False
        self._tones: list[Pcm] = []
        self._microphone: Microphone = silent
        self.heard = Heard()
        self.said: list[tuple[int, bytes]] = []
        """RTP timestamp and payload of every audio packet sent, in order."""
        self.sent = 0

    @property
    def microphone(self) -> Microphone:
        """What is said; ``silent`` costs nothing, however long the call."""
        return self._microphone

    @microphone.setter
    def microphone(self, say: Microphone) -> None:
        self._microphone = say
        self._wake()

    @property
    def port(self) -> int:
        """Our RTP port."""
        assert self._rtp is not None
        return self._rtp.address[1]

    async def open(self) -> None:
        """Bind an even port and the odd one above it."""
        for _ in range(50):
            rtp = await self._network.open(self._host, 0, self._received)
            if rtp.address[1] % 2 == 0:
                try:
                    self._rtcp = await self._network.open(self._host, rtp.address[1] + 1, _ignore)
                except OSError:
                    rtp.close()
                    continue
                self._rtp = rtp
                return
            rtp.close()
        raise OSError("no free pair of ports")

    def settle(self, settled: NegotiatedMedia) -> None:
        """What offer and answer settled, at first or anew; sending starts with it."""
        self._settled = settled
        codec = Codec(settled.codec)
        if codec is not self._codec:
            self._codec = codec
            self._encoder = encoder_for(codec, codec.sample_rate_hz)
        if not self._running:
            self._running = True
            self._began = asyncio.get_running_loop().time()
        self._wake()

    def close(self) -> None:
        """Stop and release the ports."""
        self._running = False
        if self._task is not None:
            self._task.cancel()
        for socket in (self._rtp, self._rtcp):
            if socket is not None:
                socket.close()

    def said_audio(self, rate_hz: int = 8000) -> Pcm:
        """What was said, as the other side decodes it, from the first packet sent; breaks in sending are silence."""
        if not self.said:
            return np.zeros(0, np.int16)
        unwrap, per_tick = TimestampUnwrapper(), rate_hz // 8000
        decoder = decoder_for(self._codec, rate_hz)
        origin = unwrap.unwrap(self.said[0][0])
        pieces = [((unwrap.unwrap(ticks) - origin) * per_tick, decoder.decode(payload)) for ticks, payload in self.said]
        whole = np.zeros(pieces[-1][0] + pieces[-1][1].size, np.int16)
        for at, pcm in pieces:
            whole[at : at + pcm.size] = pcm
        return whole

    # --- out ----------------------------------------------------------------------------------

    def press(self, digits: str, *, in_band: bool = False, duration_ms: int = 100) -> None:
        """Press keys: RFC 4733, or their tones in the audio."""
        if in_band:
            self._tones.append(keys(digits, duration_ms, self._codec.sample_rate_hz))
        else:
            self._events.press(digits, duration_ms)
        self._wake()

    def renew(self) -> None:
        """Go on as another stream: SSRC, sequence number and timestamp begin anew."""
        self._ssrc, self._sequence, self._timestamp = (int(self._token(bits), 16) for bits in (32, 16, 32))

    @property
    def pressing(self) -> bool:
        """Keys are still being sent."""
        return not self._events.idle or bool(self._tones)

    @property
    def _ptime_ms(self) -> int:
        return self._settled.ptime_ms if self._settled is not None else 20

    def _wake(self) -> None:
        """There may be something to send: go on with the first frame that is not over yet."""
        if not self._running or self._task is not None:
            return
        loop = asyncio.get_running_loop()
        passed = max(0, ceil((loop.time() - self._began) * 1000 / self._ptime_ms - _LATE_FRAMES) - self._frame)
        self._advance(passed)
        self._arm(loop)

    def _advance(self, frames: int) -> None:
        self._frame += frames
        self._timestamp = timestamp_add(self._timestamp, frames * self._ptime_ms * TICKS_PER_MS)

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        # An absolute schedule: one late tick makes no later one late.
        self._task = loop.call_at(self._began + self._frame * self._ptime_ms / 1000, self._tick)

    def _tick(self) -> None:
        settled = self._settled
        if settled is not None and settled.remote is not None and settled.sends:
            self._send_frame(settled, settled.remote, settled.ptime_ms * TICKS_PER_MS)
        self._advance(1)
        self._task = None
        if self.pressing or self._microphone is not silent:
            self._arm(asyncio.get_running_loop())

    def _send_frame(self, settled: NegotiatedMedia, remote: Address, ticks: int) -> None:
        event = self._events.frame(self._timestamp)
        for packet in event.packets if settled.telephone_event_send is not None else ():
            number = settled.telephone_event_send
            assert number is not None
            self._send(remote, number, packet.timestamp, packet.payload, marker=packet.marker)
        if event.replaces_audio:
            self._spoke = False
            return
        pcm = self._frame_pcm(ticks)
        if pcm is None:
            self._spoke = False
            return
        payload = self._encoder.encode(pcm)
        self.said.append((self._timestamp, payload))
        self._send(remote, settled.payload_type, self._timestamp, payload, marker=not self._spoke)
        self._spoke = True

    def _frame_pcm(self, ticks: int) -> Pcm | None:
        rate_hz = self._codec.sample_rate_hz
        count = ticks * rate_hz // 8000
        pcm = self._microphone(self._frame * count, count, rate_hz)
        if not self._tones:
            return pcm
        waiting = self._tones[0]
        frame, rest = waiting[:count], waiting[count:]
        self._tones[:1] = [rest] if rest.size else []
        return np.concatenate([frame, np.zeros(count - frame.size, np.int16)])

    def _send(self, remote: Address, number: int, timestamp: int, payload: bytes, *, marker: bool) -> None:
        self._sequence = sequence_add(self._sequence)
        packet = RtpPacket(
            payload_type=number,
            sequence=self._sequence,
            timestamp=timestamp,
            ssrc=self._ssrc,
            payload=payload,
            marker=marker,
        )
        assert self._rtp is not None
        self._rtp.send(bytes(packet), remote)
        self.sent += 1

    # --- in -----------------------------------------------------------------------------------

    def _received(self, data: bytes, source: Address) -> None:
        if is_rtcp(data):
            return
        now = asyncio.get_running_loop().time()
        try:
            packet = RtpPacket.parse(data)
        except RtpError:
            self.heard.foreign += 1
            return
        settled = self._settled
        if settled is None:
            return
        if packet.payload_type == settled.telephone_event_receive:
            presses = self._receiver.receive(
                timestamp=packet.timestamp, payload=packet.payload, now=now, marker=packet.marker, ssrc=packet.ssrc
            )
            self.heard.digits += [(now, p.digit or "", p.duration_ticks // TICKS_PER_MS) for p in presses]
            return
        codec = dict(settled.receive_payload_types).get(packet.payload_type)
        if codec is None or len(self.heard.packets) >= MAX_HEARD_PACKETS:
            self.heard.foreign += 1
            return
        unwrap = self._unwrap.setdefault(packet.ssrc, TimestampUnwrapper())
        self.heard.packets.append(
            HeardPacket(
                now,
                unwrap.unwrap(packet.timestamp),
                packet.sequence,
                packet.ssrc,
                Codec(codec),
                packet.payload,
                packet.marker,
            )
        )


def _ignore(data: bytes, source: Address) -> None:
    """RTCP is taken and not looked at."""
