"""Defects of what the backup tool and its scheduler are told: WAL dropped, files left out, another repository, another time."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from constat import deadlines, wait
from constat.errors import HarnessError
from constat.observe import keeping, orders, replication
from mutants.backups import store
from mutants.chaos import cluster
from mutants.security.files import edited

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.observe.orders import Orders
    from constat.stack import Stack

_GLOBAL: Final = "[global]\n"
_PROGRAM: Final = "scheduler.py"
_DAILY: Final = "CronTrigger(hour=1,"
_MONTHLY: Final = "CronTrigger(day=1, hour=1,"
_IMPORTS: Final = "PROGRAM = "
# As an operator's drop-in for the service would: the program begins anew with one variable more.
_VARIABLE: Final = "PGBACKREST_REPO1_RETENTION_FULL"
_WITH_VARIABLE: Final = f"""if "{_VARIABLE}" not in os.environ:
    import sys

    os.execve(sys.executable, sys.orig_argv, {{**os.environ, "{_VARIABLE}": "1"}})
{_IMPORTS}"""
_FAR: Final = datetime.timedelta(days=2)


def _read_at_each_run(stack: Stack) -> None:
    """Nothing to do: the tool reads its configuration whenever it is called."""
    del stack


def _of_the_scheduler(stack: Stack) -> Path:
    return Path(store.parts(stack)[0].config)


def _of_a_standby(stack: Stack) -> Path:
    """The tool's configuration of a server that archives nothing now: what it says matters after the next failover."""
    leader = replication.primary(cluster.database(stack)).node
    return Path(_server(stack, next(node.name for node in cluster.database(stack).nodes if node.name != leader)).options["config"])


def _server(stack: Stack, name: str) -> Orders:
    postgres = cluster.database(stack)
    seen = next(seen for seen in replication.archiving(postgres) if seen.node == name)
    return orders.archiving(seen, next(node for node in postgres.nodes if node.name == name), is_local=False)


def _is_any_server_told(name: str, value: str) -> Callable[[Stack], bool]:
    def holds(stack: Stack) -> bool:
        return any(_server(stack, node.name).options.get(name) == value for node in cluster.database(stack).nodes)

    return holds


def _program(stack: Stack) -> Path:
    path = _of_the_scheduler(stack).with_name(_PROGRAM)
    if not path.exists():
        msg = f"no scheduler {str(path)!r} to plant a defect in; bring up a stack of the embedded provider"
        raise HarnessError(msg)
    return path


def _begin_anew(stack: Stack) -> None:
    """End the scheduler, whose supervisor begins it again, and wait until it has planned its runs."""
    before = _running(stack)
    for process in before:
        process.kill()
    wait.until(
        lambda: _running(stack) not in ([], before) and _planned(stack),
        what="the scheduler runs again and has planned",
        within=deadlines.MUTANT_PLANTED,
        retry=(OSError, psutil.Error),
        holds=bool,
    )


def _running(stack: Stack) -> list[psutil.Process]:
    config = str(_of_the_scheduler(stack))
    return [process for process in psutil.process_iter(["cmdline"]) if config in (process.info["cmdline"] or ())]


def _planned(stack: Stack) -> list[datetime.datetime]:
    """When the scheduler that runs now is to make its next backups; nothing before it has said so."""
    born = max((process.create_time() for process in _running(stack)), default=0.0)
    seen = keeping.schedule(store.parts(stack)[0])
    if seen is None or datetime.datetime.fromisoformat(seen.written).timestamp() < born:
        return []
    runs = [run.next_run for run in seen.runs if run.next_run]
    return runs if len(runs) == len(seen.runs) else []


def _is_monthly(stack: Stack) -> bool:
    return any(run - datetime.datetime.now(datetime.UTC) > _FAR for run in _planned(stack))


def _has_variable(stack: Stack) -> bool:
    return any(_VARIABLE in process.environ() for process in _running(stack))


MUTANTS: Final = (
    edited(
        "MUT-BAK-27",
        "A server may drop WAL when the repository does not answer for a while (archive-push-queue-max)",
        controls=("BAK-04",),
        path=_of_a_standby,
        change=lambda text: text.replace(_GLOBAL, f"{_GLOBAL}archive-push-queue-max=64MiB\n"),
        reload=_read_at_each_run,
        holds=_is_any_server_told("archive-push-queue-max", "64MiB"),
    ),
    edited(
        "MUT-BAK-28",
        "The standby archives elsewhere: after the next failover the archive has a gap without end",
        controls=("BAK-04",),
        path=_of_a_standby,
        change=lambda text: text.replace("repo1-path=", "repo1-path=/staging"),
        reload=_read_at_each_run,
        holds=lambda stack: any(
            _server(stack, node.name).options["repo1-path"].startswith("/staging") for node in cluster.database(stack).nodes
        ),
    ),
    edited(
        "MUT-BAK-29",
        "Backups are made with a directory left out, to save room",
        controls=("BAK-04",),
        path=_of_the_scheduler,
        # A backup that is made meanwhile by the clock must be a good one: there is no such directory.
        change=lambda text: text.replace(_GLOBAL, f"{_GLOBAL}exclude=base/1000000/\n"),
        reload=_read_at_each_run,
        holds=lambda stack: "exclude" in orders.scheduled(store.parts(stack)[0], is_local=False).options,
    ),
    edited(
        "MUT-BAK-30",
        "The full backup was moved to the first of the month",
        controls=("BAK-04",),
        path=_program,
        change=lambda text: text.replace(_DAILY, _MONTHLY),
        reload=_begin_anew,
        holds=_is_monthly,
    ),
    edited(
        "MUT-BAK-31",
        "The scheduler's environment says something else than its file: one full backup is kept",
        controls=("BAK-04",),
        path=_program,
        change=lambda text: text.replace(_IMPORTS, _WITH_VARIABLE, 1),
        reload=_begin_anew,
        holds=_has_variable,
    ),
)
