"""Refusals say why, in the fields that are made for it (RFC 3261 13.3.1.3, 14.2, 20.43, 21.4.13)."""

from __future__ import annotations

from pathlib import Path

import pytest

from callbench.virtual_time import run_virtual
from mediaserver.sip.message import Message
from tests.support.virtual import DOMAIN, Carrier
from tests.support.wire_phone import TRUNK, WirePhone, sdp

PLAN = {"trusted_peers": (TRUNK,)}
NO_CODEC = f'305 {DOMAIN} "m: no audio line has a codec and a transport that we have"'


async def in_call(carrier: Carrier) -> tuple[WirePhone, str, Message]:
    """A trunk in a call with a number that answers; the tag of our side, and the 200."""
    trunk = await WirePhone(carrier).open()
    trunk.say("INVITE", to="9009", body=sdp())
    answer = await trunk.hears("200 INVITE")
    tag = (answer.headers.get("to") or "").partition("tag=")[2]
    trunk.say("ACK", to="9009", branch="z9hG4bKa", to_tag=tag)
    return trunk, tag, answer


async def hang_up(trunk: WirePhone, tag: str) -> None:
    """End the call and wait for its end."""
    trunk.say("BYE", to="9009", to_tag=tag, cseq=90)
    await trunk.hears("200 BYE")
    await trunk.carrier.settled()


@pytest.mark.parametrize(
    ("body", "status", "warning"),
    [
        (sdp(formats="18"), 488, NO_CODEC),
        (sdp().replace("RTP/AVP", "RTP/SAVP"), 488, NO_CODEC),
        (sdp().replace("m=audio", "m=video"), 488, f'304 {DOMAIN} "m: no audio stream is offered"'),
        (sdp().replace("v=0", "v=1"), 400, f'399 {DOMAIN} "v: a description begins with v=0"'),
        (sdp().replace("s=-", 's"'), 400, f'399 {DOMAIN} "line: \'s\\"\' is not a letter, an equals sign and a value"'),
    ],
)
def test_an_offer_that_is_refused_is_told_why(body: str, status: int, warning: str, tmp_path: Path) -> None:
    async def scenario() -> Message:
        async with Carrier(data_dir=tmp_path, plan=PLAN) as carrier:
            trunk = await WirePhone(carrier).open()
            trunk.say("INVITE", to="9009", body=body)
            refused = await trunk.hears(f"{status} INVITE")
            trunk.say("ACK", to="9009", branch="z9hG4bKINVITE1", to_tag="x")
            await carrier.settled()
            return refused

    assert run_virtual(scenario()).headers.get("warning") == warning


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_change_that_is_refused_is_told_why_and_leaves_the_session_alone(method: str, tmp_path: Path) -> None:
    """The next offer is answered as if it had not been: the version of our description goes on by nothing."""

    async def scenario() -> tuple[Message, Message, Message]:
        async with Carrier(data_dir=tmp_path, plan=PLAN) as carrier:
            trunk, tag, first = await in_call(carrier)
            trunk.say(method, to="9009", to_tag=tag, cseq=2, body=sdp(formats="18", version=2))
            refused = await trunk.hears(f"488 {method}")
            if method == "INVITE":
                trunk.say("ACK", to="9009", branch="z9hG4bKINVITE2", to_tag=tag, cseq=2)
            trunk.say("UPDATE", to="9009", to_tag=tag, cseq=3, body=sdp(version=3))
            again = await trunk.hears("200 UPDATE")
            await hang_up(trunk, tag)
            return first, refused, again

    first, refused, again = run_virtual(scenario())
    assert refused.headers.get("warning") == NO_CODEC
    assert again.body == first.body


def test_an_info_of_an_unknown_kind_is_told_which_ones_are_known(tmp_path: Path) -> None:
    async def scenario() -> Message:
        async with Carrier(data_dir=tmp_path, plan=PLAN) as carrier:
            trunk, tag, _ = await in_call(carrier)
            trunk.say("INFO", "Content-Type: text/plain", to="9009", to_tag=tag, cseq=2, body="5")
            refused = await trunk.hears("415 INFO")
            await hang_up(trunk, tag)
            return refused

    assert run_virtual(scenario()).headers.get("accept") == "application/dtmf-relay, application/dtmf"
