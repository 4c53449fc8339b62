"""What every handler has at hand, and who is calling."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from aiohttp import web
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from dubber_platform.api.dates import iso8601, rfc2822
from dubber_platform.api.errors import ApiError, invalid
from dubber_platform.api.limits import Meter
from dubber_platform.config import Chance, PlatformConfig
from dubber_platform.signing import Signer
from dubber_platform.store.database import Database
from dubber_platform.store.files import AudioFiles
from dubber_platform.store.visibility import Viewer

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
BODY_MAX_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The parts of one running platform."""

    config: PlatformConfig
    clock: Callable[[], datetime]
    ids: Chance
    database: Database
    files: AudioFiles
    signer: Signer
    meter: Meter
    locks: WeakValueDictionary[int, asyncio.Lock]
    """By recording id: completing, replacing parts of and deleting one recording take turns."""

    def lock(self, recording_id: int) -> asyncio.Lock:
        """The lock of one recording."""
        return self.locks.setdefault(recording_id, asyncio.Lock())


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is calling, as the access token says."""

    client_id: str
    viewer: Viewer
    group_id: str | None
    """Set for group authentication."""

    @property
    def user_id(self) -> str:
        """Of the user behind the token."""
        return self.viewer.user_id

    @property
    def account_id(self) -> str | None:
        """The user's own account."""
        return self.viewer.account_id

    @property
    def administers(self) -> bool:
        """True for administrators and for group authentication."""
        return self.viewer.administers


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """How this answer writes addresses and dates."""

    origin: str
    base_path: str
    date: Callable[[datetime], str]

    def to(self, *segments: str) -> str:
        """Address of a resource."""
        return "/".join((self.origin + self.base_path, *segments))


PLATFORM: web.AppKey[Platform] = web.AppKey("platform", Platform)
CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)


def platform(request: web.Request) -> Platform:
    """The platform this request came to."""
    return request.app[PLATFORM]


def caller(request: web.Request) -> Caller:
    """Who sent this request."""
    return request[CALLER]


def links(request: web.Request) -> Links:
    """The form of addresses and dates this request wants."""
    config = platform(request).config
    wants_iso = request.headers.get("X-Date-Format", "").upper() == "ISO8601"
    origin = config.public_url or f"{request.scheme}://{request.host}"
    return Links(origin=origin, base_path=config.base_path, date=iso8601 if wants_iso else rfc2822)


async def run(request: web.Request, work: Callable[[Session], T]) -> T:
    """Run ``work`` in one transaction."""
    return await platform(request).database.run(work)


async def body(request: web.Request, model: type[M]) -> M:
    """The JSON body as ``model``; ApiError names every field at fault."""
    if request.content_type != "application/json":
        raise ApiError(400, 1004, "Content-Type must be application/json")
    try:
        raw = json.loads(await request.text(), parse_constant=_no_constant)
    except web.HTTPRequestEntityTooLarge as error:
        raise invalid(f"body: at most {BODY_MAX_BYTES} bytes are accepted") from error
    except (ValueError, LookupError, RecursionError) as error:
        raise invalid("body: is not JSON") from error
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise invalid(*(_sentence(fault) for fault in error.errors(include_url=False)[:20])) from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _sentence(fault: Any) -> str:
    place = ".".join(str(step)[:64] for step in fault["loc"]) or "body"
    return f"{place}: {fault['msg']}"
