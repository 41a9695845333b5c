"""A replica that shows the past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat.mutant import Mutant, Scope, State
from mutants.chaos import cluster

if TYPE_CHECKING:
    from constat.stack import Stack

_DELAY: Final = "recovery_min_apply_delay"


def _delay(stack: Stack, state: State) -> None:
    del state
    cluster.set_settings(stack, {"postgresql": {"parameters": {_DELAY: "1h"}}})


def _is_delayed(stack: Stack, state: State) -> bool:
    del state
    return cluster.ask(stack, f"SHOW {_DELAY}") == [("1h",)]


def _apply_at_once(stack: Stack, state: State) -> None:
    del state
    cluster.set_settings(stack, {"postgresql": {"parameters": {_DELAY: None}}})


MUTANTS: Final = (
    Mutant(
        id="MUT-CON-11",
        title="The replica applies everything an hour later, as a guard against mistakes, and is still read from",
        scope=Scope.STACK,
        controls=("CON-REP-01",),
        plant=_delay,
        confirm=_is_delayed,
        revert=_apply_at_once,
        fingerprint=cluster.standing,
    ),
)
