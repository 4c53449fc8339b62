"""What the server reads of the catalogue, when, and what happens when it cannot."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from callmodel.subscriber import Subscriber
from catalog import Catalog, ServiceSettings
from catalog.roster import Listed
from mediaserver.media.config import PromptPcm
from mediaserver.runtime.media_pool import Prompts
from mediaserver.runtime.watch import Takers, Watch
from prompts import PromptError

NOW = datetime(2024, 5, 1, tzinfo=UTC)
SILENCE = PromptPcm(pcm_8k=np.zeros(8, np.int16), pcm_16k=np.zeros(16, np.int16))
PROMPTS = {("goodbye", "en"): SILENCE}


@dataclass(slots=True)
class Server:
    """Takes what is read, and counts how often announcements were loaded."""

    users: list[Listed] = field(default_factory=list)
    services: list[ServiceSettings] = field(default_factory=list)
    prompts: list[Prompts] = field(default_factory=list)
    trouble: Exception | None = None
    loaded: int = 0

    def takers(self) -> Takers:
        return Takers(users=self.users.append, service=self.services.append, prompts=self.prompts.append)

    def load(self) -> Prompts:
        self.loaded += 1
        if self.trouble is not None:
            raise self.trouble
        return PROMPTS


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog.open_in(tmp_path) as opened:
        yield opened


async def begun(catalog: Catalog, server: Server) -> Watch:
    watch = Watch(catalog, server.takers(), server.load)
    await watch.begin()
    return watch


async def test_everything_is_read_once_at_first_but_the_announcements(catalog: Catalog) -> None:
    server = Server()
    catalog.service_settings.prompts_changed(now=NOW)
    catalog.subscribers.upsert(Subscriber(number="1001"), now=NOW)
    await begun(catalog, server)
    assert [list(users.subscribers) for users in server.users] == [["1001"]]
    assert server.services == [catalog.service_settings.read()]
    assert (server.prompts, server.loaded) == ([], 0)


async def test_what_has_not_changed_is_not_read_again(catalog: Catalog) -> None:
    server = Server()
    watch = await begun(catalog, server)
    await watch.refresh()
    assert (len(server.users), len(server.services), server.loaded) == (1, 1, 0)


async def test_only_what_has_changed_is_read_again(catalog: Catalog) -> None:
    server = Server()
    watch = await begun(catalog, server)
    catalog.service_settings.write(ServiceSettings(refusal_tone=False), now=NOW)
    await watch.refresh()
    assert (len(server.users), server.services) == (1, [ServiceSettings(), ServiceSettings(refusal_tone=False)])
    catalog.subscribers.upsert(Subscriber(number="1001"), now=NOW)
    await watch.refresh()
    assert (list(server.users[-1].subscribers), len(server.services), server.loaded) == (["1001"], 2, 0)


async def test_announcements_are_loaded_when_they_changed(catalog: Catalog) -> None:
    server = Server()
    watch = await begun(catalog, server)
    for _ in range(2):
        catalog.service_settings.prompts_changed(now=NOW)
        await watch.refresh()
    await watch.refresh()
    assert (server.prompts, server.loaded) == ([PROMPTS, PROMPTS], 2)


async def test_what_was_saved_while_it_was_being_read_is_read_by_the_one_who_saved(catalog: Catalog) -> None:
    """Two refreshes at one time do not overtake each other: after either, what was saved before it is in use."""
    server = Server()
    watch = await begun(catalog, server)
    first = asyncio.create_task(watch.refresh())
    catalog.service_settings.write(ServiceSettings(refusal_tone=False), now=NOW)
    await watch.refresh()
    assert server.services[-1] == ServiceSettings(refusal_tone=False)
    await first


@pytest.mark.parametrize("trouble", [PromptError("goodbye.wav: no sound"), OSError(5, "Input/output error")])
async def test_announcements_that_cannot_be_loaded_are_told_and_the_rest_is_used(
    catalog: Catalog, trouble: Exception
) -> None:
    server = Server()
    watch = await begun(catalog, server)
    server.trouble = trouble
    catalog.service_settings.write(ServiceSettings(refusal_tone=False, prompts_version="2"), now=NOW)
    with capture_logs() as log:
        await watch.refresh()
        await watch.refresh()
    assert [(entry["event"], entry["error"]) for entry in log if entry["log_level"] == "error"] == [
        ("prompts.unread", str(trouble))
    ]
    assert (server.services[-1].refusal_tone, server.prompts, server.loaded) == (False, [], 1)


async def test_settings_that_cannot_be_read_are_told_once(catalog: Catalog) -> None:
    server = Server()
    watch = await begun(catalog, server)
    catalog.settings.set("service.reminder", "mars", now=NOW)
    with capture_logs() as log:
        await watch.refresh()
        await watch.refresh()
    assert log == [
        {
            "event": "settings.unusable",
            "log_level": "error",
            "error": "reminder: is kept in a form that cannot be read; set it again",
        }
    ]
    assert server.services == [ServiceSettings()]


@pytest.mark.parametrize("table", ["changes", "subscribers", "settings"])
async def test_a_database_that_fails_is_told_and_asked_again(catalog: Catalog, tmp_path: Path, table: str) -> None:
    server = Server()
    watch = await begun(catalog, server)
    catalog.service_settings.write(ServiceSettings(refusal_tone=False), now=NOW)
    catalog.subscribers.upsert(Subscriber(number="1001"), now=NOW)
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite3")) as other:
        other.execute(f"ALTER TABLE {table} RENAME TO hidden")
        with capture_logs() as log:
            await watch.refresh()
        other.execute(f"ALTER TABLE hidden RENAME TO {table}")
    assert "catalog.unread" in [entry["event"] for entry in log]
    await watch.refresh()
    assert (list(server.users[-1].subscribers), server.services[-1].refusal_tone) == (["1001"], False)


async def test_a_refresh_that_is_given_up_is_made_up_for_by_the_next(catalog: Catalog) -> None:
    """Whoever waits for a page goes away while it is being read."""
    server = Server()
    watch = await begun(catalog, server)
    catalog.subscribers.upsert(Subscriber(number="1001"), now=NOW)
    catalog.service_settings.prompts_changed(now=NOW)
    for turns in range(1, 12):
        task = asyncio.create_task(watch.refresh())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await watch.refresh()
    assert (list(server.users[-1].subscribers), server.prompts[-1]) == (["1001"], PROMPTS)


async def test_without_a_loader_announcements_stay(catalog: Catalog) -> None:
    server = Server()
    watch = Watch(catalog, server.takers())
    await watch.begin()
    catalog.service_settings.prompts_changed(now=NOW)
    await watch.refresh()
    assert server.prompts == []
