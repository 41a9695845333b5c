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
from provision.platform.catalogue import tools
from provision.provider import provider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.console import Told


@contextlib.contextmanager
def standing(name: str, target: Path | None, *, default: Path, keep_up: bool, install: bool, told: Told) -> Iterator[None]:
    """Hold the stack of that name; bring it up first and take it down afterwards when it was not up.

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
        try:
            told.note(f"stack {name!r} is up already" if is_up else f"bringing stack {name!r} up from {chosen}")
            backend.open(claim, target_file=chosen, name=name, progress=told)
            yield
        finally:
            if not is_up and not keep_up:
                backend.close(name, progress=told)


def _same_target(directory: Path, target: Path, name: str) -> None:
    if load_target(target) != load_target(directory / "target.toml"):
        msg = f"stack {name!r} is up from another target file than {str(target)!r}; run `constat down` first, or use another --name"
        raise UserError(msg)
