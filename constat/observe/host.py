"""Facts of a host: listening sockets, owners and modes; by pytest-testinfra."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil
import testinfra

from constat.errors import Unobservable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from testinfra.host import Host

# An account that owns nothing on any machine: what it can read, everybody can.
STRANGER: Final = 65534
_PROCESS: Final = re.compile(r'\("(?P<name>[^"]*)",pid=(?P<pid>\d+)')


@dataclass(frozen=True, order=True)
class Listening:
    """A socket that listens, and whose it is."""

    host: str
    port: int
    transport: str
    process: str


@dataclass(frozen=True)
class Attributes:
    """Owner and permission bits of a path."""

    owner: str
    mode: int


def local() -> Host:
    """The machine that this process runs on."""
    return testinfra.get_host("local://")


def listening(host: Host, run_dir: str, owners: frozenset[str] = frozenset()) -> tuple[Listening, ...]:
    """Every socket on which a process of the stack listens, TCP and UDP.

    A process is the stack's by its working directory, its program, its arguments, its
    environment, or its account, unless it works in a directory of its own elsewhere.  Raises Unobservable when sockets cannot be listed.
    """
    answer = host.run("ss -H -l -n -t -u -p")
    if answer.rc != 0:
        msg = f"ss ended with {answer.rc}: {answer.stderr.strip()}"
        raise Unobservable(msg)
    found = [_parsed(line) for line in answer.stdout.splitlines()]
    return tuple(sorted({socket for socket, pids in found if any(_is_of(pid, run_dir, owners) for pid in pids)}))


def attributes(host: Host, paths: Iterable[str]) -> dict[str, Attributes]:
    """Owner and mode of each path, asked for at once; one that is not there is left out."""
    answer = host.run(f"stat --printf '%U:%u %a %n\\0' -- {' '.join(map(shlex.quote, paths))}")
    return dict(_attributes(line) for line in answer.stdout.split("\0") if line)


def processes() -> dict[int, str]:
    """The name of every process of the host, by its number."""
    return {process.pid: str(process.info["name"]) for process in psutil.process_iter(["name"])}


def processes_of(run_dir: str, owners: frozenset[str] = frozenset()) -> frozenset[int]:
    """The numbers of the stack's own processes, by what `listening` knows them by."""
    return frozenset(pid for pid in psutil.pids() if _is_of(pid, run_dir, owners))


def _parsed(line: str) -> tuple[Listening, tuple[int, ...]]:
    fields = line.split()
    transport, local_address = fields[0], fields[4]
    address, _, port = local_address.rpartition(":")
    users = [(match["name"], int(match["pid"])) for match in _PROCESS.finditer(line)]
    name = users[0][0] if users else "?"
    socket = Listening(host=address.strip("[]").split("%")[0], port=int(port), transport=transport, process=name)
    return socket, tuple(pid for _, pid in users)


def _is_of(pid: int, run_dir: str, owners: frozenset[str]) -> bool:
    try:
        process = psutil.Process(pid)
        places = (process.cwd(), process.exe(), process.environ().get("CONSTAT_NODE", ""), *process.cmdline())
        if any(place == run_dir or f"{run_dir}/" in place for place in places):
            return True
        return (str(process.uids().real) in owners or process.username() in owners) and not _is_at_home(process)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False  # it ended meanwhile, or it is another user's and so cannot be the stack's


def _is_at_home(process: psutil.Process) -> bool:
    """Whether it works in a directory of its own account: another server that shares the account, not one that came by it."""
    try:
        seen = Path(process.cwd()).stat()
    except OSError:
        return False  # its directory is gone
    return process.cwd() != "/" and seen.st_uid == process.uids().real


def _attributes(line: str) -> tuple[str, Attributes]:
    """The owner as the table writes it: a name, or the number of an account without one."""
    who, mode, path = line.split(" ", 2)
    name, _, number = who.partition(":")
    return path, Attributes(owner=number if name == "UNKNOWN" else name, mode=int(mode, 8))
