"""Calls that would go round: a phone's contact that is the server itself (RFC 3261 16.3, RFC 5393)."""

from __future__ import annotations

from pathlib import Path

from callbench.virtual_time import run_virtual
from tests.support.virtual import SERVER, Carrier, user
from tests.support.wire_phone import TRUNK, WirePhone, sdp

PLAN = {"trusted_peers": (TRUNK, SERVER[0])}
"""A trunk on the server's own machine."""


def test_a_contact_that_is_the_server_itself_is_not_called(tmp_path: Path) -> None:
    """One call, refused at once; not seventy, each calling the next."""

    async def scenario() -> tuple[list[int], int]:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1002"),), plan=PLAN) as carrier:
            trunk = await WirePhone(carrier).open()
            await WirePhone(carrier, "1002", "127.0.9.2").register(contact="<sip:1002@{}:{}>".format(*SERVER))
            trunk.say("INVITE", to="1002", body=sdp())
            await trunk.hears("480 INVITE")
            trunk.say("ACK", to="1002", branch="z9hG4bKINVITE1", to_tag="x")
            await carrier.settled()
            return trunk.told("INVITE"), len(carrier.server.catalog.calls.list(limit=100))

    assert run_virtual(scenario()) == ([100, 480], 1)
