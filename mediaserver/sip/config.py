"""What the user agent is told about itself and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from mediaserver.sip.fields import same_address
from mediaserver.sip.hops import Hop, Transport
from mediaserver.sip.timers import SipTimers

ALLOW: Final = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, INFO, UPDATE"
"""Methods we act upon."""
SDP: Final = "application/sdp"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalContact:
    """Address under which one of our transports is reached."""

    host: str
    """IP address or name without brackets, as peers must use it."""
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class SessionTimerMode(StrEnum):
    """Use of RFC 4028."""

    ON = "on"
    """Ask for it in every INVITE; refresh, or expect refreshes."""
    ANSWER = "answer"
    """Only when the peer asks for it."""
    OFF = "off"
    """Not supported: neither asked for nor answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTimerConfig:
    """RFC 4028 settings, seconds."""

    mode: SessionTimerMode = SessionTimerMode.ON
    expires_s: int = 1800
    min_se_s: int = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class SipLimits:
    """What bounds the memory of the user agent."""

    max_legs: int = 2000
    max_transactions: int = 40_000
    """Client and server transactions together; beyond it, requests get a 503 nobody remembers."""
    max_forks: int = 16
    """Early dialogs kept of one INVITE."""
    max_bindings: int = 10
    """Contacts of one subscriber."""
    provisional_every_s: float = 60.0
    """A provisional is repeated so often (RFC 3261 13.3.1.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SipConfig:
    """Settings of one user agent; fixed over its life, but for ``UserAgent.draining`` and ``.admission``."""

    realm: str
    """Of digest challenges; also the host of From in our own calls."""
    domains: tuple[str, ...] = ()
    """Hosts that a Request-URI may name, besides our own addresses; empty: any."""
    contacts: Mapping[Transport, LocalContact] = field(default_factory=lambda: MappingProxyType({}))
    """Advertised address of each transport in use."""
    contacts6: Mapping[Transport, LocalContact] = field(default_factory=lambda: MappingProxyType({}))
    """The same towards IPv6 peers, for a server that listens on both; empty: ``contacts`` for everyone."""
    timers: SipTimers = field(default_factory=SipTimers)
    session_timer: SessionTimerConfig = field(default_factory=SessionTimerConfig)
    limits: SipLimits = field(default_factory=SipLimits)
    trusted_peers: tuple[str, ...] = ()
    """IP addresses (trunks) that may call without credentials, as long as From is none of our users."""
    user_agent: str = "call-recording-mediaserver"
    """User-Agent and Server header; empty: neither."""
    retry_after_s: int = 5
    """Retry-After of a 503."""

    def local(self, hop: Hop) -> LocalContact:
        """Address that the peer at ``hop`` can reach us by; KeyError when its transport is not in use."""
        if ":" in hop.host and hop.transport in self.contacts6:
            return self.contacts6[hop.transport]
        return self.contacts[hop.transport]

    def is_ours(self, host: str) -> bool:
        """A Request-URI with this host is for us."""
        if not self.domains:
            return True
        known = (*self.domains, self.realm, *(contact.host for contact in self._own()))
        return any(same_address(host, name) for name in known)

    def is_self(self, hop: Hop) -> bool:
        """What is sent there comes back to us."""
        return any(same_address(hop.host, contact.host) and hop.port == contact.port for contact in self._own())

    def _own(self) -> tuple[LocalContact, ...]:
        return (*self.contacts.values(), *self.contacts6.values())

    def trusts(self, host: str) -> bool:
        """Requests from this address need no credentials."""
        return any(same_address(host, peer) for peer in self.trusted_peers)
