"""The obvious way: an asyncio DatagramProtocol per leg that decodes, interleaves and writes every packet by soundfile.

usage: asyncio_relay.py FOLDER < legs, a line "server_port phone_port" each; packets of leg i go to phone i ^ 1.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import cast

import numpy as np
import soundfile
from numpy.typing import NDArray

HEADER = 12


def _ulaw_table() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


TABLE = _ulaw_table()


class Call:
    """The stereo file of two legs."""

    def __init__(self, path: Path) -> None:
        self.file = soundfile.SoundFile(path, "w", 8000, 2, "PCM_16", format="WAV")
        self.waiting: list[NDArray[np.int16] | None] = [None, None]

    def heard(self, channel: int, payload: bytes) -> None:
        """Write when both sides have a frame; a side that is ahead overwrites its own."""
        self.waiting[channel] = TABLE[np.frombuffer(payload, np.uint8)]
        left, right = self.waiting
        if left is not None and right is not None and len(left) == len(right):
            self.file.write(np.column_stack((left, right)))
            self.waiting = [None, None]


class Leg(asyncio.DatagramProtocol):
    """One leg: relays to its peer, then records."""

    transport: asyncio.DatagramTransport
    peer: Leg

    def __init__(self, call: Call, channel: int, phone: int) -> None:
        self.call, self.channel, self.phone = call, channel, ("127.0.0.1", phone)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Relay and record one packet."""
        self.peer.transport.sendto(data, self.peer.phone)
        self.call.heard(self.channel, data[HEADER:])


async def main() -> None:
    """Open all legs, then run until killed."""
    loop = asyncio.get_running_loop()
    legs: list[Leg] = []
    lines = [line.split() for line in sys.stdin.read().splitlines()]
    for number, (server, phone) in enumerate(lines):
        call = Call(Path(sys.argv[1]) / f"{number // 2}.wav") if number % 2 == 0 else legs[-1].call
        leg = Leg(call, number % 2, int(phone))
        await loop.create_datagram_endpoint(lambda leg=leg: leg, local_addr=("127.0.0.1", int(server)))  # type: ignore[misc]
        legs.append(leg)
    for number, leg in enumerate(legs):
        leg.peer = legs[number ^ 1]
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
