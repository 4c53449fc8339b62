"""What the server has read of the catalogue, and when it is to be read again: subscribers, the service's settings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from callmodel.errors import ConfigError
from catalog import Catalog, ServiceSettings
from catalog.roster import Listed
from mediaserver.runtime.media_pool import Prompts

_log = structlog.get_logger()

_T = TypeVar("_T")

SUBSCRIBERS, SETTINGS = "subscribers", "settings"
"""Topics of the catalogue; each has a version that goes up with every change."""

LoadPrompts = Callable[[], Prompts]
"""Reads every announcement, an installation's own ones included. Blocks; ConfigError or OSError when it cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Takers:
    """Who is told what was read; called on the loop."""

    users: Callable[[Listed], None]
    service: Callable[[ServiceSettings], None]
    prompts: Callable[[Prompts], None]


class Watch:
    """Reads what has changed. The event loop never waits for the database."""

    def __init__(self, catalog: Catalog, takers: Takers, load_prompts: LoadPrompts | None = None) -> None:
        """Without ``load_prompts`` announcements never change."""
        self._catalog = catalog
        self._roster = catalog.roster()
        self._takers = takers
        self._load_prompts = load_prompts
        self._seen: dict[str, int] = {}
        self._prompts_version: str | None = None
        self._one = asyncio.Lock()

    async def begin(self) -> None:
        """Read everything for the first time; announcements were loaded already. SQLAlchemyError."""
        async with self._one:
            await self._look(first=True)

    async def refresh(self) -> None:
        """Read what has changed. What cannot be read is told in the log, and what was read before stays in use."""
        async with self._one:
            try:
                await self._look(first=False)
            except SQLAlchemyError as error:
                _log.error("catalog.unread", error=str(error))

    async def _look(self, *, first: bool) -> None:
        # a version is read before what it stands for, and seen only once that is in use: nothing is ever missed
        version = await self._version(SUBSCRIBERS)
        if version != self._seen.get(SUBSCRIBERS):
            users = await _in_thread(self._roster.read)
            self._takers.users(users)
            self._seen[SUBSCRIBERS] = version
            if not first:
                _log.info("subscribers.reloaded", count=len(users.subscribers))
        version = await self._version(SETTINGS)
        if version != self._seen.get(SETTINGS):
            await self._read_service(first=first)
            self._seen[SETTINGS] = version

    async def _version(self, topic: str) -> int:
        return await _in_thread(lambda: self._catalog.version(topic))

    async def _read_service(self, *, first: bool) -> None:
        try:
            service = await _in_thread(self._catalog.service_settings.read)
        except ConfigError as error:
            _log.error("settings.unusable", error=str(error))
            return
        self._takers.service(service)
        if not first:
            _log.info("settings.reloaded")
        if service.prompts_version != self._prompts_version and self._load_prompts is not None and not first:
            await self._reload_prompts(self._load_prompts)
        self._prompts_version = service.prompts_version

    async def _reload_prompts(self, load: LoadPrompts) -> None:
        try:
            self._takers.prompts(await _in_thread(load))
        except (ConfigError, OSError) as error:
            _log.error("prompts.unread", error=str(error))


async def _in_thread(work: Callable[[], _T]) -> _T:
    # not the thread that seals recordings: a page must not wait for a slow disk
    return await asyncio.get_running_loop().run_in_executor(None, work)
