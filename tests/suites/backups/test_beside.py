"""What lies beside segments: records, histories, ends of backups, and the command that archives."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.observe.archive import Backup, Fork, History, Place, Segment, history
from constat.observe.replication import Archiving
from constat.outcome import Outcome
from suites.backups import histories, records
from suites.backups.records import Read

NODE = Archiving(node="one", mode="on", command='timeout 30 pgbackrest archive-push "%p"', timeout_seconds=60, waiting_seconds=0)
SECOND = history(2, b"1\t0/3000000\tno recovery target\n")
THIRD = history(3, b"1\t0/3000000\tno recovery target\n2\t0/5000000\tno recovery target\n")


def segment(timeline: int) -> Segment:
    """A segment of that timeline."""
    return Segment(place=Place(timeline, 3), digest="d" * 40, packing="", path="p")


@given(numbers=st.sets(st.integers(1, 60), min_size=1), size=st.integers(2, 9))
def test_stretches_cover_the_chain_and_overlap(numbers: set[int], size: int) -> None:
    """No segment is left out, none is beyond a gap, and two that follow each other are in one stretch together."""
    chain = [Place(1, number) for number in sorted(numbers)]
    stretches = records.windows(chain, size=size)
    pairs = {pair for stretch in stretches for pair in itertools.pairwise(stretch)}

    assert {place for stretch in stretches for place in stretch} == set(chain)
    assert all(len(stretch) <= size for stretch in stretches)
    assert {(a, b) for a, b in itertools.pairwise(chain) if b.number == a.number + 1} == pairs


def test_of_a_large_archive_both_ends_are_always_read() -> None:
    """The others are drawn by chance, and the limit is kept."""
    stretches = records.windows([Place(1, number) for number in range(100)], size=5)
    some = records.chosen(stretches, limit=20, seed=7)

    assert (some[0], some[-1]) == (stretches[0], stretches[-1])
    assert sum(map(len, some)) <= 20
    assert records.chosen(stretches, limit=1000, seed=7) == stretches
    assert records.chosen([], limit=10, seed=7) == []


def test_records_that_nobody_read_are_not_green() -> None:
    """Without the program nothing is known; with it, one complaint fails."""
    whole = Read(places=(Place(1, 3),), wrong=())

    assert records.judge(whole).outcome is Outcome.PASS
    assert records.judge(replace(whole, unread="no program")).outcome is Outcome.NOT_REVIEWED
    assert records.judge(replace(whole, wrong=("checksum",))).outcome is Outcome.FAIL
    assert list(records.complaint("first\npg_waldump: error: error in WAL record at 0/1: bad")) == ["error in WAL record at 0/1: bad"]


def test_a_history_is_read_to_its_end() -> None:
    """Each line is a timeline that was left; what is no history has no forks."""
    assert THIRD.forks == (Fork(timeline=2, parent=1, position=0x3000000), Fork(timeline=3, parent=2, position=0x5000000))
    assert history(2, b"").forks == ()
    assert history(2, b"garbage\n").forks == ()


@pytest.mark.parametrize(
    ("used", "files", "timeline", "words"),
    [
        ((1,), (), 1, ""),
        ((1, 2, 3), (SECOND, THIRD), 3, ""),
        ((1, 2), (), 2, "00000002.history is not archived"),
        ((1,), (), 2, "00000002.history is not archived"),
        ((1, 3), (THIRD,), 3, "00000002.history is not archived"),
        ((1, 2), (History(timeline=2, forks=()),), 2, "holds no history"),
        ((1,), (SECOND,), 1, "never was on that timeline"),
        ((1, 2), (history(2, b"2\t0/3000000\tx\n"),), 2, "not older"),
        ((1, 2, 3), (history(2, b"1\t0/4000000\tx\n"), THIRD), 3, "two stories"),
    ],
)
def test_every_timeline_has_one_history(used: tuple[int, ...], files: tuple[History, ...], timeline: int, words: str) -> None:
    """Missing, unreadable, of the future, circular and contradicting ones fail."""
    judged = histories.judge([segment(number) for number in used], files, timeline=timeline)

    assert judged.outcome is (Outcome.FAIL if words else Outcome.PASS)
    assert words in judged.reason


def test_a_backup_without_its_end_fails() -> None:
    """The server ends each with a file of its own, which goes the way of segments."""
    backup = Backup(label="F", kind="full", start=Place(1, 4), stop=Place(1, 4), has_error=False)

    assert histories.judge_ends([backup], frozenset({Place(1, 4).name})).outcome is Outcome.PASS
    assert histories.judge_ends([backup], frozenset()).observed == ["F"]


@pytest.mark.parametrize(
    ("seen", "good"),
    [
        (NODE, True),
        (replace(NODE, mode="off"), False),
        (replace(NODE, command="/bin/true"), False),
        (replace(NODE, command='case "%f" in *.history) exit 0 ;; esac; push "%p"'), False),
        (replace(NODE, command='push "%p" || true'), False),
        (replace(NODE, command='push "%p" &'), False),
    ],
)
def test_the_command_hands_over_whatever_it_is_given(seen: Archiving, good: bool) -> None:  # noqa: FBT001 - a table
    """A shell that decides may leave out what nobody misses before a failover."""
    assert histories.judge_command(seen).outcome is (Outcome.PASS if good else Outcome.FAIL)
