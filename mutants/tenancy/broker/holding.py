"""Defects beside a queue that one connection holds for itself: they must be seen all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pika

from constat.errors import Unobservable
from constat.mutant import Mutant, Scope, State
from constat.observe.broker import parameters
from mutants.tenancy.broker.rights import CARRY, fingerprint
from mutants.tenancy.broker.rights import MUTANTS as OTHERS

if TYPE_CHECKING:
    from constat.stack import Stack

_HOLDER: Final = "t10"
_QUEUE: Final = f"{_HOLDER}.replies"
# The queue lives as long as the connection: the process that has planted it holds it.
_HELD: Final[list[pika.BlockingConnection]] = []
_BOUND: Final = next(mutant for mutant in OTHERS if mutant.id == "MUT-TEN-BRO-06")


def _hold(stack: Stack) -> None:
    """Open a queue of the tenant's own that nobody else may touch."""
    if stack.broker is None:
        msg = "the stack has no broker"
        raise Unobservable(msg)
    asked = parameters(stack.broker, stack.tenants[_HOLDER].broker, stack.broker.vhost_of(_HOLDER))
    asked.heartbeat = 0  # nobody answers it while the controls run
    connection = pika.BlockingConnection(asked)
    _HELD.append(connection)
    connection.channel().queue_declare(_QUEUE, exclusive=True)


def _plant(stack: Stack, state: State) -> None:
    _hold(stack)
    _BOUND.plant(stack, state)


def _revert(stack: Stack, state: State) -> None:
    while _HELD:
        _HELD.pop().close()
    _BOUND.revert(stack, state)


MUTANTS: Final = (
    Mutant(
        id="MUT-TEN-BRO-20",
        title="a tenant's audit queue was bound in the virtual host of another, who holds a queue that nobody else may look into",
        scope=Scope.STORE,
        controls=(CARRY,),
        prepare=_BOUND.prepare,
        plant=_plant,
        confirm=lambda stack, state: bool(_HELD) and _BOUND.confirm(stack, state),
        revert=_revert,
        fingerprint=fingerprint,
    ),
)
