"""Exposure: how old what would be lost is, at each moment, and what is said of it."""

from __future__ import annotations

import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from constat.observe.archive import Place, Segment
from constat.observe.exposure import SEGMENT, Sample, begun, followed
from constat.outcome import Outcome
from suites.backups.exposure import POINTS, exposures, judge, judge_fall

BEGIN = Sample(at=0, written=SEGMENT, stored=SEGMENT)


def sample(at: float, written: int | None, stored: int | None) -> Sample:
    """Positions in segments' lengths."""
    return Sample(at=at, written=written and written * SEGMENT, stored=stored and stored * SEGMENT)


def seconds(*samples: Sample) -> list[float]:
    """The curve's values."""
    return [point.seconds for point in exposures((BEGIN, *samples))[1:]]


def test_an_idle_platform_has_nothing_to_lose() -> None:
    """Everything that was written is stored, however long ago that was."""
    assert seconds(*(sample(at, 1, 1) for at in range(1, 5))) == [0, 0, 0, 0]


def test_what_is_written_gets_older_until_it_is_stored() -> None:
    """Then the curve falls to the age of what was written since."""
    written = [sample(1, 1, 1), sample(2, 2, 1), sample(3, 3, 1), sample(4, 3, 2), sample(5, 3, 3)]

    assert seconds(*written) == [0, 1, 2, 2, 0]


def test_silence_lets_the_curve_rise() -> None:
    """Neither a primary nor a store that does not answer is taken for one that has nothing to tell."""
    assert seconds(sample(1, 1, 1), sample(2, None, 1), sample(3, None, None), sample(4, 3, None)) == [0, 1, 2, 3]


def test_it_begins_with_what_the_store_has() -> None:
    """The rest of a segment is as new as the run; a whole one that is not stored is not."""
    assert begun(5 * SEGMENT + 40, 5 * SEGMENT) == 5 * SEGMENT
    assert begun(6 * SEGMENT, 5 * SEGMENT) == 6 * SEGMENT


def test_more_than_promised_is_red_and_too_coarse_is_no_verdict() -> None:
    """The worst moment decides; so may one that nobody saw."""
    rising = [BEGIN, *(sample(at, 2, 1) for at in range(1, 11))]

    assert judge(rising, problem="", promised=9).outcome is Outcome.FAIL
    assert judge(rising, problem="", promised=10.5).outcome is Outcome.INCONCLUSIVE
    assert judge(rising, problem="", promised=3600).outcome is Outcome.PASS


def test_a_sampler_that_has_not_sampled_is_no_verdict() -> None:
    """Dead, or with too little to say."""
    assert judge([BEGIN, sample(1, 1, 1)], problem="", promised=9).outcome is Outcome.ERROR
    assert judge([BEGIN] * 99, problem="KeyError", promised=9).outcome is Outcome.ERROR


def test_a_curve_that_does_not_fall_is_red() -> None:
    """What was written before a switch must be stored soon."""
    stuck = exposures([BEGIN, *(sample(at, 2, 1) for at in range(1, 40))])
    fallen = exposures([BEGIN, sample(1, 2, 1), sample(2, 2, 2)])

    assert judge_fall(1.5, stuck, within=30).outcome is Outcome.FAIL
    assert judge_fall(1.5, fallen, within=30).outcome is Outcome.PASS


def test_a_chart_of_many_points_keeps_the_peak() -> None:
    """Of each stretch its worst moment."""
    many = [BEGIN, *(sample(at, 1 if at < 7000 else 2, 1 if at < 7002 else 2) for at in range(1, 4 * POINTS + 2000))]
    (evidence,) = judge(many, problem="", promised=3600).evidence
    document = json.loads(evidence.content)

    assert len(document["samples"]) <= POINTS
    assert max(value for _, value in document["samples"]) == document["worst"]["seconds"] == 2


@given(st.lists(st.tuples(st.one_of(st.none(), st.integers(1, 9)), st.one_of(st.none(), st.integers(1, 9)))))
def test_a_loss_costs_at_most_what_has_passed(seen: list[tuple[int | None, int | None]]) -> None:
    """Never less than nothing, and it rises by no more than the time between two looks."""
    curve = exposures([BEGIN, *(sample(at, *positions) for at, positions in enumerate(seen, 1))])

    assert all(0 <= point.seconds <= point.at - BEGIN.at for point in curve)
    assert all(later.seconds <= earlier.seconds + 1 for earlier, later in itertools.pairwise(curve))


def test_a_segment_beyond_a_gap_is_not_counted() -> None:
    """A recovery would not get there; one of the next timeline that has the fork whole does."""
    there = [Segment(place=Place(1, number), digest="", packing="", path="") for number in (4, 5, 7)]

    assert followed(3, there) == 5
    assert followed(5, [Segment(place=Place(2, 5), digest="", packing="", path=""), there[2]]) == 5
