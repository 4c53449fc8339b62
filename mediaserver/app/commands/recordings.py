"""``mediaserver recordings`` and ``mediaserver uploads``: what was recorded, and where its delivery stands."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from callmodel.errors import SpoolError
from catalog import Catalog, JobState, RecordingRecord, UploadJob
from mediaserver.app.config import Settings
from mediaserver.app.console import (
    CommandError,
    ConfigOption,
    DataDirOption,
    Exit,
    JsonOption,
    open_catalog,
    out,
    print_json,
    print_table,
    settings_for,
)
from spool import AUDIO_FILE, load_key_file, open_plain, verify

app = typer.Typer(no_args_is_help=True, help="Finished recordings.")
uploads = typer.Typer(no_args_is_help=True, help="Delivery to Dubber.")

IdArgument = Annotated[str, typer.Argument(help="Recording id.")]


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Newest first, at most so many.")] = 50,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show recordings, newest first."""
    with open_catalog(settings_for(config, data_dir)) as catalog:
        records = catalog.recordings.list(limit=limit)
    if as_json:
        print_json([_summary(record) for record in records])
        return
    print_table(
        ("id", "started", "user", "from", "to", "length", "type", "result", "delivery"),
        (_row(record) for record in records),
        empty="No recordings yet. Place a call as a user whose mode is Always: mediaserver call --from 1001 --to 9002",
    )


@app.command()
def show(
    recording_id: IdArgument, config: ConfigOption = None, data_dir: DataDirOption = None, as_json: JsonOption = False
) -> None:
    """Show one recording: parties, times, and every mark with its place in the file and in the call."""
    with open_catalog(settings_for(config, data_dir)) as catalog:
        record = _get(catalog, recording_id)
    if as_json:
        typer.echo(record.manifest.to_json(), nl=False)
        return
    for key, value in _summary(record).items():
        out.print(f"{key:12} {value}")
    out.print("")
    print_table(
        ("file ms", "call ms", "length ms", "what", "channel", "detail"),
        (
            (f"{m.file_ms:.3f}", f"{m.call_ms:.3f}", f"{m.length_ms:.3f}", m.kind, m.channel or "both",
             " ".join(f"{k}={v}" for k, v in m.detail.items()))
            for m in record.manifest.marks
        ),
        empty="No marks: nothing was announced, paused, dialled or lost.",
    )  # fmt: skip


@app.command()
def export(
    recording_id: IdArgument,
    to: Annotated[Path, typer.Argument(help="File or directory to write the WAV and the manifest to.")],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Write a recording's audio, decrypted, and its manifest beside it."""
    settings = settings_for(config, data_dir)
    with open_catalog(settings) as catalog:
        record = _get(catalog, recording_id)
    audio = to / f"{recording_id}.wav" if to.is_dir() else to
    try:
        with (
            open_plain(_directory(record), at_rest_key=_key(settings), name=AUDIO_FILE) as source,
            audio.open("wb") as file,
        ):
            shutil.copyfileobj(source, file, 1 << 20)
        audio.with_suffix(".json").write_text(record.manifest.to_json(), "utf-8")
    except OSError as error:
        raise CommandError(f"{audio} cannot be written: {error.strerror}") from error
    out.print(str(audio))


@app.command("verify")
def verify_(
    recording_id: Annotated[str | None, typer.Argument(help="One recording; all when not said.")] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Check that audio on disk is what its manifest says, byte for byte."""
    settings = settings_for(config, data_dir)
    with open_catalog(settings) as catalog:
        records = (_get(catalog, recording_id),) if recording_id else catalog.recordings.list(limit=1_000_000)
    broken = 0
    local = [record for record in records if record.local]
    for record in local:
        try:
            verify(_directory(record), at_rest_key=_key(settings))
        except SpoolError as error:
            broken += 1
            out.print(f"{record.manifest.recording_id}: {error}")
    out.print(f"{len(local) - broken} fine, {broken} broken, {len(records) - len(local)} no longer here")
    if broken:
        raise typer.Exit(Exit.VERDICT_FAILED)


@uploads.command("list")
def list_uploads(
    state: Annotated[JobState | None, typer.Option(help="Only these.")] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show deliveries and where they stand."""
    with open_catalog(settings_for(config, data_dir)) as catalog:
        jobs = catalog.uploads.list(state=state)
    if as_json:
        print_json(
            [
                {
                    "recording_id": job.recording_id,
                    "state": job.state,
                    "attempts": job.attempts,
                    "next_at": job.next_at,
                    "last_error": job.last_error,
                    "remote_id": job.remote_id,
                }
                for job in jobs
            ]
        )
        return
    print_table(
        ("recording", "state", "failures", "next try", "at Dubber", "last error"),
        ((j.recording_id, j.state, j.attempts, _next_try(j), j.remote_id, j.last_error) for j in jobs),
        empty="Nothing to deliver.",
    )


def _next_try(job: UploadJob) -> str:
    """Only what waits is tried again by itself."""
    return f"{job.next_at:%Y-%m-%d %H:%M:%S}" if job.state is JobState.PENDING else ""


@uploads.command()
def retry(
    recording_id: Annotated[str | None, typer.Argument(help="Recording id; none with --all or --state.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every delivery that is parked or waits.")] = False,
    state: Annotated[JobState | None, typer.Option(help="Every delivery in this state: parked or pending.")] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Try parked or waiting deliveries again, now."""
    if sum((recording_id is not None, every, state is not None)) != 1:
        raise CommandError("name one recording, or --all, or --state parked", Exit.WRONG_USE)
    if state in (JobState.RUNNING, JobState.DONE):
        raise CommandError(f"a delivery that is {state} cannot be tried again", Exit.WRONG_USE)
    with open_catalog(settings_for(config, data_dir)) as catalog:
        if recording_id is not None:
            if not catalog.uploads.retry(recording_id, now=datetime.now(UTC)):
                raise CommandError(f"{recording_id} has no delivery that could be tried again", Exit.WRONG_USE)
            out.print("queued")
            return
        states = (JobState.PARKED, JobState.PENDING) if state is None else (state,)
        queued = catalog.uploads.retry_all(*states, now=datetime.now(UTC))
    out.print(f"{queued} queued")


@uploads.command()
def park(
    recording_id: IdArgument,
    reason: Annotated[str, typer.Option(help="For whoever looks later.")] = "parked by hand",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Take a delivery out of the queue until somebody retries it."""
    with open_catalog(settings_for(config, data_dir)) as catalog:
        if not catalog.uploads.park(recording_id, reason=reason, now=datetime.now(UTC)):
            raise CommandError(f"{recording_id} has no delivery that could be parked", Exit.WRONG_USE)
    out.print("parked")


def _get(catalog: Catalog, recording_id: str) -> RecordingRecord:
    record = catalog.recordings.get(recording_id)
    if record is None:
        raise CommandError(f"there is no recording {recording_id}; see mediaserver recordings list", Exit.WRONG_USE)
    return record


def _directory(record: RecordingRecord) -> Path:
    if not record.local:
        raise CommandError(
            f"{record.manifest.recording_id} was delivered and removed here; Dubber has it as {record.remote_id}"
        )
    return record.path


def _key(settings: Settings) -> bytes | None:
    file = settings.recording.at_rest_key_file
    return None if file is None else load_key_file(file)


def _summary(record: RecordingRecord) -> dict[str, Any]:
    m = record.manifest
    return {
        "recording_id": m.recording_id,
        "call_id": m.call_id,
        "user": m.user,
        "mode": m.mode,
        "type": m.recording_type,
        "result": m.result,
        "from": m.caller.number,
        "to": m.callee.number,
        "started_at": m.started_at.isoformat(),
        "duration_ms": m.duration_ms,
        "salvaged": m.salvaged,
        "path": str(record.path) if record.local else None,
        "upload_state": record.upload_state,
        "remote_id": record.remote_id,
    }


def _row(record: RecordingRecord) -> tuple[object, ...]:
    m = record.manifest
    return (
        m.recording_id,
        m.started_at.strftime("%Y-%m-%d %H:%M:%S"),
        m.user,
        m.caller.number,
        m.callee.number,
        f"{m.duration_ms / 1000:.2f} s",
        m.recording_type,
        "salvaged" if m.salvaged else m.result,
        record.upload_state or "-",
    )
