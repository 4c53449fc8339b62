"""Links that open one recording to whoever has them, and the page they open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web
from sqlalchemy.orm import Session

from dubber_platform.api.audio import audio_response
from dubber_platform.portal.heard import heard, waveform
from dubber_platform.portal.once import show_once
from dubber_platform.portal.pages.recording import back, show_recording
from dubber_platform.portal.pages.recordings import number_of
from dubber_platform.portal.roles import EVERYONE
from dubber_platform.portal.site import ask, platform_of
from dubber_platform.portal.trying import attempt
from dubber_platform.store.refused import RefusedError
from dubber_platform.store.schema import Recording
from dubber_platform.store.sharing import NewShare, ShareView, share, shared, unshare
from dubber_platform.store.visibility import Viewer
from webkit.routes import PUBLIC, page
from webkit.visit import Visit

SPANS: Final = {
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
UNLISTED: Final = "noindex, nofollow"


async def add(visit: Visit) -> web.StreamResponse:
    """Make a link; it is shown once."""
    number, form, own = number_of(visit.match("recording")), visit.form(), platform_of(visit)
    span = SPANS.get(form.one_of("valid", SPANS), timedelta())

    def make(session: Session, viewer: Viewer) -> NewShare:
        return share(session, viewer, number, expires_at=visit.now + span, now=visit.now, ids=own.ids)

    made = await attempt(visit, form, make, {"shares": "valid", "expires_at": "valid"})
    if made is None:
        return await show_recording(visit, form)
    origin = own.config.public_url or f"{visit.request.scheme}://{visit.request.host}"
    show_once(visit, f"share {number}", origin + visit.url(f"/shared/{made.token}"))
    visit.notice("success", visit.t("The link is made. Copy it now: it is shown this once."))
    return back(visit, "#sharing")


async def end(visit: Visit) -> web.StreamResponse:
    """The link is good no more."""
    number, share_id = number_of(visit.match("recording")), visit.match("share")
    await ask(visit, lambda session, viewer: unshare(session, viewer, number, share_id))
    visit.notice("success", visit.t("The link is good no more."))
    return back(visit, "#sharing")


async def show(visit: Visit) -> web.StreamResponse:
    """What a link opens: the call, and its sound."""
    found = await _shared(visit)
    own = platform_of(visit)
    sound = await heard(visit, own, found[0]) if found else None
    if found is None or sound is None:
        response = await visit.page("shared_ended.html", status=404)
    else:
        recording, link = found
        response = await visit.page(
            "shared.html", recording=recording, link=link, heard=sound, path=f"/shared/{visit.match('token')}"
        )
    response.headers["X-Robots-Tag"] = UNLISTED
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


async def audio(visit: Visit) -> web.StreamResponse:
    """Its sound, whole or in ranges."""

    async def answer(recording: Recording) -> web.StreamResponse:
        return audio_response(platform_of(visit), recording)

    return await _with(visit, answer)


async def peaks(visit: Visit) -> web.StreamResponse:
    """Its waveform."""
    return await _with(visit, lambda recording: waveform(visit, platform_of(visit), recording))


async def _with(visit: Visit, answer: Callable[[Recording], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    found = await _shared(visit)
    if found is None:
        raise web.HTTPNotFound
    try:
        return await answer(found[0])
    except RefusedError as error:
        raise web.HTTPNotFound from error


async def _shared(visit: Visit) -> tuple[Recording, ShareView] | None:
    token, now = visit.match("token"), visit.now
    return await platform_of(visit).database.run(lambda session: _look(session, token, now))


def _look(session: Session, token: str, now: datetime) -> tuple[Recording, ShareView] | None:
    return shared(session, token, now=now) if token.isascii() else None


ROUTES: Final = (
    page("POST", "/recordings/{recording}/shares", add, allow=EVERYONE),
    page("POST", "/recordings/{recording}/shares/{share}/delete", end, allow=EVERYONE),
    page("GET", "/shared/{token}", show, allow=PUBLIC),
    page("GET", "/shared/{token}/audio", audio, allow=PUBLIC),
    page("GET", "/shared/{token}/peaks", peaks, allow=PUBLIC),
)
