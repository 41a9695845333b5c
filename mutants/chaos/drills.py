"""Defects that only a longer drill shows: alerts that watch nothing, and WAL that is set aside while the store is down."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from psycopg import sql

from constat import deadlines, wait
from constat.errors import HarnessError
from constat.mutant import Mutant, Scope, State
from constat.observe import broker as brokers
from constat.observe import http, metrics
from mutants.backups import archive
from mutants.chaos import cluster
from mutants.contract.wiring import monitoring, reload_prometheus
from mutants.security.files import directory, edited

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from constat.stack import Broker, Stack

_ASIDE: Final = "tmp/set-aside"
_POLICY: Final = "tidy"


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


def _policies(stack: Stack) -> list[str]:
    """The vhosts that have the planted policy."""
    with brokers.management(_broker(stack)) as client:
        there = http.expect(http.ask(client, "GET", "/api/policies"), what="/api/policies").json()
    return sorted(str(row["vhost"]) for row in there if row["name"] == _POLICY)


def _broker(stack: Stack) -> Broker:
    if stack.broker is None:
        msg = f"stack {stack.name!r} has no broker to plant a defect in; bring up one that has"
        raise HarnessError(msg)
    return stack.broker


def _vhosts(stack: Stack) -> list[str]:
    return sorted({_broker(stack).vhost_of(tenant) for tenant in stack.tenants})


def _expire(stack: Stack, state: State) -> None:
    del state
    value = {"pattern": ".*", "definition": {"message-ttl": 1000}, "priority": 100, "apply-to": "queues"}
    with brokers.management(_broker(stack)) as client:
        for vhost in _vhosts(stack):
            path = f"/api/policies/{quote(vhost, safe='')}/{_POLICY}"
            http.expect(http.ask(client, "PUT", path, value=value), what=path)


def _keep(stack: Stack, state: State) -> None:
    del state
    with brokers.management(_broker(stack)) as client:
        for vhost in _policies(stack):
            path = f"/api/policies/{quote(vhost, safe='')}/{_POLICY}"
            http.expect(http.ask(client, "DELETE", path), what=path)


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
    Mutant(
        id="MUT-CHA-15",
        title="A policy lets messages expire after a second, so what was confirmed is gone when the broker is back",
        scope=Scope.COMPONENT,
        controls=("CHA-07",),
        plant=_expire,
        confirm=lambda stack, _state: _policies(stack) == _vhosts(stack),
        revert=_keep,
        fingerprint=lambda stack: str(_policies(stack)),
    ),
)
