"""Defects of latency and of its measurement, which LOA-01 must notice."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from constat.mutant import Mutant, Scope, State
from constat.outcome import Outcome
from mutants.load import freezer
from mutants.load.policies import foreign, policy, victim, writes

if TYPE_CHECKING:
    from constat.stack import Stack

_ROOT: Final = Path(__file__).resolve().parents[2]
_SLOW_SECONDS: Final = 0.3


def _sometimes_slow(_: Stack) -> str:
    return "pg_sleep(CASE WHEN random() < 0.12 THEN 0.3 ELSE 0 END) IS NOT NULL"


def _one_tenant_slow(stack: Stack) -> str:
    # An id of the target file, which the target's own check keeps to hexadecimal digits and dashes.
    theirs = victim(stack).organization_id
    return (
        f"pg_sleep(CASE WHEN current_setting('app.organization_id', true) = '{theirs}' AND random() < 0.1 THEN 0.3 ELSE 0 END) IS NOT NULL"
    )


def _sometimes_blind(_: Stack) -> str:
    return "random() >= 0.1"


def _was_slow(seconds: float, rows: int) -> bool:
    del rows
    return seconds >= _SLOW_SECONDS


def _sometimes_open(_: Stack) -> str:
    return "random() < 0.01"


def _was_foreign(seconds: float, rows: int) -> bool:
    del seconds
    return rows > 0


def _was_blind(seconds: float, rows: int) -> bool:
    del seconds
    return rows == 0


def _freezing(mutant_id: str, title: str, *, what: str, expects: Outcome) -> Mutant:
    """Make a mutant that stops a program of the stack again and again while it is planted."""

    def plant(stack: Stack, state: State) -> None:
        del state  # it is found by its command line
        command = ["/usr/bin/setpriv", "--pdeathsig=KILL", "--", sys.executable, "-m", freezer.__name__, stack.run_dir, what]
        subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)

    def revert(stack: Stack, state: State) -> None:
        del state
        found = freezer.freezers(stack.run_dir)
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(found, timeout=5)
        freezer.thaw(freezer.prey(stack.run_dir, what))

    def fingerprint(stack: Stack) -> str:
        stopped = [process.pid for process in freezer.prey(stack.run_dir, what) if process.status() == psutil.STATUS_STOPPED]
        return f"freezers {[process.pid for process in freezer.freezers(stack.run_dir)]}, stopped {what}s {stopped}"

    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.STACK,
        controls=("LOA-01",),
        plant=plant,
        confirm=_freezer_runs,
        revert=revert,
        fingerprint=fingerprint,
        expects=expects,
    )


def _freezer_runs(stack: Stack, state: State) -> bool:
    del state
    return bool(freezer.freezers(stack.run_dir))


MUTANTS: Final = (
    policy(
        "MUT-LOA-01",
        "one query of the properties in eight takes 300 ms, as with a plan that is sometimes bad",
        condition=_sometimes_slow,
        shows=_was_slow,
    ),
    policy(
        "MUT-LOA-02",
        "one query of the properties in ten quickly finds nothing, as with a replica that lags or a row filter that races",
        condition=_sometimes_blind,
        shows=_was_blind,
    ),
    policy(
        "MUT-LOA-03",
        "one tenant's queries are slow one time in ten, the others' are not",
        condition=_one_tenant_slow,
        shows=_was_slow,
    ),
    _freezing(
        "MUT-LOA-04",
        "the generator's machine stops for 100 ms every second: what it measures is its own",
        what="generator",
        expects=Outcome.INCONCLUSIVE,
    ),
    policy(
        "MUT-LOA-05",
        "one property in eight takes 300 ms to be created, as with a lock or a slow trigger",
        kind="RESTRICTIVE FOR INSERT WITH CHECK",
        condition=_sometimes_slow,
        shows=_was_slow,
        look=writes,
    ),
    policy(
        "MUT-LOA-06",
        "one query in a hundred shows every tenant's properties, as with a context that is lost under load",
        kind="PERMISSIVE FOR SELECT USING",
        condition=_sometimes_open,
        shows=_was_foreign,
        look=foreign,
    ),
    _freezing(
        "MUT-LOA-07",
        "the property service stands still for two seconds, twice a minute and more, as when its memory is cleaned up",
        what="service",
        expects=Outcome.FAIL,
    ),
)
