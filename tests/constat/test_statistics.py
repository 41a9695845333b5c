"""Verdicts on shares and quantiles: what they promise, on data whose truth is known."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.outcome import Outcome
from constat.statistics import (
    Exceedance,
    average,
    design_effect,
    drift,
    exceedance,
    holm,
    quantile_interval,
    student_cdf,
    student_quantile,
    verdict,
    verdicts,
)

LATENCIES = st.lists(st.floats(min_value=0, max_value=10, allow_nan=False) | st.just(math.inf), min_size=1, max_size=300)
SHARES = st.lists(st.booleans(), min_size=1, max_size=500)
DOUBTS = st.lists(st.floats(min_value=0, max_value=1, allow_nan=False), max_size=20)


def waiting(utilisation: float, requests: int, draw: random.Random) -> list[float]:
    """Sojourn times of an M/M/1 queue from its steady state (Lindley's recursion); their p-quantile is -ln(1-p)/(1-rho)."""
    wait = 0.0 if draw.random() > utilisation else draw.expovariate(1 - utilisation)
    times = []
    for _ in range(requests):
        service = draw.expovariate(1.0)
        times.append(wait + service)
        wait = max(0.0, wait + service - (draw.expovariate(utilisation) if utilisation else math.inf))
    return times


def found(requests: int, exceeding: int, *, effect: float = 1.0) -> Exceedance:
    """An exceedance of a p95."""
    return Exceedance(requests=requests, exceeding=exceeding, allowed=0.05, design_effect=effect)


@pytest.mark.parametrize(("utilisation", "requests"), [(0.0, 3000), (0.5, 3000), (0.7, 3000), (0.8, 3000)])
def test_a_verdict_ten_percent_off_is_not_wrong_beyond_its_rate(utilisation: float, requests: int) -> None:
    """With the truth 10 % beyond the limit a PASS, and 10 % within it a FAIL, is at most as frequent as promised."""
    draw, runs = random.Random(7), 200
    truth = -math.log(0.05) / (1 - utilisation)
    samples = [waiting(utilisation, requests, draw) for _ in range(runs)]

    passed = sum(verdict(exceedance(sample, limit=truth * 0.9)) is Outcome.PASS for sample in samples)
    failed = sum(verdict(exceedance(sample, limit=truth * 1.1)) is Outcome.FAIL for sample in samples)

    by_chance = runs * 0.025 + 2 * math.sqrt(runs * 0.025 * 0.975)
    assert passed <= by_chance
    assert failed <= by_chance


def test_a_verdict_far_off_is_given() -> None:
    """Independent requests with the truth 20 % off the limit get a verdict nearly always, and the right one."""
    draw, truth = random.Random(8), -math.log(0.05)
    samples = [waiting(0.0, 3000, draw) for _ in range(50)]

    assert sum(verdict(exceedance(sample, limit=truth * 1.2)) is Outcome.PASS for sample in samples) >= 49
    assert sum(verdict(exceedance(sample, limit=truth * 0.8)) is Outcome.FAIL for sample in samples) >= 49


def test_requests_that_wait_behind_each_other_are_worth_less() -> None:
    """The design effect is about 1 for independent requests and grows with the queue."""
    draw = random.Random(9)
    effects = [design_effect([time > -math.log(0.05) / (1 - rho) for time in waiting(rho, 10_000, draw)]) for rho in (0.0, 0.5, 0.8)]

    assert effects[0] < 2 < effects[1] < effects[2]


@given(LATENCIES)
def test_a_limit_above_everything_is_never_broken(latencies: list[float]) -> None:
    """What never exceeded the limit is never a FAIL, what always did never a PASS."""
    assert verdict(exceedance(latencies, limit=math.inf)) is not Outcome.FAIL
    assert verdict(exceedance(latencies, limit=-1.0)) is not Outcome.PASS


@given(LATENCIES, st.floats(min_value=0, max_value=10))
def test_kept_and_broken_are_never_both_shown(latencies: list[float], limit: float) -> None:
    """The two doubts never vanish together, so no count is both PASS and FAIL."""
    one = exceedance(latencies, limit=limit)

    assert not (one.doubt_kept <= 0.025 and one.doubt_broken <= 0.025)


@given(LATENCIES, st.floats(min_value=0, max_value=10))
def test_a_failure_counts_as_slower(latencies: list[float], limit: float) -> None:
    """A request that failed exceeds every finite limit."""
    assert exceedance([*latencies, math.inf], limit=limit).exceeding == exceedance(latencies, limit=limit).exceeding + 1


@given(SHARES)
def test_a_design_effect_is_never_below_one(flags: list[bool]) -> None:
    """Dependence never makes requests worth more than independent ones."""
    assert 1.0 <= design_effect(flags) <= max(1.0, len(flags))


def test_too_few_requests_decide_nothing() -> None:
    """Below the least information there is no verdict, however good it looks."""
    assert verdict(found(199, 1)) is Outcome.INCONCLUSIVE
    assert verdict(found(200, 1)) is Outcome.PASS
    assert verdict(found(2000, 1, effect=10.1)) is Outcome.INCONCLUSIVE
    assert verdict(found(199, 40)) is Outcome.INCONCLUSIVE
    assert verdict(exceedance([], limit=1.0)) is Outcome.INCONCLUSIVE


def test_a_median_beyond_the_limit_needs_no_knowledge_of_the_tail() -> None:
    """When most requests exceed the limit in one long jam, that is a FAIL although they depend on each other."""
    jam = [0.1] * 600 + [5.0] * 2400

    assert exceedance(jam, limit=0.2).information < 10
    assert verdict(exceedance(jam, limit=0.2)) is Outcome.FAIL


def test_none_at_all_is_bounded_exactly() -> None:
    """With no exceedance the doubt is (1-p)^n of the least that the requests may be worth, and needs no other information."""
    assert found(376, 0).doubt_kept == pytest.approx(0.95**200)
    assert verdict(found(140, 0)) is Outcome.PASS
    assert verdict(found(130, 0)) is Outcome.INCONCLUSIVE


def test_a_share_near_the_limit_is_inconclusive() -> None:
    """One standard error from the limit there is no verdict on either side."""
    assert verdict(found(3000, 162)) is Outcome.INCONCLUSIVE
    assert verdict(found(3000, 138)) is Outcome.INCONCLUSIVE
    assert verdict(found(3000, 110)) is Outcome.PASS
    assert verdict(found(3000, 190)) is Outcome.FAIL


@given(DOUBTS, st.floats(min_value=0.001, max_value=0.2))
def test_holm_lies_between_bonferroni_and_nothing(doubts: list[float], alpha: float) -> None:
    """Holm shows whatever Bonferroni would, and nothing that would not be shown alone."""
    shown = holm(doubts, alpha=alpha)

    assert all(one for one, doubt in zip(shown, doubts, strict=True) if doubt <= alpha / len(doubts))
    assert not any(one for one, doubt in zip(shown, doubts, strict=True) if doubt > alpha)


def test_several_subjects_are_judged_more_strictly_than_one() -> None:
    """What just passes alone does not pass beside others that are as doubtful."""
    doubtful = found(1000, 35)

    assert verdict(doubtful) is Outcome.PASS
    assert verdicts([doubtful] * 8) == [Outcome.INCONCLUSIVE] * 8


@given(LATENCIES)
def test_a_quantile_lies_in_its_interval(latencies: list[float]) -> None:
    """The estimate is one of the values, between the ends of its interval."""
    interval = quantile_interval(latencies, quantile=0.95)

    assert interval.estimate in latencies
    assert interval.low <= interval.estimate <= interval.high


def test_a_quantile_interval_covers_the_truth() -> None:
    """The interval of 95 % misses the true p95 of independent values about one time in twenty."""
    draw, truth = random.Random(10), -math.log(0.05)
    intervals = [quantile_interval(waiting(0.0, 1000, draw), quantile=0.95) for _ in range(200)]

    assert sum(not interval.low <= truth <= interval.high for interval in intervals) <= 18


def test_ranks_are_those_of_the_order_statistics() -> None:
    """Of 1,000 independent values the interval of the p95 goes from about the 936th to the 964th."""
    interval = quantile_interval(list(map(float, random.Random(11).sample(range(1, 1001), 1000))), quantile=0.95)

    assert interval.estimate == 950
    assert 933 <= interval.low <= 937
    assert 963 <= interval.high <= 968


def test_drift_has_a_sign() -> None:
    """A second half that is worse is positive, a better one negative, none is 0."""
    worse = [False] * 500 + [place % 5 == 0 for place in range(500)]

    assert drift(worse) > 3
    assert drift(worse[::-1]) < -3
    assert drift([place % 5 == 0 for place in range(1000)]) == pytest.approx(0, abs=0.1)
    assert drift([]) == 0


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (18, 2.1009), (19, 2.0930), (120, 1.9799)],
    ids=lambda value: f"{value}",
)
def test_students_quantiles_are_those_of_the_tables(degrees: int, quantile: float) -> None:
    """The 97.5 % quantiles agree with the printed tables to four digits."""
    assert student_quantile(0.975, degrees) == pytest.approx(quantile, abs=1e-4)


@given(st.floats(min_value=-50, max_value=50), st.integers(min_value=1, max_value=60))
def test_students_distribution_is_symmetric(t: float, degrees: int) -> None:
    """P(T <= t) and P(T <= -t) add up to 1."""
    assert student_cdf(t, degrees) + student_cdf(-t, degrees) == pytest.approx(1)


@given(st.lists(st.floats(0, 10), min_size=20, max_size=400), st.floats(0, 10))
def test_a_mean_is_never_shown_on_both_sides(values: list[float], limit: float) -> None:
    """What is shown to be below the limit is not shown to be above it."""
    found = average(values, limit=limit)

    assert not (found.doubt_kept < 0.025 and found.doubt_broken < 0.025)
    assert found.mean == pytest.approx(sum(values) / len(values))


def test_a_mean_of_dependent_values_knows_less() -> None:
    """Slow minutes make the error larger than the same values well mixed."""
    slow_minutes = ([1.0] * 50 + [0.0] * 50) * 10
    mixed = [1.0, 0.0] * 500

    assert average(slow_minutes, limit=0.4).error > 10 * average(mixed, limit=0.4).error
    assert verdict(average(mixed, limit=0.4)) is Outcome.FAIL


def test_a_mean_of_few_values_decides_nothing() -> None:
    """Neither nothing nor a handful is a verdict."""
    for values in ([], [0.0] * 5, [0.0] * 100):
        assert verdict(average(values, limit=1.0)) is Outcome.INCONCLUSIVE
