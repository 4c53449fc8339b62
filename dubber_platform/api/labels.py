"""What people add to recordings: stars, notes, share links, holds, retention; and the marks that came with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web
from sqlalchemy.orm import Session

from callmodel.mark_text import Marker
from dubber_platform.api.access import recording_id_of
from dubber_platform.api.bodies import HoldBody, NoteBody, RetentionBody, ShareBody, StarBody
from dubber_platform.api.context import Links, body, caller, links, platform, run
from dubber_platform.api.errors import not_found
from dubber_platform.api.paging import parameters
from dubber_platform.api.recordings import answer_one
from dubber_platform.api.render import Json
from dubber_platform.store import changes, detail, sharing
from dubber_platform.store.detail import NoteView, markers_of
from dubber_platform.store.schema import Recording
from dubber_platform.store.sharing import ShareView
from dubber_platform.store.visibility import Viewer, visible

T = TypeVar("T")


async def put_star(request: web.Request) -> web.Response:
    """PUT /recordings/:id/star {starred}."""
    wanted, now = await body(request, StarBody), platform(request).clock()
    return await _changed(request, lambda s, v, one: changes.set_star(s, v, one, wanted.starred, now=now))


async def put_hold(request: web.Request) -> web.Response:
    """PUT /recordings/:id/hold {held, reason}: administrators; a recording on hold is deleted by nobody and nothing."""
    wanted, now = await body(request, HoldBody), platform(request).clock()
    return await _changed(request, lambda s, v, one: changes.set_hold(s, v, one, wanted.held, wanted.reason, now=now))


async def put_retention(request: web.Request) -> web.Response:
    """PUT /recordings/:id/retention {expiry_time}: administrators."""
    wanted, now = await body(request, RetentionBody), platform(request).clock()
    return await _changed(request, lambda s, v, one: changes.set_retention(s, v, one, wanted.expiry_time, now=now))


async def list_notes(request: web.Request) -> web.Response:
    """GET /recordings/:id/notes, oldest first."""
    parameters(request)
    own, found = await _with(request, detail.notes)
    to = links(request)
    return web.json_response({"self": f"{own}/notes", "notes": [_note_json(note, own, to) for note in found]})


async def create_note(request: web.Request) -> web.Response:
    """POST /recordings/:id/notes {text}."""
    wanted, now = await body(request, NoteBody), platform(request).clock()

    def work(session: Session, viewer: Viewer, one: int) -> NoteView:
        note_id = changes.add_note(session, viewer, one, wanted.text, now=now)
        return next(note for note in detail.notes(session, viewer, one) if note.id == note_id)

    own, note = await _with(request, work)
    return web.json_response(_note_json(note, own, links(request)), status=201)


async def delete_note(request: web.Request) -> web.Response:
    """DELETE /recordings/:id/notes/:note: one's own, administrators anybody's."""
    parameters(request)
    note, now = request.match_info["note"], platform(request).clock()
    if not re.fullmatch(r"[1-9][0-9]{0,17}", note, re.ASCII):
        raise not_found()
    await _with(request, lambda s, v, one: changes.delete_note(s, v, one, int(note), now=now))
    return web.json_response({})


async def list_shares(request: web.Request) -> web.Response:
    """GET /recordings/:id/shares: the links that are good now, newest first, without their secrets."""
    parameters(request)
    now = platform(request).clock()
    own, found = await _with(request, lambda s, v, one: sharing.shares(s, v, one, now=now))
    to = links(request)
    return web.json_response({"self": f"{own}/shares", "shares": [_share_json(share, own, to) for share in found]})


async def create_share(request: web.Request) -> web.Response:
    """POST /recordings/:id/shares {expires_at}: ``share_url`` is shown this once."""
    wanted, known = await body(request, ShareBody), platform(request)

    def work(session: Session, viewer: Viewer, one: int) -> sharing.NewShare:
        return sharing.share(session, viewer, one, expires_at=wanted.expires_at, now=known.clock(), ids=known.ids)

    own, made = await _with(request, work)
    answer = _share_json(made.share, own, links(request))
    answer["share_url"] = f"{links(request).origin}/app/shared/{made.token}"
    return web.json_response(answer, status=201, headers={"Cache-Control": "no-store"})


async def delete_share(request: web.Request) -> web.Response:
    """DELETE /recordings/:id/shares/:share: the link is good no more."""
    parameters(request)
    share = request.match_info["share"]
    await _with(request, lambda s, v, one: sharing.unshare(s, v, one, share))
    return web.json_response({})


async def list_markers(request: web.Request) -> web.Response:
    """GET /recordings/:id/markers: announcements, tones, codes, pauses, holds and gaps, in order of time."""
    parameters(request)
    own, found = await _with(request, lambda s, v, one: markers_of(visible(s, v, one)))
    return web.json_response({"self": f"{own}/markers", "markers": [_marker_json(marker) for marker in found]})


async def _with(request: web.Request, work: Callable[[Session, Viewer, int], T]) -> tuple[str, T]:
    """The recording's address, and what ``work`` answers in one transaction."""
    one, viewer = recording_id_of(request.match_info["recording"]), caller(request).viewer
    answer = await run(request, lambda session: work(session, viewer, one))
    return links(request).to("recordings", str(one)), answer


async def _changed(request: web.Request, work: Callable[[Session, Viewer, int], None]) -> web.Response:
    """Change it, show it."""

    def change(session: Session, viewer: Viewer, one: int) -> Recording:
        work(session, viewer, one)
        return visible(session, viewer, one)

    _, recording = await _with(request, change)
    return await answer_one(request, recording)


def _note_json(note: NoteView, recording: str, to: Links) -> Json:
    return {
        "self": f"{recording}/notes/{note.id}",
        "id": str(note.id),
        "recording": recording,
        "author": note.author,
        "text": note.text,
        "date_created": to.date(note.date_created),
    }


def _share_json(share: ShareView, recording: str, to: Links) -> Json:
    return {
        "self": f"{recording}/shares/{share.id}",
        "id": share.id,
        "recording": recording,
        "author": share.author,
        "expires_at": to.date(share.expires_at),
        "date_created": to.date(share.date_created),
    }


def _marker_json(marker: Marker) -> Json:
    return {
        "kind": marker.kind.value,
        "at": marker.at_s,
        "length": marker.length_s,
        "channel": marker.channel,
        "detail": marker.word,
    }
