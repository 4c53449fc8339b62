"""The console command ``mediaserver``."""

from __future__ import annotations

import sys

import typer

from callmodel.errors import ConfigError, MediaServerError
from mediaserver.app.commands import analyzing, calling, configuration, demonstrating, recordings, running, users
from mediaserver.app.console import CommandError, Exit, err

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A carrier that records its users' calls and delivers them to Dubber, simulated.",
)
app.command()(running.run)
app.command()(running.info)
app.command()(demonstrating.demo)
app.command()(calling.call)
app.command()(analyzing.analyze)
app.add_typer(users.app, name="users")
app.add_typer(recordings.app, name="recordings")
app.add_typer(recordings.uploads, name="uploads")
app.add_typer(configuration.app, name="config")


def main() -> None:
    """Run a command; every expected failure is one sentence and an exit status."""
    try:
        app()
    except CommandError as error:
        err.print(f"error: {error}", markup=False)
        sys.exit(error.status)
    except MediaServerError as error:
        err.print(f"error: {error}", markup=False)
        sys.exit(Exit.WRONG_USE if isinstance(error, ConfigError) else Exit.COULD_NOT_RUN)
