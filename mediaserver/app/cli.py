"""The console command ``mediaserver``. A command's module is imported when that command is used, and not before."""

from __future__ import annotations

import sys
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

import typer
from typer.core import TyperGroup

from callmodel.errors import ConfigError, MediaServerError
from mediaserver.app.console import CommandError, Exit, err

COMMANDS: Final = MappingProxyType(
    {
        "run": "running:run",
        "info": "running:info",
        "demo": "demonstrating:demo",
        "call": "calling:call",
        "analyze": "analyzing:analyze",
        "users": "users:app",
        "recordings": "recordings:app",
        "uploads": "recordings:uploads",
        "config": "configuration:app",
    }
)
"""Where each command is, below ``mediaserver.app.commands``."""


class _Commands(TyperGroup):
    """The commands by their names."""

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import it; None when there is none of this name."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        found = getattr(import_module(f"mediaserver.app.commands.{module}"), attribute)
        if not isinstance(found, typer.Typer):
            single = typer.Typer(add_completion=False)
            single.command()(found)
            found = single
        command = typer.main.get_command(found)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """A carrier that records its users' calls and delivers them to Dubber, simulated."""


def main() -> None:
    """Run a command; every expected failure is one sentence and an exit status."""
    try:
        app()
    except CommandError as error:
        err.print(f"error: {error}")
        sys.exit(error.status)
    except MediaServerError as error:
        err.print(f"error: {error}")
        sys.exit(Exit.WRONG_USE if isinstance(error, ConfigError) else Exit.COULD_NOT_RUN)
