"""What a call needs from outside, as functions: the subscribers, numbers that do not repeat, and the wall clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from callmodel.subscriber import Subscriber
from mediaserver.call.config import CallConfig
from mediaserver.sip.hops import Hop
from mediaserver.sip.ids import Ids


class Surroundings(Protocol):
    """Look-ups that cost nothing: everything is in memory."""

    def subscriber(self, number: str) -> Subscriber | None:
        """The subscriber as set up now."""
        ...

    def wall(self, now: float) -> datetime:
        """UTC instant of a monotonic second."""
        ...

    def next_number(self) -> int:
        """A number that this process has not given out before (media legs, plays)."""
        ...

    def media_address(self, hop: Hop) -> tuple[str, str]:
        """For a peer reached by ``hop``: the address to bind RTP to, and the one to write into SDP."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """One for the whole server."""

    config: CallConfig
    around: Surroundings
    ids: Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One registered contact of the callee: what to put into the Request-URI and where to send it."""

    target: str
    hop: Hop


@dataclass(frozen=True, slots=True, kw_only=True)
class ToSubscriber:
    """The called number is a subscriber's."""

    subscriber: Subscriber
    contacts: tuple[Contact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToService:
    """A number anyone may dial (9001 to 9009)."""

    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToCode:
    """A feature code dialled as a number."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToNobody:
    """No such number."""


Route = ToSubscriber | ToService | ToCode | ToNobody
