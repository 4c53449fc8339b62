"""What every command shares: options, exit statuses, output for people and for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mediaserver.app.config import Settings, load_settings

if TYPE_CHECKING:
    from catalog import Catalog


class Exit(IntEnum):
    """Exit statuses that programs rely on."""

    FINE = 0
    VERDICT_FAILED = 1
    WRONG_USE = 2
    COULD_NOT_RUN = 3


class CommandError(Exception):
    """A command cannot do what was asked; the message says what to do next."""

    def __init__(self, message: str, status: Exit = Exit.COULD_NOT_RUN) -> None:
        super().__init__(message)
        self.status = status


ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="TOML file with settings.", envvar="MEDIASERVER_CONFIG")
]
DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", help="Where everything is kept (default ./var).", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]

_WIDTH = None if sys.stdout.isatty() else 200
"""A pipe has no width of its own: ids must stay whole in it."""

out = Console(highlight=False, emoji=False, markup=False, soft_wrap=True, width=_WIDTH)
err = Console(stderr=True, highlight=False, emoji=False, markup=False, soft_wrap=True)


def settings_for(config: Path | None, data_dir: Path | None, **flags: Any) -> Settings:
    """Settings from file, environment and this command's flags."""
    environment = {name: value for name, value in os.environ.items() if name != "MEDIASERVER_CONFIG"}
    return load_settings(config, environment, {"data_dir": data_dir, **flags})


def open_catalog(settings: Settings) -> Catalog:
    """The catalog of a data directory that exists; works beside a running server."""
    from catalog import Catalog  # noqa: PLC0415 -- half a second of imports that not every command needs

    if settings.database_url:
        return Catalog.open(settings.database_url)
    if not settings.data_dir.is_dir():
        raise CommandError(
            f"{settings.data_dir} is no data directory yet; start the server once (mediaserver run) or name another "
            "with --data-dir"
        )
    return Catalog.open_in(settings.data_dir)


def verdict(met: bool) -> Text:
    """For a table of verdicts."""
    return Text("yes", "green") if met else Text("NO", "bold red")


def print_json(value: Any) -> None:
    """For programs: one JSON document on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """For people: a table, or a sentence when there is nothing to show. A cell with a colour is a ``Text``."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else cell if isinstance(cell, Text) else str(cell) for cell in row))
    if table.row_count:
        out.print(table)
    else:
        out.print(empty)
