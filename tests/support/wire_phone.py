"""A phone (or a trunk) on a virtual carrier's network whose every message the test writes itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from callbench.network import Address, Socket
from mediaserver.sip.digest import authorize
from mediaserver.sip.message import Message, Request, Response
from mediaserver.sip.wire import parse_message
from tests.support.sip_link import what_is
from tests.support.sip_peer import request_text, response_text
from tests.support.virtual import DOMAIN, PASSWORD, SERVER, Carrier

TRUNK = "127.0.9.9"
"""Where a trunk calls from; to be named in ``plan={"trusted_peers": (TRUNK,)}``."""


def sdp(*lines: str, host: str = TRUNK, port: int = 4000, formats: str = "0 101", version: int = 1) -> str:
    """A session description of one audio stream; ``lines`` are further attributes of it."""
    head = ("v=0", f"o=- 1 {version} IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0")
    media = (f"m=audio {port} RTP/AVP {formats}", "a=rtpmap:101 telephone-event/8000", *lines)
    return "\r\n".join((*head, *media, ""))


@dataclass(slots=True)
class WirePhone:
    """Says what it is told, and keeps all it hears."""

    carrier: Carrier
    number: str = "0123456789"
    host: str = TRUNK
    heard: list[Message] = field(default_factory=list)
    _socket: Socket | None = None
    _at: int = 0
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self) -> WirePhone:
        """Bind; itself."""
        self._socket = await self.carrier.network.open(self.host, 5060, self._hear)
        return self

    async def register(self, contact: str = "") -> WirePhone:
        """Bind and register as a subscriber, at our own address or another ``contact``; itself."""
        await self.open()
        self.say("REGISTER", uri=f"sip:{DOMAIN}", branch="z9hG4bKr1")
        challenge = await self.hears("401 REGISTER")
        value = authorize(
            challenge.headers.get_all("www-authenticate"),
            method="REGISTER",
            uri=f"sip:{DOMAIN}",
            user=self.number,
            password=PASSWORD,
            cnonce="1",
        )
        line = f"Authorization: {value}"
        self.say("REGISTER", line, uri=f"sip:{DOMAIN}", branch="z9hG4bKr2", cseq=2, contact=contact)
        await self.hears("200 REGISTER")
        return self

    def say(
        self,
        method: str,
        *extra: str,
        uri: str = "",
        from_: str = "",
        to: str = "",
        cseq: int = 1,
        branch: str = "",
        body: str = "",
        to_tag: str = "",
        contact: str = "",
    ) -> None:
        """Send a request; ``to`` is the number called, and From is ``from_`` or a plain one."""
        text = request_text(
            method,
            *extra,
            uri=uri or f"sip:{to}@{DOMAIN}",
            cseq=cseq,
            branch=branch or f"z9hG4bK{method}{cseq}",
            to_tag=to_tag,
            user=self.number,
            call_id=f"of-{self.host}",
            body=body,
            contact=contact or f"<sip:{self.number}@{self.host}:5060>",
            via=f"SIP/2.0/UDP {self.host}:5060",
        )
        plain = f"From: <sip:{self.number}@example.test>;tag=b1"
        text = text.replace("To: <sip:alice@", f"To: <sip:{to or self.number}@")
        self.send(text.replace(plain, f"From: {from_};tag=b1" if from_ else plain))

    def reply(self, request: Message, status: int, *extra: str, body: str = "", tag: str = "b1") -> None:
        """Answer a request that was heard."""
        assert isinstance(request, Request)
        self.send(response_text(request, status, *extra, tag=tag, body=body, contact=f"<sip:{self.host}:5060>"))

    def send(self, text: str) -> None:
        """Send a message whose head has plain line ends."""
        assert self._socket is not None
        head, _, body = text.partition("\n\n")
        self._socket.send(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body.encode(), SERVER)

    async def hears(self, what: str, within_s: float = 60.0) -> Message:
        """The next message of a kind: ``INVITE``, ``180 INVITE``; those before it are passed over."""
        async with asyncio.timeout(within_s):
            while True:
                while self._at < len(self.heard):
                    self._at += 1
                    if what_is(bytes(self.heard[self._at - 1])) == what:
                        return self.heard[self._at - 1]
                self._came.clear()
                await self._came.wait()

    def told(self, method: str) -> list[int]:
        """Status of each response to a method so far."""
        answers = [message for message in self.heard if isinstance(message, Response)]
        return [message.status for message in answers if (message.headers.get("cseq") or "").endswith(method)]

    def _hear(self, data: bytes, source: Address) -> None:
        self.heard.append(parse_message(data))
        self._came.set()
