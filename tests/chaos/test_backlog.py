"""After an outage of the store: every segment in between must be there, whatever came after it."""

from __future__ import annotations

import pytest

from chaos.backlog import caught_up
from constat.observe.archive import Place, Segment
from constat.outcome import Outcome


@pytest.mark.parametrize(
    ("numbers", "outcome"),
    [((3, 4, 5, 6), Outcome.PASS), ((3, 5, 6), Outcome.FAIL), ((3, 4, 6), Outcome.FAIL), ((3, 4, 5), Outcome.FAIL), ((3,), Outcome.FAIL)],
    ids=["all", "dropped", "another one dropped", "not caught up", "nothing since"],
)
def test_a_segment_that_was_dropped_is_red(numbers: tuple[int, ...], outcome: Outcome) -> None:
    """That the newest one has arrived says nothing of those before it."""
    there = [Segment(place=Place(1, number), digest="", packing="", path="") for number in numbers]

    assert caught_up(there, before=3, meanwhile=[Place(1, 4).name], last=Place(1, 6).name).outcome is outcome
