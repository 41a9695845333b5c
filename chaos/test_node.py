"""Nodes: one of them dies, and what the platform promised for that day is measured."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from chaos import grounds, steady, verdict
from chaos.drill import conduct
from chaos.fault import Blow, Fault, Promise
from chaos.selectors import select
from constat.control import control
from constat.outcome import Impact, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from constat.judgement import Findings, Judgement
    from constat.stack import Stack
    from constat.target import Recovery, Target


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
    with grounds.ground(stack, tenants, recovery, folder) as here:
        drill = conduct(here, Fault(nodes=select(stack, "primary"), blow=Blow.KILLED, promise=Promise.TAKES_OVER))
        yield from verdict.judgements(drill, recovery, evidence=grounds.files(here, drill))
