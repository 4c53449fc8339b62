"""Making a subscriber known to the platform: an account, a user and a dub point, through the documented calls only.

Every step looks before it makes, or looks again when the platform says that the
thing is there already: done twice, or by two at once, or cut off anywhere, there
is one of each in the end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from callmodel.subscriber import DubPointKey, Subscriber
from dubber_uploader.answers import AttemptError
from dubber_uploader.client import DubberClient, DubPoint, account_path, group_path
from dubber_uploader.planner import Meaning

CUSTOMER_TAG = "serviceProvider"
"""In an account's metadata: which customer of the carrier it is."""


class AccountGoneError(Exception):
    """The platform does not know the account that it once gave us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is to be known of a subscriber."""

    subscriber: Subscriber
    key: DubPointKey
    user_id: str | None
    """Of the user, when an earlier attempt came so far."""


async def find_or_make_account(client: DubberClient, group_id: str, customer: str) -> str:
    """The id of the customer's account in the group. Not safe against another that does the same: claim it before."""
    found = await client.find_account(group_path(group_id), CUSTOMER_TAG, customer)
    if found is not None:
        return found
    return await client.create("/accounts", {"name": customer, "group": group_id, "metadata": {CUSTOMER_TAG: customer}})


async def make_line(
    client: DubberClient, account_id: str, line: Line, made_user: Callable[[str], Awaitable[None]]
) -> DubPoint:
    """Make user and dub point; ``made_user`` is told the user's id as soon as there is one. AttemptError."""
    user_id = line.user_id
    if user_id is None:
        user_id = await _user(client, account_id, line)
        await made_user(user_id)
    key, subscriber = line.key, line.subscriber
    fields = {
        "external_type": key.external_type,
        "service_provider": key.service_provider,
        "external_group": key.external_group,
        "external_identifier": key.external_identifier,
        "user": user_id,
        "label": subscriber.name or subscriber.number,
        "number": subscriber.number,
    }
    try:
        return DubPoint(id=await client.create(f"{account_path(account_id)}/dub_points", fields), account_id=account_id)
    except AttemptError as error:
        # The only refusal that is none: an answer was lost, or another was faster.
        found = await client.find_dub_point(key) if _is_refusal(error) else None
        if found is None:
            raise
        return found


async def _user(client: DubberClient, account_id: str, line: Line) -> str:
    """The user's id. Made first and looked for when refused: a look is a walk through all users of the account."""
    collection = f"{account_path(account_id)}/users"
    subscriber, username = line.subscriber, line.key.external_identifier
    names = (subscriber.name or subscriber.number).split(maxsplit=1)
    fields = {
        "username": username,
        "first_name": names[0] if names else subscriber.number,
        "last_name": names[1] if len(names) > 1 else subscriber.number,
        "role": "Standard User",
        "language": subscriber.language.value,
    }
    try:
        return await client.create(collection, fields)
    except AttemptError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise AccountGoneError from error
        known = await client.find_user(collection, username) if _is_refusal(error) else None
        if known is None:
            raise
        return known


def _is_refusal(error: AttemptError) -> bool:
    return error.outcome.meaning is Meaning.REJECTED
