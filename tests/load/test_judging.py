"""What a load run shows, subject by subject."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from constat.outcome import Outcome, worst
from load.judging import EXTENSIONS, judgements, needs_more
from load.operations import LEAK, MIX
from load.plan import CONTROL
from load.samples import Row, Stall, Watch
from tests.load.runs import CALIBRATED, failed, on_time, run, slow
from tests.load.stubbed import plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.judgement import Judgement
    from load.plan import Arrival
    from load.samples import Measured

FULL = dataclasses.replace(plan(rate=300, seconds=20), mix={row.name: row.share for row in MIX})


def every(number: int, become: Callable[[Arrival], Row]) -> Callable[[Arrival], Row]:
    """One in so many requests of the API, by its offset's digits, becomes something else."""
    return lambda arrival: become(arrival) if arrival.operation != CONTROL and int(arrival.offset * 1e6) % number == 0 else on_time(arrival)


def judged(measured: Measured) -> dict[str, Judgement]:
    """By subject."""
    return {one.subject: one for one in judgements(measured, calibration=CALIBRATED, gateway_url="https://127.0.0.1:8443")}


def outcome(measured: Measured) -> Outcome:
    """How the control would end."""
    return worst(one.outcome for one in judged(measured).values())


def test_a_quick_platform_passes_on_every_subject() -> None:
    """The whole, every route and every tenant are judged, and pass when all is quick."""
    found = judged(run(planned=FULL))

    assert set(found) == {"total", *(row.route for row in MIX if row.judged), "tenant t1", "tenant t10"}
    assert {one.outcome for one in found.values()} == {Outcome.PASS}


def test_one_slow_request_in_ten_fails() -> None:
    """More than one in twenty beyond the limit is a FAIL that says how many."""
    total = judged(run(every(10, slow), planned=FULL))["total"]

    assert total.outcome is Outcome.FAIL
    assert " requests were slower than promised" in total.reason
    assert type(total.expected) is type(total.observed)


def test_one_fast_error_in_ten_fails() -> None:
    """A quick error is slower than any limit, and is named."""
    total = judged(run(every(10, lambda arrival: failed(arrival, "status 500")), planned=FULL))["total"]

    assert total.outcome is Outcome.FAIL
    assert "status 500" in total.reason


def test_one_slow_tenant_fails_alone() -> None:
    """A tenant that is slow is found although the others are quick."""
    found = judged(
        run(
            lambda arrival: slow(arrival) if arrival.tenant == "t10" and int(arrival.offset * 1e6) % 12 == 0 else on_time(arrival),
            planned=FULL,
        )
    )

    assert found["tenant t10"].outcome is Outcome.FAIL
    assert found["tenant t1"].outcome is Outcome.PASS


def test_a_single_leak_is_a_fail() -> None:
    """One answer with another tenant's canary is never weighed against the others, not even with a broken gate."""
    leaky = run(
        lambda arrival: failed(arrival, LEAK) if 5 < arrival.offset < 5.01 and arrival.operation != CONTROL else on_time(arrival),
        planned=FULL,
    )
    blind = dataclasses.replace(leaky, watch=Watch(stalls=(), cpu=()))

    assert judged(leaky)["total"].outcome is Outcome.FAIL
    assert "is above" not in judged(leaky)["total"].evidence[0].content
    assert judged(blind)["total"].outcome is Outcome.FAIL


def test_a_broken_gate_forbids_every_verdict() -> None:
    """Neither PASS nor FAIL is said with an instrument that cannot vouch for itself, and the gate is named."""
    blind = Watch(stalls=(), cpu=(0.99,) * 20)

    for become in (on_time, every(10, slow)):
        found = judged(run(become, watch=blind, planned=FULL))
        assert {one.outcome for one in found.values()} == {Outcome.INCONCLUSIVE}
        assert "generator CPU" in found["total"].reason


def test_too_few_requests_are_inconclusive() -> None:
    """A route with too little information says so and what to do."""
    found = judged(run(every(20, slow), planned=dataclasses.replace(FULL, rate=20.0)))

    assert found["POST /api/properties"].outcome is Outcome.INCONCLUSIVE
    assert "information" in found["POST /api/properties"].reason
    assert "duration_seconds" in found["POST /api/properties"].reason


def test_an_operation_that_never_ran_is_inconclusive() -> None:
    """Nothing measured is not a pass."""
    found = judged(run(planned=dataclasses.replace(FULL, mix={"read": 1.0})))

    assert found["GET /api/search"].outcome is Outcome.INCONCLUSIVE
    assert found["GET /api/properties/{id}"].outcome is Outcome.PASS


def test_what_the_generator_made_slow_is_no_fail() -> None:
    """Exceedances that the generator's own stalls explain are neither held against the platform nor counted as right."""
    stalled = run(every(10, slow), planned=FULL, excuse=lambda arrival: 0.4 if int(arrival.offset * 1e6) % 10 == 0 else 0.0)

    assert judged(stalled)["total"].outcome is Outcome.INCONCLUSIVE


def test_a_platform_that_gets_worse_is_a_fail_and_one_that_recovers_is_not_decided() -> None:
    """Saturation in the second half is a FAIL; trouble in the first half alone is not stationary, so no verdict."""
    saturated = run(
        lambda arrival: slow(arrival) if arrival.offset > 8 and arrival.operation != CONTROL else on_time(arrival), planned=FULL
    )
    recovered = run(
        lambda arrival: slow(arrival) if arrival.offset < 8 and arrival.operation != CONTROL else on_time(arrival), planned=FULL
    )

    assert judged(saturated)["total"].outcome is Outcome.FAIL
    assert judged(recovered)["total"].outcome is Outcome.INCONCLUSIVE


def test_the_evidence_is_complete() -> None:
    """The whole carries the sentence, every sample and the plan; nothing of it is infinite JSON."""
    measured = run(
        every(10, lambda arrival: failed(arrival, "timeout")), planned=FULL, watch=Watch(stalls=(Stall(3, 0.01),), cpu=(0.1,) * 20)
    )
    evidence = {one.name: one.content for one in judged(measured)["total"].evidence}

    assert evidence["statement.txt"].startswith("Under open Poisson arrivals at 300 requests a second")
    assert "97.5 % one-sided confidence" in evidence["statement.txt"]
    assert "co-located" in evidence["statement.txt"]
    assert "too rare      POST /api/identity/token" in evidence["statement.txt"]
    assert evidence["samples.csv"].count("\n") == 1 + len(measured.samples)
    assert json.loads(evidence["plan.json"])["seed"] == FULL.seed
    assert json.dumps(judged(measured)["total"].observed, allow_nan=False)


def test_a_generator_elsewhere_is_said_to_be() -> None:
    """Only a platform on this machine gets the label."""
    found = judgements(run(planned=FULL), calibration=CALIBRATED, gateway_url="https://api.example.org")

    assert "generator on another machine" in found[0].evidence[0].content


def test_only_a_trusted_run_that_cannot_decide_is_extended() -> None:
    """What is decided, what a broken gate spoils, and what was extended often enough is not looked at again."""
    near = run(every(20, slow), planned=FULL)

    assert needs_more(near)
    assert not needs_more(run(planned=FULL))
    assert not needs_more(run(every(5, slow), planned=FULL))
    assert not needs_more(dataclasses.replace(near, watch=Watch(stalls=(), cpu=())))
    assert not needs_more(dataclasses.replace(near, plan=dataclasses.replace(near.plan, stages=1 + EXTENSIONS)))


def test_the_sentence_says_in_how_many_stages_it_was_found() -> None:
    """Who reads the verdict sees that the run was extended."""
    twice = run(planned=dataclasses.replace(FULL, stages=2))

    assert "in 2 stages" in judged(twice)["total"].evidence[0].content
    assert "stages" not in judged(run(planned=FULL))["total"].evidence[0].content
