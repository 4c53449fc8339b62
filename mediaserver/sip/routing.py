"""Where a message goes next: pure arithmetic on hops, Via and URIs, no name is looked up."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from mediaserver.sip.fields import Via
from mediaserver.sip.hops import Hop, Transport
from mediaserver.sip.uri import SipUri


def default_port(transport: Transport) -> int:
    """5061 for TLS, 5060 otherwise; 80 and 443 for WebSocket (RFC 7118)."""
    return {Transport.TLS: 5061, Transport.WS: 80, Transport.WSS: 443}.get(transport, 5060)


def is_address(host: str) -> bool:
    """True for an IP address, brackets or not."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def reply_hop(source: Hop, via: Via) -> Hop:
    """Where responses to a request go (RFC 3261 18.2.2, RFC 3581 4).

    A multicast ``maddr`` is followed, as 18.2.2 means it; any other would let a stranger aim our responses
    at whom he likes.
    """
    if source.transport.reliable:
        return source
    maddr = via.param("maddr")
    if maddr and is_address(maddr) and ip_address(maddr.strip("[]")).is_multicast:
        return Hop(transport=source.transport, host=maddr.strip("[]"), port=via.port or default_port(source.transport))
    if via.asks_rport:
        return source
    return replace(source, port=via.port or default_port(source.transport))


def reopened(reply_to: Hop, via: Via) -> Hop:
    """Where responses go once the connection the request came over has closed (18.2.2)."""
    return Hop(transport=reply_to.transport, host=reply_to.host, port=via.port or default_port(reply_to.transport))


def hop_to(uri: SipUri, flow: Hop) -> Hop:
    """Next hop for a request to ``uri`` (RFC 3263 without DNS).

    ``flow`` is the way the peer was heard last: it is kept for a host that is a name (which we
    do not look up), for WebSocket peers (which cannot be dialled, RFC 7118 5), for an open
    connection to that very host, and gives the transport when the URI names none.
    """
    if flow.transport in (Transport.WS, Transport.WSS):
        return flow
    host = (uri.param("maddr") or uri.host).strip("[]")
    if not is_address(host):
        return flow
    transport = _transport(uri, flow)
    if transport is flow.transport and flow.connection is not None and host == flow.host:
        return flow
    return Hop(transport=transport, host=host, port=uri.port or default_port(transport))


def _transport(uri: SipUri, flow: Hop) -> Transport:
    if uri.scheme == "sips":
        return Transport.TLS
    named = (uri.param("transport") or "").upper()
    known = named in (Transport.UDP, Transport.TCP, Transport.TLS)
    return Transport(named) if known else flow.transport
