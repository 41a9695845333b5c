"""Exposure: what a total loss would cost, at every moment of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constat import deadlines, wait
from constat.clock import monotonic
from constat.control import control
from constat.errors import HarnessError, NotReady, Unobservable
from constat.handover import switch
from constat.outcome import Impact, Severity
from suites.backups.exposure import FEWEST, exposures, judge, judge_fall

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.judgement import Findings, Judgement
    from constat.observe.exposure import Sampler
    from constat.stack import Postgres, Stack
    from constat.target import Target


@control(
    "BAK-06",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=("backups", "objects", "postgres"),
    promises=("dr.objectives",),
    refs=("ISO 27001 A.5.30", "ISO 27001 A.8.13", "SOC 2 A1.2", "NIST SP 800-34 CP-9", "DORA Art. 12"),
    remediation="Let WAL leave the primary at least as often as the RPO says (archive_timeout), and alert when a segment waits.",
)
def test_a_total_loss_never_costs_more_than_promised(stack: Stack, target: Target, exposure: Sampler, findings: Findings) -> None:
    """At every moment of the run, what the store does not have yet is younger than the promised RPO."""
    if stack.postgres is None:
        msg = "the exposure of a stack without a database was asked for; its control must declare its needs"
        raise HarnessError(msg)
    findings.judge(_look(stack.postgres, exposure, target.objectives.recovery.rpo_seconds))


def _look(postgres: Postgres, sampler: Sampler, promised: float | None) -> Iterator[Judgement]:
    yield judge_fall(_switched(postgres, sampler), exposures(sampler.samples), within=deadlines.WAL_ARCHIVED)
    if promised is not None:
        yield judge(sampler.samples, problem=sampler.problem, promised=promised)


def _switched(postgres: Postgres, sampler: Sampler) -> float:
    """End a segment with a commit in it, and wait until the curve falls, which proves that it can; the moment after the switch."""
    _begun(sampler)
    switch(postgres)
    before = monotonic()
    try:
        wait.until(
            lambda: exposures(sampler.samples),
            what="the sampler sees the segment in the store",
            within=deadlines.WAL_ARCHIVED,
            every=0.5,
            holds=lambda curve: len(curve) >= FEWEST and curve[-1].at - curve[-1].seconds >= before,
        )
    except NotReady:
        return before  # that is a measurement, and the verdict is made of it
    return before


def _begun(sampler: Sampler) -> None:
    """Wait until it has seen both ends once: what is written before that is taken for stored."""
    try:
        wait.until(
            lambda: [seen for seen in sampler.samples if seen.written is not None and seen.stored is not None],
            what="the sampler sees primary and store",
            within=deadlines.STATEMENT_DONE,
            holds=bool,
        )
    except NotReady as problem:
        msg = f"{problem}; the sampler says {sampler.problem or 'nothing'}"
        raise Unobservable(msg) from None
