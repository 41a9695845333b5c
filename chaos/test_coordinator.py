"""The coordinator: it loses its quorum, and tenants go on writing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from chaos import grounds, verdict
from chaos.drill import conduct
from chaos.fault import Blow, Fault, Promise
from chaos.selectors import select
from constat.control import control
from constat.outcome import Impact, Occasion, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from constat.judgement import Findings, Judgement
    from constat.stack import Stack
    from constat.target import Recovery, Target

# Longer than a primary's lock lives anywhere; seconds.
OUTLIVES_THE_LOCK: Final = 35.0


@control(
    "CHA-05",
    severity=Severity.CRITICAL,
    impact=Impact.DISRUPT,
    needs=("postgres", "coordinator", "machines", "tenants"),
    promises=("dr.objectives",),
    refs=("ISO 27001 A.8.14", "SOC 2 A1.2", "NIST SP 800-34 CP-10", "DORA Art. 11(6)"),
    remediation="Switch failsafe_mode on, so that a primary whose members all answer goes on without the coordinator.",
    occasion=Occasion.DRILL,
)
def test_writes_go_on_without_the_coordinators_quorum(
    stack: Stack, target: Target, attack_pair: tuple[str, str], findings: Findings, tmp_path: Path
) -> None:
    """The coordinator loses its quorum for longer than a lock lives: tenants go on writing, nothing is lost, and monitoring knows."""
    findings.judge(_drilled(stack, attack_pair, target.objectives.recovery, tmp_path))


def _drilled(stack: Stack, tenants: tuple[str, ...], recovery: Recovery, folder: Path) -> Iterator[Judgement]:
    hit = select(stack, "coordinator's majority")
    fault = Fault(nodes=hit, blow=Blow.KILLED, promise=Promise.GOES_ON, lasts=OUTLIVES_THE_LOCK, alert="CoordinatorQuorumLost")
    with grounds.ground(stack, tenants, recovery, folder) as here:
        drill = conduct(here, fault)
        yield from verdict.judgements(drill, recovery, evidence=grounds.files(here, drill))
