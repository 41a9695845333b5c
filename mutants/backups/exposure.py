"""Defects with which a total loss costs more with every second, and no command fails."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

import psutil

from constat.mutant import Mutant, Scope, State
from mutants.chaos import cluster

if TYPE_CHECKING:
    from constat.stack import Stack


def _archiver(stack: Stack) -> State:
    ((pid,),) = cluster.ask(stack, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'archiver'")
    return {"pid": pid}


def _hang(stack: Stack, state: State) -> None:
    del stack
    cluster.send([psutil.Process(state["pid"])], signal.SIGSTOP)


def _hangs(stack: Stack, state: State) -> bool:
    return state["pid"] in {process.pid for process in cluster.stopped(stack)}


def _go_on(stack: Stack, state: State) -> None:
    del state
    cluster.send(cluster.stopped(stack), signal.SIGCONT)


MUTANTS: Final = (
    Mutant(
        id="MUT-BAK-33",
        title="The archiver hangs: no command fails, and nothing leaves the primary",
        scope=Scope.COMPONENT,
        controls=("BAK-06",),
        prepare=_archiver,
        plant=_hang,
        confirm=_hangs,
        revert=_go_on,
        fingerprint=cluster.standing,
    ),
)
