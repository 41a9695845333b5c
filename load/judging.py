"""What a load run shows: a judgement for the whole, for every route and for every tenant."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from constat.judgement import Judgement
from constat.outcome import Outcome, worst
from constat.statistics import Average, Exceedance, Interval, drift, quantile_interval, verdicts
from load import telling
from load.gates import gates
from load.operations import LEAK, MIX, OK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from load.gates import Gate
    from load.plan import Arrival
    from load.promises import Promise
    from load.samples import Measured, Sample

# How often a run that cannot decide is extended; fixed beforehand, else looking again would be fishing.
EXTENSIONS: Final = 2
# For all subjects and looks together and for each side: a wrong PASS among them, a wrong FAIL among them.
ALPHA: Final = 0.025
_ALPHA_A_LOOK: Final = ALPHA / (1 + EXTENSIONS)
# In standard errors; a drift beyond it is not by chance.
STATIONARY: Final = 3.0


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One promise for one subject, and the two ways to read what was measured.

    `measured` counts the generator's own stalls as the platform's, `excused` takes them
    off: what is PASS must be so by the first, what is FAIL by the second.
    """

    promise: Promise
    measured: Exceedance | Average
    excused: Exceedance | Average
    # Of the promised quantile; the other promises have none.
    interval: Interval | None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Requests that are judged together, by every promise."""

    name: str
    requests: int
    readings: tuple[Reading, ...]
    drift: float
    failures: Counter[str]
    leaks: int


class Verdict(NamedTuple):
    """How one subject ended and why, and each of its readings."""

    subject: Subject
    outcome: Outcome
    reason: str
    found: Sequence[Outcome]


def judgements(run: Measured, *, calibration: Gate, gateway_url: str) -> list[Judgement]:
    """Judge a run of an instrument that was calibrated; one judgement a subject, the whole first and with the evidence."""
    instrument, subjects = (*gates(run), calibration), read(run)
    broken = [gate for gate in instrument if not gate.holds]
    judged = tuple(_verdict(subject, found, broken) for subject, found in zip(subjects, outcomes(subjects), strict=True))
    report = telling.Report(
        run=run, gateway_url=gateway_url, instrument=instrument, verdicts=judged, rare=tuple(_routes(run, judged=False))
    )
    return [
        Judgement(
            subject=one.subject.name,
            outcome=one.outcome,
            reason=one.reason,
            expected=telling.expected(run.plan),
            observed=telling.observed(one.subject),
            positive_control=telling.positive_control(run),
            evidence=telling.evidence(report) if place == 0 else (),
        )
        for place, one in enumerate(report.verdicts)
    ]


def needs_more(run: Measured) -> bool:
    """Whether an extension would help: the instrument can be trusted, and something is not decided for want of data."""
    subjects = read(run)
    if run.plan.stages > EXTENSIONS or any(subject.leaks for subject in subjects) or not all(gate.holds for gate in gates(run)):
        return False
    return any(outcome is Outcome.INCONCLUSIVE for found in outcomes(subjects) for outcome in found)


def read(run: Measured) -> list[Subject]:
    """Group the requests: all, by route, by tenant."""
    subjects = [_subject(run, "total", lambda _: True), *_routes(run, judged=True)]
    return subjects + [_subject(run, f"tenant {name}", _is("tenant", name)) for name in run.plan.tenants]


def _routes(run: Measured, *, judged: bool) -> list[Subject]:
    return [_subject(run, row.route, _is("operation", row.name)) for row in MIX if row.judged is judged]


def _is(attribute: Literal["operation", "tenant"], value: str) -> Callable[[Arrival], bool]:
    return lambda arrival: getattr(arrival, attribute) == value


def _subject(run: Measured, name: str, belongs: Callable[[Arrival], bool]) -> Subject:
    samples = run.window(belongs)
    return Subject(
        name=name,
        requests=len(samples),
        readings=tuple(_reading(samples, promise, run.plan.timeout) for promise in run.plan.promises),
        drift=drift([sample.latency > run.plan.limit for sample in samples]),
        failures=Counter(sample.row.result for sample in samples if sample.row.result != OK),
        leaks=sum(sample.row.result == LEAK for sample in run.samples if belongs(sample.arrival)),
    )


def _reading(samples: Sequence[Sample], promise: Promise, timeout: float) -> Reading:
    latencies = [sample.latency for sample in samples]
    return Reading(
        promise=promise,
        measured=promise.measure(latencies, timeout=timeout),
        excused=promise.measure([sample.latency - sample.excuse for sample in samples], timeout=timeout),
        interval=quantile_interval(latencies, quantile=1 - promise.allowed) if promise.is_quantile else None,
    )


def outcomes(subjects: Sequence[Subject]) -> list[list[Outcome]]:
    """Judge every promise of every subject together: PASS by what was measured, FAIL by what the generator cannot have made slow."""
    readings = [reading for subject in subjects for reading in subject.readings]
    kept = verdicts([reading.measured for reading in readings], alpha=_ALPHA_A_LOOK)
    broken = verdicts([reading.excused for reading in readings], alpha=_ALPHA_A_LOOK)
    found = iter(
        Outcome.PASS if k is Outcome.PASS else Outcome.FAIL if b is Outcome.FAIL else Outcome.INCONCLUSIVE
        for k, b in zip(kept, broken, strict=True)
    )
    return [[next(found) for _ in subject.readings] for subject in subjects]


def _verdict(subject: Subject, found: Sequence[Outcome], broken: Sequence[Gate]) -> Verdict:
    """Say how it ended and why; what was seen outright needs no statistics, and a gate that is broken forbids them."""
    nothing = [Outcome.INCONCLUSIVE] * len(found)
    if subject.leaks:
        return Verdict(subject, Outcome.FAIL, f"{subject.leaks} answers showed another tenant's canary", nothing)
    if broken:
        return Verdict(subject, Outcome.INCONCLUSIVE, telling.unvouched(broken), nothing)
    outcome = worst(found)
    deciding = subject.readings[found.index(outcome)]
    if outcome is Outcome.INCONCLUSIVE and not deciding.measured.is_informative:
        return Verdict(subject, outcome, telling.uninformed(deciding.measured), found)
    is_worsening = outcome is Outcome.FAIL and subject.drift > 0
    if abs(subject.drift) >= STATIONARY and not is_worsening:
        why = f"stationarity: the run's halves differ by {subject.drift:.1f} standard errors (at most {STATIONARY:g})"
        return Verdict(subject, Outcome.INCONCLUSIVE, why, nothing)
    return Verdict(subject, outcome, telling.reason(subject, deciding, outcome), found)
