"""Who is who: subscribers in memory, where a called number leads, and which address a peer is to be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import count

from callmodel.subscriber import Subscriber
from feature_codes import FeatureCodes
from mediaserver.call.context import Contact, Route, ToCode, ToNobody, ToService, ToSubscriber
from mediaserver.call.services import SERVICES
from mediaserver.runtime.clock import Clock
from mediaserver.sip.events import Invited
from mediaserver.sip.hops import Hop

Contacts = Callable[[str, float], tuple[Contact, ...]]
"""Registered contacts of a subscriber at a monotonic second."""


class Directory:
    """The look-ups of the call logic (``Surroundings``), and routing."""

    def __init__(
        self,
        *,
        clock: Clock,
        codes: FeatureCodes,
        contacts: Contacts,
        media_hosts: Mapping[int, str],
        advertised: Mapping[int, str],
    ) -> None:
        """``media_hosts`` and ``advertised``: by IP version (4, 6), where RTP is bound and what SDP says."""
        self._clock = clock
        self._codes = codes
        self._contacts = contacts
        self._media_hosts = dict(media_hosts)
        self._advertised = dict(advertised)
        self._numbers = count(1)
        self._subscribers: dict[str, Subscriber] = {}

    def replace_subscribers(self, subscribers: Mapping[str, Subscriber]) -> None:
        """The catalog changed: calls answered from now on see this."""
        self._subscribers = dict(subscribers)

    def replace_codes(self, codes: FeatureCodes) -> None:
        """Other codes: what is dialled from now on is looked up here."""
        self._codes = codes

    @property
    def subscribers(self) -> Mapping[str, Subscriber]:
        """By number."""
        return self._subscribers

    def subscriber(self, number: str) -> Subscriber | None:
        """The subscriber as set up now."""
        return self._subscribers.get(number)

    def wall(self, now: float) -> datetime:
        """UTC instant of a monotonic second."""
        return self._clock.wall(now)

    def next_number(self) -> int:
        """A number this process has not given out before."""
        return next(self._numbers)

    def media_address(self, hop: Hop) -> tuple[str, str]:
        """The address to bind RTP to, and the one for SDP, in the peer's own IP version where we have it."""
        version = 6 if ":" in hop.host else 4
        if version not in self._media_hosts:
            version = next(iter(self._media_hosts))
        return self._media_hosts[version], self._advertised[version]

    def route(self, invited: Invited, now: float) -> Route:
        """Where a called number leads. Subscribers come first: a number of theirs may not be shadowed."""
        called = invited.called
        subscriber = self._subscribers.get(called)
        if subscriber is not None:
            return ToSubscriber(subscriber=subscriber, contacts=self._contacts(called, now))
        if called in SERVICES:
            return ToService(number=called)
        if invited.user is not None and self._codes.lookup(called) is not None:
            return ToCode(code=called)
        return ToNobody()
