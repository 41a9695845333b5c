"""Facts of a host: listening sockets, owners and modes, what a foreign account can read; by pytest-testinfra."""

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
    from testinfra.host import Host

# An account that owns nothing on any machine: what it can read, everybody can.
STRANGER: Final = 65534
_PROGRAM: Final = b"\x7fELF"
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

    A process is the stack's by its working directory, its environment, or an account
    that only the stack has.  Raises Unobservable when sockets cannot be listed.
    """
    answer = host.run("ss -H -l -n -t -u -p")
    if answer.rc != 0:
        msg = f"ss ended with {answer.rc}: {answer.stderr.strip()}"
        raise Unobservable(msg)
    found = [_parsed(line) for line in answer.stdout.splitlines()]
    return tuple(sorted({socket for socket, pids in found if any(_is_of(pid, run_dir, owners) for pid in pids)}))


def attributes(host: Host, path: str) -> Attributes:
    """Owner and mode of a path; raises Unobservable when it is not there."""
    file = host.file(path)
    if not file.exists:
        msg = f"{path!r} does not exist"
        raise Unobservable(msg)
    return Attributes(owner=_owner(host, path), mode=int(file.mode))


def readable_by_stranger(host: Host, directory: str) -> tuple[str, ...]:
    """Every file below the directory that an account with no rights can really open.

    Raises Unobservable when that account cannot be taken (without root).
    """
    command = f"setpriv --reuid={STRANGER} --regid={STRANGER} --clear-groups -- find {shlex.quote(directory)} -type f -readable -print0"
    answer = host.run(command)
    if "setpriv" in answer.stderr:
        msg = f"cannot act as a foreign account: {answer.stderr.strip()}; run as root"
        raise Unobservable(msg)
    return tuple(sorted(path for path in answer.stdout.split("\0") if path))


def content(path: str) -> str:
    """What a file holds, as text; of a program nothing. Raises Unobservable when it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(len(_PROGRAM))
            return "" if start == _PROGRAM else (start + file.read()).decode(errors="replace")
    except OSError as problem:
        msg = f"{path!r} cannot be read: {problem.strerror}"
        raise Unobservable(msg) from None


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
        places = (process.cwd(), process.environ().get("CONSTAT_NODE", ""))
        return str(process.uids().real) in owners or any(place == run_dir or place.startswith(f"{run_dir}/") for place in places)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False  # it ended meanwhile, or it is another user's and so cannot be the stack's


def _owner(host: Host, path: str) -> str:
    """The owner as the table writes it: a name, or the number of an account without one."""
    answer = host.run(f"stat -c %U:%u {shlex.quote(path)}")
    name, _, number = str(answer.stdout).strip().partition(":")
    return number if name == "UNKNOWN" else name
