"""A way into the platform that leads around its own doors."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from typing import TYPE_CHECKING, Final

import psutil

from constat import deadlines, wait
from constat.mutant import Mutant, Scope, State
from constat.observe.host import STRANGER

if TYPE_CHECKING:
    from constat.stack import Stack

_MARK: Final = "constat-relay"
# One that every account can run, and that knows nothing of the project.
_PYTHON: Final = "/usr/bin/python3"
_PROGRAM: Final = f"""
import asyncio, sys  # {_MARK}
here, there = int(sys.argv[1]), sys.argv[2].split(":")
async def pass_on(source, sink):
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    sink.close()
async def serve(reader, writer):
    inside, outside = await asyncio.open_connection(there[0], int(there[1]))
    await asyncio.gather(pass_on(reader, outside), pass_on(inside, writer), return_exceptions=True)
async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", here) as server:
        await server.serve_forever()
asyncio.run(main())
"""


def _prepare(stack: Stack) -> State:
    inner = next((listener for listener in stack.listeners if listener.protocol == "postgres"), stack.listeners[0])
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return {"port": probe.getsockname()[1], "to": f"{inner.host}:{inner.port}"}


def _plant(stack: Stack, state: State) -> None:
    """Under an account and in a directory that say nothing of the platform."""
    del stack  # the state says where it leads
    subprocess.Popen(
        [_PYTHON, "-I", "-c", _PROGRAM, str(state["port"]), str(state["to"])],
        cwd="/",
        user=STRANGER,
        group=STRANGER,
        extra_groups=[],
        env={},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait.until(
        lambda: socket.create_connection(("127.0.0.1", int(state["port"])), timeout=1).close(),
        what="the relay listens",
        within=deadlines.MUTANT_PLANTED,
        retry=(OSError,),
    )


def _confirm(stack: Stack, state: State) -> bool:
    del stack  # the state says where it is
    with socket.create_connection(("127.0.0.1", int(state["port"])), timeout=deadlines.PROBE_CONNECT) as line:
        line.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")  # asks for TLS, as PostgreSQL's clients do
        return line.recv(1) == b"S"


def _revert(stack: Stack, state: State) -> None:
    del stack, state  # the mark is enough
    wait.until(_gone, what="the relay is gone", within=deadlines.MUTANT_PLANTED, holds=bool)


def _gone() -> bool:
    found = _found()
    for process in found:
        os.kill(process.pid, signal.SIGKILL)
    return not found


def _found() -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _is_ours(process)]


def _is_ours(process: psutil.Process) -> bool:
    try:
        return any(_MARK in word for word in process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


MUTANTS: Final = (
    Mutant(
        id="MUT-HOS-15",
        title="somebody's own program passes connections on to the database, so that a tool on another port finds it",
        scope=Scope.COMPONENT,
        controls=("HOS-07",),
        prepare=_prepare,
        plant=_plant,
        confirm=_confirm,
        revert=_revert,
        fingerprint=lambda _stack: str(len(_found())),
    ),
)
