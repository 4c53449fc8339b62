"""Users in a file: CSV with a header, or a YAML list with the same names.

CSV has commas, or semicolons as spreadsheets write them where the comma is the decimal mark; such a spreadsheet also
writes ``true`` as TRUE or VRAI. Only ``number`` is required. A column that is not there, or an empty cell, leaves
the setting as it is (its default for a new user); two cells mean something when
empty: ``name`` is no name, ``reminder_s`` is off. An error names row and column,
and nothing of a bad file is applied. Passwords come in, are hashed, and never go out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import yaml

from callmodel.modes import Language, NotificationType, RecordingMode
from callmodel.subscriber import REMINDER_MAX_S, REMINDER_MIN_S, Subscriber
from catalog.audit import Actor
from catalog.credentials import make_credentials
from catalog.enabling import Edit, edit_subscribers
from catalog.errors import UsersFileError
from catalog.store import Catalog
from catalog.subscribers import SERVICE_NUMBERS, is_number

COLUMNS = (
    "number",
    "password",
    "name",
    "language",
    "mode",
    "announce_internal",
    "announce_pstn",
    "notification",
    "reminder_s",
    "record_voicemail",
    "mailbox",
)
EXPORTED = tuple(column for column in COLUMNS if column != "password")
MAX_FILE_BYTES = 4 << 20
MAX_ROWS = 20_000
MAX_NAME_CHARS = 128
MAX_PASSWORD_CHARS = 128

_IN_RECORDING = frozenset(
    {"mode", "announce_internal", "announce_pstn", "notification", "reminder_s", "record_voicemail"}
)
_MEANT_WHEN_EMPTY = frozenset({"name", "reminder_s"})
_FLAGS = {"true": True, "vrai": True, "false": False, "faux": False}
_YAML_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_YAML_FRAME = (yaml.StreamStartEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent, yaml.StreamEndEvent)
# The C reader is a hundred times faster; it is in every published wheel, but not in every build.
_YamlLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class FileFormat(StrEnum):
    """How a file of users is written."""

    CSV = "csv"
    YAML = "yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did."""

    added: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """One user of a file: the checked values of the cells that say something."""

    row: int
    number: str
    values: Mapping[str, Any]


def import_users(
    catalog: Catalog, data: bytes, file_format: FileFormat, *, realm: str, actor: Actor, now: datetime
) -> Imported:
    """Apply a whole file in one transaction, or apply nothing.

    UsersFileError for a file that is wrong; GroupIdMissing, TermsNotAccepted when it switches recording on too early.
    """
    edits = [edit_of(row, realm) for row in parse_users(data, file_format)]
    edited = edit_subscribers(catalog, edits, domain=realm, actor=actor, now=now)
    return Imported(added=edited.added, changed=edited.changed)


def edit_of(row: UserRow, realm: str) -> Edit:
    """The change that a row asks for."""
    password = row.values.get("password")
    return Edit(
        number=row.number,
        apply=lambda before: _applied(before, row.values),
        credentials=None if password is None else make_credentials(row.number, realm, password),
    )


def export_users(subscribers: Iterable[Subscriber], file_format: FileFormat) -> str:
    """The same columns without passwords; importing it changes nothing."""
    rows = [_exported(subscriber) for subscriber in subscribers]
    if file_format is FileFormat.YAML:
        return yaml.safe_dump(rows, sort_keys=False, allow_unicode=True) if rows else "[]\n"
    text = io.StringIO()
    writer = csv.DictWriter(text, EXPORTED, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell_text(value) for name, value in row.items()})
    return text.getvalue()


def parse_users(data: bytes, file_format: FileFormat) -> tuple[UserRow, ...]:
    """Check a whole file without applying it; UsersFileError names the first thing wrong."""
    if len(data) > MAX_FILE_BYTES:
        raise UsersFileError(f"the file is larger than {MAX_FILE_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsersFileError("the file is not UTF-8", row=data.count(b"\n", 0, error.start) + 1) from error
    cells = _csv_rows(text) if file_format is FileFormat.CSV else _yaml_rows(text)
    seen: dict[str, int] = {}
    users: list[UserRow] = []
    for row, record in cells:
        if len(users) == MAX_ROWS:
            raise UsersFileError(f"more than {MAX_ROWS} users", row=row)
        user = _checked(row, record)
        if user.number in seen:
            raise UsersFileError(f"{user.number} is in row {seen[user.number]} already", row=row, column="number")
        seen[user.number] = row
        users.append(user)
    return tuple(users)


def _csv_rows(text: str) -> Iterable[tuple[int, Mapping[str, str]]]:
    header_line = text.split("\n", 1)[0]
    separator = ";" if ";" in header_line and "," not in header_line else ","
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    line = 1
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header)
        while True:
            line = reader.line_num + 1
            cells = next(reader, None)
            if cells is None:
                return
            if not any(cells):
                continue
            if len(cells) != len(header):
                raise UsersFileError(f"{len(cells)} cells under {len(header)} columns", row=line)
            yield line, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise UsersFileError(f"not readable as CSV: {error}", row=line) from error


def _check_header(header: list[str]) -> None:
    for name in header:
        _check_column(name, 1)
        if header.count(name) > 1:
            raise UsersFileError("the column is there twice", row=1, column=name)
    if "number" not in header:
        raise UsersFileError("the header has no such column", row=1, column="number")


def _yaml_rows(text: str) -> Iterable[tuple[int, Mapping[str, str]]]:
    # Read event by event, not loaded: every scalar stays the text it is (0123 is a number to dial), every place has
    # its line, and nothing nests or repeats beyond what a list of users needs.
    events = _yaml_events(text)
    root = next(events, None)
    if root is None:
        return
    if not isinstance(root, yaml.SequenceStartEvent):
        raise UsersFileError("the file must be a list of users", row=_line(root))
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            break
        if not isinstance(event, yaml.MappingStartEvent):
            raise UsersFileError("a user must be a mapping of names to values", row=_line(event))
        yield _line(event), _yaml_record(events)
    for event in events:
        raise UsersFileError("there is something after the list of users", row=_line(event))


def _yaml_record(events: Iterator[yaml.Event]) -> Mapping[str, str]:
    record: dict[str, str] = {}
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            break
        name = key.value if isinstance(key, yaml.ScalarEvent) else "?"
        _check_column(name, _line(key))
        if name in record:
            raise UsersFileError("the name is there twice", row=_line(key), column=name)
        value = next(events)
        if not isinstance(value, yaml.ScalarEvent):
            raise UsersFileError("must be a single value", row=_line(key), column=name)
        record[name] = "" if value.implicit[0] and value.value in _YAML_NULLS else value.value
    return record


def _yaml_events(text: str) -> Iterator[yaml.Event]:
    try:
        for event in yaml.parse(text, Loader=_YamlLoader):
            if not isinstance(event, _YAML_FRAME):
                yield event
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise UsersFileError(f"not readable as YAML: {error.problem}", row=line) from error
    except yaml.YAMLError as error:
        raise UsersFileError("not readable as YAML: a character that is not allowed") from error


def _line(event: yaml.Event) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark else 1


def _check_column(name: str, row: int) -> None:
    if name not in COLUMNS:
        raise UsersFileError(f"no such column; there are {', '.join(COLUMNS)}", row=row, column=name[:64] or "''")


def _checked(row: int, record: Mapping[str, str]) -> UserRow:
    values: dict[str, Any] = {}
    for column in COLUMNS:
        cell = record.get(column)
        if cell is None or (cell == "" and column not in _MEANT_WHEN_EMPTY):
            continue
        try:
            values[column] = _CHECKS[column](cell)
        except ValueError as error:
            raise UsersFileError(str(error), row=row, column=column) from error
    if "number" not in values:
        raise UsersFileError("every user needs one", row=row, column="number")
    return UserRow(row=row, number=values.pop("number"), values=values)


def _number(cell: str) -> str:
    if not is_number(cell):
        raise ValueError(f"{_shown(cell)} is not 1 to 32 of 0-9 a-z + - _ .")
    if cell in SERVICE_NUMBERS:
        raise ValueError(f"{cell} is a service number; choose another")
    return cell


def _password(cell: str) -> str:
    # The message does not repeat the cell.
    if len(cell) > MAX_PASSWORD_CHARS or not cell.isprintable():
        raise ValueError(f"must be at most {MAX_PASSWORD_CHARS} printable characters")
    return cell


def _name(cell: str) -> str:
    if len(cell) > MAX_NAME_CHARS or not cell.isprintable():
        raise ValueError(f"must be at most {MAX_NAME_CHARS} printable characters")
    return cell


def _one_of(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    def check(cell: str) -> StrEnum:
        try:
            return kind(cell)
        except ValueError:
            allowed = ", ".join(item.value for item in kind)
            raise ValueError(f"{_shown(cell)} is not one of: {allowed}") from None

    return check


def _flag(cell: str) -> bool:
    found = _FLAGS.get(cell.lower())
    if found is None:
        raise ValueError(f"{_shown(cell)} is neither true nor false")
    return found


def _reminder(cell: str) -> int | None:
    if cell == "":
        return None
    plain = cell.isascii() and cell.isdigit() and len(cell) <= 4
    if not plain or not REMINDER_MIN_S <= int(cell) <= REMINDER_MAX_S:
        raise ValueError(f"{_shown(cell)} is not a whole number from {REMINDER_MIN_S} to {REMINDER_MAX_S}")
    return int(cell)


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= 64 else cell[:64] + "…")


_CHECKS: Mapping[str, Callable[[str], Any]] = {
    "number": _number,
    "password": _password,
    "name": _name,
    "language": _one_of(Language),
    "mode": _one_of(RecordingMode),
    "announce_internal": _flag,
    "announce_pstn": _flag,
    "notification": _one_of(NotificationType),
    "reminder_s": _reminder,
    "record_voicemail": _flag,
    "mailbox": _flag,
}


def _applied(subscriber: Subscriber, values: Mapping[str, Any]) -> Subscriber:
    recording = {name: value for name, value in values.items() if name in _IN_RECORDING}
    own = {name: value for name, value in values.items() if name not in _IN_RECORDING and name != "password"}
    return replace(subscriber, **own, recording=replace(subscriber.recording, **recording))


def _exported(subscriber: Subscriber) -> dict[str, Any]:
    recording = subscriber.recording
    return {
        "number": subscriber.number,
        "name": subscriber.name,
        "language": subscriber.language.value,
        "mode": recording.mode.value,
        "announce_internal": recording.announce_internal,
        "announce_pstn": recording.announce_pstn,
        "notification": recording.notification.value,
        "reminder_s": recording.reminder_s,
        "record_voicemail": recording.record_voicemail,
        "mailbox": subscriber.mailbox,
    }


def _cell_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
