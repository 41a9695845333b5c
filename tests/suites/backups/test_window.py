"""The window: what a base and the log after it cover, and what is said of what they do not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.observe.archive import Backup, Fork, Place, Segment
from constat.outcome import Outcome
from suites.backups.window import DAY, GRAIN, Window, judge, window

BEGIN = 1_800_000_000.0
MINUTE = 60.0


def segment(number: int, timeline: int = 1) -> Segment:
    """A segment that was stored in that minute."""
    return Segment(place=Place(timeline, number), digest="", packing="", path="", stored_at=BEGIN + number * MINUTE)


def base(number: int, timeline: int = 1) -> Backup:
    """A backup that was made during that segment, and ended when it was stored."""
    here = Place(timeline, number)
    return Backup(label=f"F{number}", kind="full", start=here, stop=here, has_error=False, ended_at=BEGIN + number * MINUTE)


def seen(numbers: range | list[int], *bases: int, first: float = BEGIN, retention: float | None = None) -> Window:
    """The window of these segments and bases; the first backup ever was made in minute 0."""
    return window([segment(number) for number in numbers], [base(number) for number in bases], (), first=first, retention=retention)


def minutes(found: Window) -> list[tuple[float, float]]:
    """The gaps, in minutes."""
    return [((begin - BEGIN) / MINUTE, (end - BEGIN) / MINUTE) for begin, end in found.gaps]


def test_a_base_and_all_that_followed_is_a_window() -> None:
    """Without a gap, from the first backup to the newest segment."""
    found = seen(range(10), 0, 5)

    assert (minutes(found), found.seconds, judge(found, promised_days=30).outcome) == ([], 9 * MINUTE, Outcome.PASS)


@pytest.mark.parametrize(
    ("numbers", "bases", "gaps"),
    [
        ([0, 1, 2, 4, 5, 6, 7, 8, 9], (0,), [(2, 9)]),
        ([0, 1, 2, 4, 5, 6, 7, 8, 9], (0, 6), [(2, 6)]),
        ([4, 5, 6, 7, 8, 9], (4,), [(0, 4)]),
        ([0, 2, 3, 5, 6], (0, 2, 6), [(0, 2), (3, 6)]),
    ],
    ids=["a segment", "a segment before a base", "an expired base", "two"],
)
def test_what_is_missing_leaves_a_gap_until_the_next_base(numbers: list[int], bases: tuple[int, ...], gaps: list[tuple[int, int]]) -> None:
    """And the gap is named."""
    found = seen(numbers, *bases)

    assert (minutes(found), judge(found, promised_days=30).outcome) == (gaps, Outcome.FAIL)


def test_a_base_across_a_gap_covers_nothing() -> None:
    """Its own log is not whole, so it does not even come up."""
    across = replace(base(2), start=Place(1, 2), stop=Place(1, 4), ended_at=BEGIN + 4 * MINUTE)

    assert window([segment(n) for n in (2, 4, 5)], [across], (), first=BEGIN, retention=None).covered == ()


def test_the_window_follows_a_failover() -> None:
    """The new timeline has the segment of the fork whole; a parent's later segments lead nowhere."""
    there = [segment(n) for n in range(5)] + [segment(n, 2) for n in range(4, 8)]
    fork = Fork(timeline=2, parent=1, position=(4 << 24) + 100)

    assert minutes(window(there, [base(0)], [fork], first=BEGIN, retention=None)) == []


def test_only_the_promised_time_is_judged() -> None:
    """What is older than the retention may be gone."""
    assert minutes(seen([4, 5, 6, 7, 8, 9], 4, retention=5 * MINUTE)) == []
    assert minutes(seen([4, 5, 6, 7, 8, 9], 4, retention=6 * MINUTE)) == [(3, 4)]


def test_a_young_platform_says_so_far_and_claims_no_objective() -> None:
    """A retention of a month is proven after a month."""
    young, old = judge(seen(range(10), 0), promised_days=30), judge(seen(range(1, 3000), 1, first=0, retention=DAY), promised_days=1)

    assert "so far" in young.reason
    assert "objective" not in (young.expected or {})
    assert old.expected == {"objective": "retention_days", "days": 1}
    assert old.outcome is Outcome.PASS


def test_the_artefact_has_what_the_report_draws() -> None:
    """Bases, what is covered, and the gaps in words."""
    (evidence,) = judge(seen([0, 1, 2, 4, 5], 0, 4), promised_days=30).evidence
    document = json.loads(evidence.content)

    assert (len(document["covered"]), len(document["bases"]), len(document["gaps"])) == (2, 2, 1)
    assert document["covered_seconds"] == 3 * MINUTE


@given(st.sets(st.integers(0, 30), min_size=1), st.sets(st.integers(0, 30), min_size=1))
def test_covered_and_gaps_make_the_whole(numbers: set[int], bases: set[int]) -> None:
    """Whatever is missing: no moment is counted twice, and none is forgotten."""
    found = seen(sorted(numbers), *bases)
    whole = max(0.0, found.until - found.since)

    assert found.seconds + sum(end - begin for begin, end in found.gaps) == pytest.approx(whole, abs=GRAIN * 31)
    assert all(begin < end for begin, end in (*found.covered, *found.gaps))
