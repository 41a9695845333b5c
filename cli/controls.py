"""`constat controls`: every control there is."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer
from rich.table import Table

from cli.catalogue import all_controls
from cli.console import OUT
from cli.options import AsJson


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("controls", help="List every control: what it claims, how bad a failure is, how to mend it.")(controls)


def controls(*, as_json: AsJson = False) -> None:
    """List every control."""
    rules = all_controls()
    if as_json:
        keys = ("id", "family", "title", "severity", "impact", "needs", "promises", "refs", "remediation")
        typer.echo(json.dumps([{key: ({"family": rule.family} | asdict(rule))[key] for key in keys} for rule in rules], indent=1))
        return
    table = Table("control", "family", "severity", "impact", "claim", box=None)
    for rule in rules:
        table.add_row(rule.id, rule.family, rule.severity, rule.impact, rule.title)
    OUT.print(table)
