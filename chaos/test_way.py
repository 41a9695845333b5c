"""The way to the database: pooler and proxy die, and come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


@control(
    "CHA-04",
    severity=Severity.HIGH,
    impact=Impact.DISRUPT,
    needs=("postgres", "machines", "tenants"),
    promises=("dr.objectives",),
    refs=("ISO 27001 A.8.14", "SOC 2 A1.2", "NIST SP 800-34 CP-10", "DORA Art. 11(6)"),
    remediation="Keep pooler and proxy without a state of their own, start them by themselves, and alert when one does not answer.",
    occasion=Occasion.DRILL,
)
def test_the_way_to_the_database_may_die(
    stack: Stack, target: Target, attack_pair: tuple[str, str], findings: Findings, tmp_path: Path
) -> None:
    """Pooler and proxy die: service is back in time once they are, nothing acknowledged is lost or doubled, and monitoring knows."""
    findings.judge(_drilled(stack, attack_pair, target.objectives.recovery, tmp_path))


def _drilled(stack: Stack, tenants: tuple[str, ...], recovery: Recovery, folder: Path) -> Iterator[Judgement]:
    with grounds.ground(stack, tenants, recovery, folder) as here:
        drill = conduct(here, Fault(nodes=select(stack, "way"), blow=Blow.KILLED, promise=Promise.COMES_BACK, alert="PoolerDown"))
        yield from verdict.judgements(drill, recovery, evidence=grounds.files(here, drill))
