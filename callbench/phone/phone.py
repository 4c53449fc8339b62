"""A synthetic phone: registers, calls, answers, presses keys, holds; says what it is told and keeps what it hears."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from callbench.network import Address, Network, Socket
from callbench.phone.media import Heard, PhoneMedia
from callbench.phone.microphone import Microphone, silent
from mediaserver.media.messages import Codec
from mediaserver.sdp import (
    G722,
    PCMA,
    PCMU,
    Capabilities,
    Direction,
    LocalMedia,
    SdpError,
    SessionDescription,
    accept_answer,
    answer,
    make_offer,
    parse,
)
from mediaserver.sip import events as sip
from mediaserver.sip.client import ClientCredentials
from mediaserver.sip.config import LocalContact, SipConfig
from mediaserver.sip.digest import Challenger
from mediaserver.sip.errors import SipStateError
from mediaserver.sip.hops import Hop, Transport
from mediaserver.sip.ids import Ids
from mediaserver.sip.user_agent import UserAgent

_SPECS = {Codec.PCMU: PCMU, Codec.PCMA: PCMA, Codec.G722: G722}


class PhoneError(Exception):
    """The phone could not do what it was asked; the message says what the server answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneSetup:
    """Who the phone is and whose phone."""

    number: str
    password: str = field(default="", repr=False)
    label: str = ""
    domain: str
    server: Address
    """The registrar's UDP address."""
    host: str = "127.0.0.1"
    """Our own address."""
    codecs: tuple[Codec, ...] = (Codec.PCMU,)
    telephone_event: int | None = 101
    """Payload type we offer; None: no RFC 4733."""
    microphone: Microphone = silent


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
        body = self._offer()
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

    def _offer(self) -> bytes:
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
                reply = self._offer() if offer is None else self._answer(offer)
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
            body = self._offer() if event.offer is None else self._answer(event.offer)
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


class Phone:
    """One account on one UDP socket; any number of calls."""

    def __init__(self, setup: PhoneSetup, network: Network, ids: Ids) -> None:
        self.setup = setup
        self.codecs = setup.codecs
        self.answering = Answering()
        self.calls: list[PhoneCall] = []
        self.agent: UserAgent
        self.session_id = int(ids.token(48), 16)
        self._network = network
        self._ids = ids
        self._socket: Socket | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._registered: asyncio.Future[sip.RegistrationEnded] | None = None
        self._incoming: asyncio.Queue[PhoneCall] = asyncio.Queue()
        self._opening: set[asyncio.Task[None]] = set()
        self._early: dict[int, list[sip.SipEvent]] = {}
        self._pumping = False

    @property
    def capabilities(self) -> Capabilities:
        """What we offer and accept."""
        specs = tuple(_SPECS[codec] for codec in self.codecs)
        return Capabilities(codecs=specs, telephone_event=self.setup.telephone_event)

    async def start(self) -> None:
        """Open the SIP socket."""
        setup = self.setup
        self._socket = await self._network.open(setup.host, 0, self._received)
        contact = LocalContact(host=setup.host, port=self._socket.address[1])
        config = SipConfig(
            realm=setup.domain,
            contacts={Transport.UDP: contact},
            trusted_peers=(setup.server[0],),
            user_agent="callbench",
        )
        self.agent = UserAgent(
            config,
            self._ids,
            lambda user, algorithm: None,
            is_local_user=lambda user: False,
            challenger=Challenger(realm=setup.domain, secret=bytes.fromhex(self._ids.token(256))),
            own=ClientCredentials(user=setup.number, password=setup.password) if setup.password else None,
        )

    async def register(self, expires_s: int = 3600, within_s: float = 10.0) -> None:
        """Register our contact (0 removes it); PhoneError says why it failed."""
        self._registered = asyncio.get_running_loop().create_future()
        self.do(
            lambda now: self.agent.register(
                f"sip:{self.setup.domain}", self._server, number=self.setup.number, expires_s=expires_s, now=now
            )
        )
        try:
            async with asyncio.timeout(within_s):
                ended = await self._registered
        except TimeoutError as error:
            raise PhoneError(f"{self._shown_server} does not answer the registration of {self.setup.number}") from error
        if ended.status >= 300:
            hint = ": check user and password" if ended.status in (401, 403, 407) else ""
            raise PhoneError(f"registration of {self.setup.number} refused: {ended.status} {ended.reason}{hint}")

    async def dial(self, number: str, *, microphone: Microphone | None = None, late_offer: bool = False) -> PhoneCall:
        """Call a number; returns at once."""
        call = PhoneCall(self, await self._new_media(microphone), incoming=False)
        offer = None if late_offer else call._offer()
        setup = self.setup

        def act(now: float) -> None:
            call.leg = self.agent.call(
                f"sip:{number}@{setup.domain}",
                self._server,
                caller_number=setup.number,
                caller_label=setup.label,
                called=number,
                offer=offer,
                now=now,
            )
            self.calls.append(call)

        self.do(act)
        return call

    async def called(self, within_s: float = 10.0) -> PhoneCall:
        """Wait for the next call that comes in."""
        try:
            async with asyncio.timeout(within_s):
                return await self._incoming.get()
        except TimeoutError as error:
            raise PhoneError(f"nobody called {self.setup.number} within {within_s} s") from error

    async def close(self) -> None:
        """Hang up everything and close the socket."""
        for call in self.calls:
            try:
                call.hang_up()
            except SipStateError:
                continue
        for call in self.calls:
            call.media.close()
        if self._alarm is not None:
            self._alarm.cancel()
        if self._socket is not None:
            self._socket.close()

    # --- the shell ----------------------------------------------------------------------------

    @property
    def _server(self) -> Hop:
        return Hop(transport=Transport.UDP, host=self.setup.server[0], port=self.setup.server[1])

    @property
    def _shown_server(self) -> str:
        return f"{self.setup.server[0]}:{self.setup.server[1]}"

    async def _new_media(self, microphone: Microphone | None) -> PhoneMedia:
        media = PhoneMedia(self._network, self.setup.host, self._ids.token)
        media.microphone = microphone or self.setup.microphone
        await media.open()
        return media

    def do(self, act: Callable[[float], None]) -> None:
        """Give the user agent an intent, then carry its bytes and events."""
        act(asyncio.get_running_loop().time())
        self._pump()

    def _received(self, data: bytes, source: Address) -> None:
        hop = Hop(transport=Transport.UDP, host=source[0], port=source[1])
        self.do(lambda now: self.agent.receive(data, hop, now))

    def _wake(self) -> None:
        self._alarm = None
        self.do(self.agent.handle_timer)

    def _pump(self) -> None:
        if self._pumping:
            return
        self._pumping = True
        loop = asyncio.get_running_loop()
        try:
            while True:
                event = self.agent.next_event()
                if event is not None:
                    self._on_event(event, loop.time())
                    continue
                outgoing = self.agent.to_send()
                if not outgoing:
                    break
                for item in outgoing:
                    assert self._socket is not None
                    self._socket.send(item.data, (item.hop.host, item.hop.port))
        finally:
            self._pumping = False
        if self._alarm is not None:
            self._alarm.cancel()
        due = self.agent.next_timer()
        self._alarm = None if due is None else loop.call_at(max(due, loop.time()), self._wake)

    def _on_event(self, event: sip.SipEvent, now: float) -> None:
        match event:
            case sip.Invited():
                self._early[event.leg] = []
                task = asyncio.get_running_loop().create_task(self._take_call(event))
                self._opening.add(task)
                task.add_done_callback(self._opening.discard)
            case sip.RegistrationEnded():
                if self._registered is not None and not self._registered.done():
                    self._registered.set_result(event)
            case sip.Discarded() | sip.Registered():
                pass
            case _:
                self._on_leg_event(event, now)

    def _on_leg_event(self, event: sip.LegEvent, now: float) -> None:
        call = next((call for call in self.calls if call.leg == event.leg), None)
        if call is not None:
            call.on_event(event, now)
        elif event.leg in self._early:
            self._early[event.leg].append(event)

    async def _take_call(self, event: sip.Invited) -> None:
        call = PhoneCall(self, await self._new_media(None), incoming=True)

        def act(now: float) -> None:
            call.invited(event, self.answering, now)
            self.calls.append(call)
            for early in self._early.pop(event.leg):
                call.on_event(early, now)

        try:
            self.do(act)
        except (SdpError, SipStateError) as error:
            call.media.close()
            raise PhoneError(f"the call to {self.setup.number} cannot be taken: {error}") from error
        self._incoming.put_nowait(call)
