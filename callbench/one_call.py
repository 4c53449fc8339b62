"""One synthetic call against any SIP server: place it, press keys at given times, listen, and say what was heard."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from callbench.analysis import AnalysisReport, analyze
from callbench.network import Network
from callbench.phone import Microphone, Phone, PhoneCall, PhoneError, PhoneSetup
from mediaserver.media.messages import Codec
from mediaserver.sip.ids import Ids

RING_S: Final = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPlan:
    """Keys to press, and when."""

    at_s: float
    """After the answer."""
    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlan:
    """What the call is to do."""

    setup: PhoneSetup
    to: str
    keys: tuple[KeyPlan, ...] = ()
    via: str = "rfc4733"
    """``rfc4733``, ``info`` or ``inband``."""
    duration_s: float = 10.0
    """After the answer; then it is hung up."""
    register: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOutcome:
    """What became of it."""

    status: int
    """Final SIP status; 0 when none came."""
    answered: bool
    provisional: tuple[int, ...]
    duration_s: float
    ended_by: str
    """``us``, or the cause the server gave."""
    heard: NDArray[np.int16] = field(repr=False)
    """From the first packet on."""
    said: NDArray[np.int16] = field(repr=False)
    sample_rate_hz: int
    digits: str
    """Keys that came as telephone-events."""
    packets_sent: int
    packets_received: int

    def listen(self) -> AnalysisReport:
        """What is heard in what came."""
        return analyze(self.heard, self.sample_rate_hz)


async def place_call(plan: CallPlan, network: Network, ids: Ids) -> CallOutcome:
    """Place one call; PhoneError when the server cannot be reached or refuses the registration."""
    phone = Phone(plan.setup, network, ids)
    await phone.start()
    try:
        if plan.register and plan.setup.password:
            await phone.register()
        call = await phone.dial(plan.to)
        ended_by = await _follow(call, plan)
        return outcome_of(call, ended_by)
    finally:
        await phone.close()


async def follow_keys(call: PhoneCall, keys: Sequence[KeyPlan], via: str, duration_s: float) -> str:
    """Press the keys at their times, hang up at the end; who ended it."""
    loop = asyncio.get_running_loop()
    try:
        for key in sorted(keys, key=lambda key: key.at_s):
            await call.talk(max(0.0, call.answered_at + key.at_s - loop.time()))
            await call.press(key.digits, via=via)
        await call.talk(max(0.0, call.answered_at + duration_s - loop.time()))
    except PhoneError:
        return call.end_cause
    call.hang_up()
    await call.ended()
    return "us"


async def _follow(call: PhoneCall, plan: CallPlan) -> str:
    try:
        await call.answered(RING_S)
    except PhoneError:
        if not call.status and not call.end_cause:
            call.hang_up()
            await call.ended()
            return "us"
        return call.end_cause
    return await follow_keys(call, plan.keys, plan.via, plan.duration_s)


def outcome_of(call: PhoneCall, ended_by: str) -> CallOutcome:
    """The facts of a call that is over."""
    rate_hz = 16000 if any(packet.codec is Codec.G722 for packet in call.heard.packets) else 8000
    return CallOutcome(
        status=call.status,
        answered=call.answered_at > 0,
        provisional=tuple(call.provisional),
        duration_s=max(0.0, call.ended_at - call.answered_at) if call.answered_at else 0.0,
        ended_by=ended_by,
        heard=call.heard.audio(rate_hz),
        said=call.media.said_audio(rate_hz),
        sample_rate_hz=rate_hz,
        digits="".join(digit for _, digit, _ in call.heard.digits),
        packets_sent=call.media.sent,
        packets_received=len(call.heard.packets),
    )


__all__ = [
    "CallOutcome",
    "CallPlan",
    "KeyPlan",
    "Microphone",
    "follow_keys",
    "outcome_of",
    "place_call",
]
