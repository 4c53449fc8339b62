"""The recordings of one call as files to be: each from its opening until it is sealed, destroyed or given up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from callmodel.manifest import AudioFile, Mark, MarkKind, RecordingManifest
from callmodel.manifest import Party as PartyFacts
from callmodel.modes import CallType as Direction
from callmodel.modes import RecordingResult, RecordingType
from callmodel.subscriber import Subscriber
from mediaserver.call.effects import DestroySpool, OpenSpool, SalvageSpool, SealSpool
from mediaserver.call.party import Party
from mediaserver.media import messages as media

if TYPE_CHECKING:
    from mediaserver.call.call import Call


@dataclass(slots=True, kw_only=True)
class Take:
    """One recording."""

    manifest: RecordingManifest
    """What is known at the start; audio facts are zero."""
    mailbox: bool = False
    closing: bool = False
    failed: bool = False
    """The worker knows it no more, or never did."""


class Takes:
    """All recordings of one call that are not over; one user's may follow each other."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._takes: dict[str, Take] = {}
        self.tracking_id = _uuid(call.context.ids.token(128))
        """What the recordings of a call have in common."""

    def __contains__(self, recording_id: str) -> bool:
        return recording_id in self._takes

    @property
    def busy(self) -> bool:
        """Recordings are still being written out."""
        return bool(self._takes)

    def begun_at(self, recording_id: str | None) -> datetime | None:
        """When a recording was opened; None when it is over."""
        take = None if recording_id is None else self._takes.get(recording_id)
        return None if take is None else take.manifest.started_at

    # --- to the worker ------------------------------------------------------------------------

    def open(
        self,
        party: Party,
        subscriber: Subscriber,
        *,
        external_call_id: str,
        now: float,
        kept: bool = True,
        recording_type: RecordingType = RecordingType.RECORDING,
        mailbox: bool = False,
    ) -> str:
        """Open one recording with ``party`` in channel 1; its id."""
        call, around = self._call, self._call.context.around
        recording_id = f"r-{call.context.ids.token(96)}"
        answered_at = call.answered_at if call.answered_at is not None else now
        started = around.wall(now)
        a, b = call.parties()
        manifest = RecordingManifest(
            recording_id=recording_id,
            call_id=call.call_id,
            user=subscriber.number,
            mode=subscriber.recording.mode,
            recording_type=recording_type,
            call_type=Direction.OUTBOUND if party is a else Direction.INBOUND,
            caller=PartyFacts(number=a.number, label=a.label),
            callee=PartyFacts(number=b.number, label=b.label),
            dub_point=subscriber.dub_point,
            external_tracking_id=self.tracking_id,
            external_call_id=external_call_id,
            sip_call_ids=self._call_ids(),
            answered_at=around.wall(answered_at),
            started_at=started,
            ended_at=started,
            duration_ms=0.0,
            audio=AudioFile(sample_rate_hz=self._rate_hz(), samples=0, size_bytes=0, sha256=""),
        )
        self._takes[recording_id] = Take(manifest=manifest, mailbox=mailbox)
        call.emit(
            OpenSpool(
                manifest=manifest,
                kept=kept,
                sample_rate_hz=self._rate_hz(),
                user_leg=party.media_leg,
                other_leg=call.other(party).media_leg,
                at=now,
                answered_at=answered_at,
                mailbox=mailbox,
            )
        )
        call.note("recording.opened", recording=recording_id, user=subscriber.number, kept=str(kept).lower())
        return recording_id

    def close(self, recording_id: str, *, keep: bool, now: float) -> None:
        """End a recording: the worker writes it out, or destroys it."""
        take = self._takes.get(recording_id)
        if take is not None and take.failed:
            self.give_up(recording_id, keep=keep)
        elif take is not None and not take.closing:
            take.closing = True
            self._call.to_worker(media.FinishRecording(recording_id=recording_id, at=now, keep=keep))

    def close_all(self, now: float) -> None:
        """The call ended: what is open is kept."""
        for recording_id, take in self._takes.items():
            if not take.closing:
                self.close(recording_id, keep=True, now=now)

    def fail(self, recording_id: str) -> None:
        """The worker cannot go on with it, or was never told of it."""
        self._takes[recording_id].failed = True

    def give_up(self, recording_id: str, *, keep: bool = True) -> None:
        """A recording that failed: nothing is to be expected of the worker about it any more."""
        if self._takes.pop(recording_id, None) is not None:
            self._call.to_worker(media.AbandonRecording(recording_id=recording_id))
            spool = SalvageSpool(recording_id=recording_id) if keep else DestroySpool(recording_id=recording_id)
            self._call.emit(spool)

    def give_up_all(self) -> None:
        """The worker is lost."""
        for recording_id in tuple(self._takes):
            self.give_up(recording_id)

    def mark(self, recording_id: str, kind: MarkKind, now: float, detail: tuple[tuple[str, str], ...]) -> None:
        """Note something on a recording's time line."""
        self._call.to_worker(media.MarkRecording(recording_id=recording_id, kind=kind, at=now, detail=detail))

    def mark_all(self, kind: MarkKind, now: float, detail: tuple[tuple[str, str], ...]) -> None:
        """Note something of the call on every open recording's time line."""
        for recording_id, take in self._takes.items():
            if not take.closing:
                self.mark(recording_id, kind, now, detail)

    # --- from the worker ----------------------------------------------------------------------

    def finished(self, event: media.RecordingFinished) -> None:
        """It is written: seal it."""
        take = self._takes.pop(event.recording_id, None)
        if take is None:
            return
        around = self._call.context.around
        started_at = around.wall(event.first_sample_at)
        duration_ms = event.samples * 1000 / event.sample_rate_hz
        manifest = replace(
            take.manifest,
            result=RecordingResult.SUCCESSFUL if event.complete else RecordingResult.FAILED,
            sip_call_ids=self._call_ids(),
            started_at=started_at,
            ended_at=started_at + timedelta(milliseconds=duration_ms + _paused_ms(event.marks)),
            duration_ms=duration_ms,
            audio=AudioFile(
                sample_rate_hz=event.sample_rate_hz,
                samples=event.samples,
                size_bytes=event.size_bytes,
                sha256=event.sha256,
                encrypted=event.encrypted,
            ),
            heard=_heard(event),
            marks=event.marks,
        )
        self._call.emit(SealSpool(manifest=manifest, finished=event, mailbox=take.mailbox))
        self._call.note("recording.sealed", recording=event.recording_id, duration_ms=f"{duration_ms:g}")

    def destroyed(self, recording_id: str) -> None:
        """Nothing is left of it at the worker."""
        if self._takes.pop(recording_id, None) is not None:
            self._call.emit(DestroySpool(recording_id=recording_id))
            self._call.note("recording.destroyed", recording=recording_id)

    # --- facts --------------------------------------------------------------------------------

    def _rate_hz(self) -> int:
        codecs = [party.sdp.codec for party in self._call.parties() if party.sdp.codec is not None]
        return max((codec.sample_rate_hz for codec in codecs), default=8000)

    def _call_ids(self) -> tuple[str, ...]:
        return tuple(party.sip_call_id for party in self._call.parties() if party.sip_call_id)


def _paused_ms(marks: tuple[Mark, ...]) -> float:
    return sum(
        mark.length_ms for mark in marks if mark.kind is MarkKind.PAUSE and mark.detail.get("rendering") == "cut"
    )


def _heard(event: media.RecordingFinished) -> AudioFile | None:
    if event.heard is None:
        return None
    samples, size_bytes, sha256 = event.heard
    return AudioFile(
        file="heard.flac",
        sample_rate_hz=event.sample_rate_hz,
        channels=4,
        samples=samples,
        size_bytes=size_bytes,
        sha256=sha256,
        encrypted=event.encrypted,
    )


def _uuid(token: str) -> str:
    return f"{token[:8]}-{token[8:12]}-{token[12:16]}-{token[16:20]}-{token[20:32]}"
