"""The stub's distributions are what they say."""

from __future__ import annotations

import itertools
import math

import pytest

from constat.errors import UserError
from load.delays import GRID, parse_delays


@pytest.mark.parametrize(
    ("text", "p95"), [("constant:20", 0.020), ("exponential:40", -0.040 * math.log(0.05)), ("mixture:40,150,0.1", 0.150)]
)
def test_the_quantiles_are_those_of_the_distribution(text: str, p95: float) -> None:
    """The 95th percentile of one round of the grid is the distribution's."""
    drawn = sorted(itertools.islice(parse_delays(text).sequence(1), GRID))

    assert drawn[949] == pytest.approx(p95, rel=0.02)


def test_the_order_is_decided_by_the_seed() -> None:
    """The same seed gives the same delays, another seed others."""
    one, same, other = (list(itertools.islice(parse_delays("exponential:40").sequence(seed), 50)) for seed in (1, 1, 2))

    assert one == same != other


@pytest.mark.parametrize("text", ["", "uniform:3", "constant:", "constant:a", "constant:1,2", "mixture:1"])
def test_an_unknown_distribution_is_refused(text: str) -> None:
    """The message names what was given and what there is."""
    with pytest.raises(UserError, match="expected constant:MS"):
        parse_delays(text)
