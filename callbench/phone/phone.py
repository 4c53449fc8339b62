"""A synthetic phone: registers, calls, is called; its calls are in ``callbench.phone.call``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from callbench.network import Address, Network, Socket
from callbench.phone.call import Answering, PhoneCall, PhoneError
from callbench.phone.media import PhoneMedia
from callbench.phone.microphone import Microphone, silent
from mediaserver.media.messages import Codec
from mediaserver.sdp import G722, PCMA, PCMU, Capabilities, SdpError
from mediaserver.sip import events as sip
from mediaserver.sip.client import ClientCredentials
from mediaserver.sip.config import LocalContact, SipConfig
from mediaserver.sip.digest import Challenger
from mediaserver.sip.errors import SipStateError
from mediaserver.sip.hops import Hop, Transport
from mediaserver.sip.ids import Ids
from mediaserver.sip.user_agent import UserAgent

_SPECS = {Codec.PCMU: PCMU, Codec.PCMA: PCMA, Codec.G722: G722}


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
        offer = None if late_offer else call.make_offer()
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
