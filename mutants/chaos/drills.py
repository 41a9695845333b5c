"""Defects that only a longer drill shows: alerts that watch nothing, and WAL that is set aside while the store is down."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final

from psycopg import sql

from constat import deadlines, wait
from constat.mutant import Mutant, Scope, State
from constat.observe import metrics
from mutants.backups import archive
from mutants.chaos import cluster
from mutants.contract.wiring import monitoring, reload_prometheus
from mutants.security.files import directory, edited

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from constat.stack import Stack

_ASIDE: Final = "tmp/set-aside"


def _rules(stack: Stack) -> Path:
    return directory(stack, "prometheus") / "rules.yml"


def _watches(alert: str, word: str) -> Callable[[Stack], bool]:
    def holds(stack: Stack) -> bool:
        return any(rule.name == alert and word in rule.expression for rule in metrics.rules(monitoring(stack)))

    return holds


def _of_the_primary(stack: Stack) -> State:
    state = archive.primary(stack)
    return state | {"command": archive.archive_command(stack, state["node"])}


def _aside(stack: Stack, state: State) -> Path:
    return cluster.configuration(stack, state["node"]).parent / _ASIDE


def _set_aside(stack: Stack, state: State) -> None:
    """Let the command succeed whatever comes of it; what was not stored is kept, so that it can be stored after all."""
    aside = _aside(stack, state)
    owner = aside.parent.stat()
    aside.mkdir(mode=0o700, exist_ok=True)
    os.chown(aside, owner.st_uid, owner.st_gid)
    command = f'{state["command"]} || cp "%p" "{aside}/%f"'
    with archive.server(stack, state["node"]) as operator:
        operator.execute(sql.SQL("ALTER SYSTEM SET archive_command = {}").format(sql.Literal(command)))
        operator.execute("SELECT pg_reload_conf()")


def _is_set_aside(stack: Stack, state: State) -> bool:
    return _ASIDE in archive.archive_command(stack, state["node"])


def _store_after_all(stack: Stack, state: State) -> None:
    with archive.server(stack, state["node"]) as operator:
        operator.execute("ALTER SYSTEM RESET archive_command")
        operator.execute("SELECT pg_reload_conf()")
    wait.until(lambda: not _is_set_aside(stack, state), what="the archive command is back", within=deadlines.SERVICE_ANSWERS, holds=bool)
    aside = _aside(stack, state)
    for path in sorted(aside.iterdir()) if aside.exists() else ():
        archive.push(state["command"], path)
    shutil.rmtree(aside, ignore_errors=True)


MUTANTS: Final = (
    edited(
        "MUT-CHA-12",
        "The alert about a missing standby watches a number that is not measured any more",
        controls=("CHA-03",),
        path=_rules,
        change=lambda text: text.replace("expr: pg_synchronous_standbys < 1", "expr: pg_sync_standbys < 1"),
        reload=reload_prometheus,
        holds=_watches("SynchronousStandbyMissing", "pg_sync_standbys"),
    ),
    edited(
        "MUT-CHA-13",
        "The alert about the pooler watches a node that was renamed",
        controls=("CHA-04",),
        path=_rules,
        change=lambda text: text.replace('expr: probe_success{node="pooler"} == 0', 'expr: probe_success{node="pgbouncer"} == 0'),
        reload=reload_prometheus,
        holds=_watches("PoolerDown", "pgbouncer"),
    ),
    Mutant(
        id="MUT-CHA-14",
        title="The archive command succeeds although the store does not answer, so what is written meanwhile is dropped",
        scope=Scope.COMPONENT,
        controls=("CHA-06",),
        prepare=_of_the_primary,
        plant=_set_aside,
        confirm=_is_set_aside,
        revert=_store_after_all,
        fingerprint=archive.commands,
    ),
)
