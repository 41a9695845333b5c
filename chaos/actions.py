"""Actions and probes for `chaos run` (Chaos Toolkit); a drill's verdict is not theirs, it is made from a ledger.

The experiment's configuration names the stack's run directory, and what attaches to it:
only a provider may hurt, and this package knows none.
"""

from __future__ import annotations

import contextlib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg

from chaos import steady
from chaos.confirmation import await_death
from chaos.selectors import select
from constat import deadlines, entries, wait
from constat.errors import Unobservable, UserError
from constat.stack import Stack

if TYPE_CHECKING:
    from constat.machines import Machines

PREFIX: Final = "drill-probe"
# The faults that this process has applied; leaving one heals it.
_FAULTS: Final[dict[str, contextlib.ExitStack]] = {}


def kill_node(run_dir: str, provider: str, selector: str) -> list[str]:
    """Kill the nodes that the selector means now, and see that they are gone; they stay down until `let_go`."""
    stack = attach(run_dir, provider)
    postgres, machines = steady.database(stack), _machines(stack)
    chosen = select(stack, selector)
    faults = _FAULTS.setdefault(run_dir, contextlib.ExitStack())
    for node in chosen:
        faults.enter_context(machines.kill(node))
        await_death(machines, node, [(server.host, server.port) for server in postgres.nodes if server.name == node])
    return list(chosen)


def let_go(run_dir: str, provider: str) -> bool:
    """Give every node back, and wait until commits are guarded again; NotReady when they are not in time."""
    stack = attach(run_dir, provider)
    _FAULTS.pop(run_dir, contextlib.ExitStack()).close()
    wait.until(
        lambda: steady.observe(stack),
        what="the cluster is redundant again",
        within=deadlines.REDUNDANCY_BACK,
        retry=(Unobservable,),
        every=0.25,
        holds=lambda seen: seen.failover.is_armed and bool(seen.guards),
    )
    return True


def await_service(run_dir: str, provider: str, seconds: float) -> bool:
    """Wait until every tenant can write by the application's path; NotReady when that is not within so many seconds."""
    wait.until(lambda: tenants_can_write(run_dir, provider), what="every tenant can write", within=seconds, every=0.5, holds=bool)
    return True


def tenants_can_write(run_dir: str, provider: str) -> bool:
    """Whether a row of every tenant is acknowledged and read back by the application's path; none is left behind."""
    stack = attach(run_dir, provider)
    postgres = steady.database(stack)
    try:
        with entries.connect(postgres.pooler_dsn) as connection:
            for name, tenant in stack.tenants.items():
                entry = entries.seal(tenant.organization_id, writer=f"{PREFIX}-{name}", seq=0, previous_hash=entries.FIRST)
                entries.append(connection, postgres, entry)
                if entries.read(connection, postgres, tenant.organization_id, prefix=entry.writer) != (entry,):
                    return False
        with entries.connect(postgres.admin_dsn) as operator:
            entries.remove(operator, prefix=PREFIX)
    except (psycopg.OperationalError, Unobservable):
        return False
    return bool(stack.tenants)


def is_redundant(run_dir: str, provider: str) -> bool:
    """Whether a standby guards every commit and would take over by itself."""
    seen = steady.observe(attach(run_dir, provider))
    return seen.failover.is_armed and bool(seen.guards)


def attach(run_dir: str, provider: str) -> Stack:
    """The live handle of the stack in that directory; `provider` is `module:name` of what finds a provider by its word."""
    stack, (module, _, name) = Stack.load(run_dir), provider.partition(":")
    found: Stack = getattr(importlib.import_module(module), name)(stack.provider).attach(stack.name)
    if Path(found.run_dir) != Path(run_dir):
        msg = f"stack {stack.name!r} is in {found.run_dir!r} and not in {run_dir!r}; give that directory"
        raise UserError(msg)
    return found


def _machines(stack: Stack) -> Machines:
    if stack.machines is None or not stack.disposable:
        msg = f"stack {stack.name!r} is not disposable, or its provider has no machines: nothing is hurt there; use one that constat made"
        raise UserError(msg)
    return stack.machines
