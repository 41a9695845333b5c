"""A stack for one command: the one that is up, or one of its own that is taken down again."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from constat.errors import UserError
from constat.stack import STACK_FILE
from constat.target import load_target
from provision import preflight
from provision.home import exclusive, read_label, stack_directory
from provision.journal import Journal
from provision.platform.catalogue import tools
from provision.provider import provider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cli.console import Told
    from constat.target import Target
    from provision.provider import Provider


@contextlib.contextmanager
def standing(
    name: str,
    target: Path | None,
    *,
    default: Path,
    keep_up: bool,
    install: bool,
    told: Told,
    begun: Callable[[Target], None] = lambda _: None,
) -> Iterator[None]:
    """Hold the stack of that name; bring it up first and take it down afterwards when it was not up.

    `begun` is told of the target when nothing can be refused any more and nothing is started yet.
    Raises UserError when it is up from another target than the one that was asked for.
    """
    with exclusive(name):
        directory = stack_directory(name)
        is_up = (directory / STACK_FILE).exists() and read_label(directory) is not None
        if is_up and target is not None:
            _same_target(directory, target, name)
        chosen = directory / "target.toml" if is_up else target or default
        claim = load_target(chosen)
        backend = provider(claim.provider)
        if install and claim.provider == "embedded":
            preflight.install(tools(claim), told)
        begun(claim)
        try:
            if is_up and not Journal(directory).outstanding():
                _as_it_is(backend, name, told)
            else:
                told.note(f"mending stack {name!r} after a killed run" if is_up else f"bringing stack {name!r} up from {chosen}")
                backend.open(claim, target_file=chosen, name=name, progress=told)
            yield
        finally:
            if not is_up and not keep_up:
                backend.close(name, progress=told)


def _as_it_is(backend: Provider, name: str, told: Told) -> None:
    """A stack that is up is judged as it is: to mend it first would hide what is to be found."""
    down = sorted(part for part, state in backend.states(name).items() if not state.is_well)
    if down and len(down) == len(backend.states(name)):
        msg = f"nothing of stack {name!r} runs; `constat up --name {name}` starts it again, `constat down --name {name}` removes it"
        raise UserError(msg)
    told.note(f"stack {name!r} is up already, and is judged as it is" + (f"; not well: {', '.join(down)}" if down else ""))


def _same_target(directory: Path, target: Path, name: str) -> None:
    if load_target(target) != load_target(directory / "target.toml"):
        msg = f"stack {name!r} is up from another target file than {str(target)!r}; run `constat down` first, or use another --name"
        raise UserError(msg)
