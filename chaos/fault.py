"""A fault: which nodes it hits and how, what the platform promises meanwhile, and how it is seen to have struck."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from chaos.confirmation import await_death, await_stillness
from constat.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.machines import Machines
    from constat.stack import Stack


class Blow(StrEnum):
    """What is done to a node."""

    KILLED = "killed"
    FROZEN = "frozen"


class Promise(StrEnum):
    """What tenants may expect while the fault lasts."""

    TAKES_OVER = "takes over"  # service is back although the fault lasts
    COMES_BACK = "comes back"  # service is back once the nodes are
    GOES_ON = "goes on"  # nobody notices


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One blow to one or more nodes at once."""

    nodes: tuple[str, ...]
    blow: Blow
    promise: Promise
    lasts: float = 0.0  # seconds, from when it is confirmed; it lasts longer where service has to come back before
    alert: str = ""  # the platform's own, which must know of it meanwhile

    @property
    def name(self) -> str:
        """What a report calls it."""
        return ", ".join(self.nodes)


@contextlib.contextmanager
def struck(stack: Stack, fault: Fault) -> Iterator[None]:
    """Strike, see that it has struck, and heal on leaving; raises Unobservable when it cannot be confirmed."""
    machines = machines_of(stack)
    with contextlib.ExitStack() as applied:
        for node in fault.nodes:
            applied.enter_context(machines.kill(node) if fault.blow is Blow.KILLED else machines.freeze(node))
        for node in fault.nodes:
            addresses = tuple((listener.host, listener.port) for listener in stack.listeners if listener.node == node)
            (await_death if fault.blow is Blow.KILLED else await_stillness)(machines, node, addresses)
        yield


def machines_of(stack: Stack) -> Machines:
    """What hurts and heals; a control declares that it needs it."""
    if stack.machines is None:
        msg = "a drill was started on a stack without machines; its control must declare needs=('machines',)"
        raise HarnessError(msg)
    return stack.machines
