"""A peer written by hand: raw text into one user agent, parsed messages out of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from mediaserver.sip.events import Discarded, SipEvent
from mediaserver.sip.hops import Hop, Outgoing
from mediaserver.sip.message import Message, Request, Response
from mediaserver.sip.user_agent import UserAgent
from mediaserver.sip.wire import parse_message
from tests.support.sip_link import RIGHT, make_agent


@dataclass(slots=True)
class Peer:
    """Speaks to one user agent (the left one of a link) as the right one would."""

    agent: UserAgent = field(default_factory=lambda: make_agent("A"))
    source: Hop = RIGHT
    now: float = 0.0
    sent: list[Outgoing] = field(default_factory=list)
    """All that the agent has sent."""
    events: list[SipEvent] = field(default_factory=list)

    def say(self, text: str) -> list[Message]:
        """Send a message whose line ends are written ``\\n``; what the agent sends back at once."""
        head, _, body = text.partition("\n\n")
        return self.give(head.strip("\n").replace("\n", "\r\n").encode() + b"\r\n\r\n" + body.encode())

    def give(self, data: bytes) -> list[Message]:
        """Send octets."""
        self.agent.receive(data, self.source, self.now)
        return self.take()

    def wait(self, seconds: float) -> list[Message]:
        """Let time pass, timer by timer; what the agent sends meanwhile."""
        end = self.now + seconds
        messages = []
        while (due := self.agent.next_timer()) is not None and due <= end:
            self.now = max(self.now, due)
            self.agent.handle_timer(self.now)
            messages += self.take()
        self.now = end
        return messages

    def take(self) -> list[Message]:
        """What the agent has to send now."""
        while (event := self.agent.next_event()) is not None:
            self.events.append(event)
        outgoing = self.agent.to_send()
        self.sent += outgoing
        return [parse_message(item.data) for item in outgoing]

    def call(self, target: str = "sip:bob@192.0.2.2", hop: Hop = RIGHT, offer: bytes | None = b"offer") -> Request:
        """Have the agent call; its INVITE."""
        self.agent.call(target, hop, caller_number="alice", caller_label="", called="bob", offer=offer, now=self.now)
        (invite,) = self.take()
        assert isinstance(invite, Request)
        return invite

    @property
    def discards(self) -> list[str]:
        """Reasons of what was dropped."""
        return [event.reason for event in self.events if isinstance(event, Discarded)]


def statuses(messages: list[Message]) -> list[int]:
    """Of the responses among them."""
    return [message.status for message in messages if isinstance(message, Response)]


def request_text(
    method: str = "INVITE",
    *extra: str,
    uri: str = "sip:alice@192.0.2.1",
    branch: str = "z9hG4bK1",
    to_tag: str = "",
    from_tag: str = "b1",
    cseq: int = 1,
    call_id: str = "call-1",
    user: str = "bob",
    body: str = "",
    max_forwards: int = 70,
    contact: str = "<sip:bob@192.0.2.2:5060>",
    via: str = "SIP/2.0/UDP 192.0.2.2:5060",
) -> str:
    """A request of the peer; ``extra`` are further header lines."""
    tag = f";tag={to_tag}" if to_tag else ""
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: {via};branch={branch};rport",
        f"Max-Forwards: {max_forwards}",
        f"From: <sip:{user}@example.test>;tag={from_tag}",
        f"To: <sip:alice@example.test>{tag}",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} {method}",
        *([f"Contact: {contact}"] if contact else []),
        *(
            ["Content-Type: application/sdp"]
            if body and not any(line.startswith("Content-Type") for line in extra)
            else []
        ),
        *extra,
        f"Content-Length: {len(body)}",
    ]
    return "\n".join(lines) + "\n\n" + body


def response_text(
    request: Request,
    status: int,
    *extra: str,
    tag: str = "b1",
    body: str = "",
    contact: str = "<sip:bob@192.0.2.2:5060>",
) -> str:
    """A response of the peer to a request of the agent."""
    to = request.headers.get("to") or ""
    lines = [
        f"SIP/2.0 {status} Some Reason",
        f"Via: {request.headers.get('via')}",
        f"From: {request.headers.get('from')}",
        f"To: {to}" + (f";tag={tag}" if tag and "tag=" not in to else ""),
        f"Call-ID: {request.headers.get('call-id')}",
        f"CSeq: {request.headers.get('cseq')}",
        *([f"Contact: {contact}"] if contact else []),
        *(["Content-Type: application/sdp"] if body else []),
        *extra,
        f"Content-Length: {len(body)}",
    ]
    return "\n".join(lines) + "\n\n" + body
