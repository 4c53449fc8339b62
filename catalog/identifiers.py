"""The four-part key under which Dubber knows a line, for users that have none yet."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from callmodel.subscriber import DubPointKey, Subscriber
from catalog.provider import ProviderSettings

MAX_IDENTIFIER_CHARS: Final = 161


def identified(subscriber: Subscriber, provider: ProviderSettings, domain: str) -> Subscriber:
    """The same user with identifiers: its own, or the provider's and ``number@domain``; ValueError when too long."""
    if subscriber.dub_point is not None:
        return subscriber
    identifier = f"{subscriber.number}@{domain}"
    if len(identifier) > MAX_IDENTIFIER_CHARS:
        raise ValueError(f"{identifier} is longer than the {MAX_IDENTIFIER_CHARS} characters Dubber takes")
    key = DubPointKey(
        service_provider=provider.service_provider,
        external_group=provider.external_group,
        external_identifier=identifier,
    )
    return replace(subscriber, dub_point=key)
