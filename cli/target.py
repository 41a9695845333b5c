"""`constat target`: check a target file, or print the schema of target files."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cli.console import OUT
from cli.options import DEFAULT_TARGET, TargetFile
from constat.target import Target, load_target


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("target", help="Check a target file; every problem of it in one message.")(target)


def target(
    file: TargetFile = DEFAULT_TARGET,
    *,
    schema: Annotated[bool, typer.Option("--schema", help="print the JSON Schema of target files, for editors")] = False,
) -> None:
    """Check a target file."""
    if schema:
        typer.echo(json.dumps(Target.model_json_schema(), indent=1))
        return
    claim = load_target(file)
    OUT.print(
        f"{file}: target {claim.name!r} is well-formed: provider {claim.provider}, environment {claim.environment}, impact {claim.impact}"
    )
    if claim.existing is not None:
        OUT.print(f"what {claim.existing.stack} refers to is looked up, and its endpoints are tried, by `constat up --target {file}`")
