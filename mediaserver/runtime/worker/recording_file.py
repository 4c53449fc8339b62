"""The files of one open recording: what is written where, and what is told at the end. Blocking; one thread at a time.

``audio.part`` (WAV PCM16 stereo, or its encrypted chunks), ``heard.part`` (FLAC, four tracks, when asked for) and
``marks.jsonl``. Every block is in the page cache when ``write`` returns, so that a killed process loses nothing that
was handed over; ``sync`` bounds what a power cut takes.

A block that could not be written is owed: silence of its length goes in before the next one, so that what follows stays
in its place, and the recording is told as not complete.
"""

from __future__ import annotations

import hashlib
import io
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from callmodel.errors import SpoolError
from callmodel.manifest import Mark, MarkKind
from mediaserver.media.messages import RecordingDestroyed, RecordingFailed, RecordingFinished, StartRecording
from mediaserver.media.sink import RecordingEnd, SinkResult
from mediaserver.runtime.turns import give_way
from spool.chunks import ChunkReader, create, write_whole
from spool.disk import Disk
from spool.errors import disk_errors
from spool.layout import AUDIO_PART, HEARD_PART, MARKS_FILE
from spool.marks import mark_line
from spool.wav import make_header
from spool.writer import PartWriter, WriterFile, open_writer

FLAC_HEAD_BYTES = 42
"""``fLaC`` and STREAMINFO, which the encoder completes at the end."""
HEARD_TRACKS = 4
_READ_BYTES = 1 << 18
_FRAME_BYTES = 4


class RecordingFile:
    """Opens in the constructor; never raises: what goes wrong is in ``news``."""

    def __init__(self, start: StartRecording) -> None:
        self.news: list[SinkResult] = []
        self._start = start
        self._directory = Path(start.directory)
        self._audio: PartWriter | None = None
        self._marks: io.FileIO | None = None
        self._heard: _HeardFile | None = None
        self._gaps: list[tuple[int, int]] = []
        self._owed = 0
        self._written = 0
        self._complete = True
        self._reason = ""
        try:
            self._audio = open_writer(self._directory / AUDIO_PART, head=self._header(0), data_key=start.key)
            self._marks = create(self._directory / MARKS_FILE)
            if start.heard:
                self._heard = _HeardFile(self._directory / HEARD_PART, start.sample_rate_hz, start.key)
        except (SpoolError, OSError, soundfile.SoundFileError) as error:
            self.fail(_reason(error))

    def write(self, block: NDArray[np.int16]) -> None:
        """(n, 2) samples after those before, or owed when the disk does not take them."""
        if not self._pay() or not self._append(block):
            self.owe(len(block))

    def write_heard(self, block: NDArray[np.int16]) -> None:
        """(n, 4) samples; a fault costs this track file only."""
        if self._heard is not None and not self._heard.write(block):
            self.lose_heard("disk-error")

    def lose_heard(self, reason: str) -> None:
        """The four tracks miss a block and would not fit the recording any more: they end here."""
        if self._heard is not None:
            self._heard.abandon()
            self._heard = None
            self.fail(reason)

    def mark(self, mark: Mark) -> None:
        """Append a line for a later salvage."""
        if self._marks is not None:
            try:
                with disk_errors():
                    write_whole(self._marks, mark_line(mark))
            except SpoolError as error:
                self.fail(_reason(error))

    def owe(self, samples: int) -> None:
        """These were handed over and are not in the file."""
        if not self._owed:
            self._gaps.append((self._written, 0))
        place, length = self._gaps[-1]
        self._gaps[-1] = (place, length + samples)
        self._owed += samples
        self._complete = False

    def fail(self, reason: str) -> None:
        """Tell RecordingFailed, once."""
        self._complete = False
        if not self._reason:
            self._reason = reason
            self.news.append(RecordingFailed(recording_id=self._start.recording_id, reason=reason))

    def sync(self) -> None:
        """Bring what was written to the platter."""
        try:
            Disk().sync_file(self._directory / AUDIO_PART)
        except SpoolError as error:
            self.fail(_reason(error))

    def finish(self, end: RecordingEnd) -> None:
        """Close everything, and tell the end: destroyed, or finished with size and digest."""
        if not end.keep:
            self._destroy()
            return
        self._pay()
        self._close_marks()
        if self._audio is None:
            self._destroy()
            return
        try:
            self.news.append(self._sealed(end, self._audio))
        except (SpoolError, OSError) as error:
            self.abandon()
            self.fail(_reason(error))
            self.news.append(self._unsealed(end))
        self._audio = None

    def abandon(self) -> None:
        """Close the files as they are."""
        self._close_marks()
        if self._heard is not None:
            self._heard.abandon()
        if self._audio is not None:
            with suppress(SpoolError):
                self._audio.abandon()
        self._audio = self._heard = None

    # --- inside -----------------------------------------------------------------------

    def _append(self, block: NDArray[np.int16]) -> bool:
        if self._audio is None:
            return False
        try:
            self._audio.append(block.astype("<i2", copy=False).tobytes())
        except SpoolError as error:
            self.fail(_reason(error))
            return False
        self._written += len(block)
        return True

    def _pay(self) -> bool:
        """Write the silence that is owed, a second at a time; whether nothing is owed any more."""
        while self._owed:
            piece = min(self._owed, self._start.sample_rate_hz)
            if not self._append(np.zeros((piece, 2), np.int16)):
                return False
            self._owed -= piece
        return True

    def _sealed(self, end: RecordingEnd, audio: PartWriter) -> RecordingFinished:
        audio.set_head(self._header(self._written))
        audio.finish()
        size, digest = self._digest(AUDIO_PART)
        heard = None
        if self._heard is not None and self._heard.finish():
            heard = (self._heard.samples, *self._digest(HEARD_PART))
        return self._told_end(end, size, digest, heard)

    def _unsealed(self, end: RecordingEnd) -> RecordingFinished:
        return self._told_end(end, 0, "", None)

    def _told_end(
        self, end: RecordingEnd, size: int, digest: str, heard: tuple[int, int, str] | None
    ) -> RecordingFinished:
        complete = self._complete and self._written == end.samples
        return RecordingFinished(
            recording_id=self._start.recording_id,
            sample_rate_hz=self._start.sample_rate_hz,
            samples=self._written,
            size_bytes=size,
            sha256=digest,
            encrypted=self._start.key is not None,
            heard=heard,
            marks=tuple(sorted((*end.marks, *self._gap_marks(end.marks)), key=lambda mark: mark.file_ms)),
            first_sample_at=end.first_sample_at,
            complete=complete,
        )

    def _gap_marks(self, marks: tuple[Mark, ...]) -> list[Mark]:
        """What was owed, as marks; the call's clock is ahead of the file's by the pauses that were cut out."""
        ms = 1000 / self._start.sample_rate_hz
        cut = [m for m in marks if m.kind is MarkKind.PAUSE and self._start.pause_rendering == "cut"]
        start_ms = (self._start.at - self._start.answered_at) * 1000
        return [
            Mark(
                kind=MarkKind.GAP,
                file_ms=place * ms,
                call_ms=start_ms + place * ms + sum(m.length_ms for m in cut if m.file_ms <= place * ms),
                length_ms=length * ms,
                detail={"reason": self._reason},
            )
            for place, length in self._gaps
        ]

    def _digest(self, name: str) -> tuple[int, str]:
        """Size and SHA-256 of the plain file; read back, because its head was written last."""
        digest, size = hashlib.sha256(), 0
        with disk_errors(), self._open_plain(self._directory / name) as file:
            while piece := file.read(_READ_BYTES):
                digest.update(piece)
                size += len(piece)
                give_way()
        return size, digest.hexdigest()

    def _open_plain(self, path: Path) -> BinaryIO | ChunkReader:
        return path.open("rb") if self._start.key is None else ChunkReader(path, self._start.key)

    def _destroy(self) -> None:
        self.abandon()
        try:
            for name in (AUDIO_PART, HEARD_PART, MARKS_FILE):
                Disk().unlink(self._directory / name)
        except SpoolError as error:
            self.fail(_reason(error))
            return
        self.news.append(RecordingDestroyed(recording_id=self._start.recording_id))

    def _close_marks(self) -> None:
        if self._marks is not None:
            self._marks.close()
        self._marks = None

    def _header(self, samples: int) -> bytes:
        rate = self._start.sample_rate_hz
        return make_header(sample_rate_hz=rate, channels=2, data_bytes=samples * _FRAME_BYTES)


class _HeardFile:
    """``heard.part``: four tracks as FLAC, through the spool's writer. The encoder must not meet an exception."""

    def __init__(self, path: Path, sample_rate_hz: int, key: bytes | None) -> None:
        self.samples = 0
        self._writer = open_writer(path, head=bytes(FLAC_HEAD_BYTES), data_key=key)
        self._file = _Patient(self._writer)
        self._encoder = soundfile.SoundFile(
            self._file, "w", sample_rate_hz, HEARD_TRACKS, "PCM_16", format="FLAC", compression_level=0.0
        )

    def write(self, block: NDArray[np.int16]) -> bool:
        """Whether all went well up to now."""
        if self._file.fault is None:
            self._encoder.write(block)
            self.samples += len(block)
        return self._file.fault is None

    def finish(self) -> bool:
        """Complete and sync the file; whether it is whole."""
        self._encoder.close()
        if self._file.fault is not None:
            with suppress(SpoolError):
                self._writer.abandon()
            return False
        self._file.close()
        return self._file.fault is None

    def abandon(self) -> None:
        """Close as it is."""
        self._encoder.close()
        with suppress(SpoolError):
            self._writer.abandon()


class _Patient(WriterFile):
    """Keeps the first error instead of raising it into the encoder's C code."""

    def __init__(self, writer: PartWriter) -> None:
        super().__init__(writer, FLAC_HEAD_BYTES)
        self.fault: Exception | None = None

    def write(self, data: object, /) -> int:
        """Everything counts as written once there was a fault."""
        if self.fault is None:
            try:
                return super().write(data)
            except (SpoolError, OSError) as error:
                self.fault = error
        return len(data)  # type: ignore[arg-type]

    def close(self) -> None:
        """Finish the file beneath."""
        try:
            super().close()
        except (SpoolError, OSError) as error:
            self.fault = error


def _reason(error: Exception) -> str:
    """The slug of RecordingFailed."""
    return "disk-full" if getattr(error, "reason", "") == "disk-full" else "disk-error"
