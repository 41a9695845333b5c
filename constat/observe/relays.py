"""Who passes connections on to the platform: processes that listen beside it, and what they connect to when somebody comes."""

from __future__ import annotations

import contextlib
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from constat import deadlines, wait
from constat.errors import Unobservable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from testinfra.host import Host

_PID: Final = re.compile(r"pid=(\d+)")
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}  # noqa: S104 - what others bind to
_BREATH: Final = 0.3

Place = tuple[str, int]


@dataclass(frozen=True, order=True)
class Wire:
    """One end of a TCP socket: a listener, or a connection and where it leads; `process` is the number of whose it is."""

    process: int
    here: Place
    there: Place


def listeners(host: Host) -> frozenset[Wire]:
    """Every process that listens for TCP, and where; Unobservable when sockets cannot be listed."""
    return _sockets(host, "ss -H -l -n -t -p")


def connections(host: Host) -> frozenset[Wire]:
    """Every TCP connection of the host, by the process that has it."""
    return _sockets(host, "ss -H -n -t -p state established")


def called(host: Host, places: Iterable[Place]) -> frozenset[Wire]:
    """The host's connections while somebody is connected to each of these places, and says nothing."""
    with contextlib.ExitStack() as held:
        for place in places:
            with contextlib.suppress(OSError):  # it has gone, or its queue is full: nobody is passed on by it
                held.enter_context(socket.create_connection(reachable(place), timeout=deadlines.PROBE_CONNECT))
        wait.pause(_BREATH)
        return connections(host)


def reachable(place: Place) -> Place:
    """Where a socket that is bound to everything is reached from this host."""
    return _ANYWHERE.get(place[0], place[0]), place[1]


def name(process: int) -> str:
    """What a process is called."""
    try:
        return str(psutil.Process(process).name())
    except psutil.NoSuchProcess:
        return "a process that has ended"


def node(process: int, run_dir: str) -> str:
    """The node of the stack that a process belongs to; nothing for one that is not the stack's, or has ended."""
    try:
        place = Path(psutil.Process(process).environ().get("CONSTAT_NODE", ""))
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""
    return place.name if str(place.parent) == run_dir else ""


def parents() -> dict[int, int]:
    """Who has started each process of the host."""
    return {process.pid: int(process.info["ppid"] or 0) for process in psutil.process_iter(["ppid"])}


def family(process: int, known: Mapping[int, int]) -> frozenset[int]:
    """A process and everything that it has started, by who has started whom."""
    found = {process}
    while more := {child for child, parent in known.items() if parent in found} - found:
        found |= more
    return frozenset(found)


def _sockets(host: Host, command: str) -> frozenset[Wire]:
    answer = host.run(command)
    if answer.rc != 0:
        msg = f"ss ended with {answer.rc}: {answer.stderr.strip()}"
        raise Unobservable(msg)
    return frozenset(wire for line in answer.stdout.splitlines() for wire in parsed(line))


def parsed(line: str) -> tuple[Wire, ...]:
    """One wire for each process that has the socket; the state is left out of the line where one state was asked for."""
    fields = line.split()
    here, there = [_place(field) for field in fields if field.rpartition(":")[1] and "users:" not in field][:2]
    return tuple(Wire(process=int(pid), here=here, there=there) for pid in sorted(set(_PID.findall(line))))


def _place(field: str) -> Place:
    address, _, port = field.rpartition(":")
    return address.strip("[]").split("%")[0].removeprefix("::ffff:"), int(port) if port.isdigit() else 0
