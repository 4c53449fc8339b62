"""``/people``: the carrier's users as Webex people."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web
from pydantic import Field

from callmodel.subscriber import Subscriber
from portals.rest import Asked, Reply, Route, Scope, refuse
from portals.rest.paging import next_link, read_cursor
from portals.services import Services
from portals.webex import ids
from portals.webex.wire import Out, QueryIn

PEOPLE_IDS: Final = web.AppKey("people_ids", ids.PeopleIds)
MAX_IDS: Final = 85
MAX_PAGE: Final = 1000
SEARCHED: Final = 20_000
"""Users that a display name is looked for in."""
TAG: Final = "People"


class PhoneNumber(Out):
    """A number to call somebody by."""

    type: str
    value: str
    primary: bool


class SipAddress(Out):
    """A SIP address."""

    type: str
    value: str
    primary: bool


class Person(Out):
    """A user of the carrier, or the program behind a token."""

    id: str
    emails: list[str]
    display_name: str
    first_name: str | None = None
    last_name: str | None = None
    user_name: str
    org_id: str
    type: str
    phone_numbers: list[PhoneNumber] | None = None
    extension: str | None = None
    location_id: str | None = None
    sip_addresses: list[SipAddress] | None = None
    invite_pending: bool | None = None
    login_enabled: bool | None = None


class People(Out):
    """A page of people."""

    items: list[Person]


class PersonQuery(QueryIn):
    """What of a person is wanted."""

    calling_data: bool = Field(default=False, description="Show extension and location too.")


class PeopleQuery(PersonQuery):
    """Which people are wanted."""

    email: str | None = Field(default=None, max_length=161)
    display_name: str | None = Field(default=None, max_length=128, description="What the name begins with.")
    id: str | None = Field(
        default=None,
        max_length=MAX_IDS * 80,
        pattern=r"^[A-Za-z0-9+/=,_\-]*$",
        description=f"Up to {MAX_IDS} ids with commas.",
    )
    roles: str | None = Field(default=None, max_length=128, description="Nobody here has a role of Webex.")
    location_id: str | None = Field(default=None, max_length=128)
    exclude_status: bool = Field(default=False, description="There is no presence here: it is always left out.")
    max: int = Field(default=100, ge=1, le=MAX_PAGE)
    cursor: str | None = Field(default=None, max_length=256)


async def list_people(asked: Asked[PeopleQuery, None]) -> Reply:
    """In order of number; a user's own token must ask for somebody, and finds that user only."""
    query, caller = asked.query, asked.caller
    if caller.number is not None and not (query.email or query.display_name or query.id):
        raise refuse(400, "Email, displayName, or id list should be specified.")
    after = read_cursor(query.cursor)
    rows = await asyncio.to_thread(_found, asked, after)
    page = rows[: query.max]
    cursor = page[-1].number if len(rows) > query.max else None
    items = [person(one, asked.services, calling=query.calling_data) for one in page]
    return Reply(body=People(items=items), headers=next_link(asked.request, cursor))


def _found(asked: Asked[PeopleQuery, None], after: str) -> list[Subscriber]:
    """One more than a page, if there are."""
    query, services = asked.query, asked.services
    subscribers = services.catalog.subscribers
    here = ids.location_id(services.domain)
    if query.roles or (query.location_id and query.location_id != here):
        return []
    rows: tuple[Subscriber, ...]
    if query.id is not None:
        rows = _by_id(asked)
    elif query.email is not None:
        rows = _by_email(asked)
    elif query.display_name is not None:
        rows = subscribers.search(query.display_name, limit=SEARCHED)
    else:
        rows = subscribers.list(after=after, limit=query.max + 1)
    begin = (query.display_name or "").casefold()
    own = asked.caller.number
    return [
        one
        for one in rows
        if one.number > after and shown_name(one).casefold().startswith(begin) and own in (None, one.number)
    ][: query.max + 1]


def _by_id(asked: Asked[PeopleQuery, None]) -> tuple[Subscriber, ...]:
    wanted = (asked.query.id or "").split(",")
    if len(wanted) > MAX_IDS:
        raise refuse(400, f"at most {MAX_IDS} ids", field="id")
    known = asked.request.app[PEOPLE_IDS]
    numbers = sorted({number for number in map(known.number, wanted) if number is not None})
    rows = (asked.services.catalog.subscribers.get(number) for number in numbers)
    return tuple(one for one in rows if one is not None)


def _by_email(asked: Asked[PeopleQuery, None]) -> tuple[Subscriber, ...]:
    number, _, domain = (asked.query.email or "").lower().rpartition("@")
    if domain != asked.services.domain.lower():
        return ()
    one = asked.services.catalog.subscribers.get(number)
    return () if one is None else (one,)


async def get_person(asked: Asked[PersonQuery, None]) -> Person:
    """One, by id."""
    one = await subscriber_of(asked, asked.path["person_id"])
    return person(one, asked.services, calling=asked.query.calling_data)


async def get_me(asked: Asked[PersonQuery, None]) -> Person:
    """The user a token is bound to; else the program that holds it."""
    services, caller = asked.services, asked.caller
    if caller.number is not None:
        one = await asyncio.to_thread(services.catalog.subscribers.get, caller.number)
        if one is None:
            raise refuse(404, "the user of this token was removed")
        return person(one, services, calling=asked.query.calling_data)
    return Person(
        id=ids.token_person_id(caller.token_id),
        emails=[],
        display_name=caller.name,
        user_name=caller.name,
        org_id=ids.organisation_id(services.domain),
        type="bot",
    )


async def subscriber_of(asked: Asked[Any, Any], identity: str) -> Subscriber:
    """Whom an id means; RestError 404 for nobody, and for anybody but a user's token's own user."""
    catalog = asked.services.catalog
    known = asked.request.app[PEOPLE_IDS]

    def find() -> Subscriber | None:
        number = known.number(identity)
        return None if number is None else catalog.subscribers.get(number)

    one = await asyncio.to_thread(find)
    if one is None or asked.caller.number not in (None, one.number):
        raise refuse(404, "there is no such person")
    return one


def shown_name(subscriber: Subscriber) -> str:
    """The name, or the number of somebody without one."""
    return subscriber.name or subscriber.number


def address(number: str, services: Services) -> str:
    """Of a user: what Webex has an e-mail address for."""
    return f"{number}@{services.domain}"


def person(one: Subscriber, services: Services, *, calling: bool) -> Person:
    """On the wire."""
    first, _, last = shown_name(one).partition(" ")
    own = address(one.number, services)
    return Person(
        id=ids.person_id(one.number),
        emails=[own],
        display_name=shown_name(one),
        first_name=first,
        last_name=last,
        user_name=own,
        org_id=ids.organisation_id(services.domain),
        type="person",
        phone_numbers=[PhoneNumber(type="work_extension", value=one.number, primary=True)],
        extension=one.number if calling else None,
        location_id=ids.location_id(services.domain) if calling else None,
        sip_addresses=[SipAddress(type="cloud-calling", value=own, primary=True)],
        invite_pending=False,
        login_enabled=True,
    )


READ: Final = (Scope.PEOPLE_READ, Scope.OWN_PERSON_READ)

ROUTES: Final = (
    Route(
        method="GET",
        path="/people",
        handler=list_people,
        summary="List people",
        tag=TAG,
        scopes=READ,
        users=True,
        query=PeopleQuery,
        answer=People,
    ),
    Route(
        method="GET",
        path="/people/me",
        handler=get_me,
        summary="Who holds this token",
        tag=TAG,
        scopes=READ,
        users=True,
        query=PersonQuery,
        answer=Person,
        errors=(404,),
    ),
    Route(
        method="GET",
        path="/people/{person_id}",
        handler=get_person,
        summary="One person",
        tag=TAG,
        scopes=READ,
        users=True,
        query=PersonQuery,
        answer=Person,
    ),
)
