"""The channel between the main process and a worker: whole frames, in order, within limits."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from typing import Any

import pytest

from mediaserver.runtime.worker.control import MAX_FRAME_BYTES, Channel, ControlError, encode


class End:
    """One channel, what came out of it, and its bare other end."""

    def __init__(self) -> None:
        ours, self.peer = socket.socketpair()
        self.peer.setblocking(False)
        self.came: list[tuple[Any, ...]] = []
        self.closings = 0
        self.channel = Channel(asyncio.get_running_loop(), ours, self.came.append, self._closed)

    def _closed(self) -> None:
        self.closings += 1

    async def turn(self, times: int = 4) -> None:
        for _ in range(times):
            await asyncio.sleep(0)

    def close(self) -> None:
        self.channel.close()
        self.peer.close()


async def test_frames_come_out_whole_however_they_are_cut() -> None:
    end = End()
    stream = encode((1, "two")) + encode((3,))
    for at in range(len(stream)):
        end.peer.send(stream[at : at + 1])
        await end.turn(2)
    await end.turn()
    assert end.came == [(1, "two"), (3,)]
    end.close()


async def test_what_is_sent_is_one_frame() -> None:
    end = End()
    end.channel.send(1, 2)
    end.channel.send()
    assert end.peer.recv(1000) == encode((1, 2))
    end.close()


async def test_a_slow_reader_gets_everything_in_order() -> None:
    end, frames = End(), 40
    for number in range(frames):
        end.channel.send(number, bytes(50_000))
    wanted = b"".join(encode((number, bytes(50_000))) for number in range(frames))
    got = bytearray()
    while len(got) < len(wanted):
        try:
            got += end.peer.recv(1 << 16)
        except BlockingIOError:
            await end.turn(1)
    assert bytes(got) == wanted
    end.close()


async def test_the_end_is_told_once_and_sending_after_it_goes_nowhere() -> None:
    end = End()
    end.peer.close()
    await end.turn()
    end.channel.send("too late")
    end.channel.close()
    assert (end.closings, end.channel.closed) == (1, True)


async def test_draining_takes_what_was_sent_before_the_end() -> None:
    end = End()
    end.peer.send(encode(("last words",)))
    end.peer.close()
    end.channel.drain()
    assert (end.came, end.closings) == ([("last words",)], 1)


async def test_a_length_that_is_no_frames_closes_the_channel() -> None:
    end = End()
    end.peer.send((MAX_FRAME_BYTES + 1).to_bytes(4, sys.byteorder))
    await end.turn()
    assert (end.came, end.closings) == ([], 1)
    end.peer.close()


async def test_a_peer_that_is_gone_closes_the_channel_on_send() -> None:
    end = End()
    end.peer.close()
    end.channel.send("anyone?")
    assert end.channel.closed


def test_a_frame_that_is_too_long_is_refused() -> None:
    with pytest.raises(ControlError, match="too long"):
        encode((bytes(MAX_FRAME_BYTES),))


def test_a_workers_first_module_imports_no_numpy() -> None:
    """Its settings for threads must be in the environment before."""
    code = "import sys, mediaserver.runtime.worker.entry; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
