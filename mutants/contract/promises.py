"""A promise that the platform does not keep."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from constat.mutant import Mutant, Scope, State

if TYPE_CHECKING:
    from constat.stack import Stack

_PROMISE: Final = re.compile(r'^postgres = "[0-9.]+"', re.MULTILINE)
_NEXT: Final = 'postgres = "99"'


def _file(stack: Stack) -> Path:
    return Path(stack.run_dir) / "target.toml"


def _plant(stack: Stack, state: State) -> None:
    _file(stack).write_text(_PROMISE.sub(_NEXT, state["text"]), "utf-8")


def _revert(stack: Stack, state: State) -> None:
    _file(stack).write_text(state["text"], "utf-8")


MUTANTS: Final = (
    Mutant(
        id="MUT-CON-01",
        title="the next major version was promised, and the database was not upgraded",
        scope=Scope.STACK,
        controls=("CON-VER-01",),
        prepare=lambda stack: {"text": _file(stack).read_text("utf-8")},
        plant=_plant,
        confirm=lambda stack, _state: _NEXT in _file(stack).read_text("utf-8"),
        revert=_revert,
        fingerprint=lambda stack: _file(stack).read_text("utf-8"),
    ),
)
