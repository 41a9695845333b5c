"""The search for the highest rate: it ends, and its two ends are what was really shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from constat.outcome import Outcome
from load.limit import PRECISION, Step, find_limit

if TYPE_CHECKING:
    from collections.abc import Callable


def platform(truth: float, *, doubt: float = 0.0, generator: float = 1e9) -> Callable[[float], Step]:
    """A platform that holds up to `truth`, undecided within `doubt` of it, behind a generator with a limit of its own."""

    def probe(rate: float) -> Step:
        if rate > generator:
            return Step(rate=rate, outcome=Outcome.INCONCLUSIVE, words="schedule kept")
        if abs(rate - truth) < doubt * truth:
            return Step(rate=rate, outcome=Outcome.INCONCLUSIVE, words="information")
        return Step(rate=rate, outcome=Outcome.PASS if rate <= truth else Outcome.FAIL, words="")

    return probe


@given(truth=st.floats(15, 1500), start=st.floats(10, 2000))
def test_the_truth_lies_between_the_ends(truth: float, start: float) -> None:
    """Wherever the search begins, what holds is below the truth, what breaks above it, and they are close."""
    found = find_limit(platform(truth), start=start, least=5, most=4000)

    assert found.breaks is not None
    assert 0 < found.holds <= truth < found.breaks
    assert found.breaks / found.holds <= PRECISION + 1e-9


@given(truth=st.floats(15, 1500), doubt=st.floats(0.05, 0.3), start=st.floats(10, 2000))
def test_what_is_not_decided_is_not_claimed(truth: float, doubt: float, start: float) -> None:
    """An undecided run ends the search; the ends are still only what was shown."""
    found = find_limit(platform(truth, doubt=doubt), start=start, least=5, most=4000)

    assert found.holds <= truth
    assert found.breaks is None or found.breaks > truth


def test_a_generator_at_its_end_is_not_the_platforms_limit() -> None:
    """Nothing is said to break when it was the generator that could not."""
    found = find_limit(platform(5000, generator=900), start=100, least=5, most=4000)

    assert (found.holds, found.breaks) == (800, None)
    assert "schedule kept" in found.why


def test_a_platform_that_never_holds_holds_at_nothing() -> None:
    """Zero is said, not the lowest rate that was tried."""
    found = find_limit(platform(0.1), start=100, least=5, most=4000)

    assert found.holds == 0
    assert found.breaks == 6.25


def test_the_most_that_may_be_tried_is_said() -> None:
    """A platform that is better than the search may ask is not given a limit."""
    found = find_limit(platform(1e6), start=100, least=5, most=1000)

    assert (found.holds, found.breaks) == (800, None)
    assert "1000 is the most" in found.why
