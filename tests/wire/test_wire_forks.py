"""Several phones ring: what each of them and the caller is told, message by message (RFC 3261 16.7, RFC 3326)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from callbench.virtual_time import run_virtual
from mediaserver.sip.message import Message, Request
from tests.support.sip_peer import response_text
from tests.support.virtual import Carrier, user
from tests.support.wire_phone import TRUNK, WirePhone, sdp

PLAN: dict[str, Any] = {"trusted_peers": (TRUNK,)}


def carrier_at(tmp_path: Path) -> Carrier:
    """One subscriber, whose phones ring for ten seconds, and a trunk."""
    return Carrier(data_dir=tmp_path, subscribers=(user("1002", no_answer_s=10),), plan=PLAN)


async def ringing(carrier: Carrier, phones: int) -> tuple[WirePhone, list[WirePhone], list[Message]]:
    """A trunk calls 1002; the trunk, the phones, and the INVITE each got."""
    trunk = await WirePhone(carrier).open()
    several = [await WirePhone(carrier, "1002", f"127.0.9.{at + 1}").register() for at in range(phones)]
    trunk.say("INVITE", to="1002", body=sdp())
    return trunk, several, [await phone.hears("INVITE") for phone in several]


async def refused(carrier: Carrier, trunk: WirePhone, status: int) -> None:
    """The trunk is refused, and acknowledges it."""
    failure = await trunk.hears(f"{status} INVITE")
    tag = (failure.headers.get("to") or "").partition("tag=")[2]
    trunk.say("ACK", to="1002", branch="z9hG4bKINVITE1", to_tag=tag)
    await carrier.settled()


def test_each_provisional_crosses_once(tmp_path: Path) -> None:
    """Of three phones that ring, and say so again; a 199 does not cross, and what nobody knows is progress."""

    async def scenario() -> list[int]:
        async with carrier_at(tmp_path) as carrier:
            trunk, phones, invites = await ringing(carrier, 3)
            for status in (180, 180, 182, 199, 173):
                for phone, invite in zip(phones, invites, strict=True):
                    phone.reply(invite, status, tag=phone.host)
                    await carrier.later(0.1)
            for phone, invite in zip(phones, invites, strict=True):
                phone.reply(invite, 486, tag=phone.host)
            await refused(carrier, trunk, 486)
            return trunk.told("INVITE")

    assert run_virtual(scenario()) == [100, 180, 182, 183, 486]


def test_a_ringing_phone_does_not_talk_over_anothers_early_media(tmp_path: Path) -> None:
    """While one phone's is heard; when that phone refuses, another one's takes its place."""

    async def scenario() -> list[int]:
        async with carrier_at(tmp_path) as carrier:
            trunk, phones, invites = await ringing(carrier, 2)
            early = sdp(host="127.0.9.1")
            phones[0].reply(invites[0], 183, body=early, tag="t0")
            await trunk.hears("183 INVITE")
            phones[1].reply(invites[1], 180, tag="t1")
            phones[0].reply(invites[0], 183, body=early, tag="t0")
            await carrier.later(0.1)
            phones[0].reply(invites[0], 486, tag="t0")
            phones[1].reply(invites[1], 183, body=sdp(host="127.0.9.2"), tag="t1")
            await trunk.hears("183 INVITE")
            phones[1].reply(invites[1], 486, tag="t1")
            await refused(carrier, trunk, 486)
            return trunk.told("INVITE")

    assert run_virtual(scenario()) == [100, 183, 183, 486]


@pytest.mark.parametrize(
    "lines",
    [(), ("Content-Type: application/isup",), ("Content-Type: isup",)],
    ids=("no common codec", "no description", "no media type"),
)
def test_early_media_that_cannot_be_used_is_ringing_all_the_same(lines: tuple[str, ...], tmp_path: Path) -> None:
    """The caller hears its own ringing tone, then the phone's answer."""

    async def scenario() -> list[int]:
        async with carrier_at(tmp_path) as carrier:
            trunk, (phone,), (invite,) = await ringing(carrier, 1)
            early = response_text(invite, 180, *lines, body=sdp(formats="18"), contact="<sip:127.0.9.1>")
            phone.send(early.replace("Content-Type: application/sdp\n", "", 1) if lines else early)
            await trunk.hears("180 INVITE")
            phone.reply(invite, 486)
            await refused(carrier, trunk, 486)
            return trunk.told("INVITE")

    assert run_virtual(scenario()) == [100, 180, 486]


def test_an_answer_without_a_media_type_is_an_answer(tmp_path: Path) -> None:
    """What else could it be."""

    async def scenario() -> list[int]:
        async with carrier_at(tmp_path) as carrier:
            trunk, (phone,), (invite,) = await ringing(carrier, 1)
            answer = response_text(invite, 200, body=sdp(host="127.0.9.1"), contact="<sip:127.0.9.1>")
            phone.send(answer.replace("Content-Type: application/sdp\n", ""))
            answered = await trunk.hears("200 INVITE")
            tag = (answered.headers.get("to") or "").partition("tag=")[2]
            trunk.say("ACK", to="1002", branch="z9hG4bKa", to_tag=tag)
            trunk.say("BYE", to="1002", to_tag=tag, cseq=2)
            phone.reply(await phone.hears("BYE"), 200)
            await carrier.settled()
            return trunk.told("INVITE")

    assert run_virtual(scenario()) == [100, 200]


def test_a_decline_on_one_phone_stops_the_others(tmp_path: Path) -> None:
    """A 6xx speaks for the user (16.7 step 5); the others hear it in the CANCEL, the caller at once."""

    async def scenario() -> tuple[Message, float]:
        async with carrier_at(tmp_path) as carrier:
            trunk, phones, invites = await ringing(carrier, 2)
            phones[1].reply(invites[1], 180)
            began = carrier.now()
            phones[0].reply(invites[0], 603)
            cancel = await phones[1].hears("CANCEL")
            phones[1].reply(cancel, 200)
            phones[1].reply(invites[1], 487)
            await refused(carrier, trunk, 603)
            return cancel, carrier.now() - began

    cancel, took = run_virtual(scenario())
    assert cancel.headers.get("reason") == 'SIP;cause=603;text="Some Reason"'
    assert took < 1


def test_phones_that_lose_are_told_that_another_one_answered(tmp_path: Path) -> None:
    """By CANCEL, and by BYE to the one that answered in the same moment: no missed call is to be shown there."""

    async def scenario() -> tuple[Message, Message]:
        async with carrier_at(tmp_path) as carrier:
            trunk, phones, invites = await ringing(carrier, 3)
            phones[2].reply(invites[2], 180)
            await trunk.hears("180 INVITE")
            for at in (0, 1):
                phones[at].reply(invites[at], 200, body=sdp(host=f"127.0.9.{at + 1}"), tag=f"t{at}")
            answered = await trunk.hears("200 INVITE")
            tag = (answered.headers.get("to") or "").partition("tag=")[2]
            trunk.say("ACK", to="1002", branch="z9hG4bKa", to_tag=tag)
            bye, cancel = await phones[1].hears("BYE"), await phones[2].hears("CANCEL")
            phones[1].reply(bye, 200)
            phones[2].reply(cancel, 200)
            phones[2].reply(invites[2], 487)
            trunk.say("BYE", to="1002", to_tag=tag, cseq=2)
            last = await phones[0].hears("BYE")
            assert "reason" not in last.headers
            phones[0].reply(last, 200)
            await carrier.settled()
            return bye, cancel

    reasons = [message.headers.get("reason") for message in run_virtual(scenario())]
    assert reasons == ['SIP;cause=200;text="Call completed elsewhere"'] * 2


def test_a_phone_nobody_answered_is_cancelled_without_a_reason(tmp_path: Path) -> None:
    """It shows a missed call, as it should."""

    async def scenario() -> Message:
        async with carrier_at(tmp_path) as carrier:
            trunk, (phone,), (invite,) = await ringing(carrier, 1)
            phone.reply(invite, 180)
            cancel = await phone.hears("CANCEL")
            phone.reply(cancel, 200)
            phone.reply(invite, 487)
            await refused(carrier, trunk, 480)
            return cancel

    cancel = run_virtual(scenario())
    assert isinstance(cancel, Request)
    assert "reason" not in cancel.headers


def test_a_phone_whose_answer_cannot_be_used_is_told_why(tmp_path: Path) -> None:
    """ACK and BYE, and 488 for the caller."""

    async def scenario() -> Message:
        async with carrier_at(tmp_path) as carrier:
            trunk, (phone,), (invite,) = await ringing(carrier, 1)
            phone.reply(invite, 200, body=sdp(host="127.0.9.1", formats="18"))
            await phone.hears("ACK")
            bye = await phone.hears("BYE")
            phone.reply(bye, 200)
            await refused(carrier, trunk, 488)
            return bye

    reason = run_virtual(scenario()).headers.get("reason")
    assert reason == 'SIP;cause=488;text="m: no offered codec is in the answer"'
