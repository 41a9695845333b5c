"""Whether a fault has really struck, by another way than the one that caused it."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from constat import deadlines, wait
from constat.errors import NotReady, Unobservable

if TYPE_CHECKING:
    from constat.machines import Machines
    from constat.stack import PostgresNode


@dataclass(frozen=True, kw_only=True)
class Gone:
    """What was seen of a node that should be dead."""

    port: str  # refused, open, or the error
    has_process: bool

    @property
    def is_confirmed(self) -> bool:
        """Whether nobody listens and nothing runs."""
        return self.port == "refused" and not self.has_process


def look(machines: Machines, node: PostgresNode) -> Gone:
    """Knock at the node's port, and ask the operating system for its processes."""
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
    try:
        socket.create_connection((host, port), timeout=1.0).close()
    except ConnectionRefusedError:
        return "refused"
    except OSError as problem:
        return str(problem)
    return "open"
