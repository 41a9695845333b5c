"""What a target promises of latency becomes claims that a run can break."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from constat.outcome import Outcome
from constat.statistics import Average
from constat.target import Latency
from load.judging import judgements
from load.operations import MIX
from load.plan import CONTROL, Plan, make_plan
from load.promises import Promise, promises
from tests.load.runs import CALIBRATED, failed, on_time, run, slow
from tests.load.stubbed import plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.judgement import Judgement
    from load.plan import Arrival
    from load.samples import Row

EVERYTHING = Latency(p90_ms=100, p95_ms=200, p99_ms=400, mean_ms=50, error_share=0.02, concurrent_users=100)


def judged(promised: Promise, become: Callable[[Arrival], Row]) -> Judgement:
    """The whole of a run of twenty seconds, by one promise."""
    full = dataclasses.replace(plan(rate=300, seconds=20), mix={row.name: row.share for row in MIX}, promises=(promised,))
    return judgements(run(become, planned=full), calibration=CALIBRATED, gateway_url="https://127.0.0.1:8443")[0]


def every(number: int, become: Callable[[Arrival], Row]) -> Callable[[Arrival], Row]:
    """One in so many requests of the API becomes something else."""
    return lambda arrival: become(arrival) if arrival.operation != CONTROL and int(arrival.offset * 1e6) % number == 0 else on_time(arrival)


def test_every_objective_is_a_promise_of_its_own() -> None:
    """Quantiles, mean and failures, each with its limit; what is not promised is not judged."""
    found = {one.name: one for one in promises(EVERYTHING, timeout=4.0)}

    assert {name: one.seconds for name, one in found.items()} == {"p90": 0.1, "p95": 0.2, "p99": 0.4, "mean": 0.05, "errors": 4.0}
    assert found["p99"].allowed == 0.01
    assert [one.name for one in promises(Latency(mean_ms=50, concurrent_users=1), timeout=1.0)] == ["mean"]


def test_an_objective_that_promises_nothing_is_refused() -> None:
    """A section without a limit would pass whatever happens."""
    with pytest.raises(ValidationError, match="at least one of p90_ms"):
        Latency(concurrent_users=100)


def test_a_plan_with_every_promise_survives_its_file() -> None:
    """What the generator reads is what was planned; the tightest limit decides how fine the instrument must be."""
    made = make_plan(EVERYTHING, tenants=("t1",), seed=1)

    assert Plan.from_fields(dataclasses.asdict(made)) == made
    assert made.limit == 0.05
    assert made.timeout == 4.0


@pytest.mark.parametrize(
    ("promised", "number", "outcome"),
    [
        (Promise(name="p99", seconds=0.2, allowed=0.01), 30, Outcome.FAIL),
        (Promise(name="p95", seconds=0.2, allowed=0.05), 30, Outcome.PASS),
        (Promise(name="mean", seconds=0.05), 5, Outcome.FAIL),
        (Promise(name="mean", seconds=0.05), 50, Outcome.PASS),
    ],
)
def test_slow_requests_break_what_forbids_them_and_nothing_else(promised: Promise, number: int, outcome: Outcome) -> None:
    """One slow request in thirty breaks a p99 and keeps a p95; one in five breaks a mean that one in fifty keeps."""
    assert judged(promised, every(number, slow)).outcome is outcome


@pytest.mark.parametrize(("number", "outcome"), [(30, Outcome.FAIL), (300, Outcome.PASS)])
def test_fast_errors_break_a_promise_about_errors(number: int, outcome: Outcome) -> None:
    """Whatever the latency: too many quick refusals are a FAIL, a few are not."""
    found = judged(Promise(name="errors", seconds=2.0, allowed=0.01), every(number, lambda arrival: failed(arrival, "status 500")))

    assert found.outcome is outcome
    assert found.expected == {"errors": "at most 1%"}
    assert found.observed["errors"].startswith("errors = ")


def test_a_failure_takes_as_long_as_anybody_waits() -> None:
    """A mean of nothing but failures is the time-out, never a number that looks quick."""
    measured = Promise(name="mean", seconds=0.05).measure([float("inf")] * 400, timeout=2.0)

    assert isinstance(measured, Average)
    assert measured.mean == 2.0


def test_the_worst_promise_decides_and_is_named() -> None:
    """A quick p95 does not hide a broken p99."""
    full = dataclasses.replace(
        plan(rate=300, seconds=20),
        mix={row.name: row.share for row in MIX},
        promises=(Promise(name="p95", seconds=0.2, allowed=0.05), Promise(name="p99", seconds=0.2, allowed=0.01)),
    )
    total = judgements(run(every(30, slow), planned=full), calibration=CALIBRATED, gateway_url="https://127.0.0.1:8443")[0]

    assert total.outcome is Outcome.FAIL
    assert total.reason.endswith("1% may be")
    assert "slower than 200.0 ms is at most 5%, and the share of requests slower than 200.0 ms is above 1%" in total.evidence[0].content
