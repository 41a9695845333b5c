"""A part of the platform that nobody watches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from constat.mutant import Mutant, Scope, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.stack import Stack

EXPORTER: Final = "redis-exporter"


def _processes(stack: Stack) -> list[psutil.Process]:
    home = Path(stack.run_dir) / EXPORTER
    return [process for process in psutil.process_iter() if _works_in(process, home)]


def _works_in(process: psutil.Process, home: Path) -> bool:
    try:
        return Path(process.cwd()) == home
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _each(stack: Stack, act: Callable[[psutil.Process], None]) -> None:
    for process in _processes(stack):
        act(process)


def _plant(stack: Stack, state: State) -> None:
    del state  # nothing is needed to undo it
    _each(stack, psutil.Process.suspend)


def _revert(stack: Stack, state: State) -> None:
    del state  # whatever is stopped goes on
    _each(stack, psutil.Process.resume)


def _states(stack: Stack) -> list[str]:
    return sorted("stopped" if process.status() == psutil.STATUS_STOPPED else "going" for process in _processes(stack))


MUTANTS: Final = (
    Mutant(
        id="MUT-CON-04",
        title="an exporter hangs, so Prometheus has no figures of the cache",
        scope=Scope.COMPONENT,
        controls=("CON-MET-01",),
        plant=_plant,
        confirm=lambda stack, _state: set(_states(stack)) == {"stopped"},
        revert=_revert,
        fingerprint=lambda stack: " ".join(_states(stack)),
    ),
)
