"""One run outside of a verification: at any rate, for any time, of a platform that is up."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from constat.errors import Unobservable, UserError
from constat.outcome import Outcome, worst
from load.estate import planted
from load.gates import gates
from load.generator import run_load
from load.judging import outcomes, read
from load.limit import Step
from load.plan import CONTROL_AT_LEAST, CONTROL_SHARE, bearing_tenants, make_plan
from load.telling import reason, unvouched

if TYPE_CHECKING:
    from constat.stack import Stack
    from constat.target import Target
    from load.gates import Gate
    from load.plan import Plan
    from load.samples import Measured

WARMUP: Final = 3.0


def plan_at(stack: Stack, target: Target, *, rate: float, seconds: float) -> Plan:
    """The target's own mix and promises at another rate; UserError when nothing is promised or no tenant's plan bears it."""
    objective = target.objectives.latency
    if objective is None:
        msg = "the target promises no latency: give it [objectives.latency] with p95_ms and concurrent_users"
        raise UserError(msg)
    known = {name: tenant.plan for name, tenant in stack.tenants.items() if tenant.plan in target.plans}
    made = make_plan(objective, tenants=bearing_tenants(known, target.plans, rate), seed=secrets.randbits(32))
    users = max(1, round(rate * objective.think_seconds))
    control = max(CONTROL_AT_LEAST, CONTROL_SHARE * rate)
    return replace(made, rate=rate, users=users, warmup=WARMUP, duration=seconds, control_rate=control)


def try_once(plan: Plan, stack: Stack) -> Measured:
    """Carry it out and remove what it created; Unobservable when nothing could be measured."""
    if stack.gateway is None:
        msg = "the stack has no gateway to send requests to"
        raise Unobservable(msg)
    canaries = {name: secrets.token_hex(12) for name in plan.tenants}
    with planted(stack.gateway, {name: stack.tenants[name] for name in plan.tenants}, canaries) as estates:
        return run_load(plan, stack=stack, estates=estates)


def step(run: Measured, calibration: Gate) -> Step:
    """What a run says of the whole at its rate."""
    broken = [gate for gate in (*gates(run), calibration) if not gate.holds]
    total = read(run)[0]
    found = outcomes([total])[0]
    outcome = Outcome.INCONCLUSIVE if broken else worst(found)
    words = unvouched(broken) if broken else reason(total, total.readings[found.index(outcome)], outcome)
    return Step(rate=run.plan.rate, outcome=outcome, words=words)
