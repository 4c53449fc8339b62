"""One call of a synthetic phone: what a person does in it, its offers and answers, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from callbench.phone.media import Heard, PhoneMedia
from callbench.phone.microphone import Microphone
from mediaserver.media.messages import Codec
from mediaserver.sdp import (
    Direction,
    LocalMedia,
    SessionDescription,
    accept_answer,
    answer,
    make_offer,
    parse,
)
from mediaserver.sip import events as sip

if TYPE_CHECKING:
    from callbench.phone.phone import Phone


class PhoneError(Exception):
    """The phone could not do what it was asked; the message says what the server answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """What the phone does when it is called."""

    status: int = 200
    after_s: float = 0.0
    """Of ringing (180)."""
    microphone: Microphone | None = None
    early: bool = False
    """Send the answer with 183 and talk already while ringing."""


class PhoneCall:
    """One call of the phone, from the first INVITE to the end."""

    def __init__(self, phone: Phone, media: PhoneMedia, *, incoming: bool) -> None:
        self.phone = phone
        self.media = media
        self.incoming = incoming
        self.leg = 0
        self.status = 0
        """Final status of the INVITE; 200 once answered."""
        self.provisional: list[int] = []
        self.end_cause = ""
        self.answered_at = 0.0
        self.ended_at = 0.0
        self.remote = ""
        self._answered = asyncio.Event()
        self._ended = asyncio.Event()
        self._ringing = asyncio.Event()
        self._changed = asyncio.Event()
        self._ours: SessionDescription | None = None
        self._asked: SessionDescription | None = None
        self._direction = Direction.SENDRECV
        self._events: list[Callable[[], None]] = []

    @property
    def heard(self) -> Heard:
        """What came over RTP."""
        return self.media.heard

    async def answered(self, within_s: float = 30.0) -> PhoneCall:
        """Wait for the answer; PhoneError says what came instead."""
        await self._until(self._answered, within_s, "answered")
        if not self.answered_at:
            raise PhoneError(f"the call ended with {self.status or self.end_cause}")
        return self

    async def rung(self, within_s: float = 10.0) -> int:
        """Wait for the first 180 or 183; its status."""
        await self._until(self._ringing, within_s, "ringing")
        return self.provisional[0]

    async def ended(self, within_s: float = 30.0) -> str:
        """Wait for the end; its cause."""
        await self._until(self._ended, within_s, "over")
        return self.end_cause

    async def _until(self, event: asyncio.Event, within_s: float, what: str) -> None:
        try:
            async with asyncio.timeout(within_s):
                await event.wait()
        except TimeoutError as error:
            raise PhoneError(f"the call of {self.phone.setup.number} is not {what} after {within_s} s") from error

    # --- what a person does -------------------------------------------------------------------

    async def talk(self, seconds: float) -> None:
        """Let the call go on for so long; PhoneError when it ends meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            return
        raise PhoneError(f"the call ended while talking: {self.end_cause}")

    async def press(self, digits: str, *, via: str = "rfc4733", duration_ms: int = 100) -> None:
        """Press keys by ``rfc4733``, ``info`` or ``inband``; returns when the last one was sent."""
        if via == "info":
            for digit in digits:
                self.send_info("application/dtmf-relay", f"Signal={digit}\r\nDuration={duration_ms}\r\n".encode())
                await self.talk(duration_ms / 1000)
            return
        if via not in ("rfc4733", "inband"):
            raise ValueError(f"via {via!r}: use rfc4733, info or inband")
        self.media.press(digits, in_band=via == "inband", duration_ms=duration_ms)
        while self.media.pressing:
            await self.talk(0.02)

    def send_info(self, content_type: str = "", body: bytes = b"", *, headers: Sequence[tuple[str, str]] = ()) -> None:
        """Send an INFO in the call, such as one with a ``Record`` header."""
        self.phone.do(lambda now: self.phone.agent.info(self.leg, content_type, body, headers=headers, now=now))

    async def hold(self, direction: Direction = Direction.SENDONLY, *, zero_address: bool = False) -> None:
        """Put the other side on hold by re-INVITE: sendonly or inactive, or as old phones do, with address 0.0.0.0."""
        await self._reoffer(direction, zero_address=zero_address)

    async def resume(self) -> None:
        """Take it back."""
        await self._reoffer(Direction.SENDRECV)

    async def change_codec(self, codec: Codec) -> None:
        """re-INVITE with one codec only."""
        self.phone.codecs = (codec,)
        await self._reoffer(self._direction)

    async def _reoffer(self, direction: Direction, *, zero_address: bool = False) -> None:
        self._direction = direction
        body = self.make_offer()
        if zero_address:
            body = body.replace(f"c=IN IP4 {self.phone.setup.host}".encode(), b"c=IN IP4 0.0.0.0")
        self._changed.clear()
        self.phone.do(lambda now: self.phone.agent.offer(self.leg, body, now=now))
        await self._until(self._changed, 10.0, "renegotiated")

    def hang_up(self) -> None:
        """End it, whatever its state."""
        if not self._ended.is_set():
            self.phone.do(lambda now: self.phone.agent.bye(self.leg, now=now))

    # --- offer and answer ---------------------------------------------------------------------

    def _local(self) -> LocalMedia:
        return LocalMedia(host=self.phone.setup.host, port=self.media.port, session_id=self.phone.session_id)

    def make_offer(self) -> bytes:
        """An offer of what we can, to be sent next."""
        self._asked = make_offer(self._local(), self.phone.capabilities, self._direction, previous=self._ours)
        self._ours = self._asked
        return str(self._asked).encode()

    def _answer(self, body: bytes) -> bytes:
        reply = answer(
            parse(body), self.phone.capabilities, self._local(), direction=self._direction, previous=self._ours
        )
        self._ours = reply.description
        self.media.settle(reply.media)
        return str(reply.description).encode()

    def _take(self, body: bytes | None) -> None:
        if body is not None and self._asked is not None:
            self.media.settle(accept_answer(self._asked, parse(body), self.phone.capabilities))

    # --- what the user agent says -------------------------------------------------------------

    def on_event(self, event: sip.SipEvent, now: float) -> None:
        """One event of this call's leg."""
        agent = self.phone.agent
        match event:
            case sip.Ringing(status=status, answer=body):
                self.provisional.append(status)
                self._take(body)
                self._ringing.set()
            case sip.Answered(answer=body):
                if body is not None and self._asked is None:  # a late offer: our answer goes into the ACK
                    agent.answer_offer(self.leg, self._answer(body), now=now)
                else:
                    self._take(body)
                self._confirm(now)
            case sip.Rejected(status=status):
                self.status = status
                self._over(f"{status}", now)
            case sip.AckReceived(answer=body):
                self._take(body)
            case sip.OfferReceived(offer=offer):
                reply = self.make_offer() if offer is None else self._answer(offer)
                agent.answer_offer(self.leg, reply, now=now)
            case sip.OfferAnswered(answer=body):
                self._take(body)
                self._changed.set()
            case sip.InfoReceived(token=token):
                agent.respond_info(self.leg, token, 200, now=now)
            case sip.LegEnded(cause=cause):
                self._over(cause, now)
            case _:
                pass

    def invited(self, event: sip.Invited, answering: Answering, now: float) -> None:
        """The phone is called: ring, then do as told."""
        agent = self.phone.agent
        self.leg, self.remote = event.leg, event.caller_number
        if answering.microphone is not None:
            self.media.microphone = answering.microphone
        if answering.status >= 300 and answering.after_s == 0:
            agent.reject(self.leg, answering.status, now=now)
            return
        if answering.after_s or answering.early:
            body = self._answer(event.offer) if answering.early and event.offer is not None else None
            agent.progress(self.leg, 183 if body else 180, body, now=now)
        later = asyncio.get_running_loop().call_later(answering.after_s, self._reply, event, answering)
        self._events.append(later.cancel)

    def _reply(self, event: sip.Invited, answering: Answering) -> None:
        def act(now: float) -> None:
            if answering.status >= 300:
                self.phone.agent.reject(self.leg, answering.status, now=now)
                return
            body = self.make_offer() if event.offer is None else self._answer(event.offer)
            self.phone.agent.accept(self.leg, body, now=now)
            self._confirm(now)

        self.phone.do(act)

    def _confirm(self, now: float) -> None:
        self.status = 200
        self.answered_at = now
        self._answered.set()

    def _over(self, cause: str, now: float) -> None:
        self.end_cause = cause
        self.ended_at = now
        for cancel in self._events:
            cancel()
        self.media.close()
        for event in (self._answered, self._ringing, self._ended, self._changed):
            event.set()
