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


class Callers:
    """Says which node is at the other end of a connection; quick, because a client does not wait long for its server."""

    def __init__(self, run_dir: str) -> None:
        """Take the stack's directory, and look at what runs."""
        self._run_dir = run_dir
        self._nodes: dict[int, str] = {}
        self._refresh()

    def of(self, theirs: int, ours: int) -> str:
        """The node whose socket has the port `theirs` and leads to `ours`; nothing where it is not the stack's."""
        inode = f"socket:[{_inode(theirs, ours)}]"
        self._refresh()
        return next((node for process, node in list(self._nodes.items()) if node and inode in _files(process)), "")

    def _refresh(self) -> None:
        for process in psutil.pids():
            if process not in self._nodes:
                self._nodes[process] = node(process, self._run_dir)


def _inode(theirs: int, ours: int) -> str:
    """The kernel's number of the socket between two ports of this host, from its tables (proc(5))."""
    ports = f":{theirs:04X}", f":{ours:04X}"
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]:
            fields = line.split()
            if (fields[1][-5:], fields[2][-5:]) == ports:
                return fields[9]
    return "none"


def _files(process: int) -> set[str]:
    """What a process has open, as its links say."""
    found = set()
    with contextlib.suppress(OSError):  # it has ended, or closes one of them just now
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(str(descriptor.readlink()))
    return found


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
