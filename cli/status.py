"""`constat status`: how each component of a stack is."""

from __future__ import annotations

import json

import typer
from rich.table import Table

from cli.console import OUT
from cli.options import STACK_NAME, AsJson, Name
from constat.errors import UserError
from constat.observe.versions import versions
from provision.home import read_label, stack_directory, stacks
from provision.provider import ComponentState, provider

_STYLE = {"running": "green", "configured": "green", "attached": "green", "down": "bold red"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status", help="Show each component's state, endpoint and version.")(status)


def status(name: Name = STACK_NAME, *, as_json: AsJson = False) -> None:
    """Show how each component is; exit 6 when one does not run."""
    label = read_label(stack_directory(name))
    if label is None:
        msg = f"no stack {name!r} (known: {', '.join(stacks()) or 'none'}); run `constat up` first"
        raise UserError(msg)
    backend = provider(label.provider)
    stack, states = backend.attach(name), backend.states(name)
    seen = versions(stack)
    if as_json:
        parts = {
            part: {"state": s.state, "endpoint": s.endpoint, "version": seen.get(part, ""), "restarts": s.restarts}
            for part, s in states.items()
        }
        head = {"target": stack.target, "provider": stack.provider, "disposable": stack.disposable}
        typer.echo(json.dumps({**head, "components": parts, "run_dir": stack.run_dir}, indent=1))
    else:
        OUT.print(_table(name, states, seen))
    raise typer.Exit(0 if all(state.is_well for state in states.values()) else 6)


def _table(name: str, states: dict[str, ComponentState], seen: dict[str, str]) -> Table:
    table = Table("component", "state", "version", "endpoint", "restarts", title=f"stack {name}", title_justify="left", box=None)
    for part, state in states.items():
        style = _STYLE.get(state.state, "yellow")
        table.add_row(part, f"[{style}]{state.state}[/]", seen.get(part, ""), state.endpoint, str(state.restarts or ""))
    return table
