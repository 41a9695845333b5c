"""A replica that shows the past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg

from constat.mutant import Mutant, Scope, State
from constat.observe import replication
from mutants.chaos import cluster

if TYPE_CHECKING:
    from constat.stack import Stack

_DELAY: Final = "recovery_min_apply_delay"


def _delay(stack: Stack, state: State) -> None:
    del state
    cluster.set_settings(stack, {"postgresql": {"parameters": {_DELAY: "1h"}}})


def _is_delayed(stack: Stack, state: State) -> bool:
    """A primary does not have the setting: it is a standby's."""
    del state
    postgres = cluster.database(stack)
    return any(_setting(replication.node_dsn(postgres, node)) == "1h" for node in postgres.nodes)


def _setting(dsn: str) -> str:
    with psycopg.connect(dsn, autocommit=True) as operator:
        row = operator.execute(f"SHOW {_DELAY}").fetchone()
    return str(row[0]) if row else ""


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
