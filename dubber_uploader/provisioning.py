"""Making a subscriber known to the platform: a user and a dub point, through the documented calls only.

Doing it again is harmless: what is there already is found and left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from callmodel.subscriber import Subscriber
from dubber_uploader.answers import AttemptError
from dubber_uploader.client import DubberClient, account_path


class Provisioned(StrEnum):
    """What provisioning found or did."""

    PRESENT = "present"
    CREATED = "created"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisioningResult:
    """The outcome for one subscriber."""

    number: str
    outcome: Provisioned
    dub_point_id: str | None = None
    problem: str = ""
    """What the platform said; empty when all went well."""


async def provision(client: DubberClient, account_id: str, subscriber: Subscriber) -> ProvisioningResult:
    """Find the subscriber's dub point, or make its user and it; failures come back as values."""
    key = subscriber.dub_point
    if key is None:
        return ProvisioningResult(
            number=subscriber.number, outcome=Provisioned.FAILED, problem="the subscriber has no Dubber identifiers"
        )
    try:
        found = await client.find_dub_point(key)
        if found is not None:
            return ProvisioningResult(number=subscriber.number, outcome=Provisioned.PRESENT, dub_point_id=found.id)
        user_id = await _user(client, account_id, subscriber, key.external_identifier)
        made = await client.create(
            f"{account_path(account_id)}/dub_points",
            {
                "external_type": key.external_type,
                "service_provider": key.service_provider,
                "external_group": key.external_group,
                "external_identifier": key.external_identifier,
                "user": user_id,
                "label": subscriber.name or subscriber.number,
                "number": subscriber.number,
            },
        )
    except AttemptError as error:
        return ProvisioningResult(
            number=subscriber.number, outcome=Provisioned.FAILED, problem=error.outcome.detail or str(error)
        )
    return ProvisioningResult(number=subscriber.number, outcome=Provisioned.CREATED, dub_point_id=made)


async def _user(client: DubberClient, account_id: str, subscriber: Subscriber, username: str) -> str:
    """The user's id, made when the account has none of this name."""
    collection = f"{account_path(account_id)}/users"
    known = await client.find_user(collection, username)
    if known is not None:
        return known
    first, _, last = (subscriber.name or subscriber.number).partition(" ")
    return await client.create(
        collection,
        {
            "username": username,
            "first_name": first,
            "last_name": last or subscriber.number,
            "role": "Standard User",
            "language": subscriber.language.value,
        },
    )
