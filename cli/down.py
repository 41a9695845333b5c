"""`constat down`: remove what `constat up` made, and nothing else."""

from __future__ import annotations

import typer

from cli.console import OUT, Told
from cli.options import STACK_NAME, Name
from constat.target import load_target
from provision.home import TARGET_COPY, exclusive, is_damaged, mend_label, read_label, stack_directory, stacks
from provision.provider import provider


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("down", help="Take the stack down and remove its run directory.")(down)


def down(name: Name = STACK_NAME) -> None:
    """Take the stack down."""
    with exclusive(name), Told() as told:
        directory = stack_directory(name)
        if is_damaged(directory):
            mend_label(directory, load_target(directory / TARGET_COPY).provider)
        label = read_label(directory)
        gone = provider(label.provider if label else "embedded").close(name, progress=told)
    if not gone:
        known = ", ".join(stacks()) or "none"
        OUT.print(f"no stack {name!r} here (known: {known}); nothing to do")
