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
from constat.secrets import secrets_of

if TYPE_CHECKING:
    from constat.stack import Stack

_MARK: Final = "constat-undeclared-listener"
# One that every account can run.
_SYSTEM_PYTHON: Final = "/usr/bin/python3"
_PROGRAM: Final = f"""
import signal, socket, sys  # {_MARK}
with socket.create_server((sys.argv[1], int(sys.argv[2]))):
    signal.pause()
"""
_LOOPBACK, _OTHER_LOOPBACK = "127.0.0.1", "127.0.0.2"


def _prepare(stack: Stack) -> State:
    del stack  # any free port will do
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return {"port": probe.getsockname()[1]}


def _start(words: list[str], *, cwd: Path, user: str | None = None) -> None:
    """It outlives a harness that is killed, as a debugging port left open would; reverting finds it by its mark."""
    subprocess.Popen(
        [sys.executable if user is None else _SYSTEM_PYTHON, "-c", _PROGRAM, *words],
        cwd=cwd,
        user=user,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    host, port = words[:2]
    wait.until(_listening, what=f"the planted listener at {host}:{port}", within=10, holds=lambda seen: f"{host}:{port}" in seen)


def _listening() -> list[str]:
    return str(hosts.local().run("ss -H -l -n -t").stdout).split()


def _plant(stack: Stack, state: State) -> None:
    node = Path(stack.postgres.nodes[0].data_directory).parent if stack.postgres else Path(stack.run_dir)
    _start([_LOOPBACK, str(state["port"])], cwd=node)


def _plant_beside(stack: Stack, state: State) -> None:
    _start([_OTHER_LOOPBACK, str(state["port"])], cwd=Path(stack.run_dir))


def _plant_elsewhere(stack: Stack, state: State) -> None:
    """As a tunnel that was opened from a shell of the account, and nothing of it says whose it is."""
    _start([_LOOPBACK, str(state["port"])], cwd=Path("/"), user=_account(stack))


def _plant_argument(stack: Stack, state: State) -> None:
    _start([_LOOPBACK, str(state["port"]), min(secrets_of(stack))], cwd=Path("/"))


def _account(stack: Stack) -> str:
    return next(guard.owner for guard in stack.guarded if guard.owner != "root" and not guard.owner.isdigit())


def _confirm(stack: Stack, state: State) -> bool:
    del stack  # whose it is, is for the control to find out
    return f"{state.get('host', _LOOPBACK)}:{state['port']}" in _listening()


def _revert(stack: Stack, state: State) -> None:
    del stack, state  # the mark is enough
    wait.until(_gone, what="the undeclared listener is gone", within=10, holds=bool)


def _found() -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _is_ours(process)]


def _gone() -> bool:
    found = _found()
    for process in found:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(5)
    return not found


def _is_ours(process: psutil.Process) -> bool:
    try:
        return any(_MARK in word for word in process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _declared(stack: Stack) -> State:
    return {"port": stack.listeners[0].port, "host": _OTHER_LOOPBACK}


def _fingerprint(stack: Stack) -> str:
    return "\n".join(f"{seen.host}:{seen.port}" for seen in hosts.listening(hosts.local(), stack.run_dir)) + str(_found())


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
    Mutant(
        id="MUT-HOS-10",
        title="a server listens on a second address of the host too",
        scope=Scope.COMPONENT,
        controls=("HOS-01",),
        prepare=_declared,
        plant=_plant_beside,
        confirm=_confirm,
        revert=_revert,
        fingerprint=_fingerprint,
    ),
    Mutant(
        id="MUT-HOS-11",
        title="a tunnel to the database was opened from its account's shell, and stayed open",
        scope=Scope.COMPONENT,
        controls=("HOS-01",),
        prepare=_prepare,
        plant=_plant_elsewhere,
        confirm=_confirm,
        revert=_revert,
        fingerprint=_fingerprint,
    ),
    Mutant(
        id="MUT-HOS-12",
        title="a tool was started with a password as its argument",
        scope=Scope.COMPONENT,
        controls=("HOS-05",),
        prepare=_prepare,
        plant=_plant_argument,
        confirm=_confirm,
        revert=_revert,
        fingerprint=_fingerprint,
    ),
)
