"""`constat up`: bring the stack up, or finish or mend what is there."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.console import OUT, Told
from cli.options import DEFAULT_TARGET, STACK_NAME, Name, TargetFile
from constat.clock import monotonic
from constat.target import load_target
from provision import preflight
from provision.home import exclusive
from provision.platform.catalogue import components, tools
from provision.platform.component import Tool
from provision.provider import provider

Install = Annotated[bool, typer.Option("--install", help="install missing Debian packages (root or passwordless sudo)")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would be started and installed, and stop")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("up", help="Bring the stack up; mend one that is up, start an unfinished one over.")(up)


def up(target: TargetFile = DEFAULT_TARGET, name: Name = STACK_NAME, *, install: Install = False, dry_run: DryRun = False) -> None:
    """Bring the stack up."""
    claim = load_target(target)
    needed = tools(claim) if claim.provider == "embedded" else ()
    if dry_run:
        _plan(claim.name, claim.provider, [part.name for part in components(claim)], preflight.missing(needed))
        return
    with exclusive(name), Told() as told:
        start = monotonic()
        if install:
            preflight.install(needed, told)
        stack = provider(claim.provider).open(claim, target_file=target, name=name, progress=told)
        told.note(f"stack {name!r} is up in {monotonic() - start:.1f} s; {_next(name)}")
    OUT.print(stack.run_dir)


def _next(name: str) -> str:
    option = "" if name == STACK_NAME else f" --name {name}"
    return ", ".join(f"`constat {command}{option}`" for command in ("status", "verify", "down"))


def _plan(target: str, provider_name: str, names: list[str], absent: tuple[Tool, ...]) -> None:
    OUT.print(f"target {target}, provider {provider_name}: would start {', '.join(names)}")
    if absent:
        OUT.print(f"would install: {' '.join(preflight.command(absent)[4:])}")
