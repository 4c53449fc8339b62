"""A site that shows every building block of the pages, for looking at and for tests."""

from __future__ import annotations

import functools
import io
import math
import wave
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from aiohttp import web

from tests.support.synthetic_audio import sine
from webkit.i18n import mark
from webkit.routes import PUBLIC, NavItem, NavSection, Route, page
from webkit.sessions import Identity
from webkit.site import Site, SiteConfig
from webkit.visit import Visit

NOW: Final = datetime(2026, 3, 9, 14, 30, tzinfo=UTC)
PLAYER_S: Final = 24.0
"""Length of the recording that the player shows."""

ALICE: Final = Identity(user="alice@example.com", name="Alice Martin", role="administrator")

NAV: Final = (
    NavSection(heading="", items=(NavItem(label=mark("Dashboard"), path="/", icon="dashboard"),)),
    NavSection(
        heading=mark("Organisation"),
        items=(
            NavItem(label=mark("Users"), path="/list", icon="users", count=10_240),
            NavItem(label=mark("Live calls"), path="/live", icon="calls"),
            NavItem(label=mark("Recordings"), path="/recordings", icon="recordings"),
            NavItem(label=mark("Audit log"), path="/log", icon="log"),
        ),
    ),
    NavSection(
        heading=mark("Service"),
        items=(
            NavItem(label=mark("Feature codes"), path="/codes", icon="codes"),
            NavItem(label=mark("Announcements"), path="/prompts", icon="prompts"),
            NavItem(label=mark("Tones"), path="/tones", icon="tones"),
            NavItem(label=mark("Edit window"), path="/window", icon="edit"),
        ),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One row of the sample list."""

    number: str
    name: str
    mode: str
    light: str
    status: str
    updated_at: datetime


PEOPLE: Final = tuple(
    Person(number=number, name=name, mode=mode, light=light, status=status, updated_at=NOW - timedelta(hours=age))
    for number, name, mode, light, status, age in (
        ("1001", "Alice Martin", "Always", "recording", "done", 1),
        ("1002", "Benoît Lefèvre", "Always with Pause/Resume", "paused", "done", 3),
        ("1003", "Chloé Dubois", "On Demand", "call", "pending", 26),
        ("1004", "David O'Connor", "On Demand with User Initiated Start", "off", "failed", 70),
        ("1005", "Émilie Garnier-Vandenberghe", "Never", "off", "manual", 400),
    )
)


async def _gallery(visit: Visit) -> web.StreamResponse:
    form = visit.form()
    form.refuse("external", visit.t("This field is needed."))
    return await visit.page("gallery.html", people=PEOPLE, wrong=form)


async def _list(visit: Visit) -> web.StreamResponse:
    query = visit.query("q").casefold()
    people = [person for person in PEOPLE if query in person.name.casefold()]
    number = visit.number("page", 1, 1, 1000)
    return await visit.page("gallery_list.html", fragment="rows", people=people, q=visit.query("q"), page=number)


async def _window(visit: Visit) -> web.StreamResponse:
    return await visit.page("gallery_window.html", window_close="/list")


async def _saved(visit: Visit) -> web.StreamResponse:
    visit.notice("success", visit.t("Saved."))
    return visit.redirect("/window")


async def _audio(visit: Visit) -> web.StreamResponse:
    """In the part that the browser asks for: without that it could not seek."""
    body = _recording()
    part = visit.request.http_range
    first = part.start or 0
    sent = body[first : part.stop]
    headers = {"Accept-Ranges": "bytes", "Content-Range": f"bytes {first}-{first + len(sent) - 1}/{len(body)}"}
    return web.Response(status=206, body=sent, content_type="audio/wav", headers=headers)


@functools.cache
def _recording() -> bytes:
    channels = np.stack([sine(hz, -20.0, PLAYER_S, 8000) for hz in (300.0, 440.0)], axis=1)
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(channels.astype("<i2").tobytes())
    return written.getvalue()


async def _peaks(visit: Visit) -> web.StreamResponse:
    def channel(phase: float) -> list[float]:
        loud = (abs(math.sin(i / 7 + phase) * math.sin(i / 31 + phase)) for i in range(600))
        return [round(level if math.sin(i / 60 + phase) > 0 else level * 0.06, 3) for i, level in enumerate(loud)]

    return visit.json({"duration_s": PLAYER_S, "peaks": [channel(0.0), channel(math.pi)]})


ROUTES: Final[tuple[Route, ...]] = (
    page("GET", "/", _gallery, allow=PUBLIC),
    page("GET", "/list", _list, allow=PUBLIC),
    page("GET", "/window", _window, allow=PUBLIC),
    page("POST", "/window", _saved, allow=PUBLIC),
    page("GET", "/audio.wav", _audio, allow=PUBLIC),
    page("GET", "/peaks.json", _peaks, allow=PUBLIC),
)


async def _identify(username: str, password: str) -> Identity | None:
    return ALICE if (username, password) == (ALICE.user, "open sesame") else None


async def _reload(user: str) -> Identity | None:
    return ALICE if user == ALICE.user else None


@functools.cache
def gallery_site(name: str = "admin") -> Site:
    """The site; sign in as ALICE with "open sesame"."""
    config = SiteConfig(
        name=name,
        prefix="/gallery",
        title=mark("Gallery"),
        packages=("tests.support.gallery",),
        nav=NAV,
        sign_in_hint=mark("The demonstration's administrator is alice@example.com."),
        zone=UTC,
    )
    return Site(config, identify=_identify, reload=_reload, wall=lambda: NOW)


def gallery_application(name: str = "admin") -> web.Application:
    """The site, mounted."""
    app = web.Application()
    app.add_subapp("/gallery", gallery_site(name).application(ROUTES))
    return app
