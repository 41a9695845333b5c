"""The archive's judges: from what was read of the objects to what is said of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from constat.handover import Arrival
from constat.observe.archive import Fork, Place, Segment
from constat.observe.wal import Content, Run
from constat.outcome import Outcome
from suites.backups.chain import Chain
from suites.backups.test_archive import Examined, arrival, confidentiality, continuity, defect, distinctness, wholeness, written_on

SEGMENT = Segment(place=Place(2, 6), digest="d" * 40, packing="lz4", path="archive/…")
START = 6 << 24
END = START + (1 << 24) - 8192
CONTENT = Content(digest="d" * 40, is_wal=True, system="77", number=6, runs=(Run(timeline=2, first=START, last=END),))


def test_a_segment_that_is_what_its_name_says_has_no_defect() -> None:
    """Digest, timeline, number and cluster fit."""
    assert defect(SEGMENT, CONTENT, forks=(), system="77") == ""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (replace(CONTENT, digest="e" * 40), "SHA-1"),
        (replace(CONTENT, is_wal=False), "another segment"),
        (replace(CONTENT, runs=(Run(timeline=1, first=START, last=END),)), "another segment"),
        (replace(CONTENT, torn_at=7), "torn"),
        (replace(CONTENT, number=7), "another segment"),
        (replace(CONTENT, system="78"), "another cluster"),
    ],
    ids=["rotten", "no WAL", "another timeline", "torn", "another number", "another cluster"],
)
def test_each_deviation_is_a_defect(content: Content, words: str) -> None:
    """A segment that is not what its name says is a defect, whichever way."""
    assert words in defect(SEGMENT, content, forks=(), system="77")


def test_the_first_segment_of_a_timeline_begins_with_its_parents_pages() -> None:
    """Up to the fork the pages are the parent's, from there on the child's: one page too many on either side is a defect."""
    forks = (Fork(timeline=2, parent=1, position=START + 100 * 8192 + 50),)

    def split(page: int, parent: int = 1) -> Content:
        cut = START + page * 8192
        return replace(CONTENT, runs=(Run(timeline=parent, first=START, last=cut), Run(timeline=2, first=cut + 8192, last=END)))

    assert defect(SEGMENT, split(100), forks=forks, system="77") == ""
    assert "timeline 1, not 2" in defect(SEGMENT, split(101), forks=forks, system="77")
    assert "timeline 2, not 1" in defect(SEGMENT, split(99), forks=forks, system="77")
    assert "timeline 3, not 1" in defect(SEGMENT, split(100, parent=3), forks=forks, system="77")


def test_a_page_belongs_to_the_youngest_ancestor_that_had_begun() -> None:
    """Several forks are followed back; a history that leads in a circle ends."""
    forks = (Fork(timeline=2, parent=1, position=100), Fork(timeline=3, parent=2, position=200))

    assert [written_on(address, 3, forks) for address in (50, 99, 100, 199, 200)] == [1, 1, 2, 2, 3]
    assert written_on(0, 2, [Fork(timeline=2, parent=3, position=9), Fork(timeline=3, parent=2, position=9)]) == 2


def test_one_wal_under_two_names_is_a_defect() -> None:
    """A copy under another's name has the right digest; so has a second object for one place a digest of its own."""
    other = replace(SEGMENT, place=Place(2, 7), digest="e" * 40)

    assert distinctness([SEGMENT, other]).outcome is Outcome.PASS
    assert "hold the same" in distinctness([SEGMENT, replace(other, digest=SEGMENT.digest)]).reason
    assert "2 times" in distinctness([SEGMENT, replace(other, place=SEGMENT.place)]).reason


def test_a_gap_is_named() -> None:
    """The verdict says before which segment a recovery stops; a missing history counts as a gap."""
    whole = Chain(first=Place(1, 4), last=Place(1, 9), missing=())

    assert continuity(whole).outcome is Outcome.PASS
    assert "stops before 000000010000000000000006" in continuity(replace(whole, missing=(Place(1, 6).name,))).reason
    assert continuity(replace(whole, orphans=(2,))).observed == ["00000002.history"]


def test_a_segment_that_does_not_arrive_fails() -> None:
    """That the server believes to have archived it is no answer."""
    assert arrival(Arrival(segment="x", is_there=True, reason="")).outcome is Outcome.PASS
    assert arrival(Arrival(segment="x", is_there=False, reason="")).outcome is Outcome.FAIL


def test_content_is_said_by_timeline_and_by_name() -> None:
    """One bad segment fails its timeline and is named; the others pass."""
    good, bad = Examined(segment=SEGMENT, bare="", wrong=""), Examined(segment=replace(SEGMENT, place=Place(1, 5)), bare="", wrong="rotten")

    judged = {judgement.subject: judgement for judgement in wholeness([good, bad])}

    assert judged["content of timeline 2"].outcome is Outcome.PASS
    assert judged["content of timeline 1"].observed == [f"{Place(1, 5).name}: rotten"]


def test_a_bare_segment_fails() -> None:
    """A segment that somebody without the key can read is named with what it is."""
    bare = Examined(segment=SEGMENT, bare="LZ4", wrong="")

    assert confidentiality([replace(bare, bare="")]).outcome is Outcome.PASS
    assert confidentiality([bare]).outcome is Outcome.FAIL
