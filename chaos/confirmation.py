"""Whether a fault has really struck, by another way than the one that caused it."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat import deadlines, wait
from constat.errors import NotReady, Unobservable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from constat.machines import Machines

# PostgreSQL's SSLRequest: a length and a code.
_ASK_FOR_TLS: Final = struct.pack("!II", 8, 80877103)
_CLOSED: Final = frozenset({"refused", "silent", "timed out"})


@dataclass(frozen=True, kw_only=True)
class Gone:
    """What was seen of a node that should be dead or frozen."""

    ports: tuple[str, ...]  # of each: refused, silent, timed out, open, or the error
    has_process: bool

    @property
    def is_confirmed(self) -> bool:
        """Whether nobody answers and nothing runs; a frozen server does not answer either, but it runs."""
        return _CLOSED.issuperset(self.ports) and not self.has_process

    @property
    def is_still(self) -> bool:
        """Whether it is there, takes connections as the kernel does, and says nothing."""
        return self.has_process and set(self.ports) == {"timed out"}


def look(machines: Machines, node: str, addresses: Sequence[tuple[str, int]]) -> Gone:
    """Ask whoever is at the node's ports for TLS, and the operating system for the node's processes."""
    return Gone(ports=tuple(_knock(host, port) for host, port in addresses), has_process=machines.is_alive(node))


def await_death(machines: Machines, node: str, addresses: Sequence[tuple[str, int]]) -> Gone:
    """Look until the node is seen to be gone; raises Unobservable when it is not: such a drill proves nothing."""
    return _await(machines, node, addresses, what="gone", holds=lambda seen: seen.is_confirmed)


def await_stillness(machines: Machines, node: str, addresses: Sequence[tuple[str, int]]) -> Gone:
    """Likewise for a node that should be frozen."""
    return _await(machines, node, addresses, what="frozen", holds=lambda seen: seen.is_still)


def _await(machines: Machines, node: str, addresses: Sequence[tuple[str, int]], *, what: str, holds: Callable[[Gone], bool]) -> Gone:
    try:
        return wait.until(
            lambda: look(machines, node, addresses), what=f"node {node!r} is {what}", within=deadlines.FAULT_CONFIRMED, holds=holds
        )
    except NotReady as problem:
        msg = f"the fault could not be confirmed: {problem}"
        raise Unobservable(msg) from None


def _knock(host: str, port: int) -> str:
    """Whether a server answers: a mapped port is opened by whoever maps it, who hangs up when there is nobody behind."""
    try:
        with socket.create_connection((host, port), timeout=1.0) as line:
            line.sendall(_ASK_FOR_TLS)
            return "open" if line.recv(1) else "silent"
    except ConnectionRefusedError:
        return "refused"
    except ConnectionResetError:
        return "silent"
    except OSError as problem:
        return str(problem)
