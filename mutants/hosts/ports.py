"""A listener that nobody declared."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from constat import wait
from constat.mutant import Mutant, Scope, State
from constat.observe import host as hosts

if TYPE_CHECKING:
    from constat.stack import Stack

_MARK: Final = "constat-undeclared-listener"
_PROGRAM: Final = f"""
import signal, socket, sys  # {_MARK}
with socket.create_server(("127.0.0.1", int(sys.argv[1]))):
    signal.pause()
"""


def _prepare(stack: Stack) -> State:
    del stack  # any free port will do
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return {"port": probe.getsockname()[1]}


def _plant(stack: Stack, state: State) -> None:
    node = Path(stack.postgres.nodes[0].data_directory).parent if stack.postgres else Path(stack.run_dir)
    # It outlives a harness that is killed, as a debugging port left open would; reverting finds it by its mark.
    subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(state["port"])],
        cwd=node,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _confirm(stack: Stack, state: State) -> bool:
    return any(seen.port == state["port"] for seen in hosts.listening(hosts.local(), stack.run_dir))


def _revert(stack: Stack, state: State) -> None:
    del stack, state  # the mark is enough
    wait.until(_gone, what="the undeclared listener is gone", within=10, holds=bool)


def _gone() -> bool:
    found = [process for process in psutil.process_iter() if _is_ours(process)]
    for process in found:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(5)
    return not found


def _is_ours(process: psutil.Process) -> bool:
    try:
        return any(_MARK in word for word in process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _fingerprint(stack: Stack) -> str:
    return "\n".join(f"{seen.host}:{seen.port}" for seen in hosts.listening(hosts.local(), stack.run_dir))


MUTANTS: Final = (
    Mutant(
        id="MUT-HOS-01",
        title="a debugging listener was left open on a database node",
        scope=Scope.COMPONENT,
        controls=("HOS-01",),
        prepare=_prepare,
        plant=_plant,
        confirm=_confirm,
        revert=_revert,
        fingerprint=_fingerprint,
    ),
)
