"""``mediaserver analyze``: what is heard in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from callbench.analysis import analyze as analyze_audio
from callbench.analysis import render_report
from mediaserver.app.console import CommandError, Exit, JsonOption


def analyze(
    file: Annotated[Path, typer.Argument(help="WAV or FLAC; each channel is analysed by itself.")],
    as_json: JsonOption = False,
) -> None:
    """Say what is heard: tones, prompts, digits, silences, gaps and levels, channel by channel."""
    try:
        report = analyze_audio(file)
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be analysed: {error}", Exit.WRONG_USE) from error
    typer.echo(report.to_json() if as_json else render_report(report))
