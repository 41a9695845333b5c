"""Plans for runs against the bundled stub."""

from __future__ import annotations

from load.plan import Plan
from load.promises import Promise
from load.stage import TENANTS


def p95(seconds: float) -> Promise:
    """At most one request in twenty takes longer."""
    return Promise(name="p95", seconds=seconds, allowed=0.05)


def plan(*, rate: float, seconds: float, limit: float = 0.2, warmup: float = 1.0, seed: int = 1, timeout: float = 2.0) -> Plan:
    """A plan of half lists and half reads."""
    return Plan(
        seed=seed,
        users=round(rate),
        think=1.0,
        rate=rate,
        warmup=warmup,
        duration=seconds,
        timeout=timeout,
        promises=(p95(limit),),
        tenants=TENANTS,
        mix={"list": 0.5, "read": 0.5},
    )
