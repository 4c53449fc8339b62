"""A recording's sound for its player: who is on which channel, the waveform, the marks."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from dubber_platform.api.context import Platform
from dubber_platform.api.recordings import WAVEFORM_POINTS
from dubber_platform.portal.marks import ShownMark, marks_of
from dubber_platform.store.audio import AudioError, inspect_audio
from dubber_platform.store.detail import markers_of
from dubber_platform.store.schema import Recording
from dubber_platform.store.visibility import ACTIVE
from webkit.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the player is drawn from."""

    names: tuple[str, ...]
    """Of the channels: the recorded user, then everyone else; empty when both are on one channel."""
    marks: tuple[ShownMark, ...]


def names_of(recording: Recording) -> tuple[str, str]:
    """The recorded user, and the other party."""
    caller = recording.from_label or recording.from_
    called = recording.to_label or recording.to
    return (called, caller) if recording.call_type == "inbound" else (caller, called)


async def heard(visit: Visit, own: Platform, recording: Recording) -> Heard | None:
    """None when there is no audio."""
    if recording.status != ACTIVE or recording.media_type is None:
        return None
    path = own.files.audio_path(recording.id, recording.media_type)
    try:
        facts = await visit.run(inspect_audio, path)
    except (FileNotFoundError, AudioError):
        return None
    names = names_of(recording)
    marks = marks_of(visit.t, markers_of(recording), names)
    return Heard(names=names if facts.channels > 1 else (), marks=marks)


async def waveform(visit: Visit, own: Platform, recording: Recording) -> web.StreamResponse:
    """The peaks in the player's form; HTTPNotFound when there is no audio."""
    if recording.status != ACTIVE or recording.media_type is None:
        raise web.HTTPNotFound
    try:
        peaks = await visit.run(own.files.peaks, recording.id, recording.media_type, WAVEFORM_POINTS)
    except FileNotFoundError as error:
        raise web.HTTPNotFound from error
    return visit.json({"duration_s": peaks.duration_s, "peaks": peaks.channels})
