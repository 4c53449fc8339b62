"""``mediaserver users``: import, export, list, set, remove; on a stopped and on a running server alike."""

from __future__ import annotations

import secrets
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from callmodel.modes import Language, NotificationType, RecordingMode
from callmodel.subscriber import REMINDER_MAX_S, REMINDER_MIN_S, Subscriber
from catalog import Actor, EnablingError, GroupIdMissing, UsersFileError, is_number, make_credentials
from catalog.enabling import Edit, edit_subscribers, remove_subscriber
from catalog.installing import install_configured
from catalog.users_file import FileFormat, export_users, import_users
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

_ACTOR: Final = Actor(name="command line")

app = typer.Typer(no_args_is_help=True, help="Subscribers of the carrier.")

FormatOption = Annotated[
    FileFormat | None, typer.Option("--format", help="csv or yaml; by the file's ending when not said.")
]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV with a header, or YAML with the same names.")],
    file_format: FormatOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add and change subscribers from a file; of a file with an error nothing is applied."""
    settings = settings_for(config, data_dir)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}", Exit.WRONG_USE) from error
    with open_catalog(settings) as catalog:
        try:
            install_configured(catalog, settings.uploader.group_id, now=datetime.now(UTC))
            done = import_users(
                catalog, data, _format(file_format, file), realm=settings.domain, actor=_ACTOR, now=datetime.now(UTC)
            )
        except UsersFileError as error:
            raise CommandError(f"{file}: {error}. Nothing was applied", Exit.WRONG_USE) from error
        except EnablingError as error:
            raise CommandError(f"{file}: {_how_to_enable(error)} Nothing was applied.", Exit.WRONG_USE) from error
        except ValueError as error:
            raise CommandError(f"{error}. Nothing was applied", Exit.WRONG_USE) from error
    if as_json:
        print_json({"added": done.added, "changed": done.changed})
    else:
        out.print(f"{len(done.added)} added, {len(done.changed)} changed")


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="Where to; standard output when not said.")] = None,
    file_format: FormatOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Write all subscribers, without passwords, in the form that import reads."""
    with open_catalog(settings_for(config, data_dir)) as catalog:
        text = export_users(catalog.subscribers.list(), _format(file_format, file))
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from error


@app.command("list")
def list_(config: ConfigOption = None, data_dir: DataDirOption = None, as_json: JsonOption = False) -> None:
    """Show all subscribers."""
    with open_catalog(settings_for(config, data_dir)) as catalog:
        subscribers = catalog.subscribers.list()
    if as_json:
        print_json([_shown(subscriber) for subscriber in subscribers])
        return
    print_table(
        ("number", "name", "mode", "announce", "notification", "reminder", "voicemail"),
        (
            (
                s.number,
                s.name,
                s.recording.mode,
                _announces(s),
                s.recording.notification,
                f"{s.recording.reminder_s} s" if s.recording.reminder_s else "-",
                ("recorded" if s.recording.record_voicemail else "mailbox") if s.mailbox else "-",
            )
            for s in subscribers
        ),
        empty="No subscribers yet. Add one: mediaserver users set 1001 --password -",
    )


@app.command("set")
def set_(
    number: Annotated[str, typer.Argument(help="The subscriber; made when there is none.")],
    name: Annotated[str | None, typer.Option(help="Shown to called parties.")] = None,
    language: Annotated[Language | None, typer.Option(help="Of prompts.")] = None,
    mode: Annotated[RecordingMode | None, typer.Option(help="When calls are recorded.")] = None,
    announce_internal: Annotated[bool | None, typer.Option(help="Start/stop announcement on internal calls.")] = None,
    announce_pstn: Annotated[bool | None, typer.Option(help="Start/stop announcement on outside calls.")] = None,
    notification: Annotated[NotificationType | None, typer.Option(help="Of pause and resume.")] = None,
    reminder: Annotated[int | None, typer.Option(help="Seconds between reminder tones, 10-1800; 0 is off.")] = None,
    record_voicemail: Annotated[bool | None, typer.Option(help="Messages become recordings.")] = None,
    mailbox: Annotated[bool | None, typer.Option(help="Takes messages when not answering.")] = None,
    no_answer: Annotated[
        int | None, typer.Option(help="Seconds of ringing before the mailbox.", min=1, max=600)
    ] = None,
    password: Annotated[str | None, typer.Option(help="SIP password; '-' makes one up and prints it.")] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change one subscriber; calls answered from now on follow."""
    settings = settings_for(config, data_dir)
    if not is_number(number):
        raise CommandError(f"{number!r} is no number: use 1 to 32 of 0-9 a-z + - _ .", Exit.WRONG_USE)
    if reminder is not None and reminder != 0 and not REMINDER_MIN_S <= reminder <= REMINDER_MAX_S:
        raise CommandError(f"--reminder: use {REMINDER_MIN_S} to {REMINDER_MAX_S}, or 0 for none", Exit.WRONG_USE)
    changes = {"name": name, "language": language, "mailbox": mailbox, "no_answer_s": no_answer}
    recording = {
        "mode": mode,
        "announce_internal": announce_internal,
        "announce_pstn": announce_pstn,
        "notification": notification,
        "record_voicemail": record_voicemail,
    }

    def change(before: Subscriber) -> Subscriber:
        settings_after = replace(before.recording, **_said(recording))
        if reminder is not None:
            settings_after = replace(settings_after, reminder_s=reminder or None)
        return replace(before, **_said(changes), recording=settings_after)

    secret = secrets.token_urlsafe(12) if password == "-" else password  # noqa: S105 -- a marker, no password
    credentials = None if secret is None else make_credentials(number, settings.domain, secret)
    edit = Edit(number=number, apply=change, credentials=credentials)
    with open_catalog(settings) as catalog:
        now = datetime.now(UTC)
        try:
            install_configured(catalog, settings.uploader.group_id, now=now)
            done = edit_subscribers(catalog, [edit], domain=settings.domain, actor=_ACTOR, now=now)
        except EnablingError as error:
            raise CommandError(_how_to_enable(error), Exit.WRONG_USE) from error
        except ValueError as error:
            raise CommandError(str(error), Exit.WRONG_USE) from error
    (after,) = done.saved
    shown = _shown(after) | ({"password": secret} if password == "-" else {})  # noqa: S105 -- as above
    if as_json:
        print_json(shown)
        return
    out.print(f"{number} is set: {after.recording.mode}")
    if password == "-":  # noqa: S105 -- as above
        out.print(f"password {secret}")


@app.command()
def remove(
    number: Annotated[str, typer.Argument(help="The subscriber.")],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Remove a subscriber; recordings stay."""
    with open_catalog(settings_for(config, data_dir)) as catalog:
        if not remove_subscriber(catalog, number, actor=_ACTOR, now=datetime.now(UTC)):
            raise CommandError(f"there is no subscriber {number}", Exit.WRONG_USE)
    out.print(f"{number} is removed")


def _how_to_enable(error: EnablingError) -> str:
    """What is missing before a user can be enabled, and the two ways to get it."""
    page = "/admin, My account, Profile"
    there = f"Accept them in the portal ({page})"
    if isinstance(error, GroupIdMissing):
        there = f"Install call recording in the provider's portal ({page}, Install call recording)"
    return f"{error}. {there}, or set group_id in the table [uploader] of the configuration; then enable the user."


def _format(said: FileFormat | None, file: Path | None) -> FileFormat:
    if said is not None:
        return said
    return FileFormat.YAML if file is not None and file.suffix.lower() in (".yaml", ".yml") else FileFormat.CSV


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _announces(subscriber: Subscriber) -> str:
    on = [
        word
        for word, is_on in (
            ("internal", subscriber.recording.announce_internal),
            ("PSTN", subscriber.recording.announce_pstn),
        )
        if is_on
    ]
    return ", ".join(on) or "-"


def _shown(subscriber: Subscriber) -> dict[str, Any]:
    return asdict(subscriber)
