"""What can be said of a share of slow requests, and of a quantile, when requests depend on each other.

Every function is pure.  Latencies are seconds in the order of their intended start; a
request that failed or never came back counts as `math.inf`.

"The p-quantile is at most T" is the same claim as "the share of requests slower than T is
at most 1 - p", so a verdict counts exceedances and needs neither histogram nor rounding.
Requests that wait behind each other are not independent: the count is taken in BATCHES
equal batches (batch means: Law and Kelton, Simulation Modeling and Analysis, ch. 9), and the
variance among them, over that of independent requests, is the design effect (Kish, Survey
Sampling, 1965); n requests are worth n / design effect.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

Value = TypeVar("Value")
BATCHES: Final = 20
# Requests worth expecting in the tail, below which the intervals were measured not to cover.
LEAST_INFORMATION: Final = 10.0
# A measured design effect may be too small by this factor once in 20 times: 19 / chi2(0.05; 19).
_DESIGN_EFFECT_DOUBT: Final = 1.88


@dataclass(frozen=True, kw_only=True)
class Exceedance:
    """How many of `requests` exceeded a limit that `allowed` (a share, 0.05 for a p95) may exceed."""

    requests: int
    exceeding: int
    allowed: float
    design_effect: float

    @property
    def share(self) -> float:
        """The share that exceeded the limit; 0 of nothing."""
        return self.exceeding / self.requests if self.requests else 0.0

    @property
    def worth(self) -> float:
        """How many independent requests these are worth."""
        return self.requests / self.design_effect

    @property
    def information(self) -> float:
        """How many independent requests are expected beyond the limit when the promise is just kept."""
        return self.worth * self.allowed

    @property
    def is_informative(self) -> bool:
        """Whether a verdict may be given.

        The bound for none at all is exact, and that even the median is beyond the limit
        needs no knowledge of the tail.
        """
        return self.information >= LEAST_INFORMATION or self.exceeding == 0 or self.share > 1 / 2

    @property
    def doubt_kept(self) -> float:
        """The probability of so few exceedances if the promise were just broken: 0 is certainty that it is kept.

        Exact for none at all, with the least that the requests may be worth: the design
        effect of what never happened is not known.
        """
        if self.exceeding == 0:
            return math.pow(1 - self.allowed, self.worth / _DESIGN_EFFECT_DOUBT)
        return 1 - student_cdf(self._distance, BATCHES - 1)

    @property
    def doubt_broken(self) -> float:
        """The probability of so many exceedances if the promise were just kept: 0 is certainty that it is broken."""
        return student_cdf(self._distance, BATCHES - 1)

    @property
    def _distance(self) -> float:
        """How far below the allowed share it is, in standard errors of a share that is just allowed."""
        return (self.allowed - self.share) * math.sqrt(self.worth / (self.allowed * (1 - self.allowed)))


@dataclass(frozen=True, kw_only=True)
class Average:
    """The mean of `requests` values and its standard error, against a limit in the same unit."""

    requests: int
    mean: float
    error: float
    limit: float

    @property
    def is_informative(self) -> bool:
        """Whether a verdict may be given: the batches' means must each be of several requests."""
        return self.requests >= BATCHES * LEAST_INFORMATION

    @property
    def doubt_kept(self) -> float:
        """The probability of so low a mean if the promise were just broken: 0 is certainty that it is kept."""
        return 1 - student_cdf(self._distance, BATCHES - 1)

    @property
    def doubt_broken(self) -> float:
        """The probability of so high a mean if the promise were just kept: 0 is certainty that it is broken."""
        return student_cdf(self._distance, BATCHES - 1)

    @property
    def _distance(self) -> float:
        """How far below the limit it is, in standard errors."""
        gap = self.limit - self.mean
        return gap / self.error if self.error else math.copysign(math.inf, gap)


class Claim(Protocol):
    """Something that is shown to hold, shown to be broken, or neither."""

    @property
    def is_informative(self) -> bool:
        """Whether a verdict may be given."""
        ...

    @property
    def doubt_kept(self) -> float:
        """The p-value of "it is kept"."""
        ...

    @property
    def doubt_broken(self) -> float:
        """The p-value of "it is broken"."""
        ...


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A quantile and where it lies with the stated confidence, in the unit of the values."""

    estimate: float
    low: float
    high: float


def exceedance(latencies: Sequence[float], *, limit: float, quantile: float = 0.95) -> Exceedance:
    """Count what exceeded the limit; nothing at all carries no information.

    The design effect is the larger of that at the limit and that at the sample's own
    quantile: a limit far out in the tail is exceeded too rarely to show how requests
    depend on each other.
    """
    own = _order_statistic(sorted(latencies), quantile)
    effects = (design_effect([value > bar for value in latencies]) for bar in (limit, own))
    return Exceedance(
        requests=len(latencies),
        exceeding=sum(value > limit for value in latencies),
        allowed=1 - quantile,
        design_effect=max(effects),
    )


def average(values: Sequence[float], *, limit: float) -> Average:
    """The mean and its standard error by batch means; with fewer values than batches there is none, and it is infinite."""
    if len(values) < BATCHES:
        return Average(requests=len(values), mean=_mean(values), error=math.inf, limit=limit)
    means = [_mean(batch) for batch in _batches(values)]
    centre = _mean(means)
    error = math.sqrt(sum((mean - centre) ** 2 for mean in means) / (BATCHES - 1) / BATCHES)
    return Average(requests=len(values), mean=_mean(values), error=error, limit=limit)


def design_effect(flags: Sequence[bool]) -> float:
    """How many dependent requests are worth one independent one: at least 1.

    Variance of the mean from BATCHES consecutive batches over that of independent draws;
    with fewer requests than batches, or all alike, nothing shows and it is 1.
    """
    share = sum(flags) / len(flags) if flags else 0.0
    if len(flags) < BATCHES or share in {0.0, 1.0}:
        return 1.0
    means = [sum(batch) / len(batch) for batch in _batches(flags)]
    centre = sum(means) / BATCHES
    among = sum((mean - centre) ** 2 for mean in means) / (BATCHES - 1) / BATCHES
    return max(1.0, among / (share * (1 - share) / len(flags)))


def verdict(found: Claim, *, alpha: float = 0.025) -> Outcome:
    """Judge one claim: each of PASS and FAIL is wrong with probability `alpha` at most."""
    return verdicts([found], alpha=alpha)[0]


def verdicts(found: Sequence[Claim], *, alpha: float = 0.025) -> list[Outcome]:
    """Judge several together: that any PASS among them is wrong has probability `alpha` at most, and so any FAIL.

    Holm's step-down (Scandinavian Journal of Statistics 6, 1979) on each side; what is
    neither shown to hold nor shown to be broken is INCONCLUSIVE.
    """
    kept = holm([one.doubt_kept for one in found], alpha=alpha)
    broken = holm([one.doubt_broken for one in found], alpha=alpha)
    return [_outcome(one, kept=k, broken=b) for one, k, b in zip(found, kept, broken, strict=True)]


def _outcome(found: Claim, *, kept: bool, broken: bool) -> Outcome:
    if not found.is_informative or not (kept or broken):
        return Outcome.INCONCLUSIVE
    return Outcome.PASS if kept else Outcome.FAIL


def holm(doubts: Sequence[float], *, alpha: float) -> list[bool]:
    """Which claims are shown, given each one's p-value, with `alpha` for a wrong one among them all."""
    shown = [False] * len(doubts)
    for rank, place in enumerate(sorted(range(len(doubts)), key=doubts.__getitem__)):
        if doubts[place] > alpha / (len(doubts) - rank):
            break
        shown[place] = True
    return shown


def quantile_interval(latencies: Sequence[float], *, quantile: float, alpha: float = 0.05) -> Interval:
    """Give an order statistic and its two-sided rank interval of confidence 1 - alpha.

    The ranks of independent values (David and Nagaraja, Order Statistics, 7.1), widened by
    the design effect at the quantile; an end that the sample does not reach is 0 or `math.inf`.
    """
    ranked = sorted(latencies)
    estimate = _order_statistic(ranked, quantile)
    effect = design_effect([value > estimate for value in latencies])
    if not ranked:
        return Interval(estimate=estimate, low=0.0, high=math.inf)
    half = student_quantile(1 - alpha / 2, BATCHES - 1) * math.sqrt(quantile * (1 - quantile) * effect / len(ranked))
    low, high = math.floor(len(ranked) * (quantile - half)), math.ceil(len(ranked) * (quantile + half)) + 1
    return Interval(
        estimate=estimate,
        low=ranked[low - 1] if low >= 1 else 0.0,
        high=ranked[high - 1] if high <= len(ranked) else math.inf,
    )


def drift(flags: Sequence[bool]) -> float:
    """By how many standard errors the second half's share exceeds the first's, the design effect included."""
    half = len(flags) // 2
    share = sum(flags) / len(flags) if flags else 0.0
    if half == 0 or share in {0.0, 1.0}:
        return 0.0
    error = math.sqrt(share * (1 - share) * design_effect(flags) * (1 / half + 1 / (len(flags) - half)))
    return (sum(flags[half:]) / (len(flags) - half) - sum(flags[:half]) / half) / error


def student_cdf(t: float, degrees: int) -> float:
    """Give Student's distribution function, exactly (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(degrees))
    cosine, sine = math.cos(angle), math.sin(angle)
    odd = degrees % 2
    term = cosine if odd else 1.0
    total = term if degrees > 1 else 0.0
    for step in range(3 if odd else 2, degrees - 1, 2):
        term *= cosine**2 * (step - 1) / step
        total += term
    within = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return (1 + within) / 2


def student_quantile(probability: float, degrees: int) -> float:
    """Give the inverse of `student_cdf`, to 1e-9."""
    low, high = -1e3, 1e3
    while high - low > 1e-9:  # noqa: PLR2004 - the promised precision
        middle = (low + high) / 2
        low, high = (middle, high) if student_cdf(middle, degrees) < probability else (low, middle)
    return (low + high) / 2


def _order_statistic(ranked: Sequence[float], quantile: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed; of nothing, infinity."""
    return ranked[max(0, math.ceil(len(ranked) * quantile - 1e-9) - 1)] if ranked else math.inf


def _batches(values: Sequence[Value]) -> list[Sequence[Value]]:
    edges = [len(values) * place // BATCHES for place in range(BATCHES + 1)]
    return [values[start:end] for start, end in itertools.pairwise(edges)]


def _mean(values: Sequence[float]) -> float:
    """Of nothing it is infinite: nothing was shown."""
    return sum(values) / len(values) if values else math.inf
