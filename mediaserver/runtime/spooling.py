"""The recordings of live calls on disk: a call's effects on the spool, carried out."""

from __future__ import annotations

import structlog

from callmodel.errors import SpoolError
from mediaserver.call import effects as do
from mediaserver.call.inputs import RecordingUnavailable
from mediaserver.media import messages as media
from mediaserver.runtime.live_call import LiveCall
from mediaserver.runtime.recordings import RecordingStore

_log = structlog.get_logger()

Settling = do.KeepSpool | do.SealSpool | do.DestroySpool | do.SalvageSpool
"""What becomes of a recording that was opened."""


class Spooling:
    """For all calls of the hub."""

    def __init__(self, recordings: RecordingStore, *, capture_heard: bool) -> None:
        """``capture_heard``: also keep what each party said and heard, on four tracks."""
        self._recordings = recordings
        self._capture_heard = capture_heard

    def open(self, live: LiveCall, effect: do.OpenSpool) -> None:
        """Make its directory and have the worker write there; a disk that will not is told to the call."""
        recording_id = effect.manifest.recording_id
        try:
            opened = self._recordings.open(effect)
        except SpoolError as error:
            _log.error("recording.unopened", recording=recording_id, reason=error.reason, error=str(error))
            live.inbox.append(RecordingUnavailable(recording_id=recording_id, reason=error.reason))
            return
        config = live.call.context.config
        live.worker.send(
            media.StartRecording(
                call_id=live.call.call_id,
                recording_id=recording_id,
                user_leg=effect.user_leg,
                other_leg=effect.other_leg,
                directory=str(opened.directory),
                sample_rate_hz=effect.sample_rate_hz,
                at=effect.at,
                answered_at=effect.answered_at,
                key=opened.data_key,
                heard=self._capture_heard and not effect.mailbox,
                pause_rendering=config.pause_rendering,
                mask_digits=config.mask_digits,
            )
        )

    def settle(self, effect: Settling) -> None:
        """Keep, seal, destroy or salvage it."""
        match effect:
            case do.KeepSpool(recording_id=recording_id):
                self._keep(recording_id)
            case do.SealSpool(manifest=manifest):
                self._recordings.seal(manifest)
            case do.DestroySpool(recording_id=recording_id):
                self._recordings.destroy(recording_id)
            case do.SalvageSpool(recording_id=recording_id):
                self._recordings.salvage(recording_id)

    def _keep(self, recording_id: str) -> None:
        try:
            self._recordings.keep(recording_id)
        except SpoolError as error:
            _log.error("recording.keep-unwritten", recording=recording_id, reason=error.reason, error=str(error))
