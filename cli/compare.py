"""`constat compare`: what is new, fixed, still red and newly not proven between two runs."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import runs
from cli.console import OUT
from cli.options import AsJson
from constat.outcome import ExitCode
from reports.compare import compare as difference
from reports.compare import to_json
from reports.run import load_run
from reports.table import print_comparison

Old = Annotated[str, typer.Argument(help="the earlier run: id, directory, or `latest`")]
New = Annotated[str, typer.Argument(help="the later run")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "compare",
        help="Show what changed between two runs; exit 1 when something went red, 6 when something is no longer proven, or no longer run.",
    )(compare)


def compare(old: Old, new: New = "latest", *, as_json: AsJson = False) -> None:
    """Show the difference."""
    found = difference(load_run(runs.find_run(old)), load_run(runs.find_run(new)))
    if as_json:
        typer.echo(to_json(found).decode())
    else:
        print_comparison(found, OUT)
    raise typer.Exit(ExitCode.FAILED if found.new else ExitCode.NOT_PROVEN if found.is_worse else ExitCode.PROVEN)
