"""A load run before it runs: rate, duration, mix, tenants, and every arrival of it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from constat.errors import UserError
from constat.statistics import LEAST_INFORMATION
from load.operations import MIX
from load.promises import ERRORS, Promise, promises

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from constat.target import Latency, TenantPlan

CONTROL: Final = "control"
# The mix's rarest operation must have enough requests although they depend on each other.
EXPECTED_DESIGN_EFFECT: Final = 3.0
LONGEST_SECONDS: Final = 45.0
CONTROL_SHARE: Final = 0.02
CONTROL_AT_LEAST: Final = 20.0
CONTROL_DELAY: Final = 0.020
# A tenant's limit must not be what is measured.
ROOM: Final = 1.25


class Arrival(NamedTuple):
    """When a request is to start, in seconds from the start of the run, and what it is."""

    offset: float
    operation: str
    tenant: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that decides the arrivals; seconds, and requests a second."""

    seed: int
    users: int
    think: float
    rate: float
    warmup: float
    duration: float
    timeout: float
    promises: tuple[Promise, ...]
    tenants: tuple[str, ...]
    mix: Mapping[str, float]
    control_rate: float = CONTROL_AT_LEAST
    control_delay: float = CONTROL_DELAY
    # How often it was carried out, each time with a warm-up and arrivals of its own; `duration` is of all together.
    stages: int = 1

    @property
    def limit(self) -> float:
        """The tightest latency that is promised; the instrument must see much finer than that."""
        return min((one.seconds for one in self.promises if one.name != ERRORS), default=self.timeout)

    @property
    def length(self) -> float:
        """Seconds from the first possible arrival to the last."""
        return self.warmup + self.duration

    @staticmethod
    def from_fields(fields: dict[str, Any]) -> Plan:
        """Read it back from JSON values; raises TypeError or KeyError when they are not a plan's."""
        told = {"tenants": tuple(fields["tenants"]), "promises": tuple(map(Promise.from_fields, fields["promises"]))}
        return Plan(**fields | told)


def make_plan(objective: Latency, *, tenants: tuple[str, ...], seed: int) -> Plan:
    """Plan the run that can decide an objective."""
    rate = arrival_rate(objective.concurrent_users, think=objective.think_seconds)
    mix = {operation.name: operation.share for operation in MIX}
    timeout = _timeout(objective)
    promised = promises(objective, timeout=timeout)
    return Plan(
        seed=seed,
        users=objective.concurrent_users,
        think=objective.think_seconds,
        rate=rate,
        warmup=objective.warmup_seconds,
        duration=max(objective.duration_seconds, min(LONGEST_SECONDS, deciding_seconds(rate, promised))),
        timeout=timeout,
        promises=promised,
        tenants=tenants,
        mix=mix,
        control_rate=max(CONTROL_AT_LEAST, CONTROL_SHARE * rate),
    )


def arrival_rate(users: int, *, think: float, service: float = 0.0) -> float:
    """Requests a second of so many people who think between an answer and their next request.

    A service time of 0 is the most that they can ask, whatever the platform does.
    """
    return users / (think + service)


def deciding_seconds(rate: float, promised: Iterable[Promise]) -> float:
    """How long it takes until the rarest operation that is judged by itself carries a verdict on the rarest event."""
    rarest = min(operation.share for operation in MIX if operation.judged)
    tail = min((one.allowed for one in promised if one.allowed), default=1.0)
    return round(LEAST_INFORMATION / tail * EXPECTED_DESIGN_EFFECT / (rate * rarest), 3)


def _timeout(objective: Latency) -> float:
    """Ten times the slowest that is promised, and a second at least; seconds."""
    slowest = max((one.seconds for one in promises(objective, timeout=0.0)), default=0.0)
    return max(1.0, 10 * slowest)


def bearing_tenants(plans: Mapping[str, str], limits: Mapping[str, TenantPlan], rate: float) -> tuple[str, ...]:
    """The tenants whose declared plan bears an equal share of the rate, with room; UserError when there are none.

    `plans` is each tenant's plan, `limits` each plan's limit; no limit is ever lifted for a run.
    """
    by_limit = sorted(plans, key=lambda tenant: (-limits[plans[tenant]].requests_per_minute, tenant))
    for count in range(len(by_limit), 0, -1):
        if limits[plans[by_limit[count - 1]]].requests_per_minute >= ROOM * rate * 60 / count:
            return tuple(sorted(by_limit[:count]))
    msg = f"{rate:g} requests a second: no tenant's plan bears its share of them; declare test tenants on a plan with a higher limit"
    raise UserError(msg)


def schedule(plan: Plan) -> list[Arrival]:
    """Every arrival in order: Poisson at the plan's rate, and beside it the control stream."""
    names, weights = list(plan.mix), list(plan.mix.values())
    draw = random.Random(plan.seed)  # noqa: S311 - reproducible, not secret
    asked = [
        Arrival(offset, draw.choices(names, weights)[0], draw.choice(plan.tenants)) for offset in _poisson(draw, plan.rate, plan.length)
    ]
    control = [Arrival(offset, CONTROL, "") for offset in _poisson(draw, plan.control_rate, plan.length)]
    return sorted(asked + control)


def _poisson(draw: random.Random, rate: float, length: float) -> list[float]:
    offsets = []
    offset = draw.expovariate(rate)
    while offset < length:
        offsets.append(offset)
        offset += draw.expovariate(rate)
    return offsets
