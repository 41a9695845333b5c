"""What a target promises of latency, one promise each: a quantile, the mean, or the share of failures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from constat.statistics import Average, Exceedance, average, exceedance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constat.target import Latency

_QUANTILES: Final = {"p90": 0.90, "p95": 0.95, "p99": 0.99}
MEAN: Final = "mean"
ERRORS: Final = "errors"


@dataclass(frozen=True, kw_only=True)
class Promise:
    """At most `allowed` of the requests take longer than `seconds`; of the mean, `seconds` is its own limit."""

    name: str
    seconds: float
    allowed: float = 0.0

    @property
    def is_quantile(self) -> bool:
        """Whether it is about a quantile of the latency."""
        return self.name in _QUANTILES

    def measure(self, latencies: Sequence[float], *, timeout: float) -> Exceedance | Average:
        """Count, or average, what was measured; a request that failed took as long as anybody waits for one."""
        if self.name == MEAN:
            return average([min(value, timeout) for value in latencies], limit=self.seconds)
        return exceedance(latencies, limit=self.seconds, quantile=1 - self.allowed)

    @staticmethod
    def from_fields(fields: dict[str, Any]) -> Promise:
        """Read it back from JSON values; TypeError when they are not a promise's."""
        return Promise(**fields)


def promises(objective: Latency, *, timeout: float) -> tuple[Promise, ...]:
    """What the target promises, the quantiles first."""
    limits = {name: getattr(objective, f"{name}_ms") for name in _QUANTILES}
    given = ((name, limit) for name, limit in limits.items() if limit is not None)
    found = [Promise(name=name, seconds=limit / 1000, allowed=round(1 - _QUANTILES[name], 6)) for name, limit in given]
    if objective.mean_ms is not None:
        found.append(Promise(name=MEAN, seconds=objective.mean_ms / 1000))
    if objective.error_share is not None:
        found.append(Promise(name=ERRORS, seconds=timeout, allowed=objective.error_share))
    return tuple(found)
