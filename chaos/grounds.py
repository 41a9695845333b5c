"""Where a drill happens, and what it leaves: a ledger of its own, cleaned up before and after, and files to judge it by again."""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING, Final

from chaos import rows, steady
from chaos.drill import Ground
from constat import deadlines, entries, wait
from constat.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chaos.drill import Drill
    from constat.stack import Postgres, Stack
    from constat.target import Recovery

# What every drill's rows begin with, so that those of a killed run are found.
FAMILY: Final = "drill-"
HISTORY: Final = "history.jsonl"


@contextlib.contextmanager
def ground(stack: Stack, tenants: tuple[str, ...], recovery: Recovery, folder: Path) -> Iterator[Ground]:
    """A ground for one drill; no row is left behind, neither of this drill nor of one that was killed."""
    postgres = steady.database(stack)
    _remove(postgres)
    try:
        prefix = f"{FAMILY}{uuid.uuid4().hex[:12]}"
        yield Ground(stack=stack, tenants=tenants, recovery=recovery, path=folder / HISTORY, prefix=prefix)
    finally:
        wait.until(
            lambda: _remove(postgres), what="the ledger's rows are removed", within=deadlines.LEDGER_READ, retry=entries.REFUSED, every=0.5
        )


def files(drilled_on: Ground, drill: Drill) -> tuple[Evidence, ...]:
    """What the drill can be judged by again, without a platform."""
    history = drilled_on.path.read_text("utf-8")
    kept = {HISTORY: history, rows.EARLIER: rows.text(drill.struck.read), rows.LATER: rows.text(drill.read)}
    return tuple(Evidence(name=name, content=content, media_type="application/jsonl") for name, content in kept.items())


def _remove(postgres: Postgres) -> int:
    with entries.connect(postgres.admin_dsn) as operator:
        return entries.remove(operator, prefix=FAMILY)
