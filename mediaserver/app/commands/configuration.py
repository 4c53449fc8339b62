"""``mediaserver config``: show the settings in force, check a file."""

from __future__ import annotations

import re
from typing import Any

import typer

from mediaserver.app.console import ConfigOption, DataDirOption, JsonOption, out, print_json, settings_for

app = typer.Typer(no_args_is_help=True, help="Settings.")

_SECRET = {"client_secret", "password"}
_PASSWORD = re.compile(r"(?<=[^/]):[^/@]*@")
"""In an address, behind the user's name."""


@app.command()
def show(config: ConfigOption = None, data_dir: DataDirOption = None, as_json: JsonOption = False) -> None:
    """Print every setting as file, environment and defaults make it; secrets are masked."""
    values = _masked(settings_for(config, data_dir).model_dump(mode="json"))
    if as_json:
        print_json(values)
        return
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    for key, value in values.items():
        if key not in tables:
            out.print(f"{key} = {_toml(value)}")
    for name, table in tables.items():
        _print_table(name, table)


@app.command()
def check(config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Say whether the settings can be used; an error names the key and what to do."""
    from mediaserver.app.preflight import check_files  # noqa: PLC0415 -- a second of imports that `show` need not wait for

    check_files(settings_for(config, data_dir))
    out.print("the settings are fine")


def _print_table(name: str, table: dict[str, Any]) -> None:
    out.print(f"\n[{name}]")
    inner = {key: value for key, value in table.items() if isinstance(value, dict)}
    for key, value in table.items():
        if key not in inner:
            out.print(f"{key} = {_toml(value)}")
    for key, value in inner.items():
        _print_table(f"{name}.{key}", value)


def _toml(value: Any) -> str:
    match value:
        case None:
            return '""'
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case list():
            return "[" + ", ".join(_toml(item) for item in value) + "]"
        case _:
            return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _masked(values: dict[str, Any]) -> dict[str, Any]:
    return {key: _masked(value) if isinstance(value, dict) else _shown(key, value) for key, value in values.items()}


def _shown(key: str, value: Any) -> Any:
    if key == "database_url":
        return _PASSWORD.sub(":***@", value)
    return "***" if key in _SECRET and value else value
