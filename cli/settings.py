"""`constat settings`: what every server of a stack says that it runs with, as the table that CON-SET-01 compares with."""

from __future__ import annotations

import json

import typer

from cli.options import STACK_NAME, Name
from constat.errors import TargetError, UserError
from constat.observe.settings import observed, questions
from provision.home import read_label, stack_directory, stacks
from provision.provider import provider


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("settings", help="Print what every server says that it runs with; reviewed, it is what a platform declares.")(settings)


def settings(name: Name = STACK_NAME) -> None:
    """Print the table as JSON, passwords as fingerprints; exit 6 when a server does not say."""
    label = read_label(stack_directory(name))
    if label is None:
        msg = f"no stack {name!r} (known: {', '.join(stacks()) or 'none'}); run `constat up` first"
        raise UserError(msg)
    said, silent = observed(questions(provider(label.provider).attach(name)))
    typer.echo(json.dumps({"servers": said}, indent=1))
    if silent:
        msg = "not everybody says: " + "; ".join(f"{subject}: {problem}" for subject, problem in silent.items())
        raise TargetError(msg)
