"""Latency under load, through the gateway."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from constat.control import control
from constat.errors import Unobservable, UserError
from constat.outcome import Impact, Severity
from load.calibration import calibration
from load.estate import planted
from load.generator import run_load
from load.judging import judgements, needs_more
from load.plan import arrival_rate, bearing_tenants, make_plan
from load.samples import pooled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constat.judgement import Findings
    from constat.stack import Stack
    from constat.target import Latency, Target
    from load.estate import Canaries
    from load.order import Estate
    from load.plan import Plan
    from load.samples import Measured


@pytest.fixture
def objective(target: Target) -> Latency:
    """The latency that the target promises."""
    if target.objectives.latency is None:
        pytest.skip("the target promises no latency (objectives.latency)")
    return target.objectives.latency


@control(
    "LOA-01",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=("gateway", "services", "tenants"),
    promises=("latency.p90", "latency.p95", "latency.p99", "latency.mean"),
    refs=("ISO 27001 A.8.6", "ISO 25010 time behaviour", "Google SRE workbook, chapter 2"),
    remediation="Read statement.txt for the route or tenant that is slow, profile it at this rate, and mend the slowest part.",
)
def test_the_promised_latency_holds_under_load(
    stack: Stack, target: Target, objective: Latency, canaries: Canaries, findings: Findings
) -> None:
    """Under the load of the promised users, on every route and for every tenant, the promised share of requests is answered in time."""
    assert stack.gateway is not None
    calibrated = calibration().gate()
    plan = make_plan(objective, tenants=_tenants(stack, target, objective), seed=secrets.randbits(32))
    words = {name: canaries.of(name, "load") for name in plan.tenants}
    with planted(stack.gateway, {name: stack.tenants[name] for name in plan.tenants}, words) as estates:
        run = _measured(plan, stack, estates)
    findings.judge(judgements(run, calibration=calibrated, gateway_url=stack.gateway.url))


def _measured(plan: Plan, stack: Stack, estates: Mapping[str, Estate]) -> Measured:
    """Carry the plan out, and as often again as it was said beforehand while that would decide something."""
    run = run_load(plan, stack=stack, estates=estates)
    while needs_more(run):
        again = replace(plan, seed=plan.seed + run.plan.stages)
        run = pooled(run, run_load(again, stack=stack, estates=estates))
    return run


def _tenants(stack: Stack, target: Target, objective: Latency) -> tuple[str, ...]:
    """Those whose declared plan bears the rate; the limit is proven elsewhere and never lifted."""
    rate = arrival_rate(objective.concurrent_users, think=objective.think_seconds)
    known = {name: tenant.plan for name, tenant in stack.tenants.items() if tenant.plan in target.plans}
    try:
        return bearing_tenants(known, target.plans, rate)
    except UserError as problem:
        raise Unobservable(str(problem)) from None
