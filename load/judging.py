"""What a load run shows: a judgement for the whole, for every route and for every tenant."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from constat.judgement import Judgement
from constat.outcome import Outcome
from constat.statistics import LEAST_INFORMATION, Exceedance, Interval, drift, exceedance, quantile_interval, verdicts
from load import telling
from load.gates import gates
from load.operations import LEAK, MIX, OK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from load.gates import Gate
    from load.plan import Arrival
    from load.samples import Measured

# How often a run that cannot decide is extended; fixed beforehand, else looking again would be fishing.
EXTENSIONS: Final = 2
# For all subjects and looks together and for each side: a wrong PASS among them, a wrong FAIL among them.
ALPHA: Final = 0.025
_ALPHA_A_LOOK: Final = ALPHA / (1 + EXTENSIONS)
# In standard errors; a drift beyond it is not by chance.
STATIONARY: Final = 3.0


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Requests that are judged together, and the two ways to read them.

    `measured` counts the generator's own stalls as the platform's, `excused` takes them
    off: what is PASS must be so by the first, what is FAIL by the second.
    """

    name: str
    measured: Exceedance
    excused: Exceedance
    p95: Interval
    drift: float
    failures: Counter[str]
    leaks: int


def judgements(run: Measured, *, gateway_url: str) -> list[Judgement]:
    """Judge a run; one judgement a subject, the whole first and with the evidence."""
    instrument, subjects = gates(run), read(run)
    broken = [gate for gate in instrument if not gate.holds]
    verdict = [_verdict(subject, outcome, broken) for subject, outcome in zip(subjects, outcomes(subjects), strict=True)]
    judged = tuple(zip(subjects, verdict, strict=True))
    report = telling.Report(
        run=run, gateway_url=gateway_url, instrument=instrument, subjects=judged, rare=tuple(_routes(run, judged=False))
    )
    return [
        Judgement(
            subject=subject.name,
            outcome=outcome,
            reason=reason,
            expected=telling.expected(run.plan),
            observed=telling.observed(subject),
            positive_control=telling.positive_control(run),
            evidence=telling.evidence(report) if place == 0 else (),
        )
        for place, (subject, (outcome, reason)) in enumerate(report.subjects)
    ]


def needs_more(run: Measured) -> bool:
    """Whether an extension would help: the instrument can be trusted, and something is not decided for want of data."""
    subjects = read(run)
    if run.plan.stages > EXTENSIONS or any(subject.leaks for subject in subjects) or not all(gate.holds for gate in gates(run)):
        return False
    undecided = zip(subjects, outcomes(subjects), strict=True)
    return any(not subject.measured.is_informative or outcome is Outcome.INCONCLUSIVE for subject, outcome in undecided)


def read(run: Measured) -> list[Subject]:
    """Group the requests: all, by route, by tenant."""
    subjects = [_subject(run, "total", lambda _: True), *_routes(run, judged=True)]
    return subjects + [_subject(run, f"tenant {name}", _is("tenant", name)) for name in run.plan.tenants]


def _routes(run: Measured, *, judged: bool) -> list[Subject]:
    return [_subject(run, row.route, _is("operation", row.name)) for row in MIX if row.judged is judged]


def _is(attribute: Literal["operation", "tenant"], value: str) -> Callable[[Arrival], bool]:
    return lambda arrival: getattr(arrival, attribute) == value


def _subject(run: Measured, name: str, belongs: Callable[[Arrival], bool]) -> Subject:
    samples, plan = run.window(belongs), run.plan
    latencies = [sample.latency for sample in samples]
    return Subject(
        name=name,
        measured=exceedance(latencies, limit=plan.limit, quantile=plan.quantile),
        excused=exceedance([sample.latency - sample.excuse for sample in samples], limit=plan.limit, quantile=plan.quantile),
        p95=quantile_interval(latencies, quantile=plan.quantile),
        drift=drift([latency > plan.limit for latency in latencies]),
        failures=Counter(sample.row.result for sample in samples if sample.row.result != OK),
        leaks=sum(sample.row.result == LEAK for sample in run.samples if belongs(sample.arrival)),
    )


def outcomes(subjects: Sequence[Subject]) -> list[Outcome]:
    """Judge them together: PASS by what was measured, FAIL by what the generator cannot have made slow."""
    kept = verdicts([subject.measured for subject in subjects], alpha=_ALPHA_A_LOOK)
    broken = verdicts([subject.excused for subject in subjects], alpha=_ALPHA_A_LOOK)
    return [
        Outcome.PASS if k is Outcome.PASS else Outcome.FAIL if b is Outcome.FAIL else Outcome.INCONCLUSIVE
        for k, b in zip(kept, broken, strict=True)
    ]


def _verdict(subject: Subject, outcome: Outcome, broken: Sequence[Gate]) -> tuple[Outcome, str]:
    """Say how it ended and why; what was seen outright needs no statistics, and a gate that is broken forbids them."""
    found = subject.measured
    if subject.leaks:
        return Outcome.FAIL, f"{subject.leaks} answers showed another tenant's canary"
    if broken:
        return Outcome.INCONCLUSIVE, telling.unvouched(broken)
    if not found.is_informative:
        return Outcome.INCONCLUSIVE, (
            f"information: {found.requests} requests are worth {found.worth:.0f} independent ones "
            f"(design effect {found.design_effect:.1f}), at least {LEAST_INFORMATION / found.allowed:.0f} are needed; {telling.LONGER}"
        )
    is_worsening = outcome is Outcome.FAIL and subject.drift > 0
    if abs(subject.drift) >= STATIONARY and not is_worsening:
        return (
            Outcome.INCONCLUSIVE,
            f"stationarity: the run's halves differ by {subject.drift:.1f} standard errors (at most {STATIONARY:g})",
        )
    return outcome, telling.reason(subject, outcome)
