"""`constat mutants`: every defect and harmless change that can be planted, and which controls judge it."""

from __future__ import annotations

import json

import typer
from rich.table import Table

from cli.console import OUT
from cli.options import AsJson
from mutants.catalogue import by_id


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("mutants", help="List every planted defect and the controls that must notice it.")(mutants)


def mutants(*, as_json: AsJson = False) -> None:
    """List every mutant."""
    known = by_id().values()
    if as_json:
        rows = [
            {"id": m.id, "family": m.family, "title": m.title, "scope": m.scope, "expects": m.expects, "controls": list(m.controls)}
            for m in known
        ]
        typer.echo(json.dumps(rows, indent=1))
        return
    table = Table("mutant", "family", "scope", "expects", "judged by", "defect or harmless change", box=None)
    for m in known:
        table.add_row(m.id, m.family, m.scope, m.expects, ", ".join(m.controls), m.title)
    OUT.print(table)
