"""`constat prune`: bound what runs leave in out/."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import runs
from cli.console import OUT


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("prune", help="Delete all but the newest runs.")(prune)


def prune(
    keep: Annotated[int, typer.Option("--keep", min=1, help="how many of the newest runs stay")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be deleted, and stop")] = False,
) -> None:
    """Delete all but the newest runs."""
    known = runs.all_runs()
    old = known[:-keep]
    for directory in old:
        if not dry_run:
            runs.remove_run(directory)
        OUT.print(f"{'would delete' if dry_run else 'deleted'} {directory.name}")
    OUT.print(f"{len(known) - len(old)} runs {'would be' if dry_run else 'are'} left")
