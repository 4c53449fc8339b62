"""Session descriptions that come late, do not come, or change on the way (RFC 3261 13.2.1, RFC 3264, RFC 6337)."""

from __future__ import annotations

from pathlib import Path

import pytest

from callbench.virtual_time import run_virtual
from mediaserver.media.config import EngineConfig
from mediaserver.sip.message import Message, Request
from tests.support.virtual import Carrier, user
from tests.support.wire_phone import TRUNK, WirePhone, sdp

PLAN = {"trusted_peers": (TRUNK,)}


def formats(message: Message) -> str:
    """Payload types of the one ``m=`` line."""
    (line,) = [line for line in message.body.decode().split("\r\n") if line.startswith("m=")]
    return line.partition("RTP/AVP ")[2]


async def answered(trunk: WirePhone, to: str, body: str) -> tuple[str, Message]:
    """The trunk's call is answered; our tag, and the 200."""
    trunk.say("INVITE", to=to, body=body)
    answer = await trunk.hears("200 INVITE")
    return (answer.headers.get("to") or "").partition("tag=")[2], answer


async def hang_up(trunk: WirePhone, tag: str) -> None:
    """End the call and wait for its end."""
    trunk.say("BYE", to="9009", to_tag=tag, cseq=90)
    await trunk.hears("200 BYE")
    await trunk.carrier.settled()


def test_a_late_offer_begins_with_what_the_called_phone_speaks(tmp_path: Path) -> None:
    """Nothing need be transcoded, then."""

    async def scenario() -> str:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1002"),), plan=PLAN) as carrier:
            trunk = await WirePhone(carrier).open()
            phone = await WirePhone(carrier, "1002", "127.0.9.2").register()
            trunk.say("INVITE", to="1002")
            phone.reply(await phone.hears("INVITE"), 200, body=sdp(formats="8", host="127.0.9.2"))
            offer = await trunk.hears("200 INVITE")
            tag = (offer.headers.get("to") or "").partition("tag=")[2]
            trunk.say("ACK", to="1002", to_tag=tag, branch="z9hG4bKa", body=sdp(formats="8"))
            trunk.say("BYE", to="1002", to_tag=tag, cseq=2)
            phone.reply(await phone.hears("BYE"), 200)
            await carrier.settled()
            return formats(offer)

    assert run_virtual(scenario()) == "8 0 9 101"


def test_a_late_offer_in_a_call_begins_with_the_codec_in_use(tmp_path: Path) -> None:
    """A refresh by re-INVITE without a description must not change the codec (RFC 6337 5.2.5)."""

    async def scenario() -> list[str]:
        async with Carrier(data_dir=tmp_path, plan=PLAN) as carrier:
            trunk = await WirePhone(carrier).open()
            tag, first = await answered(trunk, "9009", sdp(formats="9 8 101"))
            trunk.say("ACK", to="9009", to_tag=tag, branch="z9hG4bKa")
            trunk.say("INVITE", to="9009", to_tag=tag, cseq=2)
            offer = await trunk.hears("200 INVITE")
            trunk.say("ACK", to="9009", to_tag=tag, cseq=2, branch="z9hG4bKb", body=sdp(formats="9 101", version=2))
            trunk.say("UPDATE", to="9009", to_tag=tag, cseq=3, body=sdp(formats="8 9 101", version=3))
            last = await trunk.hears("200 UPDATE")
            await hang_up(trunk, tag)
            return [formats(message) for message in (first, offer, last)]

    assert run_virtual(scenario()) == ["9 101", "9 0 8 101", "9 101"]


def test_a_late_offer_that_is_never_answered_ends_the_call(tmp_path: Path) -> None:
    """The ACK must bring the answer (RFC 3261 13.2.1): a call without any media is none."""

    async def scenario() -> str:
        async with Carrier(data_dir=tmp_path, plan=PLAN) as carrier:
            trunk = await WirePhone(carrier).open()
            tag, _ = await answered(trunk, "9009", "")
            trunk.say("ACK", to="9009", to_tag=tag, branch="z9hG4bKa")
            trunk.reply(await trunk.hears("BYE", 1), 200)
            await carrier.settled()
            (record,) = carrier.server.catalog.calls.list(limit=10)
            return record.cause

    assert run_virtual(scenario()) == "no-answer-in-ack"


@pytest.mark.parametrize("kind", ["application/sdp", "text/plain"])
def test_a_description_in_the_ack_of_an_answered_offer_is_ignored(kind: str, tmp_path: Path) -> None:
    """It answers nothing: the call goes on, and its media where the offer said."""

    async def scenario() -> tuple[int, list[str]]:
        async with Carrier(data_dir=tmp_path, plan=PLAN) as carrier:
            arrived: dict[int, int] = {4000: 0, 4444: 0}
            for port in arrived:
                await carrier.network.open(TRUNK, port, lambda *_, at=port: arrived.update({at: arrived[at] + 1}))
            trunk = await WirePhone(carrier).open()
            tag, _ = await answered(trunk, "9003", sdp())
            body = sdp(port=4444, formats="18")
            trunk.say("ACK", f"Content-Type: {kind}", to="9003", to_tag=tag, branch="z9hG4bKa", body=body)
            await carrier.later(1)
            await hang_up(trunk, tag)
            return arrived[4444], [message.method for message in trunk.heard if isinstance(message, Request)]

    assert run_virtual(scenario()) == (0, [])


def test_the_answer_to_a_session_refresh_may_move_the_media(tmp_path: Path) -> None:
    """Of a peer without UPDATE, refreshed by re-INVITE: from then on the tone goes where the answer says."""

    async def scenario() -> tuple[float, bytes, bytes]:
        engine = EngineConfig(legs=64, media_timeout_s=3600)
        async with Carrier(data_dir=tmp_path, plan=PLAN | {"session_expires_s": 90}, engine=engine) as carrier:
            arrived: list[float] = []
            await carrier.network.open(TRUNK, 4444, lambda *_: arrived.append(carrier.now()))
            trunk = await WirePhone(carrier).open()
            tag, answer = await answered(trunk, "9003", sdp())
            trunk.say("ACK", to="9003", to_tag=tag, branch="z9hG4bKa")
            refresh = await trunk.hears("INVITE", 100)
            moved = carrier.now()
            trunk.reply(refresh, 200, "Session-Expires: 90;refresher=uac", body=sdp(port=4444, version=3))
            await trunk.hears("ACK")
            await carrier.later(1)
            await hang_up(trunk, tag)
            return arrived[0] - moved, answer.body, refresh.body

    took, answer, offer = run_virtual(scenario())
    assert offer == answer
    assert took < 0.1
