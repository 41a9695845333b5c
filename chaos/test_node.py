"""Nodes: one of them dies, and what the platform promised for that day is measured."""

from __future__ import annotations

import contextlib
import itertools
import uuid
from typing import TYPE_CHECKING, Final

from chaos import rows, steady, verdict
from chaos.drill import kill_node
from chaos.selectors import select
from constat import deadlines, entries, wait
from constat.control import control
from constat.evidence import Evidence
from constat.outcome import Impact, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chaos.drill import Drill
    from constat.judgement import Findings, Judgement
    from constat.stack import Postgres, Stack
    from constat.target import Recovery, Target

# What every drill's rows begin with, so that those of a killed run are found.
FAMILY: Final = "drill-"
HISTORY: Final = "history.jsonl"


@control(
    "CHA-01",
    severity=Severity.CRITICAL,
    impact=Impact.DISRUPT,
    needs=("postgres", "machines", "tenants"),
    promises=("dr.objectives",),
    refs=("ISO 27001 A.8.14", "ISO 27001 A.5.30", "SOC 2 A1.2", "NIST SP 800-34 CP-10", "DORA Art. 11(6)"),
    remediation="Run the primary with a synchronous standby that may be promoted by itself, and let every writer wait for it.",
)
def test_the_primarys_node_may_die(stack: Stack, target: Target, attack_pair: tuple[str, str], findings: Findings, tmp_path: Path) -> None:
    """The primary's node dies: service is back within the promised time and no acknowledged write is lost."""
    rest = steady.observe(stack)
    judged = steady.judge(rest, target.objectives.recovery)
    # Where nobody would take over, killing the node proves nothing that is not known already.
    drilled = _drilled(stack, attack_pair, target.objectives.recovery, tmp_path) if rest.failover.is_armed else ()
    findings.judge(itertools.chain(judged, drilled))


def _drilled(stack: Stack, tenants: tuple[str, ...], recovery: Recovery, folder: Path) -> Iterator[Judgement]:
    prefix, path = f"{FAMILY}{uuid.uuid4().hex[:12]}", folder / HISTORY
    with _cleaned(steady.database(stack)):
        (node,) = select(stack, "primary")
        drill = kill_node(stack, node, tenants=tenants, recovery=recovery, path=path, prefix=prefix)
        yield from verdict.judgements(drill, recovery, evidence=_files(path, drill))


def _files(history: Path, drill: Drill) -> tuple[Evidence, ...]:
    """What the drill can be judged by again, without a platform."""
    kept = {HISTORY: history.read_text("utf-8"), rows.EARLIER: rows.text(drill.struck.read), rows.LATER: rows.text(drill.read)}
    return tuple(Evidence(name=name, content=content, media_type="application/jsonl") for name, content in kept.items())


@contextlib.contextmanager
def _cleaned(postgres: Postgres) -> Iterator[None]:
    """Leave no row of a drill behind, neither of this one nor of one that was killed."""
    _remove(postgres)
    try:
        yield
    finally:
        wait.until(
            lambda: _remove(postgres), what="the ledger's rows are removed", within=deadlines.LEDGER_READ, retry=entries.REFUSED, every=0.5
        )


def _remove(postgres: Postgres) -> int:
    with entries.connect(postgres.admin_dsn) as operator:
        return entries.remove(operator, prefix=FAMILY)
