"""The chain of segments: what a recovery would read, across timelines, and what it would miss."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.observe.archive import Backup, Fork, Place, Segment, place
from suites.backups.chain import chain


def segments(*places: tuple[int, int]) -> list[Segment]:
    """Archived segments of these timelines and numbers."""
    return [Segment(place=Place(*found), digest="", packing="lz4", path=Place(*found).name) for found in places]


def backup(timeline: int, number: int, *, broken: bool = False) -> Backup:
    """A base backup that begins in that segment."""
    return Backup(label="full", kind="full", start=Place(timeline, number), stop=Place(timeline, number + 1), has_error=broken)


@given(st.integers(min_value=0, max_value=600), st.integers(min_value=3, max_value=30), st.data())
def test_every_missing_segment_is_named(first: int, length: int, data: st.DataObject) -> None:
    """Whatever is taken out between the oldest backup and the newest segment is told, and nothing else."""
    numbers = range(first, first + length)
    gone = data.draw(st.sets(st.sampled_from(numbers[:-1])))
    there = segments(*((1, number) for number in numbers if number not in gone))

    assert chain(there, [backup(1, first)], []).missing == tuple(Place(1, number).name for number in sorted(gone))


def test_the_child_of_a_fork_has_the_segment_of_the_fork() -> None:
    """After a failover the parent is needed up to the segment before the fork, the child from it on."""
    there = segments((1, 4), (1, 5), (2, 6), (2, 7))

    whole = chain(there, [backup(1, 4)], [Fork(timeline=2, parent=1, position=6 << 24)])

    assert (whole.missing, whole.orphans, whole.length) == ((), (), 4)


def test_what_the_dead_branch_has_left_is_not_needed() -> None:
    """A segment that the old primary archived beyond the fork neither helps nor hurts."""
    forks = [Fork(timeline=2, parent=1, position=6 << 24)]

    assert chain(segments((1, 4), (1, 5), (1, 6), (1, 7), (2, 6), (2, 7)), [backup(1, 4)], forks).missing == ()
    assert chain(segments((1, 4), (1, 5), (1, 6), (1, 7), (2, 7)), [backup(1, 4)], forks).missing == (Place(2, 6).name,)


def test_several_failovers_are_followed_back() -> None:
    """Timelines 3, 2 and 1 make one chain, also when two forks are in one segment."""
    forks = [Fork(timeline=2, parent=1, position=6 << 24), Fork(timeline=3, parent=2, position=6 << 24)]

    assert chain(segments((1, 4), (1, 5), (3, 6), (3, 7)), [backup(1, 4)], forks).missing == ()


def test_a_timeline_without_its_history_leads_nowhere() -> None:
    """When the history file is missing, recovery does not find the newest timeline's beginning."""
    assert chain(segments((1, 4), (1, 5), (2, 6)), [backup(1, 4)], []).orphans == (2,)


def test_the_oldest_backup_counts() -> None:
    """A gap before the newest backup breaks the older one's way to now."""
    there = segments((1, 4), (1, 6), (1, 7), (1, 8))

    assert chain(there, [backup(1, 7), backup(1, 4)], []).missing == (Place(1, 5).name,)
    assert chain(there, [backup(1, 7), backup(1, 4, broken=True)], []).missing == ()


def test_without_a_backup_or_a_segment_there_is_no_chain() -> None:
    """Nothing is not a chain without a gap."""
    with pytest.raises(ValueError, match="no base backup"):
        chain(segments((1, 4)), [], [])
    with pytest.raises(ValueError, match="no segment"):
        chain([], [backup(1, 4)], [])


@given(st.integers(min_value=1, max_value=0xFFFF), st.integers(min_value=0, max_value=0xFFFFF))
def test_a_place_is_named_as_the_server_names_it(timeline: int, number: int) -> None:
    """A name is read back as the place that it was made of."""
    assert place(Place(timeline, number).name) == Place(timeline, number)
    assert Place(1, 256).name == "000000010000000100000000"
