"""What was deployed, and is not as it was: a file that was edited by hand, a process that does not go on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from constat.errors import Unobservable
from constat.mutant import Mutant, Scope, State
from mutants.security.files import edited

if TYPE_CHECKING:
    from constat.stack import Stack

_VERIFY: Final = re.compile(r"verify required ca-file \S+")
_SCHEDULER: Final = "scheduler"


def _proxy(stack: Stack) -> Path:
    return Path(stack.run_dir) / "proxy" / "haproxy.cfg"


def _not_yet(stack: Stack) -> None:
    """Nothing to do: the server takes it up at its next start, when nobody thinks of it."""
    del stack


def _trusts_anybody(stack: Stack) -> bool:
    return "verify none" in _proxy(stack).read_text("utf-8")


def _processes(stack: Stack) -> list[psutil.Process]:
    home = str(Path(stack.run_dir) / _SCHEDULER)
    found = [process for process in psutil.process_iter() if _works_in(process, home)]
    if not found:
        msg = f"nothing works in {home!r}"
        raise Unobservable(msg)
    return found


def _works_in(process: psutil.Process, home: str) -> bool:
    try:
        return process.cwd() == home
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _states(stack: Stack) -> str:
    return " ".join(sorted("stopped" if process.status() == psutil.STATUS_STOPPED else "going" for process in _processes(stack)))


def _stop(stack: Stack, state: State) -> None:
    del state  # all of them go on again
    for process in _processes(stack):
        process.suspend()


def _go_on(stack: Stack, state: State) -> None:
    del state
    for process in _processes(stack):
        process.resume()


MUTANTS: Final = (
    edited(
        "MUT-HOS-13",
        "the proxy is told to ask whatever answers, and will do so from its next start on",
        controls=("HOS-06",),
        path=_proxy,
        change=lambda text: _VERIFY.sub("verify none", text),
        reload=_not_yet,
        holds=_trusts_anybody,
    ),
    Mutant(
        id="MUT-HOS-14",
        title="the scheduler of backups was stopped for a migration, and nobody let it go on",
        scope=Scope.COMPONENT,
        controls=("HOS-06",),
        plant=_stop,
        confirm=lambda stack, _state: set(_states(stack).split()) == {"stopped"},
        revert=_go_on,
        fingerprint=_states,
    ),
)
