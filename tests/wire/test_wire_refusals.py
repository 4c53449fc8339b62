"""Refusals say why, in the fields that are made for it (RFC 3261 13.3.1.3, 14.2, 20.43, 21.4.13)."""

from __future__ import annotations

from pathlib import Path

import pytest

from callbench.virtual_time import run_virtual
from mediaserver.sip.events import Invited, OfferReceived
from mediaserver.sip.message import Message
from mediaserver.sip.wire import parse_message
from tests.support.sip_peer import Peer, request_text, statuses
from tests.support.virtual import DOMAIN, Carrier, user
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


def test_an_info_of_a_phone_that_only_rings_is_answered(tmp_path: Path) -> None:
    """There is nothing it could steer; without an answer it would repeat itself for half a minute."""

    async def scenario() -> list[int]:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1002"),), plan=PLAN) as carrier:
            trunk = await WirePhone(carrier).open()
            phone = await WirePhone(carrier, "1002", "127.0.9.2").register()
            trunk.say("INVITE", to="1002", body=sdp())
            invite = await phone.hears("INVITE")
            phone.reply(invite, 180)
            ours, call_id = invite.headers.get("from") or "", invite.headers.get("call-id") or ""
            lines = ("Content-Type: application/dtmf-relay",)
            info = request_text("INFO", *lines, call_id=call_id, to_tag=ours.partition("tag=")[2], body="Signal=5")
            phone.send(info)
            await carrier.later(1)
            told = phone.told("INFO")
            phone.reply(invite, 486)
            await trunk.hears("486 INVITE")
            trunk.say("ACK", to="1002", branch="z9hG4bKINVITE1", to_tag="x")
            await carrier.settled()
            return told

    assert run_virtual(scenario()) == [403]


OPTIONAL = "Content-Disposition: signal ; handling = Optional"


def test_a_body_nobody_knows_may_be_optional() -> None:
    """Then it is as if it were not there (RFC 3261 8.2.3, 20.11); else 415."""
    peer = Peer()
    kind = "Content-Type: application/isup"
    for at, lines in enumerate(((kind,), (kind, OPTIONAL), (kind, "Content-Disposition: ;"))):
        peer.say(request_text("INVITE", *lines, branch=f"z9hG4bK{at}", call_id=f"c-{at}", body="x"))
    assert statuses([parse_message(item.data) for item in peer.sent]) == [415, 100, 400]
    (called,) = [event for event in peer.events if isinstance(event, Invited)]
    assert called.offer is None


def test_an_optional_body_inside_a_dialog_offers_nothing() -> None:
    """An UPDATE with one is a refresh, a re-INVITE with one asks for our offer."""
    peer = Peer()
    peer.say(request_text("INVITE", body="v=0\r\n"))
    peer.agent.accept(1, b"answer", now=peer.now)
    (ok,) = peer.take()
    tag = (ok.headers.get("to") or "").partition("tag=")[2]
    peer.say(request_text("ACK", branch="z9hG4bKa", to_tag=tag))
    told = len(peer.events)
    lines = ("Content-Type: application/isup", OPTIONAL)
    assert statuses(peer.say(request_text("UPDATE", *lines, branch="z9hG4bKu", to_tag=tag, cseq=2, body="x"))) == [200]
    assert statuses(peer.say(request_text("INVITE", *lines, branch="z9hG4bKi", to_tag=tag, cseq=3, body="x"))) == [100]
    assert peer.events[told:] == [OfferReceived(leg=1, offer=None, method="INVITE")]


def test_a_caller_may_insist_on_its_privacy() -> None:
    """Proxy-Require: privacy (RFC 3323 4.2) is something we do."""
    peer = Peer()
    lines = ("Proxy-Require: privacy", "Privacy: id;critical")
    assert statuses(peer.say(request_text("INVITE", *lines, body="v=0\r\n"))) == [100]
    assert [event.private for event in peer.events if isinstance(event, Invited)] == [True]
