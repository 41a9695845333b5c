"""A load run before it runs: rate, duration, tenants and arrivals follow from the target and a seed."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constat.errors import UserError
from constat.target import Latency, TenantPlan
from load.operations import MIX
from load.order import ControlStream, Estate, Order
from load.plan import CONTROL, LONGEST_SECONDS, arrival_rate, bearing_tenants, make_plan, schedule
from tests.load.stubbed import plan

PROMISE = Latency(p95_ms=200, concurrent_users=100)
LIMITS = {"default": TenantPlan(requests_per_minute=100), "test": TenantPlan(requests_per_minute=60_000)}
PLANS = {"t1": "test", "t10": "test", "t2": "default"}


def test_a_hundred_users_who_think_a_second_are_a_hundred_requests_a_second() -> None:
    """Users are a rate: never less than they could ask if every answer came at once."""
    assert arrival_rate(100, think=1.0) == 100
    assert arrival_rate(100, think=1.0, service=0.25) == 80


def test_a_run_is_long_enough_for_its_rarest_operation() -> None:
    """The duration is the target's or what a verdict needs, whichever is longer, and never beyond the longest."""
    assert make_plan(PROMISE, tenants=("t1",), seed=1).duration == 40
    assert make_plan(PROMISE.model_copy(update={"concurrent_users": 500}), tenants=("t1",), seed=1).duration == 30
    assert make_plan(PROMISE.model_copy(update={"concurrent_users": 90}), tenants=("t1",), seed=1).duration == pytest.approx(44.4, abs=0.1)
    assert make_plan(PROMISE.model_copy(update={"concurrent_users": 5}), tenants=("t1",), seed=1).duration == LONGEST_SECONDS
    assert make_plan(PROMISE.model_copy(update={"duration_seconds": 120}), tenants=("t1",), seed=1).duration == 120


def test_only_tenants_whose_plan_bears_their_share_take_part() -> None:
    """A tenant that the gateway would limit is left out, and no limit is lifted."""
    assert bearing_tenants(PLANS, LIMITS, 100) == ("t1", "t10")
    assert bearing_tenants(PLANS, LIMITS, 1500) == ("t1", "t10")
    assert bearing_tenants({"t2": "default", "t3": "default"}, LIMITS, 2) == ("t2", "t3")


def test_a_rate_that_no_plan_bears_is_refused() -> None:
    """Without tenants for the rate there is a message that says what to declare."""
    with pytest.raises(UserError, match="declare test tenants"):
        bearing_tenants({"t2": "default"}, LIMITS, 100)
    with pytest.raises(UserError):
        bearing_tenants({}, LIMITS, 1)


@settings(max_examples=20)
@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_a_schedule_is_made_by_its_seed_alone(seed: int) -> None:
    """The same plan has the same arrivals, in order, within the run; another seed has others."""
    one = plan(rate=50, seconds=4, seed=seed)
    arrivals = schedule(one)

    assert arrivals == schedule(one)
    assert arrivals != schedule(dataclasses.replace(one, seed=seed + 1))
    assert arrivals == sorted(arrivals)
    assert all(0 < arrival.offset < one.length for arrival in arrivals)


def test_arrivals_are_poisson_at_the_planned_rate() -> None:
    """Over a long run the number of arrivals and the variance of counts by the second are those of the rate."""
    one = dataclasses.replace(plan(rate=100, seconds=399, seed=3), mix={row.name: row.share for row in MIX})
    arrivals = [arrival for arrival in schedule(one) if arrival.operation != CONTROL]
    seconds = Counter(int(arrival.offset) for arrival in arrivals)
    variance = sum((seconds[second] - 100) ** 2 for second in range(400)) / 400

    assert len(arrivals) == pytest.approx(40_000, abs=800)
    assert variance == pytest.approx(100, rel=0.25)
    assert {name: count / len(arrivals) for name, count in Counter(arrival.operation for arrival in arrivals).items()} == pytest.approx(
        dict(one.mix), abs=0.01
    )


def test_the_control_stream_runs_beside_it() -> None:
    """At least 20 requests of known delay a second are in every schedule, whatever the rate."""
    control = [arrival for arrival in schedule(plan(rate=5, seconds=99)) if arrival.operation == CONTROL]

    assert len(control) == pytest.approx(2000, abs=200)


def test_the_mix_adds_up() -> None:
    """The shares of the operations are all there is."""
    assert sum(row.share for row in MIX) == pytest.approx(1)


def test_an_order_survives_its_file() -> None:
    """What the generator reads is what was written, and holds no secret."""
    order = Order(
        plan=plan(rate=10, seconds=5),
        control=ControlStream(url="https://127.0.0.1:1", ca="ca.pem"),
        estates={"t1": Estate(canary="c1", planted=())},
    )

    assert Order.from_json(order.to_json()) == order
    assert "password" not in order.to_json()
