"""Reference pages made from the code itself: commands, settings, metrics."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import typer

from mediaserver.app.cli import app
from mediaserver.app.config import ENVIRONMENT_PREFIX, Settings
from mediaserver.app.metrics import METRICS

_NOTE: Final = "This page is drawn by `make docs` from {source}; a test checks that it is fresh. Do not edit it."


# --- commands -------------------------------------------------------------------------------------


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its full name."""
    yield from _below("mediaserver", typer.main.get_command(app))


def options_of(command: Any) -> set[str]:
    """Every flag a command takes."""
    return {"--help", *(flag for entry in _options(command) for flag in (*entry.opts, *entry.secondary_opts))}


def cli_page() -> str:
    """docs/cli.md."""
    parts = [
        "# Commands",
        _NOTE.format(source="the command line itself (`mediaserver/app/cli.py`)"),
        "Exit status: 0 fine, 1 a verdict failed, 2 wrong use, 3 could not run. `--help` works everywhere. "
        "The options `--config FILE` (also `MEDIASERVER_CONFIG`) and `--data-dir DIR` say which installation is meant.",
    ]
    parts += [_command(name, command) for name, command in commands()]
    return "\n\n".join(parts) + "\n"


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "list_commands"):
        yield name, command
        return
    for child in command.list_commands(None):
        yield from _below(f"{name} {child}", command.get_command(None, child))


def _options(command: Any) -> list[Any]:
    return [entry for entry in command.params if entry.opts[0].startswith("-") and entry.name != "help"]


def _command(name: str, command: Any) -> str:
    hints = get_type_hints(inspect.unwrap(command.callback))
    arguments = [entry for entry in command.params if not entry.opts[0].startswith("-")]
    usage = [name, *(_argument(entry) for entry in arguments)]
    needed = [f"{entry.opts[0]} {_value(hints[entry.name])}" for entry in _options(command) if entry.required]
    rows = [(f"`{_argument(entry)}`", "", entry.help or "") for entry in arguments]
    rows += [
        (", ".join(f"`{flag}`" for flag in (*entry.opts, *entry.secondary_opts)), *_about(entry, hints[entry.name]))
        for entry in _options(command)
    ]
    return "\n\n".join(
        (
            f"## {name}",
            inspect.cleandoc(command.help or ""),
            f"```sh\n{' '.join([*usage, *needed])} [OPTIONS]\n```",
            _grid(("option", "value", "meaning"), rows),
        )
    )


def _argument(entry: Any) -> str:
    name = str(entry.name).upper()
    return name if entry.required else f"[{name}]"


def _about(entry: Any, hint: Any) -> tuple[str, str]:
    flag = _plain(hint) is bool
    default = "" if entry.default in (None, False, ()) else f" Default: `{_shown(entry.default)}`."
    return "" if flag else _value(hint), f"{entry.help or ''}{default}"


def _value(hint: Any) -> str:
    kind = _plain(hint)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f"`{member.value}`" for member in kind)
    if get_origin(kind) is list:
        return f"{_value(get_args(kind)[0])} (may be repeated)"
    return {Path: "PATH", int: "NUMBER", float: "SECONDS"}.get(kind, "TEXT")


def _plain(hint: Any) -> Any:
    """The type without ``Annotated`` and ``None``."""
    if get_origin(hint) is Annotated:
        return _plain(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return _plain(next(kind for kind in get_args(hint) if kind is not NoneType))
    return hint


# --- settings -------------------------------------------------------------------------------------


def settings_page() -> str:
    """docs/configuration.md."""
    schema = Settings.model_json_schema()
    definitions = schema["$defs"]
    parts = [
        "# Configuration",
        _NOTE.format(source="the settings themselves (`mediaserver/app/config.py`)"),
        "A TOML file (`--config FILE`), then environment variables, then flags; what comes later wins. An unknown key "
        "is an error. `mediaserver config show` prints what is in force, `mediaserver config check` judges a file.",
        f"The variable of a setting is its name in capitals behind `{ENVIRONMENT_PREFIX}`; a table and its key are "
        "joined by two underscores: `MEDIASERVER_SIP_PORT=5062`, `MEDIASERVER_RECORDING__REFUSAL=silent`. Lists are "
        "separated by commas.",
    ]
    tables = list(_tables("", schema, Settings().model_dump(mode="json"), definitions))
    parts += [_table(name, table, defaults, definitions) for name, table, defaults in tables]
    return "\n\n".join(parts) + "\n"


def setting_defaults() -> dict[str, Any]:
    """Every setting by its dotted name, with its default as JSON has it."""
    return dict(_flat("", Settings().model_dump(mode="json")))


def _flat(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", value


def _tables(
    name: str, schema: dict[str, Any], defaults: dict[str, Any], definitions: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    yield name, schema, defaults
    for key, field in schema["properties"].items():
        if isinstance(defaults[key], dict):
            below = f"{name}.{key}" if name else key
            yield from _tables(below, _resolved(field, definitions), defaults[key], definitions)


def _table(name: str, schema: dict[str, Any], defaults: dict[str, Any], definitions: dict[str, Any]) -> str:
    rows = [
        (f"`{key}`", f"`{_shown(defaults[key])}`", _allowed(_resolved(field, definitions)), _told(field))
        for key, field in schema["properties"].items()
        if not isinstance(defaults[key], dict)
    ]
    title = f"## [{name}]" if name else "## Top of the file"
    about = f"{_told(schema)}\n\n" if name else ""
    return f"{title}\n\n{about}{_grid(('setting', 'default', 'values', 'meaning'), rows)}"


def _resolved(field: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    return definitions[field["$ref"].rpartition("/")[2]] if "$ref" in field else field


def _allowed(field: dict[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        return " or ".join(_allowed(choice) for choice in field["anyOf"] if choice.get("type") != "null")
    if "const" in field:
        return f"`{field['const']}`"
    if "minimum" in field or "exclusiveMinimum" in field:
        low = f"{field['minimum']}" if "minimum" in field else f"above {field['exclusiveMinimum']}"
        return f"{low} to {field['maximum']}" if "maximum" in field else f"{low} or more"
    if field["type"] == "boolean":
        return "`true`, `false`"
    return {"array": "list", "integer": "number", "string": "path" if field.get("format") == "path" else "text"}[
        field["type"]
    ]


def _told(field: dict[str, Any]) -> str:
    return " ".join(str(field.get("description", "")).replace("``", "`").split())


# --- metrics --------------------------------------------------------------------------------------


def metrics_page() -> str:
    """docs/metrics.md."""
    rows = [(f"`{metric.exposed_name}`", metric.kind, metric.text, metric.label) for metric in METRICS]
    return "\n\n".join(
        (
            "# Metrics and health",
            _NOTE.format(source="`mediaserver/app/metrics.py`"),
            "`/metrics` is in Prometheus' text form. Every metric has one label, `kind`; it is empty where there is "
            "one value only.",
            _grid(("metric", "type", "meaning", "`kind` holds"), rows),
            "`/healthz` answers 200 while the process lives. `/readyz` answers 200 when a call could be taken and "
            "recorded now, and 503 with the reasons when not: no media worker, draining, too little disk space.\n",
        )
    )


# --- small parts ----------------------------------------------------------------------------------


def _shown(value: Any) -> str:
    match value:
        case Enum():
            return str(value.value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case None:
            return "none"
        case float():
            return f"{value:g}"
        case _:
            return json.dumps(value, default=str)


def _grid(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines)
