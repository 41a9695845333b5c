"""Whether a fault has really struck, by another way than the one that caused it."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat import deadlines, wait
from constat.errors import NotReady, Unobservable

if TYPE_CHECKING:
    from constat.machines import Machines
    from constat.stack import PostgresNode

# PostgreSQL's SSLRequest: a length and a code.
_ASK_FOR_TLS: Final = struct.pack("!II", 8, 80877103)


@dataclass(frozen=True, kw_only=True)
class Gone:
    """What was seen of a node that should be dead."""

    port: str  # refused, silent, timed out, open, or the error
    has_process: bool

    @property
    def is_confirmed(self) -> bool:
        """Whether nobody answers and nothing runs; a frozen server does not answer either, but it runs."""
        return self.port in {"refused", "silent", "timed out"} and not self.has_process


def look(machines: Machines, node: PostgresNode) -> Gone:
    """Ask the server at the node's port for TLS, and the operating system for the node's processes."""
    return Gone(port=_knock(node.host, node.port), has_process=machines.is_alive(node.name))


def await_death(machines: Machines, node: PostgresNode) -> Gone:
    """Look until the node is seen to be gone; raises Unobservable when it is not: such a drill proves nothing."""
    try:
        return wait.until(
            lambda: look(machines, node),
            what=f"node {node.name!r} is gone",
            within=deadlines.FAULT_CONFIRMED,
            holds=lambda seen: seen.is_confirmed,
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
