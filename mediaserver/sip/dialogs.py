"""Dialogs (RFC 3261 12): route set, remote target, sequence numbers, and the requests made inside one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mediaserver.sip.fields import NameAddr, parse_contacts, parse_cseq, parse_routes, parse_single
from mediaserver.sip.hops import Hop
from mediaserver.sip.message import Headers, Message, Request, Response
from mediaserver.sip.routing import hop_to
from mediaserver.sip.uri import SipUri

DialogId = tuple[str, str, str]
"""Call-ID, our tag, their tag (empty for RFC 2543 peers)."""

MAX_FORWARDS: Final = 70


class DialogState(StrEnum):
    """Before and after a 2xx."""

    EARLY = "early"
    CONFIRMED = "confirmed"


@dataclass(slots=True, kw_only=True)
class Dialog:
    """One dialog, seen from our side."""

    call_id: str
    local: str
    """Our From (or To) as it is written in requests, tag included."""
    local_tag: str
    remote: str
    """Theirs, raw; with their tag, if they gave one."""
    remote_tag: str
    remote_target: str
    """URI of their newest Contact."""
    route_set: tuple[str, ...]
    """Route values in the order requests of ours visit them, raw."""
    local_cseq: int
    remote_cseq: int | None
    state: DialogState

    @property
    def id(self) -> DialogId:
        """What finds this dialog."""
        return (self.call_id, self.local_tag, self.remote_tag)

    @classmethod
    def of_server(cls, request: Request, local_tag: str) -> Dialog:
        """The dialog an INVITE of theirs opens (12.1.1); From stands in for the Contact RFC 2543 did not ask for."""
        from_ = parse_single(request.headers, "from")
        to = request.headers.get("to") or ""
        return cls(
            call_id=request.headers.get("call-id") or "",
            local=f"{to};tag={local_tag}",
            local_tag=local_tag,
            remote=request.headers.get("from") or "",
            remote_tag=from_.tag or "",
            remote_target=contact_uri(request) or str(from_.uri),
            route_set=record_routes(request.headers),
            local_cseq=0,
            remote_cseq=parse_cseq(request.headers).number,
            state=DialogState.EARLY,
        )

    @classmethod
    def of_client(cls, invite: Request, response: Response) -> Dialog:
        """The dialog a response to an INVITE of ours opens (12.1.2)."""
        headers = invite.headers
        return cls(
            call_id=headers.get("call-id") or "",
            local=headers.get("from") or "",
            local_tag=parse_single(headers, "from").tag or "",
            remote=response.headers.get("to") or "",
            remote_tag=parse_single(response.headers, "to").tag or "",
            remote_target=contact_uri(response) or invite.uri,
            route_set=record_routes(response.headers)[::-1],
            local_cseq=parse_cseq(headers).number,
            remote_cseq=None,
            state=DialogState.EARLY if response.status < 200 else DialogState.CONFIRMED,
        )

    def confirm(self, response: Response) -> None:
        """A 2xx makes the dialog final: its route set is computed anew (13.2.2.4)."""
        self.route_set = record_routes(response.headers)[::-1]
        self.state = DialogState.CONFIRMED
        self.refresh_target(response)

    def refresh_target(self, message: Message) -> None:
        """Take the Contact of an INVITE, an UPDATE or a 2xx to one as the new remote target (12.2)."""
        self.remote_target = contact_uri(message) or self.remote_target

    def takes(self, cseq_number: int) -> bool:
        """Note the number of a request of theirs; False when it is behind one already seen (12.2.2)."""
        if self.remote_cseq is not None and cseq_number <= self.remote_cseq:
            return False
        self.remote_cseq = cseq_number
        return True

    def request(self, method: str, *, cseq_number: int | None = None) -> Request:
        """A request of ours inside the dialog (12.2.1.1). ACK takes the number of its INVITE."""
        if cseq_number is None:
            self.local_cseq += 1
            cseq_number = self.local_cseq
        uri, routes = self._routed()
        headers = Headers()
        headers.extend("route", routes)
        headers.add("max-forwards", MAX_FORWARDS)
        headers.add("from", self.local)
        headers.add("to", self.remote)
        headers.add("call-id", self.call_id)
        headers.add("cseq", f"{cseq_number} {method}")
        return Request(method=method, uri=uri, headers=headers)

    def next_hop(self, flow: Hop) -> Hop:
        """Where requests of ours go; ``flow`` is the way the peer was heard."""
        text = self.route_set[0] if self.route_set else f"<{self.remote_target}>"
        uri = NameAddr.parse(text).uri
        return hop_to(uri, flow) if isinstance(uri, SipUri) else flow

    def _routed(self) -> tuple[str, tuple[str, ...]]:
        """Request-URI and Route values; a first route without ``lr`` is strict and becomes the Request-URI."""
        if not self.route_set:
            return self.remote_target, ()
        first = NameAddr.parse(self.route_set[0]).uri
        if not isinstance(first, SipUri) or first.param("lr") is not None:
            return self.remote_target, self.route_set
        return str(first), (*self.route_set[1:], f"<{self.remote_target}>")


def contact_uri(message: Message) -> str | None:
    """URI of the first Contact of a checked message, or None."""
    contacts = parse_contacts(message.headers)
    return str(contacts[0].uri) if contacts else None


def record_routes(headers: Headers) -> tuple[str, ...]:
    """Record-Route values in the order of the message."""
    return tuple(str(route) for route in parse_routes(headers, "record-route"))
